//! A card with clips that only camera makers' libraries decode: this machine takes what it can, a FilmLight server the
//! rest, in one job with one manifest.
//!
//!     cargo run --release --features filmlight --example 07_filmlight -- CARD OUT
//!
//! A private server is started from `$FLAPI_PATH`, or where Baselight or Daylight put it. Without one, what this machine
//! decodes is made all the same, and the rest is told. `flapid-sim` of this repository stands in for a server: it is
//! what `FLAPI_PATH` may name to see it run.
#![allow(clippy::print_stdout, reason = "a program prints")]

use rushes::Job;
use rushes::backends::filmlight::{Pool, Server, Settings};
use rushes::recipes::Dailies;

mod common;

#[tokio::main]
async fn main() -> rushes::Result<()> {
    let (card, out) = common::args("filmlight-out");
    // Two renders at a time: each takes a seat of the licence.
    let pool = Pool::new(Server::Private(Box::default()), 2);

    // The server is asked about the clips, and cannot promise plates of SMPTE ST 2065-4.
    let recipe = Dailies { exr: "piz".into(), on_bad_frame: "hold".into(), ask_filmlight: true, ..Dailies::default() }
        .plates_only();
    let job = Job::new(recipe.workflow(), &card, &out).overwrite(true).filmlight(&pool, Settings::default())?;
    let done = job.run().await?;
    for unit in &done.report.units {
        println!("{}: {} frames on {}", unit.clip, unit.frames, unit.ran_on);
    }
    for clip in done.plan.clips.iter().filter(|c| c.units.is_empty()) {
        println!("{}: not made: {}", clip.clip, common::or_none(clip.skipped.as_deref()));
    }
    pool.close().await;
    Ok(())
}
