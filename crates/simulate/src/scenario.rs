//! A production on paper: who asks for what and when, and who makes it.

use std::path::Path;

use rushes_core::run::PENDING;
use rushes_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::draw::Spread;
use crate::fleet::{Failures, Server, Storage, Workers};
use crate::policy::Scheduler;
use crate::profile::Profile;

/// Who asks for what, and who makes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is.
    pub name: String,
    /// Of all that comes by chance.
    #[serde(default)]
    pub seed: u64,
    /// Whose order is followed.
    #[serde(default)]
    pub scheduler: Scheduler,
    /// Frames to a unit where the outputs allow parts.
    #[serde(default = "frames_per_unit")]
    pub frames_per_unit: u64,
    /// Units of a job that wait or run at most.
    #[serde(default = "pending")]
    pub pending: usize,
    /// Attempts at a unit before it is given up.
    #[serde(default = "attempts")]
    pub attempts: u32,
    /// Who shares the workers.
    pub shows: Vec<Show>,
    /// What is asked for.
    pub arrivals: Vec<Arrival>,
    /// Who makes it.
    pub workers: Vec<Workers>,
    /// Where all of it is read from and written to; not said, it is as fast as anybody likes.
    #[serde(default)]
    pub storage: Option<Storage>,
    /// The engine's server.
    #[serde(default)]
    pub server: Server,
    /// What goes wrong.
    #[serde(default)]
    pub failures: Failures,
}

/// A show, or whoever is to get a fair share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// Its name.
    pub name: String,
    /// Its share of what its priority gets, against that of the others.
    #[serde(default = "one")]
    pub weight: f64,
}

/// Jobs of one kind: cards of the day, or a turnover.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrival {
    /// What they are called in the results, where those of equal names are put together.
    pub name: String,
    /// Whose they are.
    pub show: String,
    /// 1 to 5, 1 first.
    pub priority: u8,
    /// What is made of them: a chain of the profile.
    pub chain: String,
    /// The class of workers that makes it.
    #[serde(default = "class")]
    pub class: String,
    /// When jobs come, in hours from the beginning: a job each.
    pub at_hours: Vec<f64>,
    /// The same again each so many hours.
    #[serde(default = "day")]
    pub every_hours: f64,
    /// As many times.
    #[serde(default = "once")]
    pub times: u32,
    /// Each comes up to so many hours later.
    #[serde(default)]
    pub late_hours: f64,
    /// Clips of a job.
    pub clips: Spread,
    /// Frames of a clip.
    pub frames: Spread,
    /// Columns and rows of the camera's pictures.
    pub pixels: [u64; 2],
}

impl Scenario {
    /// From TOML or JSON, by the name of the file.
    ///
    /// # Errors
    /// When it cannot be read or makes no sense; says what.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e).doing("reading a scenario"))?;
        let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        if json { Self::from_json(&text) } else { Self::from_toml(&text) }.map_err(|e| e.path(path))
    }

    /// From TOML.
    ///
    /// # Errors
    /// When it does not parse.
    pub fn from_toml(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|e| invalid(e.to_string().trim_end()))
    }

    /// From JSON.
    ///
    /// # Errors
    /// When it does not parse.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| invalid(&e.to_string()))
    }

    /// The production that `docs/SCALE.md` tells of, as TOML.
    pub const EXAMPLE: &str = include_str!("../scenarios/turnover.toml");

    /// The production that `docs/SCALE.md` tells of.
    ///
    /// # Errors
    /// Never, as it ships.
    pub fn example() -> Result<Self> {
        Self::from_toml(Self::EXAMPLE)
    }

    /// The same with so many workers of `class` (the first that is named, if `None`), and no scaling by itself.
    ///
    /// # Errors
    /// When there is no such class.
    pub fn with_workers(mut self, class: Option<&str>, count: usize) -> Result<Self> {
        let of_class = self.workers.iter_mut().find(|w| class.is_none_or(|c| c == w.class));
        let workers =
            of_class.ok_or_else(|| invalid(&format!("there are no workers of class `{}`", class.unwrap_or(""))))?;
        (workers.count, workers.autoscale) = (count, None);
        Ok(self)
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// What, and what would.
    pub fn check(&self, profile: &Profile) -> Result<()> {
        let within = |what: &str, n: f64, least: f64, most: f64| match n.is_finite() && (least..=most).contains(&n) {
            true => Ok(()),
            false => Err(invalid(&format!("`{what}` is {n}, and must be between {least} and {most}"))),
        };
        within("frames_per_unit", self.frames_per_unit as f64, 1.0, MOST_FRAMES)?;
        within("pending", self.pending as f64, 1.0, 1e6)?;
        within("attempts", self.attempts.into(), 1.0, 1e6)?;
        for (i, show) in self.shows.iter().enumerate() {
            within("weight", show.weight, 0.001, 1000.0)?;
            if self.shows[..i].iter().any(|s| s.name == show.name) {
                return Err(invalid(&format!("two shows are called `{}`", show.name)));
            }
        }
        if self.arrivals.is_empty() || self.workers.is_empty() {
            return Err(invalid("it needs at least one of `[[arrivals]]` and one of `[[workers]]`"));
        }
        for (i, workers) in self.workers.iter().enumerate() {
            workers.check()?;
            if self.workers[..i].iter().any(|w| w.class == workers.class) {
                return Err(invalid(&format!("two lists of workers are of class `{}`", workers.class)));
            }
        }
        if self.scheduler == Scheduler::InProcess
            && (self.workers.len() > 1 || self.workers.iter().any(|w| w.count > 1))
        {
            return Err(invalid("a run in one process has one worker: its slots are the units at a time"));
        }
        if self.scheduler == Scheduler::InProcess && self.failures.worker_hours.is_some() {
            return Err(invalid("a run in one process has no workers that are lost: leave `worker_hours` out"));
        }
        self.storage.as_ref().map_or(Ok(()), Storage::check)?;
        self.server.check()?;
        self.failures.check()?;
        for a in &self.arrivals {
            a.check(self, profile).map_err(|e| e.doing(format!("checking the arrivals `{}`", a.name)))?;
        }
        let clips: f64 = self.arrivals.iter().map(|a| a.jobs() as f64 * a.clips.most()).sum();
        within("all clips", clips, 0.0, MOST_CLIPS)
    }
}

