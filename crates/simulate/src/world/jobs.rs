//! Jobs, clips and their units: what waits, and when it is over.

use super::{Unit, What, World};

impl World<'_> {
    pub(super) fn arrives(&mut self, job: usize) {
        let j = &self.work.jobs[job];
        let class = self.work.kinds[j.kind].class;
        let units: u64 = self.work.clips[j.next..j.end].iter().map(|c| c.units.len() as u64).sum();
        self.classes[class].held += units;
        self.opens(job);
    }

    /// Begins clips of a job, as many as its front has room for.
    fn opens(&mut self, job: usize) {
        loop {
            let j = &mut self.work.jobs[job];
            if self.open[job] >= j.fanout.clips || j.next >= j.end {
                return;
            }
            let clip = j.next;
            j.next += 1;
            let front = j.fanout.units;
            self.open[job] += 1;
            if self.engine.requests_per_clip > 0.0 {
                let background = self.tally.background(&self.classes, &self.scenario.server);
                self.tally.server(self.now, self.engine.requests_per_clip, 0.0, background);
            }
            let units = self.work.clips[clip].units.len();
            for _ in 0..units.min(front) {
                self.asks(clip);
            }
        }
    }

    /// The next unit of a clip waits.
    fn asks(&mut self, clip: usize) {
        let c = &mut self.work.clips[clip];
        let unit = Unit { clip: clip as u32, index: c.next, attempt: 1 };
        c.next += 1;
        let class = self.work.kinds[self.work.jobs[c.job as usize].kind].class;
        self.classes[class].held -= 1;
        self.waits(unit);
    }

    pub(super) fn waits(&mut self, unit: Unit) {
        let kind = &self.work.kinds[self.work.jobs[self.work.clips[unit.clip as usize].job as usize].kind];
        let class = &mut self.classes[kind.class];
        class.waiting.push(kind.claim, unit);
        let waiting = class.waiting.len() as u64;
        self.tally.waiting(kind.class, waiting);
        self.step(unit, What::Waits);
    }

    /// A unit came to its end, this way or that.
    pub(super) fn over(&mut self, unit: Unit, done: bool) {
        self.step(unit, if done { What::Done } else { What::Failed });
        self.left -= 1;
        let clip = unit.clip as usize;
        let c = &mut self.work.clips[clip];
        c.ended += 1;
        c.failed |= !done;
        self.tally.unit(done);
        if (c.next as usize) < c.units.len() {
            self.asks(clip);
        } else if c.ended as usize == c.units.len() {
            let (job, failed) = (c.job as usize, c.failed);
            let j = &self.work.jobs[job];
            self.tally.clip(j.kind, (!failed).then_some(self.now - j.at));
            self.open[job] -= 1;
            self.opens(job);
        }
    }

    /// The engine notices that a unit was lost with its worker.
    pub(super) fn noticed(&mut self, number: u64) {
        let Some(unit) = self.lost.remove(&number) else { return };
        self.step(unit, What::Lost);
        if unit.attempt >= self.scenario.attempts {
            self.over(unit, false);
        } else {
            self.waits(Unit { attempt: unit.attempt + 1, ..unit });
        }
    }
}
