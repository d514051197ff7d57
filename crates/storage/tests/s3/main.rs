//! What is kept at a server of S3, over a network that is slow and breaks.

mod azure;
mod clouds;
mod job;
mod server;

use std::sync::Arc;
use std::time::Duration;

use rushes_core::storage::{Body, Entry, Put, Storage, When};
use rushes_core::{Error, ErrorKind};
use rushes_storage::{Cloud, Limits};
use server::{Fault, Server};

fn bytes(n: usize, seed: u8) -> Vec<u8> {
    (0..n).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 ^ seed).collect()
}

fn put(cloud: &Cloud, key: &str, bytes: &[u8], when: When) -> Result<Put, Error> {
    cloud.put(&format!("s3://reels/{key}"), Body::Bytes(bytes), when)
}

fn whole(cloud: &Cloud, key: &str) -> Vec<u8> {
    cloud.read(&format!("s3://reels/{key}"), 0..u64::MAX >> 1, None).unwrap().1
}

#[test]
fn an_object_is_put_found_read_in_ranges_and_removed() {
    let server = Server::start();
    let cloud = server.cloud();
    let data = bytes(100_000, 0);
    assert_eq!(put(&cloud, "card/A 001 é.dng", &data, When::Absent).unwrap(), Put::Done);
    assert_eq!(std::fs::read(server.root.join("card/A 001 é.dng")).unwrap(), data, "the key is the path, as written");
    let uri = "s3://reels/card/A 001 é.dng";
    let stat = cloud.stat(uri).unwrap();
    assert_eq!(stat.bytes, 100_000);
    let (told, some) = cloud.read(uri, 99_990..200_000, Some(&stat.version)).unwrap();
    assert_eq!((told, some), (stat.clone(), data[99_990..].to_vec()));
    put(&cloud, "card/A 001 é.dng", &bytes(100_000, 1), When::Always).unwrap();
    let e = cloud.read(uri, 0..10, Some(&stat.version)).unwrap_err();
    assert!(e.kind() == ErrorKind::BadMedia && e.to_string().contains("changed while it was read"), "{e}");
    cloud.remove(uri).unwrap();
    cloud.remove(uri).unwrap();
    let e = cloud.stat(uri).unwrap_err();
    assert!(e.kind() == ErrorKind::NotFound && !e.is_retryable() && e.to_string().contains(uri), "{e}");
}

#[test]
fn an_empty_object_is_read_as_one() {
    let server = Server::start();
    let cloud = server.cloud();
    put(&cloud, "empty", b"", When::Absent).unwrap();
    let (stat, none) = cloud.read("s3://reels/empty", 0..65_536, None).unwrap();
    assert_eq!((stat.bytes, none.len()), (0, 0));
}

#[test]
fn a_folder_is_listed_one_level_deep() {
    let server = Server::start();
    let cloud = server.cloud();
    for key in ["card/A/1.dng", "card/A/2.dng", "card/A.dng", "card/B", "cards/C"] {
        put(&cloud, key, key.as_bytes(), When::Absent).unwrap();
    }
    let list = |folder: &str, most| {
        let mut entries = cloud.list(folder, most).unwrap();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    };
    let entry = |name: &str, folder, bytes| Entry { name: name.into(), folder, bytes };
    let all = [entry("A", true, 0), entry("A.dng", false, 10), entry("B", false, 6)];
    assert_eq!(list("s3://reels/card", 100), all);
    assert_eq!(list("s3://reels/card/", 100), all);
    assert_eq!(list("s3://reels", 100), [entry("card", true, 0), entry("cards", true, 0)]);
    assert_eq!(list("s3://reels/card", 1).len(), 1);
    assert_eq!(list("s3://reels/nothing", 9), []);
}

#[test]
fn a_large_file_goes_up_in_parts_and_is_whole() {
    let server = Server::start();
    let cloud = server.cloud();
    let data = bytes((37 << 20) + 5, 3);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &data).unwrap();
    let opened = std::fs::File::open(file.path()).unwrap();
    let body = Body::File(&opened, data.len() as u64);
    assert_eq!(cloud.put("s3://reels/movie.mov", body, When::Absent).unwrap(), Put::Done);
    let parts = server.heard().iter().filter(|(m, p)| m == "PUT" && p.contains("partNumber=")).count();
    assert_eq!(parts, 5);
    assert!(std::fs::read(server.root.join("movie.mov")).unwrap() == data);
    assert_eq!(cloud.put("s3://reels/movie.mov", body, When::Absent).unwrap(), Put::Stands);
    assert_eq!(server.heard().len(), 1, "nothing goes up where something stands");
    assert_eq!(cloud.put("s3://reels/movie.mov", body, When::Always).unwrap(), Put::Done);
}

