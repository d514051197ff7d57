//! The scopes as a picture: traces as small PNGs, lines and labels as vectors.

use std::fmt::Write as _;

use rushes_core::{Error, ErrorKind, Result};

use super::{BINS, ROWS, Scopes, Trace, share};

/// Width of the picture, px.
pub(crate) const WIDTH: usize = 744;
/// Height of the picture, px.
pub(crate) const HEIGHT: usize = 162;

/// Columns of the waveform, one px each; the parade has a third for each channel.
pub(super) const COLUMNS: usize = 216;
/// Left edges of the three plots.
const LEFT: [usize; 3] = [24, 276, 528];
/// Upper edge of the plots.
const TOP: usize = 18;
/// Steps of brightness in a trace.
const STEPS: usize = 16;

/// Phosphor of luma, red, green, blue.
const LUMA: [u8; 3] = [214, 226, 218];
const RED: [u8; 3] = [255, 92, 84];
const GREEN: [u8; 3] = [92, 222, 110];
const BLUE: [u8; 3] = [96, 150, 255];
const GROUND: [u8; 3] = [15, 17, 20];

const STYLE: &str = "<style>:root{color-scheme:light dark}text{font:9.5px system-ui,-apple-system,'Segoe UI',Roboto,\
'Liberation Sans',sans-serif;font-variant-numeric:tabular-nums;fill:#57606a}.t{font-weight:600}.g{stroke:#fff;\
stroke-opacity:.22}.e{stroke-opacity:.45}.h path{mix-blend-mode:screen;fill-opacity:.62}\
@media(prefers-color-scheme:dark){text{fill:#9aa4af}}@media print{text{fill:#333}}</style>";

pub(super) fn svg(s: &Scopes, frame: i64) -> Result<String> {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\">{STYLE}\n"
    );
    plot(&mut out, 0, "Luma waveform, %", &format!("frame {frame}"));
    image(&mut out, 0, &trace_png(&[(&s.luma, LUMA)])?);
    levels(&mut out, 0);

    plot(&mut out, 1, "RGB parade, %", "");
    let [r, g, b] = &s.parade;
    image(&mut out, 1, &trace_png(&[(r, RED), (g, GREEN), (b, BLUE)])?);
    levels(&mut out, 1);

    let clipped = format!("at 0: {}    at 255: {}", share(s.at_black, s.pixels), share(s.at_white, s.pixels));
    plot(&mut out, 2, "Histogram", &clipped);
    histogram(&mut out, s);
    out.push_str("</svg>\n");
    Ok(out)
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = out.write_fmt(text);
}

fn plot(out: &mut String, pane: usize, title: &str, right: &str) {
    let [r, g, b] = GROUND;
    let x = LEFT[pane];
    put(out, format_args!("<text class=\"t\" x=\"{x}\" y=\"11\">{title}</text>"));
    if !right.is_empty() {
        // `<0.1 %` is the only mark-up character these texts can have.
        let (end, text) = (x + COLUMNS, right.replace('<', "&lt;"));
        put(out, format_args!("<text x=\"{end}\" y=\"11\" text-anchor=\"end\" xml:space=\"preserve\">{text}</text>"));
    }
    put(
        out,
        format_args!(
            "<rect x=\"{x}\" y=\"{TOP}\" width=\"{COLUMNS}\" height=\"{ROWS}\" fill=\"#{r:02x}{g:02x}{b:02x}\"/>\n"
        ),
    );
}

/// Where a code value lies in a plot of [`ROWS`] px, from above: the middle of its half row.
fn height_of(code: f64) -> f64 {
    ROWS as f64 - (code + 0.5) * ROWS as f64 / 256.0
}

/// Lines and labels at 0, 25, 50, 75 and 100 %.
fn levels(out: &mut String, pane: usize) {
    let x = LEFT[pane];
    for percent in [100, 75, 50, 25, 0] {
        let y = TOP as f64 + height_of(f64::from(percent) * 2.55);
        let end = if percent % 100 == 0 { " e" } else { "" };
        let (label, right) = (x - 4, x + COLUMNS);
        put(out, format_args!("<path class=\"g{end}\" d=\"M{x} {y:.2}H{right}\"/>"));
        let y = y + 3.4;
        put(out, format_args!("<text x=\"{label}\" y=\"{y:.1}\" text-anchor=\"end\">{percent}</text>"));
    }
    out.push('\n');
}

