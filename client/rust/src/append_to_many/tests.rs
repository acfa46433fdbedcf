use annals_proto::v1 as pb;

use super::Append;
use crate::event::Event;

#[test]
fn collected_events_keep_their_order_and_share_writes_where_they_can() {
    let mut append: Append = [
        ("a", Event::new("A1", "")),
        ("a", Event::new("A2", "")),
        ("b", Event::new("B1", "")),
    ]
    .into_iter()
    .collect();
    append.extend([("a".to_owned(), Event::new("A3", ""))]);
    let request = pb::AppendToManyRequest::from(append);
    let written: Vec<(&str, Vec<&str>)> = request
        .writes
        .iter()
        .map(|write| {
            let types = write.events.iter().map(|event| event.r#type.as_str());
            (write.stream.as_str(), types.collect())
        })
        .collect();
    assert_eq!(
        written,
        [("a", vec!["A1", "A2"]), ("b", vec!["B1"]), ("a", vec!["A3"])]
    );
}
