//! Puts the steps together, and says what was not understood.

use std::collections::BTreeMap;
use std::path::Path;

use rushes_core::media::{Clip, ClipMedia, Finding, FrameRange, Severity};
use rushes_core::stage::{Batch, ClipContext};
use rushes_core::{Error, ErrorKind, Result};

use super::frames::{Draft, one_frame, sequences};
use super::naming;
use super::sidecar::Owners;
use super::sniff::{Item, sniff};
use super::spans::movies;
use super::walk::walk;
use crate::recognise::{extension_of, fits, meant};
use crate::{Ingest, needs};

/// Names listed in one finding.
const NAMED: usize = 5;

/// Reads the card at `batch.root` and adds its clips.
pub(crate) fn understand(mut batch: Batch, limits: &Ingest, cx: &ClipContext) -> Result<Batch> {
    let root = batch.root.clone();
    let walk = walk(&root, limits)?;
    let mut findings = walk.findings;
    let mut items = sniff(walk.files, &cx.cancel);
    cx.go_on()?;
    // What a storage could not say now is no fault of the file.
    if let Some(e) = items.iter_mut().find_map(|i| i.error.take_if(|e| e.is_retryable())) {
        return Err(e.doing("looking for clips"));
    }
    let mut drafts = sequences(&items);
    let mut taken = vec![false; items.len()];
    drafts.iter().flat_map(|d| &d.items).for_each(|&i| taken[i] = true);
    drafts.extend(movies(&items, &taken, &mut findings));
    let (drafts, mut sidecars) = attach(&items, drafts);
    let mut claimed = vec![false; items.len()];
    drafts.iter().flat_map(|d| &d.items).chain(sidecars.iter().flatten()).for_each(|&i| claimed[i] = true);
    for (i, item) in items.iter().enumerate() {
        report(item, claimed[i], &mut findings);
    }
    let mut unclaimed = walk.ignored;
    unclaimed.extend(items.iter().zip(&claimed).filter(|(_, c)| !**c).map(|(i, _)| i.file.path.clone()));
    unclaimed.sort();
    if drafts.is_empty() {
        return Err(nothing(&root, &items, unclaimed.len(), &findings));
    }
    let mut clips: Vec<(Clip, Vec<Finding>)> = Vec::new();
    for (draft, sidecars) in drafts.iter().zip(&mut sidecars) {
        clips.push(clip(draft, sidecars, &items));
    }
    clips.sort_by(|(a, _), (b, _)| (&a.name, place(a)).cmp(&(&b.name, place(b))));
    let (mut clips, about): (Vec<Clip>, Vec<Vec<Finding>>) = clips.into_iter().unzip();
    findings.extend(about.into_iter().flatten());
    naming::distinct(&mut clips, &mut findings);
    if !unclaimed.is_empty() {
        let names: Vec<_> =
            unclaimed.iter().map(|p| p.strip_prefix(&root).unwrap_or(p).display().to_string()).collect();
        let verb = if names.len() == 1 { "file belongs" } else { "files belong" };
        let text = format!("{} {verb} to no clip: {}", names.len(), list(&names));
        findings.push(Finding::info("files-unclaimed", text).path(&root));
    }
    batch.clips.append(&mut clips);
    batch.unclaimed.append(&mut unclaimed);
    batch.findings.append(&mut findings);
    Ok(batch)
}

/// Gives sidecars to clips; thumbnails and proxies stop being clips of their own.
fn attach(items: &[Item], drafts: Vec<Draft>) -> (Vec<Draft>, Vec<Vec<usize>>) {
    let owners = Owners::of(&drafts);
    let mut of: Vec<Vec<usize>> = vec![Vec::new(); drafts.len()];
    let mut masters: Vec<Option<usize>> = vec![None; drafts.len()];
    for (d, draft) in drafts.iter().enumerate() {
        if let (ClipMedia::Files(_), &[i]) = (&draft.media, draft.items.as_slice()) {
            masters[d] = owners.master(&items[i], d, &drafts);
        }
    }
    // A master that is itself a companion stays a clip, so that nothing is lost in a ring.
    let chief: Vec<Option<usize>> = masters.iter().map(|m| m.filter(|&m| masters[m].is_none())).collect();
    for (d, draft) in drafts.iter().enumerate() {
        if let Some(m) = chief[d] {
            of[m].extend(&draft.items);
        }
    }
    let picture: std::collections::HashSet<usize> = drafts.iter().flat_map(|d| d.items.iter().copied()).collect();
    for (i, item) in items.iter().enumerate() {
        if !picture.contains(&i)
            && item.what.is_none()
            && let Some(owner) = owners.owner(&item.file)
        {
            of[chief[owner].unwrap_or(owner)].push(i);
        }
    }
    let pairs = drafts.into_iter().zip(of).zip(chief).filter(|(_, c)| c.is_none()).map(|(p, _)| p);
    pairs.unzip()
}

