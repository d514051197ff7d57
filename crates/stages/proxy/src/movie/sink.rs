//! The sink: one movie a clip, frames encoded side by side and laid down in order.

use std::path::{Component, Path};
use std::sync::Arc;

use rushes_core::deliver::file_stem;
use rushes_core::frame::{Band, FrameFormat, ImageState};
use rushes_core::media::{Finding, FrameRange};
use rushes_core::stage::{ClipRef, Encoded, FrameSink, OutputFile, Sink, SinkContext, SinkWriter, StageInfo};
use rushes_core::{Error, ErrorKind, Result};

use super::coding::Coding;
use super::encode::{ProresProxy, RawPlanes, VideoEncoder};
use super::facts::MovieFacts;
use super::ffmpeg;
use super::params::{Codec, EmbeddedCodec, Movie, TimecodeTrack};
use super::recorder::{QuickTime, Recorder};
use super::ycbcr::Builder422;

impl Movie {
    fn encoder(&self, facts: &MovieFacts) -> Arc<dyn VideoEncoder> {
        match &self.codec {
            Codec::Embedded(EmbeddedCodec::ProresProxy) => Arc::new(ProresProxy { rate: facts.rate }),
            Codec::Ffmpeg(_) => Arc::new(RawPlanes),
        }
    }

    fn path(&self, clip: &ClipRef) -> String {
        let file = format!("{}.{}", file_stem(&clip.name), self.codec.extension());
        let folder = self.folder.trim_end_matches('/');
        if folder.is_empty() { file } else { format!("{folder}/{file}") }
    }
}

impl StageInfo for Movie {
    fn name(&self) -> &'static str {
        "movie"
    }

    fn version(&self) -> u32 {
        2
    }

    fn params(&self) -> serde_json::Value {
        // Strings, lists and enums: there is nothing in it that JSON cannot hold.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Sink for Movie {
    /// What an editor should know before the movie of `clip` is made: that it will have no
    /// timecode track (`proxy-without-timecode`), or no reel name (`proxy-without-reel`).
    fn findings(&self, clip: &ClipRef) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.timecode == TimecodeTrack::Clip && clip.metadata.start_timecode.is_none() {
            findings.push(Finding::warning(
                "proxy-without-timecode",
                "the clip has no timecode, so its movie has no timecode track and relinks by file name only",
            ));
        }
        if clip.metadata.reel.is_none() {
            findings.push(Finding::warning(
                "proxy-without-reel",
                "the clip has no reel name, so its movie has none and relinks by timecode or file name only",
            ));
        } else if matches!(&self.codec, Codec::Ffmpeg(f) if !f.container.carries_reel()) {
            findings.push(Finding::warning(
                "proxy-without-reel",
                "an MP4 has no place for the reel name, so it relinks by timecode or file name only: use \"mov\"",
            ));
        }
        findings.into_iter().map(|f| f.clip(&clip.name)).collect()
    }

    fn input(&self) -> ImageState {
        ImageState::Display
    }

    fn check(&self, clip: &ClipRef, input: &FrameFormat) -> Result<()> {
        let doing = "planning a movie";
        let refuse = |kind, why: String, advice: &str| Err(Error::new(kind, why).doing(doing).advice(advice));
        if input.state != ImageState::Display {
            return refuse(
                ErrorKind::Invalid,
                format!("it takes display pictures, not {}", input.state),
                "put an output transform before it",
            );
        }
        if Path::new(&self.folder).components().any(|c| !matches!(c, Component::Normal(_) | Component::CurDir)) {
            return refuse(
                ErrorKind::Invalid,
                format!("the movie's folder `{}` leads out of the output folder", self.folder),
                "name a folder below it, such as \"proxies\"",
            );
        }
        let frame = input.facts.frame;
        MovieFacts::gather(self, clip, FrameRange { first: frame, last: frame }, input).map_err(|e| e.doing(doing))?;
        match &self.codec {
            Codec::Embedded(_) => Ok(()),
            Codec::Ffmpeg(codec) => codec.check().map_err(|e| e.doing(doing)),
        }
    }

    fn check_here(&self) -> Result<()> {
        match &self.codec {
            Codec::Embedded(_) => Ok(()),
            Codec::Ffmpeg(codec) => ffmpeg::locate(codec).map(drop).map_err(|e| e.doing("planning a movie")),
        }
    }

    fn whole_clip(&self) -> bool {
        true
    }

    fn outputs(&self, clip: &ClipRef, _: FrameRange) -> Vec<String> {
        vec![self.path(clip)]
    }

    fn bytes_needed(&self, input: &FrameFormat) -> u64 {
        match &self.codec {
            Codec::Embedded(_) => {
                ProresProxy { rate: rushes_core::media::Rate::FPS_24 }.bytes_needed(input.width, input.height)
            }
            Codec::Ffmpeg(_) => RawPlanes.bytes_needed(input.width, input.height),
        }
    }

    fn open(&self, cx: &SinkContext, first: &FrameFormat) -> Result<Box<dyn SinkWriter>> {
        self.check(&cx.clip, first).map_err(|e| e.clip(&cx.clip.name))?;
        let doing = "opening a movie";
        let facts = MovieFacts::gather(self, &cx.clip, cx.range, first).map_err(|e| e.doing(doing))?;
        let path = self.path(&cx.clip);
        let target = cx.out.join(&path);
        let (encoder, coding) = (self.encoder(&facts), facts.coding);
        let recorder: Box<dyn Recorder> = match &self.codec {
            Codec::Embedded(_) => Box::new(QuickTime::create(&target, cx.existing, facts)?),
            Codec::Ffmpeg(codec) => Box::new(ffmpeg::Ffmpeg::create(codec, &target, cx.existing, facts)?),
        };
        Ok(Box::new(Writer {
            recorder,
            encoder,
            coding,
            size: (first.width, first.height),
            path,
            range: cx.range,
            next: cx.range.first,
        }))
    }
}

