//! Rendering a scene with Rushes, under the names of files that FilmLight gives.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rushes::backends::local::LocalExecutor;
use rushes::core::graph::AnyStage;
use rushes::core::media::FrameRange;
use rushes::core::plan::{Unit, UnitNode};
use rushes::core::run::{Executor as _, Outcome, RunContext};
use serde_json::{Map, Value, json};

use crate::faults::{RenderDoes, RenderFault};
use crate::job::Job;
use crate::object::{Layer, Scene, Setup, Shot, lock};
use crate::rpc::{Fault, fault, int, text_of};

/// A render that only wants to be run.
#[derive(Debug)]
pub(crate) struct Order {
    shots: Vec<Shot>,
    working_space: String,
    outputs: Vec<Output>,
    /// Frames of the scene, in order.
    frames: Vec<i64>,
}

/// One deliverable.
#[derive(Debug, Clone)]
struct Output {
    values: Map<String, Value>,
    folder: PathBuf,
}

impl Order {
    /// What `setup` asks for. Ends of ranges are part of them unless `exclusive`.
    pub(crate) fn of(setup: &Setup, exclusive: bool) -> Result<Self, Fault> {
        let Some(scene) = &setup.scene else { return fault("The render setup has no scene") };
        let scene = lock(scene);
        if scene.closed {
            return fault("The scene is closed");
        }
        let outputs: Vec<Output> = setup
            .deliverables
            .iter()
            .filter(|d| int(d.get("Disabled").unwrap_or(&Value::Null)).unwrap_or(0) == 0)
            .map(|d| output(setup, d))
            .collect();
        if outputs.is_empty() {
            return fault("There is nothing to render: no deliverable is enabled");
        }
        let Some(shot) = scene.shots.first() else { return fault("The scene is empty") };
        let end = scene.shots.last().map_or(0, Shot::end);
        let wanted = |f: &i64| match &setup.frames {
            None => true,
            Some(ranges) => ranges.iter().any(|&(a, b)| a <= *f && *f < b + i64::from(!exclusive)),
        };
        let frames: Vec<i64> = (0..end).filter(wanted).collect();
        for output in &outputs {
            chain(&working_space(&scene), shot, output)?;
        }
        let working_space = working_space(&scene);
        Ok(Self { shots: scene.shots.clone(), working_space, outputs, frames })
    }

    pub(crate) fn frames(&self) -> u64 {
        self.frames.len() as u64
    }

    /// Renders. `fault` happens where it says; a process that is to die is ended by `die`.
    pub(crate) async fn run(self, job: Arc<Job>, fault: Option<RenderFault>, slow: Duration, die: impl Fn() + Send) {
        match self.make(&job, fault.as_ref(), slow, &die).await {
            Ok(true) => {
                job.log("info", -1, "Render complete", "");
                job.end("Done", None, 0);
            }
            Ok(false) => {}
            Err(e) => job.end("Done", Some(e.message), 1),
        }
    }

