//! Manifests and chains out of XML.

use std::borrow::Cow;
use std::path::Path;

use roxmltree::{Document, Node};
use rushes_core::media::open_original;
use rushes_core::{Error, ErrorKind, Result};

use super::chain::{Chain, Link};
use super::manifest::{
    Action, Author, Creator, Entry, FileEntry, FolderEntry, FolderSums, Hash, Manifest, Process, Reference,
};
use crate::hash::{Algorithm, Sum, Sums};
use crate::offload::CardPath;

/// Longest file that is read, in bytes: over a million files with all digests.
const LONGEST: u64 = 1 << 30;
/// Most elements and texts in one file.
const MOST_NODES: u32 = 50_000_000;

/// The text of an XML file, in whatever encoding it is.
pub(super) fn text_of(path: &Path) -> Result<String> {
    use std::io::Read as _;

    let io = |e| Error::io(path, e);
    let file = open_original(path)?;
    let size = file.size().map_err(io)?;
    if size > LONGEST {
        return Err(invalid(format!("{size} bytes are more than the {LONGEST} a manifest may have")).path(path));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(io)?;
    Ok(decoded(&bytes).into_owned())
}

/// XML 1.0 appendix F: a byte order mark, else the pattern of the first bytes, else the declaration.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let by_pattern = match bytes {
        [0x3c, 0, ..] => Some(encoding_rs::UTF_16LE),
        [0, 0x3c, ..] => Some(encoding_rs::UTF_16BE),
        _ => None,
    };
    let declared = || {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let declaration = head.split("?>").next()?.to_owned();
        let (_, after) = declaration.split_once("encoding")?;
        let name = after.trim_start().strip_prefix('=')?.trim_start();
        let quote = name.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let name = name[1..].split(quote).next()?;
        encoding_rs::Encoding::for_label(name.as_bytes())
            // A declaration that could be read byte by byte is not in two-byte units.
            .filter(|e| !matches!(e.name(), "UTF-16LE" | "UTF-16BE"))
    };
    let encoding = by_pattern.or_else(declared).unwrap_or(encoding_rs::UTF_8);
    // A byte order mark overrides, and is taken off.
    encoding.decode(bytes).0
}

/// The document; entities and document types are refused.
pub(super) fn document(text: &str) -> Result<Document<'_>> {
    let options = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..Default::default() };
    Document::parse_with_options(text, options).map_err(|e| invalid(format!("the XML cannot be read: {e}")))
}

/// A manifest of version 2.0.
pub(super) fn manifest(root: Node<'_, '_>) -> Result<Manifest> {
    let mut m = Manifest::default();
    for part in elements(root) {
        match part.tag_name().name() {
            "creatorinfo" => m.creator = creator(part),
            "processinfo" => process(part, &mut m)?,
            "hashes" => {
                for node in elements(part) {
                    match node.tag_name().name() {
                        "hash" => m.entries.push(Entry::File(file(node)?)),
                        "directoryhash" => m.entries.push(Entry::Folder(folder(node)?)),
                        _ => {}
                    }
                }
            }
            "references" => {
                for node in elements(part).filter(|n| n.tag_name().name() == "hashlistreference") {
                    let path = path_of(node)?.1;
                    m.references.push(Reference { path, c4: c4(node)? });
                }
            }
            _ => {}
        }
    }
    Ok(m)
}

/// The chain of a history.
pub(super) fn chain(text: &str) -> Result<Chain> {
    let document = document(text)?;
    let root = document.root_element();
    if root.tag_name().name() != "ascmhldirectory" {
        return Err(invalid(format!("`{}` is not the chain of a history", root.tag_name().name())));
    }
    let link = |node: Node<'_, '_>| {
        let name = child(node, "path").map(content).unwrap_or_default();
        let plain = CardPath::new(name.clone()).is_some_and(|p| p.as_path().components().count() == 1);
        if !plain {
            return Err(invalid(format!("`{}` is not the name of a manifest", name.escape_debug())));
        }
        let number = node.attribute("sequencenr").and_then(|n| n.trim().parse().ok());
        let number = number.ok_or_else(|| invalid(format!("{name} has no number")))?;
        Ok(Link { number, name, c4: c4(node)? })
    };
    let links: Result<Vec<Link>> = elements(root).filter(|n| n.tag_name().name() == "hashlist").map(link).collect();
    Ok(Chain { links: links? })
}

pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    elements(node).find(|n| n.tag_name().name() == name)
}

/// All text in an element, as it stands.
pub(super) fn content(node: Node<'_, '_>) -> String {
    node.children().filter_map(|n| n.text()).collect()
}

pub(super) fn invalid(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, why)
}

fn maybe(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name).map(|n| content(n).trim().to_owned()).filter(|t| !t.is_empty())
}

fn creator(node: Node<'_, '_>) -> Creator {
    let tool = child(node, "tool");
    let author = |n: Node<'_, '_>| Author {
        name: content(n).trim().to_owned(),
        email: n.attribute("email").map(Into::into),
        phone: n.attribute("phone").map(Into::into),
        role: n.attribute("role").map(Into::into),
    };
    Creator {
        date: maybe(node, "creationdate").unwrap_or_default(),
        host: maybe(node, "hostname").unwrap_or_default(),
        tool: maybe(node, "tool").unwrap_or_default(),
        tool_version: tool.and_then(|t| t.attribute("version")).map(Into::into),
        authors: elements(node).filter(|n| n.tag_name().name() == "author").map(author).collect(),
        location: maybe(node, "location"),
        comment: maybe(node, "comment"),
    }
}

fn process(node: Node<'_, '_>, m: &mut Manifest) -> Result<()> {
    m.process = maybe(node, "process").and_then(|p| Process::named(&p)).unwrap_or_default();
    m.root = child(node, "roothash").map(|n| folder_sums(n)).transpose()?;
    let patterns = child(node, "ignore").into_iter().flat_map(elements);
    m.ignore = patterns.filter(|n| n.tag_name().name() == "pattern").map(content).collect();
    Ok(())
}

fn path_of<'a, 'i>(node: Node<'a, 'i>) -> Result<(Node<'a, 'i>, CardPath)> {
    let path = child(node, "path").ok_or_else(|| invalid("an entry has no path"))?;
    Ok((path, card_path(&content(path))?))
}

/// A path in a manifest: below its folder, whatever it says.
pub(super) fn card_path(text: &str) -> Result<CardPath> {
    CardPath::new(text).ok_or_else(|| invalid(format!("the path `{}` leads out of its folder", text.escape_debug())))
}

fn file(node: Node<'_, '_>) -> Result<FileEntry> {
    let (path_node, path) = path_of(node)?;
    let previous_path = child(node, "previousPath").map(|n| card_path(&content(n))).transpose()?;
    let mut hashes: Vec<Hash> = Vec::new();
    for n in elements(node) {
        let Ok(algorithm) = n.tag_name().name().parse::<Algorithm>() else { continue };
        let sum = Sum::parse(algorithm, content(n).trim()).map_err(|e| e.doing(format!("the entry of {path}")))?;
        if hashes.iter().any(|h| h.sum.algorithm() == algorithm) {
            continue;
        }
        hashes.push(Hash {
            sum,
            action: n.attribute("action").and_then(Action::named),
            date: n.attribute("hashdate").map(Into::into),
        });
    }
    Ok(FileEntry {
        path,
        size: path_node.attribute("size").and_then(|s| s.trim().parse().ok()),
        modified: path_node.attribute("lastmodificationdate").map(Into::into),
        hashes,
        previous_path,
    })
}

fn folder(node: Node<'_, '_>) -> Result<FolderEntry> {
    let (path_node, path) = path_of(node)?;
    let sums = folder_sums(node).map_err(|e| e.doing(format!("the entry of {path}")))?;
    Ok(FolderEntry {
        modified: path_node.attribute("lastmodificationdate").map(Into::into),
        previous_path: child(node, "previousPath").map(|n| card_path(&content(n))).transpose()?,
        path,
        sums,
    })
}

