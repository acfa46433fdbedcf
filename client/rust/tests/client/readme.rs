//! The Rust of the READMEs and of `docs/` compiles: each block is here, unchanged but indented, or is a program of its
//! own in the toolkit's examples.

use std::fs;
use std::path::Path;

/// README.md.
#[rustfmt::skip]
#[allow(dead_code, reason = "it is only compiled")]
async fn the_clients() -> Result<(), Box<dyn std::error::Error>> {
    use annals_client::{Client, Event, ExpectedRevision, SubscriptionItem};

    let client = Client::new("http://127.0.0.1:2113")?;
    let placed = Event::json("OrderPlaced", &serde_json::json!({ "total": 42 }))?;
    let appended = client.append("order-7", ExpectedRevision::NoStream, [placed]).await?;
    println!("at position {}", appended.last_position);

    let mut subscription = client.subscribe_all().await?;
    while let Some(item) = subscription.next().await {
        if let SubscriptionItem::Event(event) = item? {
            println!("{} {} {}", event.position, event.stream, event.event_type);
        }
    }
    Ok(())
}

/// client/rust/README.md.
#[rustfmt::skip]
#[allow(dead_code, reason = "it is only compiled")]
fn several_servers() -> Result<(), Box<dyn std::error::Error>> {
    use annals_client::Client;

    let client = Client::builder()
        .endpoints(["http://annals-1:2113", "http://annals-2:2113", "http://annals-3:2113"])
        .build()?;
    drop(client);
    Ok(())
}

/// The Rust blocks of a page.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in page.lines() {
        if let Some(open) = block.take() {
            if line.starts_with("```") {
                blocks.push(open);
            } else {
                block = Some(open + line + "\n");
            }
        } else if line.starts_with("```rust") {
            block = Some(String::new());
        }
    }
    blocks
}

fn indented(block: &str) -> String {
    let lines = block.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("    {line}\n"),
    });
    lines.collect()
}

#[test]
fn the_rust_of_every_page_is_compiled() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| fs::read_to_string(repository.join(path)).unwrap();
    let compiled = [
        include_str!("readme.rs"),
        &read("client/toolkit/examples/balances.rs"),
    ]
    .concat();
    let mut pages = vec!["README.md".to_owned(), "client/rust/README.md".to_owned()];
    for entry in fs::read_dir(repository.join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    let mut found = 0;
    for page in pages {
        for block in blocks(&read(&page)) {
            found += 1;
            assert!(
                compiled.contains(&block) || compiled.contains(&indented(&block)),
                "{page}: this is not in {}:\n{block}",
                file!()
            );
        }
    }
    assert!(found >= 3, "only {found} blocks were found");
}
