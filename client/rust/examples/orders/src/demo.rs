//! The lifecycle of one order, printed step by step.

use annals_client::Uuid;

use crate::application::{Failure, Orders};
use crate::arguments::line;
use crate::order::{Decision, Order, Status};

type Command = Box<dyn Fn(&Order) -> Decision + Send + Sync>;

fn story(id: &str) -> Vec<(&'static str, Command)> {
    let id = id.to_owned();
    vec![
        ("create it", Box::new(move |order| order.create(&id, "ada"))),
        (
            "add two packets of tea",
            Box::new(|order| order.add_item("tea", 2, 450)),
        ),
        ("add a pot", Box::new(|order| order.add_item("pot", 1, 1_900))),
        ("confirm it", Box::new(Order::confirm)),
        (
            "add a cup after that",
            Box::new(|order| order.add_item("cup", 1, 500)),
        ),
        ("ship it", Box::new(|order| order.ship("post", "T-1"))),
        ("deliver it", Box::new(Order::deliver)),
    ]
}

/// Runs the demonstration, in which one command is rejected.
pub async fn run(orders: &Orders) -> Result<(), Failure> {
    let id = format!("demo-{}", Uuid::new_v4().simple());
    for (told, command) in story(&id) {
        match orders.execute(&id, command).await {
            Ok(done) => println!("{told}: {}", line(&done)),
            Err(Failure::Refused(refused)) => println!("{told}: refused, {refused} ({})", refused.code()),
            Err(failure) => return Err(failure),
        }
    }
    println!("now: {}", line(&orders.show(&id, None).await?));
    let history = orders.history(&id, None).await?;
    for happened in &history {
        println!("history: {}", line(happened));
    }
    let confirmed = history
        .get(3)
        .and_then(|happened| happened.recorded_at.parse().ok());
    println!(
        "when it was confirmed: {}",
        line(&orders.show(&id, confirmed).await?)
    );
    let delivered = orders.list(Some(Status::Delivered)).await?;
    for listed in delivered.iter().filter(|listed| listed.order_id == id) {
        println!("in the list: {}", line(listed));
    }
    Ok(())
}
