//! From a unit's tree to what is asked of a server. Whatever cannot be asked for is refused.

use rushes_core::graph::{AnyStage, Registry};
use rushes_core::plan::{Tree, Unit, UnitNode, Work};
use rushes_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

/// What a unit asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recipe {
    /// Exposure in stops, where it is not 0.
    pub(crate) exposure: Option<f64>,
    /// White balance as kelvin and tint.
    pub(crate) white: Option<(f64, f64)>,
    pub(crate) layers: Vec<Layer>,
    /// The space the layers are computed in, as Rushes names it.
    pub(crate) working_space: Option<String>,
    pub(crate) outputs: Vec<Output>,
    /// Whether a stage `debayer` is in the tree, whose work the camera maker's library does in its own way.
    pub(crate) debayers: bool,
}

/// A layer on a shot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Layer {
    /// Slope, offset, power, saturation.
    Cdl([f64; 10]),
}

/// One sink.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    /// Its node in the tree.
    pub(crate) node: usize,
    pub(crate) kind: Kind,
    pub(crate) space: Space,
    /// Whether the layers are on it.
    pub(crate) graded: bool,
    /// Columns and rows, where they are not those of the source.
    pub(crate) scaled: Option<(usize, usize)>,
    /// Columns and rows.
    pub(crate) size: (usize, usize),
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// OpenEXR with a compression, in Rushes' word for it.
    Exr { compression: String },
    /// JPEG or PNG.
    Still { png: bool },
    /// QuickTime with a codec, in words that are looked for on the server; `None` for ProRes 422 Proxy.
    Movie { codec: Vec<String>, timecode: bool },
}

impl Kind {
    /// What it is in a report.
    pub(crate) fn role(&self) -> &'static str {
        match self {
            Self::Exr { .. } => "plate",
            Self::Still { .. } => "still",
            Self::Movie { .. } => "proxy",
        }
    }
}

/// The space of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    Aces2065_1,
    AcesCg,
    Rec709,
}

/// What `node` says that differs from what its stage says by itself.
fn changed(node: &UnitNode, registry: &Registry, needed: &[&str]) -> Result<Map<String, Value>> {
    let given = node.params.as_object().cloned().unwrap_or_default();
    let least: Map<String, Value> = given.iter().filter(|(k, _)| needed.contains(&k.as_str())).map(own).collect();
    let stage = registry.make(&node.stage, Value::Object(least))?;
    let defaults = stage.info().params();
    Ok(given.iter().filter(|(k, v)| needed.contains(&k.as_str()) || defaults.get(k) != Some(v)).map(own).collect())
}

