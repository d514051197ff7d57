//! Where the files of a sequence go.

use std::str::FromStr;

use rushes_core::deliver::file_stem;
use rushes_core::{Error, ErrorKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The path of each file of a sequence, below the output folder: `plates/{clip}/{clip}.{frame:07}.exr`.
///
/// `{clip}` is the clip's name (characters that no file system takes become `_`), `{frame}` its
/// frame number, `{frame:07}` the same padded with zeros to seven digits, `{ext}` the extension of
/// what is written. `{clip}` and `{frame}` must occur, else files would overwrite each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PathPattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Clip,
    Frame { digits: usize },
    Ext,
}

impl PathPattern {
    /// The path of `frame` of `clip`, with forward slashes.
    pub fn path(&self, clip: &str, frame: i64, ext: &str) -> String {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Text(t) => path.push_str(t),
                Part::Clip => path.push_str(&file_stem(clip)),
                Part::Frame { digits } => path.push_str(&format!("{frame:0digits$}")),
                Part::Ext => path.push_str(ext),
            }
        }
        path
    }
}

impl FromStr for PathPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = |why: String| {
            Error::new(ErrorKind::Invalid, format!("`{text}` is not a pattern for output files: {why}"))
                .advice("write one like plates/{clip}/{clip}.{frame:07}.exr")
        };
        let outside = || bad("it must be a path below the output folder, with forward slashes".into());
        if text.split('/').any(|c| matches!(c, "" | "." | "..")) {
            return Err(outside());
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (token, after) = after.split_once('}').ok_or_else(|| bad("a `{` is not closed".into()))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            parts.push(match token {
                "clip" => Part::Clip,
                "frame" => Part::Frame { digits: 1 },
                "ext" => Part::Ext,
                _ => match token.strip_prefix("frame:0").map(str::parse) {
                    Some(Ok(digits @ 1..=19)) => Part::Frame { digits },
                    _ => return Err(bad(format!("{{{token}}} is none of {{clip}}, {{frame}}, {{frame:07}}, {{ext}}"))),
                },
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        if parts.iter().any(|p| matches!(p, Part::Text(t) if t.contains(['\\', ':']))) {
            return Err(outside());
        }
        let has = |f: fn(&Part) -> bool| parts.iter().any(f);
        if !has(|p| *p == Part::Clip) || !has(|p| matches!(p, Part::Frame { .. })) {
            return Err(bad("it needs {clip} and {frame}".into()));
        }
        // An output named like an original would be taken for one, and might replace one.
        if !matches!(text.rsplit_once('.').map(|(_, ext)| ext), Some("{ext}" | "exr" | "jpg" | "jpeg" | "png")) {
            return Err(bad("it must end in .{ext}, .exr, .jpg or .png".into()));
        }
        Ok(Self { text: text.into(), parts })
    }
}

impl TryFrom<String> for PathPattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<PathPattern> for String {
    fn from(p: PathPattern) -> Self {
        p.text
    }
}

impl std::fmt::Display for PathPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_each_frame() {
        let p: PathPattern = "plates/{clip}/{clip}.{frame:07}.{ext}".parse().unwrap();
        assert_eq!(p.path("A001_C002", 86400, "exr"), "plates/A001_C002/A001_C002.0086400.exr");
        assert_eq!(p.path("../../etc", 3, "exr"), "plates/_._.._etc/_._.._etc.0000003.exr");
        let p: PathPattern = "{clip}_{frame}.jpg".parse().unwrap();
        assert_eq!(p.path("a", 12_345_678, "jpg"), "a_12345678.jpg");
        assert_eq!(serde_json::to_string(&p).unwrap(), "\"{clip}_{frame}.jpg\"");
    }

    #[test]
    fn patterns_that_leave_the_folder_or_collide_are_refused() {
        for (text, why) in [
            ("/abs/{clip}.{frame}", "below the output folder"),
            ("../{clip}.{frame}", "below"),
            ("C:/{clip}.{frame}", "below"),
            ("a\\{clip}.{frame:04}", "below"),
            ("a//{clip}.{frame}", "below"),
            ("", "below"),
            ("{frame}.exr", "needs {clip}"),
            ("{clip}.exr", "needs {clip} and {frame}"),
            ("{clip}.{frame", "not closed"),
            ("{clip}.{frame:4}", "{frame:4} is none of"),
            ("{clip}.{frame:099}", "none of"),
            ("{name}.{frame}", "{name} is none of"),
            ("{clip}_{frame:06}.dng", "must end in"),
        ] {
            let e = text.parse::<PathPattern>().unwrap_err().to_string();
            assert!(e.contains(why), "{text}: {e}");
        }
        assert!(serde_json::from_str::<PathPattern>("\"{clip}\"").unwrap_err().to_string().contains("{frame}"));
    }
}
