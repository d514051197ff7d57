//! ASC MHL histories, from outside.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use rushes_core::ErrorKind;
use rushes_custody::hash::{Algorithm, Sum, Sums};
use rushes_custody::mhl::{Action, Create, Flatten, HashList, Histories, Is, Verdict, Verify};
use rushes_custody::offload::CardPath;

/// A card with folders in folders, an empty folder and an empty file.
fn card() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("card");
    for folder in ["sub/deep", "empty"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("A001.mov"), b"frames").unwrap();
    fs::write(root.join("sub/A001.wav"), b"sound").unwrap();
    fs::write(root.join("sub/deep/nothing"), b"").unwrap();
    (dir, root)
}

fn create(root: &Path, algorithms: &[Algorithm]) -> Verdict {
    Create { algorithms: algorithms.to_vec(), ..Create::default() }.run(root).unwrap().verdict
}

fn verify(root: &Path) -> Verdict {
    Verify::default().folder(root).unwrap()
}

fn codes(verdict: &Verdict) -> Vec<&str> {
    verdict.findings.iter().map(|f| f.code.as_str()).collect()
}

fn is<'v>(verdict: &'v Verdict, path: &str) -> &'v Is {
    &verdict.files.iter().find(|f| f.path == CardPath::new(path).unwrap()).unwrap().is
}

fn manifests(root: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(root.join("ascmhl")).unwrap().map(|e| e.unwrap().path());
    let mut all: Vec<PathBuf> = all.filter(|p| p.extension().is_some_and(|e| e == "mhl")).collect();
    all.sort();
    all
}

/// `ascmhl` 1.2, `create card` with every `-h`, on the same files.
#[test]
fn folder_digests_are_those_of_the_reference_tool() {
    let (_dir, root) = card();
    create(&root, &Algorithm::ALL);
    let histories = Histories::open(&root).unwrap();
    let sums = histories.all[0].generations[0].manifest.root.as_ref().unwrap();
    let golden = [
        (
            Algorithm::C4,
            "c43MVBBGZNGNSp1MKcnxGCfWEnuzS9XUKcgyiD6XHkym6YTbWaSWXwwTUjy3GvoaAYJ97JEuQqYTbtVYCpWrYzgm3w",
            "c43W9XiVbuaWnUXGUDYdoc1qff5QwcYT9N6fCZRJqSjvX8noZWtzhF2xZMz3h42zqVA6Whxd5TvrvDc4bHVVGTZyKV",
        ),
        (Algorithm::Md5, "6771103d9621ef70de7f465e13fc51a0", "58a133db68f738ccdee8052f1e94a061"),
        (Algorithm::Sha1, "d6db7192f4674bc83663061982e5e0a92cdb9048", "2e16fc49efcfeb12fd2dd3ae2143de4d31af9a3a"),
        (Algorithm::Xxh128, "8833824c88783ed4a1646c8e01461536", "0551061c331c65d825526d9a33c866bd"),
        (Algorithm::Xxh3, "1db8358b69b2e800", "46a054926e5e2a6f"),
        (Algorithm::Xxh64, "e820149c76ec1da8", "47872860a338602f"),
    ];
    for (algorithm, content, structure) in golden {
        assert_eq!(sums.content.get(algorithm).unwrap().to_string(), content);
        assert_eq!(sums.structure.get(algorithm).unwrap().to_string(), structure);
    }
    assert!(verify(&root).agrees());
}

