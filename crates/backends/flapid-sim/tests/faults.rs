//! Renders that go wrong.

use std::time::Duration;

use flapid_sim::{CallFault, Does, Faults, RenderDoes, RenderFault, Sim};
use rushes::ErrorKind;
use rushes::core::run::{
    CancellationToken, Event, Events, Executor as _, Outcome, Retry, RunContext, UnitReport, Verdict,
};
use rushes::recipes::Dailies;
use rushes_filmlight::{FilmLight, Limits, Options, Pool, Server, User};

use crate::support::{Shoot, deaf, impatient, launch, on, plates, pool, settings, sim, soon, tree};

fn render(after: u64, does: RenderDoes) -> Faults {
    Faults { renders: vec![Some(RenderFault { after, does })], ..Faults::default() }
}

/// What becomes of plates on a server with `faults`; nothing may be left where it fails.
async fn run(faults: Faults) -> UnitReport {
    let decided = match faults.renders.first() {
        Some(Some(RenderFault { does: RenderDoes::Stall, .. })) => impatient(Duration::from_secs(1)),
        // The frames before that may take long on a machine that has much to do.
        Some(Some(RenderFault { does: RenderDoes::Stick, .. })) => impatient(Limits::default().stalled),
        _ => settings(),
    };
    let (shoot, sim) = (Shoot::new(), sim(faults).await);
    let unit = shoot.plates("out").await;
    let filmlight = FilmLight::new(pool(&sim), rushes::registry()).settings(decided);
    let report = filmlight.run(&unit, &RunContext::plain()).await;
    if !report.is_done() {
        assert_eq!(tree(&shoot.out("out")).len(), 0, "something is left");
        assert!(report.outputs.is_empty());
    }
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_of_a_render_is_told_for_what_it_is() {
    use RenderDoes as D;
    for (does, kind, retryable, said) in [
        (D::Crash, ErrorKind::Io, true, "crashed"),
        (D::Stop, ErrorKind::Io, false, "stopped the render"),
        (D::Error("Disk full".into()), ErrorKind::Io, false, "Disk full"),
        (D::Error("Licence expired".into()), ErrorKind::InUse, false, "Licence expired"),
        (D::Failed(2), ErrorKind::BadMedia, false, "frames that failed: 3"),
        (D::Stick, ErrorKind::Io, true, "has not ended"),
        (D::Stall, ErrorKind::Io, true, "no progress"),
        (D::LoseFile, ErrorKind::BadMedia, false, "not there"),
        (D::EmptyFile, ErrorKind::BadMedia, false, "empty"),
        (D::CutFile, ErrorKind::BadMedia, false, "no whole EXR"),
        (D::Die, ErrorKind::Io, true, "lost"),
    ] {
        let report = run(render(3, does.clone())).await;
        let Outcome::Failed(failure) = &report.outcome else { panic!("{does:?} ended as {:?}", report.outcome) };
        assert!(failure.message.contains(said), "{does:?}: {}", failure.message);
        assert_eq!((failure.kind, failure.retryable), (kind, retryable), "{does:?}: {}", failure.message);
        if let D::Failed(_) = does {
            assert_eq!(report.bad_frames.iter().map(|b| b.frame).collect::<Vec<_>>(), [3]);
            let logged: Vec<_> = report.findings.iter().filter(|f| f.code == "filmlight-log").collect();
            assert_eq!(logged.len(), 2, "a warning and a failure: {logged:?}");
            assert!(logged.iter().all(|f| f.frame == Some(3) && f.text.contains("the simulator says so")));
        } else {
            assert!(report.bad_frames.is_empty(), "{does:?} is no fault of a frame: {:?}", report.bad_frames);
        }
        if let D::Error(_) = does {
            assert!(report.findings.iter().any(|f| f.code == "filmlight-log" && f.frame == Some(3)), "{does:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_log_without_end_some_lines_are_told_and_how_many_there_were() {
    let report = run(render(3, RenderDoes::Babble(5000))).await;
    let logged: Vec<_> = report.findings.iter().filter(|f| f.code == "filmlight-log").collect();
    assert_eq!(logged.len(), 101);
    assert!(logged.last().unwrap().text.contains("4900 more lines"), "{:?}", logged.last());
    assert!(logged.iter().all(|f| f.text.len() < 600), "lines of any length are told");
    let bad: Vec<i64> = report.bad_frames.iter().map(|b| b.frame).collect();
    assert_eq!(bad, [3, 4, 5, 6, 7], "there are no other frames");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_render_that_is_abandoned_is_ended_before_the_next_has_the_server() {
    // The first loses its connection while it renders; what ends it comes late.
    let call = |method: &str, nth, does| CallFault { method: method.into(), nth, does };
    let calls =
        vec![call("RenderProcessor.get_progress", 1, Does::Drop), call("RenderProcessor.get", 2, Does::Late(200))];
    let (shoot, sim) = (Shoot::new(), sim(Faults { calls, slow_ms: 50, ..Faults::default() }).await);
    let job = shoot.job(&plates(), "out").frames_per_unit(4).units_at_once(2);
    let filmlight = FilmLight::new(pool(&sim), rushes::registry()).settings(settings());
    let done = soon(job.executor(std::sync::Arc::new(filmlight)).run()).await.unwrap();
    let ended: Vec<_> = done.report.units.iter().map(UnitReport::is_done).collect();
    assert_eq!(ended.iter().filter(|d| **d).count(), 1, "{:?}", done.report);
    let heard = sim.heard();
    let at = |method: &str, nth: usize| {
        heard.iter().enumerate().filter(|(_, h)| h.contains(method)).map(|(n, _)| n).nth(nth).unwrap()
    };
    assert!(at("RenderProcessor.shutdown", 0) < at("RenderProcessor.start", 1), "the next render may be ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_gets_its_name_where_another_output_of_the_render_is_broken() {
    let faults = render(0, RenderDoes::LoseFile);
    let (shoot, sim) = (Shoot::new(), sim(faults).await);
    let unit = shoot.units(&Dailies { exr: "piz".into(), ..Dailies::default() }, "out").await.remove(0);
    let filmlight = FilmLight::new(pool(&sim), rushes::registry()).settings(settings());
    let report = filmlight.run(&unit, &RunContext::plain()).await;
    let Outcome::Failed(failure) = &report.outcome else { panic!("a file is lost") };
    assert!(failure.message.contains("not there"), "{}", failure.message);
    assert!(report.outputs.is_empty(), "{:?}", report.outputs);
    assert_eq!(tree(&shoot.out("out")).len(), 0, "something is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_have_their_names_are_told_though_a_later_one_gets_none() {
    let (shoot, sim) = (Shoot::new(), sim(Faults::default()).await);
    let mut unit = shoot.plates("out").await;
    unit.overwrite = true;
    // No file can take the name of a folder that is not empty.
    let name = format!("plates/{0}/{0}.0000003.exr", shoot.clip.name);
    std::fs::create_dir_all(shoot.out("out").join(name).join("in the way")).unwrap();
    let filmlight = FilmLight::new(pool(&sim), rushes::registry()).settings(settings());
    let report = filmlight.run(&unit, &RunContext::plain()).await;
    assert!(matches!(report.outcome, Outcome::Failed(_)), "{:?}", report.outcome);
    assert_eq!(report.outputs.iter().map(|o| o.frames.first).collect::<Vec<_>>(), [0, 1, 2]);
    let there = tree(&shoot.out("out"));
    assert_eq!(there.keys().collect::<Vec<_>>(), report.outputs.iter().map(|o| &o.path).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_at_any_call_fails_the_unit_and_may_pass() {
    for method in [
        "Scene.insert_sequence",
        "RenderSetup.add_deliverable",
        "RenderProcessor.start",
        "RenderProcessor.get_progress",
        "RenderSetup.get_output_filename_for_deliverable",
    ] {
        // The first is for the look that is taken beforehand.
        let nth = if method == "Scene.insert_sequence" { 2 } else { 1 };
        let faults =
            Faults { calls: vec![CallFault { method: method.into(), nth, does: Does::Drop }], ..Faults::default() };
        let Outcome::Failed(failure) = run(faults).await.outcome else { panic!("{method}") };
        assert!(failure.retryable && failure.message.contains("lost"), "{method}: {}", failure.message);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_server_are_told_in_its_own_words() {
    for method in ["Scene.temporary_scene", "RenderSetup.set_frames", "RenderSetup.select_all", "RenderProcessor.start"]
    {
        let does = Does::Error("the reactor is too hot".into());
        let faults = Faults { calls: vec![CallFault { method: method.into(), nth: 0, does }], ..Faults::default() };
        let report = run(faults).await;
        if method == "RenderSetup.set_frames" {
            assert!(report.is_done(), "a whole clip needs no ranges");
            continue;
        }
        let Outcome::Failed(failure) = report.outcome else { panic!("{method}") };
        assert!(
            failure.message.contains("the reactor is too hot") && failure.message.contains(method),
            "{}",
            failure.message
        );
        assert!(!failure.retryable);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_but_lawful_servers_are_served() {
    for does in [Does::Twice, Does::Garbage, Does::Late(5)] {
        let faults = Faults {
            calls: vec![CallFault { method: "*".into(), nth: 0, does: does.clone() }],
            extra_fields: true,
            ..Faults::default()
        };
        let report = run(faults).await;
        assert!(report.is_done(), "{does:?}: {:?}", report.outcome);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_stops_the_render_and_leaves_nothing() {
    let (shoot, sim) = (Shoot::new(), sim(Faults { slow_ms: 100, ..Faults::default() }).await);
    let unit = shoot.plates("out").await;
    let cancel = CancellationToken::new();
    let events = {
        let cancel = cancel.clone();
        Events::to(move |e| {
            if let Event::FrameDone { .. } = e {
                cancel.cancel();
            }
        })
    };
    let filmlight = FilmLight::new(pool(&sim), rushes::registry()).settings(settings());
    let report = filmlight.run(&unit, &RunContext { cancel, events, ..RunContext::plain() }).await;
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert_eq!(sim.calls("RenderProcessor.shutdown"), 1);
    assert_eq!(tree(&shoot.out("out")).len(), 0);
    assert!(report.frames < 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_while_files_get_their_names_keeps_those_that_have_one_and_names_no_more() {
    let (shoot, sim) = (Shoot::new(), sim(Faults::default()).await);
    let unit = shoot.plates("out").await;
    let cancel = CancellationToken::new();
    let events = {
        let cancel = cancel.clone();
        Events::to(move |e| {
            if let Event::OutputFinished { output, .. } = e
                && output.frames.first == 2
            {
                cancel.cancel();
            }
        })
    };
    let filmlight = FilmLight::new(pool(&sim), rushes::registry()).settings(settings());
    let report = filmlight.run(&unit, &RunContext { cancel, events, ..RunContext::plain() }).await;
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert_eq!(report.outputs.iter().map(|o| o.frames.first).collect::<Vec<_>>(), [0, 1, 2]);
    let there = tree(&shoot.out("out"));
    assert_eq!(there.keys().collect::<Vec<_>>(), report.outputs.iter().map(|o| &o.path).collect::<Vec<_>>());
    for o in &report.outputs {
        assert_eq!(rushes::core::media::Digest::xxh64(&there[&o.path]), o.digest, "{}", o.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_does_not_wait_for_calls_that_take_long() {
    let shoot = Shoot::new();
    for method in ["Scene.temporary_scene", "RenderSetup.add_deliverable", "RenderProcessor.start"] {
        let calls = vec![CallFault { method: method.into(), nth: 0, does: Does::Silence }];
        let sim = sim(Faults { calls, ..Faults::default() }).await;
        let unit = shoot.plates("out").await;
        let cancel = CancellationToken::new();
        let filmlight = FilmLight::new(pool(&sim), rushes::registry()).settings(settings());
        let context = RunContext { cancel: cancel.clone(), ..RunContext::plain() };
        let running = tokio::spawn(async move { filmlight.run(&unit, &context).await });
        soon(async {
            while sim.calls(method) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        cancel.cancel();
        let report = tokio::time::timeout(Duration::from_secs(30), running).await.unwrap().unwrap();
        assert_eq!(report.outcome, Outcome::Cancelled, "{method}");
        assert_eq!(tree(&shoot.out("out")).len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_is_replaced_when_the_unit_is_tried_again() {
    let shoot = Shoot::new();
    let unit = shoot.plates("out").await;
    // Every process has the fault: each attempt loses its server, and is given another.
    let pool = Pool::new(Server::Private(Box::new(launch(&render(2, RenderDoes::Die)))), 1);
    let filmlight = FilmLight::new(pool.clone(), rushes::registry()).settings(settings());
    let retry = Retry::new(std::sync::Arc::new(filmlight), 2, Duration::from_millis(1));
    let report = retry.run(&unit, &RunContext::plain()).await;
    assert_eq!(report.attempts, 2);
    let Outcome::Failed(failure) = report.outcome else { panic!("{:?}", report.outcome) };
    assert!(failure.message.contains("lost"), "{}", failure.message);
    assert_eq!(tree(&shoot.out("out")).len(), 0);
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_of_others_are_refused_and_what_cannot_be_reached_is_said() {
    let sim = sim(Faults::default()).await;
    let out = tempfile::tempdir().unwrap();
    let servers = pool(&sim);
    let make = |registry| -> std::sync::Arc<dyn rushes::core::run::Executor> {
        std::sync::Arc::new(FilmLight::new(servers.clone(), registry).settings(settings()))
    };
    // The suite's own stages are no vendor's: it must refuse their units, and the checks of refusals must hold.
    let failed = rushes::core::conformance::check(&make, out.path()).await;
    assert!(failed.iter().all(|f| !f.check.starts_with("refuses")), "{failed:?}");
    let reference = failed.iter().find(|f| f.check == "makes the reference's pixels").unwrap();
    assert!(
        reference.what.contains("a FilmLight server cannot do this: the output `test-frames`"),
        "{}",
        reference.what
    );
    assert_eq!(sim.calls("RenderProcessor.start"), 0);

    let shoot = Shoot::new();
    let unit = shoot.plates("out").await;
    let (held, port) = deaf();
    let nobody = Options { user: User::Unsaid, ..Options::at("localhost", port) };
    let gone = FilmLight::new(Pool::new(Server::Running(Box::new(nobody)), 1), rushes::registry());
    let Verdict::NotNow(why) = gone.accepts(&unit).await else { panic!("there is no server") };
    assert!(why.contains(&format!("localhost:{port}")) && why.contains("check that flapid runs"), "{why}");
    let report = gone.run(&unit, &RunContext::plain()).await;
    assert!(matches!(&report.outcome, Outcome::Failed(f) if f.retryable), "{:?}", report.outcome);
    // It was no refusal: when the server is there, the unit is taken.
    drop(held);
    let _sim = Sim::start(flapid_sim::Settings { port, ..Default::default() }).await.unwrap();
    assert_eq!(gone.accepts(&unit).await, Verdict::Yes);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_clip_that_takes_long_to_look_at_holds_up_no_other() {
    let (slow, quick) = (Shoot::new(), Shoot::new());
    let sim = sim(on("Scene.insert_sequence", Does::Late(5000))).await;
    let filmlight = FilmLight::new(pool(&sim), rushes::registry()).settings(settings());
    let (first, second) = (slow.plates("out").await, quick.plates("out").await);
    let looking = tokio::spawn({
        let filmlight = filmlight.clone();
        async move { filmlight.accepts(&first).await }
    });
    soon(async {
        while sim.calls("Scene.insert_sequence") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(filmlight.accepts(&second).await, Verdict::Yes);
    assert!(!looking.is_finished(), "one waited for the other");
    assert_eq!(soon(looking).await.unwrap(), Verdict::Yes);
}
