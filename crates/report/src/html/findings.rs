//! What was found out, worst first.

use std::fmt::Write as _;

use rushes_core::media::{Finding, FrameRange, Severity};

use super::escape::Text;
use super::view::{Told, View, joined, ranges_in_words};
use super::{pill, put};
use crate::words;

/// The most findings of one code about one clip that are told each for itself; the manifest has all.
const MOST: usize = 40;

pub(super) fn severity(s: Severity) -> (&'static str, &'static str) {
    match s {
        Severity::Info => ("info", "Info"),
        Severity::Warning => ("warn", "Warning"),
        Severity::Error => ("bad", "Error"),
    }
}

pub(super) fn section(out: &mut String, view: &View<'_>) {
    out.push_str("<section id=\"findings\">\n<h2>Findings</h2>\n");
    if view.told.is_empty() {
        out.push_str(
            "<p class=\"note\">Nothing was found wrong, and nothing that you should know besides.</p>\n</section>\n",
        );
        return;
    }
    out.push_str(
        "<div class=\"scroll\"><table data-filter=\"finding\">\n<thead><tr><th data-chip>Severity</th><th>Code</th>\
                  <th>Clip</th><th data-t=\"n\">Frames</th><th>What, and what to do</th></tr></thead>\n<tbody>\n",
    );
    for t in &view.told {
        row(out, t);
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

fn row(out: &mut String, t: &Told) {
    let first = &t.findings[0];
    let (class, word) = severity(first.severity);
    put!(out, "<tr><td data-v=\"{}\">", 2 - first.severity as u8);
    pill(out, class, word);
    put!(out, "</td><td class=\"code\">{}</td><td class=\"name\">", Text(&first.code));
    match (&first.clip, t.clip) {
        (Some(name), Some(i)) => put!(out, "<a href=\"#c{}\">{}</a>", i + 1, Text(name)),
        (Some(name), None) => put!(out, "{}", Text(name)),
        (None, _) => {}
    }
    let frames: Vec<_> = t.findings.iter().filter_map(|f| FrameRange::new(f.frame?, f.frame?)).collect();
    match frames.iter().map(|f| f.first).min() {
        Some(least) => {
            put!(out, "</td><td class=\"num\" data-v=\"{least}\">{}", ranges_in_words(&joined(frames)));
        }
        None => out.push_str("</td><td>"),
    }
    out.push_str("</td><td class=\"what\">");
    what(out, first);
    let more = &t.findings[1..];
    if !more.is_empty() {
        put!(out, "<details><summary>{} more</summary><ul>", words::count(more.len() as u64));
        for f in more.iter().take(MOST) {
            out.push_str("<li>");
            what(out, f);
            out.push_str("</li>");
        }
        if more.len() > MOST {
            put!(out, "<li>and {} more, in the manifest</li>", words::count((more.len() - MOST) as u64));
        }
        out.push_str("</ul></details>");
    }
    out.push_str("</td></tr>\n");
}

/// The findings of one clip above its pictures: a line for each code, the whole is in the table.
pub(super) fn brief(out: &mut String, told: &[&Told]) {
    let worth = || told.iter().filter(|t| t.findings[0].severity > Severity::Info);
    if worth().next().is_none() {
        return;
    }
    out.push_str("<ul class=\"brief\">");
    for t in worth() {
        let (class, word) = severity(t.findings[0].severity);
        out.push_str("<li>");
        pill(out, class, word);
        put!(out, " {}", Text(&t.findings[0].text));
        if t.findings.len() > 1 {
            put!(out, " <a href=\"#findings\">and {} more</a>", words::count(t.findings.len() as u64 - 1));
        }
        out.push_str("</li>");
    }
    out.push_str("</ul>\n");
}

fn what(out: &mut String, f: &Finding) {
    put!(out, "{}", Text(&f.text));
    if let Some(path) = &f.path {
        put!(out, "<small class=\"path\">{}</small>", Text(&path.to_string_lossy()));
    }
}
