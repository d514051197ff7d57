//! Two sources for one fact.

use rushes_core::media::{CameraMetadata, Finding, Sourced};

use crate::types::Short;

/// The facts that both know and do not agree on, one finding each: what Rushes' own readers found in the file
/// (`ours`), and what a FilmLight server says (`theirs`), both with where they stand. Names are compared without
/// regard to case and spaces, measures to half a per cent: makers round.
///
/// ```
/// use rushes_core::media::{CameraMetadata, Origin, Sourced};
/// let iso = |value, tag: &str| CameraMetadata {
///     iso: Some(Sourced { value, origin: Origin { file: "A001.dng".into(), tag: tag.into() } }),
///     ..CameraMetadata::default()
/// };
/// let told = rushes_filmlight::compare("A001", &iso(800.0, "IFD0/Exif:ISO (34855)"), &iso(1600.0, "FilmLight:EI"));
/// assert_eq!(told[0].code, "sources-disagree");
/// assert!(told[0].text.contains("iso: 800 (IFD0/Exif:ISO (34855)) and 1600 (FilmLight:EI)"));
/// assert!(rushes_filmlight::compare("A001", &iso(800.0, "a"), &iso(801.0, "b")).is_empty());
/// ```
pub fn compare(clip: &str, ours: &CameraMetadata, theirs: &CameraMetadata) -> Vec<Finding> {
    let mut told = Vec::new();
    macro_rules! compared {
        ($($field:ident by $same:expr, $shown:expr;)*) => {$(
            differs(clip, stringify!($field), &ours.$field, &theirs.$field, $same, $shown, &mut told);
        )*};
    }
    compared! {
        make by |a, b| same_name(a, b), String::clone;
        model by |a, b| same_name(a, b), String::clone;
        serial_number by |a, b| same_name(a, b), String::clone;
        reel by |a, b| same_name(a, b), String::clone;
        scene by |a, b| same_name(a, b), String::clone;
        take by |a, b| same_name(a, b), String::clone;
        camera_label by |a, b| same_name(a, b), String::clone;
        start_timecode by PartialEq::eq, ToString::to_string;
        rate by PartialEq::eq, ToString::to_string;
        capture_rate by PartialEq::eq, ToString::to_string;
        squeeze by same_ratio, |s| format!("{}:{}", s.0, s.1);
        white_balance_kelvin by same_measure, f64::to_string;
        white_balance_tint by same_measure, f64::to_string;
        iso by same_measure, f64::to_string;
        shutter_angle by same_measure, f64::to_string;
        lens_model by |a, b| same_name(a, b), String::clone;
        focal_length by same_measure, f64::to_string;
        f_stop by same_measure, f64::to_string;
        t_stop by same_measure, f64::to_string;
    }
    // A server may give the picture without its dark border, or meant to be shown.
    if let (Some(ours_stored), Some(theirs_size)) = (&ours.stored_size, &theirs.stored_size) {
        let crops = [&ours.default_crop, &ours.active_area].into_iter().flatten();
        let mut sizes: Vec<(usize, usize)> = crops.map(|r| (r.value.width, r.value.height)).collect();
        sizes.push(ours_stored.value);
        if !sizes.contains(&theirs_size.value) {
            let shown = |s: &(usize, usize)| format!("{}x{}", s.0, s.1);
            told.push(finding(clip, "stored_size", ours_stored, theirs_size, shown));
        }
    }
    told
}

fn differs<T>(
    clip: &str,
    field: &str,
    ours: &Option<Sourced<T>>,
    theirs: &Option<Sourced<T>>,
    same: impl Fn(&T, &T) -> bool,
    shown: impl Fn(&T) -> String,
    told: &mut Vec<Finding>,
) {
    if let (Some(a), Some(b)) = (ours, theirs)
        && !same(&a.value, &b.value)
    {
        told.push(finding(clip, field, a, b, shown));
    }
}

fn finding<T>(clip: &str, field: &str, a: &Sourced<T>, b: &Sourced<T>, shown: impl Fn(&T) -> String) -> Finding {
    let text = format!(
        "{field}: {} ({}) and {} ({}) do not agree; what Rushes read itself is used",
        shown(&a.value),
        a.origin.tag,
        Short(shown(&b.value), 200),
        Short(&b.origin.tag, 200)
    );
    Finding::warning("sources-disagree", text).clip(clip).path(&a.origin.file)
}

/// `RED` and `red`, `V-RAPTOR 8K` and `V-Raptor  8K`.
fn same_name(a: &str, b: &str) -> bool {
    super::ask::plain(a) == super::ask::plain(b)
}

/// To half a per cent of the larger.
fn same_measure(a: &f64, b: &f64) -> bool {
    (a - b).abs() <= 0.005 * a.abs().max(b.abs())
}

fn same_ratio(a: &(u32, u32), b: &(u32, u32)) -> bool {
    u64::from(a.0) * u64::from(b.1) == u64::from(b.0) * u64::from(a.1)
}

#[cfg(test)]
mod tests {
    use rushes_core::media::{Origin, Rate, Rect, Timecode};

    use super::*;

    fn at<T>(value: T, tag: &str) -> Option<Sourced<T>> {
        Some(Sourced { value, origin: Origin { file: "A001.dng".into(), tag: tag.into() } })
    }

    #[test]
    fn what_agrees_or_one_alone_knows_is_not_told() {
        let ours = CameraMetadata {
            make: at("RED".into(), "a"),
            squeeze: at((2, 1), "a"),
            stored_size: at((116, 100), "a"),
            active_area: at(Rect { x: 8, y: 8, width: 100, height: 84 }, "a"),
            iso: at(800.0, "a"),
            ..CameraMetadata::default()
        };
        let theirs = CameraMetadata {
            make: at("Red".into(), "b"),
            squeeze: at((2000, 1000), "b"),
            stored_size: at((100, 84), "b"),
            t_stop: at(2.0, "b"),
            ..CameraMetadata::default()
        };
        assert_eq!(compare("A001", &ours, &theirs), []);
    }

    #[test]
    fn each_disagreement_names_both_places() {
        let tc = |text| Timecode::parse(text, Rate::FPS_24).unwrap();
        let ours = CameraMetadata {
            start_timecode: at(tc("01:00:00:00"), "mine"),
            reel: at("A001".into(), "mine"),
            stored_size: at((100, 84), "mine"),
            ..CameraMetadata::default()
        };
        let theirs = CameraMetadata {
            start_timecode: at(tc("02:00:00:00"), "server"),
            reel: at("A002".into(), "server"),
            stored_size: at((50, 42), "server"),
            ..CameraMetadata::default()
        };
        let told = compare("A001", &ours, &theirs);
        let texts: Vec<&str> = told.iter().map(|f| f.text.as_str()).collect();
        assert_eq!(texts.len(), 3);
        assert!(texts.iter().any(|t| t.contains("01:00:00:00 (mine) and 02:00:00:00 (server)")), "{texts:?}");
        assert!(texts.iter().any(|t| t.contains("100x84 (mine) and 50x42 (server)")), "{texts:?}");
        assert!(told.iter().all(|f| f.clip.as_deref() == Some("A001") && f.code == "sources-disagree"));
    }
}
