//! Verifying and comparing, which write nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rushes_core::media::Finding;
use rushes_core::run::CancellationToken;
use rushes_core::{Error, ErrorKind, Result};

use super::examine::{Examined, Look, Reading, examine};
use super::folders;
use super::list::HashList;
use super::verdict::{Is, Verdict};
use crate::hash::{Algorithm, Sums, Wanted, hash_files};
use crate::offload::CardPath;

/// How files are verified.
#[derive(Clone)]
pub struct Verify<'a> {
    /// The algorithms to compare by; none: every one that is recorded.
    pub algorithms: Vec<Algorithm>,
    /// Patterns of what is left out, beside those of the history.
    pub ignore: Vec<String>,
    /// Threads.
    pub threads: usize,
    /// Hears, from any thread, how many more bytes were read.
    pub read: &'a (dyn Fn(u64) + Sync),
    /// Ends it.
    pub cancel: CancellationToken,
}

impl Default for Verify<'_> {
    fn default() -> Self {
        Self {
            algorithms: Vec::new(),
            ignore: Vec::new(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            read: &|_| {},
            cancel: CancellationToken::new(),
        }
    }
}

impl Verify<'_> {
    /// Reads every file of `root` that its history knows and compares; tells what is missing, new
    /// and renamed; and compares the digests of folders whose files are all verified. Every
    /// history below it takes part.
    ///
    /// # Errors
    /// When the folder has no history or cannot be listed.
    pub fn folder(&self, root: &Path) -> Result<Verdict> {
        let mut examined = self.examine(root, &Reading::Known(&self.algorithms))?;
        compare_folders(&mut examined);
        Ok(with_new(examined.verdict))
    }

    /// As [`Verify::folder`] by names alone: nothing is read.
    ///
    /// # Errors
    /// As [`Verify::folder`].
    pub fn names(&self, root: &Path) -> Result<Verdict> {
        Ok(with_new(self.examine(root, &Reading::Nothing)?.verdict))
    }

    /// Compares the files of a list with those below `root`; other files are not looked for. The
    /// folder of a packing list or of a list of version 1 is the one it lies in; that of a
    /// generation the one above.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn list(&self, list: &Path, root: Option<&Path>) -> Result<Verdict> {
        let parsed = HashList::read(list)?;
        let beside = list.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let in_history = beside.file_name().is_some_and(|n| n == super::FOLDER);
        let above = if in_history { beside.join("..") } else { beside.to_owned() };
        let root = root.map_or(above, Path::to_owned);
        match parsed {
            HashList::Manifest(manifest) => {
                let files = manifest.files().map(|f| {
                    let good = f.hashes.iter().filter_map(|h| f.good(h.sum.algorithm()));
                    (f.path.clone(), good.cloned().collect::<Sums>())
                });
                self.sums(&root, files.collect())
            }
            HashList::Legacy(legacy) => {
                let mut verdict = Verdict::default();
                for file in &legacy.files {
                    if self.cancel.is_cancelled() {
                        return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
                    }
                    let (is, finding) = match file.compare(&root) {
                        Ok(None) if file.size_only() => (Is::There, Some(nothing_to_compare())),
                        Ok(None) => (Is::Verified, None),
                        Ok(Some(text)) => (Is::Changed, Some(Finding::error("hash-mismatch", text))),
                        Err(e) => lost(&e),
                    };
                    verdict.say(file.path.clone(), is, finding);
                }
                Ok(verdict)
            }
        }
    }

    /// Compares files below `root` with digests that stand in any manifest.
    ///
    /// # Errors
    /// When it is cancelled.
    pub fn sums(&self, root: &Path, files: Vec<(CardPath, Sums)>) -> Result<Verdict> {
        let wanted: Vec<Wanted> = files
            .iter()
            .map(|(path, sums)| {
                let all = sums.iter().map(crate::hash::Sum::algorithm);
                let algorithms = all.filter(|a| self.algorithms.is_empty() || self.algorithms.contains(a)).collect();
                Wanted { path: root.join(path), algorithms }
            })
            .collect();
        let read = hash_files(&wanted, self.threads, self.read, &self.cancel);
        if self.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        let mut verdict = Verdict::default();
        for (((path, then), wanted), now) in files.into_iter().zip(&wanted).zip(read) {
            let (is, finding) = match now {
                _ if wanted.algorithms.is_empty() && !wanted.path.is_file() => {
                    (Is::Missing, Some(Finding::error("file-missing", "it is recorded and not there")))
                }
                _ if wanted.algorithms.is_empty() => (Is::There, Some(nothing_to_compare())),
                Ok(now) => {
                    match then.iter().find_map(|t| Some((t, now.sums.get(t.algorithm())?)).filter(|(t, n)| t != n)) {
                        None => (Is::Verified, None),
                        Some((then, now)) => {
                            let text = format!("its {} is {now}, and was {then}", then.algorithm());
                            (Is::Changed, Some(Finding::error("hash-mismatch", text)))
                        }
                    }
                }
                Err(e) => lost(&e),
            };
            verdict.say(path, is, finding);
        }
        Ok(verdict)
    }

    fn examine(&self, root: &Path, reading: &Reading<'_>) -> Result<Examined> {
        let look = Look { ignore: &self.ignore, threads: self.threads, read: self.read, cancel: &self.cancel };
        let examined = examine(root, reading, &look)?;
        if !examined.histories.exists() && examined.verdict.findings.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "the folder has no ASC MHL history (`ascmhl`)")
                .path(root)
                .advice("make one with `rushes mhl create`, or name the file that lists its digests"));
        }
        Ok(examined)
    }
}

