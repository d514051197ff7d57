//! The folder `report`: pictures first, then the page that shows them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Component, Path};

use rayon::prelude::*;
use rushes_core::deliver::write_whole;
use rushes_core::storage::{is_uri, list, remove};
use rushes_core::{Error, Result};

use crate::html::{self, ClipPictures, Shown, Thumb};
use crate::model::{ClipSection, Report, Still};
use crate::picture::Picture;
use crate::scopes::Scopes;

/// Longest sides of a thumbnail, pixels: sharp at 240 px on dense screens.
const THUMB: (usize, usize) = (384, 384);
/// Pictures lie in their own folder, so that `index.html` stands alone beside it.
const PICTURES: &str = "pictures";
const PART: &str = ".rushes-part";

/// Writes `out/report/index.html` and its pictures, replacing those of an earlier run.
///
/// `out` is the output folder of the run: links and relative stills are below it. Every file is
/// complete and synced before it gets its name, and the page is the last. A still that cannot be
/// read is told in its place on the page. Pictures that an earlier run left and this one does not
/// show are removed. Stills are read on rayon's pool, one on each thread.
///
/// # Errors
/// When the folder or a file in it cannot be written.
pub fn write(report: &Report, out: &Path) -> Result<()> {
    let folder = out.join("report");
    let pictures = folder.join(PICTURES);
    if !is_uri(out) {
        fs::create_dir_all(&pictures).map_err(|e| Error::io(&pictures, e).doing("writing the report"))?;
    }

    let names = stems(&report.clips);
    let shown = report
        .clips
        .par_iter()
        .zip(&names)
        .map(|(clip, stem)| clip_pictures(clip, stem, out, &pictures))
        .collect::<Result<Vec<_>>>()?;
    put(&folder.join("index.html"), html::page(report, &shown).as_bytes())?;
    remove_stale(&pictures, &shown);
    Ok(())
}

/// The first, the one next to the middle and the last still, each once, in order.
fn contact(clip: &ClipSection) -> Vec<&Still> {
    let mut stills: Vec<&Still> = clip.stills.iter().collect();
    stills.sort_by_key(|s| s.frame);
    stills.dedup_by_key(|s| s.frame);
    let (Some(first), Some(last)) = (stills.first(), stills.last()) else { return Vec::new() };
    let range = clip.range.map_or((first.frame, last.frame), |r| (r.first, r.last));
    let middle = range.0.midpoint(range.1);
    let nearest = stills.iter().min_by_key(|s| s.frame.abs_diff(middle)).unwrap_or(first);
    let mut chosen = vec![*first, *nearest, *last];
    chosen.dedup_by_key(|s| s.frame);
    chosen
}

fn clip_pictures(clip: &ClipSection, stem: &str, out: &Path, folder: &Path) -> Result<ClipPictures> {
    let mut stills = contact(clip);
    // The middle one first: the scopes measure it, or another where it cannot be read.
    let middle = stills.len() / 2;
    stills.rotate_left(middle);
    let mut done = ClipPictures::default();
    for still in stills {
        let path = out.join(&still.path);
        let thumb = match Picture::read(&path) {
            Ok(picture) => {
                let name = format!("{stem}-{}.jpg", still.frame);
                let small = picture.fit(THUMB.0, THUMB.1);
                put(&folder.join(&name), &small.jpeg()?)?;
                if done.scopes.is_none() {
                    let name = format!("{stem}-scopes.svg");
                    put(&folder.join(&name), Scopes::of(&picture).svg(still.frame)?.as_bytes())?;
                    done.scopes = Some((format!("{PICTURES}/{name}"), still.frame));
                }
                Ok(Thumb { file: format!("{PICTURES}/{name}"), width: small.width, height: small.height })
            }
            // The path is told as it was given: the page must not depend on where it was made.
            Err(e) => Err(format!("{}: {}", still.path.display(), e.detail())),
        };
        done.shown.push(Shown { frame: still.frame, still: below(&still.path, out), thumb });
    }
    done.shown.sort_by_key(|s| s.frame);
    Ok(done)
}

/// `path` below the output folder, with forward slashes; `None` when it lies elsewhere.
fn below(path: &Path, out: &Path) -> Option<String> {
    let path = if path.is_absolute() || is_uri(path) { path.strip_prefix(out).ok()? } else { path };
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(parts.join("/"))
}

