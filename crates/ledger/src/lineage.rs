//! `lineage.json`: what every output derives from, in a form that outlives the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rushes_core::deliver::write_whole;
use rushes_core::media::Digest;
use rushes_core::{Error, ErrorKind, Result, storage};
use serde::{Deserialize, Serialize};

use crate::record::{CameraFile, Recipe, Record};
use crate::store::Ledger;

/// The name of the file, at the top of the output folder.
pub(crate) const NAME: &str = "lineage.json";
/// The largest file that is read: 100,000 outputs have about 60 MB.
const MOST_BYTES: u64 = 1 << 30;
/// How often one that changes while it is read is read again.
const AGAIN: u32 = 5;

/// What every output of a folder derives from: camera files by digest, and the recipe.
///
/// It stands beside ASC MHL, which says that files are unchanged and has no words for files that
/// were made of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The version of this format: 1.
    pub format: u32,
    /// How outputs were made; records name them by digest.
    pub recipes: Vec<Recipe>,
    /// The outputs, by path.
    pub outputs: Vec<Record>,
}

/// What a file is, against what was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// It has its digest.
    Same,
    /// It has another.
    Altered,
    /// It is not there.
    Missing,
}

/// A camera file at the far end of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    /// The file.
    #[serde(flatten)]
    pub file: CameraFile,
    /// What it is now.
    pub now: Checked,
}

/// The way from an output back to the card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The output folder.
    pub folder: PathBuf,
    /// What was written down of the output.
    pub record: Record,
    /// What it is now.
    pub now: Checked,
    /// How it was made.
    pub recipe: Recipe,
    /// What it was made of.
    pub from: Vec<Traced>,
}

impl Lineage {
    /// All that a ledger knows.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of(ledger: &Ledger) -> Result<Self> {
        let (outputs, recipes) = ledger.everything()?;
        let used: BTreeSet<&Digest> = outputs.iter().map(|r| &r.recipe).collect();
        let recipes = recipes.into_iter().filter(|(d, _)| used.contains(d)).map(|(_, r)| r).collect();
        Ok(Self { format: 1, recipes, outputs })
    }

    /// Reads the lineage of the output folder `out`; `None` when it has none.
    ///
    /// # Errors
    /// When there is one and it cannot be understood.
    pub fn read(out: &Path) -> Result<Option<Self>> {
        let path = out.join(NAME);
        let read = || {
            let invalid = |what: String| Error::new(ErrorKind::Invalid, what);
            match storage::stat(&path) {
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(e),
                Ok(file) if file.bytes > MOST_BYTES => return Err(invalid("it is larger than 1 GiB".into())),
                Ok(_) => {}
            }
            let lineage: Self =
                serde_json::from_slice(&storage::read_whole(&path, MOST_BYTES)?).map_err(|e| invalid(e.to_string()))?;
            if lineage.format != 1 {
                return Err(invalid(format!("its format {} is not known to this build", lineage.format)));
            }
            Ok(Some(lineage))
        };
        // At a URI somebody may put another one while this one is read in pieces.
        let changed = |e: &Error| e.kind() == ErrorKind::BadMedia;
        let mut answer = read();
        for _ in 0..AGAIN {
            if !answer.as_ref().is_err_and(changed) {
                break;
            }
            answer = read();
        }
        answer.map_err(|e| {
            let e = if changed(&e) { e.retryable() } else { e };
            e.doing("reading the lineage").path(&path)
        })
    }

    /// Writes it to the output folder `out`, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, out: &Path) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()).doing("writing the lineage"))?;
        text.push(b'\n');
        write_whole(&out.join(NAME), true, &text).map_err(|e| e.doing("writing the lineage"))?;
        Ok(())
    }

    /// Checks every output against its digest.
    pub fn check(&self, out: &Path) -> BTreeMap<String, Checked> {
        self.outputs
            .iter()
            .map(|r| (r.output.path.clone(), check(&out.join(&r.output.path), &r.output.digest)))
            .collect()
    }
}

/// Walks from the file `output` back to the camera files it was made of, and checks both.
///
/// # Errors
/// When no folder above the file has a lineage, or the lineage does not know the file.
pub fn trace(output: &Path) -> Result<Trace> {
    let doing = "tracing an output";
    let whole = storage::absolute(output).map_err(|e| e.doing(doing))?;
    // Above a bucket there is nothing.
    let above = whole.ancestors().skip(1).take_while(|f| storage::is_uri(f) == storage::is_uri(&whole));
    for folder in above {
        let Some(lineage) = Lineage::read(folder)? else { continue };
        let name = whole.strip_prefix(folder).unwrap_or(&whole).to_string_lossy().replace('\\', "/");
        let Some(record) = lineage.outputs.into_iter().find(|r| r.output.path == name) else { continue };
        let Some(recipe) = lineage.recipes.into_iter().find(|r| r.digest() == record.recipe) else {
            return Err(Error::new(ErrorKind::Invalid, "the lineage does not hold the file's recipe")
                .doing(doing)
                .path(folder.join(NAME))
                .advice("run the job again: it writes the lineage anew"));
        };
        let now = check(&whole, &record.output.digest);
        let traced = |file: &CameraFile| Traced { file: file.clone(), now: check(&file.path, &file.digest) };
        let from = record.from.iter().map(traced).collect();
        return Ok(Trace { folder: folder.to_owned(), record, now, recipe, from });
    }
    Err(Error::new(ErrorKind::NotFound, format!("no `{NAME}` in a folder above it knows this file"))
        .doing(doing)
        .path(output)
        .advice("give a file that a run made, where the run put it"))
}

fn check(path: &Path, digest: &Digest) -> Checked {
    match Digest::xxh64_of_file(path) {
        Ok((now, _)) if now == *digest => Checked::Same,
        Ok(_) => Checked::Altered,
        Err(_) => Checked::Missing,
    }
}
