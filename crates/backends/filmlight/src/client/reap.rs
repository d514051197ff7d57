//! Ending a child process, whatever happens, and waiting for it: no zombie is left. What it has started itself is its own
//! to end: a flapid that is a wrapper around another program has to pass signals on, or `exec` it.

use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
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

/// A child that is waited for whatever happens, and ended when it is dropped.
#[derive(Debug)]
pub(crate) struct Reaped {
    child: Option<Child>,
    patience: Patience,
}

impl Reaped {
    pub(crate) fn new(child: Child, patience: Patience) -> Self {
        Self { child: Some(child), patience }
    }

    /// Its process, while it has not been waited for.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// How it ended, if it has.
    pub(crate) fn gone(&mut self) -> Option<ExitStatus> {
        let status = match self.child.as_mut()?.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => Some(status),
            // Somebody else has waited for it, and its number may be another's.
            Err(_) => None,
        };
        self.child = None;
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
        leave(child, Duration::ZERO);
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

/// The child has not been waited for, so its number is still its own; one that has just ended is none the worse.
fn ask(child: &Child, signal: Signal) {
    if let Ok(id) = i32::try_from(child.id()) {
        let _ = kill(Pid::from_raw(id), signal);
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        if self.gone().is_some() {
            return;
        }
        let Some(child) = self.child.take() else { return };
        ask(&child, Signal::SIGTERM);
        leave(child, self.patience.asked);
    }
}

/// Waits for the child on a thread: there may be no runtime any more. Where there can be none, the child is killed at
/// once.
fn leave(child: Child, patience: Duration) {
    let shared = std::sync::Arc::new(std::sync::Mutex::new(child));
    let theirs = std::sync::Arc::clone(&shared);
    let spawned = std::thread::Builder::new().name("flapid-reaper".into()).spawn(move || {
        if let Ok(mut child) = theirs.lock() {
            wait_or_kill(&mut child, patience);
        }
    });
    if spawned.is_err()
        && let Ok(mut child) = shared.lock()
    {
        wait_or_kill(&mut child, Duration::ZERO);
    }
}

fn wait_or_kill(child: &mut Child, patience: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(LOOK),
            _ => return,
        }
    }
    // One that has ended meanwhile cannot be killed, only waited for.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn reaped(script: &str) -> Reaped {
        let mut child =
            Command::new("sh").args(["-c", &format!("{script}; echo")]).stdout(Stdio::piped()).spawn().unwrap();
        // What the script sets up is set up when it has written something.
        if script.contains("echo ready") {
            use std::io::BufRead as _;
            let mut line = String::new();
            std::io::BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        }
        Reaped::new(child, Patience { closed: Duration::from_millis(40), asked: Duration::from_millis(100) })
    }

    fn exists(pid: u32) -> bool {
        kill(Pid::from_raw(pid as i32), None).is_ok()
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
