//! What a movie says about itself, gathered from the clip before the first frame.

use rushes_core::frame::FrameFormat;
use rushes_core::media::{ClipMedia, FrameRange, Orientation, Rate, Sourced, Timecode};
use rushes_core::stage::ClipRef;
use rushes_core::{Error, ErrorKind, Result};

use super::coding::Coding;
use super::params::{Movie, TimecodeTrack};

/// Size, rate, labels and names of one movie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MovieFacts {
    /// Columns.
    pub(super) width: u16,
    /// Rows.
    pub(super) height: u16,
    /// Number of frames it will have.
    pub(super) frames: u32,
    /// Frames per second.
    pub(super) rate: Rate,
    /// The first frame's label, at `rate`.
    pub(super) timecode: Option<Timecode>,
    /// Reel, roll or magazine.
    pub(super) reel: Option<String>,
    /// The clip's name.
    pub(super) clip: String,
    /// Camera maker.
    pub(super) make: Option<String>,
    /// Camera model.
    pub(super) model: Option<String>,
    /// Scene on the slate.
    pub(super) scene: Option<String>,
    /// Take on the slate.
    pub(super) take: Option<String>,
    /// Width over height of a pixel, if it is known.
    pub(super) pixel_aspect: Option<(u32, u32)>,
    /// How to turn the picture upright.
    pub(super) orientation: Orientation,
    /// How its pictures are coded.
    pub(super) coding: Coding,
}

/// Frames a movie may have: 19 days at 60 frames to the second. Keeps every table below 4 GiB.
const MOST_FRAMES: u64 = 100_000_000;

impl MovieFacts {
    /// The facts of the movie that `sink` makes of `range` of `clip`, whose first frame is `first`.
    ///
    /// # Errors
    /// When the clip has no rate, or its timecode counts another number of frames to the second.
    pub(super) fn gather(sink: &Movie, clip: &ClipRef, range: FrameRange, first: &FrameFormat) -> Result<Self> {
        let (width, height) = picture_size(first.width, first.height)?;
        if range.len() > MOST_FRAMES {
            return Err(Error::new(ErrorKind::Unsupported, format!("a movie of {} frames is too long", range.len())));
        }
        let rate = sink.rate.or(clip.metadata.rate.as_ref().map(|r| r.value)).ok_or_else(|| {
            Error::new(ErrorKind::MissingFact, "the clip does not say how many frames it has to the second")
                .clip(&clip.name)
                .advice("set the movie's `rate`, for instance rate = \"24000/1001\"")
        })?;
        let timecode = match sink.timecode {
            TimecodeTrack::None => None,
            TimecodeTrack::Clip => first_label(clip, range, first)
                .map(|tc| at_rate(tc, rate).map_err(|e| e.clip(&clip.name)))
                .transpose()?,
        };
        let m = &clip.metadata;
        Ok(Self {
            width,
            height,
            frames: u32::try_from(range.len()).unwrap_or(u32::MAX),
            rate,
            timecode,
            reel: text(&m.reel),
            clip: clip.name.clone(),
            make: text(&m.make),
            model: text(&m.model),
            scene: text(&m.scene),
            take: text(&m.take),
            pixel_aspect: first.facts.pixel_aspect.filter(|(n, d)| *n > 0 && *d > 0),
            orientation: first.facts.orientation,
            coding: coding(first)?,
        })
    }
}

/// Width and height as a movie can have them: even columns for 4:2:2, within 16 and 16384.
fn picture_size(width: usize, height: usize) -> Result<(u16, u16)> {
    let refuse = |why: &str, advice: &str| {
        Err(Error::new(ErrorKind::Unsupported, format!("a movie of {width}x{height} cannot be made: {why}"))
            .advice(advice.to_owned()))
    };
    if !width.is_multiple_of(2) {
        return refuse("4:2:2 needs an even width", "put the stage `scale` before it, with an even width");
    }
    match (u16::try_from(width), u16::try_from(height)) {
        (Ok(w @ 16..=16384), Ok(h @ 16..=16384)) => Ok((w, h)),
        _ => refuse("width and height must be 16 to 16384", "put the stage `scale` before it"),
    }
}

/// How the pictures of `first` are coded.
fn coding(first: &FrameFormat) -> Result<Coding> {
    let refuse = |kind, why: String| {
        Err(Error::new(kind, why).advice("render them for a Rec.709 or Rec.2100 display with an output transform"))
    };
    match first.facts.color_space {
        Some(space) => match Coding::of(space) {
            Some(coding) => Ok(coding),
            None => refuse(ErrorKind::Invalid, format!("movies have no tags for pictures in {space}")),
        },
        None => refuse(ErrorKind::MissingFact, "nobody says what colour space the pictures are in".into()),
    }
}

