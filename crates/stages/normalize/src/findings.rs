//! What a clip does not say and somebody will miss.

use rushes_core::media::{Clip, ClipFormat, Finding, Severity};

/// Findings about facts that are missing from `clip`, whose header was read.
///
/// A single DNG is a still: that it has no timecode, rate or reel is worth knowing only.
pub(crate) fn missing(clip: &Clip, needs_color: bool, timecode_as_found: Option<&str>) -> Vec<Finding> {
    let m = &clip.metadata;
    let still = matches!(clip.format, ClipFormat::Dng | ClipFormat::Gpr);
    let severity = if still { Severity::Info } else { Severity::Warning };
    let mut out = Vec::new();
    let mut say = |severity, code: &str, text: String| {
        out.push(Finding::new(severity, code, text).clip(&clip.name));
    };
    if m.rate.is_none() {
        say(severity, "rate-missing", "the files state no frame rate; give one, such as `--rate 24`".into());
    }
    if m.start_timecode.is_none() {
        let why = timecode_as_found.unwrap_or("the files state no timecode");
        say(severity, "timecode-missing", format!("{why}; outputs will carry none unless one is given (`--timecode`)"));
    }
    if m.reel.is_none() {
        say(
            Severity::Info,
            "reel-missing",
            "the files state no reel name; outputs will carry none unless one is given (`--reel`)".into(),
        );
    }
    if needs_color {
        let color = m.color.as_ref().map(|c| &c.value);
        if color.is_none_or(|c| c.calibrations.is_empty()) {
            let text = "the files state no colour matrix (ColorMatrix1): no scene-linear picture can be made";
            say(Severity::Warning, "matrix-missing", text.into());
        }
        if color.is_none_or(|c| c.as_shot.is_none()) {
            let text = match &m.white_balance_kelvin {
                Some(k) => format!(
                    "the camera was set to {} K and states no white to balance with; give one, such as `--white kelvin={}`",
                    k.value, k.value
                ),
                None => {
                    "the files state no white (AsShotNeutral, AsShotWhiteXY); give one, such as `--white kelvin=5600`"
                        .into()
                }
            };
            say(Severity::Warning, "white-missing", text);
        }
    }
    out
}
