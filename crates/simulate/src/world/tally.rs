//! What is counted on the way.

use super::{Class, World};
use crate::fleet::Server;
use crate::host::{Host, Load};
use crate::outcome::{self, Limits, Moved, Outcome, Turnaround, Use};
use crate::scenario::Scenario;
use crate::work::Work;

#[derive(Debug)]
pub(super) struct Tally {
    /// What all hosts together ask of the storage.
    pub(super) asked: Load,
    hosts: Vec<OfHost>,
    classes: Vec<OfClass>,
    /// Seconds that clips took, by the scenario's arrivals, and clips that failed.
    took: Vec<(Vec<f64>, u64)>,
    read: f64,
    written: f64,
    most_read: f64,
    most_written: f64,
    units_done: u64,
    units_failed: u64,
    begun: u64,
    lost: u64,
    wasted: f64,
    server: OfServer,
    /// By the plan.
    frames: u64,
    camera_bytes: f64,
    most_of_a_clip: usize,
    most_of_a_job: usize,
    most_clips: usize,
    most_units: usize,
}

#[derive(Debug)]
struct OfHost {
    class: usize,
    read: f64,
    written: f64,
    busy: f64,
    link: bool,
}

#[derive(Debug, Clone, Default)]
struct OfClass {
    /// Cores that are busy, and hosts whose link is what slows them.
    busy: f64,
    links: usize,
    most_workers: usize,
    most_waiting: u64,
    paid: f64,
    core_seconds: f64,
    worked: f64,
    ready: f64,
    slots: f64,
    slots_busy: f64,
    limited: Limits,
}

#[derive(Debug, Default)]
struct OfServer {
    /// The ten seconds that are counted.
    window: u64,
    requests: f64,
    units: f64,
    most_requests: f64,
    most_units: f64,
}

const WINDOW: f64 = 10.0;

/// A host that nearly keeps up with its storage is not limited by it.
const NEARLY: f64 = 1.0 - 1e-9;

impl Tally {
    pub(super) fn new(scenario: &Scenario, work: &Work) -> Self {
        let mut frames = 0u64;
        let mut camera_bytes = 0.0;
        for clip in &work.clips {
            let of_clip: u64 = clip.units.iter().map(|u| u64::from(*u)).sum();
            frames += of_clip;
            camera_bytes += of_clip as f64 * work.kinds[work.jobs[clip.job as usize].kind].read_per_frame;
        }
        let longest = |job: &crate::work::Job| work.clips[job.next..job.end].iter().map(|c| c.units.len()).max();
        let of_job = |job: &crate::work::Job| {
            let mut of_clips: Vec<usize> =
                work.clips[job.next..job.end].iter().map(|c| c.units.len().min(job.fanout.units)).collect();
            of_clips.sort_unstable_by(|a, b| b.cmp(a));
            of_clips.iter().take(job.fanout.clips).sum()
        };
        Self {
            asked: Load::default(),
            hosts: Vec::new(),
            classes: vec![OfClass::default(); scenario.workers.len()],
            took: vec![(Vec::new(), 0); scenario.arrivals.len()],
            read: 0.0,
            written: 0.0,
            most_read: 0.0,
            most_written: 0.0,
            units_done: 0,
            units_failed: 0,
            begun: 0,
            lost: 0,
            wasted: 0.0,
            server: OfServer::default(),
            frames,
            camera_bytes,
            most_of_a_clip: work.jobs.iter().map(|j| longest(j).unwrap_or(0).min(j.fanout.units)).max().unwrap_or(0),
            most_of_a_job: work.jobs.iter().map(of_job).max().unwrap_or(0),
            most_clips: work.jobs.iter().map(|j| j.end - j.next).max().unwrap_or(0),
            most_units: work.clips.iter().map(|c| c.units.len()).max().unwrap_or(0),
        }
    }

