//! Machines, and what goes wrong with them.

use rushes_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::scenario::invalid;

/// Workers of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workers {
    /// The class of units they take: the task queue.
    pub class: String,
    /// How many, unless they scale by themselves.
    #[serde(default)]
    pub count: usize,
    /// Units at a time on each.
    #[serde(default = "one_slot")]
    pub slots: usize,
    /// Cores that a unit uses at most.
    #[serde(default = "one")]
    pub threads: f64,
    /// Cores of a host.
    pub host_cores: f64,
    /// Workers on a host, which share its cores.
    #[serde(default = "one_slot")]
    pub per_host: usize,
    /// How fast a core is, against the one that was measured.
    #[serde(default = "one")]
    pub speed: f64,
    /// Bytes a second between a host and the storage, 10^9; not said, as many as anybody likes.
    #[serde(default)]
    pub link_gb_s: Option<f64>,
    /// Money for a worker and hour, from when it is asked for until it is let go.
    #[serde(default)]
    pub price_per_hour: f64,
    /// Workers come and go with the work.
    #[serde(default)]
    pub autoscale: Option<Autoscale>,
}

/// Workers that come and go. What counts are the units that wait or run: with those alone that wait, a fleet that has
/// all in hand would be sent home.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Autoscale {
    /// Workers at least.
    pub least: usize,
    /// Workers at most.
    pub most: usize,
    /// Units that wait or run for which there shall be a worker.
    pub units_per_worker: f64,
    /// It is looked each so many seconds.
    #[serde(default = "half_a_minute")]
    pub every_seconds: f64,
    /// A worker that is asked for takes its first unit so many seconds later.
    #[serde(default = "three_minutes")]
    pub start_seconds: f64,
    /// One that had nothing to do for so many seconds may go.
    #[serde(default = "five_minutes")]
    pub idle_seconds: f64,
}

/// What the storage carries, all hosts together. Where they ask for more, all are slowed alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Bytes read a second, 10^9.
    pub read_gb_s: f64,
    /// Bytes written a second, 10^9.
    pub write_gb_s: f64,
}

/// The engine's server, and its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Its cores.
    pub cores: f64,
    /// Requests a second that a namespace may make of one frontend (Temporal's default).
    pub requests_per_second: f64,
    /// Units a second that a queue hands out: measured, in memory, one partition.
    pub units_per_second: f64,
    /// A worker that was not heard of for so long is lost, and its units go to others.
    pub heartbeat_seconds: f64,
    /// Seconds that a poll without answer lasts.
    pub poll_seconds: f64,
    /// Units of one run that may wait (Temporal's limit).
    pub pending_of_a_run: u64,
    /// Events of one run's history at which the engine begins it anew (its `Pace`).
    pub events_of_a_run: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            cores: 4.0,
            requests_per_second: 2400.0,
            units_per_second: 450.0,
            heartbeat_seconds: 30.0,
            poll_seconds: 60.0,
            pending_of_a_run: 2000,
            events_of_a_run: 16_000,
        }
    }
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Failures {
    /// Hours that a worker runs until it is lost, on average; not said, none is.
    pub worker_hours: Option<f64>,
    /// Seconds until another stands in its place.
    pub back_seconds: f64,
    /// Clips of a thousand in which one unit can never be made.
    pub poison_clips_per_thousand: f64,
    /// Whether such a unit takes its worker with it, each time it is tried, or is an error that is not tried again.
    pub poison_kills_worker: bool,
}

impl Default for Failures {
    fn default() -> Self {
        Self { worker_hours: None, back_seconds: 60.0, poison_clips_per_thousand: 0.0, poison_kills_worker: false }
    }
}

impl Workers {
    /// Cores of a host for each worker on it.
    pub fn cores(&self) -> f64 {
        self.host_cores / self.per_host.max(1) as f64
    }

    /// The most there can be at a time.
    pub fn most(&self) -> usize {
        self.autoscale.as_ref().map_or(self.count, |a| a.most)
    }