    /// True when it ended well and says so itself.
    async fn make(
        &self,
        job: &Arc<Job>,
        fault: Option<&RenderFault>,
        slow: Duration,
        die: &(impl Fn() + Send),
    ) -> Result<bool, Fault> {
        job.log("info", -1, &format!("Rendering {} frames", self.frames.len()), "");
        for (n, &frame) in self.frames.iter().enumerate() {
            if let Some(early) = fault.filter(|f| f.after == n as u64)
                && self.befalls(job, &early.does, frame, die).await
            {
                return Ok(false);
            }
            if job.cancel.is_cancelled() {
                job.end("Stopped", None, 0);
                return Ok(false);
            }
            tokio::time::sleep(slow).await;
            for output in self.outputs.iter().filter(|o| !o.is_movie()) {
                let (shot, source) = self.shot_at(frame);
                if let Err(e) = self.render(job, output, shot, FrameRange { first: source, last: source }).await {
                    job.log("fail", frame, "Unable to render frame", &e.message);
                    return Err(e);
                }
            }
            job.frame_done();
        }
        for output in self.outputs.iter().filter(|o| o.is_movie()) {
            let (Some(&first), Some(&last)) = (self.frames.first(), self.frames.last()) else { continue };
            let ((shot, from), (_, to)) = (self.shot_at(first), self.shot_at(last));
            if to - from != last - first || self.frames.len() as i64 != last - first + 1 {
                return fault_movie();
            }
            self.render(job, output, shot, FrameRange { first: from, last: to }).await?;
        }
        let last = self.outputs.last().zip(self.frames.last());
        let last = last.map(|(o, &f)| o.path(f, self.shot_at(f).1));
        match (fault.map(|f| &f.does), last) {
            (Some(RenderDoes::Stick), _) => {
                job.cancel.cancelled().await;
                job.end("Stopped", None, 0);
                return Ok(false);
            }
            (Some(RenderDoes::LoseFile), Some(path)) => drop(std::fs::remove_file(path)),
            (Some(RenderDoes::EmptyFile), Some(path)) => drop(std::fs::write(path, b"")),
            (Some(RenderDoes::CutFile), Some(path)) => {
                let bytes = std::fs::read(&path).unwrap_or_default();
                drop(std::fs::write(path, &bytes[..bytes.len() / 2]));
            }
            _ => {}
        }
        Ok(true)
    }

    /// True when the render is over with it.
    async fn befalls(&self, job: &Arc<Job>, does: &RenderDoes, frame: i64, die: &(impl Fn() + Send)) -> bool {
        match does {
            RenderDoes::Stall => {
                job.cancel.cancelled().await;
                job.end("Stopped", None, 0);
            }
            RenderDoes::Crash => job.end("Crashed", None, 0),
            RenderDoes::Stop => job.end("Stopped", None, 0),
            RenderDoes::Error(text) => {
                job.log("fail", frame, text, "");
                job.end("Done", Some(text.clone()), 0);
            }
            RenderDoes::Failed(frames) => {
                job.log("warn", frame, "Decoding is slow", "the simulator says so");
                job.log("fail", frame, "Unable to decode frame", "the simulator says so");
                job.end("Done", None, *frames);
            }
            RenderDoes::Babble(lines) => {
                for n in 0..*lines {
                    job.log("fail", frame + n as i64, &"Unable to decode frame. ".repeat(100), "");
                }
                job.end("Done", None, 1);
            }
            RenderDoes::Die => die(),
            _ => return false,
        }
        true
    }

    /// The shot at a frame of the scene, and the frame of its source.
    fn shot_at(&self, frame: i64) -> (&Shot, i64) {
        let shot = self.shots.iter().find(|s| frame < s.end()).unwrap_or(&self.shots[0]);
        (shot, shot.sequence.range.first + frame - shot.start)
    }

    async fn render(&self, job: &Job, output: &Output, shot: &Shot, range: FrameRange) -> Result<(), Fault> {
        let nodes = chain(&self.working_space, shot, output)?;
        let io = |e: std::io::Error| Fault { code: -32000, message: format!("{}: {e}", output.folder.display()) };
        std::fs::create_dir_all(&output.folder).map_err(io)?;
        let work = tempfile::tempdir_in(&output.folder).map_err(io)?;
        let unit = Unit {
            format: Unit::FORMAT,
            id: "simulated".into(),
            clip: shot.sequence.media.reference(),
            range,
            tree: nodes.into(),
            out: work.path().to_owned(),
            overwrite: true,
            shared: false,
            priority: 0,
            bytes_per_frame: 1,
            standing: Vec::new(),
        };
        let cx = RunContext { cancel: job.cancel.clone(), ..RunContext::plain() };
        let report = LocalExecutor::new(rushes::registry()).run(&unit, &cx).await;
        match report.outcome {
            Outcome::Done => {}
            Outcome::Cancelled => return fault("stopped"),
            Outcome::Failed(f) => return fault(f.message),
        }
        for made in report.outputs {
            let source = if output.is_movie() { range.first } else { made.frames.first };
            let scene_frame = shot.start + source - shot.sequence.range.first;
            std::fs::rename(work.path().join(&made.path), output.path(scene_frame, source)).map_err(io)?;
        }
        Ok(())
    }
}

