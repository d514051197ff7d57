//! Ending a child process and all that it has started, whatever happens, and waiting for it: no zombie is left. The
//! child leads a process group of its own; what leaves the group on purpose is beyond reach.

use std::any::Any;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How often a child is looked at while its end is awaited.
const LOOK: Duration = Duration::from_millis(20);

/// How long a private server has for each step of its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From the end of its connection until it is asked to end (SIGTERM).
    pub closed: Duration,
    /// From then until it is killed (SIGKILL).
    pub asked: Duration,
}

impl Default for Patience {
    /// 8 s and 5 s, as FilmLight's own people do it.
    fn default() -> Self {
        Self { closed: Duration::from_secs(8), asked: Duration::from_secs(5) }
    }
}

/// How long a killed child is waited for: one that is stuck in the operating system goes later, or never.
const KILLED: Duration = Duration::from_secs(5);

/// How a private server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// When its connection was closed, or before.
    ByItself(ExitStatus),
    /// When it was asked to.
    Asked(ExitStatus),
    /// It had to be killed.
    Killed(ExitStatus),
    /// It was waited for already.
    Before,
    /// It was killed and had not gone seconds later; it is waited for in the background.
    Stuck,
}

/// What is kept as long as a child runs, and dropped when it has gone.
pub(crate) type Kept = Option<Box<dyn Any + Send + Sync>>;

/// A child that is waited for whatever happens, and ended when it is dropped.
#[derive(Debug)]
pub(crate) struct Reaped {
    child: Option<Child>,
    patience: Patience,
    kept: Kept,
}

impl Reaped {
    /// Starts `command` in a process group of its own. `kept` is dropped when the child has gone, or cannot be started.
    pub(crate) fn spawn(command: &mut Command, patience: Patience, kept: Kept) -> std::io::Result<Self> {
        let child = command.process_group(0).spawn()?;
        Ok(Self { child: Some(child), patience, kept })
    }

    /// Its process, while it has not been waited for.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// How it ended, if it has.
    pub(crate) fn gone(&mut self) -> Option<ExitStatus> {
        let status = match self.child.as_mut()?.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => {
                self.signal(Signal::SIGKILL);
                Some(status)
            }
            // Somebody else has waited for it, and its number may be another's.
            Err(_) => None,
        };
        self.child = None;
        self.kept = None;
        status
    }

    /// Waits for its end, asks for it, and forces it. Safe to be dropped half-way.
    pub(crate) async fn end(&mut self) -> Ended {
        if let Some(status) = self.gone_within(self.patience.closed).await {
            return Ended::ByItself(status);
        }
        self.signal(Signal::SIGTERM);
        if let Some(status) = self.gone_within(self.patience.asked).await {
            return Ended::Asked(status);
        }
        self.signal(Signal::SIGKILL);
        if let Some(status) = self.gone_within(KILLED).await {
            return Ended::Killed(status);
        }
        let Some(child) = self.child.take() else { return Ended::Before };
        tracing::warn!(pid = child.id(), "a private flapid was killed and does not go");
        leave(child, Duration::ZERO, self.kept.take());
        Ended::Stuck
    }

    async fn gone_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.gone() {
                return Some(status);
            }
            if self.child.is_none() || begun.elapsed() >= patience {
                return None;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            ask(child, signal);
        }
    }
}

/// Sends a signal to the child and all that it has started. While it has not been waited for, its number is its own;
/// and right after, the group keeps the number as long as anything is left in it. One that has just ended is none the
/// worse.
fn ask(child: &Child, signal: Signal) {
    if let Ok(id) = i32::try_from(child.id()) {
        let _ = killpg(Pid::from_raw(id), signal);
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        if self.gone().is_some() {
            return;
        }
        let Some(child) = self.child.take() else { return };
        ask(&child, Signal::SIGTERM);
        leave(child, self.patience.asked, self.kept.take());
    }
}

/// Waits for the child on a thread: there may be no runtime any more. Where there can be none, the child is killed at
/// once.
fn leave(child: Child, patience: Duration, kept: Kept) {
    let shared = std::sync::Arc::new(std::sync::Mutex::new((child, kept)));
    let theirs = std::sync::Arc::clone(&shared);
    let spawned = std::thread::Builder::new().name("flapid-reaper".into()).spawn(move || {
        if let Ok(mut both) = theirs.lock() {
            wait_or_kill(&mut both, patience);
        }
    });
    if spawned.is_err()
        && let Ok(mut both) = shared.lock()
    {
        wait_or_kill(&mut both, Duration::ZERO);
    }
}

