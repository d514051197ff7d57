//! One destination, on a thread of its own.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rushes_core::media::Finding;
use rushes_core::run::CancellationToken;

use super::disk::{identity, is_within};
use super::evidence::Evidence;
use super::finding::about;
use super::journal::{Journal, Line};
use super::plan::Want;
use super::reader::CHUNK;
use super::storage::{Storage, Target};
use super::time::{same_moment, to_ns};
use super::tree::{CardFile, Tree};
use super::{CardPath, OffloadEvent, OffloadEvents, temporary};
use crate::hash::pieces::{Leaving, Piece, Queue, Taken};
use crate::hash::{Algorithm, Hashing, Sums};

/// What the reader tells a destination.
pub(super) enum Step {
    /// A file to be written begins.
    Begin(usize),
    Bytes(Arc<Piece>),
    /// The file is whole: give it its name; or: compare what is there with it.
    End(Arc<Seal>),
    /// The file cannot be had.
    Abort,
}

/// What is known of a file that was read.
pub(super) struct Seal {
    pub(super) number: usize,
    pub(super) sums: Sums,
    pub(super) reread: bool,
}

/// A destination at work.
pub(super) struct Writer<'a> {
    pub(super) number: usize,
    pub(super) root: PathBuf,
    pub(super) tree: &'a Tree,
    pub(super) wants: &'a [Want],
    pub(super) evidence: Evidence,
    pub(super) storage: &'a dyn Storage,
    pub(super) events: &'a OffloadEvents,
    pub(super) cancel: &'a CancellationToken,
    pub(super) journal: Journal,
}

/// What became of a destination.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// For each file: what shows that it stands there, and whether it stood there already.
    pub(super) delivered: Vec<Option<(Evidence, bool)>>,
    pub(super) findings: Vec<Finding>,
    pub(super) failed: Option<String>,
}

/// A file stands under its name; its folder and the journal do not know it for certain yet.
struct Unsealed {
    number: usize,
    reused: bool,
    line: Line,
}

struct Work<'a> {
    w: Writer<'a>,
    root_identity: Option<(u64, u64)>,
    current: Option<(usize, PathBuf, Box<dyn Target>)>,
    unsealed: Vec<Unsealed>,
    unsealed_bytes: u64,
    folders: BTreeSet<PathBuf>,
    told_cached: bool,
    told_time: bool,
    out: Written,
}

/// One file failed, or the whole destination did.
enum Trouble {
    File(CardPath, String),
    Found(Finding),
    Destination(String),
}

/// Files, bytes and idle time after which folders and journal are synced. A power cut before that
/// costs a comparison, never a file.
const SEAL_FILES: usize = 64;
const SEAL_BYTES: u64 = 256 << 20;
const IDLE: Duration = Duration::from_millis(200);

impl Writer<'_> {
    /// Takes steps until there are no more.
    pub(super) fn run(self, steps: &Queue<Step>) -> Written {
        let _leaving = Leaving(steps);
        let delivered =
            self.wants.iter().map(|w| if let Want::Proven(e) = w { Some((*e, true)) } else { None }).collect();
        let mut work = Work {
            root_identity: None,
            current: None,
            unsealed: Vec::new(),
            unsealed_bytes: 0,
            folders: BTreeSet::new(),
            told_cached: false,
            told_time: false,
            out: Written { delivered, ..Written::default() },
            w: self,
        };
        if let Err(trouble) = work.go(steps) {
            work.discard();
            // What stands is journalled if that is still possible.
            let _ = work.seal();
            work.fail(trouble);
        }
        work.out
    }
}

