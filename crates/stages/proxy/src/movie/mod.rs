//! Editorial proxy movies: display rows in, a QuickTime movie out that an editor can relink.
//!
//! One frame's way: [`Movie`] is the sink. Its rows become 10-bit 4:2:2 Y'CbCr (`ycbcr`), a
//! picture becomes a packet (`encode`: RDD 36 "422 Proxy" built in, no system package), packets
//! are laid down in frame order by our own muxer (`mov`) together with a timecode track, the reel
//! name and the colour tags. Before the file gets its final name it is read back and compared
//! with what was asked (`relink`): a proxy that would not relink is refused, not delivered.
//!
//! Every other codec is FFmpeg's, when the `ffmpeg` program is there (`ffmpeg`): it is run as a
//! child process and fed the same pictures, so that nothing of it is linked.
//!
//! ```
//! use rushes_proxy::movie::Movie;
//! let proxy: Movie = serde_json::from_str(r#"{ "folder": "editorial", "rate": "24000/1001" }"#)?;
//! let review: Movie = serde_json::from_str(
//!     r#"{ "codec": { "ffmpeg": "libx264", "args": ["-crf", "20"], "container": "mp4" } }"#,
//! )?;
//! assert_ne!(proxy.codec, review.codec);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod coding;
mod encode;
mod facts;
mod ffmpeg;
mod mov;
mod params;
mod prores;
mod recorder;
mod relink;
mod sink;
mod ycbcr;

pub use params::{Codec, Container, EmbeddedCodec, FfmpegCodec, Movie, TimecodeTrack};

#[cfg(test)]
mod tests;
