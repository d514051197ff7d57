//! What was verified, and how far that goes.

use std::fmt::Write as _;

use super::escape::Text;
use super::view::View;
use super::{pill, put};
use crate::model::Level;
use crate::words;

const LEVELS: [Level; 5] = [Level::None, Level::Streamed, Level::SourceReread, Level::ReadBack, Level::MhlVerified];

pub(super) fn word(level: Level) -> &'static str {
    match level {
        Level::None => "None",
        Level::Streamed => "Streamed",
        Level::SourceReread => "Source re-read",
        Level::ReadBack => "Read back",
        Level::MhlVerified => "MHL verified",
    }
}

/// What a level proves, and what it does not.
fn meaning(level: Level) -> &'static str {
    match level {
        Level::None => "Nothing was compared; nothing is known about the bytes.",
        Level::Streamed => {
            "Digests of the bytes as they went through memory. Shows later changes; does not show that the device wrote \
             what it was given."
        }
        Level::SourceReread => {
            "The source was read twice with the same digests. Shows that reading was sound; not the copy."
        }
        Level::ReadBack => {
            "What was written was read back from the device with the same digests. Shows that the copy is whole."
        }
        Level::MhlVerified => {
            "The files match the hash list that came with them. Shows that they are unchanged since the list was made."
        }
    }
}

pub(super) fn section(out: &mut String, view: &View<'_>) {
    out.push_str("<section id=\"verification\">\n<h2>Verification</h2>\n");
    if view.report.verified.is_empty() {
        out.push_str("<p class=\"note\">");
        pill(out, "warn", "None");
        out.push_str(" Nothing was verified in this run.</p>\n</section>\n");
        return;
    }
    out.push_str(
        "<div class=\"scroll\"><table>\n<thead><tr><th>What</th><th>Evidence</th><th>Digests</th>\
                  <th class=\"num\">Files</th><th class=\"num\">Size</th><th class=\"num\">Did not verify</th>\
                  <th>What that shows</th></tr></thead>\n<tbody>\n",
    );
    for v in &view.report.verified {
        let class = match v.level {
            _ if v.failed > 0 => "bad",
            Level::None => "warn",
            _ => "ok",
        };
        put!(
            out,
            "<tr><td class=\"name\">{}</td><td class=\"level\"><span class=\"steps\" aria-hidden=\"true\">",
            Text(&v.what)
        );
        for step in &LEVELS[1..] {
            put!(out, "<i{}></i>", if *step <= v.level { format!(" class=\"{class}\"") } else { String::new() });
        }
        out.push_str("</span>");
        pill(out, class, word(v.level));
        put!(
            out,
            "</td><td class=\"code\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num{}\">{}</td>\
             <td class=\"what\">{}",
            Text(&v.algorithms),
            words::count(v.files),
            words::bytes(v.bytes),
            if v.failed > 0 { " alarm" } else { "" },
            words::count(v.failed),
            meaning(v.level)
        );
        if !v.detail.is_empty() {
            put!(out, "<small>{}</small>", Text(&v.detail));
        }
        out.push_str("</td></tr>\n");
    }
    out.push_str("</tbody></table></div>\n<details class=\"legend\"><summary>The levels of evidence</summary><dl>");
    for level in LEVELS {
        put!(out, "<dt>{}</dt><dd>{}</dd>", word(level), meaning(level));
    }
    out.push_str("</dl></details>\n</section>\n");
}
