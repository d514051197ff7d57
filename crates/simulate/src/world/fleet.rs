//! Workers: slots, hosts, those that are lost, and those that come and go.

use std::cmp::Reverse;

use super::{Event, Unit, What, World};
use crate::host::{Host, Load, Ordered};
use crate::policy::Scheduler;

/// A worker.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) class: usize,
    host: usize,
    first_slot: usize,
    state: State,
    /// Tells it from what stood in its place before.
    pub(super) life: u64,
    busy: usize,
    idle_since: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not there, and not paid.
    Away,
    Coming,
    Ready,
}

/// Room for a unit on a worker.
#[derive(Debug)]
pub(super) struct Slot {
    worker: usize,
    turn: u64,
    unit: Option<Running>,
}

/// A unit that has a slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    unit: Unit,
    pub(super) load: Load,
    bad: bool,
    /// When it began to compute, by the hosts' time.
    since: Option<f64>,
}

impl World<'_> {
    /// The workers of the beginning.
    pub(super) fn furnish(&mut self) {
        for (class, w) in self.scenario.workers.iter().enumerate() {
            let first = self.workers.len();
            for i in 0..w.most() {
                if i % w.per_host == 0 {
                    self.hosts.push(Host::new(w.host_cores, w.link_gb_s.map_or(f64::INFINITY, |l| l * 1e9)));
                    self.versions.push(0);
                    self.tally.host(class);
                }
                let (host, first_slot) = (self.hosts.len() - 1, self.slots.len());
                let worker = self.workers.len();
                self.slots.extend((0..w.slots).map(|_| Slot { worker, turn: 0, unit: None }));
                self.workers.push(Worker {
                    class,
                    host,
                    first_slot,
                    state: State::Away,
                    life: 0,
                    busy: 0,
                    idle_since: 0.0,
                });
            }
            let begin = w.autoscale.as_ref().map_or(w.count, |a| a.least);
            for worker in first..first + begin {
                self.classes[class].coming += 1;
                self.ready(worker);
            }
            // Hosts get their first unit before any gets its second.
            let (per_host, slots) = (w.per_host, w.slots);
            let place = |slot: usize| ((slot % slots), (slot / slots) % per_host, slot / slots / per_host);
            let first_slot = self.workers.get(first).map_or(0, |w| w.first_slot);
            self.classes[class].free.make_contiguous().sort_by_key(|(slot, _)| place(slot - first_slot));
            if w.autoscale.is_some() {
                self.tell(0.0, Event::Scales(class));
            }
        }
    }

    /// The slot that has been free longest.
    pub(super) fn free_slot(&mut self, class: usize) -> Option<usize> {
        loop {
            let (slot, life) = self.classes[class].free.pop_front()?;
            let worker = &self.workers[self.slots[slot].worker];
            if worker.life == life && worker.state == State::Ready {
                return Some(slot);
            }
        }
    }

    /// A slot takes a unit.
    pub(super) fn take(&mut self, slot: usize, unit: Unit) {
        self.step(unit, What::Begins);
        let worker = self.slots[slot].worker;
        let (load, bad) = self.load(unit, worker);
        self.slots[slot].turn += 1;
        self.slots[slot].unit = Some(Running { unit, load, bad, since: None });
        self.workers[worker].busy += 1;
        self.classes[self.workers[worker].class].busy += 1;
        self.tally.begun();
        let turn = self.slots[slot].turn;
        if self.engine.start_seconds > 0.0 {
            self.tell(self.now + self.engine.start_seconds, Event::Begins(slot, turn));
        } else {
            self.begins(slot, turn);
        }
    }

    /// The unit in a slot begins to compute.
    pub(super) fn begins(&mut self, slot: usize, turn: u64) {
        let s = &mut self.slots[slot];
        if s.turn != turn {
            return;
        }
        let Some(running) = &mut s.unit else { return };
        let host = self.workers[s.worker].host;
        running.since = Some(self.hosts[host].clock(self.flow));
        self.hosts[host].begin(self.flow, slot, turn, running.load);
        self.touched(host);
    }

    /// The first unit of a host comes to its end.
    pub(super) fn unit_ends(&mut self, host: usize) {
        let Some((_, slot)) = self.next_of(host) else { return };
        let Some(running) = self.slots[slot].unit else { return };
        let worker = self.slots[slot].worker;
        if running.bad && self.scenario.failures.poison_kills_worker && self.scenario.scheduler == Scheduler::Queue {
            self.loses(worker);
            return;
        }
        self.leaves(slot);
        self.workers[worker].busy -= 1;
        if self.workers[worker].busy == 0 {
            self.workers[worker].idle_since = self.now;
        }
        let class = &mut self.classes[self.workers[worker].class];
        class.busy -= 1;
        class.free.push_back((slot, self.workers[worker].life));
        self.tally.work(self.workers[worker].class, running.work(), !running.bad);
        self.over(running.unit, !running.bad);
    }

    /// The unit of a slot is there no more. Gives the part of it that was computed, in seconds of its own.
    fn leaves(&mut self, slot: usize) -> Option<(Unit, Load, f64)> {
        let s = &mut self.slots[slot];
        let running = s.unit.take()?;
        s.turn += 1;
        let host = self.workers[s.worker].host;
        let mut computed = 0.0;
        if let Some(since) = running.since {
            computed = (self.hosts[host].clock(self.flow) - since).clamp(0.0, running.load.seconds);
            self.hosts[host].end(self.flow, running.load);
            self.touched(host);
        }
        Some((running.unit, running.load, computed))
    }

    /// A worker is gone, with all it had. Another will stand in its place.
    pub(super) fn loses(&mut self, worker: usize) {
        let (class, first) = (self.workers[worker].class, self.workers[worker].first_slot);
        let slots = self.scenario.workers[class].slots;
        for slot in first..first + slots {
            if let Some((unit, load, computed)) = self.leaves(slot) {
                self.classes[class].busy -= 1;
                self.tally.lost();
                self.tally.work(class, computed * load.cores, false);
                let number = self.told;
                self.lost.insert(number, unit);
                self.tell(self.now + self.scenario.server.heartbeat_seconds, Event::Noticed(number));
            }
        }
        self.goes(worker, State::Coming);
        let life = self.workers[worker].life;
        self.tell(self.now + self.scenario.failures.back_seconds, Event::Ready(worker, life));
    }

    /// A worker takes no more units.
    fn goes(&mut self, worker: usize, state: State) {
        let w = &mut self.workers[worker];
        let class = &mut self.classes[w.class];
        class.up -= 1;
        class.slots -= self.scenario.workers[w.class].slots;
        class.coming += usize::from(state == State::Coming);
        (w.state, w.busy) = (state, 0);
        w.life += 1;
    }

    /// A worker stands ready.
    pub(super) fn ready(&mut self, worker: usize) {
        let w = &mut self.workers[worker];
        let (slots, class) = (self.scenario.workers[w.class].slots, &mut self.classes[w.class]);
        (w.state, w.idle_since) = (State::Ready, self.now);
        let life = w.life;
        class.coming -= 1;
        class.up += 1;
        class.slots += slots;
        class.free.extend((w.first_slot..w.first_slot + slots).map(|slot| (slot, life)));
        let (index, workers) = (w.class, class.up + class.coming);
        self.tally.workers(index, workers);
        if let Some(hours) = self.scenario.failures.worker_hours {
            let after = hours * 3600.0 * self.chance.exponential();
            self.tell(self.now + after, Event::Lost(worker, life));
        }
    }

    /// Looks whether a class has as many workers as its units want.
    pub(super) fn scales(&mut self, class: usize) {
        let Some(a) = &self.scenario.workers[class].autoscale else { return };
        let c = &self.classes[class];
        let units = c.waiting.len() + c.busy;
        let wanted = ((units as f64 / a.units_per_worker).ceil() as usize).clamp(a.least, a.most);
        let there = c.up + c.coming;
        if wanted > there {
            let away: Vec<usize> =
                self.of(class).filter(|w| self.workers[*w].state == State::Away).take(wanted - there).collect();
            for worker in away {
                self.classes[class].coming += 1;
                self.workers[worker].state = State::Coming;
                let life = self.workers[worker].life;
                self.tell(self.now + a.start_seconds, Event::Ready(worker, life));
            }
        } else if wanted < there {
            let rests =
                |w: &Worker| w.state == State::Ready && w.busy == 0 && self.now - w.idle_since >= a.idle_seconds;
            let idle: Vec<usize> =
                self.of(class).rev().filter(|w| rests(&self.workers[*w])).take(there - wanted).collect();
            for worker in idle {
                self.goes(worker, State::Away);
            }
        }
        self.tell(self.now + a.every_seconds, Event::Scales(class));
    }

    /// The workers of a class.
    fn of(&self, class: usize) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let first: usize = self.scenario.workers[..class].iter().map(|w| w.most()).sum();
        first..first + self.scenario.workers[class].most()
    }

    /// What a host asks for has changed.
    fn touched(&mut self, host: usize) {
        self.tally.asks(host, &self.hosts[host]);
        self.versions[host] += 1;
        if let Some((at, _)) = self.next_of(host) {
            self.due.push(Reverse((Ordered(at), host, self.versions[host])));
        }
    }

    fn next_of(&mut self, host: usize) -> Option<(f64, usize)> {
        let slots = &self.slots;
        self.hosts[host].next(self.flow, |slot, turn| slots[slot].turn == turn && slots[slot].unit.is_some())
    }
}
