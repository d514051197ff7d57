//! What of a unit stands, and why the rest is made.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use rushes_core::graph::Registry;
use rushes_core::media::{ClipMedia, Digest, Finding, FrameRange, StandIn};
use rushes_core::plan::{Standing, Tree, Unit};
use rushes_core::run::{CancellationToken, Reading, RunContext};
use rushes_core::storage::Presence;
use rushes_core::{Error, ErrorKind, Result};

use crate::inputs::Input;
use crate::reason::Reason;
use crate::record::{CameraFile, Recipe, Record, stand_ins};
use crate::store::Ledger;

/// Standing parts a unit may list; a unit stays small, and what is not listed is made again.
const MOST_PARTS: usize = 200;

/// A file that a unit makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its path below the output folder.
    pub path: String,
    /// The index of its sink in the unit's tree.
    pub sink: usize,
    /// The frames it holds.
    pub frames: FrameRange,
}

/// What of a unit's outputs stands.
#[derive(Debug)]
pub struct Judgement {
    /// Every output, and why it is made; `None` for one that stands.
    pub outputs: Vec<(Expected, Option<Reason>)>,
    /// What is known of those that stand.
    pub(crate) standing: Vec<Record>,
    /// How each sink's outputs are made.
    pub(crate) recipes: BTreeMap<usize, Recipe>,
    /// Files in the way that a run may not replace unasked.
    pub(crate) foreign: Vec<(String, Foreign)>,
    /// Whether something that was made before is made again, though it is there.
    pub(crate) replaces: bool,
}

/// Why a file is not this unit's to replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Nothing is known of it.
    Unknown,
    /// It was made of another clip of the same name.
    OtherClip,
}

