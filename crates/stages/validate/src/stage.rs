//! The stage.

use rushes_core::Result;
use rushes_core::media::BadFramePolicy;
use rushes_core::stage::{Batch, ClipContext, ClipStage, StageInfo};

use crate::{Policy, Validate, checks};

impl StageInfo for Validate {
    fn name(&self) -> &'static str {
        "validate"
    }

    fn version(&self) -> u32 {
        2
    }

    fn params(&self) -> serde_json::Value {
        // Names and numbers: there is nothing that could fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[async_trait::async_trait]
impl ClipStage for Validate {
    /// What is wrong becomes findings, [`rushes_core::media::Clip::substitutes`] and
    /// [`rushes_core::media::Clip::refused`].
    ///
    /// # Errors
    /// When a storage did not answer: that says nothing about a frame.
    async fn run(&self, mut batch: Batch, cx: &ClipContext) -> Result<Batch> {
        for clip in &mut batch.clips {
            clip.undecodable = match self.undecodable {
                Policy::Hold => BadFramePolicy::Hold,
                Policy::Black => BadFramePolicy::Black,
                Policy::Refuse | Policy::Ignore => BadFramePolicy::Refuse,
            };
            batch.findings.extend(checks::clip(clip, self, &cx.cancel)?);
            cx.go_on()?;
        }
        batch.findings.extend(checks::duplicates(&mut batch.clips, self));
        Ok(batch)
    }
}