    pub(super) fn host(&mut self, class: usize) {
        self.hosts.push(OfHost { class, read: 0.0, written: 0.0, busy: 0.0, link: false });
    }

    /// What a host asks for has changed.
    pub(super) fn asks(&mut self, index: usize, host: &Host) {
        let was = &mut self.hosts[index];
        let ((read, written), busy, link) = (host.moves(), host.busy(), host.waits_for_link());
        let class = &mut self.classes[was.class];
        self.asked.read = (self.asked.read + read - was.read).max(0.0);
        self.asked.written = (self.asked.written + written - was.written).max(0.0);
        class.busy = (class.busy + busy - was.busy).max(0.0);
        class.links = class.links + usize::from(link) - usize::from(was.link);
        (was.read, was.written, was.busy, was.link) = (read, written, busy, link);
        self.most_read = self.most_read.max(self.asked.read);
        self.most_written = self.most_written.max(self.asked.written);
    }

    /// Time goes by.
    pub(super) fn pass(&mut self, seconds: f64, pace: f64, classes: &[Class], scenario: &Scenario) {
        self.read += self.asked.read * pace * seconds;
        self.written += self.asked.written * pace * seconds;
        for ((c, class), workers) in self.classes.iter_mut().zip(classes).zip(&scenario.workers) {
            c.paid += (class.up + class.coming) as f64 * seconds;
            c.worked += c.busy * pace * seconds;
            c.ready += class.up as f64 * workers.cores() * seconds;
            c.slots += class.slots as f64 * seconds;
            c.slots_busy += class.busy as f64 * seconds;
            let free = class.busy < class.slots;
            let l = &mut c.limited;
            let what = match () {
                () if class.busy == 0 && class.waiting.is_empty() && class.held == 0 => &mut l.idle,
                () if pace < NEARLY && class.busy > 0 => &mut l.storage,
                () if c.links > 0 => &mut l.links,
                () if !class.waiting.is_empty() && free => &mut l.server,
                () if !class.waiting.is_empty() => &mut l.workers,
                () if class.held > 0 && free => &mut l.front,
                () => &mut l.nothing,
            };
            *what += seconds / 3600.0;
        }
    }

    /// Requests a second of workers that run something, and of those that wait.
    pub(super) fn background(&self, classes: &[Class], server: &Server) -> f64 {
        let (busy, slots) = classes.iter().fold((0, 0), |(b, s), c| (b + c.busy, s + c.slots));
        busy as f64 / server.between_heartbeats() + slots.saturating_sub(busy) as f64 / server.poll_seconds
    }

    pub(super) fn server(&mut self, now: f64, requests: f64, units: f64, background: f64) {
        let s = &mut self.server;
        let window = (now / WINDOW) as u64;
        if window != s.window {
            (s.window, s.requests, s.units) = (window, 0.0, 0.0);
        }
        s.requests += requests;
        s.units += units;
        s.most_requests = s.most_requests.max(s.requests / WINDOW + background);
        s.most_units = s.most_units.max(s.units / WINDOW);
    }

    pub(super) fn waiting(&mut self, class: usize, units: u64) {
        self.classes[class].most_waiting = self.classes[class].most_waiting.max(units);
    }

    pub(super) fn workers(&mut self, class: usize, workers: usize) {
        self.classes[class].most_workers = self.classes[class].most_workers.max(workers);
    }

    pub(super) fn begun(&mut self) {
        self.begun += 1;
    }

    pub(super) fn lost(&mut self) {
        self.lost += 1;
    }

    /// An attempt has used so many core seconds.
    pub(super) fn work(&mut self, class: usize, core_seconds: f64, good: bool) {
        self.classes[class].core_seconds += core_seconds;
        if !good {
            self.wasted += core_seconds;
        }
    }

    pub(super) fn unit(&mut self, done: bool) {
        self.units_done += u64::from(done);
        self.units_failed += u64::from(!done);
    }

