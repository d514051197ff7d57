//! The offload itself: one reader, a writer for each destination, and what they say put together.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use rushes_core::Result;
use rushes_core::error::panic_message;
use rushes_core::media::Finding;
use rushes_core::run::CancellationToken;

use super::copied::{Copied, CopiedFile, Delivery, Destination, State};
use super::disk::{identity, is_within, set_folder_time};
use super::finding::about;
use super::reader::{CHUNK, Heard, Order, Reader};
use super::request::{Offload, Planned};
use super::tree::Tree;
use super::writer::{Step, Writer, Written};
use super::{OffloadEvent, OffloadEvents};
use crate::hash::pieces::{Ending, Pool, Queue};
use crate::hash::spread::Spread;

pub(super) fn copy(
    request: &Offload,
    planned: Planned,
    events: &OffloadEvents,
    cancel: &CancellationToken,
) -> Result<Copied> {
    let to_read = planned.to_read();
    let Planned { card, tree, places, journals, found, known, findings } = planned;
    events.send(OffloadEvent::Planned { files: tree.files.len(), bytes: tree.bytes(), to_read });
    findings.iter().for_each(|f| events.send(OffloadEvent::Found { finding: f.clone() }));

    let room = usize::try_from(request.buffer / CHUNK as u64).unwrap_or(usize::MAX);
    let queues: Vec<Arc<Queue<Step>>> = places.iter().map(|_| Arc::new(Queue::new(room))).collect();
    let pool = Pool::new(CHUNK);
    let mut heard = vec![Heard::default(); tree.files.len()];
    let (read_findings, written) = thread::scope(|scope| {
        let _ending: Vec<Ending<'_, Step>> = queues.iter().map(|q| Ending(&**q)).collect();
        let mut at_work = Vec::new();
        for (number, journal) in journals.into_iter().enumerate() {
            let writer = Writer {
                number,
                root: places[number].root.clone(),
                tree: &tree,
                wants: &found[number].wants,
                evidence: request.asked.evidence,
                storage: &*request.storage,
                events,
                cancel,
                journal,
            };
            let queue = Arc::clone(&queues[number]);
            at_work.push(scope.spawn(move || writer.run(&queue)));
        }
        let mut reader = Reader {
            card: &card,
            card_identity: identity(&card),
            storage: &*request.storage,
            events,
            cancel,
            pool: pool.clone(),
            digesting: Spread::start(scope, &request.asked.algorithms),
            reread: request.asked.reread,
            done: 0,
            to_read,
            findings: Vec::new(),
            told_cached: false,
        };
        for (number, file) in tree.files.iter().enumerate() {
            let wants = found.iter().map(|f| f.wants[number]).collect();
            let order = Order { number, file, wants, known: known[number].as_ref() };
            if queues.iter().all(|q| q.is_left()) || !reader.serve(&order, &queues, &mut heard[number]) {
                break;
            }
        }
        queues.iter().for_each(|q| q.end());
        let written: Vec<Written> = at_work
            .into_iter()
            .map(|w| w.join().unwrap_or_else(|panic| broken(panic_message(panic.as_ref()), &tree)))
            .collect();
        (reader.findings, written)
    });

    let mut copied = Copied {
        card,
        state: State::Incomplete,
        algorithms: request.asked.algorithms.clone(),
        asked: request.asked.evidence,
        destinations: Vec::new(),
        folders: tree.folders.iter().map(|f| f.path.clone()).collect(),
        files: Vec::new(),
        not_copied: tree.others.clone(),
        findings,
        held_bytes: pool.most(),
    };
    copied.findings.extend(read_findings);
    for (number, (file, heard)) in tree.files.iter().zip(heard).enumerate() {
        let delivery = |w: &Written| w.delivered[number].map(|(evidence, reused)| Delivery { evidence, reused });
        // What was not come to is still known where an earlier offload proved it.
        let known = known[number].as_ref();
        copied.files.push(CopiedFile {
            path: file.path.clone(),
            bytes: file.bytes,
            modified: file.modified,
            source_reread: heard.reread || (heard.sums.is_none() && known.is_some_and(|k| k.reread)),
            sums: heard.sums.or_else(|| known.map(|k| k.sums.clone())),
            at: written.iter().map(delivery).collect(),
        });
    }
    for (place, written) in places.iter().zip(written) {
        copied.findings.extend(written.findings);
        let destination = Destination { root: place.root.clone(), manifest: None, failed: written.failed };
        if destination.failed.is_none() {
            keep_folder_times(&copied.card, &tree, &place.root);
        }
        copied.destinations.push(destination);
    }
    copied.judge(cancel.is_cancelled());
    let manifest = copied.manifest();
    for (place, destination) in places.iter().zip(&mut copied.destinations).filter(|(_, d)| d.failed.is_none()) {
        match manifest.write(&place.manifest) {
            Ok(()) => destination.manifest = Some(place.manifest.clone()),
            Err(e) => {
                let finding = about(Finding::error("manifest-failed", e.to_string()), &place.manifest);
                events.send(OffloadEvent::Found { finding: finding.clone() });
                copied.findings.push(finding);
            }
        }
    }
    copied.judge(cancel.is_cancelled());
    events.send(OffloadEvent::Finished { complete: copied.is_complete() });
    Ok(copied)
}

/// Files made in a folder touch it, so this comes last, the deepest first. A destination that
/// does not keep such times loses nothing of the footage.
fn keep_folder_times(card: &Path, tree: &Tree, root: &Path) {
    for folder in tree.folders.iter().rev() {
        let place = root.join(&folder.path);
        if is_within(root, &place) {
            let _ = set_folder_time(&place, folder.modified);
        }
    }
    if let Ok(modified) = card.metadata().and_then(|m| m.modified()) {
        let _ = set_folder_time(root, modified);
    }
}

/// A writer that panicked: nothing is believed of what it did not journal.
fn broken(words: &str, tree: &Tree) -> Written {
    let why = format!("the copying panicked: {words}; this is a bug: report it");
    Written {
        delivered: vec![None; tree.files.len()],
        findings: vec![Finding::error("destination-failed", &why)],
        failed: Some(why),
    }
}
