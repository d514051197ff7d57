//! MXF: who wrote it, what is in it, where its timecode begins.

use std::io::{Read, Result, Seek};

use rushes_core::media::{Rate, Timecode};

use super::klv::{Item, Set, Sets};
use super::{ContainerFacts, Fact, timecode_rate};
use crate::input::{Input, be_u16, be_u32, be_u64};

// Kinds of sets (ST 377-1, table 16 and annex).
const SEQUENCE: u8 = 0x0f;
const SOURCE_CLIP: u8 = 0x11;
const TIMECODE: u8 = 0x14;
const TAPE: u8 = 0x2e;
const IDENTIFICATION: u8 = 0x30;
const MATERIAL_PACKAGE: u8 = 0x36;
const SOURCE_PACKAGE: u8 = 0x37;
const MULTIPLE: u8 = 0x44;
const IMPORT: u8 = 0x4a;

// Items with the tails of their labels (SMPTE RP 210), for writers that use dynamic tags.
const STORED_WIDTH: Item = Item(0x3203, [4, 1, 5, 2, 2, 0, 0, 0]);
const STORED_HEIGHT: Item = Item(0x3202, [4, 1, 5, 2, 1, 0, 0, 0]);
const FRAME_LAYOUT: Item = Item(0x320c, [4, 1, 3, 1, 4, 0, 0, 0]);
const PICTURE_CODING: Item = Item(0x3201, [4, 1, 6, 1, 0, 0, 0, 0]);
const CONTAINER: Item = Item(0x3004, [6, 1, 1, 4, 1, 2, 0, 0]);
const SAMPLE_RATE: Item = Item(0x3001, [4, 6, 1, 1, 0, 0, 0, 0]);
const DURATION: Item = Item(0x3002, [4, 6, 1, 2, 0, 0, 0, 0]);

/// An item that always has its static tag.
const fn item(tag: u16) -> Item {
    Item(tag, [0; 8])
}

/// An MXF file as far as ingest needs it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Mxf {
    pub(crate) facts: ContainerFacts,
    /// A descriptor describes a picture.
    pub(crate) picture: bool,
    /// A descriptor describes anything at all, or the file ended before one came.
    pub(crate) described: bool,
    /// A label of the essence is registered to ARRI (node 0E.17).
    pub(crate) arri: bool,
    /// A label of the essence is registered to Sony (node 0E.06).
    pub(crate) sony: bool,
}

impl Mxf {
    /// Reads the header partition; `None` when there is none.
    pub(crate) fn read<R: Read + Seek>(input: &mut Input<R>) -> Result<Option<Self>> {
        let Some(sets) = Sets::read(input)? else { return Ok(None) };
        let mut mxf = Self::default();
        if let Some(id) = sets.of(IDENTIFICATION).next() {
            mxf.facts.maker = sets.text(id, 0x3c01).map(|v| Fact::new(v, "MXF Identification:CompanyName (3C01)"));
            mxf.facts.product = sets.text(id, 0x3c02).map(|v| Fact::new(v, "MXF Identification:ProductName (3C02)"));
        }
        let file = sets.of(SOURCE_PACKAGE).find_map(|p| Some((p, picture_descriptor(&sets, p)?)));
        mxf.described = sets.of(SOURCE_PACKAGE).any(|p| sets.follow(p, 0x4701).is_some());
        let mut labels = sets.containers.clone();
        if let Some((package, descriptor)) = file {
            mxf.picture = true;
            mxf.describe(&sets, package, descriptor, &mut labels);
        }
        mxf.timecode(&sets, file.map(|f| f.0));
        let owned = |node: u8| labels.iter().any(|l| l[8] == 14 && l[9] == node);
        (mxf.arri, mxf.sony) = (owned(0x17), owned(0x06));
        Ok(Some(mxf))
    }