    /// A clip is over, after so many seconds if all of it is done.
    pub(super) fn clip(&mut self, kind: usize, seconds: Option<f64>) {
        match seconds {
            Some(seconds) => self.took[kind].0.push(seconds),
            None => self.took[kind].1 += 1,
        }
    }

    pub(super) fn outcome(&self, world: &World<'_>) -> Outcome {
        let scenario = world.scenario;
        let together = |of: String, which: &dyn Fn(usize) -> bool| {
            let (mut all, mut failed) = (Vec::new(), 0);
            for (_, (seconds, f)) in self.took.iter().enumerate().filter(|(kind, _)| which(*kind)) {
                all.extend_from_slice(seconds);
                failed += f;
            }
            Turnaround::of(of, all, failed)
        };
        let arrivals = &scenario.arrivals;
        let priorities = (1..=5u8).filter(|p| arrivals.iter().any(|a| a.priority == *p));
        let shows = scenario.shows.iter().filter(|s| arrivals.iter().any(|a| a.show == s.name));
        let first = |i: &usize| arrivals[..*i].iter().all(|a| a.name != arrivals[*i].name);
        let names = (0..arrivals.len()).filter(first).map(|i| arrivals[i].name.as_str());
        let workers: Vec<Use> = self.classes.iter().zip(&scenario.workers).map(|(c, w)| c.used(w)).collect();
        let (engine, server, work) = (&world.engine, &scenario.server, &world.work);
        let handed_out = self.begun as f64;
        Outcome {
            scenario: scenario.name.clone(),
            jobs: work.jobs.len() as u64,
            clips: work.clips.len() as u64,
            units: work.units,
            frames: self.frames,
            camera_bytes: self.camera_bytes,
            units_done: self.units_done,
            units_failed: self.units_failed,
            begun: self.begun,
            lost: self.lost,
            wasted_core_hours: self.wasted / 3600.0,
            end_hours: world.now / 3600.0,
            by_priority: priorities
                .map(|p| together(format!("priority {p}"), &|kind| arrivals[kind].priority == p))
                .collect(),
            by_show: shows.map(|s| together(s.name.clone(), &|kind| arrivals[kind].show == s.name)).collect(),
            by_arrivals: names.map(|name| together(name.to_owned(), &|kind| arrivals[kind].name == name)).collect(),
            cost: workers.iter().map(|w| w.cost).sum(),
            workers,
            storage: Moved {
                read_tb: self.read / 1e12,
                written_tb: self.written / 1e12,
                most_read_gb_s: self.most_read / 1e9,
                most_written_gb_s: self.most_written / 1e9,
            },
            engine: outcome::Load {
                most_requests_per_second: self.server.most_requests,
                limit_requests_per_second: server.requests_per_second,
                most_units_per_second: self.server.most_units,
                core_hours: handed_out * engine.server_core_seconds_per_unit / 3600.0,
                most_of_a_job: self.most_of_a_job as u64,
                most_of_a_run: self.most_of_a_clip as u64,
                limit_of_a_run: server.pending_of_a_run,
                most_events_of_a_clip: self.most_units as f64 * engine.events_per_unit,
                most_events_of_a_job: self.most_clips as f64 * engine.events_per_clip,
                limit_events: server.events_of_a_run,
                history_gb: handed_out * engine.stored_bytes_per_unit / 1e9,
            },
        }
    }
}

impl OfClass {
    fn used(&self, workers: &crate::fleet::Workers) -> Use {
        let part = |of: f64, all: f64| if all > 0.0 { of / all } else { 0.0 };
        let hours = self.paid / 3600.0;
        Use {
            class: workers.class.clone(),
            most_workers: self.most_workers,
            worker_hours: hours,
            core_hours: self.core_seconds / 3600.0,
            cores_used: part(self.worked, self.ready),
            slots_used: part(self.slots_busy, self.slots),
            most_waiting: self.most_waiting,
            cost: hours * workers.price_per_hour,
            limited: self.limited,
        }
    }
}
