//! What a plug-in asks for: one frame, computed on a GPU, packed as its host's display wants it.
//!
//!     cargo run --release --features gpu --example 08_gpu_frame -- CARD OUT
//!
//! Where there is no GPU, it says so, and the CPU gives the picture.
#![allow(clippy::print_stdout, reason = "a program prints")]

use std::time::Instant;

use rushes::Job;
use rushes::backends::gpu::{Device, GpuPreview, Packing, Settings};
use rushes::backends::local::Preview;
use rushes::core::stage::ClipRef;
use rushes::recipes::{Dailies, inspect};

mod common;

#[tokio::main]
async fn main() -> rushes::Result<()> {
    let (card, out) = common::args("gpu-out");
    let clips = Job::new(inspect(false), &card, &out).understand().await?.last().clips;
    let readable = clips.iter().find(|c| c.needs.is_none() && c.refused.is_none() && c.range.is_some());
    let Some((clip, range)) = readable.and_then(|c| Some((ClipRef::of(c), c.range?))) else {
        println!("there is no clip that is decoded here");
        return Ok(());
    };

    // From the camera's file to Rec.709 at the proxy's size.
    let recipe = Dailies { debayer: "malvar".into(), proxy_size: (960, 540), ..Dailies::default() };
    let registry = rushes::registry();
    let device = match Device::open("best", Settings::default()) {
        Ok(device) => device,
        Err(e) => {
            println!("{e}");
            let (format, _) = Preview::open(&registry, &clip, &recipe.picture())?.frame(range.first)?;
            println!("{}x{} on the CPU", format.width, format.height);
            return Ok(());
        }
    };
    println!("on {}", device.adapter());
    let preview = GpuPreview::open(device, &registry, &clip, &recipe.picture())?;
    // The buffer is the host's, and used again for each frame.
    let mut words = Vec::new();
    for frame in range.iter().take(3) {
        let begun = Instant::now();
        let format = preview.packed_into(frame, Packing::Rgb10A2, &mut words)?;
        let middle = words[format.height / 2 * format.width + format.width / 2];
        let [r, g, b] = [0, 10, 20].map(|shift| middle >> shift & 1023);
        let ms = begun.elapsed().as_millis();
        println!("frame {frame}: {}x{} in {ms} ms; in the middle {r} {g} {b} of 1023", format.width, format.height);
    }
    Ok(())
}
