//! Recording a folder: the first generation of its history, or the next.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rushes_core::deliver::{AtomicFile, file_stem, write_whole};
use rushes_core::media::Severity;
use rushes_core::run::CancellationToken;
use rushes_core::storage::local_only;
use rushes_core::{Error, ErrorKind, Result};

use super::chain::{Chain, Link};
use super::examine::{Examined, Look, Reading, examine};
use super::history::{Histories, KnownFile};
use super::manifest::{
    Action, Author, Creator, Entry, FileEntry, FolderEntry, FolderSums, Hash, Manifest, Process, Reference,
};
use super::verdict::{Is, Verdict};
use super::{CHAIN, FOLDER, folders, stamp, write};
use crate::hash::spread::{Pool, Spread};
use crate::hash::{Algorithm, Sum, Sums};
use crate::offload::{CardPath, Copied};

/// What is to be recorded, and how.
#[derive(Clone)]
pub struct Create<'a> {
    /// The algorithms; a file that was recorded with none of them is compared by its first one.
    pub algorithms: Vec<Algorithm>,
    /// Patterns of what is not recorded, beside those of the history.
    pub ignore: Vec<String>,
    /// Who records.
    pub authors: Vec<Author>,
    /// Where.
    pub location: Option<String>,
    /// Anything.
    pub comment: Option<String>,
    /// Digests that are known from copying, for files that are not read again.
    pub given: HashMap<CardPath, Sums>,
    /// What is being done.
    pub process: Process,
    /// Threads.
    pub threads: usize,
    /// Hears, from any thread, how many more bytes were read.
    pub read: &'a (dyn Fn(u64) + Sync),
    /// Ends it; nothing is written then.
    pub cancel: CancellationToken,
}

impl Default for Create<'_> {
    fn default() -> Self {
        Self {
            algorithms: vec![Algorithm::Xxh64],
            ignore: Vec::new(),
            authors: Vec::new(),
            location: None,
            comment: None,
            given: HashMap::new(),
            process: Process::InPlace,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            read: &|_| {},
            cancel: CancellationToken::new(),
        }
    }
}

/// What was recorded.
#[derive(Debug, Clone)]
pub struct Created {
    /// The manifests that were written; that of the folder itself is the last.
    pub manifests: Vec<PathBuf>,
    /// What came of comparing with what was known. New files are as they should be.
    pub verdict: Verdict,
}

