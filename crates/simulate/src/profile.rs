//! What work costs, as it was measured.

use std::collections::BTreeMap;

use rushes_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an output is, as far as the planner and the storage care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// A file for each frame: a clip may be made in parts.
    Frames,
    /// A movie: its clip is made in one unit.
    Movie,
}

/// What is made of a clip, and what a frame of it costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// Its outputs.
    pub outputs: Vec<Output>,
    /// Seconds of one core for a million camera pixels, from decoding to files.
    pub core_seconds_per_megapixel: f64,
    /// Bytes read for a camera pixel.
    pub read_bytes_per_pixel: f64,
    /// Bytes written for a camera pixel, all outputs together.
    pub written_bytes_per_pixel: f64,
}

/// What the distributed engine costs, beside the work. The default is what was measured of Temporal 1.32 on two cores in
/// November 2026, in memory, with one partition a queue; a production store was not measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineCosts {
    /// Seconds of one of the server's cores for a unit.
    pub server_core_seconds_per_unit: f64,
    /// Seconds of one of the worker's cores for a unit.
    pub worker_core_seconds_per_unit: f64,
    /// Seconds from a free slot and a waiting unit to its start.
    pub start_seconds: f64,
    /// Requests to the server for a unit: poll, completion, the same for the workflow that asked for it, and a heartbeat at
    /// its start, as the server counted them. The heartbeats of a unit that goes on running come on top.
    pub requests_per_unit: f64,
    /// Requests for a clip: its own run's first task, and its parent's two.
    pub requests_per_clip: f64,
    /// Events in the history of the clip's run for a unit.
    pub events_per_unit: f64,
    /// Events in the history of the job's run for a clip. Counted, not measured.
    pub events_per_clip: f64,
    /// Bytes of history for a unit.
    pub stored_bytes_per_unit: f64,
}

impl Default for EngineCosts {
    fn default() -> Self {
        Self {
            server_core_seconds_per_unit: 0.0041,
            worker_core_seconds_per_unit: 0.0008,
            start_seconds: 0.0078,
            requests_per_unit: 5.0,
            requests_per_clip: 6.0,
            events_per_unit: 4.9,
            events_per_clip: 6.0,
            stored_bytes_per_unit: 600.0,
        }
    }
}

impl EngineCosts {
    /// Of a run in one process: nothing.
    pub fn none() -> Self {
        Self {
            server_core_seconds_per_unit: 0.0,
            worker_core_seconds_per_unit: 0.0,
            start_seconds: 0.0,
            requests_per_unit: 0.0,
            requests_per_clip: 0.0,
            events_per_unit: 0.0,
            events_per_clip: 0.0,
            stored_bytes_per_unit: 0.0,
        }
    }
}

/// The costs of everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Where it was measured, and how.
    pub measured: String,
    /// What can be made of a clip, by name.
    pub chains: BTreeMap<String, Chain>,
    /// Seconds of one core that a unit costs beside its frames: a process starts, files are opened and synced.
    pub core_seconds_per_unit: f64,
    /// What part of its cores a unit keeps busy when it has several; 1 for units of one thread.
    pub parallel: f64,
    /// The engine.
    #[serde(default)]
    pub engine: EngineCosts,
}

/// Bytes of a camera pixel: 12 bits, packed, as the clip of `rushes bench` is.
const CAMERA: f64 = 1.5;
/// Bytes of a pixel of an uncompressed plate: three halfs.
const PLATE: f64 = 6.0;
/// Bytes of a pixel of a PIZ plate: those of the test card, whose noise is a camera's.
const PIZ: f64 = 1_185_375_611.0 / (160.0 * 2048.0 * 1152.0);
/// Where less of the cores was busy, others had them: the kernels, which are timed by the clock, say nothing then.
const BUSY: f64 = 0.5;
/// Bytes of the 1080p ProRes Proxy for a pixel of a 4096x2304 camera frame: 45 Mbit/s at 30 frames a second (Apple's
/// ProRes white paper, targets at 1920x1080).
const PROXY: f64 = 45e6 / 8.0 / 30.0 / (4096.0 * 2304.0);

