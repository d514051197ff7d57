//! How long the stages worked, and the units.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rushes_core::run::{Outcome, UnitReport};

use super::escape::Text;
use super::view::View;
use super::{pill, put};
use crate::words;

/// Work per stage over all units, most first; what is no number counts nothing.
fn by_stage(units: &[UnitReport]) -> Vec<(&str, f64)> {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for (stage, ms) in units.iter().flat_map(|u| &u.stage_ms) {
        if ms.is_finite() && *ms >= 0.0 {
            *sums.entry(stage).or_default() += ms;
        }
    }
    let mut stages: Vec<_> = sums.into_iter().collect();
    stages.sort_by(|a, b| b.1.total_cmp(&a.1));
    stages
}

pub(super) fn section(out: &mut String, view: &View<'_>) {
    let units = &view.report.units;
    out.push_str("<section id=\"timings\">\n<h2>Timings</h2>\n");
    let stages = by_stage(units);
    let (total, most) = (stages.iter().map(|s| s.1).sum::<f64>(), stages.first().map_or(0.0, |s| s.1));
    // Units that stand from before have worked on nothing now.
    let frames: u64 = units.iter().filter(|u| !u.stage_ms.is_empty()).map(|u| u.frames).sum();
    if stages.is_empty() {
        out.push_str("<p class=\"note\">No stage worked in this run.</p>\n");
    } else {
        put!(
            out,
            "<p class=\"note\">{} of work in all, summed over threads, for {}.</p>\n\
             <div class=\"scroll\"><table class=\"bars\">\n<thead><tr><th>Stage</th><th>Share of the work</th><th class=\"num\">%</th>\
             <th class=\"num\">Work</th><th class=\"num\">A frame</th></tr></thead>\n<tbody>\n",
            words::time(total),
            words::counted(frames, "frame")
        );
        for (stage, ms) in &stages {
            let of = |whole: f64| if whole > 0.0 { ms / whole * 100.0 } else { 0.0 };
            let each = if frames > 0 { format!("{:.1} ms", ms / frames as f64) } else { String::new() };
            put!(
                out,
                "<tr><td class=\"code\">{}</td><td class=\"bar\"><i style=\"width:{:.1}%\"></i></td><td class=\"num\">{:.1}</td>\
                 <td class=\"num\">{}</td><td class=\"num\">{each}</td></tr>\n",
                Text(stage),
                of(most),
                of(total),
                words::time(*ms)
            );
        }
        out.push_str("</tbody></table></div>\n");
    }
    if !units.is_empty() {
        table(out, units);
    }
    out.push_str("</section>\n");
}

fn table(out: &mut String, units: &[UnitReport]) {
    put!(
        out,
        "<details class=\"units\"><summary>{}</summary>\n<div class=\"scroll\"><table data-filter=\"unit\">\n<thead><tr>\
         <th data-chip>Outcome</th><th>Unit</th><th data-chip>Ran on</th><th data-t=\"n\">Attempts</th>\
         <th data-t=\"n\">Frames</th><th data-t=\"n\">Time</th><th data-t=\"n\">Frames/s</th></tr></thead>\n<tbody>\n",
        words::counted(units.len() as u64, "unit")
    );
    for u in units {
        let (class, word) = match u.outcome {
            Outcome::Done => ("ok", "Done"),
            Outcome::Cancelled => ("bad", "Cancelled"),
            Outcome::Failed(_) => ("bad", "Failed"),
        };
        out.push_str("<tr><td>");
        pill(out, class, word);
        put!(
            out,
            "</td><td class=\"name\">{}</td><td>{}</td><td class=\"num\">{}</td><td class=\"num\" data-v=\"{}\">{}</td>",
            Text(&u.unit),
            Text(&u.ran_on),
            u.attempts,
            u.frames,
            words::count(u.frames)
        );
        put!(out, "<td class=\"num\" data-v=\"{:.0}\">{}</td>", u.wall_ms, words::time(u.wall_ms));
        let worked = u.wall_ms > 0.0 && !u.stage_ms.is_empty();
        if worked {
            let fps = u.frames as f64 / u.wall_ms * 1000.0;
            put!(out, "<td class=\"num\">{fps:.1}</td></tr>\n");
        } else {
            out.push_str("<td></td></tr>\n");
        }
    }
    out.push_str("</tbody></table></div></details>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_summed_over_units_and_sorted() {
        let unit = |times: serde_json::Value| -> UnitReport {
            let report = serde_json::json!({
                "unit": "u", "clip": "c", "ran_on": "local", "outcome": "done", "attempts": 1, "frames": 1,
                "outputs": [], "findings": [], "stage_ms": times, "wall_ms": 1.0,
            });
            serde_json::from_value(report).unwrap()
        };
        let mut units =
            [unit(serde_json::json!({"decode": 10.0, "debayer": 30.0})), unit(serde_json::json!({"decode": 25.0}))];
        units[1].stage_ms.insert("exr".into(), f64::NAN);
        assert_eq!(by_stage(&units), [("decode", 35.0), ("debayer", 30.0)]);
    }
}