#[test]
fn each_fault_is_found_and_told() {
    type Fault = (&'static str, fn(&Path), &'static str, &'static str);
    let faults: [Fault; 6] = [
        ("changed", |r| fs::write(r.join("A001.mov"), b"frame5").unwrap(), "hash-mismatch", "2 verified, 1 changed"),
        ("missing", |r| fs::remove_file(r.join("A001.mov")).unwrap(), "file-missing", "2 verified, 1 missing"),
        ("folder", |r| fs::remove_dir(r.join("empty")).unwrap(), "folder-missing", "3 verified, 1 missing"),
        ("new", |r| fs::write(r.join("A002.mov"), b"more").unwrap(), "file-new", "3 verified, 1 new"),
        (
            "renamed",
            |r| fs::rename(r.join("A001.mov"), r.join("B.mov")).unwrap(),
            "file-renamed",
            "2 verified, 1 renamed",
        ),
        ("longer", |r| fs::write(r.join("sub/A001.wav"), b"sounds").unwrap(), "hash-mismatch", "2 verified, 1 changed"),
    ];
    for (name, fault, code, words) in faults {
        let (_dir, root) = card();
        create(&root, &[Algorithm::Xxh128]);
        fault(&root);
        let verdict = verify(&root);
        assert!(!verdict.agrees(), "{name}");
        assert_eq!(codes(&verdict), [code], "{name}");
        assert_eq!(verdict.words(), words, "{name}");
        let names = Verify::default().names(&root).unwrap();
        assert_eq!(names.agrees(), code == "hash-mismatch", "{name}: names alone do not show what changed inside");
    }
}

#[test]
fn what_failed_is_recorded_as_failed_and_never_compared_with() {
    let (_dir, root) = card();
    create(&root, &[Algorithm::Xxh64]);
    fs::write(root.join("A001.mov"), b"frame5").unwrap();
    let again = create(&root, &[Algorithm::Md5]);
    assert_eq!(*is(&again, "A001.mov"), Is::Changed);
    let histories = Histories::open(&root).unwrap();
    let second = &histories.all[0].generations[1].manifest;
    let of = |path: &str| second.files().find(|f| f.path == CardPath::new(path).unwrap()).unwrap();
    // The old algorithm failed, so the new one is not written at all.
    let actions: Vec<_> = of("A001.mov").hashes.iter().map(|h| (h.sum.algorithm(), h.action.unwrap())).collect();
    assert_eq!(actions, [(Algorithm::Xxh64, Action::Failed)]);
    let actions: Vec<_> = of("sub/A001.wav").hashes.iter().map(|h| (h.sum.algorithm(), h.action.unwrap())).collect();
    assert_eq!(actions, [(Algorithm::Md5, Action::Verified), (Algorithm::Xxh64, Action::Verified)]);
    // The changed file stays a failure, and the original comes back as verified.
    assert_eq!(*is(&verify(&root), "A001.mov"), Is::Changed);
    fs::write(root.join("A001.mov"), b"frames").unwrap();
    assert_eq!(*is(&verify(&root), "A001.mov"), Is::Verified);
}

#[test]
fn a_renamed_file_is_known_by_its_new_name_from_then_on() {
    let (_dir, root) = card();
    create(&root, &[Algorithm::Xxh64]);
    fs::rename(root.join("sub"), root.join("sound")).unwrap();
    let created = create(&root, &[Algorithm::Xxh64]);
    assert!(created.keeps(), "{:?}", created.findings);
    assert_eq!(*is(&created, "sound/A001.wav"), Is::Renamed { from: CardPath::new("sub/A001.wav").unwrap() });
    // An empty file is known by its name, too.
    let from = CardPath::new("sub/deep/nothing").unwrap();
    assert_eq!(*is(&created, "sound/deep/nothing"), Is::Renamed { from });
    assert!(verify(&root).agrees());
    let histories = Histories::open(&root).unwrap();
    let second = &histories.all[0].generations[1].manifest;
    let moved = second.folders().find(|f| f.path == CardPath::new("sound").unwrap()).unwrap();
    assert_eq!(moved.previous_path, CardPath::new("sub"));
}

#[test]
fn a_history_that_somebody_changed_is_not_believed_and_not_added_to() {
    for fault in ["changed", "gone", "chain", "no xml"] {
        let (_dir, root) = card();
        create(&root, &[Algorithm::Xxh64]);
        let manifest = manifests(&root).remove(0);
        let chain = root.join("ascmhl/ascmhl_chain.xml");
        let code = match fault {
            "changed" => {
                let text = fs::read_to_string(&manifest).unwrap();
                fs::write(&manifest, text.replace("size=\"6\"", "size=\"7\"")).unwrap();
                "manifest-altered"
            }
            "gone" => {
                fs::remove_file(&manifest).unwrap();
                "manifest-missing"
            }
            "chain" => {
                fs::remove_file(&chain).unwrap();
                "chain-missing"
            }
            _ => {
                fs::write(&chain, "<ascmhldirectory").unwrap();
                "history-unreadable"
            }
        };
        let verdict = verify(&root);
        assert!(codes(&verdict).contains(&code) && !verdict.agrees(), "{fault}: {:?}", codes(&verdict));
        let before = manifests(&root);
        let refused = Create::default().run(&root).unwrap_err();
        assert!(refused.to_string().contains("the history is damaged"), "{refused}");
        assert_eq!(manifests(&root), before, "{fault}");
    }
}

#[test]
fn a_manifest_that_a_killed_program_left_comes_into_the_chain() {
    let (_dir, root) = card();
    create(&root, &[Algorithm::Xxh64]);
    let chain = fs::read(root.join("ascmhl/ascmhl_chain.xml")).unwrap();
    create(&root, &[Algorithm::Xxh64]);
    fs::write(root.join("ascmhl/ascmhl_chain.xml"), chain).unwrap();
    assert_eq!(codes(&verify(&root)), ["manifest-unlisted"]);
    create(&root, &[Algorithm::Xxh64]);
    let verdict = verify(&root);
    assert!(verdict.agrees() && verdict.findings.is_empty(), "{:?}", verdict.findings);
    assert_eq!(
        Histories::open(&root).unwrap().all[0].generations.iter().map(|g| g.number).collect::<Vec<_>>(),
        [1, 2, 3]
    );
}

#[test]
fn a_folder_below_keeps_its_own_history_and_the_one_above_refers_to_it() {
    let (_dir, root) = card();
    create(&root.join("sub"), &[Algorithm::Md5]);
    create(&root, &[Algorithm::Xxh64]);
    let histories = Histories::open(&root).unwrap();
    assert_eq!(histories.all.len(), 2);
    assert_eq!(histories.all[1].folder(), Some(Path::new("sub")));
    assert_eq!(histories.all[1].generations.len(), 2);
    let top = &histories.all[0].generations[0].manifest;
    assert_eq!(top.files().map(|f| f.path.to_string()).collect::<Vec<_>>(), ["A001.mov"]);
    assert_eq!(top.references.len(), 1);
    assert!(verify(&root).agrees() && verify(&root.join("sub")).agrees());
    fs::write(root.join("sub/A001.wav"), b"noise").unwrap();
    assert_eq!(codes(&verify(&root)), ["hash-mismatch"]);
    fs::write(root.join("sub/A001.wav"), b"sound").unwrap();
    let below = manifests(&root.join("sub")).pop().unwrap();
    fs::write(&below, fs::read_to_string(&below).unwrap() + "\n").unwrap();
    assert!(codes(&verify(&root)).contains(&"manifest-altered"));
}

#[test]
fn what_is_ignored_is_neither_new_nor_missing_and_stays_ignored() {
    let (_dir, root) = card();
    fs::write(root.join("sub/.DS_Store"), b"finder").unwrap();
    fs::write(root.join("notes.tmp"), b"x").unwrap();
    Create { ignore: vec!["*.tmp".into()], ..Create::default() }.run(&root).unwrap();
    assert!(verify(&root).agrees());
    fs::write(root.join("sub/more.tmp"), b"y").unwrap();
    fs::remove_file(root.join("notes.tmp")).unwrap();
    assert!(verify(&root).agrees());
    create(&root, &[Algorithm::Xxh64]);
    let histories = Histories::open(&root).unwrap();
    assert!(histories.all[0].generations[1].manifest.ignore.contains(&"*.tmp".to_owned()));
}

#[test]
fn all_generations_flatten_into_one_list_that_verifies() {
    let (dir, root) = card();
    create(&root, &[Algorithm::Xxh64]);
    create(&root, &[Algorithm::Md5]);
    fs::write(root.join("A001.mov"), b"frame5").unwrap();
    create(&root, &[Algorithm::Md5]);
    fs::write(root.join("A001.mov"), b"frames").unwrap();
    let list = Flatten::default().run(&root, &dir.path().join("lists")).unwrap();
    let HashList::Manifest(flat) = HashList::read(&list).unwrap() else { panic!("version 2.0") };
    let first = flat.files().find(|f| f.path == CardPath::new("A001.mov").unwrap()).unwrap();
    let kept: Vec<_> = first.hashes.iter().map(|h| (h.sum.algorithm(), h.action.unwrap())).collect();
    assert_eq!(kept, [(Algorithm::Md5, Action::Verified), (Algorithm::Xxh64, Action::Original)]);
    assert!(Verify::default().list(&list, Some(&root)).unwrap().agrees());
    fs::remove_file(root.join("sub/A001.wav")).unwrap();
    assert_eq!(Verify::default().list(&list, Some(&root)).unwrap().words(), "2 verified, 1 missing");
}

#[test]
fn digests_from_copying_are_taken_and_nothing_is_read_again() {
    let (_dir, root) = card();
    let sum = |text: &str| -> Sums { [Sum::parse(Algorithm::Xxh64, text).unwrap()].into_iter().collect() };
    // What is given need not be true of the file: it is not looked into.
    let given = HashMap::from([(CardPath::new("A001.mov").unwrap(), sum("0123456789abcdef"))]);
    let read = std::sync::atomic::AtomicU64::new(0);
    let hear = |n| {
        read.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
    };
    Create { given, read: &hear, ..Create::default() }.run(&root).unwrap();
    assert_eq!(read.into_inner(), 5, "the sound, which was not given");
    assert_eq!(*is(&verify(&root), "A001.mov"), Is::Changed);
}

#[test]
fn lists_of_version_1_are_read_in_every_encoding_and_kind() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("Köln")).unwrap();
    fs::write(dir.path().join("Köln/Straße.mov"), b"abc").unwrap();
    // xxhsum 0.8.1 of "abc": XXH32, XXH64; and md5sum, sha1sum of coreutils.
    let kinds = [
        "<md5>900150983CD24FB0D6963F7D28E17F72</md5>",
        "<sha1>a9993e364706816aba3e25717850c26c9cd0d89d</sha1>",
        "<xxhash64be>44bc2cf5ad770999</xxhash64be>",
        "<xxhash64>990977adf52cbc44</xxhash64>",
        "<xxhash>852579327</xxhash>",
        "<md5>900150983cd24fb0d6963f7d28e17f72</md5><xxhash64be>44bc2cf5ad770999</xxhash64be>",
    ];
    let text = |encoding: &str, kind: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n<hashlist version=\"1.1\"><creatorinfo><tool>x</tool></creatorinfo>\
             <hash><file>Köln/Straße.mov</file><size>3</size><lastmodificationdate>2012-12-14 16-36-15</lastmodificationdate>{kind}</hash></hashlist>"
        )
    };
    let list = dir.path().join("list.mhl");
    let verdict = || Verify::default().list(&list, None).unwrap();
    for kind in kinds {
        let latin: Vec<u8> = text("ISO-8859-15", kind).chars().map(|c| c as u8).collect();
        let little: Vec<u8> = text("UTF-16LE", kind).encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked: Vec<u8> =
            [0xfe, 0xff].into_iter().chain(text("UTF-16", kind).encode_utf16().flat_map(u16::to_be_bytes)).collect();
        for bytes in [text("UTF-8", kind).into_bytes(), latin, little, marked] {
            fs::write(&list, bytes).unwrap();
            assert_eq!(verdict().words(), "1 verified", "{kind}");
        }
        let wrong = kind.replace('9', "8");
        fs::write(&list, text("UTF-8", &wrong)).unwrap();
        assert_eq!(verdict().words(), "1 changed", "{wrong}");
    }
    // As real programs note what they found to differ.
    fs::write(&list, text("UTF-8", "<xxhash64be>WRONG_44bc2cf5ad770999</xxhash64be>")).unwrap();
    assert_eq!(verdict().words(), "1 changed");
    assert!(verdict().findings[0].text.contains("WRONG_44bc"));
    fs::write(&list, text("UTF-8", "<null></null>")).unwrap();
    assert_eq!((verdict().words().as_str(), codes(&verdict())), ("1 there", vec!["nothing-to-compare"]));
    fs::write(&list, text("UTF-8", "<null/>").replace("<size>3", "<size>4")).unwrap();
    assert_eq!(verdict().words(), "1 changed");
}

