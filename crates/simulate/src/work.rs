//! What a scenario asks for, clip by clip.

use std::sync::Arc;

use rushes_core::run::Fanout;
use rushes_core::{Error, ErrorKind, Result};

use crate::draw::Draw;
use crate::paper::Planner;
use crate::policy::{Claim, Scheduler};
use crate::profile::Profile;
use crate::scenario::Scenario;

/// All that will be asked for.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) jobs: Vec<Job>,
    pub(crate) clips: Vec<Clip>,
    /// By the scenario's arrivals.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) units: u64,
}

/// What jobs of the same arrivals have in common.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) claim: Claim,
    /// The workers' place in the scenario.
    pub(crate) class: usize,
    pub(crate) core_seconds_per_frame: f64,
    pub(crate) read_per_frame: f64,
    pub(crate) written_per_frame: f64,
}

/// A job: a run of the engine.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) kind: usize,
    pub(crate) at: f64,
    pub(crate) fanout: Fanout,
    /// The clips that were not begun.
    pub(crate) next: usize,
    pub(crate) end: usize,
}

/// A clip of a job: a run below the job's.
#[derive(Debug)]
pub(crate) struct Clip {
    pub(crate) job: u32,
    /// Frames of its units.
    pub(crate) units: Arc<[u32]>,
    pub(crate) next: u32,
    pub(crate) ended: u32,
    pub(crate) failed: bool,
    /// The unit that can never be made.
    pub(crate) poison: Option<u32>,
}

/// Units that are simulated at most.
const MOST_UNITS: u64 = 50_000_000;

impl Work {
    pub(crate) fn of(scenario: &Scenario, profile: &Profile) -> Result<Self> {
        let mut planner = Planner::new(scenario.frames_per_unit);
        let mut work = Self { jobs: Vec::new(), clips: Vec::new(), kinds: Vec::new(), units: 0 };
        for (kind, a) in scenario.arrivals.iter().enumerate() {
            let unknown = |what: &str| Error::new(ErrorKind::Invalid, format!("`{}` has {what}", a.name));
            let show = scenario.shows.iter().position(|s| s.name == a.show).ok_or_else(|| unknown("no show"))?;
            let class =
                scenario.workers.iter().position(|w| w.class == a.class).ok_or_else(|| unknown("no workers"))?;
            let chain = profile.chains.get(&a.chain).ok_or_else(|| unknown("no chain"))?;
            let pixels = (a.pixels[0] * a.pixels[1]) as f64;
            work.kinds.push(Kind {
                claim: Claim { priority: a.priority, key: show as u32, weight: scenario.shows[show].weight },
                class,
                core_seconds_per_frame: chain.core_seconds_per_megapixel * pixels / 1e6,
                read_per_frame: chain.read_bytes_per_pixel * pixels,
                written_per_frame: chain.written_bytes_per_pixel * pixels,
            });
            let purpose = 1 + kind as u64 * 4;
            let [mut late, mut clips, mut frames, mut poison] =
                [0, 1, 2, 3].map(|p| Draw::new(scenario.seed, purpose + p));
            for time in 0..a.times {
                for at in &a.at_hours {
                    let at = at + a.every_hours * f64::from(time) + a.late_hours * late.unit();
                    let count = a.clips.draw(&mut clips).round().max(1.0) as usize;
                    let first = work.clips.len();
                    for _ in 0..count {
                        let length = a.frames.draw(&mut frames).round().max(1.0) as u64;
                        let units = planner.units(length, &chain.outputs)?;
                        let damaged = poison.unit() * 1000.0 < scenario.failures.poison_clips_per_thousand;
                        let which = (poison.unit() * units.len() as f64) as u32;
                        work.units += units.len() as u64;
                        work.clips.push(Clip {
                            job: work.jobs.len() as u32,
                            units,
                            next: 0,
                            ended: 0,
                            failed: false,
                            poison: damaged.then_some(which),
                        });
                    }
                    if work.units > MOST_UNITS {
                        return Err(Error::new(ErrorKind::Invalid, "the scenario has more than 50,000,000 units")
                            .doing("planning on paper")
                            .advice("simulate a part of it, or make `frames_per_unit` larger"));
                    }
                    let fanout = match scenario.scheduler {
                        Scheduler::Queue => {
                            Fanout::of(work.clips[first..].iter().map(|c| c.units.len()), scenario.pending)
                        }
                        // A run keeps no front.
                        Scheduler::InProcess => Fanout { clips: usize::MAX, units: usize::MAX },
                    };
                    work.jobs.push(Job { kind, at: at * 3600.0, fanout, next: first, end: first + count });
                }
            }
        }
        Ok(work)
    }
}
