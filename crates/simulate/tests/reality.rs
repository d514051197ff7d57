//! The model beside what was measured. Nothing is timed here: the numbers were written down by `examples/measure`.

use rushes_simulate::reality::{Measured, Run};

fn run(workers: usize, seconds: f64, core_seconds: f64, others_core_seconds: f64) -> Run {
    Run { workers, seconds, core_seconds, others_core_seconds }
}

fn measured(runs: Vec<Run>) -> Measured {
    Measured {
        provenance: "made up".into(),
        cores: 2.0,
        frames: 25,
        frames_per_unit: 10,
        pixels: [1000, 1000],
        core_seconds_per_frame: 0.5,
        core_seconds_per_unit: 1.0,
        runs,
    }
}

#[test]
fn makespans_are_predicted_from_what_one_worker_costs() {
    let m = measured(Vec::new());
    // Units of 6, 6 and 3.5 s: one after the other; two at once, then one; three on two cores, of which the last two are
    // alone from when the short one has ended.
    for (workers, seconds) in [(1, 15.5), (2, 9.5), (3, 7.75)] {
        assert!((m.predict(workers, 2.0).unwrap() - seconds).abs() < 1e-6, "{workers}");
    }
    assert!((m.predict(3, 1.0).unwrap() - 15.5).abs() < 1e-6);
}

#[test]
fn runs_beside_others_are_left_out_where_there_are_quiet_ones() {
    let noisy = run(2, 30.0, 16.0, 12.0);
    let m = measured(vec![run(2, 10.0, 16.0, 0.1), noisy.clone(), run(2, 11.0, 17.0, 0.2), run(2, 9.0, 15.0, 0.0)]);
    let compared = m.compare().unwrap();
    assert_eq!((compared.len(), compared[0].runs, compared[0].quiet), (1, 4, 3));
    assert_eq!(compared[0].measured, [10.0, 9.0, 11.0]);
    assert!((compared[0].off - (9.5 / 10.0 - 1.0)).abs() < 1e-6 && (compared[0].dearer - 16.0 / 15.5).abs() < 1e-6);
    let two = measured(vec![run(4, 8.0, 16.0, 0.0), run(4, 9.0, 16.0, 0.0)]).compare().unwrap();
    assert_eq!(two[0].measured, [8.5, 8.0, 9.0], "the median of two lies between them");
    let loud = measured(vec![noisy]).compare().unwrap();
    assert_eq!((loud[0].quiet, loud[0].measured[0]), (0, 30.0));
}

/// What was measured stands beside the model for good: a change of the model that no longer tells it is seen.
#[test]
fn the_model_tells_what_real_workers_did() {
    let recorded: Measured = serde_json::from_str(include_str!("../recorded/two-cores.json")).unwrap();
    let compared = recorded.compare().unwrap();
    assert_eq!(compared.iter().map(|c| c.workers).collect::<Vec<_>>(), [1, 2, 4]);
    for c in compared {
        assert!(c.runs >= 3 && c.quiet >= 1 && c.off_beside_others.abs() < 0.15, "{c:?}");
        assert!(c.off_by_work.iter().all(|off| off.abs() < 0.05), "{c:?}");
        // What a core does in a second varied by a third on that machine: a run says less than several.
        assert!(c.quiet < 2 || c.off.abs() < 0.15, "{c:?}");
    }
}

/// The same beside the distributed engine, on a quiet machine: nothing is excused.
#[test]
fn the_model_tells_what_workers_of_a_real_server_did() {
    let recorded: Measured = serde_json::from_str(include_str!("../recorded/two-cores-temporal.json")).unwrap();
    let compared = recorded.compare().unwrap();
    assert_eq!(compared.iter().map(|c| c.workers).collect::<Vec<_>>(), [1, 2, 4]);
    for c in compared {
        assert!(c.quiet == c.runs && c.runs >= 2 && c.off.abs() < 0.15, "{c:?}");
    }
}
