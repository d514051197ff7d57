use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::deliver::{AtomicFile, Existing, refuse_among_originals, write_whole};
use crate::media::{ClipMedia, Digest, Original, open_original};
use crate::{Error, ErrorKind};

/// Files in memory under a scheme of their own, and the ranges that were asked for.
#[derive(Debug, Default)]
struct Asked {
    memory: Memory,
    ranges: Mutex<Vec<Range<u64>>>,
    /// A put succeeds, and says that something stands.
    forgetful: bool,
    fails: Mutex<u32>,
    /// Puts that are told that something stands, where nothing does.
    stands: Mutex<u32>,
}

impl Storage for Asked {
    fn stat(&self, uri: &str) -> Result<Stat> {
        self.memory.stat(uri)
    }

    fn list(&self, folder: &str, most: usize) -> Result<Vec<Entry>> {
        self.memory.list(folder, most)
    }

    fn read(&self, uri: &str, range: Range<u64>, version: Option<&str>) -> Result<(Stat, Vec<u8>)> {
        let mut fails = self.fails.lock().unwrap();
        if *fails > 0 {
            *fails -= 1;
            return Err(Error::new(ErrorKind::Io, "the line is down").path(uri).retryable());
        }
        self.ranges.lock().unwrap().push(range.clone());
        self.memory.read(uri, range, version)
    }

    fn put(&self, uri: &str, body: Body<'_>, when: When) -> Result<Put> {
        let mut stands = self.stands.lock().unwrap();
        if *stands > 0 {
            *stands -= 1;
            return Ok(Put::Stands);
        }
        let came = self.memory.put(uri, body, when)?;
        Ok(if self.forgetful { Put::Stands } else { came })
    }

    fn remove(&self, uri: &str) -> Result<()> {
        self.memory.remove(uri)
    }
}

fn asked(scheme: &str, storage: Asked) -> Arc<Asked> {
    let storage = Arc::new(storage);
    register(scheme, Arc::clone(&storage) as Arc<dyn Storage>);
    storage
}

fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn what_is_a_uri_and_what_is_a_path() {
    for uri in ["s3://b/k", "gs://b", "x-y+z.1://k", "file:///a"] {
        assert!(is_uri(Path::new(uri)), "{uri}");
    }
    for path in ["/a", "a://b/c".trim_start_matches("a"), "c://b", "s3:/b", "3s://b", "a b://c", "", "://"] {
        assert!(!is_uri(Path::new(path)), "{path}");
    }
}

#[test]
fn file_uris_are_paths_of_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("A 001"), b"clip").unwrap();
    let uri = PathBuf::from(format!("file://{}/A%20001", dir.path().display()));
    assert_eq!(read_whole(&uri, 10).unwrap(), b"clip");
    assert_eq!(stat(&uri).unwrap(), stat(&dir.path().join("A 001")).unwrap());
    let out = PathBuf::from(format!("file://{}/new/out", dir.path().display()));
    write_whole(&out, false, b"made").unwrap();
    assert_eq!(std::fs::read(dir.path().join("new/out")).unwrap(), b"made");
    for wrong in ["file://elsewhere/a", "file:///a%2", "file:///%zz", "file:///%00", "file:///%ff", "file:///%é"] {
        assert_eq!(stat(Path::new(wrong)).unwrap_err().kind(), ErrorKind::Invalid, "{wrong}");
    }
}

#[test]
fn a_scheme_that_nobody_registered_says_what_brings_it() {
    let told = |uri: &str| stat(Path::new(uri)).unwrap_err().to_string();
    assert!(told("abfss://box/key").contains("feature `cloud`"), "{}", told("abfss://box/key"));
    assert!(told("https://host/key").contains("download"));
    assert!(told("gopher://host").contains("check the scheme"));
    let refused = local_only(Path::new("s3://b/card"), "an offload").unwrap_err().to_string();
    assert!(refused.contains("an offload needs files of this machine") && refused.contains("mount"), "{refused}");
}

#[test]
fn a_remote_file_is_read_as_a_local_one_is() {
    let storage = asked("read", Asked::default());
    let whole = bytes(20 << 20);
    storage.put("read://b/clip", Body::Bytes(&whole), When::Absent).unwrap();
    let path = Path::new("read://b/clip");
    let mut file = open_original(path).unwrap();
    assert_eq!(file.size().unwrap(), whole.len() as u64);
    let mut all = Vec::new();
    file.read_to_end(&mut all).unwrap();
    assert!(all == whole);
    assert_eq!(Digest::xxh64_of_file(path).unwrap(), (Digest::xxh64(&whole), whole.len() as u64));
    let ranges = std::mem::take(&mut *storage.ranges.lock().unwrap());
    assert!(ranges.iter().all(|r| r.end - r.start <= 8 << 20), "bounded memory: {ranges:?}");
    assert!(ranges.iter().any(|r| r.end - r.start == 8 << 20), "the window grows: {ranges:?}");
    assert!(ranges.len() < 20, "{ranges:?}");
}

