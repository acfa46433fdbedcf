//! Many clients that decide on the same events.

use annals_client::{Append, Client, Error, Event, ExpectedRevision as Expected, QueryItem};
use annals_tests::{
    harness::{Server, sample::event},
    on_every_engine,
};

use crate::read_all;

on_every_engine!(
    of_many_who_decide_on_the_same_events_one_is_first,
    money_moves_between_streams_without_being_made_or_lost,
);

async fn of_many_who_decide_on_the_same_events_one_is_first(server: Server) {
    const CLIENTS: usize = 16;
    const SEATS: usize = 8;
    let mut racing = Vec::new();
    for _ in 0..CLIENTS {
        let client = server.client();
        racing.push(tokio::spawn(async move {
            let mut booked = 0;
            for seat in 0..SEATS {
                let about = QueryItem::new().tagged(format!("seat:{seat}"));
                let read = client.read_all().query(about.clone()).await.unwrap();
                let head = read.head();
                if !read.collect().await.unwrap().is_empty() {
                    continue;
                }
                let event = event("SeatBooked").with_tag(format!("seat:{seat}"));
                let append = Append::new()
                    .write("bookings", [event])
                    .expect_no_match(about, head);
                match client.append_all(append).await {
                    Ok(_) => booked += 1,
                    Err(Error::ChecksFailed { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            booked
        }));
    }
    let mut booked = 0;
    for racer in racing {
        booked += racer.await.unwrap();
    }
    assert_eq!(booked, SEATS, "each seat was booked once");
    assert_eq!(read_all(&server.client()).await.len(), SEATS);
}

/// Every transfer takes from one account and gives to another in one append, if both are as they were read.
async fn money_moves_between_streams_without_being_made_or_lost(server: Server) {
    const ACCOUNTS: u64 = 4;
    const START: i64 = 100;
    let client = server.client();
    let entry = |amount: i64| Event::json("Entered", &amount).unwrap();
    for account in 0..ACCOUNTS {
        let stream = format!("account-{account}");
        client
            .append(stream, Expected::NoStream, [entry(START)])
            .await
            .unwrap();
    }
    async fn balance(client: &Client, stream: &str) -> (i64, u64) {
        let read = client.read_stream(stream).await.unwrap();
        let last = read.last_revision().unwrap();
        let entries = read.collect().await.unwrap();
        (
            entries.iter().map(|entry| entry.json::<i64>().unwrap()).sum(),
            last,
        )
    }
    let mut movers = Vec::new();
    for mover in 0..6 {
        let client = server.client();
        movers.push(tokio::spawn(async move {
            let (mut moved, mut lost) = (0, 0);
            while moved < 10 {
                let from = format!("account-{}", (mover + moved) % ACCOUNTS);
                let to = format!("account-{}", (mover + moved + 1 + lost % 3) % ACCOUNTS);
                let (has, from_last) = balance(&client, &from).await;
                let (_, to_last) = balance(&client, &to).await;
                let amount = has.min(30);
                let append = Append::new()
                    .write(from.clone(), [entry(-amount)])
                    .write(to.clone(), [entry(amount)])
                    .expect_stream(from, Expected::Exactly(from_last))
                    .expect_stream(to, Expected::Exactly(to_last));
                match client.append_all(append).await {
                    Ok(_) => moved += 1,
                    Err(Error::ChecksFailed { .. }) => lost += 1,
                    Err(error) => panic!("{error}"),
                }
            }
        }));
    }
    for mover in movers {
        mover.await.unwrap();
    }
    let mut balances = vec![0; ACCOUNTS as usize];
    for (n, event) in (1..).zip(read_all(&client).await) {
        assert_eq!(event.position, n);
        let account: usize = event.stream.trim_start_matches("account-").parse().unwrap();
        balances[account] += event.json::<i64>().unwrap();
        assert!(balances[account] >= 0, "{event:?} overdraws its account");
    }
    assert_eq!(balances.iter().sum::<i64>(), START * ACCOUNTS as i64);
}
