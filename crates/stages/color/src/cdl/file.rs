//! .cc, .ccc and .cdl files (ASC CDL 1.2, XML).

use std::path::Path;

use roxmltree::{Document, Node};
use rushes_core::{Error, ErrorKind, Result, storage};

use super::Correction;

/// The largest file that is read: a show's whole collection is a few hundred kilobytes.
const MOST_BYTES: u64 = 16 << 20;

/// Reads the correction called `id` of a .cc, .ccc or .cdl file; without an id, the only one.
/// `SOPNode` and `ASC_SOP`, `SatNode` and `ASC_SAT` mean the same; what is left out is neutral.
///
/// # Errors
/// When the file cannot be read or is no CDL, when there is no such correction, or several to
/// choose from, and when a number is missing or out of range.
pub fn read_cdl(path: &Path, id: Option<&str>) -> Result<Correction> {
    let read = || -> Result<Correction> {
        if storage::stat(path)?.bytes > MOST_BYTES {
            return Err(bad(format!("it is larger than {} MiB", MOST_BYTES >> 20)));
        }
        parse_cdl(&storage::read_text(path, MOST_BYTES)?, id)
    };
    read().map_err(|e| e.doing("reading a CDL").path(path))
}

/// As [`read_cdl`], of a file's text.
///
/// # Errors
/// As [`read_cdl`].
pub fn parse_cdl(text: &str, id: Option<&str>) -> Result<Correction> {
    let document = Document::parse(text).map_err(|e| bad(format!("it is not XML: {e}")))?;
    let all: Vec<Node<'_, '_>> =
        document.descendants().filter(|n| n.is_element() && n.tag_name().name() == "ColorCorrection").collect();
    let ids = || all.iter().map(|n| n.attribute("id").unwrap_or("(no id)")).collect::<Vec<_>>().join(", ");
    let node = match (id, all.as_slice()) {
        (_, []) => return Err(bad("there is no ColorCorrection in it".into())),
        (Some(id), _) => *all
            .iter()
            .find(|n| n.attribute("id") == Some(id))
            .ok_or_else(|| bad(format!("there is no correction `{id}`")).advice(format!("there are: {}", ids())))?,
        (None, [one]) => *one,
        (None, _) => {
            return Err(bad("there are several corrections".into()).advice(format!("choose one by `id`: {}", ids())));
        }
    };
    let child = |parent: Node<'_, '_>, names: [&str; 2]| {
        parent.children().find(|n| n.is_element() && names.contains(&n.tag_name().name())).map(|n| n.id())
    };
    let find = |parent: Node<'_, '_>, names| child(parent, names).and_then(|id| document.get_node(id));
    let mut c = Correction { slope: [1.0; 3], offset: [0.0; 3], power: [1.0; 3], saturation: 1.0 };
    if let Some(sop) = find(node, ["SOPNode", "ASC_SOP"]) {
        for (name, to) in [("Slope", &mut c.slope), ("Offset", &mut c.offset), ("Power", &mut c.power)] {
            if let Some(n) = find(sop, [name, name]) {
                *to = numbers(n, name)?;
            }
        }
    }
    if let Some(n) = find(node, ["SatNode", "ASC_SAT"]).and_then(|n| find(n, ["Saturation", "Saturation"])) {
        [c.saturation] = numbers(n, "Saturation")?;
    }
    c.check()
}

fn numbers<const N: usize>(node: Node<'_, '_>, name: &str) -> Result<[f32; N]> {
    let text = node.text().unwrap_or_default();
    let all: Vec<f32> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|_| bad(format!("`{text}` in {name} is not {N} numbers")))?;
    all.try_into().map_err(|_| bad(format!("`{text}` in {name} is not {N} numbers")))
}

impl Correction {
    /// The same, when every number is in its range.
    ///
    /// # Errors
    /// Names the number that is not.
    pub(super) fn check(self) -> Result<Self> {
        let all = self.slope.iter().chain(&self.offset).chain(&self.power).chain([&self.saturation]);
        if all.clone().any(|v| !v.is_finite()) {
            return Err(bad("a number is not finite".into()));
        }
        for (name, wrong) in [
            ("slope below 0", self.slope.iter().any(|v| *v < 0.0)),
            ("power of 0 or below", self.power.iter().any(|v| *v <= 0.0)),
            ("saturation below 0", self.saturation < 0.0),
        ] {
            if wrong {
                return Err(bad(format!("a {name}")));
            }
        }
        Ok(self)
    }
}

fn bad(what: String) -> Error {
    Error::new(ErrorKind::Invalid, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CCC: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
        <ColorCorrectionCollection xmlns="urn:ASC:CDL:v1.01">
          <ColorCorrection id="A001C002"><ASC_SOP><Slope>1.1 1 0.9</Slope><Offset>0 0.1 -0.1</Offset><Power>1 1.2 1</Power></ASC_SOP>
            <ASC_SAT><Saturation>0.8</Saturation></ASC_SAT></ColorCorrection>
          <ColorCorrection id="A001C003"><SOPNode><Slope> 2  2
            2 </Slope></SOPNode></ColorCorrection>
        </ColorCorrectionCollection>"#;

    #[test]
    fn corrections_are_found_by_id_and_neutral_where_they_say_nothing() {
        let c = parse_cdl(CCC, Some("A001C002")).unwrap();
        assert_eq!(
            (c.slope, c.offset, c.power, c.saturation),
            ([1.1, 1.0, 0.9], [0.0, 0.1, -0.1], [1.0, 1.2, 1.0], 0.8)
        );
        let c = parse_cdl(CCC, Some("A001C003")).unwrap();
        assert_eq!((c.slope, c.offset, c.power, c.saturation), ([2.0; 3], [0.0; 3], [1.0; 3], 1.0));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str, id| parse_cdl(text, id).unwrap_err().to_string();
        assert_eq!(error(CCC, None), "there are several corrections; choose one by `id`: A001C002, A001C003");
        assert_eq!(error(CCC, Some("X")), "there is no correction `X`; there are: A001C002, A001C003");
        assert!(error("<a", None).starts_with("it is not XML"));
        assert_eq!(error("<a/>", None), "there is no ColorCorrection in it");
        let one = |slope| format!("<ColorCorrection><SOPNode><Slope>{slope}</Slope></SOPNode></ColorCorrection>");
        assert_eq!(error(&one("1 2"), None), "`1 2` in Slope is not 3 numbers");
        assert_eq!(error(&one("1 2 x"), None), "`1 2 x` in Slope is not 3 numbers");
        assert_eq!(error(&one("1 2 -1"), None), "a slope below 0");
        assert_eq!(error(&one("1 2 inf"), None), "a number is not finite");
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer(text in ".{0,200}") {
            let _ = parse_cdl(&text, None);
        }
    }
}