impl Arrival {
    /// Jobs in all.
    pub fn jobs(&self) -> u64 {
        self.at_hours.len() as u64 * u64::from(self.times)
    }

    fn check(&self, scenario: &Scenario, profile: &Profile) -> Result<()> {
        if !scenario.shows.iter().any(|s| s.name == self.show) {
            return Err(invalid(&format!("there is no show `{}`", self.show)));
        }
        if !profile.chains.contains_key(&self.chain) {
            let known: Vec<&str> = profile.chains.keys().map(String::as_str).collect();
            let what = format!("the profile has no chain `{}`", self.chain);
            return Err(invalid(&what).advice(format!("it has {}", known.join(", "))));
        }
        if !scenario.workers.iter().any(|w| w.class == self.class) {
            return Err(invalid(&format!("there are no workers of class `{}`", self.class)));
        }
        if !(1..=5).contains(&self.priority) {
            return Err(invalid(&format!("priority {} is not one of 1 to 5", self.priority)));
        }
        let hours = self.at_hours.iter().chain([&self.every_hours, &self.late_hours]);
        if hours.clone().any(|h| !(0.0..=MOST_HOURS).contains(h))
            || self.every_hours * f64::from(self.times) > MOST_HOURS
        {
            return Err(invalid("hours are from 0 to 1,000,000"));
        }
        if self.jobs() > MOST_CLIPS as u64 {
            return Err(invalid("these are more than ten million jobs"));
        }
        self.clips.check("clips", 1.0, MOST_CLIPS)?;
        self.frames.check("frames", 1.0, MOST_FRAMES)?;
        if self.frames.most() / scenario.frames_per_unit as f64 > MOST_UNITS_OF_A_CLIP {
            return Err(invalid("a clip would have more than 100,000 units").advice("make `frames_per_unit` larger"));
        }
        if self.pixels.iter().any(|p| !(1..=100_000).contains(p)) {
            return Err(invalid(&format!("{}x{} is not the size of a picture", self.pixels[0], self.pixels[1])));
        }
        Ok(())
    }
}

pub(crate) fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::Invalid, what).doing("reading a scenario")
}

const MOST_CLIPS: f64 = 1e7;
const MOST_FRAMES: f64 = 1e7;
const MOST_HOURS: f64 = 1e6;
const MOST_UNITS_OF_A_CLIP: f64 = 1e5;

fn frames_per_unit() -> u64 {
    240
}

fn pending() -> usize {
    PENDING
}

fn attempts() -> u32 {
    5
}

fn one() -> f64 {
    1.0
}

fn once() -> u32 {
    1
}

fn day() -> f64 {
    24.0
}

fn class() -> String {
    "cpu".into()
}
