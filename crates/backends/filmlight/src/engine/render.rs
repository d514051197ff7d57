//! One render on one server.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rushes_core::media::{ClipMedia, FileSequence, FrameRange};
use rushes_core::plan::Unit;
use rushes_core::run::{RunContext, UnitReport};
use rushes_core::{Error, ErrorKind, Result};
use serde_json::json;

use super::catalog::Catalog;
use super::failure::{Failure, as_core};
use super::order::Render;
use super::probe;
use super::progress::{Follow, Told};
use super::recipe::{Layer, Output, Recipe};
use super::settings::Settings;
use crate::api::{FormatSet, RenderProcessor, RenderSetup, Scene, Shot};
use crate::types::{InsertPosition, NewSceneOptions, RenderDeliverable, Struct};
use crate::{Connection, Watchdog};

/// What a render is made of.
pub(crate) struct Asked<'a> {
    pub(crate) unit: &'a Unit,
    pub(crate) recipe: &'a Recipe,
    pub(crate) catalog: &'a Catalog,
    pub(crate) decode: &'a Struct,
    pub(crate) settings: &'a Settings,
    pub(crate) render: &'a Render,
    /// Where the files go first.
    pub(crate) folder: &'a Path,
}

/// Frames of the clip as frames of the scene.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    /// The clip's frame at the start of the shot.
    base: i64,
    /// The scene's frame there.
    shot: i64,
}

/// A server may say any number: one that fits nowhere becomes the last that does, which no clip has.
impl Numbers {
    pub(crate) fn to_scene(self, frame: i64) -> i64 {
        self.shot.saturating_add(frame.saturating_sub(self.base))
    }

    pub(crate) fn to_clip(self, scene_frame: i64) -> i64 {
        self.base.saturating_add(scene_frame.saturating_sub(self.shot))
    }
}

/// Renders, and gives the files of each output, one for each frame or one in all.
///
/// # Errors
/// What the server says, or that it says nothing; and the cancellation.
pub(crate) async fn render(
    flapi: &Connection,
    asked: &Asked<'_>,
    cx: &RunContext,
    told: &mut Told<'_>,
    report: &mut UnitReport,
) -> Result<Vec<Vec<PathBuf>>> {
    let preparing = async {
        let (scene, numbers, whole) = scene(flapi, asked).await?;
        let setup = setup(flapi, asked, &scene, numbers, whole).await?;
        let files = files(&setup, asked, numbers).await?;
        let processor = RenderProcessor::get(flapi).await?;
        Ok::<_, Failure>((scene, numbers, setup, files, processor))
    };
    let cancelled = || Error::new(ErrorKind::Cancelled, "cancelled");
    // Any of these calls may take minutes.
    let (scene, numbers, setup, files, processor) = tokio::select! {
        prepared = preparing => prepared.map_err(as_core)?,
        () = cx.cancel.cancelled() => return Err(cancelled()),
    };
    told.started = true;
    tokio::select! {
        started = processor.start(&setup) => started.map_err(as_core)?,
        () = cx.cancel.cancelled() => {
            super::progress::shut_down(&processor).await;
            return Err(cancelled());
        }
    }
    let seconds = frames(asked.render) as f64 / rate(asked.unit);
    let media = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    let dog = Watchdog::new(asked.settings.limits, media, std::time::Instant::now());
    let follow = Follow { processor: &processor, numbers, render: asked.render, poll: asked.settings.poll };
    follow.until_done(dog, cx, told, report).await?;
    // The render is over: what follows only tidies a server that is ended anyway.
    let tidying = async {
        let _ = processor.shutdown().await;
        let _ = scene.close().await;
    };
    drop(tokio::time::timeout(Duration::from_secs(5), tidying).await);
    Ok(files)
}

fn frames(render: &Render) -> u64 {
    render.frames.iter().map(|f| f.len()).sum()
}

/// Frames per second of the clip; 24 where nobody knows, which then matters to nothing but the time limit.
fn rate(unit: &Unit) -> f64 {
    let stated = unit.clip.metadata.rate.as_ref().map(|r| r.value);
    let rate = stated.or(unit.clip.metadata.start_timecode.as_ref().map(|tc| tc.value.rate()));
    rate.map_or(24.0, |r| f64::from(r.num()) / f64::from(r.den()))
}

/// The scene with its shot, how its frames are numbered, and how many it has.
async fn scene(flapi: &Connection, asked: &Asked<'_>) -> Result<(Scene, Numbers, FrameRange), Failure> {
    let Asked { unit, recipe, catalog, settings, .. } = asked;
    let sequence = probe::open(flapi, &unit.clip).await?;
    let (first, last) = (sequence.start_frame().await?, sequence.end_frame().await?);
    let base = match &unit.clip.media {
        ClipMedia::Sequence(_) => first,
        ClipMedia::Files(_) => unit.clip.range.map_or(first, |r| r.first),
    };
    let has = last
        .checked_sub(first)
        .and_then(|n| FrameRange::new(base, base.checked_add(n)?))
        .filter(|r| r.contains(unit.range.first) && r.contains(unit.range.last));
    let has = has.ok_or_else(|| {
        let what = format!("the server sees the frames {first} to {last}, and {} are to be made", unit.range);
        Error::new(ErrorKind::BadMedia, what)
    })?;
    let size = (sequence.width().await?, sequence.height().await?);
    let format = FormatSet::factory(flapi).await?.basic_format_name(size.0, size.1, 1.0).await?;
    let options = NewSceneOptions::new(format, catalog.working_space(recipe, settings)?, rate(unit));
    let scene = Scene::temporary(flapi, &options).await?;
    if let Some(drt) = catalog.drt(recipe, settings)? {
        scene.settings().await?.set(json!({ "DisplayRenderingTransform": drt })).await?;
    }
    scene.start_delta("Rushes").await?;
    let shot = scene.insert_sequence(&sequence, InsertPosition::End, None).await?;
    grade(&shot, asked).await?;
    scene.end_delta().await?;
    let start = shot.start_frame().await?.round() as i64;
    Ok((scene, Numbers { base, shot: start }, has))
}