#[test]
fn lists_that_make_no_sense_are_refused_with_their_reason() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.mhl");
    let entry = |path: &str| {
        format!(
            "<hashlist version=\"2.0\" xmlns=\"urn:ASC:MHL:v2.0\"><hashes><hash><path>{path}</path><md5>0</md5></hash></hashes></hashlist>"
        )
    };
    for (text, why) in [
        (String::new(), "XML"),
        ("<hashlist version=\"3.0\"/>".into(), "its version is `3.0`"),
        ("<playlist/>".into(), "`playlist` is not a hash list"),
        (entry("../outside"), "leads out of its folder"),
        (entry("/etc/passwd"), "leads out of its folder"),
        (entry("a"), "`0` is not a value of md5"),
        ("<!DOCTYPE x [<!ENTITY a \"b\">]><hashlist version=\"2.0\">&a;</hashlist>".into(), "XML"),
    ] {
        fs::write(&list, &text).unwrap();
        let e = HashList::read(&list).unwrap_err().to_string();
        assert!(e.contains(why) && e.contains("list.mhl"), "{text}: {e}");
    }
    assert_eq!(Verify::default().folder(dir.path()).unwrap_err().kind(), ErrorKind::NotFound);
    let empty = tempfile::tempdir().unwrap();
    assert!(Create::default().run(empty.path()).unwrap_err().to_string().contains("nothing in it to record"));
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_names_that_xml_cannot_hold_are_told() {
    let (_dir, root) = card();
    std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
    fs::write(root.join("bell\u{7}"), b"x").unwrap();
    let verdict = create(&root, &[Algorithm::Xxh64]);
    assert_eq!(
        codes(&verdict),
        ["special-not-recorded", "name-not-recordable"].map(|c| c).into_iter().rev().collect::<Vec<_>>()
    );
    assert!(!verdict.keeps());
}
