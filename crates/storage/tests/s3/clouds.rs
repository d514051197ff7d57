//! Other people's servers, which tests/interop/clouds.py starts. `RUSHES_TEST_CLOUD` is a folder's URI in a container that
//! is there; all else is said by the environment, as for the command.

use std::sync::{Arc, Barrier};

use rushes_core::storage::{Body, Entry, Put, Storage as _, When};
use rushes_core::{Error, ErrorKind};
use rushes_storage::Cloud;

use crate::bytes;

#[test]
#[ignore = "needs a server: tests/interop/clouds.py"]
fn a_server_of_others_does_what_is_asked_of_it() {
    let folder = std::env::var("RUSHES_TEST_CLOUD").expect("RUSHES_TEST_CLOUD names a folder");
    let cloud = Arc::new(Cloud::from_env());
    let uri = |name: &str| format!("{folder}/{name}");
    let put = |name: &str, bytes: &[u8], when| cloud.put(&uri(name), Body::Bytes(bytes), when);
    let whole = |name: &str| -> Result<Vec<u8>, Error> { Ok(cloud.read(&uri(name), 0..1 << 40, None)?.1) };

    // One request: on a condition, and without.
    assert_eq!(put("A 001 é#%.dng", b"one", When::Absent).unwrap(), Put::Done);
    assert_eq!(put("A 001 é#%.dng", b"two", When::Absent).unwrap(), Put::Stands);
    assert_eq!(whole("A 001 é#%.dng").unwrap(), b"one");
    assert_eq!(put("A 001 é#%.dng", b"three", When::Always).unwrap(), Put::Done);
    assert_eq!(whole("A 001 é#%.dng").unwrap(), b"three");

    // In parts.
    let large = [bytes(17 << 20, 1), bytes(17 << 20, 2)];
    assert_eq!(put("large", &large[0], When::Absent).unwrap(), Put::Done);
    assert_eq!(put("large", &large[1], When::Absent).unwrap(), Put::Stands);
    assert!(whole("large").unwrap() == large[0]);
    let stat = cloud.stat(&uri("large")).unwrap();
    assert_eq!(put("large", &large[1], When::Always).unwrap(), Put::Done);
    assert!(whole("large").unwrap() == large[1]);

    // In ranges, all of one object.
    let e = cloud.read(&uri("large"), 0..9, Some(&stat.version)).unwrap_err();
    assert!(e.kind() == ErrorKind::BadMedia, "it was replaced: {e}");
    let stat = cloud.stat(&uri("large")).unwrap();
    let (told, some) = cloud.read(&uri("large"), (5 << 20)..(6 << 20), Some(&stat.version)).unwrap();
    assert!(told == stat && some == large[1][5 << 20..6 << 20]);
    let (_, end) = cloud.read(&uri("large"), (17 << 20) - 3..18 << 20, None).unwrap();
    assert_eq!(end, large[1][(17 << 20) - 3..]);
    assert!(cloud.read(&uri("large"), 18 << 20..19 << 20, None).unwrap().1.is_empty());
    assert_eq!(put("empty", b"", When::Absent).unwrap(), Put::Done);
    assert!(cloud.read(&uri("empty"), 0..65_536, None).unwrap().1.is_empty());

    // Of two at once one succeeds.
    for (name, size) in [("raced", 1000), ("raced-large", 17 << 20)] {
        let barrier = Arc::new(Barrier::new(2));
        let writers = [1, 2].map(|seed| {
            let (cloud, barrier, uri) = (Arc::clone(&cloud), Arc::clone(&barrier), uri(name));
            std::thread::spawn(move || {
                let data = bytes(size, seed);
                barrier.wait();
                cloud.put(&uri, Body::Bytes(&data), When::Absent).unwrap()
            })
        });
        let came = writers.map(|w| w.join().unwrap());
        assert!(came.contains(&Put::Done) && came.contains(&Put::Stands), "{name}: {came:?}");
        let first = if came[0] == Put::Done { 1 } else { 2 };
        assert!(whole(name).unwrap() == bytes(size, first), "{name}");
    }

    // A level at a time, with nothing that an upload left.
    put("below/deeper/x", b"x", When::Absent).unwrap();
    let entry = |name: &str, folder, bytes| Entry { name: name.into(), folder, bytes };
    let mut entries = cloud.list(&folder, 99).unwrap();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let size = 17 << 20;
    let all = [
        entry("A 001 é#%.dng", false, 5),
        entry("below", true, 0),
        entry("empty", false, 0),
        entry("large", false, size),
        entry("raced", false, 1000),
        entry("raced-large", false, size),
    ];
    assert_eq!(entries, all);
    assert_eq!(cloud.list(&uri("below/deeper/"), 99).unwrap(), [entry("x", false, 1)]);
    assert_eq!(cloud.list(&folder, 2).unwrap().len(), 2);

    for entry in entries.iter().filter(|e| !e.folder) {
        cloud.remove(&uri(&entry.name)).unwrap();
        cloud.remove(&uri(&entry.name)).unwrap();
    }
    cloud.remove(&uri("below/deeper/x")).unwrap();
    assert_eq!(cloud.stat(&uri("large")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(cloud.list(&folder, 9).unwrap(), []);
}
