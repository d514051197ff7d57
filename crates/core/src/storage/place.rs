//! What a path names, and who answers for its scheme.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::Storage;
use crate::{Error, ErrorKind, Result};

static REGISTER: RwLock<BTreeMap<String, Arc<dyn Storage>>> = RwLock::new(BTreeMap::new());

/// Says who answers for URIs of `scheme` in this process; the last one said it is. `file` is this machine's.
pub fn register(scheme: &str, storage: Arc<dyn Storage>) {
    REGISTER.write().unwrap_or_else(PoisonError::into_inner).insert(scheme.to_ascii_lowercase(), storage);
}

/// Whether `path` is a URI.
///
/// ```
/// use rushes_core::storage::is_uri;
/// use std::path::Path;
/// assert!(is_uri(Path::new("s3://rushes/A001")));
/// assert!(!is_uri(Path::new("/cards/A001")) && !is_uri(Path::new(r"C:\cards\A001")));
/// ```
pub fn is_uri(path: &Path) -> bool {
    split(path).is_some()
}

/// Where a file is.
#[derive(Debug)]
pub enum Place<'a> {
    /// On this machine.
    Local(Cow<'a, Path>),
    /// Behind a scheme.
    Remote(Remote<'a>),
}

/// A URI and who answers for it.
#[derive(Debug, Clone)]
pub struct Remote<'a> {
    /// Who answers for it.
    pub storage: Arc<dyn Storage>,
    /// The URI.
    pub uri: Cow<'a, str>,
}

/// What `path` names.
///
/// # Errors
/// When it is a URI of a scheme for which nothing was registered, or none that makes sense.
pub fn place(path: &Path) -> Result<Place<'_>> {
    let Some((scheme, rest)) = split(path) else { return Ok(Place::Local(Cow::Borrowed(path))) };
    if scheme.eq_ignore_ascii_case("file") {
        return local_path(rest).map(|p| Place::Local(Cow::Owned(p))).map_err(|e| e.path(path));
    }
    let uri = path.to_str().ok_or_else(|| Error::new(ErrorKind::Invalid, "the URI is not Unicode").path(path))?;
    let register = REGISTER.read().unwrap_or_else(PoisonError::into_inner);
    let Some(storage) = register.get(&scheme.to_ascii_lowercase()).cloned() else {
        return Err(unknown(scheme).path(path));
    };
    // A path joined on Windows has the other separator.
    let uri = if cfg!(windows) { Cow::Owned(uri.replace('\\', "/")) } else { Cow::Borrowed(uri) };
    Ok(Place::Remote(Remote { storage, uri }))
}

/// The path by which places are compared: of all URIs that name one place it is the same, and of `file:///` a path of
/// this machine. Links are not followed.
pub fn same_form(path: &Path) -> PathBuf {
    match place(path) {
        Ok(Place::Local(local)) => local.into_owned(),
        Ok(Place::Remote(r)) => PathBuf::from(r.storage.one_form(&r.uri)),
        Err(_) => path.to_owned(),
    }
}

/// The path on this machine, for work that only files can be used for: `what` says which, as in "an offload".
///
/// # Errors
/// When `path` is a URI of anything but a file.
pub fn local_only<'a>(path: &'a Path, what: &str) -> Result<Cow<'a, Path>> {
    match split(path) {
        None => Ok(Cow::Borrowed(path)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => {
            local_path(rest).map(Cow::Owned).map_err(|e| e.path(path))
        }
        Some(_) => {
            Err(Error::new(ErrorKind::Unsupported, format!("{what} needs files of this machine, and this is a URI"))
                .path(path)
                .advice("copy it to a disk of this machine, or mount it, and give that path"))
        }
    }
}

/// Scheme (RFC 3986, 3.1) and what stands after `://`. A single letter is a drive of Windows.
fn split(path: &Path) -> Option<(&str, &[u8])> {
    let bytes = path.as_os_str().as_encoded_bytes();
    // Nearly all paths end here.
    let colon = bytes.iter().position(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'+' | b'-' | b'.'))?;
    let rest = bytes[colon..].strip_prefix(b"://")?;
    let scheme = std::str::from_utf8(&bytes[..colon]).ok()?;
    (scheme.len() > 1 && bytes[0].is_ascii_alphabetic()).then_some((scheme, rest))
}

/// The path of a `file://` URI (RFC 8089), whose escapes are undone.
fn local_path(rest: &[u8]) -> Result<PathBuf> {
    let invalid = |why: &str| Error::new(ErrorKind::Invalid, why).advice("write `file:///` and an absolute path");
    let text = std::str::from_utf8(rest).map_err(|_| invalid("the URI is not Unicode"))?;
    let text = text.strip_prefix("localhost").unwrap_or(text);
    if !text.starts_with('/') {
        return Err(invalid("it names a file of another machine"));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&b) = text.as_bytes().get(at) {
        if b == b'%' {
            let code = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|c| *c > 0);
            bytes.push(code.ok_or_else(|| invalid("a `%` in it is not followed by two hexadecimal digits"))?);
            at += 3;
        } else {
            bytes.push(b);
            at += 1;
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| invalid("the URI is not Unicode"))?;
    // `/C:/cards` is a path with a drive.
    let drive = cfg!(windows) && text.as_bytes().get(2) == Some(&b':');
    Ok(PathBuf::from(if drive { &text[1..] } else { &text[..] }))
}

fn unknown(scheme: &str) -> Error {
    let e = Error::new(ErrorKind::Unsupported, format!("nothing here reads or writes `{scheme}://`"));
    match scheme.to_ascii_lowercase().as_str() {
        "s3" | "s3a" | "gs" | "az" | "azure" | "abfs" | "abfss" | "adl" => e.advice(
            "use a build with the feature `cloud`; in a program of your own, call `rushes_storage::register()` first",
        ),
        "http" | "https" => e.advice("download it first; buckets are named by `s3://`, `gs://` or `az://`"),
        _ => e.advice("check the scheme, or register a storage for it (`rushes_core::storage::register`)"),
    }
}
