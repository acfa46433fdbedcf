//! A PostgreSQL server started by the test run, or the one named by `ANNALS_TEST_POSTGRES`.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use annals_client::Uuid;
use annals_installed::Needed;
use annals_toolkit::sqlx::postgres::{PgConnectOptions, PgPool};
use annals_toolkit::sqlx::{AssertSqlSafe, ConnectOptions, query};
use tempfile::TempDir;

const READY_MAX: Duration = Duration::from_secs(30);

/// A PostgreSQL server, stopped when it is no longer used.
pub struct Cluster {
    options: PgConnectOptions,
    _process: Option<Process>,
}

struct Process {
    child: Child,
    _folder: TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Cluster {
    /// Returns the running server, or starts one.
    pub fn start() -> Arc<Cluster> {
        static RUNNING: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap();
        if let Some(cluster) = running.upgrade() {
            return cluster;
        }
        let cluster = match std::env::var("ANNALS_TEST_POSTGRES") {
            Ok(url) => Cluster {
                options: url.parse().unwrap(),
                _process: None,
            },
            Err(_) => {
                let initdb = Needed::PostgreSql.expect();
                Cluster::own(&initdb, &initdb.with_file_name("postgres"))
            }
        };
        let cluster = Arc::new(cluster);
        *running = Arc::downgrade(&cluster);
        cluster
    }

    fn own(initdb: &Path, postgres: &Path) -> Cluster {
        let folder = tempfile::Builder::new()
            .prefix("annals-postgres-")
            .tempdir()
            .unwrap();
        let user = unprivileged(folder.path());
        let as_user = |binary: &Path, log: &File| {
            let mut command = Command::new(binary);
            command.current_dir(&folder).stdin(Stdio::null());
            command
                .stdout(log.try_clone().unwrap())
                .stderr(log.try_clone().unwrap());
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let log = File::create(folder.path().join("log")).unwrap();
        let data = folder.path().join("data");
        let made = as_user(initdb, &log)
            .arg("-D")
            .arg(&data)
            .args(["-U", "annals", "--auth=trust", "-N"])
            .status();
        assert!(made.unwrap().success(), "{}", logged(&folder));
        let socket = folder.path().to_str().unwrap();
        let mut child = as_user(postgres, &log)
            .arg("-D")
            .arg(&data)
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "max_connections=300",
            ])
            .args(["-c", &format!("unix_socket_directories={socket}")])
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while !logged(&folder).contains("ready to accept connections") {
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < READY_MAX,
                "{}",
                logged(&folder)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let options = PgConnectOptions::new_without_pgpass()
            .socket(socket)
            .username("annals");
        Cluster {
            options: options.database("postgres"),
            _process: Some(Process {
                child,
                _folder: folder,
            }),
        }
    }

    /// Creates a database, and returns how to connect to it.
    pub async fn database(&self) -> PgConnectOptions {
        let name = format!("test_{}", Uuid::new_v4().simple());
        let mut admin = self.options.connect().await.unwrap();
        let create = query(AssertSqlSafe(format!("CREATE DATABASE {name}")));
        create.execute(&mut admin).await.unwrap();
        self.options.clone().database(&name)
    }
}

/// Breaks every connection to the database, except the one that does so.
pub async fn break_connections(pool: &PgPool) {
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE pid <> pg_backend_pid() AND datname = current_database()";
    let mut admin = pool.connect_options().connect().await.unwrap();
    query(terminate).execute(&mut admin).await.unwrap();
}

fn logged(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join("log")).unwrap_or_default()
}

/// Returns the user and group to run PostgreSQL as, since it refuses to run as root; they become the owner of the
/// folder.
fn unprivileged(folder: &Path) -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let user = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let postgres = user.into_iter().find(|fields| fields[0] == "postgres");
    let fields = postgres.expect("an installed PostgreSQL has a user");
    let (uid, gid) = (fields[2].parse().unwrap(), fields[3].parse().unwrap());
    chown(folder, Some(uid), Some(gid)).unwrap();
    Some((uid, gid))
}
