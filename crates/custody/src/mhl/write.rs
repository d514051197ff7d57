//! Manifests and chains as XML (ASC MHL 2.0: `ASCMHL.xsd`, `ASCMHLDirectory.xsd`).

use std::fmt::Write as _;

use rushes_core::Result;

use super::chain::{Chain, Link};
use super::manifest::{Author, Entry, FileEntry, FolderEntry, FolderSums, Hash, Manifest};
use crate::hash::{Sum, Sums};
use crate::offload::CardPath;

/// The manifest as a file, given to `to` in pieces.
///
/// # Errors
/// The first that `to` gives.
pub(super) fn manifest(m: &Manifest, to: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    let mut x = Xml::new();
    x.open("hashlist version=\"2.0\" xmlns=\"urn:ASC:MHL:v2.0\"");
    x.open("creatorinfo");
    x.text("creationdate", &m.creator.date);
    x.text("hostname", &m.creator.host);
    x.said("tool", &[("version", m.creator.tool_version.as_deref())], &m.creator.tool);
    m.creator.authors.iter().for_each(|a| x.author(a));
    x.maybe("location", m.creator.location.as_deref());
    x.maybe("comment", m.creator.comment.as_deref());
    x.close("creatorinfo");
    x.open("processinfo");
    x.text("process", m.process.name());
    if let Some(root) = &m.root {
        x.open("roothash");
        x.folder_sums(root);
        x.close("roothash");
    }
    if !m.ignore.is_empty() {
        x.open("ignore");
        m.ignore.iter().for_each(|p| x.text("pattern", p));
        x.close("ignore");
    }
    x.close("processinfo");
    if !m.entries.is_empty() {
        x.open("hashes");
        for entry in &m.entries {
            match entry {
                Entry::File(f) => x.file(f),
                Entry::Folder(f) => x.folder(f),
            }
            if x.out.len() > PIECE {
                to(&x.out)?;
                x.out.clear();
            }
        }
        x.close("hashes");
    }
    if !m.references.is_empty() {
        x.open("references");
        for reference in &m.references {
            x.open("hashlistreference");
            x.text("path", &reference.path.lossy());
            x.text("c4", &reference.c4.to_string());
            x.close("hashlistreference");
        }
        x.close("references");
    }
    x.close("hashlist");
    to(&x.out)
}

/// A manifest of many files is not held in memory.
pub(super) const PIECE: usize = 64 << 10;

/// The chain as a file.
pub(super) fn chain(chain: &Chain) -> String {
    let mut x = Xml::new();
    x.open("ascmhldirectory xmlns=\"urn:ASC:MHL:DIRECTORY:v2.0\"");
    for Link { number, name, c4 } in &chain.links {
        x.open(&format!("hashlist sequencenr=\"{number}\""));
        x.text("path", name);
        x.text("c4", &c4.to_string());
        x.close("hashlist");
    }
    x.close("ascmhldirectory");
    x.out
}

/// True of text that XML 1.0 can hold (section 2.2, Char).
pub(super) fn can_hold(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
    })
}

/// A line break in a name would be read as a space, were it not written by its number.
fn escape(text: &str, out: &mut String) {
    let plain = |b: u8| b >= b' ' && !matches!(b, b'&' | b'<' | b'>' | b'"') && b < 0x7f;
    if text.bytes().all(plain) {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", c as u32);
            }
            c if !can_hold(c.encode_utf8(&mut [0; 4])) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

type Attribute<'a> = (&'static str, Option<&'a str>);

struct Xml {
    out: String,
    depth: usize,
}

impl Xml {
    fn new() -> Self {
        Self { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), depth: 0 }
    }

    fn indent(&mut self) {
        const MOST: &str = "                ";
        self.out.push_str(&MOST[..(2 * self.depth).min(MOST.len())]);
    }

    fn all(&mut self, parts: &[&str]) {
        parts.iter().for_each(|p| self.out.push_str(p));
    }

    fn open(&mut self, tag: &str) {
        self.indent();
        self.all(&["<", tag, ">\n"]);
        self.depth += 1;
    }

    fn close(&mut self, tag: &str) {
        self.depth -= 1;
        self.indent();
        self.all(&["</", tag, ">\n"]);
    }

    fn text(&mut self, tag: &str, text: &str) {
        self.said(tag, &[], text);
    }

    fn maybe(&mut self, tag: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(tag, text);
        }
    }

    fn said(&mut self, tag: &str, attributes: &[Attribute<'_>], text: &str) {
        self.begin(tag, attributes);
        escape(text, &mut self.out);
        self.end(tag);
    }

    fn begin(&mut self, tag: &str, attributes: &[Attribute<'_>]) {
        self.indent();
        self.all(&["<", tag]);
        for (name, value) in attributes {
            if let Some(value) = value {
                self.all(&[" ", name, "=\""]);
                escape(value, &mut self.out);
                self.out.push('"');
            }
        }
        self.out.push('>');
    }

    fn end(&mut self, tag: &str) {
        self.all(&["</", tag, ">\n"]);
    }

    fn author(&mut self, a: &Author) {
        let about = [("email", &a.email), ("phone", &a.phone), ("role", &a.role)];
        self.said("author", &about.map(|(name, value)| (name, value.as_deref())), &a.name);
    }

    fn file(&mut self, f: &FileEntry) {
        self.open("hash");
        let size = f.size.map(|s| s.to_string());
        let about = [("size", size.as_deref()), ("lastmodificationdate", f.modified.as_deref())];
        self.said("path", &about, &f.path.lossy());
        // The schema wants the algorithms in this order.
        let mut hashes: Vec<&Hash> = f.hashes.iter().collect();
        hashes.sort_by_key(|h| h.sum.algorithm());
        for hash in hashes {
            let about = [("action", hash.action.map(super::Action::name)), ("hashdate", hash.date.as_deref())];
            self.sum(&hash.sum, &about);
        }
        self.maybe("previousPath", f.previous_path.as_ref().map(CardPath::lossy).as_deref());
        self.close("hash");
    }

    fn folder(&mut self, f: &FolderEntry) {
        self.open("directoryhash");
        self.said("path", &[("lastmodificationdate", f.modified.as_deref())], &f.path.lossy());
        self.folder_sums(&f.sums);
        self.maybe("previousPath", f.previous_path.as_ref().map(CardPath::lossy).as_deref());
        self.close("directoryhash");
    }

    fn folder_sums(&mut self, sums: &FolderSums) {
        let mut part = |tag: &str, sums: &Sums, date: Option<&str>| {
            self.open(tag);
            for sum in sums.iter() {
                self.sum(sum, &[("hashdate", date)]);
            }
            self.close(tag);
        };
        part("content", &sums.content, sums.date.as_deref());
        part("structure", &sums.structure, sums.date.as_deref());
    }

    fn sum(&mut self, sum: &Sum, attributes: &[Attribute<'_>]) {
        let tag = sum.algorithm().name();
        self.begin(tag, attributes);
        let _ = write!(self.out, "{sum}");
        self.end(tag);
    }
}
