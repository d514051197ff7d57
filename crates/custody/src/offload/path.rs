//! Paths within a card, as JSON that loses nothing.

use std::borrow::Cow;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use rushes_core::error::Plain;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path relative to the card's folder. In JSON it is text with `/` between the names, or, where
/// a name is not Unicode, `{"hex": "…"}` with the bytes of the path.
///
/// Paths are compared and ordered by their bytes: a folder comes before what is in it.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(with = "String")]
pub struct CardPath(PathBuf);

// By bytes, because comparing paths by their parts takes longer than all else that is done to a
// card of many small files.
impl PartialEq for CardPath {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_os_str() == other.0.as_os_str()
    }
}

impl Eq for CardPath {}

impl PartialOrd for CardPath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CardPath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.as_os_str().cmp(other.0.as_os_str())
    }
}

impl std::hash::Hash for CardPath {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.as_os_str().hash(state);
    }
}

impl CardPath {
    /// `None` when the path is empty, absolute, or leaves its folder.
    pub fn new(path: impl Into<PathBuf>) -> Option<Self> {
        let path = path.into();
        let (mut parts, mut bytes) = (0, 0);
        for part in path.components() {
            let Component::Normal(name) = part else { return None };
            (parts, bytes) = (parts + 1, bytes + name.len() + 1);
        }
        // Written with nothing but names and one separator between them, so that equal paths have equal bytes.
        let plain = bytes == path.as_os_str().len() + 1 && !cfg!(windows);
        (parts > 0).then(|| Self(if plain { path } else { path.components().collect() }))
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// Text with `/` between the names; what is not Unicode is replaced.
    pub fn lossy(&self) -> Cow<'_, str> {
        match self.0.to_string_lossy() {
            text if std::path::MAIN_SEPARATOR == '/' => text,
            text => Cow::Owned(text.replace(std::path::MAIN_SEPARATOR, "/")),
        }
    }
}

impl AsRef<Path> for CardPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for CardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Plain(&self.lossy()))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written<'a> {
    Text(Cow<'a, str>),
    Bytes { hex: String },
}

impl Serialize for CardPath {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let written = match self.0.to_str() {
            Some(_) => Written::Text(self.lossy()),
            None => {
                let bytes = self.0.as_os_str().as_encoded_bytes();
                Written::Bytes { hex: bytes.iter().map(|b| format!("{b:02x}")).collect() }
            }
        };
        written.serialize(to)
    }
}

impl<'de> Deserialize<'de> for CardPath {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let path = match Written::deserialize(from)? {
            Written::Text(text) => Some(PathBuf::from(text.as_ref())),
            Written::Bytes { hex } => from_hex(&hex),
        };
        path.and_then(Self::new).ok_or_else(|| serde::de::Error::custom("not a path within a card"))
    }
}

#[cfg(unix)]
fn from_hex(hex: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    let bytes: Option<Vec<u8>> =
        hex.as_bytes().chunks(2).map(|p| Some(digit(p[0])? << 4 | digit(*p.get(1)?)?)).collect();
    Some(PathBuf::from(std::ffi::OsString::from_vec(bytes?)))
}

/// Names that are not Unicode have no portable bytes elsewhere.
#[cfg(not(unix))]
fn from_hex(_: &str) -> Option<PathBuf> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_card_are_refused() {
        for bad in ["", "/etc/passwd", "../x", "a/../../x"] {
            assert!(CardPath::new(bad).is_none(), "{bad}");
            assert!(serde_json::from_str::<CardPath>(&format!("{bad:?}")).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<CardPath>(r#"{"hex":"2f61"}"#).is_err(), "an absolute path in hexadecimal");
    }

    #[test]
    fn equal_paths_have_equal_bytes() {
        let path = CardPath::new("a/b").unwrap();
        for same in ["a//b", "a/b/", "a/./b", "a/b/."] {
            assert_eq!(CardPath::new(same).unwrap(), path, "{same}");
        }
        assert!(path < CardPath::new("a/b/c").unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_unicode_read_back() {
        use std::os::unix::ffi::OsStrExt as _;
        let path = CardPath::new(std::ffi::OsStr::from_bytes(b"CLIP/\xffA001")).unwrap();
        let json = serde_json::to_string(&path).unwrap();
        assert_eq!(json, r#"{"hex":"434c49502fff41303031"}"#);
        assert_eq!(serde_json::from_str::<CardPath>(&json).unwrap(), path);
    }
}
