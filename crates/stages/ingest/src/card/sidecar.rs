//! Files that belong to a clip: sound, looks, metadata, hash lists, thumbnails, camera proxies.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rushes_core::media::{ClipFormat, ClipMedia};

use super::frames::Draft;
use super::sniff::Item;
use super::walk::Found;
use crate::recognise::extension_of;

/// Extensions of files that accompany a take.
const KINDS: &[&str] = &[
    "3dl", "ale", "alf4", "alf4c", "amf", "aml", "avc", "bim", "bwf", "cc", "ccc", "cdl", "cif", "clf", "cpf", "csv",
    "ctf", "cube", "drx", "edl", "fdl", "gyroflow", "idx", "json", "look", "lut", "md5", "mhl", "ppn", "rmd",
    "sidecar", "smi", "srt", "thm", "txt", "vlt", "wav", "wave", "xml", "xmp", "xxh64",
];

/// Of these, those that belong to the only clip of a folder whatever their name.
const OF_FOLDER: &[&str] =
    &["3dl", "ale", "amf", "bwf", "cc", "ccc", "cdl", "clf", "cube", "drx", "fdl", "mhl", "rmd", "wav"];

/// Who owns what.
pub(super) struct Owners {
    /// Folder and stem.
    here: HashMap<(PathBuf, String), usize>,
    /// Folder and stem, of all clips that are no sequences: there may be several of one stem.
    movies: HashMap<(PathBuf, String), Vec<usize>>,
    /// The folder above the clip's, and the stem: for proxies and thumbnails in a folder beside.
    beside: HashMap<(PathBuf, String), usize>,
    /// Clips in each folder, and the last of them.
    of_folder: HashMap<PathBuf, (usize, usize)>,
}

impl Owners {
    pub(super) fn of(drafts: &[Draft]) -> Self {
        let mut owners =
            Self { here: HashMap::new(), movies: HashMap::new(), beside: HashMap::new(), of_folder: HashMap::new() };
        for (i, draft) in drafts.iter().enumerate() {
            let folder = match &draft.media {
                ClipMedia::Sequence(s) => s.folder.as_path(),
                ClipMedia::Files(f) => f.first().and_then(|f| f.parent()).unwrap_or(Path::new("")),
            };
            for stem in draft.stems.iter().filter(|s| !s.is_empty()) {
                owners.here.entry((folder.to_owned(), stem.clone())).or_insert(i);
                if matches!(draft.media, ClipMedia::Files(_)) {
                    owners.movies.entry((folder.to_owned(), stem.clone())).or_default().push(i);
                }
                // A frame's folder holds one clip; its name is the clip's for the folder above.
                if let Some(above) = folder.parent() {
                    owners.beside.entry((above.to_owned(), stem.clone())).or_insert(i);
                }
            }
            let count = owners.of_folder.entry(folder.to_owned()).or_insert((0, i));
            count.0 += 1;
        }
        owners
    }

    /// The clip a file that is no picture belongs to.
    pub(super) fn owner(&self, file: &Found) -> Option<usize> {
        let kind = KINDS.contains(&extension_of(&file.name).as_str());
        let stem = file.stem().to_lowercase();
        if let Some(i) = self.by_stem(&file.folder, &stem) {
            return Some(i);
        }
        if !kind {
            return None;
        }
        // `C0001M01.XML` of Sony, `A001_C001_look.cube`: the stem goes on after the clip's.
        let mut rest = stem.as_str();
        if let Some(base) = numbered_companion(rest).and_then(|base| self.by_stem(&file.folder, base)) {
            return Some(base);
        }
        while let Some((before, _)) = rest.rsplit_once(['_', '-', '.', ' ']) {
            if let Some(i) = self.by_stem(&file.folder, before) {
                return Some(i);
            }
            rest = before;
        }
        self.by_folder(file)
    }

    /// The clip a recognised picture accompanies: a thumbnail or the camera's own proxy.
    pub(super) fn master(&self, item: &Item, own: usize, drafts: &[Draft]) -> Option<usize> {
        let format = item.what.as_ref()?.format;
        let file = &item.file;
        let stem = file.stem().to_lowercase();
        let ext = extension_of(&file.name);
        let folder = file.folder.file_name().map(|f| f.to_string_lossy().to_lowercase()).unwrap_or_default();
        let set_apart = matches!(folder.as_str(), "sub" | "proxy" | "proxies" | "thmbnl" | "thumbnails" | "thm");
        let low = matches!(ext.as_str(), "lrv" | "lrf" | "thm");
        let gopro = stem.strip_prefix("gl").into_iter().flat_map(|n| [format!("gx{n}"), format!("gh{n}")]);
        let names = [stem.clone()].into_iter().chain(numbered_companion(&stem).map(str::to_owned)).chain(gopro);
        let found = names.into_iter().find_map(|n| self.find_other(&file.folder, &n, own))?;
        let better = drafts[found].format;
        let raw_beside = better == ClipFormat::R3d || (format == ClipFormat::Still && better != ClipFormat::Still);
        (set_apart || low || raw_beside).then_some(found)
    }

    fn find_other(&self, folder: &Path, stem: &str, own: usize) -> Option<usize> {
        let near = |i: &usize| *i != own;
        if let Some(i) = self.by_stem(folder, stem).filter(near) {
            return Some(i);
        }
        // Two files of one stem in one folder: the map holds one, so look for the other.
        self.movies.get(&(folder.to_owned(), stem.to_owned()))?.iter().copied().find(|i| near(i))
    }

    fn by_stem(&self, folder: &Path, stem: &str) -> Option<usize> {
        let key = |f: &Path| (f.to_owned(), stem.to_owned());
        let above = folder.parent();
        self.here
            .get(&key(folder))
            .or_else(|| self.beside.get(&key(folder)))
            .or_else(|| above.and_then(|a| self.here.get(&key(a)).or_else(|| self.beside.get(&key(a)))))
            .copied()
    }

    /// The only clip of the folder; of the folder above for the `ascmhl` folder (ASC MHL 2.0).
    fn by_folder(&self, file: &Found) -> Option<usize> {
        if !OF_FOLDER.contains(&extension_of(&file.name).as_str()) {
            return None;
        }
        let mhl = file.folder.file_name().is_some_and(|n| n == "ascmhl");
        let folder = if mhl { file.folder.parent()? } else { file.folder.as_path() };
        self.of_folder.get(folder).filter(|(clips, _)| *clips == 1).map(|c| c.1)
    }
}

/// `c0001` of `c0001m01`, `c0001t01`, `c0001s03`: metadata, thumbnail and proxy of Sony's XAVC.
fn numbered_companion(stem: &str) -> Option<&str> {
    let b = stem.as_bytes();
    let n = b.len();
    (n > 3 && stem.is_ascii() && matches!(b[n - 3], b'm' | b't' | b's') && b[n - 2..].iter().all(u8::is_ascii_digit))
        .then(|| &stem[..n - 3])
}