impl Create<'_> {
    /// What an offload copied to one of its destinations, as a transfer: digests are taken from the
    /// copying and no file is read again.
    pub fn of_copy(copied: &Copied, destination: usize) -> Self {
        let files = copied.delivered(destination);
        let given = files.filter_map(|f| Some((f.path.clone(), f.sums.clone()?))).collect();
        Self { algorithms: copied.algorithms.clone(), given, process: Process::Transfer, ..Self::default() }
    }

    /// Reads every file of `root`, compares it with what its history knows, and writes a new
    /// generation; that of every history below, too, which the one above refers to. What failed is
    /// recorded as failed and stays so. Nothing is written where the history itself was changed by
    /// somebody.
    ///
    /// # Errors
    /// When the folder cannot be listed or written, when its history is damaged, when there is
    /// nothing to record, or when it is cancelled.
    pub fn run(&self, root: &Path) -> Result<Created> {
        let doing = "recording a folder";
        let begun = SystemTime::now();
        // `.` has no name, and the manifest's has that of the folder.
        let root = &local_only(root, "an ASC MHL history").map_err(|e| e.doing(doing))?;
        let root = &root.canonicalize().map_err(|e| Error::io(root, e).doing(doing))?;
        if self.algorithms.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "no hash algorithm is named").doing(doing).path(root));
        }
        let reading = match self.given.is_empty() {
            true => Reading::Asked(&self.algorithms),
            false => Reading::Given(&self.algorithms, &self.given),
        };
        let look = Look { ignore: &self.ignore, threads: self.threads, read: self.read, cancel: &self.cancel };
        let examined = examine(root, &reading, &look).map_err(|e| e.doing(doing))?;
        if let Some(damage) = examined.histories.findings.iter().find(|f| f.severity == Severity::Error) {
            let path = damage.path.clone().unwrap_or_else(|| root.clone());
            return Err(Error::new(ErrorKind::Invalid, format!("the history is damaged: {}", damage.text))
                .doing(doing)
                .path(path)
                .advice("put back the manifests as they were; a new generation would hide what happened"));
        }
        let mut generations = self.generations(&examined, begun);
        if generations[0].entries.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "there is nothing in it to record").doing(doing).path(root));
        }

        let mut manifests = Vec::new();
        // The deepest first, so that each knows the digests of those below it.
        for number in (0..generations.len()).rev() {
            let manifest = std::mem::take(&mut generations[number]);
            if manifest.entries.is_empty() && manifest.references.is_empty() {
                continue;
            }
            let (path, c4) = write_generation(root, &examined.histories, number, &manifest, begun)?;
            if let Some(above) = examined.histories.all[number].above {
                let relative = path.strip_prefix(root).ok().and_then(CardPath::new);
                let inner = relative.and_then(|p| examined.histories.all[above].inner(&p));
                generations[above].references.extend(inner.map(|path| Reference { path, c4 }));
            }
            manifests.push(path);
        }
        Ok(Created { manifests, verdict: examined.verdict })
    }

    /// The new manifest of each history, without references.
    fn generations(&self, examined: &Examined, begun: SystemTime) -> Vec<Manifest> {
        let Examined { histories, patterns, tree, now: as_they_are, verdict } = examined;
        let now: Arc<str> = stamp::iso(begun).into();
        let creator = Creator {
            date: now.to_string(),
            host: host_name(),
            tool: "rushes".into(),
            tool_version: Some(env!("CARGO_PKG_VERSION").into()),
            authors: self.authors.clone(),
            location: self.location.clone(),
            comment: self.comment.clone(),
        };
        let mut all: Vec<Manifest> = patterns
            .iter()
            .map(|p| Manifest {
                creator: creator.clone(),
                process: self.process,
                ignore: p.written().to_vec(),
                ..Manifest::default()
            })
            .collect();
        let moved_files: HashMap<&CardPath, &CardPath> = verdict
            .files
            .iter()
            .filter_map(|j| if let Is::Renamed { from } = &j.is { Some((&j.path, from)) } else { None })
            .collect();
        let of_folders = folders::sums(tree, as_they_are, &self.algorithms);
        let moved = moved_folders(histories, verdict, tree, &of_folders);
        let mut stamps = stamp::Stamps::default();
        for (place, folder) in tree.folders.iter().enumerate() {
            let history = &histories.all[folder.history];
            for (file, is) in folder.files.iter().zip(&as_they_are[folder.first..]) {
                let Some(path) = history.inner(file) else { continue };
                let known = histories.file(folder.history, file);
                let previous = moved_files.get(file).and_then(|from| history.inner(from));
                let was = previous.as_ref().and_then(|p| history.known.files.get(p)).or(known);
                let hashes = hashes(was, &is.sums, &now);
                if !hashes.is_empty() {
                    let (size, modified) = (Some(is.bytes), is.modified.map(|m| stamps.iso(m)));
                    let entry = FileEntry { path, size, modified, hashes, previous_path: previous };
                    all[folder.history].entries.push(Entry::File(entry));
                }
            }
            let sums = FolderSums { date: Some(now.clone()), ..of_folders[place].clone() };
            let mut record = |number: usize, path: CardPath| {
                let previous = moved.get(&place).filter(|(h, _)| *h == number).map(|(_, p)| p.clone());
                all[number].entries.push(Entry::Folder(FolderEntry {
                    path,
                    modified: Some(stamp::iso(folder.modified).into()),
                    sums: sums.clone(),
                    previous_path: previous,
                }));
            };
            match folder.path.as_ref().and_then(|p| history.inner(p)) {
                Some(path) => record(folder.history, path),
                None => {
                    // The root of a history is a folder of the one above.
                    if let (Some(above), Some(path)) = (history.above, &folder.path)
                        && let Some(path) = histories.all[above].inner(path)
                    {
                        record(above, path);
                    }
                    all[folder.history].root = Some(sums);
                }
            }
        }
        all
    }
}

/// The digests to be written of a file. A new algorithm is only written where an old one showed
/// that the file is what it was.
fn hashes(known: Option<&KnownFile>, now: &Sums, date: &Arc<str>) -> Vec<Hash> {
    let known = known.filter(|k| !k.sums.is_empty());
    let differs = |s: &Sum| known.and_then(|k| k.sums.get(s.algorithm())).map(|then| then != s);
    let failed = now.iter().any(|s| differs(s) == Some(true));
    let hash = |s: &Sum| {
        let action = match (known, differs(s)) {
            (None, _) => Action::Original,
            (_, Some(true)) => Action::Failed,
            (_, None) if failed => return None,
            _ => Action::Verified,
        };
        Some(Hash { sum: s.clone(), action: Some(action), date: Some(date.clone()) })
    };
    now.iter().filter_map(hash).collect()
}