fn wait_or_kill((child, kept): &mut (Child, Kept), patience: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < patience && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(LOOK);
    }
    // Whether it has ended meanwhile or not: what it has started has not.
    if child.try_wait().is_ok() {
        ask(child, Signal::SIGKILL);
        let _ = child.wait();
    }
    *kept = None;
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    fn reaped(script: &str) -> Reaped {
        saying(script, None).0
    }

    /// A child, and the first line that it writes, where it writes one: then what it sets up is set up.
    fn saying(script: &str, kept: Kept) -> (Reaped, String) {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{script}; echo")]).stdout(Stdio::piped());
        let patience = Patience { closed: Duration::from_millis(40), asked: Duration::from_millis(100) };
        let mut child = Reaped::spawn(&mut command, patience, kept).unwrap();
        let mut line = String::new();
        if script.contains("echo ready") {
            use std::io::BufRead as _;
            let out = child.child.as_mut().unwrap().stdout.as_mut().unwrap();
            std::io::BufReader::new(out).read_line(&mut line).unwrap();
        }
        (child, line)
    }

    fn exists(pid: u32) -> bool {
        nix::sys::signal::kill(Pid::from_raw(pid as i32), None).is_ok()
    }

    /// True when it is gone soon. Nobody but the system waits for what a child has started.
    fn goes(pid: u32) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        let ended = || std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| s.contains(") Z "));
        while exists(pid) && !ended() {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(LOOK);
        }
        true
    }

    #[tokio::test]
    async fn what_a_child_has_started_ends_with_it_however_it_ends() {
        for script in [
            "sleep 600 & echo ready $!; exit 0",
            "sleep 600 & echo ready $!; exec sleep 600",
            "trap '' TERM; sleep 600 & echo ready $!; wait",
        ] {
            for drops in [false, true] {
                let (mut child, line) = saying(script, None);
                let started = line.trim().strip_prefix("ready ").unwrap().parse().unwrap();
                if !drops {
                    child.end().await;
                }
                drop(child);
                assert!(goes(started), "what `{script}` has started lives on");
            }
        }
    }

    #[tokio::test]
    async fn what_is_kept_for_a_child_is_kept_until_it_has_gone() {
        let kept = std::sync::Arc::new(());
        let stubborn = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
        let (child, _) = saying(stubborn, Some(Box::new(kept.clone())));
        let pid = child.id().unwrap();
        drop(child);
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            // Looked at first: it may go between the two.
            let free = std::sync::Arc::strong_count(&kept) == 1;
            assert!(!free || !exists(pid), "it is let go while the child runs");
            if free {
                break;
            }
            assert!(Instant::now() < until, "it is kept for ever");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[tokio::test]
    async fn a_child_ends_by_itself_or_is_asked_or_is_killed() {
        let patient = Patience { closed: Duration::from_secs(20), asked: Duration::from_secs(20) };
        let mut child = reaped("exit 3");
        child.patience = patient;
        assert!(matches!(child.end().await, Ended::ByItself(s) if s.code() == Some(3)));
        assert_eq!(child.id(), None);

        let mut child = reaped("exec sleep 600");
        assert!(matches!(child.end().await, Ended::Asked(_) | Ended::Killed(_)));

        let mut child = reaped("trap '' TERM; echo ready; while :; do sleep 0.05; done");
        let pid = child.id().unwrap();
        assert!(matches!(child.end().await, Ended::Killed(_)));
        assert!(!exists(pid), "a zombie is left");
    }

    #[tokio::test]
    async fn a_child_that_somebody_else_has_waited_for_is_let_go() {
        let mut child = reaped("exit 0");
        nix::sys::wait::waitpid(Pid::from_raw(child.id().unwrap() as i32), None).unwrap();
        assert_eq!(tokio::time::timeout(Duration::from_secs(20), child.end()).await, Ok(Ended::Before));
    }

    #[test]
    fn a_dropped_child_is_gone_soon_without_a_runtime() {
        let child = reaped("trap '' TERM; echo ready; while :; do sleep 0.05; done");
        let pid = child.id().unwrap();
        drop(child);
        let until = Instant::now() + Duration::from_secs(20);
        while exists(pid) {
            assert!(Instant::now() < until, "it lives on, or as a zombie");
            std::thread::sleep(LOOK);
        }
    }
}
