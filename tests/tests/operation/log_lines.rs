//! Log lines: at debug level each append is logged with its location, and no line ever contains event data.

use annals_client::{Event, ExpectedRevision as Expected, Revision};
use annals_tests::{
    harness::{Options, Server, sample::event},
    on_every_engine,
};

on_every_engine!(
    an_appends_log_line_says_where_it_went_and_nothing_of_its_data,
    the_default_log_has_no_line_for_each_append,
);

async fn an_appends_log_line_says_where_it_went_and_nothing_of_its_data(server: Server) {
    for format in ["text", "json"] {
        let mut server = Options::new(server.engine()).set("--log-level", "debug").start();
        if format == "json" {
            // Its addresses are known by now, so the log may have any format.
            assert!(server.terminate().success());
            server.options = Options::new(server.engine())
                .set("--log-level", "debug")
                .set("--log", "json");
            server.spawn();
            let listening = ["\"message\":\"listening\""];
            assert!(
                server
                    .logs()
                    .wait_for(server.started_at_line(), &listening, || false)
                    .is_some()
            );
        }
        let client = server.client();
        let secret = |n: u32| Event::new("Paid", format!("secret-data-{n}")).with_metadata("secret-metadata");
        let (one, two, three) = (secret(1), secret(2), secret(3));
        client
            .append("order-1", Expected::NoStream, [one.clone(), two.clone()])
            .await
            .unwrap();
        let pipeline = client.append_pipeline();
        pipeline
            .append("order-1", Expected::Exactly(Revision(1)), [three.clone()])
            .await
            .unwrap()
            .await
            .unwrap();
        client
            .append("order-1", Expected::NoStream, [three.clone()])
            .await
            .unwrap_err();
        client.read_all().await.unwrap().collect().await.unwrap();
        let field = |name: &str, value: &str, quoted: bool| match (format, quoted) {
            ("text", true) if name == "stream" => format!("{name}=\"{value}\""),
            ("text", _) => format!("{name}={value}"),
            (_, true) => format!("\"{name}\":\"{value}\""),
            (_, false) => format!("\"{name}\":{value}"),
        };
        let line = |ids: &str| {
            let found = server
                .logs()
                .wait_for(server.started_at_line(), &["appended", ids], || false);
            found.expect("the server runs")
        };
        let both = format!("{},{}", one.id, two.id);
        let cases = [
            (both, "0", "1", "1", "2"),
            (three.id.to_string(), "2", "2", "3", "3"),
        ];
        for (ids, first_revision, last_revision, first_position, last_position) in cases {
            let line = line(&ids);
            for (name, value, quoted) in [
                ("stream", "order-1", true),
                ("first_revision", first_revision, false),
                ("last_revision", last_revision, false),
                ("first_position", first_position, false),
                ("last_position", last_position, false),
                ("ids", &ids, true),
            ] {
                assert!(
                    line.contains(&field(name, value, quoted)),
                    "{name} {value}: {line}"
                );
            }
            assert!(line.contains("DEBUG"), "{line}");
        }
        let refused = server
            .logs()
            .wait_for(server.started_at_line(), &["not appended"], || false)
            .unwrap();
        assert!(
            refused.contains("order-1") && refused.contains(&three.id.to_string()),
            "{refused}"
        );
        server.terminate();
        let all = server.logs().since(0).join("\n");
        assert!(!all.contains("secret"), "{all}");
        if format == "json" {
            for line in server.logs().since(server.started_at_line()) {
                let parsed: Result<serde_json::Value, _> = serde_json::from_str(&line);
                assert!(parsed.is_ok(), "each line is JSON: {line}");
            }
        }
    }
}

async fn the_default_log_has_no_line_for_each_append(mut server: Server) {
    let client = server.client();
    for _ in 0..50 {
        client
            .append("order-1", Expected::Any, [event("T")])
            .await
            .unwrap();
    }
    drop(client);
    assert!(server.terminate().success());
    let lines = server.logs().since(0);
    assert!(lines.len() < 10, "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("order-1")), "{lines:?}");
}