/// Folders that are new where one of the same content is missing: place in the tree → history and
/// where the folder was.
fn moved_folders(
    histories: &Histories,
    verdict: &Verdict,
    tree: &super::tree::Tree,
    sums: &[FolderSums],
) -> BTreeMap<usize, (usize, CardPath)> {
    let mut moved = BTreeMap::new();
    if verdict.count(|is| matches!(is, Is::Renamed { .. })) == 0 {
        return moved;
    }
    let there: Vec<&CardPath> = tree.folders.iter().filter_map(|f| f.path.as_ref()).collect();
    for (place, folder) in tree.folders.iter().enumerate() {
        let history = &histories.all[folder.history];
        let Some(path) = folder.path.as_ref().and_then(|p| history.inner(p)) else { continue };
        if history.known.folders.contains_key(&path) || folder.files.is_empty() {
            continue;
        }
        let gone = history.known.folders.iter().find(|(was, all)| {
            let still = history.outer(was).is_some_and(|p| there.contains(&&p));
            let equal = |then: &FolderSums| {
                then.content.iter().next().is_some()
                    && then.content.iter().all(|t| sums[place].content.get(t.algorithm()) == Some(t))
            };
            !still && all.last().is_some_and(|(_, then)| equal(then))
        });
        if let Some((was, _)) = gone {
            moved.insert(place, (folder.history, was.clone()));
        }
    }
    moved
}

/// Writes the manifest of the history numbered `number`, and then its chain. Gives the manifest's
/// path and C4 digest.
fn write_generation(
    root: &Path,
    histories: &Histories,
    number: usize,
    manifest: &Manifest,
    begun: SystemTime,
) -> Result<(PathBuf, Sum)> {
    let doing = "writing a generation of a history";
    let history = &histories.all[number];
    let base = root.join(history.below.as_deref().unwrap_or(Path::new("")));
    let folder = base.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e).doing(doing))?;
    let named = base.file_name().map_or_else(|| "root".into(), |n| file_stem(&n.to_string_lossy()));
    let next = history.next();
    let name = format!("{next:04}_{named}_{}.mhl", stamp::in_name(begun));
    let path = folder.join(&name);
    // Whoever else records the folder now has taken the name.
    let c4 = write_manifest(&path, manifest).map_err(|e| e.doing(doing))?;

    // Generations that the chain does not name, because a program was stopped, come into it now.
    let mut links: Vec<Link> =
        history.generations.iter().map(|g| Link { number: g.number, name: g.name.clone(), c4: g.c4.clone() }).collect();
    links.push(Link { number: next, name, c4: c4.clone() });
    write_whole(&folder.join(CHAIN), true, write::chain(&Chain { links }).as_bytes()).map_err(|e| e.doing(doing))?;
    Ok((path, c4))
}

/// Writes a manifest that does not exist, whole or not at all; gives its C4 digest.
pub(super) fn write_manifest(path: &Path, manifest: &Manifest) -> Result<Sum> {
    let mut file = AtomicFile::create(path, false)?;
    // The digest takes as long as all else, so it has a thread of its own.
    let sums = std::thread::scope(|scope| {
        let pool = Pool::new(write::PIECE);
        let c4 = Spread::start(scope, &[Algorithm::C4]);
        let mut hashing = c4.begin(false);
        let written = write::manifest(manifest, &mut |text| {
            for piece in text.as_bytes().chunks(write::PIECE) {
                let mut buffer = pool.take();
                buffer[..piece.len()].copy_from_slice(piece);
                hashing.update(&pool.piece(buffer, piece.len()));
            }
            file.write_all(text.as_bytes()).map_err(|e| Error::io(path, e))
        });
        // Always finished, so that the thread ends.
        let sums = hashing.finish();
        written.map(|()| sums)
    })?;
    file.persist()?;
    let none = || Error::new(ErrorKind::Panicked, "no C4 digest came of it");
    sums.as_ref().and_then(|s| s.get(Algorithm::C4)).cloned().ok_or_else(none)
}

#[cfg(unix)]
pub(super) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
pub(super) fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}