#[test]
fn a_look_at_a_header_brings_little() {
    let storage = asked("head", Asked::default());
    storage.put("head://b/clip", Body::Bytes(&bytes(9 << 20)), When::Absent).unwrap();
    let mut file = open_original(Path::new("head://b/clip")).unwrap();
    file.read_exact(&mut [0; 4096]).unwrap();
    file.seek(SeekFrom::End(-100)).unwrap();
    file.read_exact(&mut [0; 100]).unwrap();
    assert_eq!(file.read(&mut [0; 9]).unwrap(), 0);
    let ranges = storage.ranges.lock().unwrap();
    assert!(ranges.iter().map(|r| r.end - r.start).sum::<u64>() <= 128 << 10, "{ranges:?}");
    assert_eq!(ranges.len(), 2, "{ranges:?}");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let storage = asked("changing", Asked::default());
    storage.put("changing://b/x", Body::Bytes(&bytes(1 << 20)), When::Absent).unwrap();
    let mut file = open_original(Path::new("changing://b/x")).unwrap();
    storage.put("changing://b/x", Body::Bytes(&bytes(2 << 20)), When::Always).unwrap();
    let e = Error::io("changing://b/x", file.read_to_end(&mut Vec::new()).unwrap_err());
    assert!(e.kind() == ErrorKind::BadMedia && e.to_string().contains("changed while it was read"), "{e}");
}

