//! Takes that cameras cut into several files.

use std::collections::BTreeMap;
use std::path::Path;

use rushes_core::media::{ClipFormat, ClipMedia, Finding};

use super::frames::Draft;
use super::sniff::Item;
use crate::recognise::extension_of;

/// A part of a take.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    /// What the parts have in common.
    base: String,
    number: u32,
    /// The number of the first part.
    first: u32,
    /// The base is the clip's name; else the first part's stem is.
    named: bool,
}

/// The clip of every recognised item not in `taken`; parts of a take are one clip.
pub(super) fn movies(items: &[Item], taken: &[bool], findings: &mut Vec<Finding>) -> Vec<Draft> {
    type Key<'a> = (&'a Path, String, ClipFormat);
    let mut takes: BTreeMap<Key<'_>, Vec<(Part, usize)>> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        let Some(what) = item.what.as_ref().filter(|_| !taken[i]) else { continue };
        let part = part(what.format, item.file.stem(), &extension_of(&item.file.name)).unwrap_or_else(|| Part {
            // A name no part can have.
            base: format!("/{}", item.file.name),
            number: 0,
            first: 0,
            named: false,
        });
        takes.entry((&item.file.folder, part.base.to_lowercase(), what.format)).or_default().push((part, i));
    }
    let mut out = Vec::new();
    for ((_, _, format), mut parts) in takes {
        parts.sort_by_key(|(p, i)| (p.number, *i));
        let indices: Vec<usize> = parts.iter().map(|p| p.1).collect();
        let first = &items[indices[0]].file;
        let name = if parts[0].0.named { parts[0].0.base.clone() } else { first.stem().to_owned() };
        let missing: Vec<String> = (parts[0].0.first..parts.last().map_or(0, |p| p.0.number))
            .filter(|n| parts.iter().all(|p| p.0.number != *n))
            .take(10)
            .map(|n| n.to_string())
            .collect();
        if !missing.is_empty() {
            let text = format!(
                "the take is spanned over several files and part {} is missing; copy the card again",
                missing.join(", ")
            );
            findings.push(Finding::error("span-part-missing", text).clip(&name).path(&first.path));
        }
        let mut stems = vec![name.to_lowercase()];
        stems.extend(indices.iter().map(|&i| items[i].file.stem().to_lowercase()));
        out.push(Draft {
            name: match name.trim_end_matches(['_', '-', '.', ' ']) {
                "" => "clip".to_owned(),
                n => n.to_owned(),
            },
            format,
            media: ClipMedia::Files(indices.iter().map(|&i| items[i].file.path.clone()).collect()),
            items: indices,
            stems,
        });
    }
    out
}

/// Which part of which take a file is, by its maker's naming:
/// - RED (DSMC2 Operation Guide, "File naming"): `A001_C002_0101AB_003.R3D`;
/// - spanned MXF: `..._S03.MXF`;
/// - URSA Cine (manual, "Recording to two cards"): `.braw` and `.braw2`;
/// - Magic Lantern: `.MLV`, `.M00`, `.M01`;
/// - GoPro (support article "File naming convention"): `GX020034.MP4` is chapter 2 of 34, and on
///   cameras before HERO6 `GOPR0034.MP4` is followed by `GP010034.MP4`.
fn part(format: ClipFormat, stem: &str, ext: &str) -> Option<Part> {
    let digits =
        |s: &str, n: usize| (s.len() == n).then(|| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse().ok()))??;
    match format {
        ClipFormat::R3d => {
            let (base, number) = stem.rsplit_once('_')?;
            Some(Part { base: base.to_owned(), number: digits(number, 3)?, first: 1, named: true })
        }
        ClipFormat::Mxf | ClipFormat::SonyMxf | ClipFormat::ArriMxf => {
            let (base, part) = stem.rsplit_once(['_', '-'])?;
            let number = part.strip_prefix(['S', 's'])?;
            let number = digits(number, 2).or_else(|| digits(number, 3))?;
            Some(Part { base: base.to_owned(), number, first: 1, named: true })
        }
        ClipFormat::Braw => {
            let number = if ext == "braw2" { 2 } else { 1 };
            Some(Part { base: stem.to_owned(), number, first: 1, named: true })
        }
        ClipFormat::Mlv => {
            let number = if ext == "mlv" { 0 } else { digits(ext.strip_prefix('m')?, 2)? + 1 };
            Some(Part { base: stem.to_owned(), number, first: 0, named: true })
        }
        ClipFormat::Mov => {
            let upper = stem.to_ascii_uppercase();
            if upper.len() != 8 || !upper.is_ascii() {
                return None;
            }
            digits(&upper[4..], 4)?;
            let take = &upper[4..];
            let (letters, chapter) = upper[..4].split_at(2);
            let part = |family: &str, number, first| {
                Some(Part { base: format!("{family}{take}"), number, first, named: false })
            };
            match letters {
                "GX" | "GH" | "GL" => part(letters, digits(chapter, 2)?, 1),
                "GO" if chapter == "PR" => part("GP", 0, 0),
                "GP" => part("GP", digits(chapter, 2)?, 0),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_as_their_makers_name_them() {
        let p = |f, stem, ext| part(f, stem, ext).map(|p| (p.base, p.number));
        let some = |b: &str, n| Some((b.to_owned(), n));
        assert_eq!(p(ClipFormat::R3d, "A001_C002_0101AB_003", "r3d"), some("A001_C002_0101AB", 3));
        assert_eq!(p(ClipFormat::R3d, "A001", "r3d"), None);
        assert_eq!(p(ClipFormat::SonyMxf, "A001C001_200101AB_S02", "mxf"), some("A001C001_200101AB", 2));
        assert_eq!(p(ClipFormat::Braw, "A001_C001", "braw2"), some("A001_C001", 2));
        assert_eq!(p(ClipFormat::Mlv, "M01-1234", "m00"), some("M01-1234", 1));
        assert_eq!(p(ClipFormat::Mov, "GX020034", "mp4"), some("GX0034", 2));
        assert_eq!(p(ClipFormat::Mov, "GOPR0034", "mp4"), some("GP0034", 0));
        assert_eq!(p(ClipFormat::Mov, "GP010034", "mp4"), some("GP0034", 1));
        assert_eq!(p(ClipFormat::Mov, "C0001\u{e9}\u{e9}", "mp4"), None);
    }
}
