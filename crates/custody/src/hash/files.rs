//! Digests of many files, on all cores.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rushes_core::media::open_original;
use rushes_core::run::CancellationToken;
use rushes_core::{Error, ErrorKind, Result};

use super::spread::{Pool, Spread};
use super::{Algorithm, Hashing, Sums};

/// A file whose digests are wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The file.
    pub path: PathBuf,
    /// The algorithms; with none the file is not opened.
    pub algorithms: Vec<Algorithm>,
}

/// Small enough that what was read is still in the core's own cache when it is digested.
const PIECE: usize = 256 << 10;

/// The digests of each file and the bytes it has, in the order asked for. Each file is read once.
///
/// A thread takes one file after the other. Where fewer files than threads are left, the
/// algorithms of a file that are slower than reading get threads of their own. `read` hears, from
/// any thread, how many more bytes were read.
pub fn hash_files(
    files: &[Wanted],
    threads: usize,
    read: &(dyn Fn(u64) + Sync),
    cancel: &CancellationToken,
) -> Vec<Result<(Sums, u64)>> {
    let done: Vec<OnceLock<Result<(Sums, u64)>>> = files.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let threads = threads.clamp(1, files.len().max(1));
    let work = || {
        let mut piece = vec![0; PIECE];
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(wanted) = files.get(i) else { return };
            let alone = files.len() - i < threads || files.len() == 1;
            let result = if alone && wanted.algorithms.len() > 1 {
                spread(wanted, read, cancel)
            } else {
                straight(wanted, &mut piece, read, cancel)
            };
            // Each number is given out once.
            let _ = done[i].set(result.map_err(|e| e.doing("computing digests").path(&wanted.path)));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let lost = || Err(Error::new(ErrorKind::Panicked, "the thread that read it ended without a result"));
    done.into_iter().map(|d| d.into_inner().unwrap_or_else(lost)).collect()
}

/// On this thread.
fn straight(
    wanted: &Wanted,
    piece: &mut [u8],
    read: &(dyn Fn(u64) + Sync),
    cancel: &CancellationToken,
) -> Result<(Sums, u64)> {
    let mut hashing = Hashing::new(&wanted.algorithms);
    if wanted.algorithms.is_empty() {
        return Ok((hashing.finish(), 0));
    }
    let mut bytes = 0;
    let mut file = open_original(&wanted.path)?;
    while let Some(n) = more(&mut file, piece, wanted, cancel)? {
        hashing.update(&piece[..n]);
        bytes += n as u64;
        read(n as u64);
    }
    Ok((hashing.finish(), bytes))
}

/// The slow algorithms on threads of their own.
fn spread(wanted: &Wanted, read: &(dyn Fn(u64) + Sync), cancel: &CancellationToken) -> Result<(Sums, u64)> {
    std::thread::scope(|scope| {
        let all = Spread::start(scope, &wanted.algorithms);
        let pool = Pool::new(PIECE);
        let mut file = open_original(&wanted.path)?;
        let mut hashing = all.begin(false);
        let mut bytes = 0;
        let ended = loop {
            let mut buffer = pool.take();
            match more(&mut file, &mut buffer, wanted, cancel) {
                Ok(Some(n)) => {
                    hashing.update(&pool.piece(buffer, n));
                    bytes += n as u64;
                    read(n as u64);
                }
                Ok(None) => break Ok(()),
                Err(e) => break Err(e),
            }
        };
        // Always finished, so that the threads end.
        let sums = hashing.finish();
        ended?;
        let lost = || Error::new(ErrorKind::Panicked, "an algorithm ended without a result");
        Ok((sums.ok_or_else(lost)?, bytes))
    })
}

fn more(
    file: &mut std::fs::File,
    piece: &mut [u8],
    wanted: &Wanted,
    cancel: &CancellationToken,
) -> Result<Option<usize>> {
    use std::io::Read as _;

    if cancel.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
    }
    loop {
        match file.read(piece) {
            Ok(0) => return Ok(None),
            Ok(n) => return Ok(Some(n)),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io(&wanted.path, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hash_file;

    #[test]
    fn many_files_on_many_threads_give_what_one_thread_gives() {
        let dir = tempfile::tempdir().unwrap();
        let mut wanted = Vec::new();
        for i in 0..9usize {
            let path = dir.path().join(i.to_string());
            let bytes: Vec<u8> = (0..i * 100_003).map(|b| (b * 7 + i) as u8).collect();
            std::fs::write(&path, bytes).unwrap();
            wanted.push(Wanted { path, algorithms: Algorithm::ALL[..=i % 6].to_vec() });
        }
        wanted.push(Wanted { path: dir.path().join("none"), algorithms: vec![Algorithm::Md5] });
        for threads in [1, 2, 5, 16] {
            let heard = std::sync::atomic::AtomicU64::new(0);
            let read = |n| {
                heard.fetch_add(n, Ordering::Relaxed);
            };
            let all = hash_files(&wanted, threads, &read, &CancellationToken::new());
            for (w, got) in wanted.iter().zip(&all).take(9) {
                assert_eq!(got.as_ref().unwrap(), &hash_file(&w.path, &w.algorithms).unwrap());
            }
            assert!(all[9].as_ref().unwrap_err().to_string().contains("none"), "{:?}", all[9]);
            assert_eq!(heard.into_inner(), (0..9).map(|i| i * 100_003).sum::<u64>());
        }
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        let all = hash_files(&wanted[8..9], 2, &|_| {}, &cancelled);
        assert_eq!(all[0].as_ref().unwrap_err().kind(), ErrorKind::Cancelled);
    }
}
