//! A real server for tests: a separate process, on a free port, with temporary data.

use std::env::{self, consts::EXE_SUFFIX};
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use annals_client::Client;
use tempfile::TempDir;

const READY_MAX: Duration = Duration::from_secs(30);

/// Finds the server's binary: the path in `ANNALS_SERVER`; or the one in the same cargo target folder, if the toolkit
/// is in a workspace with the server; or `annals-server` on the PATH. `None` if there is none.
pub fn find_server() -> Option<PathBuf> {
    let file = format!("annals-server{EXE_SUFFIX}");
    if let Some(named) = env::var_os("ANNALS_SERVER") {
        return Some(named.into());
    }
    // A test is at target/debug/deps/<test>.
    let test = env::current_exe().ok();
    let built = test
        .iter()
        .flat_map(|test| test.ancestors().skip(1).take(2))
        .map(|folder| folder.join(&file));
    let search = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&search).map(|folder| folder.join(&file));
    built.chain(on_path).find(|path| path.is_file())
}

/// A server process. It can be killed and started again, on the same port and data. It is killed when it is dropped.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use annals_toolkit::testing::Server;
///
/// let server = Server::start()?;
/// println!("at position {}", server.client()?.server_info().await?.head);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Server {
    command: ServerBuilder,
    binary: PathBuf,
    folder: PathBuf,
    port: u16,
    process: Option<Child>,
    /// Removed on drop.
    _own_folder: Option<TempDir>,
}

/// Options of a [`Server`].
#[derive(Debug, Clone, Default)]
pub struct ServerBuilder {
    embedded: bool,
    folder: Option<PathBuf>,
    options: Vec<String>,
}

impl ServerBuilder {
    /// Uses the embedded engine, whose data survives a kill, instead of the memory engine.
    #[must_use]
    pub fn embedded(mut self) -> Self {
        self.embedded = true;
        self
    }

    /// Stores its data and its log in this folder, instead of a temporary one.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Adds command-line options: `["--max-event-bytes", "1KiB"]`.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Starts it, and waits until it listens.
    ///
    /// Fails if there is no binary, or if the server ends or does not listen within 30 s; the error contains its log.
    pub fn start(self) -> io::Result<Server> {
        let missing = "no annals-server was found: put it on the PATH, set ANNALS_SERVER to its path, or \
                       build it with `cargo build -p annals-server`";
        let binary = find_server().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, missing))?;
        let own = match self.folder {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("annals-").tempdir()?),
        };
        let folder = own.as_ref().map(|own| own.path().to_owned());
        let folder = folder.or_else(|| self.folder.clone()).unwrap_or_default();
        fs::create_dir_all(&folder)?;
        let mut server = Server {
            command: self,
            binary,
            folder,
            port: free_port()?,
            process: None,
            _own_folder: own,
        };
        server.restart()?;
        Ok(server)
    }
}

impl Server {
    /// Starts a server on the memory engine.
    ///
    /// Fails like [`ServerBuilder::start`].
    pub fn start() -> io::Result<Server> {
        Server::builder().start()
    }

    /// Starts building a server with options.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// Returns the endpoint for a client.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Creates a client of the server.
    pub fn client(&self) -> annals_client::Result<Client> {
        Client::new(self.endpoint())
    }

    /// Returns the folder of its log and its data.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    /// Kills it (SIGKILL): it answers and writes nothing any more.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may already have ended.
            drop(process.kill());
            drop(process.wait());
        }
    }

    /// Starts it again, on the same port and data, and waits until it listens. Kills it first if it is running.
    ///
    /// Fails like [`ServerBuilder::start`].
    pub fn restart(&mut self) -> io::Result<()> {
        self.kill();
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.folder.join("server.log"))?;
        let engine = if self.command.embedded {
            "embedded"
        } else {
            "memory"
        };
        let process = Command::new(&self.binary)
            .args(["--engine", engine, "--http-listen", "127.0.0.1:0"])
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .arg("--data")
            .arg(self.folder.join("engine"))
            .args(&self.command.options)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let process = self.process.insert(process);
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if process.try_wait()?.is_some() || begun.elapsed() > READY_MAX {
                self.kill();
                return Err(io::Error::other(format!(
                    "the server did not start:\n{}",
                    self.log()
                )));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns a port that is currently free.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
