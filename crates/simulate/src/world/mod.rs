//! Virtual time: what happens, one thing after the other.

mod fleet;
mod jobs;
mod tally;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use rushes_core::{Error, ErrorKind, Result};

use crate::draw::Draw;
use crate::host::{Host, Load, Ordered};
use crate::outcome::Outcome;
use crate::policy::{Policy, Scheduler};
use crate::profile::{EngineCosts, Profile};
use crate::scenario::Scenario;
use crate::work::Work;
use fleet::{Running, Slot, Worker};
use tally::Tally;

/// Something that happened to a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// When, in seconds.
    pub at: f64,
    /// The clip, numbered through all jobs.
    pub clip: usize,
    /// The unit of the clip.
    pub unit: usize,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Its priority.
    pub priority: u8,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It waits in the queue.
    Waits,
    /// It was given to a slot.
    Begins,
    /// Its worker is gone, and the engine has noticed.
    Lost,
    /// It is made.
    Done,
    /// It is given up.
    Failed,
}

/// Simulates `scenario` with the costs of `profile`.
///
/// # Errors
/// When the scenario or the profile makes no sense.
pub fn simulate(scenario: &Scenario, profile: &Profile) -> Result<Outcome> {
    watch(scenario, profile, &mut |_| {})
}

/// The same; `seen` hears of every step.
///
/// # Errors
/// As [`simulate`].
pub fn watch(scenario: &Scenario, profile: &Profile, seen: &mut dyn FnMut(Step)) -> Result<Outcome> {
    profile.check()?;
    scenario.check(profile)?;
    let mut world = World::new(scenario, profile, Work::of(scenario, profile)?, seen);
    world.run()?;
    Ok(world.tally.outcome(&world))
}

/// A unit that waits, runs or is lost.
#[derive(Debug, Clone, Copy)]
struct Unit {
    clip: u32,
    index: u32,
    attempt: u32,
}

/// Units of a class of workers.
#[derive(Debug)]
struct Class {
    waiting: Policy<Unit>,
    /// Free slots, the one that has been free longest first, and the life of its worker then.
    free: VecDeque<(usize, u64)>,
    /// Units of jobs that have come, which do not even wait.
    held: u64,
    /// Slots of workers that stand ready, and those that have a unit.
    slots: usize,
    busy: usize,
    /// Workers that stand ready, and those that are coming.
    up: usize,
    coming: usize,
    /// When its queue may hand out the next.
    next: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A job comes.
    Arrives(usize),
    /// The server may hand out the next unit.
    HandsOut,
    /// The unit in a slot begins to compute: it was handed out a moment ago.
    Begins(usize, u64),
    /// The engine notices that a unit was lost.
    Noticed(u64),
    /// A worker is lost, or stands ready.
    Lost(usize, u64),
    Ready(usize, u64),
    /// It is looked whether a class has enough workers.
    Scales(usize),
}

