//! Compiles and runs the program in the README.

use std::fs;
use std::path::Path;

use annals_toolkit::sqlx::{self, Row};
use annals_toolkit::store::sqlite::SqliteStore;
use annals_toolkit::testing::Server;

#[allow(dead_code, reason = "its main function is not called")]
#[path = "../../examples/balances.rs"]
mod balances;

#[test]
fn the_readme_shows_the_program_that_is_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(folder.join("../rust/README.md")).unwrap();
    let program = fs::read_to_string(folder.join("examples/balances.rs")).unwrap();
    let (_, program) = program.split_once("\n\n").unwrap();
    assert!(
        readme.contains(program),
        "client/rust/README.md and examples/balances.rs differ"
    );
}

#[tokio::test]
async fn the_program_does_what_it_says() {
    let server = Server::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("read-models.db");
    for expected in [70, 140] {
        balances::run(&server.endpoint(), file.to_str().unwrap())
            .await
            .unwrap();
        let store = SqliteStore::open(&file).await.unwrap();
        let row = sqlx::query("SELECT account, balance FROM balances")
            .fetch_one(store.pool())
            .await
            .unwrap();
        assert_eq!(
            (row.get::<String, _>(0), row.get::<i64, _>(1)),
            ("account-ada".to_owned(), expected)
        );
    }
}