fn own((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

fn refuse<T>(node: &UnitNode, what: impl std::fmt::Display) -> Result<T> {
    Err(Error::new(ErrorKind::Unsupported, format!("`{}`: a FilmLight server cannot do this: {what}", node.id)))
}

/// Refuses every parameter that is left: it would be dropped.
fn none_left(node: &UnitNode, left: &Map<String, Value>) -> Result<()> {
    match left.iter().next() {
        None => Ok(()),
        Some((key, value)) => refuse(node, format!("{key} = {value}")),
    }
}

impl Recipe {
    /// What `unit` asks for.
    ///
    /// # Errors
    /// The first thing that cannot be asked for.
    pub(crate) fn of(unit: &Unit, tree: &Tree, registry: &Registry) -> Result<Self> {
        let mut recipe = Self {
            exposure: None,
            white: None,
            layers: Vec::new(),
            working_space: None,
            outputs: Vec::new(),
            debayers: false,
        };
        let reader = tree.source().open(&unit.clip)?;
        let first = reader.format(unit.range.first)?;
        let prepared = tree.prepare(&first, |n| !unit.to_make(n).is_empty())?;
        let mut paths: Vec<Vec<usize>> = Vec::new();
        let mut developed: Option<Vec<usize>> = None;
        for (sink, _) in tree.sinks() {
            let mut path = Vec::new();
            let mut at = tree.node(sink).0.from;
            while let Some(node) = at.filter(|n| *n > 0) {
                path.push(node);
                at = tree.node(node).0.from;
            }
            path.reverse();
            let layers: Vec<usize> =
                path.iter().copied().filter(|n| matches!(tree.node(*n).0.stage.as_str(), "cdl" | "lut")).collect();
            paths.push(layers);
            let size = (prepared.nodes[sink].format.width, prepared.nodes[sink].format.height);
            if matches!(prepared.nodes[sink].work, Work::Idle) {
                continue;
            }
            one_development(tree, sink, &path, &mut developed)?;
            let output = recipe.output(tree, registry, sink, &path, size)?;
            recipe.outputs.push(output);
        }
        recipe.stack(tree, registry, &paths)?;
        Ok(recipe)
    }

    /// The layers: all outputs have all of them, or none.
    fn stack(&mut self, tree: &Tree, registry: &Registry, paths: &[Vec<usize>]) -> Result<()> {
        let Some(longest) = paths.iter().max_by_key(|p| p.len()) else { return Ok(()) };
        if let Some(path) = paths.iter().find(|p| !p.is_empty() && *p != longest) {
            let node = tree.node(path[0]).0;
            return refuse(node, "outputs with different looks in one unit; make them in two workflows");
        }
        for &n in longest {
            let node = tree.node(n).0;
            if node.stage == "lut" {
                return refuse(node, "a .cube look, which it may read otherwise than Rushes; put it into a BLG");
            }
            let mut given = changed(node, registry, &[])?;
            let space = node.params.get("working_space").and_then(Value::as_str).unwrap_or("ACEScct").to_owned();
            given.remove("working_space");
            for key in ["slope", "offset", "power", "saturation"] {
                given.remove(key);
            }
            none_left(node, &given)?;
            if self.working_space.replace(space.clone()).is_some_and(|other| other != space) {
                return refuse(node, "layers in different working spaces");
            }
            self.layers.push(Layer::Cdl(numbers(node)?));
        }
        Ok(())
    }

    /// One output, and the wishes of the stages before it.
    fn output(
        &mut self,
        tree: &Tree,
        registry: &Registry,
        sink: usize,
        path: &[usize],
        size: (usize, usize),
    ) -> Result<Output> {
        let mut output = Output {
            node: sink,
            kind: kind(tree.node(sink).0, tree.node(sink).1, registry)?,
            space: Space::Aces2065_1,
            graded: false,
            scaled: None,
            size,
        };
        let mut scaled_by: Option<&UnitNode> = None;
        for &n in path {
            let node = tree.node(n).0;
            if let Some(scale) = scaled_by {
                return refuse(scale, format!("scaling before `{}`: it scales last", node.id));
            }
            match node.stage.as_str() {
                "linearize" => none_left(node, &changed(node, registry, &[])?)?,
                // The maker's library has one of its own; what is not said here is not lost.
                "debayer" => {
                    none_left(node, &changed(node, registry, &[])?)?;
                    self.debayers = true;
                }
                "input-transform" => self.input_transform(node, registry)?,
                "cdl" | "lut" => output.graded = true,
                "convert" => {
                    output.space = match node.params.get("to").and_then(Value::as_str) {
                        Some("ACEScg") => Space::AcesCg,
                        Some("ACES2065-1") => Space::Aces2065_1,
                        other => return refuse(node, format!("pictures in {}", other.unwrap_or("no space"))),
                    };
                }
                "output-transform" => {
                    let changed = changed(node, registry, &[])?;
                    if let Some(display) = changed.get("display") {
                        return refuse(node, format!("the display {display}, for which it has no name that is known"));
                    }
                    output.space = Space::Rec709;
                }
                "scale" => {
                    let mut given = changed(node, registry, &["state", "to"])?;
                    // What they decide has been decided: the size of the output.
                    for key in ["state", "to", "even", "enlarge"] {
                        given.remove(key);
                    }
                    none_left(node, &given)?;
                    output.scaled = Some(size);
                    scaled_by = Some(node);
                }
                other => return refuse(node, format!("the stage `{other}`")),
            }
        }
        Ok(output)
    }

    fn input_transform(&mut self, node: &UnitNode, registry: &Registry) -> Result<()> {
        let mut given = changed(node, registry, &[])?;
        self.exposure = given.remove("exposure").and_then(|e| e.as_f64());
        if let Some(white) = given.remove("white") {
            let kelvin = white.get("kelvin").and_then(|k| k.get("kelvin")).and_then(Value::as_f64);
            let Some(kelvin) = kelvin else {
                return refuse(node, format!("white = {white}: give it in kelvin"));
            };
            let tint = white["kelvin"].get("tint").and_then(Value::as_f64).unwrap_or(0.0);
            self.white = Some((kelvin, tint));
        }
        none_left(node, &given)
    }
}

/// A shot has one exposure and one white balance: all outputs come from one `input-transform`, or none does.
fn one_development(tree: &Tree, sink: usize, path: &[usize], first: &mut Option<Vec<usize>>) -> Result<()> {
    let here: Vec<usize> = path.iter().copied().filter(|n| tree.node(*n).0.stage == "input-transform").collect();
    let what = "outputs that are developed differently in one unit; make them in two workflows";
    match first {
        _ if here.len() > 1 => refuse(tree.node(here[1]).0, "one `input-transform` after another"),
        None => {
            *first = Some(here);
            Ok(())
        }
        Some(first) if *first == here => Ok(()),
        Some(_) => refuse(tree.node(here.first().copied().unwrap_or(sink)).0, what),
    }
}

fn numbers(node: &UnitNode) -> Result<[f64; 10]> {
    let mut all = Vec::with_capacity(10);
    for key in ["slope", "offset", "power"] {
        all.extend(node.params.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(number));
    }
    all.extend(node.params.get("saturation").and_then(number));
    let known: Result<[f64; 10], _> = all.try_into();
    known.or_else(|_| refuse(node, "a CDL that is not ten numbers"))
}

/// As it was written: 1.2, where the stage's 32 bits make 1.2000000476837158 of it.
fn number(value: &Value) -> Option<f64> {
    let wide = value.as_f64()?;
    let narrow = wide as f32;
    Some(if f64::from(narrow) == wide { narrow.to_string().parse().unwrap_or(wide) } else { wide })
}

fn kind(node: &UnitNode, stage: &AnyStage, registry: &Registry) -> Result<Kind> {
    let name = stage.info().name();
    if !matches!(name, "exr" | "still" | "movie") {
        return refuse(node, format!("the output `{name}`"));
    }
    let text = |key: &str| node.params.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut given = changed(node, registry, &[])?;
    // Where files go, and which frames become some, the stage says itself.
    for key in ["pattern", "folder", "frames"] {
        given.remove(key);
    }
    let kind = match name {
        "exr" => {
            if text("container") == "strict" {
                let what = "plates after SMPTE ST 2065-4 (container = \"strict\", which is the default); set container = \
                            \"relaxed\" and a compression, such as \"piz\", or exr = \"piz\" in the recipe (`--exr piz`)";
                return refuse(node, what);
            }
            given.remove("container");
            given.remove("compression");
            Kind::Exr { compression: text("compression") }
        }
        "still" => {
            let format = text("format");
            if format == "png8" {
                return refuse(node, "PNGs of 8 bits, of which it is not known whether it makes them");
            }
            given.remove("format");
            Kind::Still { png: format == "png16" }
        }
        _ => {
            given.remove("codec");
            given.remove("timecode");
            Kind::Movie { codec: codec(node)?, timecode: text("timecode") != "none" }
        }
    };
    none_left(node, &given)?;
    Ok(kind)
}

/// The words by which a codec is found among a server's.
fn codec(node: &UnitNode) -> Result<Vec<String>> {
    let codec = node.params.get("codec").cloned().unwrap_or_default();
    if codec == json!("prores-proxy") {
        return Ok(["prores422proxy", "proresproxy"].map(str::to_owned).to_vec());
    }
    let arguments: Vec<&str> =
        codec.get("args").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let profile = match arguments.as_slice() {
        ["-profile:v" | "-profile", profile] => *profile,
        _ => "",
    };
    let container = codec.get("container").and_then(Value::as_str).unwrap_or("mov");
    match (codec.get("ffmpeg").and_then(Value::as_str), profile) {
        (Some("dnxhd"), "dnxhr_lb" | "dnxhr_sq" | "dnxhr_hq" | "dnxhr_hqx" | "dnxhr_444") if container == "mov" => {
            Ok(vec![profile.replace('_', "")])
        }
        _ => refuse(node, format!("the codec {codec}: it makes prores-proxy, and dnxhd with a profile of DNxHR")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn movie(codec: Value) -> UnitNode {
        let params = json!({ "codec": codec });
        UnitNode { id: "proxy".into(), stage: "movie".into(), version: 1, from: Some(0), params }
    }

    #[test]
    fn codecs_become_the_words_that_are_looked_for() {
        assert_eq!(codec(&movie(json!("prores-proxy"))).unwrap(), ["prores422proxy", "proresproxy"]);
        let dnxhr = |profile: &str| json!({ "ffmpeg": "dnxhd", "args": ["-profile:v", profile], "container": "mov" });
        assert_eq!(codec(&movie(dnxhr("dnxhr_lb"))).unwrap(), ["dnxhrlb"]);
        for refused in [
            dnxhr("dnxhd"),
            json!({ "ffmpeg": "dnxhd", "args": ["-profile:v", "dnxhr_lb", "-b:v", "36M"], "container": "mov" }),
            json!({ "ffmpeg": "dnxhd", "args": ["-profile:v", "dnxhr_lb"], "container": "mxf" }),
            json!({ "ffmpeg": "libx264", "args": [] }),
        ] {
            let e = codec(&movie(refused)).unwrap_err().to_string();
            assert!(e.starts_with("`proxy`: a FilmLight server cannot do this"), "{e}");
        }
    }

    #[test]
    fn numbers_are_sent_as_they_were_written() {
        assert_eq!(number(&json!(f64::from(1.2f32))), Some(1.2));
        assert_eq!(number(&json!(0.1 + 0.2)), Some(0.1 + 0.2), "what is no 32-bit number stays");
        assert_eq!(number(&json!("1")), None);
    }
}
