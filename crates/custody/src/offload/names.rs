//! Names that clash or break at a destination, found before the first byte.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rushes_core::media::{Finding, Severity};
use unicode_normalization::UnicodeNormalization as _;

use super::finding::about;
use super::tree::Tree;
use super::{CardPath, Portability};

/// What a destination was found to do with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Naming {
    /// `a` and `A` are one file.
    pub folds_case: bool,
    /// `é` and `e` with a combining accent are one file.
    pub folds_composition: bool,
    /// A name with the traits is taken and comes back as it was given.
    pub takes: [bool; Trait::ALL.len()],
    /// The longest name in bytes.
    pub longest: usize,
}

impl Default for Naming {
    /// A file system of a Unix, which takes everything and folds nothing.
    fn default() -> Self {
        Self { folds_case: false, folds_composition: false, takes: [true; Trait::ALL.len()], longest: 255 }
    }
}

/// Why a name cannot exist on some file systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trait {
    /// One of `< > : " \ | ? *`.
    Reserved,
    /// A control character.
    Control,
    /// A dot at the end.
    TrailingDot,
    /// A space at the end.
    TrailingSpace,
    /// A name of a Windows device: `CON`, `LPT1.txt`.
    Device,
    /// Bytes that are not Unicode.
    NotUnicode,
}

impl Trait {
    /// All of them; their places are those in [`Naming::takes`].
    pub const ALL: [Self; 6] =
        [Self::Reserved, Self::Control, Self::TrailingDot, Self::TrailingSpace, Self::Device, Self::NotUnicode];

    /// The traits of one name.
    pub fn of(name: &OsStr) -> Vec<Self> {
        Self::ALL.into_iter().filter(|t| t.is_in(name)).collect()
    }

    fn is_in(self, name: &OsStr) -> bool {
        let text = name.to_string_lossy();
        match self {
            Self::Reserved => text.contains(['<', '>', ':', '"', '\\', '|', '?', '*']),
            Self::Control => text.chars().any(|c| c < ' '),
            Self::TrailingDot => text.ends_with('.'),
            Self::TrailingSpace => text.ends_with(' '),
            Self::Device => is_device(&text),
            Self::NotUnicode => name.to_str().is_none(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Reserved => "a character that Windows reserves",
            Self::Control => "a control character",
            Self::TrailingDot => "a dot at its end",
            Self::TrailingSpace => "a space at its end",
            Self::Device => "the name of a Windows device",
            Self::NotUnicode => "bytes that are not Unicode",
        }
    }
}

/// Windows takes these for devices, with any extension ("Naming Files, Paths, and Namespaces",
/// Microsoft Learn).
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or("").trim_end_matches(' ').to_ascii_uppercase();
    match stem.as_bytes() {
        b"CON" | b"PRN" | b"AUX" | b"NUL" => true,
        [b'C', b'O', b'M', d] | [b'L', b'P', b'T', d] => (b'1'..=b'9').contains(d),
        _ => false,
    }
}

/// Longest path Windows programs that do not ask for more can open (`MAX_PATH`, 260 with its end).
const WINDOWS_PATH: usize = 259;
/// Longest path Linux takes (`PATH_MAX`, 4096 with its end).
const LINUX_PATH: usize = 4095;
/// Bytes a temporary's name may have.
pub(super) const TEMPORARY: usize = 48;

/// What is wrong with the card's names at a destination: `root` is the folder the card becomes.
pub(super) fn check(tree: &Tree, root: &Path, naming: &Naming, portability: Portability) -> Vec<Finding> {
    let elsewhere = match portability {
        Portability::Ignore => None,
        Portability::Warn => Some(Severity::Warning),
        Portability::Refuse => Some(Severity::Error),
    };
    let mut findings = Vec::new();
    for path in paths(tree) {
        let Some(name) = path.as_path().file_name() else { continue };
        for t in Trait::of(name) {
            let text = format!("the name has {}", t.words());
            if !naming.takes[t as usize] {
                let text = format!("{text}, which {} does not take; rename it, or use another disk", root.display());
                findings.push(about(Finding::error("name-refused", text), path));
            } else if let Some(severity) = elsewhere {
                let text = format!("{text}; other file systems do not take it");
                findings.push(about(Finding::new(severity, "name-not-portable", text), path));
            }
        }
        let whole = root.join(path);
        let bytes = whole.as_os_str().len();
        let deepest = whole.parent().map_or(0, |p| p.as_os_str().len()) + 1 + TEMPORARY;
        if name.len() > naming.longest || (cfg!(unix) && bytes.max(deepest) > LINUX_PATH) {
            let text = format!(
                "the name has {} bytes and the path {bytes}; {} takes {} and {LINUX_PATH}; choose a destination with a shorter path",
                name.len(),
                root.display(),
                naming.longest
            );
            findings.push(about(Finding::error("path-too-long", text), path));
        } else if let Some(severity) = elsewhere
            && path.lossy().encode_utf16().count() > WINDOWS_PATH
        {
            let text = format!("the path within the card is longer than the {WINDOWS_PATH} characters of Windows");
            findings.push(about(Finding::new(severity, "path-too-long", text), path));
        }
    }
    findings.extend(clashes(tree, root, naming, elsewhere));
    findings
}

