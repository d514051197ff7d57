//! Names of clips as names of files.

use crate::media::Digest;

/// A clip's name as one component of a path, on any file system: separators, control characters
/// and those that Windows refuses become `_`, as does a leading dot; dots and spaces at the end
/// go; names of Windows' devices get a `_`; and what is longer than 180 bytes is cut and ends in
/// its digest, so that frame number, extension and the mark of a temporary still fit into 255.
pub fn file_stem(clip: &str) -> String {
    const LONGEST: usize = 180;
    let mut stem: String = clip
        .chars()
        .map(|c| if c.is_control() || r#"/\:*?"<>|"#.contains(c) { '_' } else { c })
        .collect::<String>()
        .trim_end_matches(['.', ' '])
        .to_owned();
    if stem.is_empty() || stem.starts_with('.') {
        stem.replace_range(..stem.len().min(1), "_");
    }
    let device = stem.split('.').next().unwrap_or("").to_ascii_uppercase();
    let numbered = device.strip_prefix("COM").or_else(|| device.strip_prefix("LPT"));
    if matches!(device.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered.is_some_and(|n| n.len() == 1) {
        stem.insert(0, '_');
    }
    if stem.len() > LONGEST {
        let digest = Digest::xxh64(stem.as_bytes());
        stem.truncate(stem.floor_char_boundary(LONGEST - 17));
        stem = format!("{stem}~{}", digest.hex());
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_name_never_leaves_its_folder_and_fits_everywhere() {
        for (name, stem) in [
            ("A001_C002", "A001_C002"),
            ("../x", "_._x"),
            ("..", "_"),
            ("", "_"),
            ("a/b\\c", "a_b_c"),
            ("é.1", "é.1"),
            ("con", "_con"),
            ("COM7.x", "_COM7.x"),
            ("COMET", "COMET"),
            ("trail. ", "trail"),
        ] {
            assert_eq!(file_stem(name), stem);
        }
        let (a, b) = (file_stem(&"é".repeat(120)), file_stem(&("é".repeat(119) + "è")));
        assert!(a.len() <= 180 && a != b, "{a} {b}");
    }
}
