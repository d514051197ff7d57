//! How camera originals are opened.

use std::fs::{self, File};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Opens a camera file to read it, and nothing but a file: a pipe would keep its reader waiting for
/// ever. Originals are never opened in any other way.
///
/// # Errors
/// When there is none, when it is something else, and whatever the operating system refuses.
pub fn open_original(path: &Path) -> Result<File> {
    let io = |e| Error::io(path, e);
    if !fs::metadata(path).map_err(io)?.is_file() {
        return Err(Error::new(ErrorKind::Invalid, "it is no file").path(path).advice("give the path of a file"));
    }
    File::open(path).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_what_is_not_there_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(open_original(dir.path()).unwrap_err().to_string().contains("no file"));
        assert_eq!(open_original(&dir.path().join("x")).unwrap_err().kind(), ErrorKind::NotFound);
        fs::write(dir.path().join("x"), b"x").unwrap();
        assert!(open_original(&dir.path().join("x")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("A001_000001.dng");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(open_original(&pipe).is_err());
    }
}
