//! Measures how long real worker processes take for the units of a clip, and compares it with the model.
//!
//!     cargo build --release -p rushes-cli
//!     cargo run -p rushes-simulate --example measure -- target/release/rushes /dev/shm/measure 5 60 > measured.json
//!
//! The last numbers: how often, and how many seconds it may wait before each run until nobody else uses the machine. What
//! others used is written down beside each run.
//!
//! Each worker is `rushes run-unit --threads 1`, one process a unit, and all take from one list. With the program `temporal` as
//! one argument more, they are `rushes worker` processes on a server of its own, and the command has to be built with the
//! feature of that name. What a unit costs is the CPU time of one `run-unit` after the other. Linux: it reads /proc.
#![allow(clippy::print_stdout, reason = "an example prints its answers")]

mod fleet;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rushes_core::{Error, ErrorKind, Result};
use rushes_simulate::reality::{Measured, Run};
use rushes_testcard::{Card, CardSpec, Coding};

use fleet::Fleet;

const FRAMES: i64 = 160;
const FRAMES_PER_UNIT: u64 = 12;
const SIZE: [usize; 2] = [2048, 1152];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [rushes, scratch, repeat, patience, temporal @ ..] = args.as_slice() else {
        eprintln!(
            "name the rushes command, an empty folder, how often to repeat, seconds to wait for a quiet machine, and \
             the program temporal if workers are to be its"
        );
        return ExitCode::FAILURE;
    };
    let patience = Duration::from_secs(patience.parse().unwrap_or(60));
    let temporal = temporal.first().map(Path::new);
    match measure(Path::new(rushes), Path::new(scratch), repeat.parse().unwrap_or(5), patience, temporal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn measure(rushes: &Path, scratch: &Path, repeat: usize, patience: Duration, temporal: Option<&Path>) -> Result<()> {
    let card = scratch.join("card");
    Card::write_clean(&card, CardSpec { width: SIZE[0], height: SIZE[1], frames: FRAMES, coding: Coding::Packed })?;
    let site = Site { rushes, card: &card, out: scratch.join("out") };
    let units = site.plan(&scratch.join("units"), FRAMES_PER_UNIT)?;
    let small = site.plan(&scratch.join("small"), 1)?;
    // Once for nothing: files are in memory then.
    site.run(&units, 2)?;
    let fleet = temporal.map(|temporal| Fleet::start(rushes, temporal)).transpose()?;
    let (mut per_frame, mut per_unit, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..repeat {
        // The first unit in one piece, and frame by frame: what they differ by are eleven starts.
        let frames = FRAMES_PER_UNIT as f64;
        let whole = site.run(&units[..1], 1)?.core_seconds;
        let pieces = site.run(&small[..FRAMES_PER_UNIT as usize], 1)?.core_seconds;
        per_unit.push(((pieces - whole) / (frames - 1.0)).max(0.0));
        let alone = site.run_quietly(&units, 1, patience, None)?;
        let start = per_unit.last().copied().unwrap_or_default();
        per_frame.push((alone.core_seconds - units.len() as f64 * start) / FRAMES as f64);
        let first = if fleet.is_none() { Some(alone) } else { None };
        let others = if fleet.is_none() { &[2, 4][..] } else { &[1, 2, 4] };
        runs.extend(first);
        for &workers in others {
            runs.push(site.run_quietly(&units, workers, patience, fleet.as_ref())?);
        }
    }
    let measured = Measured {
        provenance: format!(
            "{} frames of {}x{}, 12 bit, plates (PIZ), units of {FRAMES_PER_UNIT} frames, {}, files in {}; {}",
            FRAMES,
            SIZE[0],
            SIZE[1],
            if fleet.is_some() { "`rushes worker` on Temporal" } else { "`rushes run-unit`" },
            scratch.display(),
            machine()
        ),
        cores: std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64),
        frames: FRAMES as u64,
        frames_per_unit: FRAMES_PER_UNIT,
        pixels: SIZE.map(|n| n as u64),
        core_seconds_per_frame: median(per_frame),
        core_seconds_per_unit: median(per_unit),
        runs,
    };
    for c in measured.compare()? {
        let [middle, least, most] = c.measured;
        eprintln!(
            "{} workers: {} runs, {} of them on a quiet machine: {middle:.2} s ({least:.2} to {most:.2}), predicted {:.2} \
             ({:+.1} %; {:+.1} % with the cores that others left); core seconds {:.2} times those of one alone",
            c.workers,
            c.runs,
            c.quiet,
            c.predicted,
            c.off * 100.0,
            c.off_beside_others * 100.0,
            c.dearer
        );
    }
    let text = serde_json::to_string_pretty(&measured).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
    println!("{text}");
    std::fs::remove_dir_all(scratch).map_err(|e| Error::io(scratch, e))
}

struct Site<'a> {
    rushes: &'a Path,
    card: &'a Path,
    out: PathBuf,
}

