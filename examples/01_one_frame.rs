//! One frame, from a camera file to scene-linear ACES2065-1 pixels in memory.
//!
//!     cargo run --release -- demo
//!     cargo run --release --example 01_one_frame -- rushes-demo/card frame.exr
#![allow(clippy::print_stdout, reason = "a program prints")]

use rushes::frame_at::{FrameAt, Point};
use rushes::recipes::Dailies;

mod common;

#[tokio::main]
async fn main() -> rushes::Result<()> {
    let (card, out) = common::args("frame-out");
    let file = common::first_dng(&card);

    // Every stage up to the point, with the parameters of the dailies recipe.
    let request = FrameAt { path: file, frame: None, at: Point::Aces2065_1, picture: Dailies::default() };
    let taken = request.take().await?;

    // Shape (planes, rows, columns): red, green, blue, as linear light in the scene.
    let (_, rows, columns) = taken.samples.dim();
    println!("{columns}x{rows} in {}, timecode {}", taken.format.state, common::or_none(taken.format.facts.timecode));
    for (name, plane) in ["red", "green", "blue"].iter().zip(taken.samples.outer_iter()) {
        println!("{name:>6}: mean {:.4}", plane.mean().unwrap_or_default());
    }

    std::fs::create_dir_all(&out).map_err(|e| rushes::Error::io(&out, e))?;
    println!("wrote {}", request.write(&out.join("frame.exr"), true).await?);
    Ok(())
}
