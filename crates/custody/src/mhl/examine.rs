//! Files compared with what the histories of their folder know.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rushes_core::media::Finding;
use rushes_core::run::CancellationToken;
use rushes_core::storage::local_only;
use rushes_core::{Error, ErrorKind, Result};

use super::history::{Histories, KnownFile};
use super::ignore::Patterns;
use super::listing::Listing;
use super::tree::Tree;
use super::verdict::{Is, Verdict};
use crate::hash::{Algorithm, Digested, Sum, Sums, Wanted, hash_files};
use crate::offload::CardPath;

/// What is read of the files.
pub(super) enum Reading<'a> {
    /// Nothing: names are compared.
    Nothing,
    /// All digests that are known, or those of them that are named.
    Known(&'a [Algorithm]),
    /// These digests, and one that is known where none of these is.
    Asked(&'a [Algorithm]),
    /// Nothing, because these digests are known from copying; where one is known of a file, it is
    /// among them or the file is read.
    Given(&'a [Algorithm], &'a HashMap<CardPath, Sums>),
}

/// A folder, compared.
pub(super) struct Examined {
    pub(super) histories: Histories,
    pub(super) patterns: Vec<Patterns>,
    pub(super) tree: Tree,
    /// The files as they are now, in the order of [`Tree::files`]; without digests where one could
    /// not be read.
    pub(super) now: Vec<Digested>,
    pub(super) verdict: Verdict,
}

/// How a folder is looked at.
pub(super) struct Look<'a> {
    pub(super) ignore: &'a [String],
    pub(super) threads: usize,
    pub(super) read: &'a (dyn Fn(u64) + Sync),
    pub(super) cancel: &'a CancellationToken,
}

/// Compares `root` with its histories.
pub(super) fn examine(root: &Path, reading: &Reading<'_>, look: &Look<'_>) -> Result<Examined> {
    let root = &*local_only(root, "an ASC MHL history")?;
    let listing = Listing::of(root, look.cancel)?;
    let histories = Histories::among(root, &listing);
    let patterns: Vec<Patterns> = histories
        .all
        .iter()
        // A pattern with a folder in it is one of the top; others hold everywhere.
        .map(|h| match h.below {
            None => Patterns::of(h.ignore(), look.ignore),
            Some(_) => Patterns::of(h.ignore(), &anywhere(look.ignore)),
        })
        .collect::<Result<_>>()?;
    let tree = Tree::of(&listing, &histories.numbered(), &patterns);
    drop(listing);
    let mut verdict = Verdict::default();
    verdict.findings.extend(histories.findings.iter().chain(&tree.findings).cloned());

    let missing = missing(&histories, &tree, &patterns);
    let wanted: Vec<Wanted> = tree
        .files()
        .map(|(folder, path)| {
            let known = histories.file(folder.history, path);
            let whole = root.join(path);
            let algorithms = algorithms(reading, known, path, &whole, &missing);
            Wanted { path: whole, algorithms }
        })
        .collect();
    let read = hash_files(&wanted, look.threads, look.read, look.cancel);
    if look.cancel.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
    }

    let mut all = Vec::with_capacity(wanted.len());
    let mut renamed: HashSet<&CardPath> = HashSet::new();
    for (((folder, path), wanted), read) in tree.files().zip(&wanted).zip(read) {
        let given = match reading {
            Reading::Given(_, given) => given.get(path),
            _ => None,
        };
        let mut now = match read.and_then(|now| not_opened(now, wanted, given.is_some())) {
            Ok(now) => now,
            Err(e) => {
                let finding = Finding::error("file-unreadable", e.detail());
                verdict.say(path.clone(), Is::Unreadable, Some(finding));
                all.push(Digested { sums: Sums::default(), bytes: 0, modified: None });
                continue;
            }
        };
        given.into_iter().flat_map(Sums::iter).for_each(|s| now.sums.insert(s.clone()));
        let (is, finding) = match histories.file(folder.history, path) {
            Some(known) if now.sums.is_empty() => (Is::There, known.first.is_none().then(nothing_known)),
            Some(known) => match difference(known, &now.sums) {
                Some(text) => (Is::Changed, Some(Finding::error("hash-mismatch", text))),
                None if known.sums.iter().any(|s| now.sums.get(s.algorithm()).is_some()) => (Is::Verified, None),
                None => (Is::There, Some(nothing_known())),
            },
            None => {
                let was = missing.iter().find(|m| !renamed.contains(&m.path) && same(m, path, &now.sums));
                match was {
                    Some(m) => {
                        renamed.insert(&m.path);
                        (Is::Renamed { from: m.path.clone() }, Some(renaming(&m.path)))
                    }
                    None => (Is::New, None),
                }
            }
        };
        verdict.say(path.clone(), is, finding);
        all.push(now);
    }
    for m in missing.iter().filter(|m| !renamed.contains(&m.path)) {
        match m.file {
            Some(_) => {
                let text = "it is recorded and not there";
                verdict.say(m.path.clone(), Is::Missing, Some(Finding::error("file-missing", text)));
            }
            // A folder that is gone with its files is told of by them.
            None if missing.iter().any(|f| f.file.is_some() && f.path.as_path().starts_with(&m.path)) => {}
            None => {
                let text = "the folder is recorded and not there";
                verdict.say(m.path.clone(), Is::Missing, Some(Finding::error("folder-missing", text)));
            }
        }
    }
    Ok(Examined { histories, patterns, tree, now: all, verdict })
}