fn fault_movie<T>() -> Result<T, Fault> {
    fault("the simulator renders movies of consecutive frames of one shot only")
}

fn output(setup: &Setup, values: &Map<String, Value>) -> Output {
    let root = text_of(values, "Container").or(setup.container.as_deref()).unwrap_or("/tmp");
    let folder = Path::new(root).join(text_of(values, "OutputDirectory").unwrap_or(""));
    Output { values: values.clone(), folder }
}

/// Where deliverable `index` of `setup` puts `frame` of the scene.
pub(crate) fn filename(setup: &Setup, index: usize, frame: i64) -> Result<PathBuf, Fault> {
    let Some(values) = setup.deliverables.get(index) else { return fault("There is no such deliverable") };
    let output = output(setup, values);
    let source = setup.scene.as_ref().and_then(|scene| {
        let scene = lock(scene);
        let shot = scene.shots.iter().find(|s| frame < s.end())?;
        Some(shot.sequence.range.first + frame - shot.start)
    });
    Ok(output.path(frame, source.unwrap_or(frame)))
}

impl Output {
    fn text(&self, key: &str) -> Option<&str> {
        text_of(&self.values, key)
    }

    fn is_movie(&self) -> bool {
        self.values.get("IsMovie").and_then(int).is_some_and(|n| n != 0)
    }

    fn path(&self, scene_frame: i64, source_frame: i64) -> PathBuf {
        let part = |key| self.text(key).unwrap_or("");
        let number = if self.is_movie() {
            String::new()
        } else {
            let digits = self.values.get("FileNameNumDigits").and_then(int).unwrap_or(7).clamp(1, 20) as usize;
            let frame = if self.text("FileNameNumber") == Some("G") { source_frame } else { scene_frame };
            format!("{frame:0digits$}")
        };
        let name = [part("FileNamePrefix"), &number, part("FileNamePostfix"), part("FileNameExtension")].concat();
        self.folder.join(name)
    }
}

fn working_space(scene: &Scene) -> String {
    let set = scene.settings.get("WorkingColourSpace").and_then(Value::as_str);
    set.or(text_of(&scene.options, "colourspace")).unwrap_or("ACES_lin").to_owned()
}

