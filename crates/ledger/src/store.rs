//! The ledger's store: a database in the output folder.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use redb::{Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use rushes_core::media::{Digest, Finding};
use rushes_core::storage;
use rushes_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lineage::{Lineage, NAME};
use crate::marks;
use crate::record::{Recipe, Record};

/// The database, in its folder.
const DATABASE: &str = "ledger.redb";
/// Output path below the folder → [`Record`].
const OUTPUTS: Table = TableDefinition::new("outputs");
/// Digest → [`Recipe`].
const RECIPES: Table = TableDefinition::new("recipes");
/// Camera file → what it was when its digest was computed.
pub(crate) const INPUTS: Table = TableDefinition::new("inputs");
/// Unit id → the outputs it is about to make.
const BEGUN: Table = TableDefinition::new("begun");

pub(crate) type Table = TableDefinition<'static, &'static str, &'static [u8]>;

/// What was made of what, for one output folder. While it is open no other process can open it.
///
/// It is a memory, not an authority: an output only counts as done when the file itself has the
/// digest that is written here, made of files that still have theirs.
pub struct Ledger {
    db: Database,
    out: PathBuf,
    findings: Vec<Finding>,
    /// Where other ledgers of the same outputs look for what this one tells them.
    pub(crate) beside: Option<PathBuf>,
    /// Whether it is gone with whoever has it.
    passing: bool,
    /// Units that came to their end since it was opened.
    ended: Mutex<BTreeSet<String>>,
    /// Outputs that were written down here, and not taken over.
    own: Mutex<BTreeSet<String>>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("out", &self.out).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens the ledger of the output folder `out`, or begins one. A damaged one is set aside and
    /// built again from `lineage.json`; [`Ledger::findings`] tells of it. That of a folder at a URI lies in this
    /// machine's scratch ([`storage::scratch`]), and takes over what `lineage.json` says whenever it is opened.
    ///
    /// # Errors
    /// When another run has the folder, or it cannot be written to.
    pub fn open(out: &Path) -> Result<Self> {
        let folder = Self::folder(out);
        std::fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e).doing("opening the ledger"))?;
        let path = folder.join(DATABASE);
        let mut ledger = match open_database(&path) {
            Ok(db) => Self {
                db,
                out: out.to_owned(),
                findings: Vec::new(),
                ended: Mutex::default(),
                beside: None,
                passing: false,
                own: Mutex::default(),
            },
            Err(Refused::Error(e)) => return Err(e.doing("opening the ledger").path(&path)),
            Err(Refused::Damaged(why)) => {
                let aside = folder.join("ledger.damaged");
                std::fs::rename(&path, &aside).map_err(|e| Error::io(&path, e).doing("setting a ledger aside"))?;
                let db = match open_database(&path) {
                    Ok(db) => db,
                    Err(Refused::Error(e)) => return Err(e.doing("opening the ledger").path(&path)),
                    Err(Refused::Damaged(why)) => return Err(broken(&why).path(&path)),
                };
                let text = format!("the ledger was damaged ({why}) and is built again; outputs are checked one by one");
                let findings = vec![Finding::warning("ledger-rebuilt", text).path(aside)];
                Self {
                    db,
                    out: out.to_owned(),
                    findings,
                    ended: Mutex::default(),
                    beside: None,
                    passing: false,
                    own: Mutex::default(),
                }
            }
        };
        // At a URI others may have gone on since.
        if storage::is_uri(out) || ledger.all::<Record>(OUTPUTS)?.is_empty() {
            ledger.rebuild()?;
        }
        if storage::is_uri(out) {
            let marks = marks::all(&marks::folder(out))?;
            let marks: Vec<_> = marks.into_iter().map(|(unit, outputs)| (unit, encode(&outputs))).collect();
            ledger.write(|put| marks.iter().try_for_each(|(unit, value)| put(BEGUN, unit, Some(value))))?;
        }
        Ok(ledger)
    }

    /// One that nobody keeps, for the outputs of a single unit: what it knows is taken over by another
    /// ([`Ledger::everything`], [`Ledger::put`]).
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn passing(out: &Path) -> Result<Self> {
        let memory = redb::backends::InMemoryBackend::new();
        let db = Database::builder().create_with_backend(memory).map_err(|e| broken(&e.to_string()))?;
        Ok(Self {
            db,
            out: out.to_owned(),
            findings: Vec::new(),
            ended: Mutex::default(),
            beside: None,
            passing: true,
            own: Mutex::default(),
        })
    }

    /// Keeps in `folder` what other passing ledgers of the same outputs, on other machines, should know before it ends:
    /// digests of files that all of them are made of, and which outputs are about to be replaced.
    pub fn beside(self, folder: PathBuf) -> Self {
        Self { beside: Some(folder), ..self }
    }

    /// Whether a ledger of the output folder `out` was begun, or there is anything to begin one from.
    pub fn is_begun(out: &Path) -> bool {
        let kept = || !storage::is_uri(out) && Self::folder(out).join(DATABASE).is_file();
        kept() || storage::exists(&out.join(NAME)).unwrap_or(false)
    }

    /// The folder of the database: in the output folder, or, where that is at a URI, in scratch.
    fn folder(out: &Path) -> PathBuf {
        match storage::local_only(out, "a database") {
            Ok(local) => local.join(".rushes"),
            Err(_) => {
                let name = Digest::xxh64(out.as_os_str().as_encoded_bytes());
                storage::scratch().join(format!("rushes-ledger-{}", name.hex()))
            }
        }
    }

    /// What was found out when it was opened.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The folder it keeps.
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// What is known of the output `path` (below the folder).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn record(&self, path: &str) -> Result<Option<Record>> {
        self.get(OUTPUTS, path)
    }

    /// The recipe of a record.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn recipe(&self, digest: &Digest) -> Result<Option<Recipe>> {
        self.get(RECIPES, &digest.to_string())
    }

    /// All records and the recipes they name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn everything(&self) -> Result<(Vec<Record>, BTreeMap<Digest, Recipe>)> {
        let records: Vec<Record> = self.all(OUTPUTS)?.into_iter().map(|(_, r)| r).collect();
        let recipes = self.all(RECIPES)?.into_iter().map(|(_, r): (_, Recipe)| (r.digest(), r)).collect();
        Ok((records, recipes))
    }

    /// Writes down finished outputs; they are on disk before this returns.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn put(&self, records: &[Record], recipes: &[Recipe]) -> Result<()> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).extend(records.iter().map(|r| r.output.path.clone()));
        self.take_over(records, recipes)
    }

    fn take_over(&self, records: &[Record], recipes: &[Recipe]) -> Result<()> {
        let recipes = recipes.iter().map(|r| (r.digest().to_string(), encode(r)));
        let records = records.iter().map(|r| (r.output.path.clone(), encode(r)));
        self.write(|put| {
            recipes.into_iter().try_for_each(|(k, v)| put(RECIPES, &k, Some(&v)))?;
            records.into_iter().try_for_each(|(k, v)| put(OUTPUTS, &k, Some(&v)))
        })
    }

    /// A unit is about to make `outputs`; what it leaves unfinished is its own.
    pub(crate) fn begin(&self, unit: &str, outputs: &[&str]) -> Result<()> {
        if storage::is_uri(&self.out) && !self.passing {
            marks::set(&marks::folder(&self.out), unit, outputs)?;
        }
        let value = encode(&outputs);
        self.write(|put| put(BEGUN, unit, Some(&value)))
    }

    /// The unit ended, well or not.
    pub(crate) fn end(&self, unit: &str) -> Result<()> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(unit.to_owned());
        self.write(|put| put(BEGUN, unit, None))
    }

    /// Writes `lineage.json`. In a folder at a URI it takes the place of what was left there while units were made.
    ///
    /// # Errors
    /// When the store cannot be read, or the folder not written.
    pub fn settle(&self) -> Result<()> {
        if storage::is_uri(&self.out)
            && let Err(e) = self.learn_of_others()
            // What is damaged was told when it was opened.
            && e.kind() != ErrorKind::Invalid
        {
            return Err(e);
        }
        Lineage::of(self)?.write(&self.out)?;
        let ended = std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner));
        match storage::is_uri(&self.out) {
            true => ended.iter().try_for_each(|unit| marks::clear(&marks::folder(&self.out), unit)),
            false => Ok(()),
        }
    }

    /// `unit` is about to replace some of `outputs`, or has made them and nothing more is known of them: whoever comes after it
    /// may replace all of them. Kept beside a passing ledger ([`Ledger::beside`]) alone.
    ///
    /// # Errors
    /// When the mark cannot be written.
    pub fn mark(&self, unit: &str, outputs: &[&str]) -> Result<()> {
        self.beside.as_ref().map_or(Ok(()), |folder| marks::set(folder, unit, outputs))
    }

    /// The outputs that were about to be made by whoever replaced some.
    pub(crate) fn marked(&self) -> Result<BTreeSet<String>> {
        let marks = self.beside.as_ref().map_or(Ok(Vec::new()), |folder| marks::all(folder))?;
        Ok(marks.into_iter().flat_map(|(_, outputs)| outputs).collect())
    }

    /// The outputs of units that were begun and never ended.
    pub(crate) fn begun(&self) -> Result<BTreeSet<String>> {
        Ok(self.all::<Vec<String>>(BEGUN)?.into_iter().flat_map(|(_, paths)| paths).collect())
    }

    /// Takes over what `lineage.json` says. Nothing is believed by that: see [`Ledger`].
    fn rebuild(&mut self) -> Result<()> {
        match Lineage::read(&self.out) {
            Ok(Some(lineage)) => self.take_over(&lineage.outputs, &lineage.recipes),
            Ok(None) => Ok(()),
            Err(e) if e.kind() == ErrorKind::Invalid => {
                self.findings.push(Finding::warning("lineage-unreadable", e.to_string()));
                Ok(())
            }
            // One that cannot be read now is not one that says nothing: it would be written over.
            Err(e) => Err(e),
        }
    }

    /// Takes over what others wrote into the lineage of a folder at a URI since it was opened: nothing keeps them out of it. Of
    /// what this one did not write down itself they know more.
    fn learn_of_others(&self) -> Result<()> {
        let Some(lineage) = Lineage::read(&self.out)? else { return Ok(()) };
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let theirs: Vec<Record> = lineage.outputs.into_iter().filter(|r| !own.contains(&r.output.path)).collect();
        if theirs.is_empty() { Ok(()) } else { self.take_over(&theirs, &lineage.recipes) }
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, table: Table, key: &str) -> Result<Option<T>> {
        guarded(|| {
            let read = self.db.begin_read()?;
            let table = match read.open_table(table) {
                Ok(t) => t,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                Err(e) => return Err(e.into()),
            };
            Ok(table.get(key)?.and_then(|v| decode(v.value())))
        })
    }

    fn all<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<(String, T)>> {
        guarded(|| {
            let read = self.db.begin_read()?;
            let table = match read.open_table(table) {
                Ok(t) => t,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(e) => return Err(e.into()),
            };
            let mut all = Vec::new();
            for entry in table.iter()? {
                let (key, value) = entry?;
                // An entry that is not what was written counts as not written.
                all.extend(decode(value.value()).map(|v| (key.value().to_owned(), v)));
            }
            Ok(all)
        })
    }

    /// One transaction.
    pub(crate) fn write(
        &self,
        work: impl FnOnce(&mut dyn FnMut(Table, &str, Option<&[u8]>) -> Result<(), redb::Error>) -> Result<(), redb::Error>,
    ) -> Result<()> {
        guarded(|| {
            let write = self.db.begin_write()?;
            work(&mut |table, key, value| {
                let mut table = write.open_table(table)?;
                match value {
                    Some(v) => drop(table.insert(key, v)?),
                    None => drop(table.remove(key)?),
                }
                Ok(())
            })?;
            Ok(write.commit()?)
        })
    }
}

