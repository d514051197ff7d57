//! Progress and cancel from a host: a user interface hears a closed set of events, and a
//! cancellation is answered within one frame. Run again, the job goes on where it was.
#![allow(clippy::print_stdout, reason = "a program prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rushes::Job;
use rushes::core::run::{CancellationToken, Event, Events};
use rushes::recipes::Dailies;

mod common;

#[tokio::main]
async fn main() -> rushes::Result<()> {
    let (card, out) = common::args("progress-out");
    if out.exists() {
        std::fs::remove_dir_all(&out).map_err(|e| rushes::Error::io(&out, e))?;
    }
    let workflow = Dailies { on_bad_frame: "hold".into(), ..Dailies::default() }.plates_only().workflow();
    let job = Job::new(workflow, card, &out).frames_per_unit(8).units_at_once(1);

    // The host's "stop" button, pressed after ten frames.
    let cancel = CancellationToken::new();
    let done = Arc::new(AtomicU64::new(0));
    let events = {
        let (cancel, done) = (cancel.clone(), Arc::clone(&done));
        Events::to(move |event| match event {
            Event::RunStarted { units, frames } => println!("{frames} frames in {units} units"),
            Event::FrameDone { unit, frame, .. } => {
                let n = done.fetch_add(1, Ordering::Relaxed) + 1;
                println!("{unit}: frame {frame} ({n} in all)");
                if n == 10 {
                    println!("the user presses stop");
                    cancel.cancel();
                }
            }
            Event::RunFinished { done, failed, cancelled } => {
                println!("{done} units done, {failed} failed, {cancelled} cancelled");
            }
            Event::StageStarted { .. }
            | Event::StageFinished { .. }
            | Event::Found { .. }
            | Event::UnitStarted { .. }
            | Event::OutputFinished { .. }
            | Event::UnitBusy { .. }
            | Event::UnitRetrying { .. }
            | Event::UnitFinished { .. } => {}
        })
    };
    job.clone().events(events).cancel(cancel).run().await?;
    println!("after the cancellation: {} frames", done.load(Ordering::Relaxed));

    let again = job.run().await?;
    let kept = again.report.units.iter().filter(|u| u.ran_on.contains("cache")).count();
    println!("run again: {kept} units were done already, {} frames in all", again.report.frames());
    Ok(())
}
