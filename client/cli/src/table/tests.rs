use super::{Column, Table};

fn table(line_width: usize) -> Table<3> {
    let columns = [
        Column::number("POSITION"),
        Column::text("STREAM", 8),
        Column::text("DATA", usize::MAX),
    ];
    Table::with_line_width(columns, line_width)
}

fn written(mut table: Table<3>, rows: &[[&str; 3]]) -> String {
    let mut out = Vec::new();
    for row in rows {
        table.row(&mut out, row.map(str::to_owned)).unwrap();
    }
    table.flush(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn columns_are_aligned_and_long_cells_shortened() {
    let rows = [
        ["1", "a", "{}"],
        [
            "10000000000",
            "order-123456789",
            r#"{"key":"a value that is long"}"#,
        ],
    ];
    assert_eq!(
        written(table(40), &rows),
        "   POSITION  STREAM    DATA\n          1  a         {}\n10000000000  order-1…  {\"key\":\"a value …\n"
    );
}

#[test]
fn wide_characters_do_not_break_the_alignment() {
    let rows = [["1", "日本", "x"], ["2", "ab", "y"]];
    assert_eq!(
        written(table(40), &rows),
        "POSITION  STREAM  DATA\n       1  日本    x\n       2  ab      y\n"
    );
}

#[test]
fn no_event_can_drive_the_terminal() {
    let out = written(table(60), &[["1", "a\u{1b}[2Jb", "line\nbreak\u{7}"]]);
    assert!(
        !out.contains(['\u{1b}', '\u{7}']) && out.lines().count() == 2,
        "{out:?}"
    );
}

#[test]
fn rows_are_not_held_back_without_bound() {
    let (mut table, mut out) = (table(40), Vec::new());
    for nth in 0..1_000 {
        table
            .row(&mut out, [nth.to_string(), "a".into(), "{}".into()])
            .unwrap();
        assert!(table.held.len() < super::ROWS_HELD);
    }
    table.flush(&mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap().lines().count(), 1_001);
}

#[test]
fn nothing_is_written_for_no_rows() {
    assert_eq!(written(table(40), &[]), "");
}