impl Judgement {
    /// Judges the outputs of `unit`, made by an executor whose results are of the first class of `classes`. What one of
    /// the others made, of executors beside it, stands where it is the whole unit: nothing is mixed.
    ///
    /// Every output that might stand is read and compared with its digest; so is every camera
    /// file whose size or modification time changed.
    ///
    /// # Errors
    /// When the unit makes no sense, the ledger does not work, or `cx` is cancelled.
    pub fn of(ledger: &Ledger, unit: &Unit, registry: &Registry, classes: &[String], cx: &RunContext) -> Result<Self> {
        let tree = Tree::make(&unit.tree, registry)?;
        let recipes = |class: &str| -> BTreeMap<usize, Recipe> {
            tree.sinks().map(|(i, _)| (i, Recipe::of(unit, i, class))).collect()
        };
        let (first, beside) = classes.split_first().map_or((String::new(), classes), |(f, rest)| (f.clone(), rest));
        // By the other classes: their recipes' digests, by sink.
        let beside: Vec<(&String, BTreeMap<usize, Digest>)> = beside
            .iter()
            .filter(|class| **class != first)
            .map(|class| (class, recipes(class).into_iter().map(|(i, r)| (i, r.digest())).collect()))
            .collect();
        let recipes = recipes(&first);
        let expected = expected(unit, &tree);
        let begun = ledger.begun()?;
        let reading = Reading::of(unit, cx);
        let mut inputs = Inputs::new(ledger, reading.clone());
        let mut presence = Presence::new(ledger.out());
        let mut judgement =
            Self { outputs: Vec::new(), standing: Vec::new(), recipes, foreign: Vec::new(), replaces: false };
        // The class that each output was made by, where it is not the first.
        let mut others: BTreeMap<usize, &String> = BTreeMap::new();
        let mut to_read = Vec::new();
        let mut made_of = BTreeMap::new();
        let mut known = Vec::new();
        for e in expected {
            if cx.cancel.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
            }
            let there = presence.has(&e.path)?;
            let reason = match ledger.record(&e.path)? {
                // An attempt that ran beside this one, or before it, may have made it; whoever makes it again compares.
                None if there && unit.shared => Some(Reason::Unfinished),
                None if there && !begun.contains(&e.path) => {
                    judgement.foreign.push((e.path.clone(), Foreign::Unknown));
                    Some(Reason::New)
                }
                None if there => Some(Reason::Unfinished),
                None => Some(Reason::New),
                Some(_) if !there => Some(Reason::Missing),
                Some(record) => {
                    made_of.extend(record.from.iter().map(|f| (f.digest.clone(), f.path.clone())));
                    known.push(e.path.clone());
                    let by = beside.iter().find(|(_, digests)| digests.get(&e.sink) == Some(&record.recipe));
                    let reason = match by {
                        Some(_) => other_media(unit, &e, &record, &mut inputs)?,
                        None => judgement.changed(ledger, unit, &e, &record, &mut inputs)?,
                    };
                    if reason.is_none() {
                        others.extend(by.map(|(class, _)| (judgement.outputs.len(), *class)));
                        to_read.push((judgement.outputs.len(), record));
                    }
                    reason
                }
            };
            judgement.outputs.push((e, reason));
        }
        let whole = read_all(ledger, &to_read, &reading, &cx.cancel)?;
        for ((i, record), whole) in to_read.into_iter().zip(whole) {
            if whole {
                judgement.standing.push(record);
            } else {
                judgement.outputs[i].1 = Some(Reason::Altered);
            }
        }
        judgement.unmix(&others, &first);
        judgement.look_at_what_is_replaced(ledger, unit)?;
        // Reels start again at A001 with every production: a name alone does not make it the same clip.
        if !made_of.is_empty() && !inputs.any_is_among(unit, &made_of)? {
            judgement.foreign.extend(known.into_iter().map(|path| (path, Foreign::OtherClip)));
        }
        inputs.remember()?;
        Ok(judgement)
    }

    /// True when nothing is left to make.
    pub fn stands(&self) -> bool {
        self.outputs.iter().all(|(_, reason)| reason.is_none())
    }

    /// Which parts stand, for the unit that makes the rest.
    pub(crate) fn parts(&self) -> Vec<Standing> {
        let mut frames: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        for (e, _) in self.outputs.iter().filter(|(_, reason)| reason.is_none()) {
            frames.entry(e.sink).or_default().extend(e.frames.iter());
        }
        let parts = frames.into_iter().flat_map(|(sink, frames)| {
            let ranges = rushes_core::media::FileSequence::ranges_of(frames);
            ranges.into_iter().map(move |frames| Standing { sink, frames })
        });
        parts.take(MOST_PARTS).collect()
    }

    /// What is told of outputs that are made though others of the unit, or they themselves, were
    /// made before: one finding for each reason.
    pub fn findings(&self, unit: &Unit) -> Vec<Finding> {
        let mut reasons: BTreeMap<(usize, &Reason), Vec<&Expected>> = BTreeMap::new();
        for (e, reason) in &self.outputs {
            if let Some(reason) = reason {
                reasons.entry((e.sink, reason)).or_default().push(e);
            }
        }
        let anything_known = !self.standing.is_empty() || reasons.keys().any(|(_, r)| **r != Reason::New);
        let told = reasons.into_iter().filter(|_| anything_known).map(|((sink, reason), files)| {
            let of = self.outputs.iter().filter(|(e, _)| e.sink == sink).count();
            let id = unit.tree.get(sink).map_or("?", |n| n.id.as_str());
            let what = match files.as_slice() {
                [one] if of == 1 => one.path.clone(),
                [one] => format!("{} (one of {of})", one.path),
                more => format!("{} of {of} files", more.len()),
            };
            let text = format!("`{id}`: {what}: {reason}");
            match reason {
                // Somebody's work may be lost.
                Reason::Altered => Finding::warning("made-again", text),
                _ => Finding::info("made-again", text),
            }
            .clip(&unit.clip.name)
        });
        told.collect()
    }

    /// Where something is replaced, a file of which nothing is known may be so by accident: only what another attempt
    /// said it would make is its own.
    fn look_at_what_is_replaced(&mut self, ledger: &Ledger, unit: &Unit) -> Result<()> {
        let of = |judged: Option<&Reason>| {
            !matches!(judged, None | Some(Reason::New | Reason::Unfinished | Reason::Missing))
        };
        self.replaces = self.outputs.iter().any(|(_, reason)| of(reason.as_ref()));
        let unknown = |(_, reason): &&(Expected, Option<Reason>)| *reason == Some(Reason::Unfinished);
        if unit.shared && self.outputs.iter().any(|o| unknown(&o)) {
            // What is there was looked for before, and is marked before it is made.
            let marked = ledger.marked()?;
            let (own, foreign): (Vec<_>, Vec<_>) =
                self.outputs.iter().filter(unknown).map(|(e, _)| &e.path).partition(|path| marked.contains(*path));
            self.replaces |= !own.is_empty();
            if self.replaces {
                self.foreign.extend(foreign.into_iter().map(|path| (path.clone(), Foreign::Unknown)));
            }
        }
        Ok(())
    }

    fn changed(
        &self,
        ledger: &Ledger,
        unit: &Unit,
        expected: &Expected,
        record: &Record,
        inputs: &mut Inputs<'_>,
    ) -> Result<Option<Reason>> {
        let now = &self.recipes[&expected.sink];
        if now.digest() != record.recipe {
            let then = ledger.recipe(&record.recipe)?;
            return Ok(Some(then.and_then(|then| Reason::between(&then, now)).unwrap_or(Reason::Stages)));
        }
        other_media(unit, expected, record, inputs)
    }

    /// What executors of other classes made stands only where one of them made all of the unit.
    fn unmix(&mut self, others: &BTreeMap<usize, &String>, first: &str) {
        let Some((_, class)) = others.first_key_value() else { return };
        if self.stands() && others.len() == self.outputs.len() && others.values().all(|other| other == class) {
            return;
        }
        let mut made = BTreeSet::new();
        for (&i, class) in others {
            let (expected, reason) = &mut self.outputs[i];
            if reason.is_none() {
                *reason = Some(Reason::Results((*class).clone(), first.to_owned()));
                made.insert(expected.path.clone());
            }
        }
        self.standing.retain(|record| !made.contains(&record.output.path));
    }
}

