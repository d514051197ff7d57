//! What a workflow file may say about a movie.

use std::fmt;

use rushes_core::media::Rate;
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The sink `movie`: one movie a clip, for editorial.
///
/// Takes display pictures in Rec.709 or Rec.2100 (PQ, HLG) and writes `<folder>/<clip>.mov`. Levels are always video
/// range and the colour tags those of the pictures; timecode, reel and rate are the clip's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Movie {
    /// The codec: `"prores-proxy"`, or one of FFmpeg's as a table.
    pub codec: Codec,
    /// The folder below the output folder.
    pub folder: String,
    /// Frames per second; without it, the rate of the clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Whether the movie has a timecode track.
    pub timecode: TimecodeTrack,
}

impl Default for Movie {
    fn default() -> Self {
        Self { codec: Codec::default(), folder: "proxies".into(), rate: None, timecode: TimecodeTrack::default() }
    }
}

/// Whether a movie has a timecode track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimecodeTrack {
    /// The clip's timecode; no track when the clip has none, never a made-up 00:00:00:00.
    #[default]
    Clip,
    /// No track, even if the clip has timecode.
    None,
}

/// Who encodes, and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Codec {
    /// A codec that is built in and needs no other program.
    Embedded(EmbeddedCodec),
    /// A codec of FFmpeg's, run as a child process.
    Ffmpeg(FfmpegCodec),
}

impl Default for Codec {
    fn default() -> Self {
        Self::Embedded(EmbeddedCodec::ProresProxy)
    }
}

/// The codecs that are built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EmbeddedCodec {
    /// SMPTE RDD 36, profile 422 Proxy (ProRes 422 Proxy compatible), in QuickTime.
    ProresProxy,
}

/// A codec of FFmpeg's: `{ ffmpeg = "dnxhd", args = ["-profile:v", "dnxhr_lb"] }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FfmpegCodec {
    /// The encoder's name, as in `ffmpeg -encoders`.
    pub ffmpeg: String,
    /// Output options for it, as on ffmpeg's command line.
    #[serde(default)]
    pub args: Vec<String>,
    /// The file format.
    #[serde(default)]
    pub container: Container,
}

/// Options that may be given to an encoder: what they change is how the picture is coded. Options
/// that name files, add outputs or change the picture itself are left to whoever runs FFmpeg.
const OPTIONS: &[&str] = &[
    "alpha_bits",
    "b",
    "b_strategy",
    "bf",
    "bits_per_mb",
    "bufsize",
    "coder",
    "compression_level",
    "cq",
    "crf",
    "dia_size",
    "field_order",
    "g",
    "global_quality",
    "huffman",
    "i_qfactor",
    "intra_vlc",
    "keyint_min",
    "level",
    "maxrate",
    "mbd",
    "mbs_per_slice",
    "minrate",
    "movflags",
    "nitris_compat",
    "non_linear_quant",
    "pix_fmt",
    "pred",
    "preset",
    "profile",
    "q",
    "qcomp",
    "qmax",
    "qmin",
    "qp",
    "qscale",
    "quality",
    "quant_mat",
    "rc",
    "refs",
    "sc_threshold",
    "slices",
    "slicecrc",
    "tag",
    "thread_type",
    "threads",
    "tier",
    "trellis",
    "tune",
    "usage",
    "vendor",
    "vtag",
];

impl FfmpegCodec {
    /// Checks that nothing in it means anything but an encoder and how it codes.
    ///
    /// # Errors
    /// What is not allowed, by its name.
    pub(crate) fn check(&self) -> Result<()> {
        let bad = |what: String| {
            Error::new(ErrorKind::Invalid, what)
                .doing("reading the options of an FFmpeg codec")
                .advice("give pairs of an option of the encoder and its value, such as -profile:v dnxhr_lb or -crf 20")
        };
        if self.ffmpeg.is_empty() || !self.ffmpeg.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) {
            return Err(bad(format!("`{}` is not the name of an encoder", self.ffmpeg)));
        }
        for pair in self.args.chunks(2) {
            let option = pair[0].strip_prefix('-').map(|o| o.split(':').next().unwrap_or(o));
            let Some(option) = option.filter(|o| OPTIONS.contains(o)) else {
                return Err(bad(format!("`{}` is not an option that may be given", pair[0])));
            };
            let value = pair.get(1).ok_or_else(|| bad(format!("`-{option}` has no value")))?;
            if value.starts_with('-') && value.parse::<f64>().is_err() {
                return Err(bad(format!("`-{option}` has no value: `{value}` is an option")));
            }
        }
        Ok(())
    }
}

/// The file format FFmpeg writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    /// QuickTime.
    #[default]
    Mov,
    /// SMPTE ST 377-1, operational pattern 1a.
    Mxf,
    /// ISO/IEC 14496-14, for review: FFmpeg puts no reel name into it.
    Mp4,
}

impl Container {
    /// The file name's extension, which is also the name of FFmpeg's muxer.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Mov => "mov",
            Self::Mxf => "mxf",
            Self::Mp4 => "mp4",
        }
    }

    /// False for MP4, whose timecode track FFmpeg gives no reel name.
    pub const fn carries_reel(self) -> bool {
        !matches!(self, Self::Mp4)
    }
}

impl Codec {
    /// The extension of the movies it makes.
    pub const fn extension(&self) -> &'static str {
        match self {
            Self::Embedded(_) => Container::Mov.extension(),
            Self::Ffmpeg(f) => f.container.extension(),
        }
    }
}

// By hand, because serde's untagged enums answer every mistake with "did not match any variant".
impl<'de> Deserialize<'de> for Codec {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Codec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#""prores-proxy", or a table such as { ffmpeg = "libx264", args = ["-crf", "20"] }"#)
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Codec, E> {
                match name {
                    "prores-proxy" => Ok(Codec::Embedded(EmbeddedCodec::ProresProxy)),
                    _ => Err(E::custom(format!(
                        "`{name}` is not a built-in codec: write \"prores-proxy\", or {{ ffmpeg = \"{name}\" }} for \
                         an encoder of FFmpeg's"
                    ))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Codec, A::Error> {
                FfmpegCodec::deserialize(de::value::MapAccessDeserializer::new(map)).map(Codec::Ffmpeg)
            }
        }
        d.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_survive_a_round_trip_and_typos_are_named() {
        let m: Movie = serde_json::from_str("{}").unwrap();
        assert_eq!(m, Movie::default());
        assert_eq!(
            serde_json::to_string(&m).unwrap(),
            r#"{"codec":"prores-proxy","folder":"proxies","timecode":"clip"}"#
        );
        let text = r#"{"codec":{"ffmpeg":"dnxhd","args":["-profile:v","dnxhr_lb"],"container":"mxf"},"rate":"25"}"#;
        let m: Movie = serde_json::from_str(text).unwrap();
        assert_eq!(m.codec.extension(), "mxf");
        let again: Movie = serde_json::from_value(serde_json::to_value(&m).unwrap()).unwrap();
        assert_eq!(m, again);

        let error = |text: &str| serde_json::from_str::<Movie>(text).unwrap_err().to_string();
        assert!(error(r#"{"codec":"libx264"}"#).contains(r#"{ ffmpeg = "libx264" }"#));
        assert!(error(r#"{"codec":{"ffmpeg":"x","arg":[]}}"#).contains("unknown field `arg`"));
        assert!(error(r#"{"codec":3}"#).contains("prores-proxy"));
        assert!(error(r#"{"fodler":"x"}"#).contains("unknown field `fodler`"));
        assert!(error(r#"{"rate":"fast"}"#).contains("not a frame rate"));
    }
}
