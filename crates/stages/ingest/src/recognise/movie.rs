//! Movies: whose QuickTime, whose MXF.

use std::io::{Read, Result, Seek};

use rushes_core::media::ClipFormat;

use super::Recognised;
use crate::container::{Movie, Mxf, codec_name};
use crate::input::{Input, be_u32};

/// Atoms a QuickTime or ISO base media file may begin with.
const FIRST: [&[u8; 4]; 8] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"];

pub(super) fn identify_bmff<R: Read + Seek>(input: &mut Input<R>) -> Result<Option<Recognised>> {
    let head = input.upto(0, 12)?.to_vec();
    let Some(kind) = head.get(4..8) else { return Ok(None) };
    let size = be_u32(&head, 0).unwrap_or(2);
    if !FIRST.iter().any(|f| **f == kind) || (2..8).contains(&size) {
        return Ok(None);
    }
    let brand = if kind == b"ftyp" { head.get(8..12).unwrap_or(b"    ") } else { b"    " };
    if matches!(brand, b"heic" | b"heix" | b"mif1" | b"avif") {
        return Ok(Some(Recognised::new(ClipFormat::Still, "HEIF")));
    }
    let Some(movie) = Movie::read(input)? else {
        let (format, detail) = match brand {
            b"crx " => (ClipFormat::StillRaw, "Canon CR3 or CRM"),
            b"braw" => (ClipFormat::Braw, "Blackmagic RAW"),
            _ => (ClipFormat::Mov, "movie"),
        };
        let remark = "it has no moov atom: the recording or the copy was cut short; \
                      copy the card again, or recover the file with the camera maker's tool";
        return Ok(Some(Recognised { remark: Some(remark.into()), ..Recognised::new(format, detail) }));
    };
    if brand == b"crx " {
        // Canon names its container in CNCV; a still has one sample a track.
        let video = movie.canon.as_ref().map_or(movie.samples > 1, |c| c.starts_with("CanonCRM"));
        return Ok(Some(if video {
            Recognised::new(ClipFormat::Crm, "Canon Cinema RAW Light")
        } else {
            Recognised::new(ClipFormat::StillRaw, "Canon CR3")
        }));
    }
    let Some(&code) = movie.codecs.first() else {
        // Sound, subtitles or timecode alone.
        return Ok(None);
    };
    let lower = code.map(|b| b.to_ascii_lowercase());
    let format = match &lower {
        b"apco" | b"apcs" | b"apcn" | b"apch" | b"ap4h" | b"ap4x" => ClipFormat::ProresMov,
        b"aprn" | b"aprh" => ClipFormat::ProresRawMov,
        b"braw" | b"brxq" | b"brhq" | b"brst" | b"brlt" | b"brvn" | b"brvm" | b"brs2" => ClipFormat::Braw,
        b"craw" => ClipFormat::Crm,
        _ => ClipFormat::Mov,
    };
    Ok(Some(Recognised::new(format, codec_name(code))))
}

pub(super) fn identify_mxf<R: Read + Seek>(input: &mut Input<R>) -> Result<Option<Recognised>> {
    let Some(mxf) = Mxf::read(input)? else { return Ok(None) };
    if mxf.described && !mxf.picture && !mxf.arri && !mxf.sony {
        // Sound alone.
        return Ok(None);
    }
    let maker = mxf.facts.maker.as_ref().map(|m| m.value.clone()).unwrap_or_default();
    let lower = maker.to_ascii_lowercase();
    let format = if mxf.arri || lower.starts_with("arri") {
        ClipFormat::ArriMxf
    } else if mxf.sony || lower.starts_with("sony") {
        ClipFormat::SonyMxf
    } else {
        ClipFormat::Mxf
    };
    let codec = mxf.facts.codec.as_ref().map_or("unknown codec", |c| c.value.as_str());
    let by = if maker.is_empty() { String::new() } else { format!(" by {maker}") };
    let mut found = Recognised::new(format, format!("{codec}{by}"));
    if !mxf.described {
        found.remark =
            Some("its header says nothing about the picture: the file is cut short or still being written".into());
    }
    Ok(Some(found))
}
