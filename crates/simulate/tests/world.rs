//! What happens in virtual time.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rushes_simulate::fleet::{Autoscale, Failures, Server, Storage, Workers};
use rushes_simulate::policy::Scheduler;
use rushes_simulate::profile::{Chain, EngineCosts, Output};
use rushes_simulate::scenario::{Arrival, Show};
use rushes_simulate::{Outcome, Profile, Scenario, Step, What, draw::Spread, simulate, watch};

/// A megapixel takes a core second, and two bytes a pixel are read and three written. Nothing else costs anything.
fn profile() -> Profile {
    let chain = |outputs| Chain {
        outputs,
        core_seconds_per_megapixel: 1.0,
        read_bytes_per_pixel: 2.0,
        written_bytes_per_pixel: 3.0,
    };
    Profile {
        measured: "made up".into(),
        chains: BTreeMap::from([
            ("plates".to_owned(), chain(vec![Output::Frames])),
            ("proxies".to_owned(), chain(vec![Output::Frames, Output::Movie])),
        ]),
        core_seconds_per_unit: 0.0,
        parallel: 1.0,
        engine: EngineCosts::none(),
    }
}

fn arrival(name: &str, priority: u8, at: f64, clips: f64, frames: f64) -> Arrival {
    Arrival {
        name: name.into(),
        show: "a".into(),
        priority,
        chain: "plates".into(),
        class: "cpu".into(),
        at_hours: vec![at / 3600.0],
        every_hours: 24.0,
        times: 1,
        late_hours: 0.0,
        clips: Spread::Always(clips),
        frames: Spread::Always(frames),
        pixels: [1000, 1000],
    }
}

fn workers(count: usize, slots: usize) -> Workers {
    Workers {
        class: "cpu".into(),
        count,
        slots,
        threads: 1.0,
        host_cores: slots as f64,
        per_host: 1,
        speed: 1.0,
        link_gb_s: None,
        price_per_hour: 2.0,
        autoscale: None,
    }
}

fn scenario(arrivals: Vec<Arrival>, workers: Workers) -> Scenario {
    Scenario {
        name: "test".into(),
        seed: 1,
        scheduler: Scheduler::Queue,
        frames_per_unit: 10,
        pending: 400,
        attempts: 3,
        shows: ["a", "b"].map(|name| Show { name: name.into(), weight: 1.0 }).to_vec(),
        arrivals,
        workers: vec![workers],
        storage: None,
        server: Server { units_per_second: 1e9, ..Server::default() },
        failures: Failures::default(),
    }
}

fn seconds(outcome: &Outcome) -> f64 {
    outcome.end_hours * 3600.0
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{a} is not {b}");
}

#[test]
fn what_can_be_reckoned_by_hand_comes_out() {
    // 6 clips of 25 frames, a frame a second: units of 10, 10 and 5 s; 150 core seconds on 3 cores.
    let outcome = simulate(&scenario(vec![arrival("x", 3, 0.0, 6.0, 25.0)], workers(3, 1)), &profile()).unwrap();
    assert_eq!((outcome.clips, outcome.units, outcome.frames, outcome.units_done), (6, 18, 150, 18));
    near(seconds(&outcome), 50.0);
    near(outcome.workers[0].core_hours, 150.0 / 3600.0);
    near(outcome.workers[0].cores_used, 1.0);
    near(outcome.cost, 3.0 * 2.0 * 50.0 / 3600.0);
    near(outcome.camera_bytes, 300e6);
    near(outcome.storage.written_tb, 450e-6);
    // With proxies each clip is a unit of 25 s.
    let mut whole = scenario(vec![arrival("x", 3, 0.0, 6.0, 25.0)], workers(3, 1));
    whole.arrivals[0].chain = "proxies".into();
    let outcome = simulate(&whole, &profile()).unwrap();
    assert_eq!(outcome.units, 6);
    near(outcome.by_arrivals[0].p50, 25.0);
    near(outcome.by_arrivals[0].max, 50.0);
}

