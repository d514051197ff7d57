//! The one read of each file of the card, shared by every destination and every digest.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rushes_core::media::Finding;
use rushes_core::run::CancellationToken;

use super::disk::identity;
use super::finding::about;
use super::plan::{Known, Want};
use super::storage::{Original, Stat, Storage};
use super::tree::CardFile;
use super::writer::{Seal, Step};
use super::{OffloadEvent, OffloadEvents};
use crate::hash::Sums;
use crate::hash::pieces::{Pool, Queue};
use crate::hash::spread::Spread;

/// Bytes read, written and digested at once; a cancelled offload stops after one of them.
pub const CHUNK: usize = 1 << 20;

/// What the reading of the card needs.
pub(super) struct Reader<'a> {
    pub(super) card: &'a Path,
    pub(super) card_identity: Option<(u64, u64)>,
    pub(super) storage: &'a dyn Storage,
    pub(super) events: &'a OffloadEvents,
    pub(super) cancel: &'a CancellationToken,
    pub(super) pool: Pool,
    pub(super) digesting: Spread,
    pub(super) reread: bool,
    pub(super) done: u64,
    pub(super) to_read: u64,
    pub(super) findings: Vec<Finding>,
    pub(super) told_cached: bool,
}

/// Why a file was not read to its end and believed.
enum Stop {
    Cancelled,
    Found(Finding),
}

/// One file and what is wanted of it.
pub(super) struct Order<'a> {
    pub(super) number: usize,
    pub(super) file: &'a CardFile,
    pub(super) wants: Vec<Want>,
    pub(super) known: Option<&'a Known>,
}

/// What the card says of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    pub(super) sums: Option<Sums>,
    pub(super) reread: bool,
}

