//! Many clients that decide on the same events.

use annals_client::{Append, Client, Error, Event, ExpectedRevision as Expected, QueryItem};
use annals_tests::{
    checker::{Check, Expected as Expects, Filter, FilterItem},
    harness::{
        ClusterStore, Options, Recorder, Server, assert_sound, foundationdb::programs, is_long,
        sample::event, seed,
    },
    on_every_engine,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::read_all;

on_every_engine!(
    racing_appends_never_violate_each_others_conditions,
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

const STREAMS: u64 = 3;
const TAGS: u64 = 3;

async fn racing_appends_never_violate_each_others_conditions(server: Server) {
    race(&[server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_do_they_on_three_servers_of_one_cluster() {
    if programs().is_none() {
        return;
    }
    let store = ClusterStore::fresh();
    let servers = [(); 3].map(|()| Options::on(&store).start());
    race(&servers).await;
}

/// Many clients append to few streams with few tags, resting on what they saw last; the checker judges by what they asked
/// and what they were answered.
async fn race(servers: &[Server]) {
    const CLIENTS: usize = 12;
    let appends = if is_long() { 400 } else { 60 };
    let (seed, recorder) = (seed(1_871), Recorder::default());
    let mut racing = Vec::new();
    for number in 0..CLIENTS {
        let (client, recorder) = (servers[number % servers.len()].client(), recorder.clone());
        let rng = StdRng::seed_from_u64(seed.wrapping_add(number as u64));
        racing.push(tokio::spawn(append_much(client, recorder, rng, appends)));
    }
    let (mut written, mut refused) = (0, 0);
    for racer in racing {
        let (more_written, more_refused) = racer.await.unwrap();
        written += more_written;
        refused += more_refused;
    }
    println!("{written} written, {refused} refused");
    assert!(
        written > 50 && refused > 50,
        "{written} written and {refused} refused test little"
    );
    assert_sound(&recorder.history(), &read_all(&servers[0].client()).await);
}

async fn append_much(client: Client, recorder: Recorder, mut rng: StdRng, appends: usize) -> (u32, u32) {
    let (mut written, mut refused) = (0, 0);
    let (mut head, mut lasts) = (0, vec![None; STREAMS as usize]);
    for _ in 0..appends {
        if rng.random_bool(0.3) {
            let read = client.read_all().await.unwrap();
            head = read.head();
            for event in read.collect().await.unwrap() {
                lasts[stream_number(&event.stream)] = Some(event.revision);
            }
        }
        let (events, checks) = drawn(&mut rng, head, &lasts);
        let mut tries = 1 + u32::from(rng.random_bool(0.1));
        while tries > 0 {
            tries -= 1;
            let result = recorder.append_all(&client, events.clone(), checks.clone()).await;
            match result {
                Ok(appended) => {
                    written += 1;
                    head = head.max(appended.last_position);
                    for of_stream in appended.streams {
                        lasts[stream_number(&of_stream.stream)] = Some(of_stream.last_revision);
                    }
                }
                Err(Error::ChecksFailed { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    (written, refused)
}

fn stream_number(stream: &str) -> usize {
    stream.trim_start_matches("s").parse().unwrap()
}

/// Events, each with its stream, and what must hold.
fn drawn(rng: &mut StdRng, head: u64, lasts: &[Option<u64>]) -> (Vec<(String, Event)>, Vec<Check>) {
    let events = (0..rng.random_range(1..4)).map(|_| {
        let stream = format!("s{}", rng.random_range(0..STREAMS));
        (
            stream,
            event("T").with_tag(format!("t{}", rng.random_range(0..TAGS))),
        )
    });
    let events = events.collect();
    let mut checks = Vec::new();
    for (number, last) in lasts.iter().enumerate() {
        if rng.random_bool(0.3) {
            checks.push(Check::Stream {
                stream: format!("s{number}"),
                expected: last.map_or(Expects::NoStream, Expects::Exactly),
            });
        }
    }
    for _ in 0..rng.random_range(0..3) {
        let item = FilterItem {
            tags: vec![format!("t{}", rng.random_range(0..TAGS))],
            streams: rng
                .random_bool(0.3)
                .then(|| format!("s{}", rng.random_range(0..STREAMS)))
                .into_iter()
                .collect(),
            ..FilterItem::default()
        };
        checks.push(Check::NoMatch {
            filter: Filter { items: vec![item] },
            after: head,
        });
    }
    (events, checks)
}