impl Work<'_> {
    fn go(&mut self, steps: &Queue<Step>) -> Result<(), Trouble> {
        self.make_folders()?;
        loop {
            let step = steps.take(IDLE);
            if self.w.cancel.is_cancelled() {
                break;
            }
            let done = match step {
                Taken::Ended => break,
                Taken::Nothing => self.seal(),
                Taken::One(step) => self.take(step),
            };
            match done {
                Ok(()) => {}
                Err(Trouble::Destination(why)) => return Err(Trouble::Destination(why)),
                Err(trouble) => {
                    self.discard();
                    self.fail(trouble);
                    self.still_there()?;
                }
            }
        }
        self.discard();
        self.seal()
    }

    fn take(&mut self, step: Step) -> Result<(), Trouble> {
        match step {
            Step::Begin(number) => {
                let path = &self.w.tree.files[number].path;
                let (part, file) = temporary::create(self.w.storage, &self.w.root, path)
                    .map_err(|e| trouble(path, "making it", &e))?;
                self.current = Some((number, part, file));
                Ok(())
            }
            Step::Bytes(piece) => match &mut self.current {
                Some((number, _, file)) => {
                    let path = &self.w.tree.files[*number].path;
                    file.write_all(piece.bytes()).map_err(|e| trouble(path, "writing it", &e))
                }
                None => Ok(()),
            },
            Step::Abort => {
                self.discard();
                Ok(())
            }
            Step::End(seal) => self.end(&seal),
        }
    }

    fn end(&mut self, seal: &Seal) -> Result<(), Trouble> {
        let file = &self.w.tree.files[seal.number];
        let place = self.w.root.join(&file.path);
        let write = self.w.wants[seal.number] == Want::Write;
        let (evidence, there) = if write {
            // Nothing is under way when the file failed before.
            let Some((_, part, target)) = self.current.take() else { return Ok(()) };
            let finished = self.finish(file, seal, &part, target, &place);
            if finished.is_err() {
                // A temporary that cannot be removed is removed by the next offload.
                let _ = std::fs::remove_file(&part);
            }
            finished?
        } else {
            match self.compare(file, seal, &place) {
                Ok(same) => same,
                Err(trouble) => {
                    // What an earlier offload proved holds no more.
                    let sums = Line::texts(&seal.sums);
                    let (path, modified_ns) = (file.path.clone(), to_ns(file.modified));
                    let (bytes, there_ns, evidence) = (file.bytes, i64::MIN, Evidence::Streamed);
                    let line = Line { path, bytes, modified_ns, there_ns, sums, evidence, reread: false };
                    let _ = self.w.journal.append(&[line]);
                    return Err(trouble);
                }
            }
        };
        self.folders.extend(place.parent().map(Path::to_owned));
        let line = Line {
            path: file.path.clone(),
            bytes: file.bytes,
            modified_ns: to_ns(file.modified),
            there_ns: there,
            sums: Line::texts(&seal.sums),
            evidence,
            reread: seal.reread,
        };
        self.unsealed.push(Unsealed { number: seal.number, reused: !write, line });
        self.unsealed_bytes += file.bytes;
        if self.unsealed.len() >= SEAL_FILES || self.unsealed_bytes >= SEAL_BYTES {
            self.seal()?;
        }
        Ok(())
    }

    /// Sync, close, read back, rename.
    fn finish(
        &mut self,
        file: &CardFile,
        seal: &Seal,
        part: &Path,
        target: Box<dyn Target>,
        place: &Path,
    ) -> Result<(Evidence, i64), Trouble> {
        let there = target.commit(file.modified).map_err(|e| trouble(&file.path, "storing it", &e))?;
        if there.bytes != file.bytes {
            let text = format!("{} bytes were written and {} are there", file.bytes, there.bytes);
            return Err(Trouble::File(file.path.clone(), text));
        }
        let mut evidence = level(seal, false);
        if self.w.evidence == Evidence::ReadBack {
            evidence = self.read_back(file, seal, part)?;
        }
        let there = to_ns(there.modified);
        if !same_moment(there, to_ns(file.modified)) && !std::mem::replace(&mut self.told_time, true) {
            let text = "the destination does not keep modification times; from here on they are the copies' own";
            self.found(about(Finding::warning("time-not-kept", text), place));
        }
        self.w.storage.publish(part, place).map_err(|e| trouble(&file.path, "giving it its name", &e))?;
        Ok((evidence, there))
    }

    /// Reads what is there and compares it.
    fn read_back(&mut self, file: &CardFile, seal: &Seal, path: &Path) -> Result<Evidence, Trouble> {
        let reading = |e: io::Error| trouble(&file.path, "reading it back", &e);
        let mut opened = self.w.storage.open(path, true).map_err(reading)?;
        let asked = self.w.evidence == Evidence::ReadBack;
        if asked && !opened.from_device && !std::mem::replace(&mut self.told_cached, true) {
            let text = "files are read back from memory, not from the device: the system does not drop what it keeps; it compares equal, and the evidence stays below `read back`";
            self.found(about(Finding::warning("read-back-from-memory", text), self.w.root.clone()));
        }
        let Some(algorithm) = quickest(&seal.sums) else { return Ok(level(seal, false)) };
        let mut hashing = Hashing::new(&[algorithm]);
        let (mut buffer, mut bytes) = (vec![0; CHUNK], 0u64);
        loop {
            if self.w.cancel.is_cancelled() {
                return Err(Trouble::File(file.path.clone(), "cancelled".to_owned()));
            }
            match opened.file.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    hashing.update(&buffer[..n]);
                    bytes += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(reading(e)),
            }
        }
        if bytes != file.bytes || hashing.finish().get(algorithm) != seal.sums.get(algorithm) {
            let text = "what was read back is not what was written; it is not delivered: suspect the disk, its cable or its controller";
            let place = self.w.root.join(&file.path);
            return Err(Trouble::Found(about(Finding::error("read-back-differs", text), place)));
        }
        Ok(level(seal, opened.from_device))
    }

    /// What stood there already; it becomes proven, or it is something else.
    fn compare(&mut self, file: &CardFile, seal: &Seal, place: &Path) -> Result<(Evidence, i64), Trouble> {
        let evidence = self.read_back(file, seal, place).map_err(|t| match t {
            Trouble::Found(_) if self.w.wants[seal.number] == Want::Compare => {
                let text = "something else of the same size has this name there; it is not replaced: move it away, or choose another destination";
                Trouble::Found(about(Finding::error("target-differs", text), place))
            }
            other => other,
        })?;
        let there = self.w.storage.open(place, false).and_then(|o| o.file.stat());
        let there = there.map_err(|e| trouble(&file.path, "looking at it", &e))?;
        Ok((evidence, to_ns(there.modified)))
    }

    /// Makes names and journal last; then it is true that the files are delivered.
    fn seal(&mut self) -> Result<(), Trouble> {
        if self.unsealed.is_empty() {
            return Ok(());
        }
        // Taken first: what cannot be made to last is not delivered, now or at the end.
        let unsealed = std::mem::take(&mut self.unsealed);
        self.unsealed_bytes = 0;
        for folder in std::mem::take(&mut self.folders) {
            self.w
                .storage
                .sync_folder(&folder)
                .map_err(|e| Trouble::Destination(format!("syncing {}: {e}", folder.display())))?;
        }
        let lines: Vec<Line> = unsealed.iter().map(|u| u.line.clone()).collect();
        self.w.journal.append(&lines).map_err(|e| Trouble::Destination(e.to_string()))?;
        for Unsealed { number, reused, line } in unsealed {
            self.out.delivered[number] = Some((line.evidence, reused));
            self.w.events.send(OffloadEvent::Delivered {
                path: line.path,
                destination: self.w.number,
                evidence: line.evidence,
                reused,
            });
        }
        Ok(())
    }

    fn make_folders(&mut self) -> Result<(), Trouble> {
        let root = self.w.root.clone();
        let make = |place: &Path| match std::fs::create_dir(place) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            other => other.map(|()| true),
        };
        let fatal = |e: io::Error, p: &Path| Trouble::Destination(format!("making the folder {}: {e}", p.display()));
        let mut changed = BTreeSet::new();
        if make(&root).map_err(|e| fatal(e, &root))? {
            changed.extend(root.parent().map(Path::to_owned));
        }
        self.root_identity = identity(&root);
        for folder in &self.w.tree.folders {
            let place = root.join(&folder.path);
            // Nothing is made through a link that has a folder's place; it was told of.
            if !place.parent().is_some_and(|above| is_within(&root, above)) {
                continue;
            }
            match make(&place) {
                Ok(true) => changed.extend(place.parent().map(Path::to_owned)),
                Ok(false) => {}
                Err(e) if is_fatal(&e) => return Err(fatal(e, &place)),
                Err(e) => self.found(about(Finding::error("write-failed", format!("making the folder: {e}")), &place)),
            }
        }
        for folder in changed {
            self.w.storage.sync_folder(&folder).map_err(|e| fatal(e, &folder))?;
        }
        Ok(())
    }

    /// Removes the temporary under way.
    fn discard(&mut self) {
        if let Some((_, part, file)) = self.current.take() {
            drop(file);
            // One that cannot be removed is removed by the next offload.
            let _ = std::fs::remove_file(part);
        }
    }

    /// After a failure: is it the file, or the whole destination? A file is made to find out.
    fn still_there(&self) -> Result<(), Trouble> {
        let gone = || Trouble::Destination("the folder is not there any more; mount the disk again".to_owned());
        if !self.w.root.is_dir() || identity(&self.w.root) != self.root_identity {
            return Err(gone());
        }
        let Some(trial) = CardPath::new("rushes-trial") else { return Ok(()) };
        match temporary::create(self.w.storage, &self.w.root, &trial) {
            Ok((part, file)) => {
                drop(file);
                let _ = std::fs::remove_file(part);
                Ok(())
            }
            Err(e) => Err(Trouble::Destination(format!("no files can be made there any more: {e}"))),
        }
    }

    fn fail(&mut self, trouble: Trouble) {
        let cancelled = self.w.cancel.is_cancelled();
        match trouble {
            Trouble::File(..) if cancelled => {}
            Trouble::Found(finding) => self.found(finding),
            Trouble::File(path, why) => {
                let text = format!("{why}; it is not delivered here: run the offload again");
                self.found(about(Finding::error("write-failed", text), self.w.root.join(path)));
            }
            Trouble::Destination(why) => {
                let missing = self.out.delivered.iter().filter(|d| d.is_none()).count();
                let text = format!("{why}; {missing} files are not delivered here, the other destinations go on");
                self.found(about(Finding::error("destination-failed", text), self.w.root.clone()));
                self.w.events.send(OffloadEvent::DestinationFailed { destination: self.w.number, why: why.clone() });
                self.out.failed = Some(why);
            }
        }
    }

    fn found(&mut self, finding: Finding) {
        self.w.events.send(OffloadEvent::Found { finding: finding.clone() });
        self.out.findings.push(finding);
    }
}

fn level(seal: &Seal, from_device: bool) -> Evidence {
    match (from_device, seal.reread) {
        (true, _) => Evidence::ReadBack,
        (false, true) => Evidence::SourceReread,
        (false, false) => Evidence::Streamed,
    }
}

/// The algorithm that costs least; any of them shows whether the bytes are the same.
fn quickest(sums: &Sums) -> Option<Algorithm> {
    use Algorithm::{C4, Md5, Sha1, Xxh3, Xxh64, Xxh128};
    [Xxh128, Xxh3, Xxh64, Sha1, C4, Md5].into_iter().find(|a| sums.get(*a).is_some())
}

/// Errors after which nothing more can be written anywhere on the file system.
fn is_fatal(e: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(e.kind(), K::StorageFull | K::QuotaExceeded | K::ReadOnlyFilesystem | K::StaleNetworkFileHandle)
}

fn trouble(path: &CardPath, doing: &str, e: &io::Error) -> Trouble {
    if is_fatal(e) {
        return Trouble::Destination(format!("{doing} ({path}): {e}"));
    }
    Trouble::File(path.clone(), format!("{doing}: {e}"))
}
