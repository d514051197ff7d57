//! Digests of many files, on all cores.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rushes_core::run::CancellationToken;
use rushes_core::{Error, ErrorKind, Result};

use super::spread::{Pool, Spread};
use super::{Algorithm, Hashing, Sums, lanes};

/// A file whose digests are wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The file.
    pub path: PathBuf,
    /// The algorithms; with none the file is not opened.
    pub algorithms: Vec<Algorithm>,
}

/// A file that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digested {
    /// Its digests.
    pub sums: Sums,
    /// Its bytes; 0 for one that was not opened.
    pub bytes: u64,
    /// When it was last written, before it was read.
    pub modified: Option<SystemTime>,
}

/// Small enough that what was read is still in the core's own cache when it is digested.
const PIECE: usize = 256 << 10;

/// The files that are still to be taken, and what came of those that were.
pub(super) struct Work<'a> {
    pub(super) files: &'a [Wanted],
    next: AtomicUsize,
    done: Vec<OnceLock<Result<Digested>>>,
    pub(super) threads: usize,
    pub(super) read: &'a (dyn Fn(u64) + Sync),
    pub(super) cancel: &'a CancellationToken,
}

/// The digests of each file, in the order asked for. Each file is read once; links are not followed.
///
/// A thread takes one file after the other; where files come faster than one of them can be
/// digested, several side by side. Where fewer files than threads are left, the algorithms of a
/// file that are slower than reading get threads of their own. `read` hears, from any thread, how
/// many more bytes were read.
pub fn hash_files(
    files: &[Wanted],
    threads: usize,
    read: &(dyn Fn(u64) + Sync),
    cancel: &CancellationToken,
) -> Vec<Result<Digested>> {
    let threads = threads.clamp(1, files.len().max(1));
    let done = files.iter().map(|_| OnceLock::new()).collect();
    let work = Work { files, next: AtomicUsize::new(0), done, threads, read, cancel };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| work.go());
        }
        work.go();
    });
    let lost = || Err(Error::new(ErrorKind::Panicked, "the thread that read it ended without a result"));
    work.done.into_iter().map(|d| d.into_inner().unwrap_or_else(lost)).collect()
}

impl<'a> Work<'a> {
    fn go(&self) {
        let mut piece = vec![0; PIECE];
        let mut pace = Pace::default();
        loop {
            let at = self.next.load(Ordering::Relaxed);
            let Some(first) = self.files.get(at) else { return };
            let lanes = lanes::most(&first.algorithms).min((self.files.len() - at).div_ceil(self.threads));
            if pace.is_fast() && lanes >= lanes::FEWEST {
                lanes::side_by_side(self, lanes, &mut pace);
                continue;
            }
            let Some((number, wanted)) = self.take() else { return };
            let alone = self.files.len() - number < self.threads || self.files.len() == 1;
            let result = if alone && wanted.algorithms.len() > 1 {
                spread(wanted, self.read, self.cancel)
            } else {
                straight(wanted, &mut piece, self.read, self.cancel, &mut pace)
            };
            self.finish(number, result);
        }
    }

    /// The next file, and its number.
    pub(super) fn take(&self) -> Option<(usize, &'a Wanted)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Some((number, self.files.get(number)?))
    }

    /// Each number is given out once, so nothing was there.
    pub(super) fn finish(&self, number: usize, result: Result<Digested>) {
        let _ = self.done[number].set(result.map_err(|e| e.doing("computing digests").path(&self.files[number].path)));
    }
}

/// Whether files come faster than they are digested, by the time that both took last. It decides
/// how they are taken, and never what comes of it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) reading: Duration,
    pub(super) digesting: Duration,
}

impl Pace {
    /// Several files read at once would cost a disk with a moving head its pace, so it must be clear.
    pub(super) fn is_fast(&self) -> bool {
        self.digesting > self.reading * 2
    }
}