fn histogram(out: &mut String, s: &Scopes) {
    let left = LEFT[2];
    let bottom = TOP + ROWS;
    for code in [0u8, 64, 128, 191, 255] {
        // The middle of the code's share of the width.
        let x = left as f64 + (f64::from(code) + 0.5) * COLUMNS as f64 / 256.0;
        let end = if matches!(code, 0 | 255) { " e" } else { "" };
        put(out, format_args!("<path class=\"g{end}\" d=\"M{x:.2} {TOP}V{bottom}\"/>"));
        let (anchor, x) = match code {
            0 => ("start", left as f64),
            255 => ("end", (left + COLUMNS) as f64),
            _ => ("middle", x),
        };
        let y = bottom + 11;
        put(out, format_args!("<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"{anchor}\">{code}</text>"));
    }
    // Heights are whole numbers of 0 to 256 in a plot that is 128 px high.
    let (across, tallest) = (COLUMNS as f64 / BINS as f64, s.tallest());
    put(out, format_args!("\n<g class=\"h\" transform=\"translate({left} {TOP}) scale({across} .5)\">"));
    for (bins, color) in s.histogram.iter().zip([Some(RED), Some(GREEN), Some(BLUE), None]) {
        let mut path = String::from("M0 256");
        let mut before = 256;
        let mut run = 0;
        for n in bins {
            let y = 256 - (u128::from(*n) * 256 / u128::from(tallest)).min(256) as u32;
            if y != before {
                if run > 0 {
                    put(&mut path, format_args!("h{run}"));
                }
                put(&mut path, format_args!("V{y}"));
                (before, run) = (y, 0);
            }
            run += 1;
        }
        put(&mut path, format_args!("h{run}V256"));
        match color {
            Some([r, g, b]) => put(out, format_args!("<path fill=\"rgb({r},{g},{b})\" d=\"{path}z\"/>")),
            None => put(
                out,
                format_args!(
                    "<path fill=\"none\" stroke=\"#fff\" stroke-opacity=\".75\" vector-effect=\"non-scaling-stroke\" d=\"{path}\"/>"
                ),
            ),
        }
    }
    out.push_str("</g>\n");
}

fn image(out: &mut String, pane: usize, png: &[u8]) {
    let x = LEFT[pane];
    put(
        out,
        format_args!(
            "<image x=\"{x}\" y=\"{TOP}\" width=\"{COLUMNS}\" height=\"{ROWS}\" href=\"data:image/png;base64,"
        ),
    );
    base64(out, png);
    out.push_str("\"/>\n");
}

/// Traces side by side as an indexed PNG, bright levels above.
fn trace_png(traces: &[(&Trace, [u8; 3])]) -> Result<Vec<u8>> {
    let width: usize = traces.iter().map(|(t, _)| t.columns).sum();
    let mut palette = Vec::with_capacity(traces.len() * STEPS * 3);
    for (_, color) in traces {
        for step in 0..STEPS {
            for (c, g) in color.iter().zip(GROUND) {
                let (c, g) = (usize::from(*c), usize::from(g));
                palette.push(((g * (STEPS - 1 - step) + c * step) / (STEPS - 1)) as u8);
            }
        }
    }
    let mut data = Vec::with_capacity(width * ROWS);
    for row in (0..ROWS).rev() {
        for (i, (trace, _)) in traces.iter().enumerate() {
            let first = (i * STEPS) as u8;
            data.extend((0..trace.columns).map(|column| first + trace.brightness(column, row, STEPS as u64)));
        }
    }
    let failed = |e: png::EncodingError| Error::new(ErrorKind::Invalid, e.to_string()).doing("drawing the scopes");
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, ROWS as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette);
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&data).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}

/// RFC 4648, section 4, with padding.
fn base64(out: &mut String, bytes: &[u8]) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.reserve(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let n = three.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let letter = LETTERS[(n >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= three.len() { letter.into() } else { '=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Picture;

    #[test]
    fn base64_is_the_rfcs() {
        // RFC 4648, section 10.
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in cases {
            let mut out = String::new();
            base64(&mut out, plain.as_bytes());
            assert_eq!(out, coded);
        }
    }

    #[test]
    fn codes_lie_in_the_middle_of_their_half_row() {
        assert_eq!([0.0, 127.5, 255.0].map(height_of), [127.75, 64.0, 0.25]);
    }

    #[test]
    fn a_trace_has_its_light_where_the_picture_has() {
        // Left half code 64, right half code 192: rows 32 and 96 from below.
        let rgb = (0..432 * 4).flat_map(|i| [if i % 432 < 216 { 64 } else { 192 }; 3]).collect();
        let s = Scopes::of(&Picture { width: 432, height: 4, rgb });
        let png = trace_png(&[(&s.luma, LUMA)]).unwrap();
        let drawn = Picture::decode(&png).unwrap();
        assert_eq!((drawn.width, drawn.height), (COLUMNS, ROWS));
        for (x, bright_row) in [(0, 127 - 32), (107, 127 - 32), (108, 127 - 96), (215, 127 - 96)] {
            for y in 0..ROWS {
                let pixel = &drawn.rgb[(y * COLUMNS + x) * 3..][..3];
                // Of 15 steps, 64 n / (64 n + n) * 15 = 14.
                let expected = if y == bright_row { [200, 212, 204] } else { GROUND };
                assert_eq!(pixel, expected, "column {x}, row {y}");
            }
        }
    }

    #[test]
    fn the_histogram_draws_one_step_for_a_flat_picture() {
        let s = Scopes::of(&Picture { width: 8, height: 8, rgb: vec![100; 192] });
        // All in bin 50 of 128: up to the top there, at the bottom elsewhere.
        assert_eq!(s.svg(7).unwrap().matches("d=\"M0 256h50V0h1V256h77V256").count(), 4);
    }
}
