use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut all: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    all
}

#[test]
fn a_file_appears_whole_with_its_digest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/plate.exr");
    let mut f = AtomicFile::create(&path, false).unwrap();
    f.write_all(b"ab").unwrap();
    f.write_all(b"c").unwrap();
    assert_eq!(names(path.parent().unwrap()), [".plate.exr.rushes-part"]);
    let (bytes, digest) = f.persist().unwrap();
    // Python xxhash 4.1.0: `xxhash.xxh64(b"abc").hexdigest()`.
    assert_eq!((bytes, digest.to_string().as_str()), (3, "xxh64:44bc2cf5ad770999"));
    assert_eq!(names(path.parent().unwrap()), ["plate.exr"]);
    assert_eq!(fs::read(&path).unwrap(), b"abc");
}

#[test]
fn bytes_out_of_order_have_the_digest_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("a.mov"), dir.path().join("b.mov"));
    let mut f = AtomicFile::create(&path, false).unwrap();
    f.write_all(b"????moov").unwrap();
    f.seek(SeekFrom::Start(0)).unwrap();
    f.write_all(b"mdat").unwrap();
    f.seek(SeekFrom::End(2)).unwrap();
    f.write_all(b"!").unwrap();
    let seeking = f.persist().unwrap();
    assert_eq!(seeking, write_whole(&other, false, b"mdatmoov\0\0!").unwrap());
    assert_eq!(fs::read(&path).unwrap(), fs::read(&other).unwrap());
}

#[test]
fn an_existing_file_is_replaced_only_when_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.png");
    write_whole(&path, false, b"old").unwrap();
    let e = write_whole(&path, false, b"new").unwrap_err();
    assert_eq!(e.kind(), ErrorKind::AlreadyExists);
    assert!(e.to_string().contains("x.png") && e.to_string().contains("overwritten"), "{e}");
    assert_eq!(fs::read(&path).unwrap(), b"old");
    write_whole(&path, true, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert!(AtomicFile::create(dir.path(), true).is_err(), "a folder is never replaced");
}

#[test]
fn a_file_that_appears_meanwhile_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.png");
    let mut f = AtomicFile::create(&path, false).unwrap();
    f.write_all(b"mine").unwrap();
    fs::write(&path, b"theirs").unwrap();
    assert_eq!(f.persist().unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"theirs");
    assert_eq!(names(dir.path()), ["x.png"]);
}

#[test]
fn dropping_removes_the_temporary_and_a_stale_one_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.exr");
    fs::write(dir.path().join(".x.exr.rushes-part"), b"left by a killed run").unwrap();
    let f = AtomicFile::create(&path, false).unwrap();
    assert_eq!(fs::metadata(dir.path().join(".x.exr.rushes-part")).unwrap().len(), 0);
    drop(f);
    assert!(names(dir.path()).is_empty());
}

#[test]
fn two_runs_do_not_share_a_temporary() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.exr");
    let first = AtomicFile::create(&path, true).unwrap();
    let e = AtomicFile::create(&path, true).unwrap_err();
    assert!(e.to_string().contains("another run"), "{e}");
    first.persist().unwrap();
    assert_eq!(names(dir.path()), ["x.exr"]);
}

const SHARED: Existing = Existing::Shared { replace: false };

#[test]
fn who_makes_the_very_same_comes_second_and_is_content() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.exr");
    let (mut first, mut second) =
        (AtomicFile::create(&path, SHARED).unwrap(), AtomicFile::create(&path, SHARED).unwrap());
    first.write_all(b"the same").unwrap();
    second.write_all(b"the same").unwrap();
    assert_eq!(first.persist().unwrap(), second.persist().unwrap());
    assert_eq!(write_whole(&path, SHARED, b"the same").unwrap().0, 8);
    assert_eq!(write_whole(&path, SHARED, b"the game").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!((fs::read(&path).unwrap(), names(dir.path())), (b"the same".to_vec(), vec!["x.exr".to_owned()]));
    write_whole(&path, Existing::Shared { replace: true }, b"the game").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"the game");
}

#[test]
fn leftovers_go_and_what_is_being_written_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.exr");
    let mut living = AtomicFile::create(&path, SHARED).unwrap();
    fs::write(dir.path().join(".x.exr.0123456789abcdef.rushes-part"), b"left by a killed worker").unwrap();
    fs::write(dir.path().join(".somebody-elses"), b"").unwrap();
    clear_leftovers(dir.path()).unwrap();
    assert_eq!(names(dir.path()).len(), 2);
    living.write_all(b"x").unwrap();
    living.persist().unwrap();
    assert_eq!(names(dir.path()), [".somebody-elses", "x.exr"]);
    clear_leftovers(&dir.path().join("nowhere")).unwrap();
}