#[test]
fn workers_of_a_host_share_its_cores() {
    let mut w = workers(4, 1);
    (w.per_host, w.host_cores) = (4, 2.0);
    let outcome = simulate(&scenario(vec![arrival("x", 3, 0.0, 8.0, 10.0)], w), &profile()).unwrap();
    near(seconds(&outcome), 40.0);
    near(outcome.workers[0].cores_used, 1.0);
}

#[test]
fn the_storage_is_the_limit_where_it_is() {
    let mut slow = scenario(vec![arrival("x", 3, 0.0, 40.0, 10.0)], workers(10, 1));
    // Ten workers would write 30 MB/s.
    slow.storage = Some(Storage { read_gb_s: 1.0, write_gb_s: 0.01 });
    let outcome = simulate(&slow, &profile()).unwrap();
    near(seconds(&outcome), 400.0 * 3e6 / 0.01e9);
    near(outcome.storage.most_written_gb_s, 0.03);
    near(outcome.workers[0].limited.storage, outcome.end_hours);
    let mut links =
        scenario(vec![arrival("x", 3, 0.0, 40.0, 10.0)], Workers { link_gb_s: Some(0.0025), ..workers(10, 1) });
    links.storage = None;
    let outcome = simulate(&links, &profile()).unwrap();
    near(seconds(&outcome), 80.0);
    near(outcome.workers[0].limited.links, outcome.end_hours);
}

#[test]
fn the_server_hands_out_no_faster_than_it_can() {
    let mut s = scenario(vec![arrival("x", 3, 0.0, 101.0, 1.0)], workers(500, 1));
    s.server.units_per_second = 10.0;
    let outcome = simulate(&s, &profile()).unwrap();
    near(seconds(&outcome), 11.0);
    assert!(outcome.workers[0].limited.server * 3600.0 > 9.9, "{outcome:?}");
    let mut costs = profile();
    costs.engine = EngineCosts { server_core_seconds_per_unit: 0.8, ..EngineCosts::none() };
    s.server = Server { cores: 4.0, units_per_second: 1e9, ..Server::default() };
    near(seconds(&simulate(&s, &costs).unwrap()), 21.0);
    costs.engine = EngineCosts { requests_per_unit: 4.0, ..EngineCosts::none() };
    s.server = Server { requests_per_second: 50.0, poll_seconds: 1e6, heartbeat_seconds: 1e6, ..s.server };
    let outcome = simulate(&s, &costs).unwrap();
    // Nine seconds of requests for units, between which those that run tell that they do.
    assert!((9.0..9.5).contains(&seconds(&outcome)), "{}", seconds(&outcome));
    assert!(outcome.engine.most_requests_per_second <= 50.0, "{:?}", outcome.engine);
}

#[test]
fn a_narrow_front_leaves_slots_free_and_says_so() {
    let mut s = scenario(vec![arrival("x", 3, 0.0, 20.0, 10.0)], workers(20, 1));
    // Four clips at a time: these have one unit each.
    s.pending = 4;
    let outcome = simulate(&s, &profile()).unwrap();
    near(seconds(&outcome), 50.0);
    assert_eq!(outcome.engine.most_of_a_job, 4);
    near(outcome.workers[0].limited.front, 40.0 / 3600.0);
}

#[test]
fn an_urgent_job_waits_for_one_unit_at_most() {
    let s = scenario(vec![arrival("slow", 5, 0.0, 200.0, 10.0), arrival("urgent", 1, 33.0, 4.0, 10.0)], workers(4, 1));
    let outcome = simulate(&s, &profile()).unwrap();
    // Units of 10 s: four slots are free at 40 s.
    near(outcome.by_arrivals[1].max, 17.0);
    near(outcome.by_priority[0].max, 17.0);
}