/// On this thread, one file.
fn straight(
    wanted: &Wanted,
    piece: &mut [u8],
    read: &(dyn Fn(u64) + Sync),
    cancel: &CancellationToken,
    pace: &mut Pace,
) -> Result<Digested> {
    let mut hashing = Hashing::new(&wanted.algorithms);
    if wanted.algorithms.is_empty() {
        return Ok(Digested { sums: hashing.finish(), bytes: 0, modified: None });
    }
    let (mut file, facts) = open(&wanted.path)?;
    let mut bytes = 0;
    *pace = Pace::default();
    let mut at = Instant::now();
    while let Some(n) = more(&mut file, piece, wanted, cancel)? {
        pace.reading += std::mem::replace(&mut at, Instant::now()).elapsed();
        hashing.update(&piece[..n]);
        pace.digesting += std::mem::replace(&mut at, Instant::now()).elapsed();
        bytes += n as u64;
        read(n as u64);
        // All of a small file came at once; asking for its end is half of the time it takes.
        if n < piece.len() && bytes == facts.len() {
            break;
        }
    }
    Ok(Digested { sums: hashing.finish(), bytes, modified: facts.modified().ok() })
}

/// The slow algorithms on threads of their own.
fn spread(wanted: &Wanted, read: &(dyn Fn(u64) + Sync), cancel: &CancellationToken) -> Result<Digested> {
    std::thread::scope(|scope| {
        let all = Spread::start(scope, &wanted.algorithms);
        let pool = Pool::new(PIECE);
        let (mut file, facts) = open(&wanted.path)?;
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
        Ok(Digested { sums: sums.ok_or_else(lost)?, bytes, modified: facts.modified().ok() })
    })
}

/// Opens a file for reading, and nothing but a file: a pipe is not waited for. One look at the
/// path, because with many small files that is what takes the time.
pub(super) fn open(path: &Path) -> Result<(File, Metadata)> {
    let io = |e| Error::io(path, e);
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed());
    }
    let file = options.open(path).map_err(io)?;
    let facts = file.metadata().map_err(io)?;
    if !facts.is_file() {
        return Err(Error::new(ErrorKind::Invalid, "it is no file").path(path).advice("give the path of a file"));
    }
    Ok((file, facts))
}

pub(super) fn more(
    file: &mut File,
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

    /// Of different lengths and more than there are lanes, with whatever instructions this machine has.
    #[test]
    fn files_side_by_side_give_what_each_gives_alone() {
        let dir = tempfile::tempdir().unwrap();
        for algorithms in [&[Algorithm::Md5][..], &[Algorithm::C4], &Algorithm::ALL] {
            let files: Vec<Wanted> = (0..40usize)
                .map(|i| {
                    let path = dir.path().join(format!("{i}"));
                    std::fs::write(&path, (0..i * i * 211).map(|b| (b * 7 + i) as u8).collect::<Vec<_>>()).unwrap();
                    Wanted { path, algorithms: algorithms.to_vec() }
                })
                .chain([Wanted { path: dir.path().join("none"), algorithms: algorithms.to_vec() }])
                .collect();
            let cancel = CancellationToken::new();
            let done = files.iter().map(|_| OnceLock::new()).collect();
            let work =
                Work { files: &files, next: AtomicUsize::new(0), done, threads: 1, read: &|_| {}, cancel: &cancel };
            let fast = || Pace { reading: Duration::ZERO, digesting: Duration::from_secs(1000) };
            while work.next.load(Ordering::Relaxed) < files.len() {
                lanes::side_by_side(&work, 7, &mut fast());
            }
            for (i, (wanted, done)) in files.iter().zip(&work.done).enumerate() {
                match done.get().unwrap() {
                    Ok(got) => assert_eq!((got.sums.clone(), got.bytes), hash_file(&wanted.path, algorithms).unwrap()),
                    Err(e) => assert!(i == 40 && e.to_string().contains("none"), "{e}"),
                }
            }
        }
    }

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
                let got = got.as_ref().unwrap();
                assert_eq!((got.sums.clone(), got.bytes), hash_file(&w.path, &w.algorithms).unwrap());
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
