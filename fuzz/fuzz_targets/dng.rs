//! DNG and TIFF headers in memory: no panic, no hang, and nothing is allocated that the file does
//! not warrant.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rushes::stages::ingest::dng::Header;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = Header::parse(bytes) {
        let _ = header.check_complete(bytes.len() as u64);
        let _ = header.signature();
    }
});