    fn describe(&mut self, sets: &Sets, package: &Set, descriptor: &Set, labels: &mut Vec<[u8; 16]>) {
        let facts = &mut self.facts;
        let label = |item| <[u8; 16]>::try_from(sets.get(descriptor, item)?).ok();
        let (coding, container) = (label(PICTURE_CODING), label(CONTAINER));
        labels.extend(coding.iter().chain(&container));
        facts.codec = coding
            .and_then(|l| Some(Fact::new(coding_name(&l)?, "MXF descriptor:PictureEssenceCoding (3201)")))
            .or_else(|| Some(Fact::new(container_name(&container?)?, "MXF descriptor:EssenceContainer (3004)")));
        let number = |item| be_u32(sets.get(descriptor, item)?, 0).filter(|&v| v > 0);
        facts.width = number(STORED_WIDTH).map(|v| Fact::new(v, "MXF descriptor:StoredWidth (3203)"));
        // Layout 1: each field is stored as a picture of half the rows (ST 377-1, G.2.3).
        let fields = if sets.get(descriptor, FRAME_LAYOUT) == Some(&[1]) { 2 } else { 1 };
        facts.height = number(STORED_HEIGHT)
            .and_then(|v| v.checked_mul(fields))
            .map(|v| Fact::new(v, "MXF descriptor:StoredHeight (3202)"));
        let track = picture_track(sets, package);
        facts.rate = track
            .and_then(|t| Some(Fact::new(ratio(sets.get(t, item(0x4b01))?)?, "MXF Track:EditRate (4B01)")))
            .or_else(|| {
                let rate = ratio(sets.get(descriptor, SAMPLE_RATE)?)?;
                Some(Fact::new(rate, "MXF descriptor:SampleRate (3001)"))
            });
        // -1 stands for a length that was not known when the header was written.
        let length = |set: &Set, item| be_u64(sets.get(set, item)?, 0).filter(|&v| v > 0 && v < u64::MAX >> 1);
        facts.frames = length(descriptor, DURATION)
            .map(|v| Fact::new(v, "MXF descriptor:ContainerDuration (3002)"))
            .or_else(|| {
                let sequence = sets.follow(track?, 0x4803)?;
                Some(Fact::new(length(sequence, item(0x0202))?, "MXF Sequence:Duration (0202)"))
            });
    }

    /// The tape's timecode where the picture came from a tape, else that of the material package
    /// (what the file presents), else that of the file package. Each is stated in the tag.
    fn timecode(&mut self, sets: &Sets, file: Option<&Set>) {
        let facts = &mut self.facts;
        if let Some((tape, position)) = file.and_then(|f| origin(sets, f)) {
            let kind = if sets.follow(tape, 0x4701).is_some_and(|d| d.kind == TAPE) { "tape" } else { "import" };
            facts.reel = sets.text(tape, 0x4402).map(|v| Fact::new(v, format!("MXF {kind} SourcePackage:Name (4402)")));
            if let Some(tc) = package_timecode(sets, tape) {
                facts.timecode = Some(Fact::new(tc.offset(position), format!("MXF {kind} TimecodeComponent (1501)")));
            }
        }
        let material = sets.of(MATERIAL_PACKAGE).find_map(|p| package_timecode(sets, p));
        facts.timecode = facts
            .timecode
            .take()
            .or_else(|| material.map(|tc| Fact::new(tc, "MXF material TimecodeComponent (1501)")))
            .or_else(|| Some(Fact::new(package_timecode(sets, file?)?, "MXF file TimecodeComponent (1501)")));
    }
}

/// The picture descriptor of a file package.
fn picture_descriptor<'a>(sets: &'a Sets, package: &Set) -> Option<&'a Set> {
    let descriptor = sets.follow(package, 0x4701)?;
    let all = if descriptor.kind == MULTIPLE { sets.batch(descriptor, 0x3f01) } else { vec![descriptor] };
    // Generic picture, CDCI, RGBA, MPEG.
    all.into_iter().find(|d| matches!(d.kind, 0x27 | 0x28 | 0x29 | 0x51) || sets.get(d, STORED_WIDTH).is_some())
}

/// The components of a track: a sequence's, or the one it has.
fn components<'a>(sets: &'a Sets, track: &Set) -> Vec<&'a Set> {
    match sets.follow(track, 0x4803) {
        Some(s) if s.kind == SEQUENCE => sets.batch(s, 0x1001),
        Some(s) => vec![s],
        None => Vec::new(),
    }
}

/// The first picture track (data definition 01.03.02.02.01, SMPTE RP 224).
fn picture_track<'a>(sets: &'a Sets, package: &Set) -> Option<&'a Set> {
    let picture = |s: &Set| sets.get(s, item(0x0201)).is_some_and(|d| d.get(8..13) == Some(&[1, 3, 2, 2, 1]));
    sets.batch(package, 0x4403)
        .into_iter()
        .find(|t| sets.follow(t, 0x4803).is_some_and(picture) || components(sets, t).into_iter().any(picture))
}

