//! Why an output is made.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use crate::record::{Recipe, StageUse};

/// Why an output is made, or made again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// It was never made here.
    New,
    /// A run was killed while it made it.
    Unfinished,
    /// The file is not there any more.
    Missing,
    /// The file is not what was written.
    Altered,
    /// A camera file is another than the one it was made of.
    Input(PathBuf),
    /// Another frame stands in for one that cannot be read, or none does any more.
    StandIn,
    /// A stage has another version: stage, then and now.
    Version(String, u32, u32),
    /// A parameter has another value: stage, parameter, then and now.
    Parameter(String, String, String, String),
    /// Other stages lead to it.
    Stages,
    /// Another fact is known about the clip.
    Fact(String),
    /// An executor of another class makes it: then and now.
    Results(String, String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("not made before"),
            Self::Unfinished => f.write_str("a run ended before it was finished"),
            Self::Missing => f.write_str("the file is gone"),
            Self::Altered => f.write_str("the file is not what was written"),
            Self::Input(path) => write!(f, "the camera file changed: {}", path.display()),
            Self::StandIn => f.write_str("what stands in for unreadable frames changed"),
            Self::Version(stage, then, now) => write!(f, "`{stage}` has version {now}, was {then}"),
            Self::Parameter(stage, name, then, now) => write!(f, "`{name}` of `{stage}` is {now}, was {then}"),
            Self::Stages => f.write_str("other stages lead to it"),
            Self::Fact(name) => write!(f, "`{name}` of the clip is known differently"),
            Self::Results(then, now) => write!(f, "made by `{now}` now, by `{then}` before"),
        }
    }
}

impl Reason {
    /// The first difference between two recipes, in the order of the stages.
    pub(crate) fn between(then: &Recipe, now: &Recipe) -> Option<Self> {
        let names = |r: &Recipe| r.stages.iter().map(|s| s.stage.clone()).collect::<Vec<_>>();
        if names(then) != names(now) {
            return Some(Self::Stages);
        }
        let stages = then.stages.iter().zip(&now.stages).find_map(|(a, b)| between_stages(a, b));
        stages
            .or_else(|| differing(&then.clip, &now.clip, String::new()).map(|(name, ..)| Self::Fact(name)))
            .or_else(|| (then.results != now.results).then(|| Self::Results(then.results.clone(), now.results.clone())))
    }
}

fn between_stages(then: &StageUse, now: &StageUse) -> Option<Reason> {
    if then.version != now.version {
        return Some(Reason::Version(now.stage.clone(), then.version, now.version));
    }
    let (name, a, b) = differing(&then.params, &now.params, String::new())?;
    Some(Reason::Parameter(now.stage.clone(), name, short(a), short(b)))
}

/// The path and the values of the first difference.
fn differing<'a>(a: &'a Value, b: &'a Value, path: String) -> Option<(String, &'a Value, &'a Value)> {
    const NOTHING: &Value = &Value::Null;
    if a == b {
        return None;
    }
    let (Value::Object(x), Value::Object(y)) = (a, b) else { return Some((path, a, b)) };
    x.keys().chain(y.keys()).find_map(|key| {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        differing(x.get(key).unwrap_or(NOTHING), y.get(key).unwrap_or(NOTHING), below)
    })
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn recipe(stages: &[(&str, u32, Value)]) -> Recipe {
        let stages = stages.iter().map(|(stage, version, params)| StageUse {
            stage: (*stage).to_owned(),
            version: *version,
            params: params.clone(),
        });
        Recipe { stages: stages.collect(), clip: json!({ "metadata": { "reel": "A001" } }), results: "local".into() }
    }

    #[test]
    fn the_first_difference_is_named() {
        let cdl = |slope: f64| ("cdl", 1, json!({ "slope": [slope, 1.0, 1.0], "style": "asc" }));
        let then = recipe(&[("debayer", 2, json!({})), cdl(1.0)]);
        assert_eq!(Reason::between(&then, &then), None);
        let why = |now: &Recipe| Reason::between(&then, now).unwrap().to_string();
        let now = recipe(&[("debayer", 2, json!({})), cdl(1.25)]);
        assert_eq!(why(&now), "`slope` of `cdl` is [1.25,1.0,1.0], was [1.0,1.0,1.0]");
        let now = recipe(&[("debayer", 3, json!({})), cdl(1.25)]);
        assert_eq!(why(&now), "`debayer` has version 3, was 2");
        assert_eq!(why(&recipe(&[("debayer", 2, json!({}))])), "other stages lead to it");
        let now = Recipe { clip: json!({ "metadata": { "reel": "A002" } }), ..then.clone() };
        assert_eq!(why(&now), "`metadata.reel` of the clip is known differently");
        let now = Recipe { results: "gpu".into(), ..then.clone() };
        assert_eq!(why(&now), "made by `gpu` now, by `local` before");
    }
}
