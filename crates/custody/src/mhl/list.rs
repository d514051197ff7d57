//! A file `.mhl`, of whatever version.

use std::borrow::Cow;
use std::path::Path;

use rushes_core::{Error, Result};

use super::legacy::{self, LegacyList};
use super::manifest::Manifest;
use super::{read, write};

/// What a file `.mhl` holds.
#[derive(Debug, Clone)]
pub enum HashList {
    /// ASC MHL 2.0.
    Manifest(Box<Manifest>),
    /// MHL 1.0 or 1.1.
    Legacy(LegacyList),
}

impl HashList {
    /// Reads a file `.mhl` in any encoding.
    ///
    /// # Errors
    /// When it cannot be read, is no hash list, is of a version that is not known, or has an entry
    /// that makes no sense.
    pub fn read(path: &Path) -> Result<Self> {
        let doing = "reading a hash list";
        let text = read::text_of(path).map_err(|e| e.doing(doing))?;
        Self::parse(&text).map_err(|e: Error| e.path(path).doing(doing))
    }

    /// As [`HashList::read`], from text.
    ///
    /// # Errors
    /// As [`HashList::read`].
    pub fn parse(text: &str) -> Result<Self> {
        let document = read::document(text)?;
        let root = document.root_element();
        let version = root.attribute("version").unwrap_or_default();
        match (root.tag_name().name(), version) {
            ("hashlist", "2.0") => read::manifest(root).map(|m| Self::Manifest(Box::new(m))),
            ("hashlist", "1.0" | "1.1") => legacy::list(root, version).map(Self::Legacy),
            ("hashlist", other) => {
                Err(read::invalid(format!("its version is `{}`; 1.0, 1.1 and 2.0 are known", other.escape_debug())))
            }
            (other, _) => Err(read::invalid(format!("`{}` is not a hash list", other.escape_debug()))),
        }
    }
}

impl Manifest {
    /// The text of an XML file in any encoding: by its byte order mark, its first bytes or its
    /// declaration.
    pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
        read::decoded(bytes)
    }

    /// As XML.
    pub fn to_xml(&self) -> String {
        let mut text = String::new();
        // Text takes everything.
        let _ = write::manifest(self, &mut |piece| {
            text.push_str(piece);
            Ok(())
        });
        text
    }

    /// Reads a manifest of version 2.0.
    ///
    /// # Errors
    /// As [`HashList::read`], and when it is of version 1.
    pub fn read(path: &Path) -> Result<Self> {
        match HashList::read(path)? {
            HashList::Manifest(m) => Ok(*m),
            HashList::Legacy(l) => {
                Err(read::invalid(format!("its version is {}; a history has version 2.0", l.version)).path(path))
            }
        }
    }
}