/// The tape or imported file the picture of `package` came from, and the position there.
fn origin<'a>(sets: &'a Sets, package: &Set) -> Option<(&'a Set, i64)> {
    let mut track = picture_track(sets, package)?;
    let mut position = 0i64;
    // Chains are two or three packages long; a loop ends here.
    for _ in 0..8 {
        let clip = components(sets, track).into_iter().find(|c| c.kind == SOURCE_CLIP)?;
        let start = be_u64(sets.get(clip, item(0x1201))?, 0)?;
        position = position.checked_add(start.cast_signed())?;
        let id = sets.get(clip, item(0x1101))?;
        let next = sets.of(SOURCE_PACKAGE).find(|p| sets.get(p, item(0x4401)) == Some(id))?;
        if sets.follow(next, 0x4701).is_some_and(|d| matches!(d.kind, TAPE | IMPORT)) {
            return Some((next, position));
        }
        let wanted = sets.get(clip, item(0x1102))?;
        track = sets.batch(next, 0x4403).into_iter().find(|t| sets.get(t, item(0x4801)) == Some(wanted))?;
    }
    None
}

/// The start of a package's first timecode track.
fn package_timecode(sets: &Sets, package: &Set) -> Option<Timecode> {
    sets.batch(package, 0x4403).into_iter().find_map(|track| {
        let component = components(sets, track).into_iter().find(|c| c.kind == TIMECODE)?;
        let start = be_u64(sets.get(component, item(0x1501))?, 0)?.cast_signed();
        let base = u32::from(be_u16(sets.get(component, item(0x1502))?, 0)?);
        let rate = timecode_rate(ratio(sets.get(track, item(0x4b01))?)?, base)?;
        let drop = sets.get(component, item(0x1503)).is_some_and(|v| v.first() == Some(&1)) && rate.can_drop();
        Timecode::from_frames(start, rate, drop).ok()
    })
}

fn ratio(b: &[u8]) -> Option<Rate> {
    Rate::from_camera(be_u32(b, 0)?, be_u32(b, 4)?)
}

/// What a PictureEssenceCoding label stands for (SMPTE RP 224).
fn coding_name(label: &[u8; 16]) -> Option<String> {
    let words = match &label[8..] {
        [4, 1, 2, 1, ..] => "uncompressed",
        [4, 1, 2, 2, 1, n, ..] if *n < 0x20 => "MPEG-2",
        [4, 1, 2, 2, 1, 0x20..=0x2f, ..] => "MPEG-4",
        [4, 1, 2, 2, 1, 0x30..=0x3f, ..] => "H.264",
        [4, 1, 2, 2, 2, ..] => "DV",
        [4, 1, 2, 2, 3, 1, ..] => "JPEG 2000",
        [4, 1, 2, 2, 3, 6, ..] => "ProRes",
        [4, 1, 2, 2, 0x71, ..] => "VC-3 (DNxHD, DNxHR)",
        [14, 4, ..] => "Avid",
        [14, 6, ..] => "Sony raw or X-OCN",
        [14, 0x17, ..] => "ARRI",
        _ => return None,
    };
    Some(words.to_owned())
}

/// What an EssenceContainer label stands for (SMPTE RP 224, 0D.01.03.01.02).
fn container_name(label: &[u8; 16]) -> Option<String> {
    let words = match &label[8..] {
        [13, 1, 3, 1, 2, 1, ..] => "MPEG-2 D-10",
        [13, 1, 3, 1, 2, 2, ..] => "DV",
        [13, 1, 3, 1, 2, 4, ..] => "MPEG",
        [13, 1, 3, 1, 2, 5, ..] => "uncompressed",
        [13, 1, 3, 1, 2, 12, ..] => "JPEG 2000",
        [13, 1, 3, 1, 2, 16, ..] => "H.264",
        [13, 1, 3, 1, 2, 17, ..] => "VC-3 (DNxHD, DNxHR)",
        [13, 1, 3, 1, 2, 28, ..] => "ProRes",
        [14, 6, ..] => "Sony raw or X-OCN",
        [14, 0x17, ..] => "ARRI",
        _ => return None,
    };
    Some(words.to_owned())
}
