//! The clips: a table of all, and a sheet for each.

use std::fmt::Write as _;

use super::escape::{Encoded, Href, Text};
use super::view::{ClipView, Made, Told, View, ranges_in_words};
use super::{ClipPictures, Shown, facts, findings, pill, put};
use crate::model::ClipSection;
use crate::{scopes, words};

pub(super) fn table(out: &mut String, view: &View<'_>) {
    out.push_str("<section id=\"clips\">\n<h2>Clips</h2>\n");
    if view.clips.is_empty() {
        out.push_str("<p class=\"note\">No clip was found.</p>\n</section>\n");
        return;
    }
    out.push_str(
        "<div class=\"scroll tall\"><table data-filter=\"clip\">\n<thead><tr><th data-chip>Status</th><th>Clip</th><th>Reel</th>\
         <th>Start</th><th>End</th><th data-t=\"n\">Rate</th><th data-t=\"n\">Frames</th><th>Duration</th>\
         <th data-t=\"n\">Size</th><th data-t=\"n\">EI</th><th data-t=\"n\">Findings</th><th>Camera</th><th>Lens</th></tr></thead>\n<tbody>\n",
    );
    for (i, c) in view.clips.iter().enumerate() {
        row(out, i + 1, c);
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

fn row(out: &mut String, id: usize, c: &ClipView<'_>) {
    let clip = c.clip;
    let m = &clip.metadata;
    let text = |v: Option<String>| v.unwrap_or_default();
    put!(out, "<tr data-for=\"c{id}\"><td data-v=\"{}\">", 9 - c.status as u8);
    pill(out, c.status.class(), c.status.word());
    put!(
        out,
        "</td><td class=\"name\"><a href=\"#c{id}\">{}</a></td><td>{}</td><td class=\"tc\">{}</td><td class=\"tc\">{}</td>",
        Text(&clip.name),
        Text(m.reel.as_ref().map_or("", |r| &r.value)),
        text(m.start_timecode.as_ref().map(|t| t.value.to_string())),
        text(facts::end_timecode(clip).map(|t| t.to_string()))
    );
    match m.rate.as_ref().map(|r| r.value) {
        Some(r) => {
            let fps = f64::from(r.num()) / f64::from(r.den());
            put!(out, "<td class=\"num\" data-v=\"{fps:.4}\">{}</td>", words::rate(r));
        }
        None => out.push_str("<td></td>"),
    }
    match clip.range {
        Some(r) => put!(out, "<td class=\"num\" data-v=\"{}\">{}</td>", r.len(), words::count(r.len())),
        None => out.push_str("<td></td>"),
    }
    put!(out, "<td class=\"tc\">{}</td>", text(facts::duration(clip)));
    if clip.files > 0 {
        put!(out, "<td class=\"num\" data-v=\"{}\">{}</td>", clip.bytes, words::bytes(clip.bytes));
    } else {
        out.push_str("<td></td>");
    }
    let iso = m.iso.as_ref().map(|v| words::number(v.value));
    let [_, warnings, errors] = c.findings;
    put!(
        out,
        "<td class=\"num\">{}</td><td class=\"num\" data-v=\"{}\">{}</td><td class=\"long\">{}</td><td class=\"long\">{}</td></tr>\n",
        text(iso),
        errors.saturating_mul(1_000_000).saturating_add(warnings),
        count_of_findings(c.findings),
        Text(&text(facts::camera(clip))),
        Text(&text(facts::lens(clip)))
    );
}

fn count_of_findings([_, warnings, errors]: [u64; 3]) -> String {
    let errors = (errors > 0).then(|| words::counted(errors, "error"));
    let warnings = (warnings > 0).then(|| words::counted(warnings, "warning"));
    errors.into_iter().chain(warnings).collect::<Vec<_>>().join(", ")
}

pub(super) fn sheets(out: &mut String, view: &View<'_>, pictures: &[ClipPictures]) {
    out.push_str("<section id=\"sheets\">\n<h2>Contact sheets</h2>\n");
    let none = ClipPictures::default();
    let mut told: Vec<Vec<usize>> = vec![Vec::new(); view.clips.len()];
    for (at, t) in view.told.iter().enumerate() {
        if let Some(i) = t.clip {
            told[i].push(at);
        }
    }
    for (i, c) in view.clips.iter().enumerate() {
        let told: Vec<&Told> = told[i].iter().map(|t| &view.told[*t]).collect();
        sheet(out, i + 1, c, &told, pictures.get(i).unwrap_or(&none));
    }
    out.push_str("</section>\n");
}

fn sheet(out: &mut String, id: usize, c: &ClipView<'_>, told: &[&Told], pictures: &ClipPictures) {
    put!(out, "<article id=\"c{id}\">\n<h3><bdi>{}</bdi> ", Text(&c.clip.name));
    pill(out, c.status.class(), c.status.word());
    put!(out, "<span class=\"aside\">{}</span>", words::format(c.clip.format));
    let findings = count_of_findings(c.findings);
    if !findings.is_empty() {
        put!(out, "<span class=\"aside\">{findings}</span>");
    }
    out.push_str("</h3>\n");
    // A finding that says the same need not be told twice.
    let said = |why: &str| told.iter().flat_map(|t| &t.findings).any(|f| f.text == why);
    if let Some(why) = c.clip.skipped.as_deref().filter(|why| !said(why)) {
        put!(out, "<p class=\"note\">Not made: {}</p>\n", Text(why));
    }
    findings::brief(out, told);
    out.push_str("<div class=\"sheet\"><div class=\"pictures\">");
    if pictures.shown.is_empty() {
        out.push_str("<p class=\"nothing\">No stills were made of this clip. A <code>still</code> stage after the output transform makes them.</p>");
    } else {
        out.push_str("<div class=\"contact\">");
        for shown in &pictures.shown {
            figure(out, c.clip, shown);
        }
        out.push_str("</div>");
    }
    if let Some((file, frame)) = &pictures.scopes {
        put!(
            out,
            "<img class=\"scopes\" src=\"{}\" width=\"{}\" height=\"{}\" loading=\"lazy\" decoding=\"async\" \
             alt=\"Waveform, RGB parade and histogram of frame {frame}\">",
            Encoded(file),
            scopes::WIDTH,
            scopes::HEIGHT
        );
    }
    out.push_str("</div>\n");
    facts_of(out, c.clip);
    out.push_str("</div>\n");
    outputs(out, &c.made);
    out.push_str("</article>\n");
}

fn figure(out: &mut String, clip: &ClipSection, shown: &Shown) {
    let frame = shown.frame;
    let place = match clip.range {
        Some(r) if r.first == frame => "First",
        Some(r) if r.last == frame => "Last",
        _ => "Middle",
    };
    out.push_str("<figure>");
    match &shown.thumb {
        Ok(t) => {
            let img = |out: &mut String| {
                put!(
                    out,
                    "<img src=\"{}\" width=\"{}\" height=\"{}\" loading=\"lazy\" decoding=\"async\" alt=\"Frame {frame}\">",
                    Encoded(&t.file),
                    t.width,
                    t.height
                );
            };
            match &shown.still {
                Some(still) => {
                    put!(out, "<a href=\"{}\">", Href(still));
                    img(out);
                    out.push_str("</a>");
                }
                None => img(out),
            }
        }
        Err(why) => put!(out, "<p class=\"nothing\"><b>This still cannot be shown.</b> {}</p>", Text(why)),
    }
    put!(out, "<figcaption><b>{place}</b> <span>{frame}</span>");
    if let (Some(start), Some(range)) = (&clip.metadata.start_timecode, clip.range)
        && let Some(offset) = frame.checked_sub(range.first)
    {
        put!(out, " <span class=\"tc\">{}</span>", start.value.offset(offset.rem_euclid(1 << 40)));
    }
    out.push_str("</figcaption></figure>");
}

fn facts_of(out: &mut String, clip: &ClipSection) {
    let facts = facts::of(clip);
    let main = facts::main_file(&facts);
    out.push_str("<dl class=\"facts\">");
    for f in &facts {
        put!(out, "<dt>{}</dt>", f.name);
        let Some(value) = &f.value else {
            out.push_str("<dd class=\"unknown\">not stated</dd>");
            continue;
        };
        // A tooltip names the file where it is another one than most facts come from.
        match f.origin.filter(|o| Some(o.file.as_path()) != main) {
            Some(o) => put!(out, "<dd title=\"{}\">", Text(&o.file.to_string_lossy())),
            None => out.push_str("<dd>"),
        }
        put!(out, "<bdi>{}</bdi>", Text(value));
        match f.origin {
            Some(o) => put!(out, "<small>{}</small>", Text(&o.tag)),
            None if !f.derived.is_empty() => put!(out, "<small>{}</small>", f.derived),
            None => {}
        }
        out.push_str("</dd>");
    }
    if let Some(file) = main {
        put!(out, "<dt>Found in</dt><dd class=\"path\"><bdi>{}</bdi></dd>", Text(&file.to_string_lossy()));
    }
    out.push_str("</dl>");
}

fn outputs(out: &mut String, made: &[Made<'_>]) {
    if made.is_empty() {
        return;
    }
    out.push_str("<table class=\"made\"><tbody>\n");
    for m in made {
        let path = &m.first.path;
        put!(out, "<tr><td>{}</td><td class=\"name\">", Text(&m.first.role));
        if m.files == 1 {
            put!(out, "<a href=\"{}\">{}</a>", Href(path), Text(path));
        } else {
            let folder = m.folder();
            let name = path.get(folder.len()..).unwrap_or(path);
            let shown = if folder.is_empty() { "./" } else { folder };
            put!(
                out,
                "<a href=\"{}\">{}</a> <a class=\"first\" href=\"{}\">{}</a> and {} more",
                Href(folder),
                Text(shown),
                Href(path),
                Text(name),
                words::count(m.files - 1)
            );
        }
        put!(
            out,
            "</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"digest\">{}</td></tr>\n",
            Text(&format!("frames {}", ranges_in_words(&m.frames))),
            words::bytes(m.bytes),
            if m.files == 1 { Text(&m.first.digest.to_string()).to_string() } else { String::new() }
        );
    }
    out.push_str("</tbody></table>\n");
}