impl Reader<'_> {
    /// Reads one file and sends it to those who want it; false when there is no going on.
    pub(super) fn serve(&mut self, order: &Order<'_>, to: &[Arc<Queue<Step>>], heard: &mut Heard) -> bool {
        let wanting = |wanted: &[Want]| -> Vec<&Arc<Queue<Step>>> {
            to.iter().zip(&order.wants).filter(|(_, w)| wanted.contains(w)).map(|(q, _)| q).collect()
        };
        let (writing, comparing, lifting) =
            (wanting(&[Want::Write]), wanting(&[Want::Compare]), wanting(&[Want::Lift]));
        *heard = order.known.map_or_else(Heard::default, |k| Heard { sums: Some(k.sums.clone()), reread: k.reread });
        let mut believed = true;
        if !writing.is_empty() || !comparing.is_empty() {
            self.events.send(OffloadEvent::FileStarted { path: order.file.path.clone(), bytes: order.file.bytes });
            for queue in &writing {
                self.send(queue, Step::Begin(order.number));
            }
            match self.read_and_judge(order, &writing) {
                Ok(said) => {
                    *heard = said;
                    self.seal(order, heard, writing.iter().chain(&comparing));
                }
                Err(stop) => {
                    for queue in &writing {
                        self.send(queue, Step::Abort);
                    }
                    match stop {
                        Stop::Cancelled => return false,
                        Stop::Found(finding) => {
                            believed = finding.code != UNSTABLE;
                            self.found(finding);
                        }
                    }
                    if self.card_is_gone() {
                        let text = "the card is gone; put it back and run the offload again: it goes on where it was";
                        self.found(about(Finding::error("source-lost", text), self.card));
                        return false;
                    }
                }
            }
        }
        if believed {
            self.seal(order, heard, lifting.iter());
        }
        !self.cancel.is_cancelled()
    }

    fn send(&self, queue: &Queue<Step>, step: Step) -> bool {
        queue.push(step, || self.cancel.is_cancelled())
    }

    fn seal<'q>(&self, order: &Order<'_>, heard: &Heard, to: impl Iterator<Item = &'q &'q Arc<Queue<Step>>>) {
        if let Some(sums) = &heard.sums {
            let seal = Arc::new(Seal { number: order.number, sums: sums.clone(), reread: heard.reread });
            for queue in to {
                self.send(queue, Step::End(Arc::clone(&seal)));
            }
        }
    }

    fn read_and_judge(&mut self, order: &Order<'_>, writing: &[&Arc<Queue<Step>>]) -> Result<Heard, Stop> {
        let file = order.file;
        let (sums, linked, _) = self.read_once(file, false, writing)?;
        if !linked {
            let text = "the file was deleted from the card while it was copied; what was read of it is whole";
            self.found(about(Finding::warning("source-vanished", text), &file.path));
        }
        let unstable = |what: &str| {
            let text = format!(
                "{what} gave other digests, with the same size and modification time; suspect the card, the reader or the memory, and copy it with another reader"
            );
            Stop::Found(about(Finding::error(UNSTABLE, text), &file.path))
        };
        if let Some(known) = order.known {
            return if known.sums == sums {
                // This reading may have come from memory, so it adds nothing to what was known.
                Ok(Heard { sums: Some(sums), reread: known.reread })
            } else {
                Err(unstable("an earlier offload"))
            };
        }
        let mut heard = Heard { sums: Some(sums), reread: false };
        if self.reread {
            let (again, _, from_device) = self.read_once(file, true, &[])?;
            if heard.sums.as_ref() != Some(&again) {
                return Err(unstable("a second reading"));
            }
            heard.reread = from_device;
        }
        Ok(heard)
    }

    /// Reads a file to its end; gives its digests, whether it still has its name, and whether its
    /// bytes came from the device.
    fn read_once(
        &mut self,
        file: &CardFile,
        again: bool,
        to: &[&Arc<Queue<Step>>],
    ) -> Result<(Sums, bool, bool), Stop> {
        let path = self.card.join(&file.path);
        let stop = |e: io::Error, at: u64| Stop::Found(unreadable(file, &e, at));
        let mut opened = self.storage.open(&path, again).map_err(|e| stop(e, 0))?;
        if again && !opened.from_device && !std::mem::replace(&mut self.told_cached, true) {
            let text =
                "files are read a second time from memory, not from the card: the system does not drop what it keeps";
            self.found(about(Finding::warning("reread-from-memory", text), self.card));
        }
        let before = opened.file.stat().map_err(|e| stop(e, 0))?;
        unchanged(file, &before)?;
        let mut hashing = self.digesting.begin(file.bytes <= CHUNK as u64);
        let mut at = 0u64;
        let result = loop {
            if self.cancel.is_cancelled() {
                break Err(Stop::Cancelled);
            }
            let mut buffer = self.pool.take();
            let filled = match fill(&mut *opened.file, &mut buffer) {
                Ok(0) => {
                    self.pool.unused(buffer);
                    break Ok(());
                }
                Ok(n) => n,
                Err((before, e)) => {
                    self.pool.unused(buffer);
                    break Err(stop(e, at + before as u64));
                }
            };
            at += filled as u64;
            let piece = self.pool.piece(buffer, filled);
            hashing.update(&piece);
            for queue in to {
                self.send(queue, Step::Bytes(Arc::clone(&piece)));
            }
            if !again {
                self.done += filled as u64;
                self.events.send(OffloadEvent::Read { done: self.done, to_read: self.to_read });
            }
            if at > file.bytes {
                break Err(changed(file, format!("it is longer than the {} bytes it had", file.bytes)));
            }
        };
        // Always finished: the threads go on with the next file.
        let sums = hashing.finish();
        result?;
        if at < file.bytes {
            return Err(changed(file, format!("it ended at byte {at} of {}", file.bytes)));
        }
        let after = opened.file.stat().map_err(|e| stop(e, at))?;
        unchanged(file, &after)?;
        let gone = || changed(file, "its digests could not be computed".to_owned());
        Ok((sums.ok_or_else(gone)?, after.linked, opened.from_device))
    }

    fn found(&mut self, finding: Finding) {
        self.events.send(OffloadEvent::Found { finding: finding.clone() });
        self.findings.push(finding);
    }

    fn card_is_gone(&self) -> bool {
        identity(self.card) != self.card_identity || std::fs::read_dir(self.card).is_err()
    }
}

const UNSTABLE: &str = "source-unstable";

fn changed(file: &CardFile, what: String) -> Stop {
    let text =
        format!("the file changed while the card was copied: {what}; it is not delivered: run the offload again");
    Stop::Found(about(Finding::error("source-changed", text), &file.path))
}

fn unchanged(file: &CardFile, now: &Stat) -> Result<(), Stop> {
    if now.bytes != file.bytes {
        return Err(changed(file, format!("{} bytes became {}", file.bytes, now.bytes)));
    }
    match now.modified == file.modified {
        true => Ok(()),
        false => Err(changed(file, "it was modified".to_owned())),
    }
}

fn unreadable(file: &CardFile, e: &io::Error, at: u64) -> Finding {
    let finding = if e.kind() == io::ErrorKind::NotFound {
        Finding::error("source-vanished", "the file was listed and is not there any more; look for it on the card")
    } else {
        let text = format!(
            "byte {at} of {} cannot be read: {e}; it is not delivered: clean the contacts, try another reader",
            file.bytes
        );
        Finding::error("source-unreadable", text)
    };
    about(finding, &file.path)
}

/// Fills the buffer as far as the file goes; an error comes with the bytes before it.
fn fill(file: &mut dyn Original, buffer: &mut [u8]) -> Result<usize, (usize, io::Error)> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err((filled, e)),
        }
    }
    Ok(filled)
}
