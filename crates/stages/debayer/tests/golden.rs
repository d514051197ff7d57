//! The same numbers as others' implementations (made by `golden/make.py`).

mod support;

use rushes_core::media::Cfa;
use rushes_debayer::Method;
use support::{Plane, debayer, plain};

/// The blocks of a golden file: method, phase, numbers.
fn blocks(text: &str) -> Vec<(Method, Cfa, Vec<f64>)> {
    let mut blocks = Vec::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        if line.starts_with(|c: char| c.is_alphabetic()) {
            let method = serde_json::from_value(words[0].into()).unwrap();
            blocks.push((method, serde_json::from_value(words[1].into()).unwrap(), Vec::new()));
        } else {
            blocks.last_mut().unwrap().2.extend(words.iter().map(|w| w.parse::<f64>().unwrap()));
        }
    }
    blocks
}

#[test]
fn linear_filters_equal_colour_demosaicing_to_the_borders() {
    let (width, height) = (12, 10);
    let mosaic = Plane::of(width, height, |y, x| ((31 * y * y + 17 * x * x + 7 * x * y + 13 * x + 5 * y) % 251) as f32);
    let blocks = blocks(include_str!("golden/linear.txt"));
    assert_eq!(blocks.len(), 8);
    for (method, cfa, golden) in blocks {
        assert_eq!(golden.len(), 3 * width * height);
        let rgb = debayer(&plain(method), &mosaic.format(cfa), &mosaic);
        // Small integers and weights of sixteenths: no rounding at all.
        for (i, (got, want)) in rgb.data.iter().zip(golden).enumerate() {
            assert_eq!(f64::from(*got), want / 16.0, "{method:?} {cfa:?}, sample {i}");
        }
    }
}

/// A picture with waves, an edge and grain.
fn picture() -> Plane {
    Plane::of(30, 28, |y, x| {
        let wave = 200 + (x * x + 2 * y * y) % 97 + 9 * x;
        let edge = if x + y > 29 { 180 } else { 0 };
        (wave + edge + (37 * x * y + 11 * x + 5 * y) % 61) as f32 / 1024.0
    })
}

#[test]
fn gbtf_equals_its_formulas_to_the_upper_border() {
    let mosaic = picture();
    let blocks = blocks(include_str!("golden/gbtf.txt"));
    assert_eq!(blocks.len(), 4);
    for (method, cfa, golden) in blocks {
        assert_eq!(golden.len(), 3 * 10 * 10);
        let rgb = debayer(&plain(method), &mosaic.format(cfa), &mosaic);
        let there = (0..3).flat_map(|p| (0..10).flat_map(move |y| (10..20).map(move |x| (p, y, x))));
        for ((p, y, x), want) in there.zip(golden) {
            let got = f64::from(rgb.at(p, y, x));
            assert!((got - want).abs() < 1e-5, "{cfa:?}, plane {p} at {y},{x}: {got}, not {want}");
        }
    }
}

#[test]
fn rcd_equals_librtprocess_inside_its_borders() {
    let mosaic = picture();
    let blocks = blocks(include_str!("golden/rcd.txt"));
    assert_eq!(blocks.len(), 4);
    for (method, cfa, golden) in blocks {
        assert_eq!(golden.len(), 3 * 8 * 10);
        let rgb = debayer(&plain(method), &mosaic.format(cfa), &mosaic);
        let inside = (0..3).flat_map(|p| (10..18).flat_map(move |y| (10..20).map(move |x| (p, y, x))));
        for ((p, y, x), want) in inside.zip(golden) {
            let got = f64::from(rgb.at(p, y, x));
            assert!((got - want).abs() < 1e-5, "{cfa:?}, plane {p} at {y},{x}: {got}, not {want}");
        }
    }
}
