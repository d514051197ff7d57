//! The page: one HTML file with its style and script inside and its pictures beside it.

mod clips;
mod escape;
mod facts;
mod findings;
mod head;
mod timings;
mod verification;
mod view;

use std::fmt::Write as _;

use crate::model::Report;
use view::View;

/// The pictures of a clip, as [`page`] shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClipPictures {
    /// First, middle and last, or fewer.
    pub(crate) shown: Vec<Shown>,
    /// The file of the scopes below the folder of the page, and the frame they measure.
    pub(crate) scopes: Option<(String, i64)>,
}

/// A still in a contact sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) frame: i64,
    /// The still itself, below the output folder with forward slashes, if it lies there.
    pub(crate) still: Option<String>,
    /// The thumbnail, or why there is none.
    pub(crate) thumb: Result<Thumb, String>,
}

/// A thumbnail below the folder of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thumb {
    pub(crate) file: String,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// Writes formatted text to a `String`, which cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{
        let _ = write!($out, $($arg)*);
    }};
}
pub(crate) use put;

/// The page of `report`; `pictures` are those of its clips, in their order.
pub(crate) fn page(report: &Report, pictures: &[ClipPictures]) -> String {
    let view = View::of(report);
    let mut out = String::with_capacity(32 * 1024 + report.clips.len() * 6 * 1024);
    head::open(&mut out, &view, include_str!("style.css"));
    findings::section(&mut out, &view);
    clips::table(&mut out, &view);
    verification::section(&mut out, &view);
    timings::section(&mut out, &view);
    clips::sheets(&mut out, &view, pictures);
    head::close(&mut out, &view, include_str!("script.js"));
    out
}

/// A word in a colour that says the same.
fn pill(out: &mut String, class: &str, word: &str) {
    put!(out, "<span class=\"pill {class}\">{word}</span>");
}
