//! The functional style: `decide`, `evolve` and `initial`.

use std::future::IntoFuture;

use annals_client::{Revision, Uuid};
use annals_toolkit::testing::Server;
use annals_toolkit::{CommandError, CommandHandler, Decider};
use futures::future::join_all;

use crate::domain::{Order, OrderEvent};

enum Command {
    Add { item: String },
    Confirm,
}

/// An order that is not mutable.
#[derive(Debug, PartialEq)]
enum State {
    Open(Vec<String>),
    Confirmed(usize),
}

struct Orders;

impl Decider for Orders {
    type Command = Command;
    type Event = OrderEvent;
    type State = State;
    type Rejection = &'static str;
    const CATEGORY: &'static str = "order";

    fn initial() -> State {
        State::Open(Vec::new())
    }

    fn decide(command: &Command, state: &State) -> Result<Vec<OrderEvent>, &'static str> {
        match (command, state) {
            (Command::Add { item }, State::Open(_)) => Ok(vec![OrderEvent::ItemAdded {
                item: item.clone(),
                cents: 100,
            }]),
            (Command::Add { .. }, State::Confirmed(_)) => Err("it is confirmed"),
            (Command::Confirm, State::Open(items)) if items.is_empty() => Err("it is empty"),
            (Command::Confirm, State::Open(_)) => Ok(vec![OrderEvent::OrderConfirmed {}]),
            (Command::Confirm, State::Confirmed(_)) => Ok(Vec::new()),
        }
    }

    fn evolve(state: State, event: &OrderEvent) -> State {
        match (state, event) {
            (State::Open(mut items), OrderEvent::ItemAdded { item, .. }) => {
                items.push(item.clone());
                State::Open(items)
            }
            (State::Open(items), OrderEvent::OrderConfirmed {}) => State::Confirmed(items.len()),
            (state, _) => state,
        }
    }
}

fn add(item: &str) -> Command {
    Command::Add {
        item: item.to_owned(),
    }
}

#[test]
fn rules_are_tested_by_calling_them() {
    let state = [Order::create("ada")]
        .iter()
        .fold(Orders::initial(), Orders::evolve);
    assert_eq!(Orders::decide(&Command::Confirm, &state), Err("it is empty"));
    let added = Orders::decide(&add("tea"), &state).unwrap();
    let state = added.iter().fold(state, Orders::evolve);
    assert_eq!(state, State::Open(vec!["tea".to_owned()]));
}

#[tokio::test]
async fn commands_are_executed_by_functions() {
    let server = Server::start().unwrap();
    let orders = CommandHandler::<Orders>::new(server.client().unwrap());
    let refused = orders.execute("1", Command::Confirm).await.unwrap_err();
    assert!(matches!(refused, CommandError::Rejected("it is empty")));
    // Each of these decides again after the conflicts with the others.
    let items = ["tea", "milk", "bread", "salt"];
    for done in join_all(items.map(|item| orders.execute("1", add(item)).into_future())).await {
        assert!(!done.unwrap().already_executed);
    }
    let command = Uuid::now_v7();
    for nth in 0..2 {
        let done = orders
            .execute("1", Command::Confirm)
            .command_id(command)
            .await
            .unwrap();
        assert_eq!(*done.state, State::Confirmed(4));
        assert_eq!(
            (done.revision, done.already_executed),
            (Some(Revision(4)), nth > 0)
        );
    }
    let loaded = orders.load("1").until_revision(1).await.unwrap();
    assert!(matches!(loaded.state.into_inner(), State::Open(items) if items.len() == 2));
    assert_eq!(orders.stream("1"), "order-1");
}
