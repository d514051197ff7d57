//! Plates, a proxy and a still of every clip on a card, wired by hand.
//!
//! Wires are typed by what flows through them: try to feed `mosaic` to `InputTransform` and read
//! what the compiler says.
#![allow(clippy::print_stdout, reason = "a program prints")]

use rushes::core::graph::{Flow, WorkflowFile};
use rushes::stages::color::{InputTransform, Linearize, OutputTransform};
use rushes::stages::debayer::{Debayer, Method};
use rushes::stages::ingest::Ingest;
use rushes::stages::normalize::Normalize;
use rushes::stages::proxy::movie::Movie;
use rushes::stages::proxy::{ExrPlate, Scale, ScaleTo, Still};
use rushes::stages::validate::Validate;
use rushes::{Decode, Job};

mod common;

#[tokio::main]
async fn main() -> rushes::Result<()> {
    let (card, out) = common::args("dailies-out");

    let mut flow = Flow::new("my-dailies");
    let clips = flow.then(flow.card(), Ingest::default());
    let clips = flow.then(clips, Validate::hold());
    let clips = flow.then(clips, Normalize::default());
    let mosaic = flow.then(clips, Decode {});
    let linear = flow.then(mosaic, Linearize::default());
    let camera = flow.then(linear, Debayer::new(Method::Rcd));
    let aces = flow.then(camera, InputTransform::default());
    flow.then(aces, ExrPlate::default());
    let display = flow.then(aces, OutputTransform::default());
    flow.then(display, Still::default());
    let small = flow.then(display, Scale::display(ScaleTo::Fit { width: 960, height: 540 }).even());
    flow.then(small, Movie::default());

    let workflow = WorkflowFile::of(&flow.build());
    let done = Job::new(workflow, card, out).overwrite(true).run().await?;
    for clip in &done.plan.clips {
        println!("{}: {}", clip.clip, clip.skipped.as_deref().unwrap_or("made"));
    }
    println!("{} frames, {} files", done.report.frames(), done.report.outputs().count());
    Ok(())
}
