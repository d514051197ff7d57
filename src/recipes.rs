//! Ready-made workflows, as workflow files: print one with `rushes plan ... --format workflow`
//! and start your own from it.

use std::path::PathBuf;

use rushes_core::graph::{StageSpec, WorkflowFile};
use rushes_core::media::Rate;
use serde_json::{Map, Value, json};

/// Ingest, validate and normalize, and nothing more: what `rushes inspect` runs. With `ask_filmlight` a FilmLight server
/// is asked as well ([`Dailies::ask_filmlight`]).
pub fn inspect(ask_filmlight: bool) -> WorkflowFile {
    let mut flow = Chain::new("inspect");
    flow.stage("ingest", "ingest", json!({}));
    flow.stage("validate", "validate", json!({}));
    flow.stage("normalize", "normalize", json!({}));
    if ask_filmlight {
        flow.stage("filmlight-inspect", "filmlight-inspect", json!({}));
    }
    flow.file
}

/// Plates, proxies and stills.
///
/// One decode feeds all of them: the plate branches off in ACES2065-1; look, output transform and
/// scaling follow in the order that [`Dailies::order`] says, and stills and proxy alike get what comes
/// of them (desqueezed, where the lens squeezed it).
#[derive(Debug, Clone, PartialEq)]
pub struct Dailies {
    /// `superpixel`, `bilinear`, `malvar`, `rcd` or `gbtf`.
    pub debayer: String,
    /// The input transform's `white`, for clips that do not state one or instead of it.
    pub white: Option<Value>,
    /// Exposure in stops.
    pub exposure: f64,
    /// Whether highlights beyond the first clipped channel are kept.
    pub keep_highlights: bool,
    /// Frame rate of clips that do not state one.
    pub rate: Option<Rate>,
    /// Reel of clips that do not state one.
    pub reel: Option<String>,
    /// Timecode of the first frame of clips that do not state one.
    pub timecode: Option<String>,
    /// ASC CDL for proxies and stills.
    pub cdl: Option<PathBuf>,
    /// .cube look for proxies and stills.
    pub lut: Option<PathBuf>,
    /// The space the CDL and the look were made in: `ACEScct`, or another of
    /// [`WorkingSpace`](crate::stages::color::WorkingSpace), such as `LogC4/AWG4`.
    pub look_space: String,
    /// The display that proxies and stills are rendered for: `rec709`, or one of Rec.2100's, such as
    /// `rec2100-pq-1000` (PQ, 1,000 nits) or `rec2100-hlg-1000`. HDR stills are 16-bit PNGs.
    pub display: String,
    /// `strict` for SMPTE ST 2065-4 plates, or a compression: `none`, `piz`, `zip`, `dwab` ...
    pub exr: String,
    /// The box the proxy fits into, columns and rows.
    pub proxy_size: (usize, usize),
    /// Whether pictures are rendered for the display before they are scaled, or after.
    pub order: ProxyOrder,
    /// `prores-proxy`, or `ffmpeg:` and one of FFmpeg's encoders with its options.
    pub proxy_codec: String,
    /// `refuse`, `hold` or `black` for missing frames and frames that cannot be read.
    pub on_bad_frame: String,
    /// Whether a FilmLight server is asked about the clips, so that those which it alone decodes can be planned: for
    /// jobs that have one (`Job::filmlight`).
    pub ask_filmlight: bool,
    /// Whether plates are made.
    pub plates: bool,
    /// Whether proxies and stills are made.
    pub proxies: bool,
}

/// The order of look and output transform on one side and scaling on the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyOrder {
    /// The look and the output transform at full size, then the scaling of what a display shows: every
    /// pixel of the camera is rendered.
    #[default]
    RenderFirst,
    /// The scaling of scene light (averaged as its logarithm), then look and output transform, which see a
    /// quarter of the pixels of a 4K clip. Proxies of camera files that are scaled differ from those rendered first by 53
    /// to 60 dB in luma.
    ScaleFirst,
}

impl Default for Dailies {
    fn default() -> Self {
        Self {
            debayer: "gbtf".into(),
            white: None,
            exposure: 0.0,
            keep_highlights: false,
            rate: None,
            reel: None,
            timecode: None,
            cdl: None,
            lut: None,
            look_space: "ACEScct".into(),
            display: "rec709".into(),
            exr: "strict".into(),
            proxy_size: (1920, 1080),
            order: ProxyOrder::default(),
            proxy_codec: "prores-proxy".into(),
            on_bad_frame: "refuse".into(),
            ask_filmlight: false,
            plates: true,
            proxies: true,
        }
    }
}

impl Dailies {
    /// The same without proxies and stills.
    pub fn plates_only(mut self) -> Self {
        (self.plates, self.proxies) = (true, false);
        self
    }

    /// The same without plates.
    pub fn proxies_only(mut self) -> Self {
        (self.plates, self.proxies) = (false, true);
        self
    }

