//! Numbered files become sequences.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rushes_core::media::{ClipFormat, ClipMedia, FileSequence};

use super::number::{runs, split};
use super::sniff::Item;
use crate::recognise::meant;

/// More missing frames at once than this is no gap but another clip.
const APART: i64 = 10_000;

/// A clip in the making.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) format: ClipFormat,
    pub(super) media: ClipMedia,
    /// The items that hold its picture, in order.
    pub(super) items: Vec<usize>,
    /// Stems its sidecars may have, lower case.
    pub(super) stems: Vec<String>,
}

/// True for formats that hold one frame a file.
pub(super) fn one_frame(format: ClipFormat) -> bool {
    use ClipFormat as F;
    matches!(format, F::CinemaDng | F::Dng | F::Gpr | F::Arriraw | F::Dpx | F::Exr | F::StillRaw | F::Still)
}

/// The sequences among `items`. Files of a run that are empty or damaged are part of it.
pub(super) fn sequences(items: &[Item]) -> Vec<Draft> {
    let mut groups: BTreeMap<(&Path, &str, &str), Vec<usize>> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        let many = item.what.as_ref().is_some_and(|w| !one_frame(w.format));
        if many || !item.file.exact {
            continue;
        }
        if let Some(n) = split(&item.file.name) {
            groups.entry((&item.file.folder, n.prefix, n.suffix)).or_default().push(i);
        }
    }
    let mut out = Vec::new();
    for ((folder, prefix, suffix), members) in groups {
        let Some(format) = vote(items, &members).filter(|_| members.len() > 1) else { continue };
        let digits: Vec<&str> = members.iter().filter_map(|&i| Some(split(&items[i].file.name)?.digits)).collect();
        let mut parts = Vec::new();
        for (padding, run) in runs(&digits) {
            // At most 18 digits fit.
            let mut numbered: Vec<(i64, usize)> =
                run.iter().filter_map(|&k| Some((digits[k].parse().ok()?, members[k]))).collect();
            numbered.sort_unstable();
            parts.extend(clusters(&numbered, format).into_iter().map(|c| (padding, c)));
        }
        // A photograph with no neighbour is a picture of its own.
        if photographs(format) {
            parts.retain(|(_, c)| c.len() > 1);
        }
        // Numbers of which no two are near each other are names, not frames.
        if parts.iter().all(|(_, c)| c.len() == 1) && duplicates(&parts) == 0 {
            continue;
        }
        let several = parts.len() > 1;
        for (padding, cluster) in parts {
            let sequence = FileSequence {
                folder: folder.to_owned(),
                prefix: prefix.to_owned(),
                padding,
                suffix: suffix.to_owned(),
                present: FileSequence::ranges_of(cluster.iter().map(|c| c.0).collect()),
            };
            let name = name_of(folder, prefix);
            let mut stems = vec![name.to_lowercase(), prefix.to_lowercase()];
            if let Some(folder) = folder.file_name() {
                stems.push(folder.to_string_lossy().to_lowercase());
            }
            out.push(Draft {
                name: if several { format!("{name}_{:0padding$}", cluster[0].0) } else { name },
                format,
                media: ClipMedia::Sequence(sequence),
                items: cluster.into_iter().map(|c| c.1).collect(),
                stems,
            });
        }
    }
    out
}

/// What most of the files are. Where all are empty, what their name says.
fn vote(items: &[Item], members: &[usize]) -> Option<ClipFormat> {
    let mut votes: HashMap<ClipFormat, usize> = HashMap::new();
    for &i in members {
        let seen = items[i].what.as_ref().map(|w| w.format);
        let format = match seen {
            Some(ClipFormat::Dng) => ClipFormat::CinemaDng,
            Some(f) => f,
            None => continue,
        };
        *votes.entry(format).or_default() += 1;
    }
    if votes.is_empty() && members.iter().all(|&i| items[i].file.len == 0) {
        return meant(&items[members[0]].file.name).filter(|&f| one_frame(f)).map(|f| match f {
            ClipFormat::Dng => ClipFormat::CinemaDng,
            f => f,
        });
    }
    // Equal votes fall to the lesser format, so that two runs agree.
    votes.into_iter().max_by_key(|&(f, n)| (n, std::cmp::Reverse(f))).map(|v| v.0)
}

/// True for pictures taken one by one: a number that is missing was deleted, not lost.
fn photographs(format: ClipFormat) -> bool {
    matches!(format, ClipFormat::Still | ClipFormat::StillRaw | ClipFormat::Gpr)
}

/// Parts of a sorted run: apart where too many frames are missing, photographs where any is.
fn clusters(numbered: &[(i64, usize)], format: ClipFormat) -> Vec<Vec<(i64, usize)>> {
    let apart = if photographs(format) { 1 } else { APART };
    let mut out: Vec<Vec<(i64, usize)>> = Vec::new();
    for &n in numbered {
        match out.last_mut() {
            Some(c) if c.last().is_some_and(|l| n.0 - l.0 <= apart) => c.push(n),
            _ => out.push(vec![n]),
        }
    }
    out
}

/// Numbers that stand in more than one part.
fn duplicates(parts: &[(usize, Vec<(i64, usize)>)]) -> usize {
    let mut all: Vec<i64> = parts.iter().flat_map(|(_, c)| c.iter().map(|n| n.0)).collect();
    let before = all.len();
    all.sort_unstable();
    all.dedup();
    before - all.len()
}

/// The prefix without trailing separators, else the folder's name.
fn name_of(folder: &Path, prefix: &str) -> String {
    let name = prefix.trim_end_matches(['_', '-', '.', ' ']);
    if !name.is_empty() {
        return name.to_owned();
    }
    folder.file_name().map_or_else(|| "clip".to_owned(), |n| n.to_string_lossy().into_owned())
}
