//! Rendered files get their names, beside others who may be making the same unit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rushes_core::deliver::Existing;
use rushes_core::media::Digest;
use rushes_core::run::Reading;
use rushes_core::stage::OutputFile;
use rushes_core::{Error, ErrorKind, Result};

/// What attempts at a unit were about to name, and with which digests. It lies in the unit's folder of work, which attempts
/// leave behind: who comes after one that was killed so knows its files from somebody else's. A server does not promise equal bytes.
#[derive(Debug, Clone)]
pub(crate) struct Claims(PathBuf);

impl Claims {
    /// Those of a unit that works in `folder`.
    pub(crate) fn of(folder: &Path) -> Self {
        Self(folder.join("names.json"))
    }

    /// Adds files that are about to get their names.
    ///
    /// # Errors
    /// When they cannot be written down.
    pub(crate) fn add<'a>(&self, files: impl Iterator<Item = &'a OutputFile>) -> Result<()> {
        let mut claims = self.read();
        for file in files {
            claims.entry(file.path.clone()).or_default().insert(file.digest.clone());
        }
        let part = self.0.with_extension("part");
        let written = (|| {
            let mut to = File::create(&part)?;
            to.write_all(&serde_json::to_vec(&claims)?)?;
            to.sync_all()?;
            fs::rename(&part, &self.0)
        })();
        written.map_err(|e| Error::io(&self.0, e).doing("writing down which files are about to get their names"))
    }

    /// Whether a file of this name and digest was made by an attempt at the unit.
    pub(crate) fn has(&self, name: &str, digest: &Digest) -> bool {
        self.read().get(name).is_some_and(|digests| digests.contains(digest))
    }

    /// What cannot be read claims nothing: then what stands is somebody else's, and stays.
    fn read(&self) -> BTreeMap<String, BTreeSet<Digest>> {
        fs::read(&self.0).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}

/// Gives `from` the name `to`. Where another file has it, that one stays and is an error, but for one that may be
/// replaced, and in a shared unit for one of equal bytes, which is as good, and one that an attempt at the unit made.
///
/// # Errors
/// When another file has the name, and whatever the operating system refuses.
pub(crate) fn give(
    from: &Path,
    to: &Path,
    output: &OutputFile,
    existing: Existing,
    claims: &Claims,
    reading: &Reading,
) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    }
    let replace = || fs::rename(from, to).map_err(|e| Error::io(to, e));
    if existing.may_replace() {
        return replace();
    }
    if link(from, to)? {
        return Ok(());
    }
    if matches!(existing, Existing::Shared { .. }) {
        match reading.digest(to, output.bytes) {
            Ok((digest, _)) if digest == output.digest => return Ok(()),
            Ok((digest, _)) if claims.has(&output.path, &digest) => return replace(),
            Err(e) if e.kind() == ErrorKind::Cancelled => return Err(e),
            Ok(_) | Err(_) => {}
        }
    }
    Err(Error::new(ErrorKind::AlreadyExists, "the output file exists already")
        .path(to)
        .advice("choose another folder, or allow outputs to be replaced (`--overwrite`)"))
}

/// Moves the file, never over another one: whether the name was free.
fn link(from: &Path, to: &Path) -> Result<bool> {
    match fs::hard_link(from, to) {
        Ok(()) => {
            // The file stands; its other name goes with the folder.
            let _ = fs::remove_file(from);
            Ok(true)
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(_) if to.symlink_metadata().is_ok() => Ok(false),
        // File systems without links.
        Err(_) => fs::rename(from, to).map(|()| true).map_err(|e| Error::io(to, e)),
    }
}

#[cfg(test)]
mod tests {
    use rushes_core::media::FrameRange;
    use rushes_core::run::{CancellationToken, Events};

    use super::*;

    /// What became of a file that stood under the name, and whether ours was refused.
    fn beside(theirs: &[u8], existing: Existing, claimed: Option<&[u8]>) -> (Vec<u8>, Option<ErrorKind>) {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("rendered"), dir.path().join("plates/a.exr"));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(&from, b"ours").unwrap();
        fs::write(&to, theirs).unwrap();
        let output = |bytes: &[u8]| OutputFile {
            role: "plate".into(),
            path: "plates/a.exr".into(),
            bytes: bytes.len() as u64,
            digest: Digest::xxh64(bytes),
            frames: FrameRange { first: 0, last: 0 },
        };
        let claims = Claims::of(dir.path());
        if let Some(bytes) = claimed {
            claims.add([output(bytes)].iter()).unwrap();
        }
        let reading = Reading::new("a.0-0", Events::none(), CancellationToken::new());
        let given = give(&from, &to, &output(b"ours"), existing, &claims, &reading);
        (fs::read(&to).unwrap(), given.err().map(|e| e.kind()))
    }

    #[test]
    fn a_file_that_another_made_stays_and_one_of_this_unit_is_replaced() {
        let there = Some(ErrorKind::AlreadyExists);
        let shared = Existing::Shared { replace: false };
        assert_eq!(beside(b"mine", Existing::Refuse, None), (b"mine".to_vec(), there));
        assert_eq!(beside(b"mine", Existing::Replace, None), (b"ours".to_vec(), None));
        assert_eq!(beside(b"mine", Existing::Shared { replace: true }, None), (b"ours".to_vec(), None));
        assert_eq!(beside(b"mine", shared, None), (b"mine".to_vec(), there));
        assert_eq!(beside(b"mine", shared, Some(b"another")), (b"mine".to_vec(), there));
        assert_eq!(beside(b"lost", shared, Some(b"lost")), (b"ours".to_vec(), None));
        assert_eq!(beside(b"ours", shared, None), (b"ours".to_vec(), None));
        // Somebody may have equal bytes where nobody shares: still his.
        assert_eq!(beside(b"ours", Existing::Refuse, None), (b"ours".to_vec(), there));
    }

    #[test]
    fn claims_of_several_attempts_are_kept_and_damaged_ones_claim_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let claims = Claims::of(dir.path());
        let frames = FrameRange { first: 0, last: 0 };
        for bytes in [b"1", b"2"] {
            let digest = Digest::xxh64(bytes);
            claims
                .add([OutputFile { role: "plate".into(), path: "a".into(), bytes: 1, digest, frames }].iter())
                .unwrap();
        }
        assert!(claims.has("a", &Digest::xxh64(b"1")) && claims.has("a", &Digest::xxh64(b"2")));
        assert!(!claims.has("a", &Digest::xxh64(b"3")) && !claims.has("b", &Digest::xxh64(b"1")));
        fs::write(dir.path().join("names.json"), b"{\"a\":").unwrap();
        assert!(!claims.has("a", &Digest::xxh64(b"1")));
    }
}
