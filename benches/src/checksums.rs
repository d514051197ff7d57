//! Digests of a card's files, each file read once.

use std::path::Path;

use rushes::core::run::CancellationToken;
use rushes::custody::hash::{Algorithm, Wanted, hash_files};
use rushes::{Error, Result};
use serde::Serialize;

use crate::median;

/// Files, and bytes of each: frames of a 4K camera.
const FILES: usize = 16;
const BYTES: usize = 14 << 20;

/// How fast digests come.
#[derive(Debug, Clone, Serialize)]
pub struct Checksums {
    /// Names of the algorithms that are computed of each file.
    pub algorithms: String,
    /// Gigabytes of files a second, on all cores.
    pub gigabytes_s: f64,
}

/// Each algorithm alone, then the four that one read of an offload may feed; of files below `scratch`, which are
/// in the page cache.
///
/// # Errors
/// When `scratch` cannot be written to, or a file not be read.
pub fn measure(scratch: &Path) -> Result<Vec<Checksums>> {
    let folder = scratch.join("checksums");
    std::fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
    let mut state = 1u64;
    let mut paths = Vec::new();
    for i in 0..FILES {
        let bytes: Vec<u8> = (0..BYTES / 8)
            .flat_map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state.to_le_bytes()
            })
            .collect();
        let path = folder.join(format!("{i}.bin"));
        std::fs::write(&path, bytes).map_err(|e| Error::io(&path, e))?;
        paths.push(path);
    }
    let together = vec![Algorithm::C4, Algorithm::Md5, Algorithm::Xxh3, Algorithm::Xxh64];
    let alone = together.iter().map(|a| vec![*a]).collect::<Vec<_>>();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all = Vec::new();
    for algorithms in alone.into_iter().chain([together]) {
        let wanted = |path: &std::path::PathBuf| Wanted { path: path.clone(), algorithms: algorithms.clone() };
        let files: Vec<Wanted> = paths.iter().map(wanted).collect();
        let mut failed = None;
        let spent = median(|| {
            let done = hash_files(&files, cores, &|_| {}, &CancellationToken::new());
            failed = failed.take().or(done.into_iter().find_map(Result::err));
        });
        if let Some(e) = failed {
            return Err(e);
        }
        let names: Vec<&str> = algorithms.iter().map(|a| a.name()).collect();
        let gigabytes_s = (FILES * BYTES) as f64 / spent.as_secs_f64() / 1e9;
        all.push(Checksums { algorithms: names.join(", "), gigabytes_s });
    }
    std::fs::remove_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
    Ok(all)
}
