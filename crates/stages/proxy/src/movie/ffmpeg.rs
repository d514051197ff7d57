//! FFmpeg's codecs, by running the `ffmpeg` program: nothing of it is linked, and what befalls it
//! does not befall us.
//!
//! It is fed the same 4:2:2 pictures as our own encoder, as raw video on its standard input, and
//! told everything explicitly: levels, colour tags, rate, timecode, reel. It writes into a
//! temporary, which goes through the relink check and then into its place.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rushes_core::media::{Digest, Rate, Timecode};
use rushes_core::{Error, ErrorKind, Result};

use super::facts::MovieFacts;
use super::mov::{Found, read};
use super::params::{Container, FfmpegCodec};
use super::recorder::{Recorder, writing};
use super::relink;
use rushes_core::deliver::{AtomicFile, Existing};

/// The `ffmpeg` program.
///
/// # Errors
/// When it is not in `PATH`; the message says what to install.
pub(super) fn locate(codec: &FfmpegCodec) -> Result<PathBuf> {
    in_path("ffmpeg").ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            format!("the codec `{}` is FFmpeg's, and there is no program `ffmpeg` in PATH", codec.ffmpeg),
        )
        .advice("install FFmpeg (apt install ffmpeg, brew install ffmpeg), or use the codec \"prores-proxy\"")
    })
}

/// A movie that `ffmpeg` is making.
#[derive(Debug)]
pub(super) struct Ffmpeg {
    child: Child,
    stdin: Option<ChildStdin>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    /// Its path meanwhile.
    scratch: PathBuf,
    target: PathBuf,
    container: Container,
    /// What `ffmpeg` writes into; it gets its name when it was found right. Last, because it goes after `ffmpeg`.
    file: Option<AtomicFile>,
    facts: MovieFacts,
}

impl Ffmpeg {
    /// Starts `ffmpeg` on the movie `target`.
    pub(super) fn create(codec: &FfmpegCodec, target: &Path, existing: Existing, facts: MovieFacts) -> Result<Self> {
        // Another machine may have it: of the unit this says nothing.
        let program = locate(codec).map_err(Error::retryable)?;
        let mut file = AtomicFile::create(target, existing)?;
        let scratch = file.lend().to_owned();
        let mut child = Command::new(&program)
            .args(arguments(codec, &facts, &scratch))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| Error::io(&program, e).doing("starting ffmpeg"))?;
        let stdin = child.stdin.take();
        let stderr = child.stderr.take().map(|pipe| std::thread::spawn(move || tail(pipe)));
        let target = target.to_owned();
        Ok(Self { child, stdin, stderr, scratch, target, container: codec.container, file: Some(file), facts })
    }

    /// What `ffmpeg` said last, once it has ended.
    fn complaint(&mut self) -> Error {
        self.stdin = None;
        // It closed its input, so that it is about to end; it is not waited for long.
        let patience = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let status = self.child.wait().map_or_else(|e| e.to_string(), |s| s.to_string());
        let said = self.stderr.take().and_then(|t| t.join().ok()).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        let last = lines[lines.len().saturating_sub(4)..].join(" / ");
        Error::new(ErrorKind::Unsupported, format!("ffmpeg ended with {status}: {last}"))
            .doing("encoding a movie with ffmpeg")
            .path(&self.target)
            .advice("check the codec's name and `args`; `ffmpeg -encoders` lists what it has")
    }

    /// What the file says about itself.
    fn found(&self) -> Result<Found> {
        match self.container {
            Container::Mov | Container::Mp4 => {
                let mut file = File::open(&self.scratch).map_err(|e| writing(&self.scratch, e))?;
                let len = file.metadata().map_err(|e| writing(&self.scratch, e))?.len();
                read(&mut file, len)
            }
            Container::Mxf => probe(&self.scratch),
        }
    }
}

impl Recorder for Ffmpeg {
    fn append(&mut self, packet: &[u8]) -> Result<()> {
        let fed = self.stdin.as_mut().map(|pipe| pipe.write_all(packet));
        if matches!(fed, Some(Ok(()))) { Ok(()) } else { Err(self.complaint()) }
    }

    fn finish(mut self: Box<Self>) -> Result<(u64, Digest)> {
        self.stdin = None;
        let status = self.child.wait().map_err(|e| writing(&self.target, e))?;
        if !status.success() {
            return Err(self.complaint());
        }
        let found = self.found().map_err(|e| e.path(&self.target))?;
        let mut asked = self.facts.clone();
        if asked.orientation.swaps_sides() {
            (asked.width, asked.height) = (asked.height, asked.width);
        }
        asked.reel = asked.reel.filter(|_| self.container.carries_reel());
        relink::check(&asked, None, &found).map_err(|e| e.path(&self.target))?;
        match self.file.take() {
            Some(file) => file.persist(),
            None => Err(Error::new(ErrorKind::Invalid, "the movie was finished twice").path(&self.target)),
        }
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        self.stdin = None;
        // Both do nothing once it has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(thread) = self.stderr.take() {
            let _ = thread.join();
        }
    }
}