/// Whether an output was made of other camera files than it would be now.
fn other_media(unit: &Unit, expected: &Expected, record: &Record, inputs: &mut Inputs<'_>) -> Result<Option<Reason>> {
    if record.output.frames != expected.frames || record.stand_ins != stand_ins(unit, expected.frames) {
        return Ok(Some(Reason::StandIn));
    }
    let from = inputs.of(unit, expected.frames)?;
    if from.len() != record.from.len() {
        return Ok(Some(Reason::StandIn));
    }
    let other = from.into_iter().zip(&record.from).find(|(now, then)| now.digest != then.digest);
    Ok(other.map(|(now, _)| Reason::Input(now.path)))
}

/// Every file that `unit` makes when nothing stands.
pub(crate) fn expected(unit: &Unit, tree: &Tree) -> Vec<Expected> {
    let mut all = Vec::new();
    for (sink, stage) in tree.sinks() {
        let mut add = |frames: FrameRange| {
            let paths = stage.outputs(&unit.clip, frames).into_iter();
            all.extend(paths.map(|path| Expected { path, sink, frames }));
        };
        if stage.whole_clip() {
            add(unit.range);
        } else {
            let wanted = unit.range.iter().filter(|&f| stage.wants(&unit.clip, unit.range, f));
            wanted.for_each(|f| add(FrameRange { first: f, last: f }));
        }
    }
    all
}

/// The digests of camera files, each computed once.
pub(crate) struct Inputs<'a> {
    ledger: &'a Ledger,
    reading: Reading,
    pub(crate) known: BTreeMap<PathBuf, Digest>,
    /// Those that had to be read.
    read: Vec<Input>,
}

impl<'a> Inputs<'a> {
    pub(crate) fn new(ledger: &'a Ledger, reading: Reading) -> Self {
        Self { ledger, reading, known: BTreeMap::new(), read: Vec::new() }
    }

