//! Where the token lies that lets a user in.

use std::path::{Path, PathBuf};

use super::error::{Error, Result};

/// The file that FilmLight keeps a user's token in, or `None` where the user has no home.
pub fn token_file() -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME").filter(|h| !h.is_empty())?);
    let below =
        if cfg!(target_os = "macos") { "Library/Preferences/FilmLight/flapi-token" } else { ".filmlight/flapi-token" };
    Some(home.join(below))
}

/// The token that stands in `$FLAPI_TOKEN`, else in the first line of [`token_file`], if there is one. Nothing is
/// created: a token that appears because somebody looked for it lets nobody in and hides what is wrong.
///
/// # Errors
/// When there is a file and it cannot be read.
pub(crate) fn find() -> Result<Option<String>> {
    if let Ok(token) = std::env::var("FLAPI_TOKEN")
        && !token.trim().is_empty()
    {
        return Ok(Some(token.trim().to_owned()));
    }
    token_file().map_or(Ok(None), |path| read(&path))
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().next().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::Token { path: path.to_owned(), why: e.to_string() }),
    }
}

/// Makes a new token of 128 bits and writes it to `path`, which only its owner may read. flapid on the same machine
/// then knows the user by it. A file that is there is never replaced.
///
/// # Errors
/// When the file exists, or cannot be written.
#[cfg(unix)]
pub fn create_token(path: &Path) -> Result<String> {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::OpenOptionsExt as _;

    let failed = |e: std::io::Error| Error::Token { path: path.to_owned(), why: e.to_string() };
    let mut bytes = [0u8; 16];
    std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut bytes)).map_err(failed)?;
    let token: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(token.as_bytes()).map_err(failed)?;
    Ok(token)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_first_line_counts_and_nothing_is_created() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/flapi-token");
        assert_eq!(read(&path), Ok(None));
        assert!(!path.parent().unwrap().exists());
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::write(&path, " abc \nsecond\n").unwrap();
        assert_eq!(read(&path), Ok(Some("abc".into())));
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(read(&path), Ok(None));
        assert!(matches!(read(dir.path()), Err(Error::Token { .. })));
    }

    #[test]
    fn a_token_that_was_asked_for_is_the_owners_alone_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".filmlight/flapi-token");
        let token = create_token(&path).unwrap();
        assert!(token.len() == 32 && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{token}");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path), Ok(Some(token.clone())));
        assert!(create_token(&path).is_err());
        assert_eq!(read(&path), Ok(Some(token)));
    }
}
