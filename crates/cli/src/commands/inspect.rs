//! `inspect`: what is on a card.

use std::fmt::Write as _;

use rushes::core::error::Plain;
use rushes::core::media::{Clip, ClipMedia, Severity};
use rushes::core::stage::Batch;
use rushes::{Error, ErrorKind, Job, Result, recipes};

use super::Ended;
use crate::args::Inspect;

pub(crate) async fn run(a: &Inspect) -> Result<Ended> {
    let workflow = recipes::inspect(a.elsewhere.asks_filmlight());
    let job = a.elsewhere.join(Job::new(workflow, &a.path, "").cancel(super::ended_by_signal()))?;
    let batch = job.understand().await?.last();
    if a.json {
        let text = serde_json::to_string_pretty(&batch).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
        println!("{text}");
    } else {
        print!("{}", text(&batch));
    }
    let bad = batch.findings.iter().any(|f| f.severity == Severity::Error);
    Ok(if bad || batch.clips.is_empty() { Ended::NotDone } else { Ended::Done })
}

fn text(batch: &Batch) -> String {
    let mut s = String::new();
    for clip in &batch.clips {
        clip_text(&mut s, clip);
    }
    for finding in &batch.findings {
        let _ = writeln!(s, "{finding}");
    }
    let _ = writeln!(s, "{} clips, {} files that belong to none", batch.clips.len(), batch.unclaimed.len());
    s
}

fn clip_text(s: &mut String, clip: &Clip) {
    let format = serde_json::to_value(clip.format).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let media = match &clip.media {
        ClipMedia::Sequence(q) => format!("{q}, {} frames", q.frames().count()),
        ClipMedia::Files(f) => f.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "),
    };
    let _ = writeln!(s, "{} ({format}): {}", Plain(&clip.name), Plain(&media));
    if let Some(n) = &clip.needs {
        let _ = writeln!(s, "  needs: {}: {}", n.backend, Plain(&n.why));
    }
    if let Some(why) = &clip.refused {
        let _ = writeln!(s, "  refused: {}", Plain(why));
    }
    // The facts in the order and under the names of the schema, so that both outputs agree.
    let Ok(serde_json::Value::Object(facts)) = serde_json::to_value(&clip.metadata) else { return };
    for (name, fact) in facts {
        let value = match (&fact["value"], &fact["value"]["label"]) {
            (_, serde_json::Value::String(label)) => label.clone(),
            (serde_json::Value::String(v), _) => v.clone(),
            (v, _) => v.to_string(),
        };
        let origin = fact["origin"]["tag"].as_str().unwrap_or_default();
        let shown: String = value.chars().take(100).collect();
        let dots = if value.chars().count() > 100 { "..." } else { "" };
        let _ = writeln!(s, "  {name:22} {}{dots}  ({})", Plain(&shown), Plain(origin));
    }
    for sidecar in &clip.sidecars {
        let _ = writeln!(s, "  sidecar                {}", Plain(&sidecar.to_string_lossy()));
    }
}
