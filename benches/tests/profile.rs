//! What `rushes bench --json` prints is what `rushes simulate --profile` reads: rows are found by their names.

use rushes_benches::{kernels, pipeline};
use rushes_simulate::Profile;
use serde_json::{Value, json};

/// Rows of such names, with numbers that make sense.
fn bench(jobs: &[&str], plates: &[&str]) -> Value {
    json!({
        "cores": 2, "frame": [4096, 2304], "engine": { "unit_us": 160.0 },
        "kernels": plates.iter().map(|name| json!({ "name": name, "megapixels_s": 100.0 })).collect::<Vec<_>>(),
        "jobs": jobs.iter().map(|name| json!({ "name": name, "frames_s": 10.0, "busy": 0.9 })).collect::<Vec<_>>(),
    })
}

#[test]
fn the_rows_of_a_bench_are_those_that_a_profile_is_made_of() {
    let made = Profile::from_bench(&bench(&pipeline::JOBS, &kernels::PLATES)).unwrap();
    // The profile that docs/SCALE.md simulates with has the chains that a bench of this version gives.
    let shipped = Profile::from_json(include_str!("../../docs/scale/profile.json")).unwrap();
    assert_eq!(shipped.chains.keys().collect::<Vec<_>>(), made.chains.keys().collect::<Vec<_>>());
    for (name, chain) in &shipped.chains {
        assert_eq!(chain.outputs, made.chains[name].outputs, "{name}");
    }
    assert_eq!(shipped.engine, made.engine, "docs/scale/profile.json has other figures of the engine than the code");
}

#[test]
fn each_job_that_is_timed_is_read() {
    for i in 0..pipeline::JOBS.len() {
        let mut jobs = pipeline::JOBS.to_vec();
        let left_out = jobs.remove(i);
        let why = Profile::from_bench(&bench(&jobs, &kernels::PLATES)).unwrap_err().to_string();
        assert!(why.contains(left_out), "{why}");
    }
}