struct World<'a> {
    scenario: &'a Scenario,
    profile: &'a Profile,
    engine: EngineCosts,
    work: Work,
    seen: &'a mut dyn FnMut(Step),
    now: f64,
    /// The time that hosts live in: it goes more slowly while the storage cannot keep up.
    flow: f64,
    events: BinaryHeap<Reverse<(Ordered, u64, Event)>>,
    told: u64,
    hosts: Vec<Host>,
    /// When the next unit of a host ends, in the hosts' time; of a version of the host.
    due: BinaryHeap<Reverse<(Ordered, usize, u64)>>,
    versions: Vec<u64>,
    classes: Vec<Class>,
    workers: Vec<Worker>,
    slots: Vec<Slot>,
    lost: BTreeMap<u64, Unit>,
    /// Clips of each job that are in work.
    open: Vec<usize>,
    /// When the server may hand out the next, and whether that was put among the events.
    next: f64,
    asked: bool,
    left: u64,
    chance: Draw,
    tally: Tally,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, profile: &'a Profile, work: Work, seen: &'a mut dyn FnMut(Step)) -> Self {
        let class = |_| Class {
            waiting: Policy::new(scenario.scheduler),
            free: VecDeque::new(),
            held: 0,
            slots: 0,
            busy: 0,
            up: 0,
            coming: 0,
            next: 0.0,
        };
        let engine = match scenario.scheduler {
            Scheduler::Queue => profile.engine.clone(),
            Scheduler::InProcess => EngineCosts::none(),
        };
        let mut world = Self {
            classes: scenario.workers.iter().map(class).collect(),
            tally: Tally::new(scenario, &work),
            open: vec![0; work.jobs.len()],
            left: work.units,
            chance: Draw::new(scenario.seed, 0),
            scenario,
            profile,
            engine,
            work,
            seen,
            now: 0.0,
            flow: 0.0,
            events: BinaryHeap::new(),
            told: 0,
            hosts: Vec::new(),
            due: BinaryHeap::new(),
            versions: Vec::new(),
            workers: Vec::new(),
            slots: Vec::new(),
            lost: BTreeMap::new(),
            next: 0.0,
            asked: false,
        };
        world.furnish();
        for job in 0..world.work.jobs.len() {
            world.tell(world.work.jobs[job].at, Event::Arrives(job));
        }
        world
    }

    fn tell(&mut self, at: f64, event: Event) {
        self.events.push(Reverse((Ordered(at), self.told, event)));
        self.told += 1;
    }

    fn run(&mut self) -> Result<()> {
        while self.left > 0 {
            while self.due.peek().is_some_and(|Reverse((_, host, version))| self.versions[*host] != *version) {
                self.due.pop();
            }
            let pace = self.pace();
            let due = self
                .due
                .peek()
                .map(|Reverse((flow, host, _))| (self.now + (flow.0 - self.flow).max(0.0) / pace, flow.0, *host));
            let event = self.events.peek().map(|Reverse((at, _, event))| (at.0, *event));
            match (due, event) {
                (Some((at, flow, host)), next) if next.is_none_or(|(event, _)| at <= event) => {
                    self.pass(at);
                    self.flow = self.flow.max(flow);
                    self.due.pop();
                    self.unit_ends(host);
                }
                (_, Some((at, event))) => {
                    self.events.pop();
                    self.pass(at);
                    self.happens(event);
                }
                (_, None) => {
                    let what = format!("{} units are left, and nothing happens any more", self.left);
                    return Err(Error::new(ErrorKind::Invalid, what)
                        .doing("simulating")
                        .advice("this is a bug: report it with the scenario"));
                }
            }
            self.hand_out();
        }
        Ok(())
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrives(job) => self.arrives(job),
            Event::HandsOut => self.asked = false,
            Event::Begins(slot, turn) => self.begins(slot, turn),
            Event::Noticed(number) => self.noticed(number),
            Event::Lost(worker, life) => {
                if self.workers[worker].life == life {
                    self.loses(worker);
                }
            }
            Event::Ready(worker, life) => {
                if self.workers[worker].life == life {
                    self.ready(worker);
                }
            }
            Event::Scales(class) => self.scales(class),
        }
    }

    /// How fast the hosts' time goes: less than 1 where they ask the storage for more than it carries.
    fn pace(&self) -> f64 {
        let Some(storage) = &self.scenario.storage else { return 1.0 };
        let part = |has: f64, asked: f64| if asked > has { has / asked } else { 1.0 };
        let asked = &self.tally.asked;
        part(storage.read_gb_s * 1e9, asked.read).min(part(storage.write_gb_s * 1e9, asked.written))
    }

    /// Lets time go by.
    fn pass(&mut self, to: f64) {
        let seconds = (to - self.now).max(0.0);
        let pace = self.pace();
        if seconds > 0.0 {
            self.tally.pass(seconds, pace, &self.classes, self.scenario);
        }
        self.flow += seconds * pace;
        self.now = self.now.max(to);
    }

    /// Gives units that wait to slots that are free, as fast as the server does.
    fn hand_out(&mut self) {
        loop {
            let mut soonest: Option<(f64, usize)> = None;
            for (i, class) in self.classes.iter().enumerate() {
                let at = class.next.max(self.next);
                if !class.waiting.is_empty() && class.busy < class.slots && soonest.is_none_or(|(s, _)| at < s) {
                    soonest = Some((at, i));
                }
            }
            let Some((at, class)) = soonest else { return };
            if at > self.now {
                if !self.asked {
                    self.asked = true;
                    self.tell(at, Event::HandsOut);
                }
                return;
            }
            let Some(slot) = self.free_slot(class) else { return };
            let Some(unit) = self.classes[class].waiting.pop() else { return };
            self.pays_server(class);
            self.take(slot, unit);
        }
    }

    /// The time until the server may hand out another.
    fn pays_server(&mut self, class: usize) {
        if self.scenario.scheduler == Scheduler::InProcess {
            return;
        }
        let server = &self.scenario.server;
        let background = self.tally.background(&self.classes, server);
        // A server that is asked for more than it allows goes on answering some.
        let room = (server.requests_per_second - background).max(server.requests_per_second * 0.05);
        let requests = self.engine.requests_per_unit / room;
        let cores = self.engine.server_core_seconds_per_unit / server.cores;
        self.next = self.now + requests.max(cores);
        self.classes[class].next = self.now + 1.0 / server.units_per_second;
        self.tally.server(self.now, self.engine.requests_per_unit, 1.0, background);
    }

    fn step(&mut self, unit: Unit, what: What) {
        let kind = self.work.jobs[self.work.clips[unit.clip as usize].job as usize].kind;
        (self.seen)(Step {
            at: self.now,
            clip: unit.clip as usize,
            unit: unit.index as usize,
            attempt: unit.attempt,
            priority: self.work.kinds[kind].claim.priority,
            what,
        });
    }

    /// What a unit asks of the host of a worker.
    fn load(&mut self, unit: Unit, worker: usize) -> (Load, bool) {
        let clip = &self.work.clips[unit.clip as usize];
        let kind = &self.work.kinds[self.work.jobs[clip.job as usize].kind];
        let workers = &self.scenario.workers[self.workers[worker].class];
        let frames = f64::from(clip.units[unit.index as usize]);
        let threads = workers.threads.min(workers.host_cores);
        let parallel = if threads > 1.0 { self.profile.parallel } else { 1.0 };
        let opening = (self.profile.core_seconds_per_unit + self.engine.worker_core_seconds_per_unit) / workers.speed;
        let frames_work = frames * kind.core_seconds_per_frame / workers.speed;
        let seconds = opening + frames_work / (threads * parallel);
        let mut load = Load {
            seconds,
            cores: (opening + frames_work) / seconds,
            read: frames * kind.read_per_frame / seconds,
            written: frames * kind.written_per_frame / seconds,
        };
        let bad = clip.poison == Some(unit.index);
        if bad {
            // It goes wrong somewhere on the way.
            load.seconds *= self.chance.unit();
        }
        (load, bad)
    }
}

impl Running {
    /// Core seconds of all of it.
    fn work(&self) -> f64 {
        self.load.seconds * self.load.cores
    }
}