/// A stem for the pictures of each clip: its name where that is safe on every file system, made
/// unique without regard to case.
fn stems(clips: &[ClipSection]) -> Vec<String> {
    const LONGEST: usize = 80;
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' };
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let stem = |(i, clip): (usize, &ClipSection)| {
        let plain: String = clip.name.chars().take(LONGEST).map(safe).collect();
        let plain = plain.trim_start_matches('.');
        if plain == clip.name && !plain.is_empty() && taken.insert(plain.to_lowercase()) {
            return plain.to_owned();
        }
        // No plain name has a tilde, and no two clips have the same place in the report.
        format!("{plain}~{}", i + 1)
    };
    clips.iter().enumerate().map(stem).collect()
}

/// Writes `path` whole or not at all, replacing an earlier file.
fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if is_uri(path) {
        return write_whole(path, true, bytes).map(drop).map_err(|e| e.doing("writing the report"));
    }
    let mut part = path.as_os_str().to_owned();
    part.push(PART);
    let part = Path::new(&part);
    let io = |e| Error::io(path, e).doing("writing the report");
    let written = fs::File::create(part).and_then(|mut f| f.write_all(bytes).and_then(|()| f.sync_all()));
    written.and_then(|()| fs::rename(part, path)).map_err(|e| {
        // What is half-written must not stay; that it could not be removed is the lesser trouble.
        let _ = fs::remove_file(part);
        io(e)
    })
}

/// Removes pictures that the page does not show. It is the report's own folder, and still only
/// files of the kinds that are written here go. What cannot be removed does no harm.
fn remove_stale(folder: &Path, pictures: &[ClipPictures]) {
    let shown: BTreeSet<&str> = pictures
        .iter()
        .flat_map(|p| {
            let thumbs = p.shown.iter().filter_map(|s| s.thumb.as_ref().ok()).map(|t| t.file.as_str());
            thumbs.chain(p.scopes.as_ref().map(|(file, _)| file.as_str()))
        })
        .filter_map(|file| file.rsplit('/').next())
        .collect();
    let Ok(entries) = list(folder, usize::MAX) else { return };
    for name in entries.into_iter().filter(|e| !e.folder).map(|e| e.name) {
        let ours = Path::new(&name).extension().and_then(OsStr::to_str).is_some_and(|e| matches!(e, "jpg" | "svg"))
            || name.ends_with(PART);
        if ours && !shown.contains(name.as_str()) {
            let _ = remove(&folder.join(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use rushes_core::media::{ClipFormat, FrameRange};

    use super::*;

    fn clip(name: &str, stills: &[i64]) -> ClipSection {
        ClipSection {
            range: FrameRange::new(100, 120),
            stills: stills.iter().map(|&frame| Still { frame, path: format!("{frame}.jpg").into() }).collect(),
            ..ClipSection::new(name, ClipFormat::CinemaDng)
        }
    }

    #[test]
    fn first_middle_and_last_are_chosen_of_any_stills() {
        let chosen = |stills: &[i64]| contact(&clip("A", stills)).iter().map(|s| s.frame).collect::<Vec<_>>();
        assert!(chosen(&[]).is_empty());
        assert_eq!(chosen(&[110]), [110]);
        assert_eq!(chosen(&[120, 100]), [100, 120]);
        assert_eq!(chosen(&[120, 100, 110]), [100, 110, 120]);
        let all: Vec<i64> = (100..=120).rev().collect();
        assert_eq!(chosen(&all), [100, 110, 120]);
        assert_eq!(chosen(&[i64::MIN, i64::MAX]), [i64::MIN, i64::MAX]);
    }

    #[test]
    fn stems_are_safe_and_unique_on_every_file_system() {
        let names = ["A001", "a001", "../../etc/passwd", "Ünï", "", "A001~2", "..", "CON?"];
        let stems = stems(&names.map(|n| clip(n, &[])));
        let unique: BTreeSet<_> = stems.iter().map(|s| s.to_lowercase()).collect();
        assert_eq!(unique.len(), names.len(), "{stems:?}");
        assert_eq!(&stems[..2], ["A001", "a001~2"]);
        for stem in &stems {
            assert!(!stem.is_empty() && !stem.starts_with('.') && !stem.contains(['/', '\\', ':', '?']), "{stem}");
        }
    }

    #[test]
    fn links_to_stills_stay_below_the_output_folder() {
        let out = Path::new("/job/out");
        assert_eq!(below(Path::new("stills/a b.jpg"), out).as_deref(), Some("stills/a b.jpg"));
        assert_eq!(below(Path::new("/job/out/stills/a.jpg"), out).as_deref(), Some("stills/a.jpg"));
        assert_eq!(below(Path::new("/elsewhere/a.jpg"), out), None);
        assert_eq!(below(Path::new("../a.jpg"), out), None);
    }
}