/// The stages from the decoder to one output.
fn chain(working_space: &str, shot: &Shot, output: &Output) -> Result<Vec<UnitNode>, Fault> {
    let mut stages: Vec<(&str, Value)> = vec![("decode", json!({})), ("linearize", json!({}))];
    let asked = |key: &str| shot.decode.get(key);
    stages.push(("debayer", json!({ "method": asked("DebayerMethod").cloned().unwrap_or(json!("gbtf")) })));
    let mut transform = json!({ "exposure": asked("Exposure").and_then(Value::as_f64).unwrap_or(0.0) });
    if let Some(kelvin) = asked("ColourTemperature").and_then(Value::as_f64).filter(|k| *k > 0.0) {
        let tint = asked("Tint").and_then(Value::as_f64).unwrap_or(0.0);
        transform["white"] = json!({ "kelvin": { "kelvin": kelvin, "tint": tint } });
    }
    stages.push(("input-transform", transform));
    let space = |name: &str| match name {
        "ACEScct" => Ok("ACEScct"),
        "ACEScg" => Ok("ACEScg"),
        "ACES_lin" => Ok("ACES2065-1"),
        other => fault(format!("the simulator grades in ACES spaces, not in {other}")),
    };
    let layer = output.values.get("RenderLayer").and_then(int).unwrap_or(-1);
    let applied = match layer {
        -2 => 0,
        n if n < 0 => shot.layers.len(),
        n => n as usize + 1,
    };
    for layer in shot.layers.iter().take(applied) {
        stages.push(match layer {
            Layer::Cdl(v) => {
                let space = space(working_space)?;
                let (slope, offset, power) = (&v[..3], &v[3..6], &v[6..9]);
                let params = json!({
                    "slope": slope, "offset": offset, "power": power, "saturation": v[9], "working_space": space
                });
                ("cdl", params)
            }
            Layer::Lut(file, name) => ("lut", json!({ "file": file, "working_space": space(name)? })),
        });
    }
    let display = match output.text("RenderColourSpace").unwrap_or("None") {
        "ACES_lin" | "None" => false,
        "ACEScg" => {
            stages.push(("convert", json!({ "to": "ACEScg" })));
            false
        }
        "Video_Full" => {
            stages.push(("output-transform", json!({ "display": "rec709" })));
            true
        }
        other => return fault(format!("Unknown colour space {other}")),
    };
    if let Some((width, height)) = size(output.text("RenderFormat").unwrap_or("0"))? {
        let state = if display { "display" } else { "scene-linear" };
        stages.push(("scale", json!({ "state": state, "to": { "exact": { "width": width, "height": height } } })));
    }
    stages.push(sink(output, display)?);
    let registry = rushes::registry();
    let node = |(n, (stage, params)): (usize, (&str, Value))| -> Result<UnitNode, Fault> {
        let made = registry.make(stage, params)?;
        let info = made.info();
        Ok(UnitNode {
            id: format!("{stage}-{n}"),
            stage: stage.to_owned(),
            version: info.version(),
            from: n.checked_sub(1),
            params: info.params(),
        })
    };
    stages.into_iter().enumerate().map(node).collect()
}

/// `0` is the shot's own format; others end in their size.
fn size(format: &str) -> Result<Option<(usize, usize)>, Fault> {
    if format == "0" {
        return Ok(None);
    }
    let last = format.rsplit(' ').next().unwrap_or("");
    match last.split_once('x').map(|(w, h)| (w.parse(), h.parse())) {
        Some((Ok(w), Ok(h))) => Ok(Some((w, h))),
        _ => fault(format!("Unknown format {format}")),
    }
}

fn sink(output: &Output, display: bool) -> Result<(&'static str, Value), Fault> {
    let option = |key: &str| output.values.get("ImageOptions").and_then(|o| o.get(key)).and_then(Value::as_str);
    let kind = output.text("FileType").unwrap_or("");
    match (kind, display) {
        ("EXR", false) => {
            let compression = option("compression").unwrap_or("PIZ").to_lowercase();
            Ok(("exr", json!({ "container": "relaxed", "compression": compression })))
        }
        ("JPEG", true) => Ok(("still", json!({ "format": "jpeg", "frames": "all" }))),
        ("PNG", true) => Ok(("still", json!({ "format": "png16", "frames": "all" }))),
        ("lqtmov", true) => {
            let track = if output.values.get("EmbedTimecode").and_then(int) == Some(0) { "none" } else { "clip" };
            let codec = match output.text("MovieCodec") {
                Some("prores_422_proxy") => json!("prores-proxy"),
                Some("dnxhr_lb") => dnxhr_lb(),
                other => return fault(format!("Unable to render with the codec {}", other.unwrap_or("None"))),
            };
            Ok(("movie", json!({ "codec": codec, "timecode": track })))
        }
        (other, _) => fault(format!("Unable to render {other} with the given codec and colour space")),
    }
}

/// DNxHR LB, which FFmpeg makes for this server.
fn dnxhr_lb() -> Value {
    json!({ "ffmpeg": "dnxhd", "args": ["-profile:v", "dnxhr_lb"] })
}

/// Whether this server's machine has FFmpeg.
pub(crate) fn makes_dnxhr() -> bool {
    let sink = rushes::registry().make("movie", json!({ "codec": dnxhr_lb() }));
    matches!(sink, Ok(AnyStage::Sink(movie)) if movie.check_here().is_ok())
}