#[test]
fn trouble_on_the_way_stays_retryable_through_a_reader() {
    let storage = asked("down", Asked::default());
    storage.put("down://b/x", Body::Bytes(&bytes(1 << 20)), When::Absent).unwrap();
    let mut file = open_original(Path::new("down://b/x")).unwrap();
    *storage.fails.lock().unwrap() = u32::MAX;
    let e = file.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(e.kind(), std::io::ErrorKind::TimedOut);
    assert!(Error::io("somewhere", e).is_retryable());
    assert_eq!(open_original(Path::new("down://b/none")).unwrap_err().kind(), ErrorKind::Io);
    *storage.fails.lock().unwrap() = 0;
    assert_eq!(open_original(Path::new("down://b/none")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn an_empty_file_is_a_file() {
    asked("empty", Asked::default());
    let path = Path::new("empty://b/x");
    write_whole(path, false, b"").unwrap();
    assert!(exists(path).unwrap());
    assert_eq!(read_whole(path, 0).unwrap(), b"");
}

#[test]
fn a_finished_output_is_put_and_leaves_nothing_in_scratch() {
    asked("out", Asked::default());
    let path = Path::new("out://b/job/x.mov");
    let mut file = AtomicFile::create(path, false).unwrap();
    let part = file.lend().to_owned();
    assert!(part.starts_with(scratch()), "{}", part.display());
    std::fs::OpenOptions::new().append(true).open(&part).unwrap().write_all(b"by another program").unwrap();
    assert!(!exists(path).unwrap());
    assert_eq!(file.persist().unwrap(), (18, Digest::xxh64(b"by another program")));
    assert_eq!(read_whole(path, 100).unwrap(), b"by another program");
    assert!(!part.exists());
    let mut dropped = AtomicFile::create(Path::new("out://b/y"), false).unwrap();
    dropped.append(b"y").unwrap();
    let part = dropped.lend().to_owned();
    drop(dropped);
    assert!(!part.exists() && !exists(Path::new("out://b/y")).unwrap());
}

#[test]
fn what_stands_at_a_uri_is_treated_as_on_a_disk() {
    asked("stands", Asked::default());
    let path = Path::new("stands://b/x");
    let shared = |replace| Existing::Shared { replace };
    let refused = |existing: Existing, bytes: &[u8]| write_whole(path, existing, bytes).unwrap_err().kind();
    // Begun while nothing stands, finished when something does.
    let mut late = AtomicFile::create(path, false).unwrap();
    late.append(b"late").unwrap();
    write_whole(path, false, b"one").unwrap();
    assert_eq!(late.persist().unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(refused(Existing::Refuse, b"two"), ErrorKind::AlreadyExists);
    assert_eq!(AtomicFile::create(path, false).unwrap_err().kind(), ErrorKind::AlreadyExists);
    write_whole(path, shared(false), b"one").unwrap();
    assert_eq!(refused(shared(false), b"two"), ErrorKind::AlreadyExists);
    assert_eq!(read_whole(path, 9).unwrap(), b"one");
    write_whole(path, shared(true), b"two").unwrap();
    assert_eq!(read_whole(path, 9).unwrap(), b"two");
    write_whole(path, true, b"three").unwrap();
    assert_eq!(read_whole(path, 9).unwrap(), b"three");
    assert_eq!(read_whole(path, 4).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn a_put_whose_answer_was_lost_is_known_by_its_bytes() {
    asked("forgetful", Asked { forgetful: true, ..Asked::default() });
    assert_eq!(write_whole(Path::new("forgetful://b/x"), false, b"mine").unwrap().0, 4);
}

#[test]
fn folders_are_what_lies_in_them() {
    asked("list", Asked::default());
    for key in ["card/A/1.dng", "card/A/2.dng", "card/A.dng", "card/B", "cards/C"] {
        write_whole(&Path::new("list://b").join(key), false, key.as_bytes()).unwrap();
    }
    let entries = list(Path::new("list://b/card"), 9).unwrap();
    let seen: Vec<_> = entries.iter().map(|e| (e.name.as_str(), e.folder, e.bytes)).collect();
    assert_eq!(seen, [("A", true, 0), ("A.dng", false, 10), ("B", false, 6)]);
    assert_eq!(list(Path::new("list://b/card"), 2).unwrap().len(), 2);
    assert!(is_folder(Path::new("list://b/card/A")).unwrap() && !is_folder(Path::new("list://b/card/B")).unwrap());
    let out = Path::new("list://b/card");
    let mut presence = Presence::new(out);
    assert!(presence.has("A/1.dng").unwrap() && !presence.has("A/3.dng").unwrap() && !presence.has("A").unwrap());
    remove(Path::new("list://b/card/B")).unwrap();
    remove(Path::new("list://b/card/B")).unwrap();
    assert!(!exists(Path::new("list://b/card/B")).unwrap());
}

#[test]
fn places_here_and_there_are_read_alike_on_a_disk_and_at_a_uri() {
    asked("here", Asked::default());
    let dir = tempfile::tempdir().unwrap();
    let whole = bytes(200_000);
    let (there, here) = (Path::new("here://b/x"), dir.path().join("x"));
    write_whole(there, false, &whole).unwrap();
    write_whole(&here, false, &whole).unwrap();
    let files: [Original; 2] = [open_original(there).unwrap(), open_original(&here).unwrap()];
    for file in &files {
        let mut some = [0; 1000];
        assert_eq!(file.read_at(&mut some, 150_123).unwrap(), some.len());
        assert_eq!(some, whole[150_123..151_123]);
        assert_eq!(file.read_at(&mut some, 199_500).unwrap(), 500);
        assert_eq!(file.read_at(&mut some, 1 << 40).unwrap(), 0);
    }
    assert!(files[0].memory() > 0 && files[1].memory() == 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_order_of_reads_and_seeks_gives_the_bytes_of_the_file(
        len in 0usize..3_000_000,
        steps in proptest::collection::vec((any::<bool>(), 0u64..3_200_000, 1usize..900_000), 1..12),
    ) {
        asked("any", Asked::default());
        let whole = bytes(len);
        write_whole(Path::new("any://b/x"), true, &whole).unwrap();
        let mut file = open_original(Path::new("any://b/x")).unwrap();
        let mut model = std::io::Cursor::new(&whole);
        for (jump, to, n) in steps {
            if jump {
                prop_assert_eq!(file.seek(SeekFrom::Start(to)).unwrap(), model.seek(SeekFrom::Start(to)).unwrap());
            }
            let (mut got, mut want) = (Vec::new(), Vec::new());
            file.by_ref().take(n as u64).read_to_end(&mut got).unwrap();
            model.by_ref().take(n as u64).read_to_end(&mut want).unwrap();
            prop_assert!(got == want);
        }
    }
}

#[test]
fn what_stands_and_is_not_there_is_put_again() {
    let storage = asked("vanishing", Asked { stands: Mutex::new(2), ..Asked::default() });
    write_whole(Path::new("vanishing://b/out"), false, b"made").unwrap();
    assert_eq!(read_whole(Path::new("vanishing://b/out"), 9).unwrap(), b"made");
    *storage.stands.lock().unwrap() = 9;
    let e = write_whole(Path::new("vanishing://b/other"), false, b"made").unwrap_err();
    assert!(e.is_retryable() && e.kind() == ErrorKind::Io, "{e}");
}

#[test]
fn places_are_compared_in_one_form() {
    asked("form", Asked::default());
    let same = |path: &str| same_form(Path::new(path));
    assert_eq!(same("FORM://b/A001"), Path::new("form://b/A001"));
    assert_eq!(same("file:///cards/A%20001"), Path::new("/cards/A 001"));
    for unchanged in ["/cards/A001", "A001", "nobody://B/k", "form://B/K"] {
        assert_eq!(same(unchanged), Path::new(unchanged));
    }
    let media = ClipMedia::Files(vec![PathBuf::from("form://b/A001/clip.mov")]);
    let e = refuse_among_originals(Path::new("Form://b/A001"), &media).unwrap_err();
    assert!(e.to_string().contains("holds camera files"), "{e}");
    refuse_among_originals(Path::new("Form://b/A002"), &media).unwrap();
}
