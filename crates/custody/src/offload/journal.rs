//! The journal of one card at one destination: which files are proven to stand there.
//!
//! One JSON object a line, each with a digest of itself at its end, appended and synced after the
//! files it tells of are. A line that is torn, damaged or unknown says nothing; later lines on a
//! file replace earlier ones. The journal is locked while an offload writes it.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use rushes_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use super::{CardPath, Evidence};
use crate::hash::{Algorithm, Sum, Sums};

/// Longest line that is read, in bytes: a path of 4096 bytes in hexadecimal, and all digests.
const LONGEST: u64 = 32 << 10;
const CHECK: &str = ",\"check\":\"";

/// A file that stood at the destination, whole and synced, when the line was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) path: CardPath,
    pub(super) bytes: u64,
    /// Of the source, in nanoseconds since 1970.
    pub(super) modified_ns: i64,
    /// Of the destination.
    pub(super) there_ns: i64,
    pub(super) sums: BTreeMap<Algorithm, String>,
    pub(super) evidence: Evidence,
    /// The source was read twice.
    pub(super) reread: bool,
}

impl Line {
    /// The digests, when all of them are ones.
    pub(super) fn sums(&self) -> Option<Sums> {
        self.sums.iter().map(|(a, text)| Sum::parse(*a, text).ok()).collect()
    }

    pub(super) fn texts(sums: &Sums) -> BTreeMap<Algorithm, String> {
        sums.iter().map(|s| (s.algorithm(), s.to_string())).collect()
    }

    /// The line without its end.
    pub(super) fn write(&self) -> Result<String> {
        let invalid = |e: serde_json::Error| Error::new(ErrorKind::Invalid, e.to_string()).doing("writing a journal");
        let json = serde_json::to_string(self).map_err(invalid)?;
        let body = json.strip_suffix('}').unwrap_or(&json);
        Ok(format!("{body}{CHECK}{:016x}\"}}", XxHash64::oneshot(0, body.as_bytes())))
    }

    /// `None` when it is torn, damaged, or of another kind.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (body, check) = line.rsplit_once(CHECK)?;
        let check = check.strip_suffix("\"}")?;
        if check.len() != 16 || u64::from_str_radix(check, 16).ok()? != XxHash64::oneshot(0, body.as_bytes()) {
            return None;
        }
        let line: Self = serde_json::from_str(&format!("{body}}}")).ok()?;
        line.sums().is_some().then_some(line)
    }
}

/// The journal, open and locked.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
}

/// What a journal says.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) files: HashMap<CardPath, Line>,
    /// Lines that say nothing.
    pub(super) damaged: usize,
}

impl Journal {
    /// Opens the journal, or begins one, and locks it. Lines on files that `known` does not know
    /// are passed over.
    ///
    /// # Errors
    /// When another offload holds it, and whatever the operating system refuses.
    pub(super) fn open(path: &Path, known: impl Fn(&CardPath) -> bool) -> Result<(Self, Said)> {
        let doing = "opening the journal of an offload";
        let io = |e| Error::io(path, e).doing(doing);
        if std::fs::symlink_metadata(path).is_ok_and(|m| !m.is_file()) {
            return Err(Error::new(ErrorKind::Invalid, "it is not a file")
                .doing(doing)
                .path(path)
                .advice("remove it, or choose another destination"));
        }
        let mut file = File::options().read(true).append(true).create(true).open(path).map_err(io)?;
        // A file system without locks only loses the warning about two offloads.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Error::new(ErrorKind::InUse, "another offload is writing this card to this destination now")
                .doing(doing)
                .path(path)
                .advice("wait for it to end, or choose another destination"));
        }
        let said = read(&file, known).map_err(io)?;
        if !ends_with_newline(&mut file).map_err(io)? {
            file.write_all(b"\n").map_err(io)?;
        }
        Ok((Self { file }, said))
    }

    /// Appends the lines and syncs them.
    ///
    /// # Errors
    /// Whatever the operating system refuses.
    pub(super) fn append(&mut self, lines: &[Line]) -> Result<()> {
        let mut text = String::new();
        for line in lines {
            text.push_str(&line.write()?);
            text.push('\n');
        }
        let io = |e| Error::new(ErrorKind::Io, io::Error::to_string(&e)).doing("writing the journal of an offload");
        self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data()).map_err(io)
    }
}