/// Both begin while nothing stands; the condition of the last request decides.
#[test]
fn of_two_that_write_one_name_at_once_one_succeeds() {
    let server = Server::start();
    for size in [1000, 17 << 20] {
        let cloud = Arc::new(server.cloud());
        let barrier = Arc::new(std::sync::Barrier::new(2));
        let key = format!("raced-{size}");
        let writers: Vec<_> = (0..2u8)
            .map(|i| {
                let (cloud, barrier, key) = (Arc::clone(&cloud), Arc::clone(&barrier), key.clone());
                std::thread::spawn(move || {
                    let data = bytes(size, i);
                    barrier.wait();
                    (put(&cloud, &key, &data, When::Absent).unwrap(), i)
                })
            })
            .collect();
        let came: Vec<(Put, u8)> = writers.into_iter().map(|w| w.join().unwrap()).collect();
        let first: Vec<u8> = came.iter().filter(|(put, _)| *put == Put::Done).map(|(_, i)| *i).collect();
        assert_eq!(first.len(), 1, "{size}: {came:?}");
        assert!(whole(&cloud, &key) == bytes(size, first[0]), "{size}: it is what the first of them wrote");
    }
}

/// The second has seen that nothing stands before the first one finishes.
#[test]
fn an_upload_in_parts_that_ends_second_leaves_what_stands() {
    let server = Server::start();
    let cloud = server.cloud();
    let root = server.root.clone();
    let mut done = false;
    server.rule(move |method, path| {
        if method == "POST" && path.contains("uploadId=") && !done {
            done = true;
            std::fs::write(root.join("late"), b"somebody was first").unwrap();
        }
        None
    });
    assert_eq!(put(&cloud, "late", &bytes(17 << 20, 0), When::Absent).unwrap(), Put::Stands);
    assert_eq!(whole(&cloud, "late"), b"somebody was first");
}

#[test]
fn trouble_that_passes_is_waited_out() {
    let server = Server::start();
    let cloud = server.cloud();
    let data = bytes(300_000, 0);
    put(&cloud, "x", &data, When::Absent).unwrap();
    let faults = [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(429),
        Fault::Unheard,
        Fault::Half,
        Fault::Slow(Duration::from_millis(1500)),
    ];
    for fault in faults {
        server.next(1, fault, |method, _| method == "GET");
        assert!(whole(&cloud, "x") == data, "reading, {fault:?}");
        if fault != Fault::Half {
            server.next(1, fault, |method, path| method == "PUT" && !path.contains("partNumber"));
            // What was late may have been done all the same.
            put(&cloud, &format!("{fault:?}"), &data, When::Absent).unwrap();
            assert!(whole(&cloud, &format!("{fault:?}")) == data, "writing, {fault:?}");
        }
        server.next(1, fault, |method, path| method == "PUT" && path.contains("partNumber=2"));
        let large = bytes(20 << 20, 1);
        let key = format!("large {fault:?}");
        assert_eq!(put(&cloud, &key, &large, When::Absent).unwrap(), Put::Done, "a part, {fault:?}");
        assert!(whole(&cloud, &key) == large, "a part, {fault:?}");
    }
}

#[test]
fn a_put_whose_answer_is_lost_says_that_something_stands() {
    let server = Server::start();
    let cloud = server.cloud();
    server.next(1, Fault::Forgotten, |method, _| method == "PUT");
    assert_eq!(put(&cloud, "x", b"mine", When::Absent).unwrap(), Put::Stands);
    assert_eq!(whole(&cloud, "x"), b"mine");
    server.next(1, Fault::Forgotten, |method, path| method == "POST" && path.contains("uploadId="));
    let large = bytes(17 << 20, 1);
    let put = put(&cloud, "large", &large, When::Absent);
    assert_eq!(put.unwrap(), Put::Stands);
    assert!(whole(&cloud, "large") == large);
}

#[test]
fn trouble_that_stays_ends_in_time_and_may_be_tried_again() {
    let server = Server::start();
    let limits = Limits { total: Duration::from_secs(2), idle: Duration::from_millis(400) };
    let cloud = Cloud::with(server.vars()).limits(limits);
    for fault in [Fault::Status(503), Fault::Unheard, Fault::Slow(Duration::from_secs(3600))] {
        server.rule(move |_, _| Some(fault));
        let begun = std::time::Instant::now();
        let e = cloud.stat("s3://reels/x").unwrap_err();
        assert!(e.is_retryable() && e.to_string().contains("s3://reels/x"), "{fault:?}: {e}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{fault:?}");
        let large = put(&cloud, "x", &bytes(20 << 20, 0), When::Absent).unwrap_err();
        assert!(large.is_retryable(), "{fault:?}: {large}");
    }
}

