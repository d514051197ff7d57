//! What the examples share: their arguments, and finding a file on the demo's card.
#![allow(dead_code, reason = "each example uses a part of it")]

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// The card and the output folder: the arguments, or the demo's card and a folder `name`.
pub(crate) fn args(name: &str) -> (PathBuf, PathBuf) {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let card = args.next().unwrap_or_else(|| "rushes-demo/card".into());
    if !card.exists() {
        eprintln!("{} does not exist: run `cargo run --release -- demo` first, or name a card", card.display());
        std::process::exit(1);
    }
    (card, args.next().unwrap_or_else(|| name.into()))
}

/// The first DNG of a card, in the order of names.
pub(crate) fn first_dng(folder: &Path) -> PathBuf {
    let mut entries: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|e| e.path()).collect(),
        Err(_) => return folder.to_owned(),
    };
    entries.sort();
    let dng = |p: &PathBuf| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("dng"));
    entries
        .iter()
        .find(|p| dng(p))
        .cloned()
        .or_else(|| entries.iter().filter(|p| p.is_dir()).map(|p| first_dng(p)).find(dng))
        .unwrap_or_else(|| folder.to_owned())
}

/// The value, or a dash.
pub(crate) fn or_none(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".into(), |v| v.to_string())
}