impl Site<'_> {
    /// The units' files, in order.
    fn plan(&self, folder: &Path, frames_per_unit: u64) -> Result<Vec<PathBuf>> {
        let mut plan = Command::new(self.rushes);
        plan.args(["plan", "plates", "--exr", "piz", "--frames-per-unit", &frames_per_unit.to_string()]);
        plan.arg("--out").arg(&self.out).arg("--units").arg(folder).arg(self.card).stdout(Stdio::null());
        done(&mut plan)?;
        let listed = std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))?;
        let mut files: Vec<PathBuf> = listed.filter_map(|f| Some(f.ok()?.path())).collect();
        let first = |p: &PathBuf| {
            let name = p.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            name.rsplit('.').next().and_then(|r| r.split('-').next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        files.sort_by_key(first);
        Ok(files)
    }

    /// Makes all units with so many workers when the machine is quiet; again when it turns out that it was not, as long
    /// as patience lasts.
    fn run_quietly(
        &self,
        units: &[PathBuf],
        workers: usize,
        patience: Duration,
        on: Option<&Fleet<'_>>,
    ) -> Result<Run> {
        let begun = Instant::now();
        loop {
            while begun.elapsed() < patience {
                let before = everybody();
                std::thread::sleep(Duration::from_millis(500));
                if everybody() - before < 0.05 {
                    break;
                }
            }
            let run = match on {
                None => self.run(units, workers)?,
                Some(fleet) => {
                    self.clear()?;
                    fleet.run(self.card, &self.out, workers)?
                }
            };
            if run.is_quiet() || begun.elapsed() >= patience {
                return Ok(run);
            }
        }
    }

    /// Makes all units with so many workers.
    fn run(&self, units: &[PathBuf], workers: usize) -> Result<Run> {
        self.clear()?;
        let list: Mutex<VecDeque<&PathBuf>> = Mutex::new(units.iter().collect());
        let next = || list.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let (begun, mine, all) = (Instant::now(), children(), everybody());
        std::thread::scope(|scope| {
            let work = || {
                while let Some(unit) = next() {
                    done(
                        Command::new(self.rushes).args(["run-unit", "--threads", "1"]).arg(unit).stdout(Stdio::null()),
                    )?;
                }
                Ok(())
            };
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|t| {
                t.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Panicked, "a worker's thread panicked")))
            })
        })?;
        let (seconds, core_seconds) = (begun.elapsed().as_secs_f64(), children() - mine);
        let others_core_seconds = (everybody() - all - core_seconds).max(0.0);
        Ok(Run { workers, seconds, core_seconds, others_core_seconds })
    }

    fn clear(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.out) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&self.out, e)),
            _ => Ok(()),
        }
    }
}

fn done(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|e| Error::io(command.get_program(), e))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Invalid, format!("{command:?} ended with {status}")))
    }
}

/// Core seconds of processes that were waited for (proc(5), cutime and cstime).
fn children() -> f64 {
    hundredths("/proc/self/stat", 13)
}

/// Two fields of a process, so many after its name, in hundredths of a second (USER_HZ).
fn hundredths(stat: &str, from: usize) -> f64 {
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or("").split_whitespace().skip(from).take(2);
    fields.filter_map(|f| f.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Core seconds of all that the machine did, and of what others took of its cores.
fn everybody() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let numbers: Vec<f64> =
        stat.lines().next().unwrap_or("").split_whitespace().skip(1).filter_map(|f| f.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal.
    numbers.iter().enumerate().filter(|(i, _)| [0, 1, 2, 5, 6, 7].contains(i)).map(|(_, n)| n).sum::<f64>() / 100.0
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or("unknown processor");
    model.trim_start_matches(['\t', ' ', ':']).to_owned()
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(0.0)
}