#[test]
fn what_does_not_pass_is_told_at_once() {
    let server = Server::start();
    let cloud = server.cloud();
    server.heard();
    server.rule(|_, _| Some(Fault::Status(403)));
    let e = put(&cloud, "x", b"x", When::Absent).unwrap_err();
    assert!(!e.is_retryable() && e.to_string().contains("refuses") && e.to_string().contains("s3://reels/x"), "{e}");
    assert_eq!(server.heard().len(), 1);
    server.rule(|_, _| None);
    let mut vars = server.vars();
    vars.retain(|(k, _)| k != "AWS_SECRET_ACCESS_KEY");
    vars.push(("AWS_SECRET_ACCESS_KEY".into(), "wrong".into()));
    let e = Cloud::with(vars).stat("s3://reels/x").unwrap_err();
    assert!(!e.is_retryable(), "{e}");
    let e = cloud.read("s3://nowhere/x", 0..9, None).unwrap_err();
    assert!(e.kind() == ErrorKind::NotFound && !e.is_retryable(), "{e}");
    for (uri, kind) in
        [("s3://reels", ErrorKind::NotFound), ("s3:///x", ErrorKind::Invalid), ("s3://reels/a//b", ErrorKind::Invalid)]
    {
        assert_eq!(cloud.stat(uri).unwrap_err().kind(), kind, "{uri}");
    }
}

/// S3's words for conditional writes that met: nobody has the name yet, and the write is to be made again.
#[test]
fn a_conflict_of_conditional_writes_is_no_object_that_stands() {
    let server = Server::start();
    let cloud = server.cloud();
    let conflict = Fault::Code(409, "ConditionalRequestConflict");
    server.next(2, conflict, |method, _| method == "PUT");
    assert_eq!(put(&cloud, "x", b"mine", When::Absent).unwrap(), Put::Done);
    assert_eq!(whole(&cloud, "x"), b"mine");
    server.heard();
    server.next(2, conflict, |method, path| method == "POST" && path.contains("uploadId="));
    let large = bytes(17 << 20, 1);
    assert_eq!(put(&cloud, "large", &large, When::Absent).unwrap(), Put::Done);
    assert!(whole(&cloud, "large") == large);
    let begun = server.heard().iter().filter(|(m, p)| m == "POST" && p.contains("?uploads")).count();
    assert_eq!(begun, 3, "the parts went with the conflict");
    server.rule(move |method, path| (method == "POST" && path.contains("uploadId=")).then_some(conflict));
    let e = put(&cloud, "never", &large, When::Absent).unwrap_err();
    assert!(e.is_retryable() && e.to_string().contains("at the same time"), "{e}");
}

/// Where the answer to the last request is lost, S3 does not know the upload any more.
#[test]
fn a_replacement_in_parts_whose_answer_is_lost_is_done_if_what_stands_is_new() {
    let server = Server::start();
    let cloud = server.cloud();
    let last = |method: &str, path: &str| method == "POST" && path.contains("uploadId=");
    for seed in 1..3 {
        let large = bytes(17 << 20, seed);
        let mut faults = vec![Fault::Code(404, "NoSuchUpload"), Fault::Forgotten];
        server.rule(move |method, path| if last(method, path) { faults.pop() } else { None });
        assert_eq!(put(&cloud, "x", &large, When::Always).unwrap(), Put::Done);
        assert!(whole(&cloud, "x") == large);
    }
    server.next(1, Fault::Code(404, "NoSuchUpload"), last);
    let e = put(&cloud, "x", &bytes(17 << 20, 3), When::Always).unwrap_err();
    assert!(e.is_retryable() && e.to_string().contains("does not know the upload"), "what stands is the old one: {e}");
}

#[test]
fn of_an_upload_that_fails_nothing_stays() {
    let server = Server::start();
    let cloud = server.cloud();
    server.rule(|method, path| match path {
        _ if method == "PUT" && path.contains("partNumber=2") => Some(Fault::Status(403)),
        // It is on its way still when the other is refused.
        _ if method == "PUT" && path.contains("partNumber=3") => Some(Fault::Slow(Duration::from_millis(700))),
        _ => None,
    });
    let e = put(&cloud, "x", &bytes(30 << 20, 0), When::Absent).unwrap_err();
    assert!(!e.is_retryable() && e.to_string().contains("refuses"), "{e}");
    let left: Vec<_> =
        std::fs::read_dir(server.root.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["reels"], "parts that nobody removes cost money");
    let heard = server.heard();
    assert!(heard.last().is_some_and(|(m, p)| m == "DELETE" && p.contains("uploadId=")), "{heard:?}");
}

