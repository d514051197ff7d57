//! Turnaround against the number of workers, as SVG.

use std::fmt::Write as _;

use crate::outcome::Outcome;
use crate::tell::time;

/// The same scenario with several numbers of workers: for each of its arrivals the time until half of the clips are
/// done, and until 99 of 100 are. Both axes are logarithmic: twice the workers and half the time is a straight line.
pub fn turnaround(runs: &[(usize, Outcome)], subtitle: &str) -> String {
    let names: Vec<&str> =
        runs.first().map(|(_, o)| o.by_arrivals.iter().map(|t| t.of.as_str()).collect()).unwrap_or_default();
    let of =
        |o: &Outcome, i: usize| o.by_arrivals.get(i).filter(|t| t.done > 0).map(|t| (t.p50.max(0.1), t.p99.max(0.1)));
    let all: Vec<f64> = runs
        .iter()
        .flat_map(|(_, o)| (0..names.len()).filter_map(move |i| of(o, i)))
        .flat_map(|(a, b)| [a, b])
        .collect();
    let workers: Vec<f64> = runs.iter().map(|(n, _)| (*n).max(1) as f64).collect();
    let x = Axis::over(&workers, LEFT, WIDTH - RIGHT);
    let y = Axis::over(&all, HEIGHT - BOTTOM, TOP);

    let mut s = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"Helvetica, Arial, sans-serif\" \
         font-size=\"13\" fill=\"#222\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    let _ = writeln!(s, "<text x=\"{LEFT}\" y=\"26\" font-size=\"17\" font-weight=\"bold\">From asking to done</text>");
    let _ = writeln!(s, "<text x=\"{LEFT}\" y=\"46\" fill=\"#666\">{}</text>", escaped(subtitle));
    for at in NICE.iter().filter(|t| y.shows(**t)) {
        let v = y.at(*at);
        let _ = writeln!(
            s,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{v:.1}\" y2=\"{v:.1}\" stroke=\"#e3e3e3\"/>",
            WIDTH - RIGHT
        );
        let label = time(*at).replace(".0 ", " ");
        let _ = writeln!(s, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 8.0, v + 4.5);
    }
    for n in &workers {
        let h = x.at(*n);
        let _ = writeln!(
            s,
            "<line x1=\"{h:.1}\" x2=\"{h:.1}\" y1=\"{TOP}\" y2=\"{}\" stroke=\"#f0f0f0\"/>",
            HEIGHT - BOTTOM
        );
        let _ = writeln!(s, "<text x=\"{h:.1}\" y=\"{}\" text-anchor=\"middle\">{n}</text>", HEIGHT - BOTTOM + 18.0);
    }
    let _ = writeln!(
        s,
        "<path d=\"M{LEFT} {TOP}V{0}H{1}\" fill=\"none\" stroke=\"#888\"/>\n<text x=\"{2:.1}\" y=\"{3}\" text-anchor=\"middle\">workers</text>",
        HEIGHT - BOTTOM,
        WIDTH - RIGHT,
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 14.0
    );
    let _ = writeln!(
        s,
        "<text transform=\"translate(18 {:.1}) rotate(-90)\" text-anchor=\"middle\">time until a clip is done</text>",
        (TOP + HEIGHT - BOTTOM) / 2.0
    );

    let mut taken: Vec<f64> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        for (what, dash, pick) in [
            ("99 %", "", (|v: (f64, f64)| v.1) as fn((f64, f64)) -> f64),
            ("50 %", " stroke-dasharray=\"6 4\"", |v| v.0),
        ] {
            let points: Vec<(f64, f64)> =
                runs.iter().zip(&workers).filter_map(|((_, o), n)| Some((x.at(*n), y.at(pick(of(o, i)?))))).collect();
            let Some(last) = points.last() else { continue };
            let path: Vec<String> = points.iter().map(|(h, v)| format!("{h:.1},{v:.1}")).collect();
            let _ = writeln!(
                s,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>",
                path.join(" ")
            );
            for (h, v) in &points {
                let _ = writeln!(s, "<circle cx=\"{h:.1}\" cy=\"{v:.1}\" r=\"3\" fill=\"{colour}\"/>");
            }
            let label = free(&mut taken, last.1);
            let _ = writeln!(
                s,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}, {what}</text>",
                last.0 + 10.0,
                label + 4.5,
                escaped(name)
            );
        }
    }
    s.push_str("</svg>\n");
    s
}

const WIDTH: f64 = 940.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 250.0;
const TOP: f64 = 66.0;
const BOTTOM: f64 = 58.0;

/// Apart for those who see colours differently, too (Okabe and Ito 2008).
const COLOURS: [&str; 5] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"];

/// Times that have lines, in seconds.
const NICE: [f64; 20] = [
    0.1,
    0.3,
    1.0,
    3.0,
    10.0,
    30.0,
    60.0,
    180.0,
    300.0,
    600.0,
    1800.0,
    3600.0,
    7200.0,
    18000.0,
    36000.0,
    86400.0,
    259_200.0,
    864_000.0,
    2_592_000.0,
    8_640_000.0,
];

/// Logarithmic.
struct Axis {
    least: f64,
    most: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: &[f64], from: f64, to: f64) -> Self {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min).min(1e12).log2();
        let most = values.iter().copied().fold(0.1, f64::max).log2();
        // One value has an axis, too.
        let room = ((most - least) * 0.05).max(0.15);
        Self { least: least - room, most: most + room, from, to }
    }

    fn at(&self, value: f64) -> f64 {
        self.from + (self.to - self.from) * (value.log2() - self.least) / (self.most - self.least)
    }

    fn shows(&self, value: f64) -> bool {
        (self.least..=self.most).contains(&value.log2())
    }
}

/// The place for a label that is nearest to `wanted`, a line away from all others.
fn free(taken: &mut Vec<f64>, wanted: f64) -> f64 {
    let steps = (0..200).flat_map(|i| [f64::from(i), -f64::from(i)]);
    let place = steps.map(|i| wanted + i).find(|p| taken.iter().all(|t| (t - p).abs() >= 16.0)).unwrap_or(wanted);
    taken.push(place);
    place
}

fn escaped(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_a_line_apart() {
        let mut taken = Vec::new();
        let places: Vec<f64> = [100.0, 100.0, 101.0, 300.0].iter().map(|w| free(&mut taken, *w)).collect();
        for (i, a) in places.iter().enumerate() {
            assert!(places[..i].iter().all(|b| (a - b).abs() >= 16.0), "{places:?}");
        }
        assert_eq!((places[0], places[3]), (100.0, 300.0));
    }

    #[test]
    fn axes_are_logarithmic_and_text_is_escaped() {
        let axis = Axis::over(&[1.0, 4.0], 0.0, 100.0);
        let [a, b, c] = [1.0, 2.0, 4.0].map(|v| axis.at(v));
        assert!((b - a - (c - b)).abs() < 1e-9 && a > 0.0 && c < 100.0);
        assert_eq!(escaped("a<b>&\u{1b}"), "a&lt;b&gt;&amp;");
    }
}