/// What is done to the shot.
async fn grade(shot: &Shot, asked: &Asked<'_>) -> crate::Result<()> {
    if let Some(name) = &asked.settings.input_colour_space {
        shot.set_input_colour_space(name).await?;
    }
    if !asked.decode.is_empty() {
        shot.set_decode_parameters(asked.decode).await?;
    }
    for layer in &asked.recipe.layers {
        match layer {
            Layer::Cdl(values) => shot.insert_cdl_layer(*values).await?,
        }
    }
    Ok(())
}

/// The setup: a deliverable for each output, and the frames.
async fn setup(
    flapi: &Connection,
    asked: &Asked<'_>,
    scene: &Scene,
    numbers: Numbers,
    whole: FrameRange,
) -> Result<RenderSetup, Failure> {
    let setup = RenderSetup::create(flapi).await?;
    setup.set_scene(scene).await?;
    let folder = asked.folder.to_str().ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "the path is no UTF-8, which a FilmLight server needs").path(asked.folder)
    })?;
    setup.set_container(folder).await?;
    for (n, output) in asked.render.outputs.iter().enumerate() {
        let format = match output.scaled {
            None => "0".to_owned(),
            Some((w, h)) => FormatSet::factory(flapi).await?.basic_format_name(w as i64, h as i64, 1.0).await?,
        };
        setup.add_deliverable(&deliverable(asked, n, output, folder, format)?).await?;
    }
    if asked.render.frames == [whole] {
        setup.select_all().await?;
    } else {
        let range =
            |r: &FrameRange| asked.settings.range_end.range(numbers.to_scene(r.first), numbers.to_scene(r.last));
        let frames: Vec<_> = asked.render.frames.iter().map(range).collect();
        setup.set_frames(&frames).await?;
    }
    Ok(setup)
}

fn deliverable(
    asked: &Asked<'_>,
    n: usize,
    output: &Output,
    folder: &str,
    format: String,
) -> Result<RenderDeliverable> {
    let kind = asked.catalog.deliverable(&output.kind)?;
    Ok(RenderDeliverable {
        name: format!("{}-{n}", output.kind.role()),
        container: Some(folder.to_owned()),
        output_directory: Some(n.to_string()),
        file_name_prefix: prefix(output),
        render_format: Some(format),
        render_colour_space: Some(asked.catalog.space(output.space, asked.settings)?.to_owned()),
        // All layers, or the decoded picture alone.
        render_layer: if output.graded { -1 } else { -2 },
        ..kind
    })
}

fn prefix(output: &Output) -> String {
    format!("{}.", output.kind.role())
}

/// Where the server puts each file: as it says itself, or, where its build cannot say, as it was told.
async fn files(setup: &RenderSetup, asked: &Asked<'_>, numbers: Numbers) -> Result<Vec<Vec<PathBuf>>> {
    let mut all = Vec::new();
    let mut known = HashSet::new();
    for (n, output) in asked.render.outputs.iter().enumerate() {
        let movie = matches!(output.kind, super::recipe::Kind::Movie { .. });
        let each = asked.render.frames.iter().flat_map(|r| r.iter());
        let frames: Vec<i64> = if movie { each.take(1).collect() } else { each.collect() };
        let mut files = Vec::with_capacity(frames.len());
        let mut says = true;
        for frame in frames {
            let scene_frame = numbers.to_scene(frame);
            let said = if says { setup.output_filename(n, scene_frame).await } else { Ok(String::new()) };
            let path = match said {
                Ok(path) if !path.is_empty() => PathBuf::from(path),
                Err(e) if e.is_disconnected() => return Err(as_core(e)),
                _ => {
                    says = false;
                    let extension = asked.catalog.deliverable(&output.kind)?.file_name_extension.unwrap_or_default();
                    let number = if movie { String::new() } else { format!("{scene_frame:07}") };
                    asked.folder.join(n.to_string()).join(format!("{}{number}{extension}", prefix(output)))
                }
            };
            // Whatever a server says, nothing outside of the folder is taken for its work.
            if !path.starts_with(asked.folder) || path.components().any(|c| c == std::path::Component::ParentDir) {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    "the server wants to write outside of the folder it was given",
                )
                .path(path));
            }
            if !known.insert(path.clone()) {
                return Err(
                    Error::new(ErrorKind::Invalid, "the server wants to write two frames into one file").path(path)
                );
            }
            files.push(path);
        }
        all.push(files);
    }
    Ok(all)
}

/// For messages: some frames of a list.
pub(crate) fn shown(frames: Vec<i64>) -> String {
    let ranges = FileSequence::ranges_of(frames);
    let mut said: Vec<String> = ranges.iter().take(8).map(ToString::to_string).collect();
    said.extend((ranges.len() > 8).then(|| "...".to_owned()));
    said.join(", ")
}