#[test]
fn shows_share_a_priority_by_their_weights() {
    let mut s = scenario(vec![arrival("a", 3, 0.0, 300.0, 10.0), arrival("b", 3, 100.0, 50.0, 10.0)], workers(2, 1));
    s.arrivals[1].show = "b".into();
    s.frames_per_unit = 10;
    // A has 300 units before B comes, of which 20 are begun; B gets every second from then on.
    let fair = simulate(&s, &profile()).unwrap();
    assert!((fair.by_show[1].max - 500.0).abs() <= 20.0, "{:?}", fair.by_show);
    s.shows[1].weight = 4.0;
    let heavy = simulate(&s, &profile()).unwrap();
    assert!((heavy.by_show[1].max - 312.0).abs() <= 20.0, "{:?}", heavy.by_show);
    // As one show B waits for what waits already: the 100 units that A's front holds.
    s.arrivals[1].show = "a".into();
    s.pending = 100;
    let fifo = simulate(&s, &profile()).unwrap();
    assert!((fifo.by_arrivals[1].max - 750.0).abs() <= 20.0, "{:?}", fifo.by_arrivals);
}

#[test]
fn workers_come_with_the_work_and_go_after_it() {
    let mut s =
        scenario(vec![arrival("x", 3, 0.0, 100.0, 10.0), arrival("late", 3, 36_000.0, 1.0, 10.0)], workers(0, 1));
    let scaled = Autoscale {
        least: 1,
        most: 20,
        units_per_worker: 1.0,
        every_seconds: 10.0,
        start_seconds: 60.0,
        idle_seconds: 100.0,
    };
    s.workers[0].autoscale = Some(scaled);
    let outcome = simulate(&s, &profile()).unwrap();
    let fixed = simulate(&s.clone().with_workers(None, 20).unwrap(), &profile()).unwrap();
    assert_eq!(outcome.workers[0].most_workers, 20);
    assert!(outcome.by_arrivals[0].max > fixed.by_arrivals[0].max + 40.0, "nobody is there before a minute has passed");
    assert!(outcome.by_arrivals[0].max < 200.0);
    assert!(outcome.workers[0].worker_hours < 12.0 && fixed.workers[0].worker_hours > 190.0);
    near(outcome.by_arrivals[1].max, 10.0);
}

#[test]
fn poison_costs_its_clip_and_nothing_else() {
    let mut s = scenario(vec![arrival("x", 3, 0.0, 400.0, 20.0)], workers(8, 2));
    s.failures.poison_clips_per_thousand = 50.0;
    let outcome = simulate(&s, &profile()).unwrap();
    let x = &outcome.by_arrivals[0];
    assert_eq!(x.done + x.failed, 400);
    assert_eq!((outcome.units_failed, outcome.begun), (x.failed, 800), "a bad frame is not tried again");
    assert!((8..40).contains(&x.failed), "{}", x.failed);
    s.failures.poison_kills_worker = true;
    let kills = simulate(&s, &profile()).unwrap();
    assert!(kills.by_arrivals[0].failed >= x.failed && kills.lost >= 3 * x.failed, "each takes its worker three times");
    assert!(kills.end_hours > outcome.end_hours && kills.wasted_core_hours > outcome.wasted_core_hours);
}

