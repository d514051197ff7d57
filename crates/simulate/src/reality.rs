//! Whether the model is right: makespans of real workers beside those that it predicts.

use std::collections::BTreeMap;

use rushes_core::Result;
use serde::{Deserialize, Serialize};

use crate::fleet::{Failures, Server, Workers};
use crate::outcome::percentile;
use crate::policy::Scheduler;
use crate::profile::{Chain, EngineCosts, Output, Profile};
use crate::scenario::{Arrival, Scenario, Show};
use crate::{draw::Spread, simulate};

/// Units of one clip that real workers have made, as `examples/measure` writes them down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Where, when and of what.
    pub provenance: String,
    /// Cores of the machine.
    pub cores: f64,
    /// Frames of the clip.
    pub frames: u64,
    /// Frames to a unit.
    pub frames_per_unit: u64,
    /// Columns and rows.
    pub pixels: [u64; 2],
    /// One worker alone: core seconds of a frame, and of a unit beside its frames. The median of the repetitions.
    pub core_seconds_per_frame: f64,
    /// The second of them.
    pub core_seconds_per_unit: f64,
    /// All units, several times.
    pub runs: Vec<Run>,
}

/// All units, made once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Worker processes of one thread at a time.
    pub workers: usize,
    /// Seconds from the first unit's start to the last one's end.
    pub seconds: f64,
    /// Core seconds of the workers.
    pub core_seconds: f64,
    /// Core seconds that others used meanwhile.
    pub others_core_seconds: f64,
}

/// What was measured with so many workers, and what the model says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Worker processes.
    pub workers: usize,
    /// Repetitions.
    pub runs: usize,
    /// Of those, how many had the machine for themselves ([`Run::is_quiet`]): they alone are compared, where there are any.
    pub quiet: usize,
    /// Their median, least and most.
    pub measured: [f64; 3],
    /// With the cores of the machine and what one worker costs alone; nothing else is known of the runs.
    pub predicted: f64,
    /// How far it is off the median: 0.1 where it says a tenth too much.
    pub off: f64,
    /// The same for each of the runs that are compared, with the core seconds that the run itself used in place of those
    /// of one worker alone: least and most. What remains is how work is shared, and when the last unit ends.
    pub off_by_work: [f64; 2],
    /// How far the model is off with the cores that others left to each of all runs: the median. On a machine that others
    /// keep busy this says that work is conserved and shared, and hardly more: what they left is what the workers used.
    pub off_beside_others: f64,
    /// Core seconds of the workers against those of one alone: above 1 where cores that are busy side by side are slower.
    pub dearer: f64,
}

impl Run {
    /// Whether others used less than a twentieth of what the workers did.
    pub fn is_quiet(&self) -> bool {
        self.others_core_seconds < 0.05 * self.core_seconds
    }
}

impl Measured {
    /// Makespan of all units on `cores` cores that the model says.
    ///
    /// # Errors
    /// When the numbers make no sense.
    pub fn predict(&self, workers: usize, cores: f64) -> Result<f64> {
        let megapixels = (self.pixels[0] * self.pixels[1]) as f64 / 1e6;
        let chain = Chain {
            outputs: vec![Output::Frames],
            core_seconds_per_megapixel: self.core_seconds_per_frame / megapixels,
            read_bytes_per_pixel: 0.0,
            written_bytes_per_pixel: 0.0,
        };
        let profile = Profile {
            measured: self.provenance.clone(),
            chains: BTreeMap::from([("measured".to_owned(), chain)]),
            core_seconds_per_unit: self.core_seconds_per_unit,
            parallel: 1.0,
            engine: EngineCosts::none(),
        };
        let arrival = Arrival {
            name: "clip".into(),
            show: "show".into(),
            priority: 3,
            chain: "measured".into(),
            class: "cpu".into(),
            at_hours: vec![0.0],
            every_hours: 24.0,
            times: 1,
            late_hours: 0.0,
            clips: Spread::Always(1.0),
            frames: Spread::Always(self.frames as f64),
            pixels: self.pixels,
        };
        let fleet = Workers {
            class: "cpu".into(),
            count: workers,
            slots: 1,
            threads: 1.0,
            host_cores: cores,
            per_host: workers,
            speed: 1.0,
            link_gb_s: None,
            price_per_hour: 0.0,
            autoscale: None,
        };
        let scenario = Scenario {
            name: "measured".into(),
            seed: 0,
            scheduler: Scheduler::Queue,
            frames_per_unit: self.frames_per_unit,
            pending: 1000,
            attempts: 1,
            shows: vec![Show { name: "show".into(), weight: 1.0 }],
            arrivals: vec![arrival],
            workers: vec![fleet],
            storage: None,
            server: Server { units_per_second: 1e9, ..Server::default() },
            failures: Failures::default(),
        };
        Ok(simulate(&scenario, &profile)?.end_hours * 3600.0)
    }

    /// By the number of workers.
    ///
    /// # Errors
    /// As [`Measured::predict`].
    pub fn compare(&self) -> Result<Vec<Compared>> {
        let mut numbers: Vec<usize> = self.runs.iter().map(|r| r.workers).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(|workers| self.compare_one(workers)).collect()
    }

    fn compare_one(&self, workers: usize) -> Result<Compared> {
        let of: Vec<&Run> = self.runs.iter().filter(|r| r.workers == workers).collect();
        let quiet: Vec<&Run> = of.iter().copied().filter(|r| r.is_quiet()).collect();
        let taken = if quiet.is_empty() { &of } else { &quiet };
        let middle = |what: fn(&Run) -> f64| {
            let mut all: Vec<f64> = taken.iter().map(|r| what(r)).collect();
            all.sort_by(f64::total_cmp);
            [median(&all), percentile(&all, 0.0), percentile(&all, 1.0)]
        };
        let measured = middle(|r| r.seconds);
        let units = self.frames.div_ceil(self.frames_per_unit);
        let alone = self.frames as f64 * self.core_seconds_per_frame + units as f64 * self.core_seconds_per_unit;
        let predicted = self.predict(workers, self.cores)?;
        // Where all units cost as much more, it takes as much longer.
        let by_work: Vec<f64> = taken.iter().map(|r| predicted * r.core_seconds / alone / r.seconds - 1.0).collect();
        let mut beside = Vec::new();
        for run in &of {
            let left = (self.cores - run.others_core_seconds / run.seconds).max(0.05);
            beside.push(self.predict(workers, left)? / run.seconds - 1.0);
        }
        beside.sort_by(f64::total_cmp);
        Ok(Compared {
            workers,
            runs: of.len(),
            quiet: quiet.len(),
            measured,
            predicted,
            off: predicted / measured[0] - 1.0,
            off_by_work: [
                by_work.iter().copied().fold(f64::INFINITY, f64::min),
                by_work.iter().copied().fold(-1.0, f64::max),
            ],
            off_beside_others: median(&beside),
            dearer: middle(|r| r.core_seconds)[0] / alone,
        })
    }
}

/// The middle one; of an even number, what lies between the middle two.
fn median(ascending: &[f64]) -> f64 {
    let middle = ascending.len() / 2;
    match ascending.get(middle) {
        Some(upper) if ascending.len().is_multiple_of(2) => ascending[middle - 1].midpoint(*upper),
        Some(middle) => *middle,
        None => 0.0,
    }
}