impl Profile {
    /// From what `rushes bench --json` printed.
    ///
    /// A chain's cost is the work of all cores in the jobs that were timed from card to report; PIZ plates are the
    /// uncompressed ones and the difference of the two kernels.
    ///
    /// # Errors
    /// When something is missing: the bench was one of an older version, timed no job, or ran where the system does not
    /// say how busy a process is. When the machine was busy with something else.
    pub fn from_bench(bench: &Value) -> Result<Self> {
        let missing = |what: &str| {
            Error::new(ErrorKind::Invalid, format!("the bench does not say {what}"))
                .doing("reading a profile")
                .advice("measure with `rushes bench --json` of this version, on Linux, with some frames")
        };
        let number = |at: &str| bench.pointer(at).and_then(Value::as_f64).filter(|n| n.is_finite() && *n > 0.0);
        let cores = number("/cores").ok_or_else(|| missing("how many cores there were"))?;
        let width = number("/frame/0").ok_or_else(|| missing("how large frames were"))?;
        let height = number("/frame/1").ok_or_else(|| missing("how large frames were"))?;
        let megapixels = width * height / 1e6;
        let row = |list: &str, name: &str| {
            let rows = bench.get(list).and_then(Value::as_array)?;
            rows.iter().find(|r| r.get("name").and_then(Value::as_str) == Some(name))
        };
        let positive = |v: Option<&Value>| v.and_then(Value::as_f64).filter(|n| n.is_finite() && *n > 0.0);
        let kernel = |name: &str| {
            positive(row("kernels", name).and_then(|r| r.get("megapixels_s")))
                .ok_or_else(|| missing(&format!("how fast `{name}` was")))
        };
        let piz = (1.0 / kernel("EXR plate, PIZ")? - 1.0 / kernel("EXR plate, uncompressed")?).max(0.0);

        let mut chains = BTreeMap::new();
        let (mut busiest, both) = (0.0f64, vec![Output::Frames, Output::Movie]);
        for (job, name, outputs, written) in [
            ("plates and proxy, rendered, then scaled", "dailies", both.clone(), PLATE + PROXY),
            ("plates and proxy, scaled, then rendered", "dailies-scale-first", both, PLATE + PROXY),
            ("proxy alone, half-size debayer", "proxies", vec![Output::Movie], PROXY),
            ("plates alone", "plates", vec![Output::Frames], PLATE),
        ] {
            let timed = row("jobs", job);
            let said = |what| positive(timed.and_then(|t| t.get(what)));
            let frames_s = said("frames_s").ok_or_else(|| missing(&format!("how fast `{job}` was")))?;
            let busy = said("busy").ok_or_else(|| missing(&format!("how busy the cores were with `{job}`")))?.min(1.0);
            if busy < BUSY {
                let what = format!("the cores were {:.0} % busy with `{job}`: others used them", busy * 100.0);
                return Err(Error::new(ErrorKind::Invalid, what)
                    .doing("reading a profile")
                    .advice("measure again when the machine has nothing else to do"));
            }
            busiest = busiest.max(busy);
            let chain = Chain {
                core_seconds_per_megapixel: cores * busy / frames_s / megapixels,
                read_bytes_per_pixel: CAMERA,
                written_bytes_per_pixel: written,
                outputs,
            };
            if chain.outputs.contains(&Output::Frames) {
                let smaller = Chain {
                    core_seconds_per_megapixel: chain.core_seconds_per_megapixel + piz,
                    written_bytes_per_pixel: written - PLATE + PIZ,
                    ..chain.clone()
                };
                chains.insert(format!("{name}-piz"), smaller);
            }
            chains.insert(name.to_owned(), chain);
        }
        let unit_us = number("/engine/unit_us").ok_or_else(|| missing("what a unit costs"))?;
        let version = bench.get("version").and_then(Value::as_str).unwrap_or("of an unknown version");
        let level = bench.get("level").and_then(Value::as_str).unwrap_or("unknown instructions");
        Ok(Self {
            measured: format!("rushes bench {version}, {cores} cores, {level}, {width}x{height}"),
            chains,
            core_seconds_per_unit: unit_us / 1e6,
            parallel: busiest,
            engine: EngineCosts::default(),
        })
    }

    /// From JSON: what `rushes bench --json` printed, or a profile.
    ///
    /// # Errors
    /// When it is neither, or has numbers that make no sense.
    pub fn from_json(text: &str) -> Result<Self> {
        let invalid = |e: serde_json::Error| {
            Error::new(ErrorKind::Invalid, e.to_string())
                .doing("reading a profile")
                .advice("give what `rushes bench --json` prints, or a profile as `rushes simulate --json` shows one")
        };
        let value: Value = serde_json::from_str(text).map_err(invalid)?;
        let profile = if value.get("kernels").is_some() {
            Self::from_bench(&value)?
        } else {
            serde_json::from_value(value).map_err(invalid)?
        };
        profile.check()?;
        Ok(profile)
    }

