//! The sample descriptions: what the samples of each track are.

use rushes_core::media::Timecode;

use super::super::coding::Coding;
use super::super::facts::MovieFacts;
use super::boxes::{boxed, fixed, pascal, text, u16be, u32be};

/// Drop-frame labels (Timecode Media, "Timecode Sample Description", flags).
pub(super) const DROP_FRAME: u32 = 1;
/// Labels start again after 24 hours.
pub(super) const MAX_24_HOURS: u32 = 2;

/// RDD 36 video, profile 422 Proxy (Video Media, "Video Sample Description").
pub(super) fn apco(out: &mut Vec<u8>, movie: &MovieFacts) {
    boxed(out, b"apco", |b| {
        b.extend([0; 6]);
        u16be(b, 1); // data reference
        u32be(b, 0); // version and revision
        u32be(b, 0); // vendor: none of Apple's encoders
        u32be(b, 0); // temporal quality: every frame stands alone
        u32be(b, 0x3FF); // spatial quality
        u16be(b, movie.width);
        u16be(b, movie.height);
        fixed(b, 72); // pixels to the inch
        fixed(b, 72);
        u32be(b, 0);
        u16be(b, 1); // frames in a sample
        pascal(b, "RDD 36 422 Proxy", 32);
        u16be(b, 24); // depth: colours, no alpha
        u16be(b, 0xFFFF); // no colour table
        colr(b, movie.coding);
        boxed(b, b"fiel", |b| b.extend([1, 0])); // one field: progressive
        if let Some((horizontal, vertical)) = movie.pixel_aspect {
            boxed(b, b"pasp", |b| {
                u32be(b, horizontal);
                u32be(b, vertical);
            });
        }
    });
}

/// Primaries, transfer and matrix (Video Media, "Color Parameter Atoms").
fn colr(out: &mut Vec<u8>, coding: Coding) {
    boxed(out, b"colr", |b| {
        b.extend(b"nclc");
        for code in coding.codes() {
            u16be(b, code.into());
        }
    });
}

/// Timecode of the rate and kind of `start`, from `reel` (Timecode Media).
pub(super) fn tmcd(out: &mut Vec<u8>, start: Timecode, reel: Option<&str>) {
    boxed(out, b"tmcd", |b| {
        b.extend([0; 6]);
        u16be(b, 1); // data reference
        u32be(b, 0);
        u32be(b, MAX_24_HOURS | if start.is_drop() { DROP_FRAME } else { 0 });
        u32be(b, start.rate().num()); // units to the second
        u32be(b, start.rate().den()); // units to the frame
        b.push(u8::try_from(start.rate().nominal()).unwrap_or(u8::MAX)); // frames to the second of labels
        b.push(0);
        if let Some(reel) = reel {
            boxed(b, b"name", |b| text(b, reel));
        }
    });
}