fn folder_sums(node: Node<'_, '_>) -> Result<FolderSums> {
    let mut date = None;
    let mut sums_in = |name: &str| -> Result<Sums> {
        let mut sums = Sums::default();
        for n in child(node, name).into_iter().flat_map(elements) {
            if let Ok(algorithm) = n.tag_name().name().parse::<Algorithm>() {
                sums.insert(Sum::parse(algorithm, content(n).trim())?);
                date = date.take().or_else(|| n.attribute("hashdate").map(Into::into));
            }
        }
        Ok(sums)
    };
    let (content, structure) = (sums_in("content")?, sums_in("structure")?);
    Ok(FolderSums { content, structure, date })
}

fn c4(node: Node<'_, '_>) -> Result<Sum> {
    let text = maybe(node, "c4").ok_or_else(|| invalid("an entry has no C4 digest"))?;
    Sum::parse(Algorithm::C4, &text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::HashList;
    use super::super::write;
    use super::*;

    fn text() -> impl Strategy<Value = String> {
        // Everything that has a meaning in XML, and some that has none.
        proptest::collection::vec(
            prop_oneof![
                Just('<'),
                Just('&'),
                Just('"'),
                Just('\''),
                Just('>'),
                Just('\n'),
                Just('\t'),
                Just(' '),
                any::<char>()
            ],
            1..12,
        )
        .prop_map(|c| c.into_iter().filter(|c| write::can_hold(c.encode_utf8(&mut [0; 4]))).collect())
    }

    fn path() -> impl Strategy<Value = CardPath> {
        proptest::collection::vec(text(), 1..4).prop_filter_map("not a path", |names| CardPath::new(names.join("/")))
    }

    fn sums() -> impl Strategy<Value = Sums> {
        let sum = (0usize..6, proptest::collection::vec(any::<u8>(), 64));
        let sum = sum.prop_filter_map("a sum", |(i, bytes)| {
            let algorithm = Algorithm::ALL[i];
            Sum::new(algorithm, &bytes[..algorithm.size()]).ok()
        });
        proptest::collection::vec(sum, 1..4).prop_map(|all| all.into_iter().collect())
    }

    fn entry() -> impl Strategy<Value = Entry> {
        let action = prop_oneof![Just(Action::Original), Just(Action::Verified), Just(Action::Failed)];
        let file = (path(), any::<Option<u64>>(), sums(), action, proptest::option::of(path())).prop_map(
            |(path, size, sums, action, previous_path)| {
                let date = Some(std::sync::Arc::from("2020-01-17T14:30:00+00:00"));
                let hash = |s: &Sum| Hash { sum: s.clone(), action: Some(action), date: date.clone() };
                let hashes = sums.iter().map(hash).collect();
                Entry::File(FileEntry { path, size, modified: date.clone(), hashes, previous_path })
            },
        );
        let folder = (path(), sums(), proptest::option::of(path())).prop_map(|(path, sums, previous_path)| {
            let sums = FolderSums { content: sums.clone(), structure: sums, date: None };
            Entry::Folder(FolderEntry { path, modified: None, sums, previous_path })
        });
        prop_oneof![file, folder]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            entries in proptest::collection::vec(entry(), 0..6),
            ignore in proptest::collection::vec(text(), 0..3),
        ) {
            let creator = Creator { date: "d".into(), host: "h & <h>".into(), tool: "t".into(), ..Creator::default() };
            let manifest = Manifest { creator, entries, ignore, ..Manifest::default() };
            let HashList::Manifest(again) = HashList::parse(&manifest.to_xml()).unwrap() else { panic!("version 2.0") };
            prop_assert_eq!(*again, manifest);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = HashList::parse(&decoded(&bytes));
            let _ = chain(&decoded(&bytes));
        }
    }
}
