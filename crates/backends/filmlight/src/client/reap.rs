//! Ending a child process for certain: no zombie, no orphan.

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
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        Some(status)
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
        loop {
            if let Some(status) = self.gone() {
                return Ended::Killed(status);
            }
            if self.child.is_none() {
                return Ended::Before;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn gone_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.gone() {
                return Some(status);
            }
            if self.child.is_none() || Instant::now() >= until {
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
        let patience = self.patience.asked;
        // A thread: there may be no runtime any more. Where there can be none, the child is killed at once.
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
}

fn wait_or_kill(child: &mut Child, patience: Duration) {
    let until = Instant::now() + patience;
    while Instant::now() < until {
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