/// A file whose digests are known from copying is looked at, and not opened.
fn not_opened(now: Digested, wanted: &Wanted, given: bool) -> Result<Digested> {
    if !wanted.algorithms.is_empty() || !given {
        return Ok(now);
    }
    let facts = std::fs::symlink_metadata(&wanted.path).map_err(|e| Error::io(&wanted.path, e))?;
    Ok(Digested { bytes: facts.len(), modified: facts.modified().ok(), ..now })
}

/// Something that is recorded and not there; a folder has no `file`.
struct Missing {
    path: CardPath,
    file: Option<KnownFile>,
}

fn missing(histories: &Histories, tree: &Tree, patterns: &[Patterns]) -> Vec<Missing> {
    let [files, folders] = histories.paths();
    if files.is_empty() && folders.is_empty() {
        return Vec::new();
    }
    let there: HashSet<&CardPath> =
        tree.files().map(|(_, path)| path).chain(tree.folders.iter().filter_map(|f| f.path.as_ref())).collect();
    let left_out = |path: &CardPath, folder: bool| {
        let all = path.as_path().ancestors().filter(|a| !a.as_os_str().is_empty());
        all.enumerate().any(|(i, a)| patterns[0].leaves_out(a, folder || i > 0))
    };
    let files = files.into_iter().map(|(h, path)| {
        let file = histories.file(h, &path).cloned();
        Missing { file: Some(file.unwrap_or_default()), path }
    });
    let folders = folders.into_iter().map(|(_, path)| Missing { path, file: None });
    files.chain(folders).filter(|m| !there.contains(&m.path) && !left_out(&m.path, m.file.is_none())).collect()
}

fn algorithms(
    reading: &Reading<'_>,
    known: Option<&KnownFile>,
    path: &CardPath,
    whole: &Path,
    missing: &[Missing],
) -> Vec<Algorithm> {
    let of_known = |k: &KnownFile| k.sums.iter().map(Sum::algorithm).collect::<Vec<_>>();
    let with_known = |asked: &[Algorithm]| {
        let mut all = asked.to_vec();
        if let Some(k) = known.filter(|k| !asked.iter().any(|a| k.sums.get(*a).is_some())) {
            all.extend(k.first);
        }
        all
    };
    match reading {
        Reading::Nothing => Vec::new(),
        Reading::Known(only) => match known {
            Some(k) if only.is_empty() => of_known(k),
            Some(k) => of_known(k).into_iter().filter(|a| only.contains(a)).collect(),
            // It may be one that is missed.
            None if missing.is_empty() => Vec::new(),
            None => {
                let bytes = std::fs::symlink_metadata(whole).map(|m| m.len()).ok();
                let such = missing.iter().filter_map(|m| m.file.as_ref()).filter(|k| k.bytes == bytes);
                let mut all: Vec<Algorithm> = such.filter_map(|k| k.first).collect();
                all.sort_unstable();
                all.dedup();
                all
            }
        },
        Reading::Asked(asked) => with_known(asked),
        Reading::Given(asked, given) => match given.get(path) {
            Some(sums) if known.is_none_or(|k| k.sums.iter().any(|s| sums.get(s.algorithm()).is_some())) => Vec::new(),
            Some(_) => known.and_then(|k| k.first).into_iter().collect(),
            None => with_known(asked),
        },
    }
}

fn difference<'a>(known: &'a KnownFile, now: &'a Sums) -> Option<String> {
    let differs = |then: &'a Sum| now.get(then.algorithm()).filter(|n| *n != then).map(|n| (then, n));
    let (then, now) = known.sums.iter().find_map(differs)?;
    let algorithm = then.algorithm();
    Some(format!("its {algorithm} is {now}, and was {then}; copy it again from where it is whole"))
}

/// By every digest that both have; empty files, which are all the same, by their names too.
fn same(missing: &Missing, path: &CardPath, now: &Sums) -> bool {
    let Some(known) = &missing.file else { return false };
    let compared = || known.sums.iter().filter_map(|s| Some(now.get(s.algorithm())? == s));
    let named = missing.path.as_path().file_name() == path.as_path().file_name();
    (known.bytes != Some(0) || named) && compared().next().is_some() && compared().all(|equal| equal)
}

fn nothing_known() -> Finding {
    Finding::warning("nothing-to-compare", "no digest of it is recorded that could be compared")
}

fn renaming(from: &CardPath) -> Finding {
    Finding::warning("file-renamed", format!("it has the digest of `{from}`, which is not there any more"))
}

fn anywhere(patterns: &[String]) -> Vec<String> {
    patterns.iter().filter(|p| !p.trim_end_matches('/').contains('/')).cloned().collect()
}
