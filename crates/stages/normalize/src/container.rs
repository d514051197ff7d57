//! QuickTime, MXF and DPX, from what their containers say.

use rushes_core::Result;
use rushes_core::media::{CameraMetadata, Sourced, Verbatim, VerbatimField};
use rushes_ingest::container::{ContainerFacts, Fact, container_facts};

use crate::mapping::{Facts, Mapping, Subject};

pub(crate) struct Container;

impl Mapping for Container {
    fn read(&self, subject: &Subject<'_>) -> Result<Facts> {
        let facts = container_facts(subject.path, subject.format)?.unwrap_or_default();
        Ok(map(&facts, subject))
    }
}

fn map(facts: &ContainerFacts, subject: &Subject<'_>) -> Facts {
    let size = facts.width.as_ref().zip(facts.height.as_ref());
    let stored_size = size.map(|(w, h)| {
        // 32 bits fit.
        subject.sourced((w.value as usize, h.value as usize), format!("{}, {}", w.tag, h.tag))
    });
    let metadata = CameraMetadata {
        make: take(subject, &facts.maker),
        model: take(subject, &facts.product),
        reel: take(subject, &facts.reel),
        start_timecode: facts.timecode.as_ref().map(|t| subject.sourced(t.value, t.tag.clone())),
        rate: subject.rate(take(subject, &facts.rate)),
        stored_size,
        compression: take(subject, &facts.codec),
        ..CameraMetadata::default()
    };
    let verbatim = Verbatim(verbatim(facts, subject));
    Facts { metadata, verbatim, frames: facts.frames.as_ref().map(|f| f.value), timecode_as_found: None }
}

fn take<T: Clone>(subject: &Subject<'_>, fact: &Option<Fact<T>>) -> Option<Sourced<T>> {
    fact.as_ref().map(|f| subject.sourced(f.value.clone(), f.tag.clone()))
}

fn verbatim(facts: &ContainerFacts, subject: &Subject<'_>) -> Vec<VerbatimField> {
    fn text<T: ToString>(fact: &Option<Fact<T>>) -> Option<(String, &str)> {
        fact.as_ref().map(|f| (f.value.to_string(), f.tag.as_str()))
    }
    [
        text(&facts.timecode),
        text(&facts.rate),
        text(&facts.reel),
        text(&facts.codec),
        text(&facts.width),
        text(&facts.height),
        text(&facts.frames),
        text(&facts.maker),
        text(&facts.product),
    ]
    .into_iter()
    .flatten()
    .map(|(value, tag)| VerbatimField { value, origin: subject.origin(tag) })
    .collect()
}
