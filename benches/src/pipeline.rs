//! The whole way from a card to plates and proxies.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rushes::backends::local::Preview;
use rushes::core::media::{ClipFormat, ClipMedia};
use rushes::core::stage::ClipRef;
use rushes::recipes::{Dailies, ProxyOrder};
use rushes::{Error, ErrorKind, Job, Result};
use rushes_testcard::{Card, CardSpec};
use serde::Serialize;

use crate::median;

/// A job that was timed.
#[derive(Debug, Clone, Serialize)]
pub struct Timed {
    /// What was made of what.
    pub name: &'static str,
    /// Frames a second, everything from the first look at the card to the report counted.
    pub frames_s: f64,
    /// Parts of all cores that worked; 0 where the system does not say.
    pub busy: f64,
    /// The most bytes the process held; 0 where the system does not say.
    pub peak_bytes: u64,
}

/// The jobs by name, as they are timed. `rushes simulate` looks for these in what `rushes bench --json` prints.
pub const JOBS: [&str; 4] = [
    "plates and proxy, rendered, then scaled",
    "plates and proxy, scaled, then rendered",
    "proxy alone, half-size debayer",
    "plates alone",
];

/// Makes a card of one 4096x2304 clip in `scratch`, and times the jobs on it. The card takes a second a frame.
///
/// # Errors
/// When the card cannot be made, or a job fails.
pub async fn measure(scratch: &Path, frames: i64) -> Result<Vec<Timed>> {
    let (card, look) = (scratch.join("card"), scratch.join("look.cc"));
    let to = card.clone();
    tokio::task::spawn_blocking(move || {
        Card::write_clean(&to, CardSpec { width: 4096, height: 2304, frames, ..CardSpec::default() })
    })
    .await
    .unwrap_or_else(|e| Err(Error::new(ErrorKind::Panicked, e.to_string())))?;
    std::fs::write(&look, LOOK).map_err(|e| Error::io(&look, e))?;
    let base = Dailies { cdl: Some(look), ..Dailies::default() };
    let recipes = [
        base.clone(),
        Dailies { order: ProxyOrder::ScaleFirst, ..base.clone() },
        Dailies { debayer: "superpixel".into(), order: ProxyOrder::ScaleFirst, ..base.clone() }.proxies_only(),
        base.plates_only(),
    ];
    let mut timed = Vec::new();
    for (i, (name, recipe)) in JOBS.into_iter().zip(recipes).enumerate() {
        timed.push(time(name, &recipe, &card, scratch.join(format!("out-{i}")), frames).await?);
    }
    Ok(timed)
}

/// Milliseconds from asking for a frame of the card in `scratch` to its picture at 1080p in memory, all cores at it: through
/// the superpixel debayer, and through GBTF; scaled, then rendered.
///
/// # Errors
/// When a frame cannot be made.
pub fn latency(scratch: &Path) -> Result<[f64; 2]> {
    let folder = std::fs::read_dir(scratch.join("card")).and_then(|mut d| d.next().transpose());
    let card = folder.ok().flatten().map(|d| d.path()).unwrap_or_default();
    let clip = std::fs::read_dir(&card).ok().and_then(|mut d| d.next()?.ok()).map(|d| d.path()).unwrap_or_default();
    let mut frames: Vec<PathBuf> = std::fs::read_dir(&clip)
        .map_err(|e| Error::io(&clip, e))?
        .filter_map(|f| Some(f.ok()?.path()).filter(|p| p.extension().is_some_and(|e| e == "dng")))
        .collect();
    frames.sort();
    let clip = ClipRef {
        name: "bench".into(),
        format: ClipFormat::CinemaDng,
        media: ClipMedia::Files(frames),
        range: None,
        metadata: Arc::default(),
        substitutes: Vec::new(),
    };
    let spent = |debayer: &str| {
        let cdl = Some(scratch.join("look.cc"));
        let recipe = Dailies { debayer: debayer.into(), order: ProxyOrder::ScaleFirst, cdl, ..Dailies::default() };
        let preview = Preview::open(&rushes::registry(), &clip, &recipe.picture())?;
        let (_, mut picture) = preview.frame(0)?;
        Ok(median(|| drop(preview.frame_into(0, &mut picture))).as_secs_f64() * 1e3)
    };
    Ok([spent("superpixel")?, spent("gbtf")?])
}

async fn time(name: &'static str, recipe: &Dailies, card: &Path, out: PathBuf, frames: i64) -> Result<Timed> {
    forget_peak();
    let (begun, worked) = (Instant::now(), worked());
    let done = Job::new(recipe.workflow(), card, &out).run().await?;
    let wall = begun.elapsed().as_secs_f64();
    if let Some(unit) = done.report.units.iter().find(|u| !u.is_done()) {
        return Err(Error::new(ErrorKind::Invalid, format!("{name}: a unit ended as {:?}", unit.outcome)));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let busy = (self::worked() - worked) / wall / cores as f64;
    let timed = Timed { name, frames_s: frames as f64 / wall, busy, peak_bytes: peak() };
    std::fs::remove_dir_all(&out).map_err(|e| Error::io(&out, e))?;
    Ok(timed)
}

/// Seconds that the process' threads have worked; Linux.
fn worked() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in brackets: user and system time are fields 14 and 15, in hundredths (proc(5), USER_HZ).
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    fields.iter().skip(11).take(2).filter_map(|f| f.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The most bytes held so far; Linux.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Begins to count the most bytes anew; where that is not possible the count goes on.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", b"5");
}

/// Slope, offset, power and saturation, none of them 1.
const LOOK: &str = r#"<ColorCorrection id="bench"><SOPNode><Slope>1.1 1.0 0.95</Slope><Offset>0.01 0 -0.01</Offset>
<Power>1.05 1 0.97</Power></SOPNode><SatNode><Saturation>0.9</Saturation></SatNode></ColorCorrection>
"#;