struct Writer {
    recorder: Box<dyn Recorder>,
    encoder: Arc<dyn VideoEncoder>,
    coding: Coding,
    size: (usize, usize),
    path: String,
    range: FrameRange,
    next: i64,
}

impl SinkWriter for Writer {
    fn frame(&self, format: &FrameFormat) -> Result<Box<dyn FrameSink>> {
        let (width, height) = self.size;
        if (format.width, format.height) != self.size {
            return Err(Error::new(
                ErrorKind::BadMedia,
                format!("the picture is {}x{} and the movie {width}x{height}", format.width, format.height),
            )
            .doing("encoding a movie frame")
            .frame(format.facts.frame)
            .advice("make the clip's frames one size before this stage"));
        }
        Ok(Box::new(MovieFrame {
            picture: Builder422::new(self.coding, width, height),
            height,
            encoder: Arc::clone(&self.encoder),
            frame: format.facts.frame,
        }))
    }

    fn commit(&mut self, frame: i64, encoded: Encoded) -> Result<Vec<OutputFile>> {
        let encoded = encoded.bytes()?;
        if frame != self.next {
            return Err(Error::new(ErrorKind::Invalid, format!("the movie waits for frame {}", self.next))
                .doing("writing a movie")
                .frame(frame));
        }
        self.recorder.append(&encoded).map_err(|e| e.frame(frame))?;
        self.next += 1;
        Ok(Vec::new())
    }

    fn finish(self: Box<Self>) -> Result<Vec<OutputFile>> {
        if self.next != self.range.last + 1 {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("the movie has frames up to {} of {}", self.next - 1, self.range),
            )
            .doing("finishing a movie"));
        }
        let (bytes, digest) = self.recorder.finish()?;
        Ok(vec![OutputFile { role: "proxy".into(), path: self.path, bytes, digest, frames: self.range }])
    }

    fn abort(self: Box<Self>) {
        // Dropping the recorder removes what it wrote.
    }
}

struct MovieFrame {
    picture: Builder422,
    height: usize,
    encoder: Arc<dyn VideoEncoder>,
    frame: i64,
}

impl MovieFrame {
    fn out_of_step(&self, what: String) -> Error {
        Error::new(ErrorKind::Invalid, what).doing("encoding a movie frame").frame(self.frame)
    }
}

impl FrameSink for MovieFrame {
    fn rows(&mut self, band: &Band<'_>) -> Result<()> {
        let next = self.picture.rows();
        if band.rows().start != next || band.rows().end > self.height || band.planes() != 3 {
            return Err(self.out_of_step(format!(
                "rows {:?} of {} planes came when row {next} of {} was next",
                band.rows(),
                band.planes(),
                self.height
            )));
        }
        for row in band.rows() {
            self.picture.push(band.row(0, row), band.row(1, row), band.row(2, row));
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Encoded> {
        if self.picture.rows() != self.height {
            let rows = self.picture.rows();
            return Err(self.out_of_step(format!("the picture ends after {rows} of {} rows", self.height)));
        }
        let frame = self.frame;
        self.encoder.encode(self.picture.finish()).map(Encoded::Bytes).map_err(|e| e.frame(frame))
    }
}