/// A line that is slow, but not idle.
#[test]
fn a_body_may_be_on_its_way_for_longer_than_an_answer() {
    let server = Server::start();
    let limits = Limits { total: Duration::from_secs(60), idle: Duration::from_millis(300) };
    let cloud = Cloud::with(server.vars()).limits(limits);
    server.rule(|method, _| (method == "PUT").then_some(Fault::Steady(Duration::from_millis(25))));
    let (small, large) = (bytes(6 << 20, 0), bytes(17 << 20, 1));
    assert_eq!(put(&cloud, "small", &small, When::Absent).unwrap(), Put::Done);
    assert_eq!(put(&cloud, "large", &large, When::Absent).unwrap(), Put::Done);
    assert!(whole(&cloud, "small") == small && whole(&cloud, "large") == large);
    server.next(1, Fault::Code(400, "RequestTimeout"), |method, _| method == "PUT");
    assert_eq!(put(&cloud, "again", &small, When::Absent).unwrap(), Put::Done);
}

#[test]
fn a_second_slash_after_the_bucket_is_refused_everywhere() {
    let server = Server::start();
    let cloud = server.cloud();
    let uri = "s3://reels//out/x";
    let tried =
        [cloud.stat(uri).err(), cloud.list(uri, 9).err(), cloud.put(uri, Body::Bytes(b"x"), When::Always).err()];
    for e in tried {
        let e = e.unwrap();
        assert!(e.kind() == ErrorKind::Invalid && e.to_string().contains("write `s3://reels/out/x`"), "{e}");
    }
    assert_eq!(server.heard(), []);
}

#[test]
fn credentials_are_asked_for_once_and_without_the_condition_of_an_upload() {
    let server = Server::start();
    let limits = Limits { total: Duration::from_secs(20), idle: Duration::from_secs(5) };
    let cloud = Cloud::with(server.vars_of_a_role()).limits(limits);
    assert_eq!(put(&cloud, "large", &bytes(17 << 20, 1), When::Absent).unwrap(), Put::Done);
    assert_eq!(server.heard().iter().filter(|(_, path)| path == "/credentials").count(), 1);
}

#[test]
fn a_key_that_cannot_be_a_path_is_named_where_its_folder_is_listed() {
    let server = Server::start();
    std::fs::create_dir(server.root.join("odd")).unwrap();
    std::fs::write(server.root.join("odd/a\tb"), b"x").unwrap();
    let e = server.cloud().list("s3://reels/odd", 9).unwrap_err();
    let told = e.to_string();
    assert!(told.contains("a key that cannot be the path of a file") && told.contains(r"odd/a\tb"), "{told}");
    assert!(told.contains("remove it") && !told.contains("choose another name"), "{told}");
}

#[test]
fn what_is_known_of_an_environment_is_not_shown() {
    let shown = format!("{:?}", Cloud::with([("AWS_SECRET_ACCESS_KEY".to_owned(), "hush".to_owned())]));
    assert!(shown.contains("AWS_SECRET_ACCESS_KEY") && !shown.contains("hush"), "{shown}");
}

#[test]
fn a_place_with_several_names_is_compared_by_one() {
    let account = ("AZURE_STORAGE_ACCOUNT_NAME".to_owned(), "reels".to_owned());
    let (cloud, other) = (Cloud::with([account]), Cloud::with([]));
    for uri in ["s3://b/A001/K", "s3a://b/A001/K", "S3A://b/A001/K"] {
        assert_eq!(cloud.one_form(uri), "s3://b/A001/K");
    }
    assert_eq!(cloud.one_form("GS://b/k"), "gs://b/k");
    let one = cloud.one_form("az://box/A001/K");
    for host in ["box", "box@reels.dfs.core.windows.net", "Box@reels.blob.core.windows.net"] {
        for scheme in ["az", "azure", "abfs", "ABFSS", "adl"] {
            assert_eq!(cloud.one_form(&format!("{scheme}://{host}/A001/K")), one, "{scheme} {host}");
        }
    }
    assert_ne!(cloud.one_form("abfss://box@others.dfs.core.windows.net/A001/K"), one);
    assert_ne!(other.one_form("az://box/A001/K"), one, "of that one it is not known whose it is");
    assert_ne!(cloud.one_form("az://box/A001/k"), one);
}