    /// The workflow.
    pub fn workflow(&self) -> WorkflowFile {
        let mut flow = Chain::new(match (self.plates, self.proxies) {
            (true, false) => "plates",
            (false, true) => "proxies",
            _ => "dailies",
        });
        let bad = &self.on_bad_frame;
        flow.stage("ingest", "ingest", json!({}));
        flow.stage(
            "validate",
            "validate",
            json!({ "gap": bad, "zero_byte": bad, "truncated": bad, "undecodable": bad }),
        );
        flow.stage("normalize", "normalize", self.normalize());
        if self.ask_filmlight {
            flow.stage("filmlight-inspect", "filmlight-inspect", json!({}));
        }
        flow.stage("decode", "decode", json!({}));
        for (id, stage, params) in self.to_aces() {
            flow.stage(id, stage, params);
        }
        if self.plates {
            let (container, compression) =
                if self.exr == "strict" { ("strict", "none") } else { ("relaxed", self.exr.as_str()) };
            flow.branch("plate", "exr", json!({ "container": container, "compression": compression }));
        }
        if self.proxies {
            for (id, stage, params) in self.to_proxy() {
                flow.stage(id, stage, params);
            }
            let mut still = json!({ "frames": "contact" });
            if self.display != "rec709" {
                still["format"] = json!("png16");
            }
            flow.branch("still", "still", still);
            flow.branch("proxy", "movie", self.movie());
        }
        flow.file
    }

    /// The stages of one picture from the decoder to the display, at the proxy's size, and their parameters: what a
    /// [`Preview`](rushes_local::Preview) runs.
    ///
    /// ```no_run
    /// use rushes::backends::local::Preview;
    /// use rushes::recipes::Dailies;
    /// # fn f(clip: &rushes::core::stage::ClipRef) -> rushes::Result<()> {
    /// let recipe = Dailies { debayer: "superpixel".into(), ..Dailies::default() };
    /// let preview = Preview::open(&rushes::registry(), clip, &recipe.picture())?;
    /// let (format, rgb) = preview.frame(86_400)?;
    /// assert_eq!(rgb.dim(), (3, format.height, format.width));
    /// # Ok(()) }
    /// ```
    pub fn picture(&self) -> Vec<(&'static str, Value)> {
        let decode = [("decode", json!({}))];
        let stages = self.to_aces().into_iter().chain(self.to_proxy()).map(|(_, stage, params)| (stage, params));
        decode.into_iter().chain(stages).collect()
    }

    /// The frame stages from ACES2065-1 to the display at the proxy's size.
    fn to_proxy(&self) -> Vec<(&'static str, &'static str, Value)> {
        let (width, height) = self.proxy_size;
        let mut size = json!({ "to": { "fit": { "width": width, "height": height } }, "even": true });
        let mut stages = self.to_display();
        match self.order {
            ProxyOrder::ScaleFirst => {
                size["state"] = json!("scene-linear");
                size["domain"] = json!("log");
                stages.insert(0, ("proxy-size", "scale", size));
            }
            ProxyOrder::RenderFirst => {
                size["state"] = json!("display");
                stages.push(("proxy-size", "scale", size));
            }
        }
        stages
    }

    /// The frame stages from the mosaic to ACES2065-1: id, stage and parameters.
    pub(crate) fn to_aces(&self) -> Vec<(&'static str, &'static str, Value)> {
        let mut transform = json!({
            "exposure": self.exposure,
            "highlights": if self.keep_highlights { "keep" } else { "clip" },
        });
        if let Some(white) = &self.white {
            transform["white"] = white.clone();
        }
        vec![
            ("linearize", "linearize", json!({})),
            ("debayer", "debayer", json!({ "method": self.debayer })),
            ("aces", "input-transform", transform),
        ]
    }

    /// The frame stages from ACES2065-1 to the display.
    pub(crate) fn to_display(&self) -> Vec<(&'static str, &'static str, Value)> {
        let mut stages = Vec::new();
        if let Some(path) = &self.cdl {
            stages.push(("cdl", "cdl", json!({ "file": path, "working_space": self.look_space })));
        }
        if let Some(path) = &self.lut {
            stages.push(("look", "lut", json!({ "file": path, "working_space": self.look_space })));
        }
        stages.push(("display", "output-transform", json!({ "display": self.display })));
        stages
    }

    pub(crate) fn normalize(&self) -> Value {
        let mut params = Map::new();
        params.extend(self.rate.map(|rate| ("rate".to_owned(), json!(rate))));
        params.extend(self.reel.as_ref().map(|reel| ("reel".to_owned(), json!(reel))));
        params.extend(self.timecode.as_ref().map(|timecode| ("timecode".to_owned(), json!(timecode))));
        Value::Object(params)
    }

    fn movie(&self) -> Value {
        let codec = match self.proxy_codec.strip_prefix("ffmpeg:") {
            None => json!(self.proxy_codec),
            Some(line) => {
                let mut words = line.split_whitespace();
                json!({ "ffmpeg": words.next().unwrap_or_default(), "args": words.collect::<Vec<_>>() })
            }
        };
        json!({ "codec": codec })
    }
}

/// A workflow file under construction, each stage after the last.
struct Chain {
    file: WorkflowFile,
    last: Option<String>,
}

impl Chain {
    fn new(name: &str) -> Self {
        Self {
            file: WorkflowFile { version: WorkflowFile::VERSION, name: name.into(), stages: Vec::new() },
            last: None,
        }
    }

    /// A stage that the next one takes from.
    fn stage(&mut self, id: &str, stage: &str, params: Value) {
        self.branch(id, stage, params);
        self.last = Some(id.to_owned());
    }

    /// A stage that nothing takes from.
    fn branch(&mut self, id: &str, stage: &str, params: Value) {
        let params = match params {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        let id_given = (id != stage).then(|| id.to_owned());
        self.file.stages.push(StageSpec { id: id_given, stage: stage.into(), from: self.last.clone(), params });
    }
}