    /// The files that `frames` of `unit` are made of.
    pub(crate) fn of(&mut self, unit: &Unit, frames: FrameRange) -> Result<Vec<CameraFile>> {
        let paths: Vec<PathBuf> = match &unit.clip.media {
            ClipMedia::Files(files) => files.clone(),
            ClipMedia::Sequence(s) => frames
                .iter()
                .filter_map(|f| match unit.clip.stand_in(f) {
                    Some(StandIn::Black) => None,
                    Some(StandIn::Hold(from)) => Some(s.path(from)),
                    None => Some(s.path(f)),
                })
                .collect(),
        };
        let shared = matches!(unit.clip.media, ClipMedia::Files(_));
        paths.into_iter().map(|path| Ok(CameraFile { digest: self.digest(&path, shared)?, path })).collect()
    }

    /// Writes down what was read.
    pub(crate) fn remember(&self) -> Result<()> {
        if self.read.is_empty() { Ok(()) } else { self.ledger.learn_inputs(&self.read) }
    }

    /// Whether any file of `unit` has one of the digests of `made_of`; true also where it has no files at all.
    fn any_is_among(&mut self, unit: &Unit, made_of: &BTreeMap<Digest, PathBuf>) -> Result<bool> {
        let (paths, others): (Vec<PathBuf>, Vec<PathBuf>) = match &unit.clip.media {
            ClipMedia::Files(files) => (files.clone(), Vec::new()),
            ClipMedia::Sequence(s) => {
                let (own, others): (Vec<i64>, Vec<i64>) = s.frames().partition(|f| unit.range.contains(*f));
                // Frames of other units may have stood in for all that was made of this one.
                let names: BTreeSet<&OsStr> = made_of.values().filter_map(|p| p.file_name()).collect();
                let others = others.into_iter().map(|f| s.path(f));
                let others = others.filter(|p| p.file_name().is_some_and(|n| names.contains(n)));
                (own.into_iter().map(|f| s.path(f)).collect(), others.collect())
            }
        };
        let shared = matches!(unit.clip.media, ClipMedia::Files(_));
        for path in paths.iter().chain(&others) {
            if made_of.contains_key(&self.digest(path, shared)?) {
                return Ok(true);
            }
        }
        Ok(paths.is_empty())
    }

    /// The digest of a file, which is `shared` where other units are made of it, too.
    fn digest(&mut self, path: &PathBuf, shared: bool) -> Result<Digest> {
        if let Some(digest) = self.known.get(path) {
            return Ok(digest.clone());
        }
        let (input, read) = self.ledger.look_at_input(path, shared, |path, bytes| self.reading.digest(path, bytes))?;
        let digest = input.digest().clone();
        if read {
            self.read.push(input);
        }
        self.known.insert(path.clone(), digest.clone());
        Ok(digest)
    }
}

/// Whether each output is what was written, read on all cores.
fn read_all(
    ledger: &Ledger,
    records: &[(usize, Record)],
    reading: &Reading,
    cancel: &CancellationToken,
) -> Result<Vec<bool>> {
    /// What is read by one thread before others are worth their start.
    const LITTLE: u64 = 8 << 20;
    let next = AtomicUsize::new(0);
    let bytes: u64 = records.iter().map(|(_, r)| r.output.bytes).sum();
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if bytes <= LITTLE { 1 } else { cores() }.min(records.len());
    let whole = |record: &Record| {
        reading
            .digest(&ledger.out().join(&record.output.path), record.output.bytes)
            .is_ok_and(|(digest, bytes)| digest == record.output.digest && bytes == record.output.bytes)
    };
    let work = || {
        let mut broken = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some((_, record)) = records.get(i).filter(|_| !cancel.is_cancelled()) else { return broken };
            if !whole(record) {
                broken.push(i);
            }
        }
    };
    let broken: BTreeSet<usize> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mine = work();
        others.into_iter().flat_map(|w| w.join().unwrap_or_default()).chain(mine).collect()
    });
    if cancel.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
    }
    Ok((0..records.len()).map(|i| !broken.contains(&i)).collect())
}
