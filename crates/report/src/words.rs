//! Numbers as people read them.

use rushes_core::media::{ClipFormat, Rate};

/// `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 clip`, `1,200 clips`.
pub(crate) fn counted(n: u64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

/// Decimal units, as drives are sold and disks are shown: `859 kB`, `2.94 MB`, `1.20 TB`.
pub(crate) fn bytes(n: u64) -> String {
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB", "PB", "EB"] {
        // What would print as 1000 belongs to the next unit.
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$} {unit}")
}

/// Work or wall time: `840 ms`, `12.5 s`, `4 min 05 s`, `2 h 03 min`.
pub(crate) fn time(ms: f64) -> String {
    if !ms.is_finite() || ms < 0.0 {
        return "unknown".into();
    }
    if ms < 999.5 {
        return format!("{ms:.0} ms");
    }
    if ms < 59_950.0 {
        return format!("{:.1} s", ms / 1000.0);
    }
    let s = (ms / 1000.0).round() as u64;
    if s < 3600 { format!("{} min {:02} s", s / 60, s % 60) } else { format!("{} h {:02} min", s / 3600, s / 60 % 60) }
}

/// Length on the wall, `00:04:10.4`: whole tenths of a second of `frames` at `rate`, rounded down.
pub(crate) fn duration(frames: u64, rate: Rate) -> String {
    let tenths = u128::from(frames) * 10 * u128::from(rate.den()) / u128::from(rate.num());
    let s = tenths / 10;
    format!("{:02}:{:02}:{:02}.{}", s / 3600, s / 60 % 60, s % 60, tenths % 10)
}

/// The trade's name of a rate: `23.976`, `25`, otherwise the fraction.
pub(crate) fn rate(r: Rate) -> String {
    match (r.num(), r.den()) {
        (n, 1) => n.to_string(),
        (n, 1001) if n.is_multiple_of(1000) => {
            let text = format!("{:.3}", f64::from(n) / 1001.0);
            text.strip_suffix('0').unwrap_or(&text).to_owned()
        }
        _ => r.to_string(),
    }
}

/// A measured number without tail: `5600`, `2.8`, `180`.
pub(crate) fn number(v: f64) -> String {
    if !v.is_finite() {
        return "unknown".into();
    }
    let text = format!("{v:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What the trade calls a format.
pub(crate) fn format(f: ClipFormat) -> &'static str {
    match f {
        ClipFormat::CinemaDng => "CinemaDNG",
        ClipFormat::Dng => "DNG",
        ClipFormat::Arriraw => "ARRIRAW",
        ClipFormat::ArriMxf => "ARRI MXF",
        ClipFormat::SonyMxf => "Sony MXF",
        ClipFormat::Mxf => "MXF",
        ClipFormat::Mlv => "Magic Lantern MLV",
        ClipFormat::R3d => "REDCODE",
        ClipFormat::Braw => "Blackmagic RAW",
        ClipFormat::Crm => "Cinema RAW Light",
        ClipFormat::ProresMov => "ProRes MOV",
        ClipFormat::ProresRawMov => "ProRes RAW MOV",
        ClipFormat::Mov => "MOV",
        ClipFormat::Cine => "Phantom CINE",
        ClipFormat::Gpr => "GoPro GPR",
        ClipFormat::Dpx => "DPX",
        ClipFormat::Exr => "OpenEXR",
        ClipFormat::StillRaw => "camera raw still",
        ClipFormat::Still => "still",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_to_three_figures_and_never_say_1000() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (9_994, "9.99 kB"),
            (9_995, "10.0 kB"),
            (99_950, "100 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (2_937_781, "2.94 MB"),
            (14_300_000_000, "14.3 GB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (n, text) in cases {
            assert_eq!(bytes(n), text, "{n}");
        }
    }

    #[test]
    fn counts_have_separators() {
        let texts: Vec<_> = [0, 999, 1000, 12_345, 1_234_567].map(count).into();
        assert_eq!(texts, ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!((counted(1, "clip"), counted(0, "clip")), ("1 clip".into(), "0 clips".into()));
    }

    #[test]
    fn times_read_as_people_say_them() {
        let cases = [
            (0.4, "0 ms"),
            (840.0, "840 ms"),
            (999.6, "1.0 s"),
            (59_949.0, "59.9 s"),
            (59_960.0, "1 min 00 s"),
            (245_000.0, "4 min 05 s"),
            (7_380_000.0, "2 h 03 min"),
            (f64::NAN, "unknown"),
            (-1.0, "unknown"),
        ];
        for (ms, text) in cases {
            assert_eq!(time(ms), text, "{ms}");
        }
    }

    #[test]
    fn durations_are_exact_at_ntsc_rates() {
        // 24 000 frames at 24000/1001 last 1001 s.
        assert_eq!(duration(24_000, Rate::FPS_23_976), "00:16:41.0");
        assert_eq!(duration(16, Rate::FPS_25), "00:00:00.6");
    }

    #[test]
    fn rates_have_the_trades_names() {
        let names: Vec<_> =
            [Rate::FPS_23_976, Rate::FPS_25, Rate::FPS_29_97, Rate::FPS_47_952, Rate::FPS_59_94].map(rate).into();
        assert_eq!(names, ["23.976", "25", "29.97", "47.952", "59.94"]);
        assert_eq!(rate(Rate::new(15, 2).unwrap()), "15/2");
    }

    #[test]
    fn numbers_lose_their_tails() {
        assert_eq!([5600.0, 2.8, 172.8, 0.0].map(number), ["5600", "2.8", "172.8", "0"]);
        assert_eq!(number(f64::INFINITY), "unknown");
    }
}