/// The command line. Nothing in it depends on the machine, and nothing is left to a default that
/// decides how the picture looks.
fn arguments(codec: &FfmpegCodec, movie: &MovieFacts, out: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    let mut put = |words: &[&str]| args.extend(words.iter().map(OsString::from));
    let [primaries, transfer, matrix] = movie.coding.names();
    let color = ["-color_range", "tv", "-colorspace", matrix, "-color_primaries", primaries, "-color_trc", transfer];
    put(&["-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pixel_format", "yuv422p10le"]);
    put(&["-video_size", &format!("{}x{}", movie.width, movie.height), "-framerate", &movie.rate.to_string()]);
    put(&color);
    put(&["-i", "pipe:0", "-map", "0:v:0", "-c:v", &codec.ffmpeg]);
    put(&codec.args.iter().map(String::as_str).collect::<Vec<_>>());
    if let Some(format) = pixel_format(codec) {
        put(&["-pix_fmt", format]);
    }
    put(&color);
    put(&["-vf", &filters(movie)]);
    // No date, no name of an encoder: equal bytes on every run.
    put(&["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]);
    if let Some(start) = movie.timecode {
        put(&["-timecode", &start.to_string()]);
    }
    let tags = [("title", Some(&movie.clip)), ("make", movie.make.as_ref()), ("model", movie.model.as_ref())];
    for (key, value) in tags.into_iter().filter_map(|(k, v)| Some((k, v?))) {
        put(&["-metadata", &format!("{key}={value}")]);
    }
    if let Some(reel) = &movie.reel {
        put(&["-metadata", &format!("reel_name={reel}"), "-metadata:s:v:0", &format!("reel_name={reel}")]);
    }
    put(&["-f", codec.container.extension()]);
    // With its protocol, so that no character of a name has a meaning.
    let mut file = OsString::from("file:");
    file.push(out);
    args.push(file);
    args
}

/// The picture upright, and the shape of its pixels. Unlike QuickTime's own writer this turns the
/// pixels: most of FFmpeg's containers have no place for a direction.
fn filters(movie: &MovieFacts) -> String {
    use rushes_core::media::Orientation as O;
    let turned = match movie.orientation {
        O::Normal => "",
        O::MirrorX => "hflip,",
        O::Rotate180 => "hflip,vflip,",
        O::MirrorY => "vflip,",
        O::Transpose => "transpose=0,",
        O::Rotate90 => "transpose=1,",
        O::Transverse => "transpose=3,",
        O::Rotate270 => "transpose=2,",
    };
    let (n, d) = movie.pixel_aspect.unwrap_or((1, 1));
    let (n, d) = if movie.orientation.swaps_sides() { (d, n) } else { (n, d) };
    format!("{turned}setsar={n}/{d}")
}

/// The samples that players expect of a codec, where its arguments do not say.
fn pixel_format(codec: &FfmpegCodec) -> Option<&'static str> {
    if codec.args.iter().any(|a| a == "-pix_fmt") {
        return None;
    }
    let has = |word: &str| codec.args.iter().any(|a| a == word);
    match codec.ffmpeg.as_str() {
        "dnxhd" if has("dnxhr_444") => Some("yuv444p10le"),
        "dnxhd" if has("dnxhr_hqx") => Some("yuv422p10le"),
        "dnxhd" => Some("yuv422p"),
        // Hardly any player decodes 4:2:2 or ten bits of these.
        "libx264" | "libopenh264" | "libx265" | "mpeg4" => Some("yuv420p"),
        name if name.starts_with("h264_") || name.starts_with("hevc_") => Some("yuv420p"),
        _ => None,
    }
}

/// What `ffprobe` says about a file.
fn probe(file: &Path) -> Result<Found> {
    let bad = |why: String| Error::new(ErrorKind::BadMedia, why).doing("reading a movie with ffprobe");
    let program = in_path("ffprobe").ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "there is no program `ffprobe` in PATH to check the movie with")
            .advice("install all of FFmpeg, or use the container \"mov\"")
    })?;
    let out = Command::new(&program)
        .args(["-v", "error", "-count_packets", "-show_streams", "-show_format", "-of", "json"])
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Error::io(&program, e))?;
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).map_err(|e| bad(e.to_string()))?;
    let streams = json["streams"].as_array().map(Vec::as_slice).unwrap_or_default();
    let video = streams.iter().find(|s| s["codec_type"] == "video").ok_or_else(|| bad("there is no video".into()))?;
    let number = |v: &serde_json::Value| v.as_u64().or_else(|| v.as_str()?.parse().ok()).unwrap_or(0);
    let rate: Option<Rate> = video["r_frame_rate"].as_str().and_then(|r| r.parse().ok());
    let tag = |key: &str| {
        let everywhere = std::iter::once(&json["format"]).chain(streams);
        everywhere.filter_map(|s| s["tags"][key].as_str()).next().map(str::to_owned)
    };
    // H.273: 2 is unspecified.
    let code = |key: &str| match video[key].as_str() {
        Some("bt709") => 1,
        Some("bt2020" | "bt2020nc") => 9,
        Some("smpte2084") => 16,
        Some("arib-std-b67") => 18,
        _ => 2,
    };
    Ok(Found {
        codec: *b"    ",
        width: number(&video["width"]) as u16,
        height: number(&video["height"]) as u16,
        frames: number(&video["nb_read_packets"]) as u32,
        rate,
        timecode: tag("timecode").zip(rate).and_then(|(t, r)| Timecode::parse(&t, r).ok()),
        reel: tag("reel_name"),
        color: Some([code("color_primaries"), code("color_transfer"), code("color_space")]),
        pixel_aspect: None,
    })
}

/// The last bytes of `pipe`, read to its end so that its writer never waits.
fn tail(mut pipe: impl Read) -> Vec<u8> {
    const KEPT: usize = 4096;
    let (mut kept, mut buffer) = (Vec::new(), [0u8; 4096]);
    while let Ok(n @ 1..) = pipe.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..n]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
    kept
}

fn in_path(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(&name)).find(|p| p.is_file())
}
