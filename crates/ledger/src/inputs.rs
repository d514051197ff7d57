//! Digests of camera files: each is read once, as long as it stays what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rushes_core::deliver::{Existing, write_whole};
use rushes_core::media::Digest;
use rushes_core::storage::{self, Stat};
use rushes_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::record::Record;
use crate::store::{INPUTS, Ledger, encode};

/// The largest that is read of what others tell of a file.
const MOST_BYTES: u64 = 1 << 20;

/// A camera file as it was when its digest was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The file.
    pub path: PathBuf,
    /// What it was.
    #[serde(flatten)]
    seen: Seen,
}

/// What a ledger keeps of a camera file, by its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    bytes: u64,
    version: String,
    digest: Digest,
}

impl Input {
    pub(crate) fn digest(&self) -> &Digest {
        &self.seen.digest
    }
}

impl Seen {
    fn is(&self, now: &Stat) -> bool {
        self.bytes == now.bytes && self.version == now.version
    }
}

impl Ledger {
    /// Believes that the camera files of `records` are still what was read for them, so that they are not read again: for
    /// who knows that neither their sizes nor their versions have changed since.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn trust_inputs(&self, records: &[Record]) -> Result<()> {
        let read: BTreeMap<&PathBuf, &Digest> =
            records.iter().flat_map(|r| &r.from).map(|f| (&f.path, &f.digest)).collect();
        // A file that is gone by now will be looked for, and missed, by whoever needs it.
        let inputs = read.into_iter().filter_map(|(path, digest)| {
            let Stat { bytes, version } = stat(path).ok()?;
            Some(Input { path: path.clone(), seen: Seen { bytes, version, digest: digest.clone() } })
        });
        self.learn_inputs(&inputs.collect::<Vec<_>>())
    }

    /// What is known of the camera files of `records`, for another ledger ([`Ledger::learn_inputs`]).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn inputs_of(&self, records: &[Record]) -> Result<Vec<Input>> {
        let paths: BTreeSet<&PathBuf> = records.iter().flat_map(|r| &r.from).map(|f| &f.path).collect();
        let mut inputs = Vec::new();
        for path in paths {
            inputs.extend(self.seen(path)?.map(|seen| Input { path: path.clone(), seen }));
        }
        Ok(inputs)
    }

    /// Takes over what another ledger knows of camera files. A file that has changed since is read.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn learn_inputs(&self, inputs: &[Input]) -> Result<()> {
        self.write(|put| {
            let named = inputs.iter().filter_map(|i| Some((i.path.to_str()?, encode(&i.seen))));
            named.into_iter().try_for_each(|(name, value)| put(INPUTS, name, Some(&value)))
        })
    }

    /// The digest of a camera file; the file is only read when its size or version is
    /// another than when it was last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn digest_of_input(&self, path: &Path) -> Result<(Digest, u64)> {
        let read = |path: &Path, _| Digest::xxh64_of_file(path);
        self.look_at_input(path, false, read).map(|(input, _)| (input.seen.digest, input.seen.bytes))
    }

    /// The same, and whether it had to be read; `read` does that, and is told how large it was. A file that is `shared` by
    /// many units is looked for among what other ledgers tell, and told to them.
    pub(crate) fn look_at_input(
        &self,
        path: &Path,
        shared: bool,
        read: impl FnOnce(&Path, u64) -> Result<(Digest, u64)>,
    ) -> Result<(Input, bool)> {
        let before = stat(path)?;
        if let Some(seen) = self.seen(path)?.filter(|s| s.is(&before)) {
            return Ok((Input { path: path.to_owned(), seen }, false));
        }
        let told = self.beside.as_ref().filter(|_| shared).map(|folder| told_in(folder, path));
        if let Some(input) = told.as_ref().and_then(|told| heard(told)).filter(|i| i.path == path && i.seen.is(&before))
        {
            self.learn_inputs(std::slice::from_ref(&input))?;
            return Ok((input, false));
        }
        let (digest, read) = read(path, before.bytes)?;
        let now = Stat { bytes: read, ..before };
        if now != stat(path)? {
            return Err(Error::new(ErrorKind::BadMedia, "the file changed while it was read")
                .path(path)
                .advice("wait until whatever writes it is done, and run again"));
        }
        let seen = Seen { bytes: now.bytes, version: now.version, digest };
        let input = Input { path: path.to_owned(), seen };
        if let Some(told) = told {
            tell(&told, &input);
        }
        Ok((input, true))
    }

    fn seen(&self, path: &Path) -> Result<Option<Seen>> {
        path.to_str().map_or(Ok(None), |name| self.get(INPUTS, name))
    }
}

/// Where in `folder` it is told what a camera file is.
fn told_in(folder: &Path, path: &Path) -> PathBuf {
    folder.join(format!("digest-{}.json", Digest::xxh64(path.as_os_str().as_encoded_bytes()).hex()))
}

/// What cannot be understood, or not be read, says nothing.
fn heard(told: &Path) -> Option<Input> {
    serde_json::from_slice(&storage::read_whole(told, MOST_BYTES).ok()?).ok()
}

/// Who does not hear of it reads the file.
fn tell(told: &Path, input: &Input) {
    let text = serde_json::to_vec(input).unwrap_or_default();
    if let Err(e) = write_whole(told, Existing::Shared { replace: true }, &text) {
        tracing::warn!("the digest of a camera file was not written down for others: {e}");
    }
}

fn stat(path: &Path) -> Result<Stat> {
    storage::stat(path).map_err(|e| e.doing("looking at a camera file"))
}
