//! Files compared with a list of their digests, whichever it is.

use std::path::{Path, PathBuf};

use rushes_core::media::{Digest, Finding};
use rushes_core::storage::{exists, is_uri};
use rushes_core::{Error, ErrorKind, Result};
use rushes_custody::hash::{Algorithm, Sum, Sums};
use rushes_custody::mhl::{FOLDER, Is, Judged, Verdict, Verify};
use rushes_custody::offload::{CardPath, OffloadManifest};

use crate::manifest::Manifest;

/// What there is to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Against {
    /// The ASC MHL history of a folder.
    History(PathBuf),
    /// A file `.mhl` of any version.
    HashList(PathBuf),
    /// The `manifest.json` of a run: its outputs.
    Run(PathBuf),
    /// The manifest of an offload: the copy beside it.
    Offload(PathBuf),
}

impl Against {
    /// What `path` names: a list of digests, or a folder with one.
    ///
    /// # Errors
    /// When it is not there, or is nothing to compare with.
    pub fn find(path: &Path) -> Result<Self> {
        let doing = "looking for digests to compare with";
        if is_uri(path) {
            return Self::at_uri(path).map_err(|e| e.doing(doing));
        }
        let facts = std::fs::metadata(path).map_err(|e| Error::io(path, e).doing(doing))?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if facts.is_dir() {
            if path.join(FOLDER).is_dir() {
                return Ok(Self::History(path.to_owned()));
            }
            let manifest = path.join("manifest.json");
            if manifest.is_file() {
                return Ok(Self::Run(manifest));
            }
            let mut beside = path.as_os_str().to_owned();
            beside.push(OFFLOAD);
            if Path::new(&beside).is_file() {
                return Ok(Self::Offload(beside.into()));
            }
            return Err(Error::new(ErrorKind::NotFound, "nothing here says which digests its files should have")
                .doing(doing)
                .path(path)
                .advice("name a folder with an `ascmhl` history or a `manifest.json`, or a .mhl file"));
        }
        if name.to_ascii_lowercase().ends_with(".mhl") {
            Ok(Self::HashList(path.to_owned()))
        } else if name.ends_with(OFFLOAD) {
            Ok(Self::Offload(path.to_owned()))
        } else if name.ends_with(".json") {
            Ok(Self::Run(path.to_owned()))
        } else {
            Err(Error::new(ErrorKind::Unsupported, "it is no list of digests")
                .doing(doing)
                .path(path)
                .advice("name a folder with an `ascmhl` history, a .mhl file, or the manifest of a run or offload"))
        }
    }

    /// A run's manifest, the only list that is kept beside files that are no files of a disk.
    fn at_uri(path: &Path) -> Result<Self> {
        let manifest =
            if path.extension().is_some_and(|e| e == "json") { path.to_owned() } else { path.join("manifest.json") };
        let refused = |why: &str| {
            Error::new(ErrorKind::Unsupported, why).path(path).advice(
                "name a folder with the `manifest.json` of a run; for an ASC MHL history copy it to a disk first",
            )
        };
        if path.as_os_str().to_string_lossy().ends_with(OFFLOAD) || path.extension().is_some_and(|e| e == "mhl") {
            return Err(refused("at a URI only the outputs of a run are verified"));
        }
        if exists(&manifest)? { Ok(Self::Run(manifest)) } else { Err(refused("no run's manifest is there")) }
    }

    /// Compares. `inputs`: the camera files of a run, too.
    ///
    /// # Errors
    /// When the list cannot be read, or it is cancelled. Files that differ are in the verdict.
    pub fn compare(&self, how: &Verify<'_>, inputs: bool) -> Result<Verdict> {
        match self {
            Self::History(folder) => how.folder(folder),
            Self::HashList(list) => how.list(list, None),
            Self::Run(path) => run(path, how, inputs),
            Self::Offload(path) => offload(path, how),
        }
    }
}

/// Ends the name of the manifest of an offload, which stands beside the copy.
const OFFLOAD: &str = ".rushes-offload.json";

