//! Orders: jobs that are planned once, worked on by many machines, and finished by any of them.
//!
//! [`Job::order`] looks at the card, plans, and leaves all of it in the output folder, where every worker sees it:
//!
//! ```text
//! <out>/.rushes/orders/<id>/order.json             the workflow, the card, what was asked for
//!                           batch.json             the clips, as the clip stages left them
//!                           plan.json              the plan without its units
//!                           clips/12.0.json        clip 12: its facts and its units, as they were planned first
//!                           clips/12.1.json        the same with stand-ins for frames that turned out to be damaged
//!                           clips/12.known.json    what the output folder knew of its outputs, where there were any
//!                           receipts/12.0.3.json   what became of the fourth of them
//!                           receipts/12.0/7..9.json  of three of its frames, where somebody asked for these
//!                           beside/                what workers tell others of units in work
//!                           report.json            how it all ended
//! ```
//!
//! [`Desk`] runs its units on executors of your choice and settles it: it is what a distributed engine
//! needs ([`Orders`](rushes_core::run::Orders)). What comes out is what [`Job::run`] would have made: the same files, the
//! same `manifest.json`, the same ledger. A render farm needs less: [`openjd`] writes a job template for it.

mod classes;
mod desk;
mod finish;
mod folder;
mod generations;
mod known;
pub mod openjd;
mod parts;
mod receipt;
mod work;

use std::path::{Path, PathBuf};

use rushes_core::graph::{Registry, WorkflowFile};
use rushes_core::media::{Clip, Digest, Finding};
use rushes_core::plan::{ClipPlan, Plan, Unit};
use rushes_core::run::{ClipHead, Fanout, OrderHead, PENDING, RunReport, UnitRef};
use rushes_core::storage::{self, absolute};
use rushes_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

pub use desk::Desk;

use crate::Job;
use crate::job::blocking;
use classes::classes;
use generations::Damaged;

/// How the units of an order are spread over workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// Units that wait for workers or run, at most.
    pub pending: usize,
    /// Whether workers with a GPU are preferred for what they take.
    pub gpu: bool,
    /// Bytes that one frame may need on a worker of the class `cpu`; units whose frames need more go to `cpu-himem`.
    pub himem: u64,
}

/// A few hundred units, no GPU, frames of up to 2 GiB.
impl Default for Spread {
    fn default() -> Self {
        Self { pending: PENDING, gpu: false, himem: 2 << 30 }
    }
}

/// An order: a plan in a folder.
#[derive(Debug, Clone)]
pub struct Order {
    folder: PathBuf,
    terms: Terms,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Terms {
    /// The version of this format: 1.
    format: u32,
    id: String,
    workflow: WorkflowFile,
    input: PathBuf,
    out: PathBuf,
    overwrite: bool,
    frames_per_unit: u64,
    attempts: u32,
    page: bool,
    gpu: bool,
    himem: u64,
    fanout: Fanout,
    /// Where the clips of which something is made stand in the plan.
    clips: Vec<usize>,
}

/// A clip of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClipFile {
    clip: Clip,
    plan: ClipPlan,
    classes: Vec<String>,
    /// What was told of it when it was planned again.
    told: Vec<Finding>,
    /// The camera files for whose sake it was planned again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<Damaged>,
}

impl Job {
    /// Looks at the card, plans, and leaves the order in the output folder. The order of the same job has the same name.
    ///
    /// # Errors
    /// As [`Job::plan`], and when the folder cannot be written.
    pub async fn order(&self, spread: Spread) -> Result<Order> {
        let mut job = self.clone();
        // Workers stand elsewhere.
        let whole = |p: &Path| absolute(p).map_err(|e| e.doing("writing the order"));
        (job.input, job.options.out) = (whole(&job.input)?, whole(&job.options.out)?);
        job.options.elsewhere = true;
        let (_, mut plan, batch) = job.begin().await?;
        let out = job.options.out.clone();
        blocking(move || {
            let made: Vec<usize> = (0..plan.clips.len()).filter(|&i| !plan.clips[i].units.is_empty()).collect();
            let mut clips = Vec::with_capacity(made.len());
            for &i in &made {
                let planned = &mut plan.clips[i];
                let whole = ClipPlan { units: std::mem::take(&mut planned.units), ..planned.clone() };
                let clip = batch.clips.iter().find(|c| c.name == whole.clip).cloned();
                let clip = clip.ok_or_else(|| damaged("the plan has a clip that the card has not"))?;
                let classes = whole.units.first().map_or_else(Vec::new, |u| classes(u, &job.registry, &spread));
                clips.push(ClipFile { clip, plan: whole, classes, told: Vec::new(), damaged: Vec::new() });
            }
            let mut terms = Terms {
                format: 1,
                id: String::new(),
                workflow: job.workflow,
                input: job.input,
                out: out.clone(),
                overwrite: job.options.overwrite,
                frames_per_unit: job.options.frames_per_unit,
                attempts: job.attempts,
                page: job.page,
                gpu: spread.gpu,
                himem: spread.himem,
                fanout: Fanout::of(clips.iter().map(|c| c.plan.units.len()), spread.pending),
                clips: made,
            };
            // By what it says, so that who submits it twice submits one order.
            let said = serde_json::to_vec(&(&terms, &batch, &plan, &clips)).map_err(|e| damaged(&e.to_string()))?;
            terms.id = Digest::xxh64(&said).hex().to_owned();
            let order = Self::order_in(&out, terms);
            let names: Vec<&str> = clips.iter().map(|c| c.clip.name.as_str()).collect();
            order.write_known(&names)?;
            order.write("batch.json", &batch)?;
            order.write("plan.json", &plan)?;
            for (n, clip) in clips.iter().enumerate() {
                order.write(&clip_name(n as u64, 0), clip)?;
            }
            // Last: an order that has it is whole.
            order.write("order.json", &order.terms)?;
            Ok(order)
        })
        .await
        .map_err(|e: Error| e.doing("writing the order"))
    }