fn lost(e: &Error) -> (Is, Option<Finding>) {
    match e.kind() {
        ErrorKind::NotFound => (Is::Missing, Some(Finding::error("file-missing", "it is recorded and not there"))),
        _ => (Is::Unreadable, Some(Finding::error("file-unreadable", e.detail()))),
    }
}

fn nothing_to_compare() -> Finding {
    Finding::warning("nothing-to-compare", "no digest of it is recorded that could be compared")
}

/// A verification tells of files that nobody recorded.
fn with_new(mut verdict: Verdict) -> Verdict {
    let new = verdict.files.iter().filter(|f| f.is == Is::New).map(|f| {
        let text = "it is not recorded; record it with `rushes mhl create`, or remove it";
        Finding::error("file-new", text).path(PathBuf::from(f.path.lossy().into_owned()))
    });
    let new: Vec<Finding> = new.collect();
    verdict.findings.extend(new);
    verdict
}

/// Folders whose files are all verified have the digests of the latest generation that has them.
fn compare_folders(examined: &mut Examined) {
    let Examined { histories, tree, now, verdict, .. } = examined;
    if verdict.files.iter().any(|f| f.is != Is::Verified) {
        return;
    }
    let all: BTreeSet<Algorithm> = now.iter().flat_map(|n| n.sums.iter().map(crate::hash::Sum::algorithm)).collect();
    let algorithms: Vec<Algorithm> = all.into_iter().collect();
    let now = folders::sums(tree, now, &algorithms);
    for (folder, now) in tree.folders.iter().zip(&now) {
        let history = &histories.all[folder.history];
        let inner = folder.path.as_ref().and_then(|p| history.inner(p));
        let then = match &inner {
            Some(path) => history.known.folders.get(path).and_then(|all| all.last()).map(|(_, sums)| sums),
            None => history.generations.last().and_then(|g| g.manifest.root.as_ref()),
        };
        let Some(then) = then else { continue };
        let pairs = [(&then.content, &now.content, "content"), (&then.structure, &now.structure, "structure")];
        for (then, now, what) in pairs {
            let other = then.iter().find(|t| now.get(t.algorithm()).is_some_and(|n| n != *t));
            if let Some(then) = other {
                let text = format!(
                    "its {what} digest is another than {} {then}, though each file is what it was: something was moved or removed",
                    then.algorithm()
                );
                let path =
                    folder.path.as_ref().map_or_else(|| PathBuf::from("."), |p| PathBuf::from(p.lossy().into_owned()));
                verdict.findings.push(Finding::error("folder-mismatch", text).path(path));
            }
        }
    }
}
