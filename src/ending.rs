//! The end of a run: digests of what was read, lineage, manifest and page.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use rushes_core::Result;
use rushes_core::deliver::write_whole;
use rushes_core::graph::{Graph, Registry};
use rushes_core::media::{Clip, ClipMedia, Finding};
use rushes_core::plan::Plan;
use rushes_core::run::{CancellationToken, RunReport};
use rushes_core::stage::Batch;
use rushes_ledger::Ledger;

use crate::job::{Done, blocking};
use crate::manifest::{InputFile, Manifest};
use crate::originals;
use crate::report::Page;

/// A run whose units have ended.
pub(crate) struct Ending {
    pub(crate) graph: Graph,
    pub(crate) input: PathBuf,
    pub(crate) out: PathBuf,
    pub(crate) batch: Batch,
    pub(crate) plan: Plan,
    /// Its findings are those of the plan and the units.
    pub(crate) report: RunReport,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) registry: Registry,
    pub(crate) cancel: CancellationToken,
    /// Whether the page is written.
    pub(crate) page: bool,
}

impl Ending {
    /// Writes `lineage.json`, `manifest.json` and `report/index.html` into the output folder.
    ///
    /// # Errors
    /// When one of them cannot be written.
    pub(crate) async fn write(self) -> Result<Done> {
        let Self { graph, input, out, batch, plan, mut report, ledger, registry, cancel, page } = self;
        let files = inputs(&batch.clips, &plan);
        let (inputs, unread) = blocking({
            let (ledger, cancel) = (Arc::clone(&ledger), cancel.clone());
            move || {
                ledger.settle()?;
                Ok(digest_all(&ledger, files, &cancel))
            }
        })
        .await?;
        let (inputs, originals) = blocking({
            let card = input.clone();
            move || {
                let originals = originals::compare(&card, &inputs);
                Ok((inputs, originals))
            }
        })
        .await?;
        let of_originals = originals.iter().flat_map(|o| o.findings.clone());
        report.findings = batch
            .findings
            .iter()
            .chain(ledger.findings())
            .cloned()
            .chain(report.findings)
            .chain(unread)
            .chain(of_originals)
            .collect();

        let manifest = Manifest::of(&graph, &input, &batch, &plan, &report, inputs);
        let (text, path) = (manifest.to_json()?, out.join("manifest.json"));
        blocking(move || write_whole(&path, true, text.as_bytes()).map_err(|e| e.doing("writing the manifest")))
            .await?;
        let done = Done { plan, report, manifest };
        if !page {
            return Ok(done);
        }
        blocking(move || {
            let Done { plan, report, manifest } = &done;
            let originals = originals.as_ref();
            let page = Page { batch: &batch, plan, report, manifest, originals, registry: &registry, cancel: &cancel };
            page.write(&out)?;
            Ok(done)
        })
        .await
    }
}

/// The files of the clips that will be made.
fn inputs(clips: &[Clip], plan: &Plan) -> Vec<PathBuf> {
    let planned: BTreeSet<&str> = plan.clips.iter().filter(|c| !c.units.is_empty()).map(|c| c.clip.as_str()).collect();
    let mut files = BTreeSet::new();
    for clip in clips.iter().filter(|c| planned.contains(c.name.as_str())) {
        match &clip.media {
            ClipMedia::Sequence(s) => files.extend(s.frames().map(|f| s.path(f))),
            ClipMedia::Files(f) => files.extend(f.iter().cloned()),
        }
        files.extend(clip.sidecars.iter().cloned());
    }
    files.into_iter().collect()
}

fn digest_all(ledger: &Ledger, files: Vec<PathBuf>, cancel: &CancellationToken) -> (Vec<InputFile>, Vec<Finding>) {
    let (mut digests, mut unread) = (Vec::with_capacity(files.len()), Vec::new());
    for path in files {
        if cancel.is_cancelled() {
            break;
        }
        match ledger.digest_of_input(&path) {
            Ok((digest, bytes)) => digests.push(InputFile { path, bytes, digest }),
            Err(e) => unread.push(Finding::error("input-unreadable", e.to_string()).path(path)),
        }
    }
    (digests, unread)
}
