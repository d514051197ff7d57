//! Text and paths from outside, made safe for a page.

use std::fmt;

/// Text for element content or a quoted attribute.
///
/// Besides `& < > " '` it shows characters by their number that would be invisible or would turn
/// neighbouring text around: control characters other than space-like ones, marks and overrides
/// of direction (Unicode Standard Annex 9, section 2), zero-width spaces and joins of words. Joiners
/// (U+200C and U+200D) stay: Persian and Indic names and emoji are spelt with them.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(|c: char| matches!(c, '&' | '<' | '>' | '"' | '\'') || is_hidden(c)) {
            f.write_str(&rest[..at])?;
            let c = rest[at..].chars().next().unwrap_or_default();
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => write!(f, "\u{27e8}U+{:04X}\u{27e9}", c as u32)?,
            }
            rest = &rest[at + c.len_utf8()..];
        }
        f.write_str(rest)
    }
}

fn is_hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A path below the output folder with forward slashes, as a link from a page in the folder
/// `report`: percent-encoded but for RFC 3986's unreserved characters.
pub(super) struct Href<'a>(pub(super) &'a str);

impl fmt::Display for Href<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("../")?;
        write!(f, "{}", Encoded(self.0.trim_start_matches('/')))
    }
}

/// A path percent-encoded, slashes kept.
pub(super) struct Encoded<'a>(pub(super) &'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for b in self.0.bytes() {
            match b {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    fmt::Write::write_char(f, b.into())?;
                }
                _ => write!(f, "%{b:02X}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_up_and_quotes_become_text() {
        assert_eq!(
            Text(r#"<script>alert("x" + 'y') && 1</script>"#).to_string(),
            "&lt;script&gt;alert(&quot;x&quot; + &#39;y&#39;) &amp;&amp; 1&lt;/script&gt;"
        );
    }

    #[test]
    fn what_would_hide_or_turn_text_is_shown() {
        assert_eq!(Text("gpj.\u{202e}exe").to_string(), "gpj.\u{27e8}U+202E\u{27e9}exe");
        assert_eq!(Text("a\0b\u{85}c").to_string(), "a\u{27e8}U+0000\u{27e9}b\u{27e8}U+0085\u{27e9}c");
        let plain = "Größe שלום می\u{200c}خواهم 撮影\nnext\tline";
        assert_eq!(Text(plain).to_string(), plain, "honest text stays");
    }

    #[test]
    fn links_are_percent_encoded_and_stay_relative() {
        assert_eq!(Href("plates/A 1/x#y?z%20\"'.exr").to_string(), "../plates/A%201/x%23y%3Fz%2520%22%27.exr");
        assert_eq!(Href("javascript:alert(1)").to_string(), "../javascript%3Aalert%281%29");
        assert_eq!(Href("//host/é").to_string(), "../host/%C3%A9");
    }

    proptest::proptest! {
        #[test]
        fn no_text_leaves_its_element_or_attribute(text in ".*") {
            let out = Text(&text).to_string();
            let told = out.contains(['<', '>', '"', '\'']) || out.chars().any(is_hidden);
            proptest::prop_assert!(!told, "{out:?}");
        }

        #[test]
        fn no_path_leaves_its_attribute(path in ".*") {
            let out = Href(&path).to_string();
            proptest::prop_assert!(out.starts_with("../"));
            let plain = out.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b));
            proptest::prop_assert!(plain, "{out:?}");
        }
    }
}
