//! Moves that are interrupted, and moves of a part of a log.

use std::{fs, process::Stdio};

use annals_client::{Event, ExpectedRevision};
use annals_tests::{
    harness::{Cli, Server, within_patience},
    on_every_engine,
};

use super::{accepting, fill, log, move_to};

on_every_engine!(
    a_move_that_was_killed_is_repeated,
    a_file_that_was_cut_is_refused_and_a_stream_that_was_is_continued,
    a_store_takes_no_appends_before_all_of_a_log_has_come,
    a_part_of_a_log_is_moved_with_new_positions_if_that_is_accepted,
);

async fn a_move_that_was_killed_is_repeated(server: Server) {
    let file = fill(&server).await;
    let there = accepting(server.engine());
    let text = fs::read(&file).unwrap();
    let half = text.len() / 2;
    // The command has half a line too many when it is killed: neither that line nor the append it may belong to is
    // sent, since the end of the append was not seen.
    let mut import = Cli::of(&there)
        .command(["import", "-", "--keep-recorded-times"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = import.stdin.take().unwrap();
    let writing = std::thread::spawn(move || {
        use std::io::Write;
        // It may be killed while it is still reading.
        let _ = input.write_all(&text[..half]);
        input
    });
    let mut subscription = there.client().subscribe_all().await.unwrap();
    for _ in 0..100 {
        within_patience("the first events", subscription.next())
            .await
            .unwrap()
            .unwrap();
    }
    import.kill().unwrap();
    import.wait().unwrap();
    drop(writing.join().unwrap());
    let before = log(&there).await.len();
    assert!(before > 0 && before < log(&server).await.len());
    let moved = move_to(&there, &file);
    assert_eq!(moved["moved"], 0);
    assert!(
        moved["already_there"].as_u64().unwrap() >= before as u64,
        "{moved}"
    );
    assert_eq!(log(&there).await, log(&server).await);
}

async fn a_file_that_was_cut_is_refused_and_a_stream_that_was_is_continued(server: Server) {
    let file = fill(&server).await;
    let there = accepting(server.engine());
    let text = fs::read_to_string(&file).unwrap();
    let part = there.folder().join("part.ndjson");
    let mut before = 0;
    // The odd events are one append of eight, after the header and the 400 of the sample.
    for lines in [404, 406, 700] {
        let cut: String = text.split_inclusive('\n').take(lines).collect();
        fs::write(&part, &cut).unwrap();
        let import = ["import", part.to_str().unwrap(), "--keep-recorded-times"];
        let failed = Cli::of(&there).run(import).expect_code(1);
        assert!(failed.stderr.contains("last line"), "{}", failed.stderr);
        assert_eq!(
            log(&there).await.len(),
            before,
            "no part of an incomplete file is written"
        );
        let import = ["import", "-", "--keep-recorded-times"];
        let failed = Cli::of(&there).run_with(import, cut.as_bytes()).expect_code(1);
        assert!(failed.stderr.contains("last line"), "{}", failed.stderr);
        before = log(&there).await.len();
        assert_eq!(before, lines - 1);
    }
    for _ in 0..2 {
        assert_eq!(move_to(&there, &file)["moved"], 0);
        assert_eq!(log(&there).await, log(&server).await);
    }
}

async fn a_store_takes_no_appends_before_all_of_a_log_has_come(server: Server) {
    let file = fill(&server).await;
    let there = accepting(server.engine());
    let text = fs::read_to_string(&file).unwrap();
    let cut: String = text.split_inclusive('\n').take(500).collect();
    let import = ["import", "-", "--keep-recorded-times"];
    let _ = Cli::of(&there).run_with(import, cut.as_bytes()).expect_code(1);
    let append = || async {
        let events = [Event::json("New", &1).unwrap()];
        there
            .client()
            .append("count-0", ExpectedRevision::Any, events)
            .await
    };
    let refused = append().await.unwrap_err();
    assert!(
        matches!(refused, annals_client::Error::MoveUnfinished { .. }),
        "{refused}"
    );
    move_to(&there, &file);
    assert_eq!(
        append().await.unwrap().first_position,
        log(&server).await.len() as u64 + 1
    );
}

async fn a_part_of_a_log_is_moved_with_new_positions_if_that_is_accepted(server: Server) {
    let _ = fill(&server).await;
    let part = server.folder().join("part.ndjson");
    let export = ["export", part.to_str().unwrap(), "--stream-prefix", "count-"];
    let _ = Cli::of(&server).run(export).expect_code(0);
    let there = accepting(server.engine());
    let import = ["import", part.to_str().unwrap(), "--keep-recorded-times"];
    let failed = Cli::of(&there).run(import).expect_code(1);
    assert!(failed.stderr.contains("--renumber"), "{}", failed.stderr);
    for _ in 0..2 {
        let import = [&import[..], &["--renumber", "--format", "ndjson"]].concat();
        let moved = Cli::of(&there).run(import).expect_code(0).json_lines().remove(0);
        assert!(moved["moved"].as_u64().unwrap() > 0, "{moved}");
    }
    let place =
        |event: annals_client::RecordedEvent| (event.stream, event.revision, event.id, event.recorded_at);
    let (here, moved) = (log(&server).await, log(&there).await);
    let wanted = here
        .into_iter()
        .filter(|event| event.stream.starts_with("count-"));
    assert_eq!(
        moved.into_iter().map(place).collect::<Vec<_>>(),
        wanted.map(place).collect::<Vec<_>>()
    );
}