    pub(crate) fn check(&self) -> Result<()> {
        let of = |what: &str| format!("{what} of workers `{}`", self.class);
        within(&of("slots"), self.slots as f64, 1.0, 1e4)?;
        within(&of("most count"), self.most() as f64, 1.0, 1e5)?;
        within(&of("slots in all"), self.most() as f64 * self.slots as f64, 1.0, 1e6)?;
        within(&of("threads"), self.threads, 0.01, 1e4)?;
        within(&of("host_cores"), self.host_cores, 0.01, 1e4)?;
        within(&of("per_host"), self.per_host as f64, 1.0, 1e4)?;
        within(&of("speed"), self.speed, 1e-3, 1e3)?;
        within(&of("link_gb_s"), self.link_gb_s.unwrap_or(1.0), 1e-6, 1e6)?;
        within(&of("price_per_hour"), self.price_per_hour, 0.0, 1e9)?;
        if let Some(a) = &self.autoscale {
            within(&of("least"), a.least as f64, 0.0, a.most as f64)?;
            within(&of("units_per_worker"), a.units_per_worker, 1e-3, 1e6)?;
            within(&of("every_seconds"), a.every_seconds, 1.0, 1e6)?;
            within(&of("start_seconds"), a.start_seconds, 0.0, 1e6)?;
            within(&of("idle_seconds"), a.idle_seconds, 0.0, 1e9)?;
        }
        Ok(())
    }
}

impl Storage {
    pub(crate) fn check(&self) -> Result<()> {
        within("read_gb_s", self.read_gb_s, 1e-6, 1e6)?;
        within("write_gb_s", self.write_gb_s, 1e-6, 1e6)
    }
}

impl Server {
    /// Seconds between two heartbeats of a unit that runs. The engine's workers tell every five seconds, or four times in the time
    /// after which they are taken for lost if that is shorter; its SDK sends none sooner than five seconds, or four fifths of that time,
    /// after the last.
    pub(crate) fn between_heartbeats(&self) -> f64 {
        SDK_HOLDS_BACK.min(0.8 * self.heartbeat_seconds)
    }

    pub(crate) fn check(&self) -> Result<()> {
        within("cores of the server", self.cores, 0.01, 1e5)?;
        within("requests_per_second", self.requests_per_second, 0.1, 1e9)?;
        within("units_per_second", self.units_per_second, 0.01, 1e9)?;
        within("heartbeat_seconds", self.heartbeat_seconds, 0.1, 1e6)?;
        within("poll_seconds", self.poll_seconds, 0.1, 1e6)
    }
}

impl Failures {
    pub(crate) fn check(&self) -> Result<()> {
        within("worker_hours", self.worker_hours.unwrap_or(1.0), 1e-3, 1e9)?;
        within("back_seconds", self.back_seconds, 0.0, 1e6)?;
        within("poison_clips_per_thousand", self.poison_clips_per_thousand, 0.0, 1000.0)
    }
}

/// What workers of the engine ask of its SDK (`max_heartbeat_throttle_interval`).
const SDK_HOLDS_BACK: f64 = 5.0;

fn within(what: &str, n: f64, least: f64, most: f64) -> Result<()> {
    if n.is_finite() && (least..=most).contains(&n) {
        return Ok(());
    }
    Err::<(), Error>(invalid(&format!("the {what} is {n}, and must be between {least} and {most}")))
}

fn one() -> f64 {
    1.0
}

fn one_slot() -> usize {
    1
}

fn half_a_minute() -> f64 {
    30.0
}

fn three_minutes() -> f64 {
    180.0
}

fn five_minutes() -> f64 {
    300.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_are_as_far_apart_as_the_engine_sends_them() {
        let between = |heartbeat_seconds| Server { heartbeat_seconds, ..Server::default() }.between_heartbeats();
        assert_eq!([30.0, 120.0, 10.0, 4.0].map(between), [5.0, 5.0, 5.0, 3.2]);
    }
}