    /// Refuses numbers that make no sense.
    ///
    /// # Errors
    /// Which one, and why.
    pub fn check(&self) -> Result<()> {
        let bad = |what: String| Err(Error::new(ErrorKind::Invalid, what).doing("reading a profile"));
        let amount = |n: f64, most: f64| n.is_finite() && (0.0..=most).contains(&n);
        for (name, chain) in &self.chains {
            if chain.outputs.is_empty() {
                return bad(format!("the chain `{name}` has no outputs"));
            }
            let bytes = [chain.read_bytes_per_pixel, chain.written_bytes_per_pixel];
            if !amount(chain.core_seconds_per_megapixel, 1e6) || chain.core_seconds_per_megapixel == 0.0 {
                return bad(format!("`{name}` takes {} core seconds a megapixel", chain.core_seconds_per_megapixel));
            }
            if !bytes.iter().all(|b| amount(*b, 1e4)) {
                return bad(format!("`{name}` reads and writes {bytes:?} bytes a pixel"));
            }
        }
        if !(self.parallel > 0.0 && self.parallel <= 1.0) {
            return bad(format!("`parallel` is {}, and a part lies between 0 and 1", self.parallel));
        }
        let e = &self.engine;
        let others = [
            self.core_seconds_per_unit,
            e.server_core_seconds_per_unit,
            e.worker_core_seconds_per_unit,
            e.start_seconds,
            e.requests_per_unit,
            e.requests_per_clip,
            e.events_per_unit,
            e.events_per_clip,
            e.stored_bytes_per_unit,
        ];
        match others.iter().find(|n| !amount(**n, 1e6)) {
            Some(n) => bad(format!("{n} is not a cost")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bench() -> Value {
        let job = |name: &str, frames_s: f64, busy: f64| json!({ "name": name, "frames_s": frames_s, "busy": busy });
        json!({
            "version": "0.1.0", "level": "avx512", "cores": 2, "frame": [4000, 2500],
            "kernels": [
                { "name": "EXR plate, uncompressed", "megapixels_s": 200.0 }, { "name": "EXR plate, PIZ", "megapixels_s": 50.0 }
            ],
            "engine": { "unit_us": 160.0 },
            "jobs": [
                job("plates and proxy, rendered, then scaled", 7.0, 0.98), job("plates and proxy, scaled, then rendered", 12.0, 0.9),
                job("proxy alone, half-size debayer", 26.0, 0.95), job("plates alone", 16.0, 0.8),
            ],
        })
    }

    #[test]
    fn a_bench_becomes_core_seconds_by_the_pixel() {
        let profile = Profile::from_bench(&bench()).unwrap();
        let plates = &profile.chains["plates"];
        // Two cores, four fifths busy, 16 frames of 10 megapixels a second.
        assert!((plates.core_seconds_per_megapixel - 2.0 * 0.8 / 160.0).abs() < 1e-12);
        let piz = &profile.chains["plates-piz"];
        assert!((piz.core_seconds_per_megapixel - plates.core_seconds_per_megapixel - (0.02 - 0.005)).abs() < 1e-12);
        assert!(piz.written_bytes_per_pixel < plates.written_bytes_per_pixel);
        assert_eq!(profile.chains["proxies"].outputs, [Output::Movie]);
        assert!((profile.parallel - 0.98).abs() < 1e-12 && (profile.core_seconds_per_unit - 160e-6).abs() < 1e-12);
        profile.check().unwrap();
        let text = serde_json::to_string(&profile).unwrap();
        assert_eq!(Profile::from_json(&text).unwrap(), profile);
        assert_eq!(Profile::from_json(&bench().to_string()).unwrap(), profile);
    }

    #[test]
    fn what_a_bench_lacks_is_said() {
        for (at, what) in [
            ("cores", "how many cores"),
            ("jobs", "how fast `plates and proxy"),
            ("frame", "how large"),
            ("engine", "a unit"),
        ] {
            let mut bench = bench();
            bench.as_object_mut().unwrap().remove(at);
            let e = Profile::from_bench(&bench).unwrap_err().to_string();
            assert!(e.contains(what) && e.contains("rushes bench --json"), "{e}");
        }
        let mut idle = bench();
        idle["jobs"][0]["busy"] = json!(0.0);
        assert!(Profile::from_bench(&idle).is_err());
        idle["jobs"][0]["busy"] = json!(0.13);
        let e = Profile::from_bench(&idle).unwrap_err().to_string();
        assert!(e.contains("13 % busy") && e.contains("nothing else to do"), "{e}");
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        let good = Profile::from_bench(&bench()).unwrap();
        let mut free = good.clone();
        free.chains.get_mut("plates").unwrap().core_seconds_per_megapixel = 0.0;
        let mut negative = good.clone();
        negative.engine.start_seconds = -1.0;
        let mut none = good.clone();
        none.chains.get_mut("plates").unwrap().outputs.clear();
        for bad in [
            free,
            negative,
            none,
            Profile { parallel: 1.5, ..good.clone() },
            Profile { core_seconds_per_unit: f64::NAN, ..good },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        assert!(Profile::from_json("[").is_err() && Profile::from_json("{}").is_err());
    }
}