fn ends_with_newline(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn read(file: &File, known: impl Fn(&CardPath) -> bool) -> io::Result<Said> {
    let mut said = Said::default();
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = reader.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if n == 0 {
            return Ok(said);
        }
        let text = line.strip_suffix(b"\n").and_then(|l| std::str::from_utf8(l).ok());
        match text.and_then(Line::read) {
            Some(line) if known(&line.path) => drop(said.files.insert(line.path.clone(), line)),
            Some(_) => {}
            // The end of a torn line, where an offload went on after it.
            None if line == b"\n" => {}
            None => said.damaged += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::Hashing;

    fn line(name: &str, bytes: u64) -> Line {
        let mut hashing = Hashing::new(&Algorithm::ALL);
        hashing.update(name.as_bytes());
        Line {
            path: CardPath::new(name).unwrap(),
            bytes,
            modified_ns: -1,
            there_ns: i64::MAX,
            sums: Line::texts(&hashing.finish()),
            evidence: Evidence::ReadBack,
            reread: true,
        }
    }

    fn said(bytes: &[u8]) -> Said {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        std::fs::write(&path, bytes).unwrap();
        Journal::open(&path, |_| true).unwrap().1
    }

    #[test]
    fn lines_append_to_a_torn_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let (a, b) = (line("a", 1), line("b", 2));
        let torn = &a.write().unwrap()[..40];
        std::fs::write(&path, torn).unwrap();
        let (mut journal, found) = Journal::open(&path, |_| true).unwrap();
        assert_eq!((found.files.len(), found.damaged), (0, 1));
        journal.append(std::slice::from_ref(&b)).unwrap();
        drop(journal);
        let (_, found) = Journal::open(&path, |_| true).unwrap();
        assert_eq!((found.files.len(), found.damaged), (1, 1));
        assert_eq!(found.files[&b.path], b);
    }

    #[test]
    fn a_journal_is_held_by_one_offload() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let _held = Journal::open(&path, |_| true).unwrap();
        let e = Journal::open(&path, |_| true).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InUse);
        assert!(e.to_string().contains("another offload"), "{e}");
    }

    #[test]
    fn a_line_without_end_costs_no_memory() {
        let found = said(&vec![b'x'; 1 << 20]);
        assert_eq!(found.files.len(), 0);
        assert!(found.damaged > 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            said(&bytes);
        }

        /// Cut anywhere, and one bit turned anywhere: what is left says only what was written.
        #[test]
        fn damage_never_invents(cut in 0usize..4000, flip in 0usize..4000, bit in 0u8..8) {
            let lines: Vec<Line> = ["a", "b/c", "d\u{e9}\"\\ x"].iter().zip(1..).map(|(n, i)| line(n, i)).collect();
            let mut bytes: Vec<u8> = lines.iter().flat_map(|l| (l.write().unwrap() + "\n").into_bytes()).collect();
            let at = flip % bytes.len();
            bytes[at] ^= 1 << bit;
            bytes.truncate(cut.min(bytes.len()));
            let found = said(&bytes);
            for (path, line) in &found.files {
                prop_assert!(lines.iter().any(|l| l.path == *path && l == line), "{line:?}");
            }
        }

        #[test]
        fn lines_read_back(name in "[^/\0]{1,20}", bytes in any::<u64>(), ns in any::<i64>()) {
            prop_assume!(name != "." && name != "..");
            let line = Line { modified_ns: ns, ..line(&name, bytes) };
            prop_assert_eq!(Line::read(&line.write().unwrap()), Some(line));
        }
    }
}
