//! Private servers: a flapid of one's own, that nobody else sees.

use std::ffi::OsString;
use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::connection::Connection;
use super::error::{Error, Result};
use super::options::{LARGEST_MESSAGE, Options, Timeouts, User};
use super::reap::{Ended, Kept, Patience, Reaped};

/// How a private flapid is started: `flapid --slave --fifo PATH`, and what is added here.
///
/// ```no_run
/// use rushes_filmlight::Launch;
/// # async fn f() -> rushes_filmlight::Result<()> {
/// let flapid = Launch::default().start().await?;
/// println!("{}", flapid.connection().application().await?.product);
/// flapid.close().await;
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq)]
pub struct Launch {
    /// The program; without it, [`find_flapid`].
    pub program: Option<PathBuf>,
    /// Arguments after those that make it private.
    pub args: Vec<OsString>,
    /// What is added to its environment.
    pub env: Vec<(OsString, OsString)>,
    /// Where its output goes; without it, nowhere. flapid has a log of its own besides.
    pub log: Option<PathBuf>,
    /// How long it may take until it says its port: tens of seconds are usual.
    pub starting: Duration,
    /// How long is waited for replies.
    pub timeouts: Timeouts,
    /// The largest message that is taken, in bytes: see [`Options::largest_message`].
    pub largest_message: usize,
    /// How long it has to end.
    pub patience: Patience,
}

impl Default for Launch {
    fn default() -> Self {
        Self {
            program: None,
            args: Vec::new(),
            env: Vec::new(),
            log: None,
            starting: Duration::from_secs(180),
            timeouts: Timeouts::default(),
            largest_message: LARGEST_MESSAGE,
            patience: Patience::default(),
        }
    }
}

impl std::fmt::Debug for Launch {
    /// Without the values of its environment, which may have tokens among them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { program, args, env, log, starting, timeouts, largest_message, patience } = self;
        let names: Vec<_> = env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Launch")
            .field("program", program)
            .field("args", args)
            .field("env", &names)
            .field("log", log)
            .field("starting", starting)
            .field("timeouts", timeouts)
            .field("largest_message", largest_message)
            .field("patience", patience)
            .finish()
    }
}

/// A private flapid and the connection to it. Closed, or dropped, the process is ended and waited for.
#[derive(Debug)]
pub struct Flapid {
    connection: Connection,
    child: Reaped,
    program: PathBuf,
}

/// The flapid to launch: what `$FLAPI_PATH` names, else the newest that is installed where FilmLight installs.
///
/// # Errors
/// When there is none.
pub fn find_flapid() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("FLAPI_PATH").filter(|p| !p.is_empty()) {
        return Ok(path.into());
    }
    let (root, below): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("/Applications", &["Current/Utilities/Tools/flapid", "Utilities/Tools/flapid", "Contents/bin/flapid"])
    } else {
        ("/usr/fl", &["bin/flapid"])
    };
    found_below(Path::new(root), below).ok_or_else(|| Error::Launch {
        program: "flapid".into(),
        why: format!("there is none below {root}; set FLAPI_PATH to its full path"),
    })
}

/// The last in the order of names: versions stand in them.
fn found_below(root: &Path, below: &[&str]) -> Option<PathBuf> {
    let products = ["baselight", "daylight", "baselightserver"];
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root).ok()?.filter_map(|e| Some(e.ok()?.path())).collect();
    folders.sort();
    let ours = folders.into_iter().rev().filter(|f| {
        let name = f.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        products.iter().any(|p| name.strip_prefix(p).is_some_and(|rest| !rest.starts_with(char::is_alphabetic)))
    });
    ours.flat_map(|f| below.iter().map(move |b| f.join(b))).find(|p| p.is_file())
}

impl Launch {
    /// Starts it, waits until it says where it listens, and connects. No word is said about the user: a private
    /// server serves who started it.
    ///
    /// # Errors
    /// When there is no such program, it ends or says nothing in time, or does not take the connection. It is ended
    /// then.
    pub async fn start(&self) -> Result<Flapid> {
        self.start_keeping(None).await
    }

