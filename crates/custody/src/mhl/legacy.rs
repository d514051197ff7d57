//! Media Hash Lists of versions 1.0 and 1.1 (mediahashlist.org), which are read and not written.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use roxmltree::Node;
use rushes_core::media::open_original;
use rushes_core::{Error, Result};
use std::hash::Hasher as _;

use super::read::{card_path, child, content, elements, invalid};
use crate::hash::{Algorithm, Hashing, Sum, Sums};
use crate::offload::CardPath;

/// A list of version 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyList {
    /// The version as it is written.
    pub version: String,
    /// The program that wrote it.
    pub tool: String,
    /// Its files.
    pub files: Vec<LegacyFile>,
}

/// A file in a list of version 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyFile {
    /// Where it is below the folder of the list.
    pub path: CardPath,
    /// Its bytes.
    pub size: Option<u64>,
    /// Its digests in forms that are still in use.
    pub sums: Sums,
    /// xxHash with 32 bits.
    pub xxh32: Option<u32>,
    /// xxHash with 64 bits whose bytes are written in the order of little-endian machines.
    pub xxh64_little: Option<u64>,
    /// It says in so many words that there is no digest (`null`).
    pub no_digest: bool,
    /// What stands in a digest's place and is none. Programs write `WRONG_` before a digest that they
    /// found to differ when they made the list.
    pub no_value: Option<String>,
}

impl LegacyFile {
    /// Nothing is known but the size.
    pub fn size_only(&self) -> bool {
        let no_sum = self.sums.iter().next().is_none() && self.xxh32.is_none() && self.xxh64_little.is_none();
        no_sum && self.no_value.is_none()
    }

    /// Reads the file below `root` and compares every digest. `Ok(None)`: it is what it was.
    /// `Ok(Some(text))`: what differs.
    ///
    /// # Errors
    /// When it cannot be read to its end.
    pub(super) fn compare(&self, root: &Path) -> Result<Option<String>> {
        let path: PathBuf = root.join(&self.path);
        let io = |e| Error::io(&path, e).doing("computing digests");
        let mut file = open_original(&path)?;
        let mut algorithms: Vec<Algorithm> = self.sums.iter().map(Sum::algorithm).collect();
        if self.xxh64_little.is_some() {
            algorithms.push(Algorithm::Xxh64);
        }
        let mut hashing = Hashing::new(&algorithms);
        let mut short = twox_hash::XxHash32::with_seed(0);
        let mut piece = vec![0; 256 << 10];
        let mut bytes = 0u64;
        // Without a digest there is nothing to read for.
        if self.size_only() {
            bytes = file.size().map_err(io)?;
        } else {
            loop {
                let n = file.read(&mut piece).map_err(io)?;
                if n == 0 {
                    break;
                }
                hashing.update(&piece[..n]);
                if self.xxh32.is_some() {
                    short.write(&piece[..n]);
                }
                bytes += n as u64;
            }
        }
        if let Some(text) = &self.no_value {
            return Ok(Some(format!("the list has {text} for it, so it was found to be wrong when the list was made")));
        }
        if let Some(size) = self.size.filter(|s| *s != bytes) {
            return Ok(Some(format!("it has {bytes} bytes, and had {size}")));
        }
        let now = hashing.finish();
        for then in self.sums.iter() {
            if let Some(now) = now.get(then.algorithm()).filter(|now| *now != then) {
                return Ok(Some(format!("its {} is {now}, and was {then}", then.algorithm())));
            }
        }
        if let Some(then) = self.xxh64_little {
            let of = |s: &Sum| s.bytes().try_into().map(u64::from_be_bytes).unwrap_or_default();
            let now = now.get(Algorithm::Xxh64).map(of).unwrap_or_default();
            // The order of the bytes was never agreed upon, so either is right.
            if now != then && now != then.swap_bytes() {
                return Ok(Some(format!("its xxhash64 is {now:016x}, and was {then:016x}")));
            }
        }
        if let Some(then) = self.xxh32 {
            // `finish` gives 64 bits of which the upper half is empty.
            let now = short.finish() as u32;
            if now != then {
                return Ok(Some(format!("its xxhash is {now}, and was {then}")));
            }
        }
        Ok(None)
    }
}

/// A list of version 1 out of its root element.
pub(super) fn list(root: Node<'_, '_>, version: &str) -> Result<LegacyList> {
    let tool = child(root, "creatorinfo").and_then(|n| child(n, "tool")).map(content).unwrap_or_default();
    let files: Result<Vec<LegacyFile>> = elements(root).filter(|n| n.tag_name().name() == "hash").map(file).collect();
    Ok(LegacyList { version: version.to_owned(), tool: tool.trim().to_owned(), files: files? })
}

fn file(node: Node<'_, '_>) -> Result<LegacyFile> {
    let name = child(node, "file").map(content).ok_or_else(|| invalid("an entry has no file"))?;
    // Written on Windows, names may be apart by backslashes.
    let slashed = if name.contains('/') { name.clone() } else { name.replace('\\', "/") };
    let path = card_path(slashed.trim_start_matches("./"))?;
    let mut file = LegacyFile {
        size: child(node, "size").and_then(|n| content(n).trim().parse().ok()),
        sums: Sums::default(),
        xxh32: None,
        xxh64_little: None,
        no_digest: false,
        no_value: None,
        path,
    };
    for n in elements(node) {
        let kind = n.tag_name().name();
        let text = content(n);
        let text = text.trim();
        let read = match kind {
            "md5" => Sum::parse(Algorithm::Md5, text).map(|s| file.sums.insert(s)).is_ok(),
            "sha1" => Sum::parse(Algorithm::Sha1, text).map(|s| file.sums.insert(s)).is_ok(),
            "xxhash64be" => Sum::parse(Algorithm::Xxh64, text).map(|s| file.sums.insert(s)).is_ok(),
            "xxhash64" => {
                file.xxh64_little = u64::from_str_radix(text, 16).ok();
                file.xxh64_little.is_some()
            }
            "xxhash" => {
                file.xxh32 = text.parse().ok();
                file.xxh32.is_some()
            }
            "null" => {
                file.no_digest = true;
                true
            }
            _ => true,
        };
        if !read {
            file.no_value = Some(format!("the {kind} `{}`", text.escape_debug()));
        }
    }
    Ok(file)
}