fn run(path: &Path, how: &Verify<'_>, inputs: bool) -> Result<Verdict> {
    let doing = "reading the manifest of a run";
    let manifest = Manifest::read(path)?;
    let beside = folder_of(path);
    let invalid = |why: String| Error::new(ErrorKind::Invalid, why).doing(doing).path(path);
    let mut files = Vec::new();
    for output in &manifest.outputs {
        let inner = CardPath::new(&output.file.path)
            .ok_or_else(|| invalid(format!("the output `{}` leads out of its folder", output.file.path)))?;
        files.push((inner, sums_of(&output.file.digest).map_err(|e| e.doing(doing).path(path))?));
    }
    let mut verdict = if is_uri(beside) { at_uri(how, beside, files)? } else { how.sums(beside, files)? };
    if inputs {
        let mut originals = Vec::new();
        let mut elsewhere = Vec::new();
        for input in &manifest.inputs {
            if is_uri(&input.path) {
                let text = input.path.to_string_lossy();
                let (scheme, rest) = text.split_once("://").unwrap_or_default();
                let inner = CardPath::new(rest)
                    .ok_or_else(|| invalid(format!("the camera file `{text}` has no whole path")))?;
                elsewhere.push((
                    format!("{scheme}://"),
                    inner,
                    sums_of(&input.digest).map_err(|e| e.doing(doing).path(path))?,
                ));
                continue;
            }
            let whole = std::path::absolute(&input.path).map_err(|e| Error::io(&input.path, e).doing(doing))?;
            let below_root = whole.strip_prefix("/").unwrap_or(&whole).to_owned();
            let inner = CardPath::new(below_root)
                .ok_or_else(|| invalid(format!("the camera file `{}` has no whole path", whole.display())))?;
            originals.push((inner, sums_of(&input.digest).map_err(|e| e.doing(doing).path(path))?));
        }
        let of_card = how.sums(Path::new("/"), originals)?;
        verdict.files.extend(of_card.files);
        verdict.findings.extend(of_card.findings);
        for (root, inner, sums) in elsewhere {
            let one = at_uri(how, Path::new(&root), vec![(inner, sums)])?;
            verdict.files.extend(one.files);
            verdict.findings.extend(one.findings);
        }
    }
    Ok(verdict)
}

/// Files at a URI, by the digests that runs write.
fn at_uri(how: &Verify<'_>, root: &Path, files: Vec<(CardPath, Sums)>) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    for (path, sums) in files {
        if how.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        // Not joined: below `s3://` there is no folder but the bucket.
        let below = path.as_path().to_string_lossy().replace('\\', "/");
        let root = root.to_string_lossy();
        let whole = PathBuf::from(format!("{}{}{below}", root, if root.ends_with('/') { "" } else { "/" }));
        let (is, finding) = match (sums.get(Algorithm::Xxh64), Digest::xxh64_of_file(&whole)) {
            (_, Err(e)) if e.is_retryable() => return Err(e),
            (_, Err(e)) if e.kind() == ErrorKind::NotFound => {
                (Is::Missing, Some(Finding::error("file-missing", "it is not there").path(&whole)))
            }
            (_, Err(e)) => (Is::Unreadable, Some(Finding::error("file-unreadable", e.to_string()).path(&whole))),
            (Some(then), Ok((now, bytes))) => {
                (how.read)(bytes);
                match now == then.digest() {
                    true => (Is::Verified, None),
                    false => {
                        let text = format!("its digest is {now} and was {}", then.digest());
                        (Is::Changed, Some(Finding::error("hash-mismatch", text).path(&whole)))
                    }
                }
            }
            (None, Ok(_)) => (Is::There, None),
        };
        verdict.files.push(Judged { path, is });
        verdict.findings.extend(finding);
    }
    Ok(verdict)
}

fn offload(path: &Path, how: &Verify<'_>) -> Result<Verdict> {
    let manifest = OffloadManifest::read(path)?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let root = folder_of(path).join(name.trim_end_matches(OFFLOAD));
    let files: Result<Vec<(CardPath, Sums)>> = manifest.files.iter().map(|f| Ok((f.path.clone(), f.sums()?))).collect();
    how.sums(&root, files?)
}

fn sums_of(digest: &Digest) -> Result<Sums> {
    let algorithm: Algorithm = digest.algorithm().parse()?;
    Ok([Sum::parse(algorithm, digest.hex())?].into_iter().collect())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
