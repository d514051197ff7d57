//! Lists of digests: ASC MHL 2.0 and MHL 1.x in any encoding, manifests of offloads, digests and
//! paths. What is read of a manifest and written again reads to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rushes_custody::hash::{Algorithm, Sum};
use rushes_custody::mhl::{HashList, Manifest};
use rushes_custody::offload::{CardPath, OffloadManifest};

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    match choice % 4 {
        0 | 1 => {
            if let Ok(HashList::Manifest(manifest)) = HashList::parse(&Manifest::decode(bytes)) {
                let again = HashList::parse(&manifest.to_xml()).expect("what was written can be read");
                let HashList::Manifest(again) = again else { panic!("version 2.0 was written") };
                assert_eq!(again.entries, manifest.entries);
                assert_eq!(again.references, manifest.references);
            }
        }
        2 => {
            if let Ok(manifest) = serde_json::from_slice::<OffloadManifest>(bytes) {
                manifest.files.iter().for_each(|f| drop(f.sums()));
            }
        }
        _ => {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            for algorithm in Algorithm::ALL {
                if let Ok(sum) = Sum::parse(algorithm, text) {
                    assert_eq!(Sum::parse(algorithm, &sum.to_string()).expect("what was written can be read"), sum);
                }
            }
            if let Some(path) = CardPath::new(text) {
                assert!(path.as_path().is_relative());
            }
        }
    }
});
