//! The executor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rushes_core::deliver::refuse_among_originals;
use rushes_core::graph::Registry;
use rushes_core::media::{ClipMedia, Finding};
use rushes_core::plan::{Tree, Unit};
use rushes_core::run::{Executor, RunContext, UnitReport, Verdict};
use rushes_core::storage::local_only;
use rushes_core::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;

use super::catalog::Catalog;
use super::failure::as_core;
use super::order::{files, renders};
use super::place::{Made, Placed, Work, place};
use super::probe::Probe;
use super::progress::{Told, shut_down};
use super::recipe::Recipe;
use super::render::{Asked, render};
use super::settings::Settings;
use crate::Pool;
use crate::api::RenderProcessor;
use crate::types::Struct;

/// Runs units on FilmLight servers: each render in a server of its own from a [`Pool`].
///
/// A unit becomes a scene in memory with one shot, decode parameters, a CDL, and a deliverable for each sink. What a
/// server cannot be asked for is refused when the unit is planned, with the reason; nothing is left out. The camera
/// maker's own library decodes and debayers, and FilmLight scales and transforms colour, so pictures are not those of
/// the local executor, and the class of its results is its own. Files are looked into before they get their names.
///
/// Servers must see the same paths as this machine.
///
/// ```no_run
/// use std::sync::Arc;
/// use rushes_filmlight::{FilmLight, Launch, Pool, Server, with_server_formats};
/// # fn f(stock: rushes_core::graph::Registry) -> rushes_core::Result<()> {
/// let pool = Pool::new(Server::Private(Box::new(Launch::default())), 1);
/// let registry = with_server_formats(stock, &pool)?;
/// let executor = Arc::new(FilmLight::new(pool, registry.clone()));
/// // rushes::Job::new(workflow, card, out).registry(registry).executor(executor).run().await
/// # let _ = executor; Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct FilmLight {
    pool: Pool,
    registry: Registry,
    settings: Settings,
    known: Arc<Known>,
}

/// What was found out about servers and media.
#[derive(Debug, Default)]
struct Known {
    catalog: OnceCell<Arc<Catalog>>,
    probes: Mutex<BTreeMap<PathBuf, Arc<OnceCell<Arc<Probe>>>>>,
}

/// A unit that will be run: everything about it is known to be possible.
struct Checked {
    tree: Tree,
    recipe: Recipe,
    catalog: Arc<Catalog>,
    decode: Struct,
}

impl FilmLight {
    /// Renders on servers of `pool` what was planned with the stages of `registry`.
    pub fn new(pool: Pool, registry: Registry) -> Self {
        Self { pool, registry, settings: Settings::default(), known: Arc::default() }
    }

