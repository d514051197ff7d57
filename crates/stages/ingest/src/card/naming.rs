//! One name for each clip: outputs are called by it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rushes_core::deliver::file_stem;
use rushes_core::media::{Clip, ClipMedia, Finding};

/// Gives clips of one name distinct names, and says so. Names that differ only in case clash:
/// most media is exchanged on file systems that do not tell them apart.
pub(super) fn distinct(clips: &mut [Clip], findings: &mut Vec<Finding>) {
    let mut same: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, clip) in clips.iter().enumerate() {
        same.entry(key(&clip.name)).or_default().push(i);
    }
    let mut taken: HashSet<String> = same.iter().filter(|(_, v)| v.len() == 1).map(|(k, _)| k.clone()).collect();
    let mut clashes: Vec<Vec<usize>> = same.into_values().filter(|v| v.len() > 1).collect();
    clashes.sort();
    // The number to try next after each base name, and the findings of each clip and folder: with
    // thousands of clips of one name, a search for each would never end.
    let mut next: HashMap<String, usize> = HashMap::new();
    let mut about: HashMap<(String, PathBuf), Vec<usize>> = HashMap::new();
    for (i, f) in findings.iter().enumerate() {
        if let (Some(clip), Some(folder)) = (&f.clip, f.path.as_ref().and_then(|p| p.parent())) {
            about.entry((clip.clone(), folder.to_owned())).or_default().push(i);
        }
    }
    for members in clashes {
        let old = clips[members[0]].name.clone();
        let folders: HashSet<PathBuf> = members.iter().map(|&i| place(&clips[i]).0).collect();
        let mut given = Vec::new();
        for &i in &members {
            let (folder, ext) = place(&clips[i]);
            let parent = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            // A frame's folder often has the clip's own name; the one above tells more.
            let parent = if parent.eq_ignore_ascii_case(&old) {
                let above = folder.parent().and_then(Path::file_name);
                above.map_or(parent, |n| n.to_string_lossy().into_owned())
            } else {
                parent
            };
            let base = if folders.len() > 1 {
                format!("{}_{parent}", clips[i].name)
            } else {
                format!("{}_{ext}", clips[i].name)
            };
            let base = base.trim_end_matches('_').to_owned();
            let mut name = base.clone();
            let n = next.entry(key(&base)).or_insert(2);
            while !taken.insert(key(&name)) {
                name = format!("{base}_{n}");
                *n += 1;
            }
            given.push(name.clone());
            // Findings made before know the clip by its old name and path.
            for f in about.remove(&(clips[i].name.clone(), folder)).unwrap_or_default() {
                findings[f].clip = Some(name.clone());
            }
            clips[i].name = name;
        }
        let text = format!(
            "{} clips are called {old}; their outputs are called {}. Rename one if the reels were mixed up",
            members.len(),
            list(&given)
        );
        findings.push(Finding::warning("clip-name-clash", text).clip(&given[0]).path(place(&clips[members[0]]).0));
    }
}

/// What distinguishes the files made of clips: the stem they are called by, whatever its case.
fn key(name: &str) -> String {
    file_stem(name).to_lowercase()
}

/// The first few of them.
fn list(names: &[String]) -> String {
    let more = if names.len() > 8 { format!(" and {} more", names.len() - 8) } else { String::new() };
    format!("{}{more}", names[..names.len().min(8)].join(", "))
}

/// The folder and extension of a clip's files.
fn place(clip: &Clip) -> (PathBuf, String) {
    let path = match &clip.media {
        ClipMedia::Sequence(s) => s.folder.join(format!("x{}", s.suffix)),
        ClipMedia::Files(f) => f.first().cloned().unwrap_or_default(),
    };
    let ext = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    (path.parent().unwrap_or(Path::new("")).to_owned(), ext)
}