/// Findings about one file.
fn report(item: &Item, claimed: bool, findings: &mut Vec<Finding>) {
    let file = &item.file;
    if let Some(e) = &item.error {
        let text = format!("it cannot be read: {}; check who may read it, or copy it again", e.detail());
        findings.push(Finding::error("file-unreadable", text).path(&file.path));
    } else if file.len == 0 && !claimed && meant(&file.name).is_some() {
        let text = "the file is empty; copy it from the card again";
        findings.push(Finding::error("file-empty", text).path(&file.path));
    } else if !claimed && item.what.is_none() && meant(&file.name).is_some() && extension_of(&file.name) != "raw" {
        let text = format!(
            "it is called .{} but its content is nothing known: damaged, or of a kind not supported",
            extension_of(&file.name)
        );
        findings.push(Finding::warning("file-unrecognised", text).path(&file.path));
    }
}

/// The clip of a draft, with the findings about its files.
fn clip(draft: &Draft, sidecars: &mut Vec<usize>, items: &[Item]) -> (Clip, Vec<Finding>) {
    let mut clip = Clip::new(&draft.name, draft.format, draft.media.clone());
    if one_frame(draft.format) && matches!(draft.media, ClipMedia::Files(_)) {
        clip.range = FrameRange::new(0, draft.items.len() as i64 - 1);
    }
    sidecars.sort_unstable();
    sidecars.dedup();
    clip.sidecars = sidecars.iter().map(|&i| items[i].file.path.clone()).collect();
    let recognised = || draft.items.iter().filter_map(|&i| Some((&items[i].file, items[i].what.as_ref()?)));
    let detail = recognised().find(|(_, w)| w.format == draft.format).map_or("", |(_, w)| w.detail.as_str());
    clip.needs = needs(draft.format, detail);
    let mut findings = Vec::new();
    let wrong: Vec<_> = recognised().filter(|(f, w)| !fits(w.format, &f.name)).collect();
    if let Some((file, what)) = wrong.first() {
        let ext = extension_of(&file.name);
        let called = if ext.is_empty() { "it has no extension".to_owned() } else { format!("it is called .{ext}") };
        let more = match wrong.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        let text = format!("{called} but its content is {}, and it is taken for that{more}; rename it", what.detail);
        findings.push(Finding::warning("extension-mismatch", text).clip(&clip.name).path(&file.path));
    }
    let damaged = recognised().find_map(|(f, w)| Some((f, w.remark.as_ref()?)));
    if let Some((file, remark)) = damaged {
        findings.push(Finding::error("file-cut-short", remark).clip(&clip.name).path(&file.path));
    }
    (clip, findings)
}

/// The error where there is no clip at all.
fn nothing(root: &Path, items: &[Item], files: usize, findings: &[Finding]) -> Error {
    let doing = "looking for clips";
    if let [item] = items
        && item.file.path == *root
    {
        let e = match findings.first() {
            Some(f) => Error::new(ErrorKind::BadMedia, f.text.clone()),
            None => Error::new(ErrorKind::Unsupported, "its content is no camera format known here")
                .advice("give a camera file, or the folder or card that holds it"),
        };
        return e.path(root).doing(doing);
    }
    if files == 0 {
        return Error::new(ErrorKind::NotFound, "the folder is empty")
            .advice("check the path, and that the card was copied")
            .path(root)
            .doing(doing);
    }
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for item in items {
        *kinds.entry(extension_of(&item.file.name)).or_default() += 1;
    }
    let mut kinds: Vec<(String, usize)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let kinds: Vec<String> = kinds
        .into_iter()
        .map(|(k, n)| if k.is_empty() { format!("{n} without extension") } else { format!("{n} .{k}") })
        .collect();
    let mut detail = format!("no camera files found; {} files were looked at", items.len());
    if !kinds.is_empty() {
        detail = format!("{detail}: {}", list(&kinds));
    }
    for f in findings.iter().filter(|f| f.severity > Severity::Info).take(3) {
        let name = f.path.as_ref().map(|p| format!("{}: ", p.display())).unwrap_or_default();
        detail = format!("{detail}; {name}{}", f.text);
    }
    Error::new(ErrorKind::NotFound, detail)
        .advice("give the folder or card that holds camera files")
        .path(root)
        .doing(doing)
}

fn list(names: &[String]) -> String {
    match names.len().checked_sub(NAMED) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..NAMED].join(", ")),
        _ => names.join(", "),
    }
}

fn place(clip: &Clip) -> std::path::PathBuf {
    match &clip.media {
        ClipMedia::Sequence(s) => s.folder.clone(),
        ClipMedia::Files(f) => f.first().cloned().unwrap_or_default(),
    }
}
