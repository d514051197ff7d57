//! A stage of your own, used from a workflow file beside the stock ones.
//!
//! The stage marks what clips: display code values at or above a limit become red, crushed
//! blacks blue. It works on bands of rows like every other stage, so it is fused into the same
//! pass over the frame.
#![allow(clippy::print_stdout, reason = "a program prints")]

use std::ops::Range;

use rushes::Job;
use rushes::core::frame::{Band, BandMut, FrameFormat, ImageState};
use rushes::core::graph::WorkflowFile;
use rushes::core::stage::{FrameKernel, FrameStage, StageInfo};
use serde::{Deserialize, Serialize};

mod common;

/// The parameters, as a workflow file gives them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clipping {
    /// Code values at or above it are clipped, 0 to 1.
    white: f32,
}

impl StageInfo for Clipping {
    fn name(&self) -> &'static str {
        "clipping"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> serde_json::Value {
        serde_json::json!({ "white": self.white })
    }
}

impl FrameStage for Clipping {
    fn input(&self) -> ImageState {
        ImageState::Display
    }
    fn output(&self) -> ImageState {
        ImageState::Display
    }
    fn prepare(&self, input: &FrameFormat) -> rushes::Result<Box<dyn FrameKernel>> {
        Ok(Box::new(Kernel { white: self.white, format: input.clone() }))
    }
}

struct Kernel {
    white: f32,
    format: FrameFormat,
}

impl FrameKernel for Kernel {
    fn format(&self) -> &FrameFormat {
        &self.format
    }
    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        out
    }
    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        for row in out.rows() {
            let [r, g, b] = [0, 1, 2].map(|plane| input.row(plane, row));
            let [to_r, to_g, to_b] = out.rgb_row_mut(row);
            for i in 0..r.len() {
                let pixel = [r[i], g[i], b[i]];
                [to_r[i], to_g[i], to_b[i]] = match pixel {
                    p if p.iter().any(|v| *v >= self.white) => [1.0, 0.0, 0.0],
                    p if p.iter().all(|v| *v <= 0.0) => [0.0, 0.0, 1.0],
                    p => p,
                };
            }
        }
    }
}

const WORKFLOW: &str = r#"
version = 1
name = "clipping-check"

[[stage]]
stage = "ingest"
[[stage]]
stage = "validate"
from = "ingest"
params = { gap = "hold", truncated = "hold", zero_byte = "hold" }
[[stage]]
stage = "normalize"
from = "validate"
[[stage]]
stage = "decode"
from = "normalize"
[[stage]]
stage = "linearize"
from = "decode"
[[stage]]
stage = "debayer"
from = "linearize"
params = { method = "superpixel" }
[[stage]]
stage = "input-transform"
from = "debayer"
[[stage]]
stage = "output-transform"
from = "input-transform"
[[stage]]
stage = "clipping"            # ours
from = "output-transform"
params = { white = 0.98 }
[[stage]]
stage = "still"
from = "clipping"
"#;

#[tokio::main]
async fn main() -> rushes::Result<()> {
    let (card, out) = common::args("clipping-out");
    let mut registry = rushes::registry();
    registry.frame::<Clipping>("clipping");
    let workflow = WorkflowFile::from_toml(WORKFLOW)?;
    let executor = rushes::backends::local::LocalExecutor::new(registry.clone());
    let done = Job::new(workflow, card, out)
        .registry(registry)
        .executor(std::sync::Arc::new(executor))
        .overwrite(true)
        .run()
        .await?;
    for file in done.report.outputs() {
        println!("{}", file.path);
    }
    Ok(())
}