fn text(fact: &Option<Sourced<String>>) -> Option<String> {
    // NUL ends strings in half of the readers there are.
    let t = fact.as_ref()?.value.replace('\0', "");
    let t = t.trim();
    (!t.is_empty()).then(|| t.to_owned())
}

/// The label of the unit's first frame: the frame's own, else the clip's start counted up.
fn first_label(clip: &ClipRef, range: FrameRange, first: &FrameFormat) -> Option<Timecode> {
    let start = || {
        let at = match &clip.media {
            ClipMedia::Sequence(s) => s.range()?.first,
            ClipMedia::Files(_) => 0,
        };
        Some(clip.metadata.start_timecode.as_ref()?.value.offset(range.first.checked_sub(at)?))
    };
    first.facts.timecode.or_else(start)
}

/// The same label, counted at the movie's rate.
///
/// A clip shot at 23.976 may be played at 24: each frame keeps its label, since both count 24
/// to the second. Where the counts differ, no timecode track can give each frame its label.
fn at_rate(tc: Timecode, rate: Rate) -> Result<Timecode> {
    if tc.rate() == rate {
        return Ok(tc);
    }
    if tc.rate().nominal() != rate.nominal() || tc.is_drop() {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "the clip's timecode {tc} counts at {} frames/s and the movie plays at {rate}: no timecode track \
                 gives each frame its label",
                tc.rate()
            ),
        )
        .advice(format!("set the movie's `rate` to \"{}\", or `timecode` to \"none\"", tc.rate())));
    }
    let (h, m, s, f) = tc.label();
    Timecode::from_label(h, m, s, f, rate, false)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{clip, format};
    use super::*;

    #[test]
    fn sizes_that_no_movie_can_have_are_refused_with_advice() {
        assert_eq!(picture_size(1920, 1080).unwrap(), (1920, 1080));
        assert_eq!(picture_size(16, 17).unwrap(), (16, 17));
        let e = picture_size(1023, 540).unwrap_err().to_string();
        assert!(e.contains("1023x540") && e.contains("even width") && e.contains("scale"), "{e}");
        for (w, h) in [(14, 100), (100, 15), (16386, 100), (100, 70_000)] {
            assert!(picture_size(w, h).is_err());
        }
    }

    #[test]
    fn a_clip_without_rate_needs_the_parameter() {
        let mut c = clip(Rate::FPS_24, Some("01:00:00:00"));
        std::sync::Arc::make_mut(&mut c.metadata).rate = None;
        let range = FrameRange::new(0, 9).unwrap();
        let e = MovieFacts::gather(&Movie::default(), &c, range, &format(64, 32, None)).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::MissingFact);
        assert!(e.to_string().contains("`rate`"), "{e}");
        let sink = Movie { rate: Some(Rate::FPS_25), timecode: TimecodeTrack::None, ..Movie::default() };
        assert_eq!(MovieFacts::gather(&sink, &c, range, &format(64, 32, None)).unwrap().rate, Rate::FPS_25);
    }

    #[test]
    fn the_first_label_is_the_frames_own_or_counted_from_the_start() {
        let c = clip(Rate::FPS_24, Some("01:00:00:00"));
        let range = FrameRange::new(100, 109).unwrap();
        let own = Timecode::parse("02:00:00:00", Rate::FPS_24).unwrap();
        let label = |f: &FrameFormat| {
            MovieFacts::gather(&Movie::default(), &c, range, f).unwrap().timecode.map(|t| t.to_string())
        };
        assert_eq!(label(&format(64, 32, Some(own))).as_deref(), Some("02:00:00:00"));
        // The media of the clip starts at frame 0.
        assert_eq!(label(&format(64, 32, None)).as_deref(), Some("01:00:04:04"));
    }

    #[test]
    fn labels_follow_a_rate_of_the_same_count_only() {
        let tc = Timecode::parse("10:00:00:23", Rate::FPS_23_976).unwrap();
        let moved = at_rate(tc, Rate::FPS_24).unwrap();
        assert_eq!((moved.to_string().as_str(), moved.rate()), ("10:00:00:23", Rate::FPS_24));
        let e = at_rate(tc, Rate::FPS_48).unwrap_err();
        assert!(e.to_string().contains("24000/1001"), "{e}");
        assert!(at_rate(Timecode::parse("10:00:00;23", Rate::FPS_29_97).unwrap(), Rate::FPS_30).is_err());
    }
}
