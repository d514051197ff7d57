//! What came of a scenario.

use serde::{Deserialize, Serialize};

/// What came of a scenario. Times are seconds unless their names say hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The scenario's name.
    pub scenario: String,
    /// Runs of the engine, or runs of the command.
    pub jobs: u64,
    /// Clips in all of them.
    pub clips: u64,
    /// Units in all of them.
    pub units: u64,
    /// Frames in all of them.
    pub frames: u64,
    /// Bytes of camera files.
    pub camera_bytes: f64,
    /// Units that were made.
    pub units_done: u64,
    /// Units that were given up.
    pub units_failed: u64,
    /// Units that were begun, again or for the first time.
    pub begun: u64,
    /// Of those, how many were lost with their worker.
    pub lost: u64,
    /// Core hours spent on attempts that came to nothing.
    pub wasted_core_hours: f64,
    /// When the last unit ended.
    pub end_hours: f64,
    /// How long clips took, by priority.
    pub by_priority: Vec<Turnaround>,
    /// How long clips took, by show.
    pub by_show: Vec<Turnaround>,
    /// How long clips took, by the scenario's arrivals.
    pub by_arrivals: Vec<Turnaround>,
    /// The workers, by class.
    pub workers: Vec<Use>,
    /// The storage.
    pub storage: Moved,
    /// The engine's server.
    pub engine: Load,
    /// Money for the workers.
    pub cost: f64,
}

/// Times from a job's arrival until one of its clips is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turnaround {
    /// Of which clips.
    pub of: String,
    /// Clips that were done.
    pub done: u64,
    /// Clips of which a unit was given up.
    pub failed: u64,
    /// Half of them took at most so many seconds.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// Ninety-nine of a hundred.
    pub p99: f64,
    /// All.
    pub max: f64,
}

/// What became of a class of workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Use {
    /// The class.
    pub class: String,
    /// The most workers that there were at a time.
    pub most_workers: usize,
    /// Hours that were paid, all workers together.
    pub worker_hours: f64,
    /// Core hours that were used.
    pub core_hours: f64,
    /// Part of the cores that was used, of workers that stood ready.
    pub cores_used: f64,
    /// Part of the slots that had a unit.
    pub slots_used: f64,
    /// The most units that waited in the queue.
    pub most_waiting: u64,
    /// Money.
    pub cost: f64,
    /// Hours, by what would have had to be more for work to go faster.
    pub limited: Limits,
}

/// Hours, by what would have had to be more for work to go faster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Units waited, and all slots were taken.
    pub workers: f64,
    /// Reading and writing was slower than computing.
    pub storage: f64,
    /// The same, for the links of hosts.
    pub links: f64,
    /// Units waited, slots were free, and the server did not hand them out as fast.
    pub server: f64,
    /// Slots were free, and jobs had more units than the front lets wait.
    pub front: f64,
    /// Nothing: all there was was in work.
    pub nothing: f64,
    /// There was no work.
    pub idle: f64,
}

/// What the storage had to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Bytes read, 10^12.
    pub read_tb: f64,
    /// Bytes written, 10^12.
    pub written_tb: f64,
    /// The most bytes a second that would have been read if the storage had no limit, 10^9.
    pub most_read_gb_s: f64,
    /// The same for writing.
    pub most_written_gb_s: f64,
}

/// What the engine's server had to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Requests a second, in the ten seconds that had most; heartbeats and polls included.
    pub most_requests_per_second: f64,
    /// The most it may be asked.
    pub limit_requests_per_second: f64,
    /// Units a second that it handed out, in the ten seconds that had most.
    pub most_units_per_second: f64,
    /// Hours of its cores.
    pub core_hours: f64,
    /// Units of one job that waited or ran, at most.
    pub most_of_a_job: u64,
    /// Units of one run (a clip's) that may wait or run.
    pub most_of_a_run: u64,
    /// How many a run may have.
    pub limit_of_a_run: u64,
    /// Events in the longest history of a clip's run.
    pub most_events_of_a_clip: f64,
    /// Events in the longest history of a job's run.
    pub most_events_of_a_job: f64,
    /// Events at which a run should begin anew.
    pub limit_events: u64,
    /// Bytes of history, 10^9.
    pub history_gb: f64,
}

impl Turnaround {
    /// Of so many seconds, in any order.
    pub fn of(of: impl Into<String>, mut seconds: Vec<f64>, failed: u64) -> Self {
        seconds.sort_by(f64::total_cmp);
        let at = |part: f64| percentile(&seconds, part);
        let done = seconds.len() as u64;
        Self { of: of.into(), done, failed, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1.0) }
    }
}

/// The least value that so large a part is not above (nearest rank); 0 of none.
pub fn percentile(ascending: &[f64], part: f64) -> f64 {
    let rank = (part * ascending.len() as f64).ceil() as usize;
    ascending.get(rank.clamp(1, ascending.len().max(1)) - 1).copied().unwrap_or(0.0)
}

impl Limits {
    /// Each with its name, the largest first, those that never were left out.
    pub fn named(&self) -> Vec<(&'static str, f64)> {
        let mut all = vec![
            ("workers", self.workers),
            ("storage", self.storage),
            ("links of hosts", self.links),
            ("server", self.server),
            ("front", self.front),
            ("nothing: all was in work", self.nothing),
            ("no work", self.idle),
        ];
        all.retain(|(_, hours)| *hours > 0.0);
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let t = Turnaround::of("x", (1..=200).rev().map(f64::from).collect(), 0);
        assert_eq!((t.p50, t.p90, t.p99, t.max, t.done), (100.0, 180.0, 198.0, 200.0, 200));
        let one = Turnaround::of("x", vec![7.0], 2);
        assert_eq!((one.p50, one.max, one.failed), (7.0, 7.0, 2));
        assert_eq!(Turnaround::of("x", Vec::new(), 0).max, 0.0);
    }
}