#[test]
fn a_run_in_one_process_keeps_its_plan_and_pays_no_server() {
    let mut s = scenario(vec![arrival("x", 3, 0.0, 3.0, 20.0)], workers(1, 2));
    s.scheduler = Scheduler::InProcess;
    s.server.units_per_second = 0.01;
    let mut order = Vec::new();
    let outcome = watch(&s, &profile(), &mut |step| {
        if step.what == What::Begins {
            order.push((step.clip, step.unit));
        }
    })
    .unwrap();
    near(seconds(&outcome), 30.0);
    assert_eq!(order, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    s.workers[0].count = 2;
    assert!(simulate(&s, &profile()).unwrap_err().to_string().contains("one worker"));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_reason() {
    let good = || scenario(vec![arrival("x", 3, 0.0, 1.0, 1.0)], workers(1, 1));
    let refused = |change: fn(&mut Scenario), why: &str| {
        let mut s = good();
        change(&mut s);
        let e = simulate(&s, &profile()).unwrap_err().to_string();
        assert!(e.contains(why), "{e}");
    };
    simulate(&good(), &profile()).unwrap();
    refused(|s| s.arrivals[0].priority = 0, "priority 0");
    refused(|s| s.arrivals[0].chain = "dcp".into(), "it has plates, proxies");
    refused(|s| s.arrivals[0].class = "gpu".into(), "class `gpu`");
    refused(|s| s.arrivals[0].show = "z".into(), "no show `z`");
    refused(|s| s.arrivals[0].frames = Spread::Always(f64::INFINITY), "frames");
    refused(|s| s.arrivals[0].frames = Spread::Always(1e7), "100,000 units");
    refused(|s| s.arrivals[0].clips = Spread::Always(1e9), "clips");
    refused(|s| s.arrivals[0].at_hours = vec![-1.0], "hours");
    refused(|s| s.arrivals[0].pixels = [0, 4], "0x4");
    refused(|s| s.workers[0].count = 0, "count");
    refused(|s| s.workers[0].host_cores = f64::NAN, "host_cores");
    refused(|s| s.workers.clear(), "[[workers]]");
    refused(|s| s.server.cores = 0.0, "cores of the server");
    refused(|s| s.failures.worker_hours = Some(0.0), "worker_hours");
    refused(|s| s.shows[1].name = "a".into(), "two shows");
    assert!(Scenario::from_toml("name = 3").is_err());
}

#[test]
fn the_example_is_a_production_of_200_tb() {
    let example = Scenario::example().unwrap();
    let mut profile = profile();
    for name in ["dailies-piz", "plates-piz"] {
        let outputs =
            if name.starts_with("dailies") { vec![Output::Frames, Output::Movie] } else { vec![Output::Frames] };
        let chain = Chain {
            outputs,
            core_seconds_per_megapixel: 0.02,
            read_bytes_per_pixel: 1.5,
            written_bytes_per_pixel: 3.5,
        };
        profile.chains.insert(name.to_owned(), chain);
    }
    let outcome = simulate(&example, &profile).unwrap();
    let turnover = outcome.by_arrivals.iter().find(|t| t.of == "turnover").unwrap();
    assert_eq!(turnover.done + turnover.failed, 5000);
    let read_again = turnover.done as f64 * 153.0 * 4096.0 * 2304.0 * 1.5;
    let shot = outcome.camera_bytes - read_again;
    assert!((195e12..205e12).contains(&shot), "{shot}");
    assert_eq!(outcome.by_arrivals.len(), 4, "dailies before and after are told together");
    assert_eq!(outcome, simulate(&example, &profile).unwrap(), "the same again");
}

/// What is waiting and running, from the steps.
#[derive(Default)]
struct Seen {
    waiting: BTreeMap<(usize, usize), (u8, u32)>,
    running: BTreeMap<(usize, usize), u32>,
    ended: BTreeMap<(usize, usize), What>,
    wrong: Vec<String>,
    at: f64,
}

impl Seen {
    fn sees(&mut self, step: Step) {
        let unit = (step.clip, step.unit);
        if step.at < self.at {
            self.wrong.push(format!("time went back: {step:?}"));
        }
        self.at = step.at;
        let right = match step.what {
            What::Waits => {
                !self.ended.contains_key(&unit) && self.waiting.insert(unit, (step.priority, step.attempt)).is_none()
            }
            What::Begins => {
                let (least, _) = self.waiting.values().min().copied().unwrap_or_default();
                let was = self.waiting.remove(&unit) == Some((step.priority, step.attempt));
                was && step.priority == least && self.running.insert(unit, step.attempt).is_none()
            }
            What::Lost => self.running.remove(&unit) == Some(step.attempt),
            What::Done | What::Failed => {
                self.running.remove(&unit);
                !self.waiting.contains_key(&unit) && self.ended.insert(unit, step.what).is_none()
            }
        };
        if !right {
            self.wrong.push(format!("{step:?}"));
        }
    }
}

fn any_scenario() -> impl Strategy<Value = Scenario> {
    let arrival = (1u8..=5, 0.0f64..200.0, 1u32..30, 1.0f64..60.0, 0usize..2);
    let fleet = (1usize..6, 1usize..4, 1.0f64..4.0, 1usize..3);
    (any::<u64>(), proptest::collection::vec(arrival, 1..5), fleet, 1usize..60, 1u64..20).prop_map(
        |(seed, arrivals, (count, slots, cores, per_host), pending, frames_per_unit)| {
            let arrivals = arrivals.iter().enumerate().map(|(i, (priority, at, clips, frames, show))| Arrival {
                show: ["a", "b"][*show].into(),
                frames: Spread::Between { least: 1.0, most: *frames },
                ..arrival_named(i, *priority, *at, f64::from(*clips))
            });
            let mut s = scenario(arrivals.collect(), Workers { host_cores: cores, per_host, ..workers(count, slots) });
            (s.seed, s.pending, s.frames_per_unit) = (seed, pending, frames_per_unit);
            s
        },
    )
}

fn arrival_named(i: usize, priority: u8, at: f64, clips: f64) -> Arrival {
    arrival(&format!("arrival {i}"), priority, at, clips, 1.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_unit_ends_once_whatever_is_lost(
        mut s in any_scenario(), hours in 0.005f64..0.2, poison in 0.0f64..200.0, kills: bool, attempts in 1u32..6
    ) {
        s.attempts = attempts;
        s.failures = Failures { worker_hours: Some(hours), back_seconds: 20.0, poison_clips_per_thousand: poison, poison_kills_worker: kills };
        let mut seen = Seen::default();
        let outcome = watch(&s, &profile(), &mut |step| seen.sees(step)).unwrap();
        prop_assert!(seen.wrong.is_empty(), "{:?}", seen.wrong);
        prop_assert!(seen.waiting.is_empty() && seen.running.is_empty());
        prop_assert_eq!(seen.ended.len() as u64, outcome.units);
        prop_assert_eq!(outcome.units_done + outcome.units_failed, outcome.units);
        let clips: u64 = outcome.by_arrivals.iter().map(|t| t.done + t.failed).sum();
        prop_assert_eq!(clips, outcome.clips);
        prop_assert_eq!(&outcome, &simulate(&s, &profile()).unwrap());
    }

    /// Where nothing is lost and the server costs nothing, no slot is free while a unit waits, and the most urgent goes first.
    #[test]
    fn no_slot_is_free_while_a_unit_waits(s in any_scenario()) {
        let slots = s.workers[0].count * s.workers[0].slots;
        let (mut seen, mut idle) = (Seen::default(), Vec::new());
        watch(&s, &profile(), &mut |step| {
            // The queue takes a thousand-millionth of a second to hand out a unit.
            if step.at > seen.at + 1e-6 && !seen.waiting.is_empty() && seen.running.len() < slots {
                idle.push(seen.at);
            }
            seen.sees(step);
        }).unwrap();
        prop_assert!(seen.wrong.is_empty(), "{:?}", seen.wrong);
        prop_assert!(idle.is_empty(), "{idle:?}");
    }

    /// All cores that a host has are used: the work that was done is the work there was.
    #[test]
    fn no_work_is_lost_or_done_twice(s in any_scenario()) {
        let outcome = simulate(&s, &profile()).unwrap();
        let done = outcome.workers[0].core_hours * 3600.0;
        prop_assert!((done - outcome.frames as f64).abs() < 1e-6 * done, "{done} {}", outcome.frames);
        let used = outcome.workers[0].cores_used * outcome.end_hours * s.workers[0].cores() * s.workers[0].count as f64;
        prop_assert!((used - outcome.workers[0].core_hours).abs() < 1e-6 * used.max(1e-9), "{used}");
    }

    /// More workers never make it later by more than a unit: the order may change, and the last may be a long one.
    #[test]
    fn twice_the_workers_are_never_later_by_more_than_a_unit(mut s in any_scenario()) {
        s.workers[0].host_cores = s.workers[0].slots as f64;
        s.workers[0].per_host = 1;
        let one = simulate(&s, &profile()).unwrap();
        s.workers[0].count *= 2;
        let two = simulate(&s, &profile()).unwrap();
        let unit = s.frames_per_unit as f64;
        prop_assert!(seconds(&two) <= seconds(&one) + unit + 1e-6, "{} {}", seconds(&two), seconds(&one));
    }
}