    fn order_in(out: &Path, terms: Terms) -> Order {
        Order { folder: out.join(".rushes/orders").join(&terms.id), terms }
    }
}

impl Order {
    /// Opens the order in `folder`.
    ///
    /// # Errors
    /// When there is none, or this build does not know its form.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("order.json");
        let terms: Terms = folder::read(&path).map_err(|e| e.doing("opening an order"))?;
        if terms.format != 1 {
            return Err(Error::new(ErrorKind::Unsupported, format!("its form is {}, and 1 is known", terms.format))
                .doing("opening an order")
                .path(path)
                .advice("use the build that submitted it, or submit it again with this one"));
        }
        Ok(Self { folder: folder.to_owned(), terms })
    }

    /// Its name: the same for the same job.
    pub fn id(&self) -> &str {
        &self.terms.id
    }

    /// Where it lies: what workers are told.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder its outputs go to.
    pub fn out(&self) -> &Path {
        &self.terms.out
    }

    /// What there is to do.
    pub fn head(&self) -> OrderHead {
        OrderHead { clips: self.terms.clips.len() as u64, fanout: self.terms.fanout, attempts: self.terms.attempts }
    }

    /// What there is to do of a clip, counted from 0, as it was planned first.
    ///
    /// # Errors
    /// When there is no such clip, or it cannot be read.
    pub fn clip(&self, clip: u64) -> Result<ClipHead> {
        Ok(self.clip_file(clip, 0)?.head(0))
    }

    /// The units of a clip, as they were planned first.
    ///
    /// # Errors
    /// As [`Order::clip`].
    pub fn units(&self, clip: u64) -> Result<Vec<Unit>> {
        Ok(self.clip_file(clip, 0)?.plan.units)
    }

    /// Frames to a unit where outputs allow parts.
    pub fn frames_per_unit(&self) -> u64 {
        self.terms.frames_per_unit
    }

    /// Whether a clip is made in one unit because an output needs all of its frames; `registry` knows which do.
    ///
    /// # Errors
    /// As [`Order::clip`], and when the registry has not the clip's stages.
    pub fn is_whole(&self, clip: u64, registry: &Registry) -> Result<bool> {
        self.clip_file(clip, 0)?.plan.units.first().map_or(Ok(false), |u| work::is_whole(u, registry))
    }

    /// Looks whether its card is there, where a missing mount leaves an empty folder, and whether its own folder can be written.
    fn reach(&self) -> Result<()> {
        let card = &self.terms.input;
        let there = match storage::is_folder(card)? {
            true => !storage::list(card, 1)?.is_empty(),
            false => storage::stat(card).is_ok(),
        };
        if !there {
            return Err(Error::new(ErrorKind::NotFound, "there is nothing in it")
                .doing("looking for the card of an order")
                .path(card)
                .advice("see whether this machine sees the card: its mounts, its credentials")
                .retryable());
        }
        self.write("reached.json", &self.terms.id)
    }

    /// How it ended; nothing while it has not.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn report(&self) -> Result<Option<RunReport>> {
        folder::read_if_there(&self.folder.join("report.json"))
    }

    /// The frames of its clips.
    ///
    /// # Errors
    /// When a clip cannot be read.
    pub fn frames(&self) -> Result<u64> {
        let mut frames = 0;
        for clip in 0..self.terms.clips.len() as u64 {
            frames += self.clip_file(clip, 0)?.plan.units.iter().map(|u| u.range.len()).sum::<u64>();
        }
        Ok(frames)
    }

    fn clip_file(&self, clip: u64, generation: u32) -> Result<ClipFile> {
        self.has_clip(clip)?;
        folder::read(&self.folder.join(clip_name(clip, generation)))
    }

    fn has_clip(&self, clip: u64) -> Result<()> {
        let of = self.terms.clips.len() as u64;
        if clip >= of {
            return Err(Error::new(ErrorKind::NotFound, format!("the order has {of} clips, and no clip {clip}"))
                .path(&self.folder));
        }
        Ok(())
    }

    fn plan(&self) -> Result<Plan> {
        folder::read(&self.folder.join("plan.json"))
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        folder::write(&self.folder.join(name), value)
    }

    /// Where workers leave what others should know of units in work.
    fn beside(&self) -> PathBuf {
        self.folder.join("beside")
    }

    fn receipt_path(&self, unit: UnitRef) -> PathBuf {
        self.folder.join(format!("receipts/{}.{}.{}.json", unit.clip, unit.generation, unit.unit))
    }
}

impl ClipFile {
    fn head(&self, generation: u32) -> ClipHead {
        ClipHead {
            name: self.clip.name.clone(),
            generation,
            units: self.plan.units.len() as u64,
            classes: self.classes.clone(),
            priority: self.plan.units.first().map_or(0, |u| u.priority),
        }
    }
}

fn clip_name(clip: u64, generation: u32) -> String {
    format!("clips/{clip}.{generation}.json")
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Invalid, what).advice("submit the job again; do not edit orders")
}