enum Refused {
    Damaged(String),
    Error(Error),
}

fn open_database(path: &Path) -> Result<Database, Refused> {
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let mut db = Database::create(path)?;
        let whole = db.check_integrity()?;
        Ok::<_, DatabaseError>((db, whole))
    }));
    match opened {
        // What `check_integrity` repaired is what a killed process left; redb rolls it back.
        Ok(Ok((db, _))) => Ok(db),
        Ok(Err(DatabaseError::DatabaseAlreadyOpen)) => Err(Refused::Error(
            Error::new(ErrorKind::InUse, "another run is writing to this folder")
                .advice("wait until it ends, or choose another output folder"),
        )),
        Ok(Err(DatabaseError::Storage(redb::StorageError::Io(e))))
            if !matches!(e.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof) =>
        {
            Err(Refused::Error(Error::io(path, e)))
        }
        Ok(Err(e)) => Err(Refused::Damaged(e.to_string())),
        Err(_) => Err(Refused::Damaged("it cannot be parsed".into())),
    }
}

/// The store panics on some kinds of damage that its checksums do not cover.
fn guarded<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(v)) => Ok(v),
        Ok(Err(redb::Error::Io(e))) => Err(Error::new(ErrorKind::Io, e.to_string())
            .doing("using the ledger")
            .advice("see to the disk, and run again")),
        Ok(Err(e)) => Err(broken(&e.to_string())),
        Err(_) => Err(broken("it cannot be parsed")),
    }
}

fn broken(why: &str) -> Error {
    Error::new(ErrorKind::Io, format!("the ledger does not work: {why}"))
        .doing("using the ledger")
        .advice("remove `.rushes` from the output folder and run again: it is built again from what is there")
}

/// Sixteen characters of digest, then JSON.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut bytes = Digest::xxh64(&json).hex().as_bytes().to_vec();
    bytes.extend(json);
    bytes
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (digest, json) = bytes.split_at_checked(16)?;
    (Digest::xxh64(json).hex().as_bytes() == digest).then(|| serde_json::from_slice(json).ok())?
}