    /// As [`Launch::start`]; `kept` is dropped when the process has gone, or when there is none.
    pub(crate) async fn start_keeping(&self, kept: Kept) -> Result<Flapid> {
        let program = self.program.clone().map_or_else(find_flapid, Ok)?;
        let failed = |why: String| Error::Launch { program: program.clone(), why };
        let mut pipe = Pipe::make().map_err(|e| failed(format!("no pipe for its port: {e}")))?;
        let mut command = Command::new(&program);
        command.args(["--slave", "--fifo"]).arg(&pipe.path).args(&self.args).envs(self.env.iter().cloned());
        let (out, err) = match &self.log {
            Some(path) => {
                let log = std::fs::File::options().create(true).append(true).open(path);
                let log = log.map_err(|e| failed(format!("its log {}: {e}", path.display())))?;
                let err = log.try_clone().map_err(|e| failed(e.to_string()))?;
                (log.into(), err.into())
            }
            None => (Stdio::null(), Stdio::null()),
        };
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let mut child = Reaped::spawn(&mut command, self.patience, kept).map_err(|e| failed(e.to_string()))?;

        let begun = Instant::now();
        let port = loop {
            if let Some(port) = pipe.port().map_err(failed)? {
                break port;
            }
            if let Some(status) = child.gone() {
                let log = if self.log.is_some() { "see its log" } else { "give it a log to learn more" };
                return Err(failed(format!("it ended at once ({status}); {log}: a licence may be missing")));
            }
            if begun.elapsed() >= self.starting {
                return Err(failed(format!("it did not say its port within {} s", self.starting.as_secs_f64())));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        drop(pipe);
        let (timeouts, largest_message) = (self.timeouts.clone(), self.largest_message);
        let options = Options { user: User::Unsaid, timeouts, largest_message, ..Options::at("localhost", port) };
        let connection = Connection::open(&options).await?;
        tracing::debug!(program = %program.display(), port, pid = child.id(), "a private flapid runs");
        Ok(Flapid { connection, child, program })
    }
}

impl Flapid {
    /// The connection. When it is closed, flapid ends.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Its process, while it has not been waited for.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Closes the connection and waits for the end of the process; asks for it, and forces it, where it does not come.
    pub async fn close(mut self) -> Ended {
        self.connection.close().await;
        let ended = self.child.end().await;
        if let Ended::Killed(_) = ended {
            tracing::warn!(program = %self.program.display(), "a private flapid did not end and was killed");
        }
        ended
    }
}

/// The named pipe that flapid says its port through, in a folder of its own that only the user sees. Removed on drop.
struct Pipe {
    folder: PathBuf,
    path: PathBuf,
    file: std::fs::File,
    read: String,
}

impl Pipe {
    fn make() -> std::io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let folder = loop {
            let n = COUNT.fetch_add(1, Ordering::Relaxed);
            let folder = std::env::temp_dir().join(format!("rushes-flapid-{}-{n}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => break folder,
                // Left by a process that had the same number.
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        };
        let path = folder.join("port");
        let made = nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)
            .map_err(std::io::Error::from)
            // Opened before flapid is started, so that it finds a reader; never waits for a writer.
            .and_then(|()| std::fs::File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path));
        match made {
            Ok(file) => Ok(Self { folder, path, file, read: String::new() }),
            Err(e) => {
                // The first error is what matters.
                let _ = std::fs::remove_dir_all(&folder);
                Err(e)
            }
        }
    }

    /// The port, once a whole line has come.
    fn port(&mut self) -> Result<Option<u16>, String> {
        let mut buffer = [0u8; 64];
        match self.file.read(&mut buffer) {
            Ok(n) => self.read.push_str(&String::from_utf8_lossy(&buffer[..n])),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted) => {}
            Err(e) => return Err(format!("reading its port: {e}")),
        }
        match self.read.split_once('\n') {
            None if self.read.len() > 64 => Err("what it says is no port".into()),
            None => Ok(None),
            Some((line, _)) => match line.trim().parse() {
                Ok(port) if port != 0 => Ok(Some(port)),
                _ => Err(format!("`{}` is no port", line.trim().escape_debug())),
            },
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // In the folder for temporary files: nothing is lost where it stays.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_installed_flapid_is_found() {
        let root = tempfile::tempdir().unwrap();
        for name in ["baselight-5.3.15960", "baselight-5.3.17711", "daylight-5.3.1", "baselightfoo", "other-9"] {
            let bin = root.path().join(name).join("bin");
            std::fs::create_dir_all(&bin).unwrap();
            std::fs::write(bin.join("flapid"), b"").unwrap();
        }
        let found = found_below(root.path(), &["bin/flapid"]);
        assert_eq!(found, Some(root.path().join("daylight-5.3.1/bin/flapid")));
        std::fs::remove_dir_all(root.path().join("daylight-5.3.1")).unwrap();
        let found = found_below(root.path(), &["bin/flapid"]);
        assert_eq!(found, Some(root.path().join("baselight-5.3.17711/bin/flapid")));
        assert_eq!(found_below(&root.path().join("none"), &["bin/flapid"]), None);
    }

    #[test]
    fn what_the_environment_holds_is_not_shown() {
        let env = vec![("FLAPI_TOKEN".into(), "0123456789abcdef".into())];
        let launch = Launch { env, ..Launch::default() };
        let pool = crate::Pool::new(crate::Server::Private(Box::new(launch.clone())), 1);
        for shown in [format!("{launch:?}"), format!("{pool:?}")] {
            assert!(shown.contains("FLAPI_TOKEN") && !shown.contains("0123456789abcdef"), "{shown}");
        }
    }

    fn script(folder: &Path, text: &str) -> Launch {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join("flapid");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let patience = Patience { closed: Duration::from_millis(20), asked: Duration::from_millis(20) };
        Launch { program: Some(path), starting: Duration::from_secs(60), patience, ..Launch::default() }
    }

    /// Why it does not start. While another test starts a child, that child may hold the script open for a moment, as a
    /// file that is written to.
    async fn refused(launch: &Launch) -> String {
        let busy = std::io::Error::from(nix::errno::Errno::ETXTBSY).to_string();
        loop {
            let e = launch.start().await.unwrap_err().to_string();
            if !e.contains(&busy) {
                return e;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_program_that_is_no_flapid_is_told_plainly() {
        let dir = tempfile::tempdir().unwrap();
        for (text, starting, said) in [
            ("exit 7", Duration::from_secs(60), "ended at once"),
            ("echo nonsense > $3; exec sleep 600", Duration::from_secs(60), "no port"),
            ("exec sleep 600", Duration::from_millis(500), "did not say its port"),
        ] {
            let e = refused(&Launch { starting, ..script(dir.path(), text) }).await;
            assert!(e.contains(said) && e.contains("flapid"), "{e}");
        }
        let none = Launch { program: Some(dir.path().join("none")), ..Launch::default() };
        assert!(matches!(none.start().await, Err(Error::Launch { .. })));
    }
}
