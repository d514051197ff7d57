//! The top of the page, which tells the whole in a few lines, and its foot.

use std::fmt::Write as _;

use super::escape::{Href, Text};
use super::view::{Status, View};
use super::{pill, put};
use crate::model::Level;
use crate::words;

pub(super) fn open(out: &mut String, view: &View<'_>, style: &str) {
    let r = view.report;
    put!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"generator\" content=\"{}\">\n<title>{}</title>\n<style>\n{style}</style>\n</head>\n<body>\n",
        Text(&r.tool),
        Text(&r.title)
    );
    put!(out, "<header>\n<p class=\"kicker\">Run report");
    if !r.workflow.is_empty() {
        put!(out, " \u{b7} <bdi>{}</bdi>", Text(&r.workflow));
    }
    if let Some(when) = &r.when {
        put!(out, " \u{b7} <time>{}</time>", Text(when));
    }
    put!(out, "</p>\n<h1><bdi>{}</bdi></h1>\n", Text(&r.title));
    put!(out, "<p class=\"input\">from <bdi>{}</bdi></p>\n", Text(&r.input));
    verdict(out, view);
    totals(out, view);
    out.push_str(
        "</header>\n<nav aria-label=\"Sections\"><a href=\"#findings\">Findings</a><a href=\"#clips\">Clips</a>\
                  <a href=\"#verification\">Verification</a><a href=\"#timings\">Timings</a>\
                  <a href=\"#sheets\">Contact sheets</a></nav>\n<main>\n",
    );
}

fn verdict(out: &mut String, view: &View<'_>) {
    let n = view.clips.len() as u64;
    let [ok, check] = [Status::Ok, Status::Check].map(|s| view.with(s));
    let unmatched: u64 = view.report.verified.iter().map(|v| v.failed).sum();
    let (class, word) = match () {
        () if ok + check < n || view.findings[2] > 0 || unmatched > 0 => ("bad", "Not complete"),
        () if view.findings[1] > 0 => ("warn", "Complete, with warnings"),
        () => ("ok", "Complete"),
    };
    out.push_str("<p class=\"verdict\">");
    pill(out, class, word);
    let done = if view.report.units.is_empty() { "found" } else { "made" };
    match (n, ok + check) {
        (0, _) => out.push_str(" There are no clips."),
        (1, 1) => put!(out, " The clip was {done}."),
        (n, all) if n == all => put!(out, " All {} were {done}.", words::counted(n, "clip")),
        (n, some) => put!(out, " {} of {} {done}.", words::count(some), words::counted(n, "clip")),
    }
    let mut more = Vec::new();
    for (s, text) in [
        (Status::Failed, "failed"),
        (Status::Cancelled, "cancelled"),
        (Status::Skipped, "not made"),
        (Status::Check, "to check"),
    ] {
        if view.with(s) > 0 {
            more.push(format!("{} {text}", words::count(view.with(s))));
        }
    }
    if unmatched > 0 {
        more.push(format!("{} did not verify", words::counted(unmatched, "file")));
    }
    if !more.is_empty() {
        put!(out, " {}.", more.join(", "));
    }
    out.push_str("</p>\n");
}

fn totals(out: &mut String, view: &View<'_>) {
    let r = view.report;
    let sum = |it: &mut dyn Iterator<Item = u64>| it.fold(0u64, u64::saturating_add);
    let frames = sum(&mut r.clips.iter().filter_map(|c| c.range).map(|f| f.len()));
    let (files, bytes) = (sum(&mut r.clips.iter().map(|c| c.files)), sum(&mut r.clips.iter().map(|c| c.bytes)));
    let made = || r.units.iter().flat_map(|u| &u.outputs);
    let (made_files, made_bytes) = (made().count() as u64, sum(&mut made().map(|f| f.bytes)));
    let weakest = r.verified.iter().map(|v| v.level).min().unwrap_or(Level::None);

    out.push_str("<dl class=\"totals\">");
    let mut total = |name: &str, value: &str, small: &str| {
        put!(out, "<div><dt>{name}</dt><dd>{value}");
        if !small.is_empty() {
            put!(out, "<small>{small}</small>");
        }
        out.push_str("</dd></div>");
    };
    total("Clips", &words::count(r.clips.len() as u64), "");
    total("Frames", &words::count(frames), "");
    total("Originals", &words::bytes(bytes), &words::counted(files, "file"));
    total("Made", &words::bytes(made_bytes), &words::counted(made_files, "file"));
    let [info, warnings, errors] = view.findings;
    total("Errors", &words::count(errors), "");
    total("Warnings", &words::count(warnings), &format!("{} for information", words::count(info)));
    total("Evidence", super::verification::word(weakest), if r.verified.len() > 1 { "at least" } else { "" });
    out.push_str("</dl>\n");
}

pub(super) fn close(out: &mut String, view: &View<'_>, script: &str) {
    let r = view.report;
    out.push_str("</main>\n<footer>\n");
    if !r.links.is_empty() {
        out.push_str("<p>In full:");
        for link in &r.links {
            put!(out, " <a href=\"{}\">{}</a>", Href(&link.path), Text(&link.text));
        }
        out.push_str("</p>\n");
    }
    put!(
        out,
        "<p>Written by {}. Pictures and links need the folder this page lies in, and the one around it; nothing is \
         fetched from a network. Timecodes of \u{201c}end\u{201d} are those of the last frame. Sizes are decimal: 1 GB is \
         1,000,000,000 bytes.</p>\n</footer>\n<script>\n{script}</script>\n</body>\n</html>\n",
        Text(&r.tool)
    );
}
