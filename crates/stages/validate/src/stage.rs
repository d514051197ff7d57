//! The stage.

use rushes_core::Result;
use rushes_core::stage::{Batch, ClipStage, StageInfo};

use crate::{Validate, checks};

impl StageInfo for Validate {
    fn name(&self) -> &'static str {
        "validate"
    }

    fn version(&self) -> u32 {
        1
    }

    fn params(&self) -> serde_json::Value {
        // Names and numbers: there is nothing that could fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[async_trait::async_trait]
impl ClipStage for Validate {
    /// What is wrong becomes findings, [`rushes_core::media::Clip::substitutes`] and
    /// [`rushes_core::media::Clip::refused`]; there are no errors.
    async fn run(&self, mut batch: Batch) -> Result<Batch> {
        for clip in &mut batch.clips {
            batch.findings.extend(checks::clip(clip, self));
        }
        batch.findings.extend(checks::duplicates(&mut batch.clips, self));
        Ok(batch)
    }
}
