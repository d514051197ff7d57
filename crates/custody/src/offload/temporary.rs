//! Names of temporaries, beside the file they become.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use twox_hash::XxHash64;

use super::CardPath;
use super::storage::{Storage, Target};

const BEFORE: &str = ".rushes-";
const AFTER: &str = ".rushes-part";

/// True of a name that only temporaries of offloads have.
pub(super) fn is_temporary(name: &OsStr) -> bool {
    name.to_str().and_then(|n| n.strip_prefix(BEFORE)?.strip_suffix(AFTER)).is_some_and(|middle| {
        middle.len() == 18
            && middle.bytes().enumerate().all(|(i, b)| if i == 16 { b == b'-' } else { b.is_ascii_hexdigit() })
    })
}

/// Makes the temporary of a file of the card. Its name is short whatever the file's is; a card
/// may hold a file of such a name itself, which is not touched.
pub(super) fn create(storage: &dyn Storage, root: &Path, path: &CardPath) -> io::Result<(PathBuf, Box<dyn Target>)> {
    let folder = root.join(path).parent().map_or_else(|| root.to_owned(), Path::to_owned);
    let of = XxHash64::oneshot(0, path.as_path().as_os_str().as_encoded_bytes());
    let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..16 {
        let part = folder.join(format!("{BEFORE}{of:016x}-{attempt:x}{AFTER}"));
        match storage.create(&part) {
            Ok(file) => return Ok((part, file)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => taken = e,
            Err(e) => return Err(e),
        }
    }
    Err(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offload::Disk;

    #[test]
    fn temporaries_are_known_by_their_names_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = CardPath::new("x".repeat(255)).unwrap();
        let (a, _file) = create(&Disk, dir.path(), &path).unwrap();
        let (b, _file) = create(&Disk, dir.path(), &path).unwrap();
        assert_ne!(a, b);
        for part in [a, b] {
            let name = part.file_name().unwrap();
            assert!(is_temporary(name) && name.len() <= crate::offload::names::TEMPORARY, "{name:?}");
        }
        for other in [".rushes-part", "A001.mov", ".rushes-x.rushes-part", ".rushes-0123456789abcdef-zz.rushes-part"] {
            assert!(!is_temporary(other.as_ref()), "{other}");
        }
    }
}