fn paths(tree: &Tree) -> impl Iterator<Item = &CardPath> {
    tree.folders.iter().map(|f| &f.path).chain(tree.files.iter().map(|f| &f.path))
}

/// Names of one folder that are one name where case or composition is folded.
fn clashes(tree: &Tree, root: &Path, naming: &Naming, elsewhere: Option<Severity>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: HashMap<String, &CardPath> = HashMap::new();
    for path in paths(tree) {
        // Only whole paths are compared: folders that clash are found themselves, and what is in
        // them clashes where it truly would.
        let Some(text) = path.as_path().to_str() else { continue };
        if let Some(other) = seen.insert(folded(text), path)
            && other != path
        {
            let here = one_file(other.as_path(), path.as_path(), naming);
            let Some(severity) = (if here { Some(Severity::Error) } else { elsewhere }) else { continue };
            let place = if here { root.display().to_string() } else { "other file systems".to_owned() };
            let text = format!("`{other}` has the same name on {place}; rename one of them, or use another disk");
            findings.push(about(Finding::new(severity, "name-clash", text), path));
        }
    }
    findings
}

fn one_file(a: &Path, b: &Path, naming: &Naming) -> bool {
    let as_there = |p: &Path| {
        let mut text = p.to_string_lossy().into_owned();
        if naming.folds_composition {
            text = text.nfc().collect();
        }
        if naming.folds_case {
            text = fold_case(&text);
        }
        text
    };
    as_there(a) == as_there(b)
}

/// The form in which names that are one somewhere are equal.
fn folded(text: &str) -> String {
    fold_case(&text.nfd().collect::<String>()).nfc().collect()
}

/// Simple folding, one character for one: what file systems have tables for.
fn fold_case(text: &str) -> String {
    fn single(mut mapped: impl Iterator<Item = char>, otherwise: char) -> char {
        match (mapped.next(), mapped.next()) {
            (Some(c), None) => c,
            _ => otherwise,
        }
    }
    text.chars().map(|c| single(c.to_uppercase(), c)).map(|c| single(c.to_lowercase(), c)).collect()
}

/// Finds out what the file system under `folder` does with names, by making files there and
/// removing them. `card` keeps the names apart from those of other offloads. What cannot be found
/// out is taken for granted. `wanted` limits the trials to traits that the card has.
pub(super) fn probe(folder: &Path, card: &OsStr, wanted: &Tree) -> Naming {
    let mut naming = Naming { longest: longest_name(folder), ..Naming::default() };
    let trial = |end: &OsStr| -> PathBuf {
        let mut name = std::ffi::OsString::from(".rushes-probe-");
        // A part of the card's name, so that the trial's own is not too long.
        name.push(card.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).take(32).collect::<String>());
        name.push("-");
        name.push(end);
        folder.join(name)
    };
    let (composed, upper, apart) = (trial("x\u{e9}".as_ref()), trial("X\u{e9}".as_ref()), trial("xe\u{301}".as_ref()));
    if make(&composed) {
        naming.folds_case = upper.exists();
        naming.folds_composition = apart.exists();
        let _ = std::fs::remove_file(&composed);
    }
    let mut has = [false; Trait::ALL.len()];
    for t in paths(wanted).filter_map(|p| p.as_path().file_name()).flat_map(Trait::of) {
        has[t as usize] = true;
    }
    for t in Trait::ALL.into_iter().filter(|t| has[*t as usize]) {
        naming.takes[t as usize] = specimens(t).iter().all(|end| {
            let path = if t == Trait::Device { folder.join("aux.rushes-probe") } else { trial(end) };
            if !make(&path) {
                return false;
            }
            let kept = std::fs::read_dir(folder)
                .is_ok_and(|all| all.flatten().any(|e| Some(e.file_name().as_os_str()) == path.file_name()));
            let _ = std::fs::remove_file(&path);
            kept
        });
    }
    naming
}

/// Makes an empty file where nothing is.
fn make(path: &Path) -> bool {
    std::fs::File::create_new(path).is_ok()
}

fn specimens(t: Trait) -> Vec<std::ffi::OsString> {
    let text = |s: &str| vec![s.into()];
    match t {
        Trait::Reserved => text("<>:\"\\|?*x"),
        Trait::Control => text("\u{1}x"),
        Trait::TrailingDot => text("x."),
        Trait::TrailingSpace => text("x "),
        Trait::Device => text(""),
        #[cfg(unix)]
        Trait::NotUnicode => vec![std::os::unix::ffi::OsStringExt::from_vec(vec![b'x', 0xff])],
        #[cfg(not(unix))]
        Trait::NotUnicode => Vec::new(),
    }
}

#[cfg(unix)]
fn longest_name(folder: &Path) -> usize {
    rustix::fs::statvfs(folder).map_or(255, |s| usize::try_from(s.f_namemax).unwrap_or(255).max(8))
}

#[cfg(not(unix))]
fn longest_name(_: &Path) -> usize {
    255
}
