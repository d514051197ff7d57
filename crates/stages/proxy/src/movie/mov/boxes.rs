//! The grammar of boxes (QuickTime calls them atoms): size, type, contents.

/// Appends a box whose contents `body` writes.
pub(super) fn boxed(out: &mut Vec<u8>, kind: &[u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    body(out);
    // Boxes made here lie within moov, whose size the limit on frames keeps below 4 GiB.
    let size = u32::try_from(out.len() - at).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&size.to_be_bytes());
}

/// Appends a box that starts with a version and 24 bits of flags.
pub(super) fn full(out: &mut Vec<u8>, kind: &[u8; 4], version: u8, flags: u32, body: impl FnOnce(&mut Vec<u8>)) {
    boxed(out, kind, |b| {
        u32be(b, u32::from(version) << 24 | flags);
        body(b);
    });
}

/// Appends 16 bits, most significant byte first.
pub(super) fn u16be(out: &mut Vec<u8>, v: u16) {
    out.extend(v.to_be_bytes());
}

/// Appends 32 bits, most significant byte first.
pub(super) fn u32be(out: &mut Vec<u8>, v: u32) {
    out.extend(v.to_be_bytes());
}

/// Appends 64 bits, most significant byte first.
pub(super) fn u64be(out: &mut Vec<u8>, v: u64) {
    out.extend(v.to_be_bytes());
}

/// Appends a 16.16 fixed-point number.
pub(super) fn fixed(out: &mut Vec<u8>, whole: u32) {
    u32be(out, whole << 16);
}

/// Appends "user data text": length, language, text (User Data Atoms, "User data text strings").
///
/// Plain ASCII is tagged English in Macintosh encoding (0), the rest undetermined in UTF-8
/// (0x55C4, the packed ISO 639-2 code `und`).
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    let text = truncated(text, usize::from(u16::MAX));
    u16be(out, u16::try_from(text.len()).unwrap_or(u16::MAX));
    u16be(out, if text.is_ascii() { 0 } else { 0x55C4 });
    out.extend(text.as_bytes());
}

/// Appends a Pascal string in a field of `field` bytes.
pub(super) fn pascal(out: &mut Vec<u8>, text: &str, field: usize) {
    let text = truncated(text, (field - 1).min(255));
    let end = out.len() + field;
    out.push(u8::try_from(text.len()).unwrap_or(255));
    out.extend(text.as_bytes());
    out.resize(end, 0);
}

fn truncated(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_counts_itself_and_its_children() {
        let mut out = Vec::new();
        boxed(&mut out, b"moov", |b| full(b, b"mvhd", 1, 7, |b| u16be(b, 0x0102)));
        assert_eq!(out, b"\0\0\0\x16moov\0\0\0\x0emvhd\x01\0\0\x07\x01\x02");
    }

    #[test]
    fn texts_carry_their_length_and_language() {
        let mut out = Vec::new();
        text(&mut out, "A1");
        text(&mut out, "é");
        assert_eq!(out, b"\0\x02\0\0A1\0\x02\x55\xc4\xc3\xa9");
        let mut out = Vec::new();
        pascal(&mut out, "abé", 4);
        assert_eq!(out, b"\x02ab\0");
    }
}