    /// Another facility's decisions.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    async fn check(&self, unit: &Unit) -> Result<Checked> {
        let tree = Tree::make(&unit.tree, &self.registry)?;
        tree.source().accepts(&unit.clip)?;
        let what = "a FilmLight server";
        local_only(&unit.out, what)?;
        match &unit.clip.media {
            ClipMedia::Sequence(s) => local_only(s.folder(), what).map(drop)?,
            ClipMedia::Files(files) => files.iter().try_for_each(|f| local_only(f, what).map(drop))?,
        }
        if unit.clip.substitutes.iter().any(|s| s.frames.intersect(unit.range).is_some()) {
            return Err(Error::new(ErrorKind::Unsupported, "a FilmLight server has no stand-ins for frames")
                .advice("run the clip on another executor, or refuse it in `validate`"));
        }
        let recipe = Recipe::of(unit, &tree, &self.registry)?;
        let catalog = self.catalog().await?;
        for output in &recipe.outputs {
            catalog.deliverable(&output.kind)?;
            catalog.space(output.space, &self.settings)?;
        }
        catalog.drt(&recipe, &self.settings)?;
        catalog.working_space(&recipe, &self.settings)?;
        let decode = self.probe(unit).await?.decode(&recipe, &self.settings)?;
        Ok(Checked { tree, recipe, catalog, decode })
    }

    async fn catalog(&self) -> Result<Arc<Catalog>> {
        // What is not to be kept leaves by the way of errors.
        let looked_up = self.known.catalog.get_or_try_init(async || {
            let catalog = self.pool.inspect(async |flapi| Catalog::of(&flapi).await).await;
            let catalog = Arc::new(catalog.map_err(|e| Err(as_core(e)))?);
            // A licence that is missing now may be there later.
            if catalog.is_whole() { Ok(catalog) } else { Err(Ok(catalog)) }
        });
        looked_up.await.map_or_else(|otherwise| otherwise, |catalog| Ok(Arc::clone(catalog)))
    }

    async fn probe(&self, unit: &Unit) -> Result<Arc<Probe>> {
        let key = match &unit.clip.media {
            // One look serves all units of the clip.
            ClipMedia::Sequence(s) => s.folder.join(&s.prefix),
            ClipMedia::Files(files) => files.first().cloned().unwrap_or_default(),
        };
        // Other clips do not wait while this one is looked at.
        let probed =
            Arc::clone(self.known.probes.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        let looked = probed.get_or_try_init(async || {
            let probe = self.pool.inspect(async |flapi| Probe::of(&flapi, &unit.clip, &self.settings).await).await;
            probe.map(Arc::new).map_err(as_core)
        });
        looked.await.map(Arc::clone)
    }

    /// Ends the render on a server that goes on after its connection was lost: it would write into a folder that is
    /// not there any more.
    async fn abandon(&self) {
        let ending = self.pool.inspect(async |flapi| {
            shut_down(&RenderProcessor::get(&flapi).await?).await;
            Ok::<_, crate::Error>(())
        });
        // Others wait for the seat; a server that cannot be reached in this time may be beyond reach.
        drop(tokio::time::timeout(Duration::from_secs(10), ending).await);
    }

    async fn make(&self, unit: &Unit, cx: &RunContext, report: &mut UnitReport) -> Result<()> {
        let checked = tokio::select! {
            checked = self.check(unit) => checked?,
            () = cx.cancel.cancelled() => return Err(Error::new(ErrorKind::Cancelled, "cancelled")),
        };
        refuse_among_originals(&unit.out, &unit.clip.media)?;
        let mut renders = renders(unit, &checked.tree, &checked.recipe);
        // The longest first: it tells of the frames.
        renders.sort_by_key(|r| std::cmp::Reverse(r.frames.iter().map(|f| f.len()).sum::<u64>()));
        if !unit.existing().may_stand() {
            let each = renders.iter().flat_map(|r| r.outputs.iter().map(move |o| (r, o)));
            let paths = each.flat_map(|(r, o)| files(unit, &checked.tree, r, o)).map(|(path, _)| unit.out.join(path));
            refuse_existing(paths)?;
        }
        if checked.recipe.debayers {
            let text = "the camera maker's library debayers in its own way; the workflow asks for nothing special";
            report.findings.push(Finding::info("vendor-debayer", text).clip(&unit.clip.name));
        }
        let frames: BTreeSet<i64> = renders.iter().flat_map(|r| r.frames.iter().flat_map(|f| f.iter())).collect();
        let mut told = Told::new(unit, cx, frames);
        let work = Work::begin(unit)?;
        for (n, order) in renders.iter().enumerate() {
            if cx.cancel.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
            }
            let folder = work.folder(n)?;
            let asked = Asked {
                unit,
                recipe: &checked.recipe,
                catalog: &checked.catalog,
                decode: &checked.decode,
                settings: &self.settings,
                render: order,
                folder: &folder,
            };
            // A seat may be long in coming.
            let lease = tokio::select! {
                lease = self.pool.render() => lease.map_err(as_core)?,
                () = cx.cancel.cancelled() => return Err(Error::new(ErrorKind::Cancelled, "cancelled")),
            };
            told.started = false;
            let rendered = render(lease.connection(), &asked, cx, &mut told, report).await;
            let lost = !lease.connection().is_open();
            // Before the seat is the next one's: the server has one processor, and would end the next one's render.
            if rendered.is_err() && lost && told.started && self.pool.is_shared() {
                self.abandon().await;
            }
            lease.close().await;
            let each = order.outputs.iter().zip(rendered?).map(|(output, files_made)| Made {
                output: output.clone(),
                files: files_made,
                names: files(unit, &checked.tree, order, output),
            });
            // Whoever drops the run wants no more names either.
            let context = RunContext { cancel: cx.cancel.child_token(), ..cx.clone() };
            let _stops = context.cancel.clone().drop_guard();
            let (owned, made, claims) = (unit.clone(), each.collect::<Vec<_>>(), work.claims());
            // Every byte is read, which the runtime's own threads are not for.
            let placing = tokio::task::spawn_blocking(move || place(&owned, &made, &claims, &context));
            let placed = placing.await.unwrap_or_else(|e| {
                Placed::failed(Error::new(ErrorKind::Panicked, format!("looking at what was rendered: {e}")))
            });
            report.findings.extend(placed.findings);
            report.outputs.extend(placed.files);
            placed.ended?;
        }
        report.frames = told.done();
        Ok(())
    }
}

fn refuse_existing(paths: impl Iterator<Item = PathBuf>) -> Result<()> {
    let there: Vec<PathBuf> = paths.filter(|p| p.symlink_metadata().is_ok()).collect();
    let Some(first) = there.first() else { return Ok(()) };
    let more = if there.len() > 1 { format!(" and {} more", there.len() - 1) } else { String::new() };
    Err(Error::new(ErrorKind::AlreadyExists, format!("the output exists already{more}"))
        .path(first as &Path)
        .advice("choose another folder, or allow outputs to be replaced (`--overwrite`)"))
}

#[async_trait::async_trait]
impl Executor for FilmLight {
    fn name(&self) -> &str {
        "filmlight"
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        match self.check(unit).await {
            Ok(_) => Verdict::Yes,
            // Nothing that is about the unit: a server that does not answer may do so soon.
            Err(e) if e.is_retryable() => Verdict::NotNow(e.to_string()),
            Err(e) => Verdict::No(e.to_string()),
        }
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        let begun = Instant::now();
        let mut report = UnitReport::begin(unit, self.name());
        if let Err(e) = self.make(unit, cx, &mut report).await {
            report = report.failed(&e.clip(&unit.clip.name));
        }
        report.outputs.sort_by(|a, b| a.path.cmp(&b.path));
        report.wall_ms = begun.elapsed().as_secs_f64() * 1e3;
        report.stage_ms.insert("filmlight".into(), report.wall_ms);
        report
    }
}
