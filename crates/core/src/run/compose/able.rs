//! Who takes a unit.

use crate::media::Finding;
use crate::plan::Unit;
use crate::run::UnitReport;

/// Which executors take a unit, and what became of those that did not make it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Able {
    /// Those that take it, in order of preference.
    pub(super) takers: Vec<usize>,
    /// Those that could not say, or failed a moment ago: tried where there is no taker.
    pub(super) absent: Vec<usize>,
    /// Those that do not take it, could not say or failed, and why.
    pub(super) refusals: Vec<(usize, String)>,
    /// How many were asked.
    pub(super) asked: usize,
    /// What the unit does ([`super::pace::kind`]).
    pub(super) kind: u64,
    /// Set once an attempt left files of the unit.
    pub(super) overwrite: bool,
    /// How many failed.
    pub(super) failed: usize,
}

impl Able {
    /// Whether nobody takes it, now or later.
    pub fn nobody(&self) -> bool {
        self.takers.is_empty() && self.absent.is_empty()
    }

    /// Whether no attempt was made yet.
    pub(crate) fn is_first(&self) -> bool {
        self.failed == 0
    }

    /// `unit` as the next attempt runs it.
    pub(crate) fn of(&self, unit: &Unit) -> Unit {
        Unit { overwrite: unit.overwrite || self.overwrite, ..unit.clone() }
    }

    /// Units with equal keys wait for the same executors.
    pub(crate) fn key(&self) -> Vec<usize> {
        self.candidates().to_vec()
    }

    /// Those that may run it now, in order of preference.
    pub(super) fn candidates(&self) -> &[usize] {
        if self.takers.is_empty() { &self.absent } else { &self.takers }
    }

    /// Writes into `report`, of a unit that ran on `chosen`, which executors were passed over and why: those before
    /// it, and those that failed. Names of executors come from `name`.
    pub(super) fn tell(
        &self,
        chosen: usize,
        unit: &Unit,
        report: &mut UnitReport,
        name: impl Fn(usize) -> String,
    ) -> bool {
        let passed = self.refusals.iter().filter(|(i, _)| *i < chosen || (self.failed > 0 && *i != chosen));
        let why: Vec<String> = passed.map(|(i, why)| format!("{}: {why}", name(*i))).collect();
        if why.is_empty() {
            return false;
        }
        let why = why.join("; ");
        let text = format!("ran on {} because {why}", name(chosen));
        report.findings.push(Finding::info("executor-fallback", text).clip(&unit.clip.name));
        report.ran_on = format!("{} after {why}", report.ran_on);
        true
    }
}
