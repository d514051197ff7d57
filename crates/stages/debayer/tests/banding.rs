//! Rows come out equal whatever is computed with them; damage stays where it is.

mod support;

use proptest::prelude::*;
use rushes_core::media::{Cfa, Rect};
use rushes_core::stage::FrameStage;
use rushes_debayer::{Debayer, Domain, Method};
use support::{FULL_SIZE, Plane, banded, camera, debayer, plain};

const ALL: [Method; 5] = [Method::Superpixel, Method::Bilinear, Method::Malvar, Method::Rcd, Method::Gbtf];

#[test]
fn bands_of_any_height_give_the_same_bits() {
    let mosaic = Plane::noise(53, 150, 1);
    for method in ALL {
        for cfa in Cfa::ALL {
            let (stage, format) = (Debayer::new(method), mosaic.format(cfa));
            let whole = debayer(&stage, &format, &mosaic);
            assert!(whole.data.iter().all(|v| v.is_finite()));
            for height in [1, 7, 16, 64] {
                let bands = banded(&stage, &format, &mosaic, (height..).step_by(height).take(150));
                assert_eq!(bands.bits(bands.whole()), whole.bits(whole.whole()), "{method:?} {cfa:?} by {height}");
            }
        }
    }
}

#[test]
fn wide_pictures_have_no_seams() {
    // Wider than what is computed side by side; compared with its middle alone, away from borders.
    let wide = Plane::noise(2300, 26, 5);
    for first in [960, 1990] {
        let middle = Plane::of(120, 26, |y, x| wide.data[y * 2300 + first + x]);
        for method in FULL_SIZE {
            let whole = debayer(&Debayer::new(method), &wide.format(Cfa::Gbrg), &wide);
            let part = debayer(&Debayer::new(method), &middle.format(Cfa::Gbrg), &middle);
            let inner = Rect { x: 16, y: 0, width: 88, height: 26 };
            let there = Rect { x: first + 16, ..inner };
            assert_eq!(whole.bits(there), part.bits(inner), "{method:?} from {first}");
        }
    }
}

fn stage() -> impl Strategy<Value = Debayer> {
    let domain = prop::option::of(prop::sample::select(vec![Domain::Linear, Domain::Sqrt]));
    (prop::sample::select(ALL.to_vec()), prop::option::of(any::<bool>()), any::<bool>(), domain)
        .prop_map(|(method, balance, crop, domain)| Debayer { method, balance, crop, domain })
}

/// A part of `0..n` of at least two samples.
fn part(n: usize) -> impl Strategy<Value = (usize, usize)> {
    (0..=n - 2).prop_flat_map(move |start| (Just(start), 2..=n - start))
}

fn picture() -> impl Strategy<Value = (Plane, Option<Rect>)> {
    (2..40usize, 2..40usize, any::<u64>()).prop_flat_map(|(width, height, seed)| {
        let crop = (part(width), part(height)).prop_map(|((x, width), (y, height))| Rect { x, y, width, height });
        (Just(Plane::noise(width, height, seed)), prop::option::of(crop))
    })
}

proptest! {
    #[test]
    fn any_picture_in_any_bands_gives_the_same_bits(
        stage in stage(),
        (mosaic, crop) in picture(),
        cfa in prop::sample::select(Cfa::ALL.to_vec()),
        white in prop::option::of(Just([0.4, 1.0, 0.7])),
        mut cuts in prop::collection::vec(0..40usize, 0..6),
    ) {
        cuts.sort_unstable();
        let mut format = mosaic.format(cfa);
        format.facts.default_crop = crop;
        format.facts.camera_color = white.map(camera);
        let whole = debayer(&stage, &format, &mosaic);
        let bands = banded(&stage, &format, &mosaic, cuts.into_iter());
        prop_assert_eq!(bands.bits(bands.whole()), whole.bits(whole.whole()));
        prop_assert!(whole.data.iter().all(|v| v.is_finite()));

        // A crop is a part of the whole picture, whatever its phase.
        if let (Some(crop), true, true) = (crop, stage.crop, stage.method != Method::Superpixel) {
            let uncropped = debayer(&Debayer { crop: false, ..stage }, &format, &mosaic);
            prop_assert_eq!(uncropped.bits(crop), whole.bits(whole.whole()));
        }

        let kernel = stage.prepare(&format).unwrap();
        let mut last = 0..0;
        for row in 0..kernel.format().height {
            let rows = kernel.input_rows(row..row + 1);
            prop_assert!(rows.start >= last.start && rows.end >= last.end && rows.end <= mosaic.height);
            last = rows;
        }
    }

    #[test]
    fn any_samples_at_all_give_a_picture(
        stage in stage(),
        width in 2..24usize,
        height in 2..24usize,
        samples in prop::collection::vec(any::<f32>(), 24 * 24),
    ) {
        let mosaic = Plane { width, height, data: samples[..width * height].to_vec() };
        debayer(&stage, &mosaic.format(Cfa::Gbrg), &mosaic);
    }
}

#[test]
fn a_bad_sample_spoils_no_more_than_the_radius() {
    let (size, at) = (61, 30);
    for (method, radius) in [(Method::Bilinear, 1), (Method::Malvar, 2), (Method::Rcd, 10), (Method::Gbtf, 12)] {
        for cfa in Cfa::ALL {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
                let good = Plane::noise(size, size, 3);
                let mut hurt = good.clone();
                hurt.data[at * size + at] = bad;
                let stage = Debayer::new(method);
                let good = debayer(&stage, &good.format(cfa), &good);
                let hurt = debayer(&stage, &hurt.format(cfa), &hurt);
                for (y, x) in (0..size).flat_map(|y| (0..size).map(move |x| (y, x))) {
                    if y.abs_diff(at).max(x.abs_diff(at)) > radius {
                        let pixel = Rect { x, y, width: 1, height: 1 };
                        assert_eq!(hurt.bits(pixel), good.bits(pixel), "{method:?} {cfa:?} {bad} at {y},{x}");
                    }
                }
            }
        }
    }
}

#[test]
fn measured_samples_stay_as_they_are() {
    let mosaic = Plane::noise(23, 17, 5);
    for method in FULL_SIZE {
        for cfa in Cfa::ALL {
            for domain in [Domain::Linear, Domain::Sqrt] {
                let mut format = mosaic.format(cfa);
                format.facts.camera_color = Some(camera([0.37, 1.0, 0.71]));
                let stage = Debayer { balance: Some(true), domain: Some(domain), ..Debayer::new(method) };
                let rgb = debayer(&stage, &format, &mosaic);
                for (y, x) in (0..17).flat_map(|y| (0..23).map(move |x| (y, x))) {
                    assert_eq!(rgb.at(cfa.color_at(y, x), y, x).to_bits(), mosaic.data[y * 23 + x].to_bits());
                }
            }
        }
    }
}

#[test]
fn balancing_makes_a_grey_scene_grey() {
    let grey = Plane::noise(40, 30, 7);
    let neutral = [0.37, 1.0, 0.71];
    for method in FULL_SIZE {
        for cfa in Cfa::ALL {
            let tinted = Plane::of(40, 30, |y, x| grey.data[y * 40 + x] * neutral[cfa.color_at(y, x)] as f32);
            let mut format = tinted.format(cfa);
            format.facts.camera_color = Some(camera(neutral));
            let stage = Debayer { balance: Some(true), ..plain(method) };
            let got = debayer(&stage, &format, &tinted);
            let want = debayer(&plain(method), &grey.format(cfa), &grey);
            for (plane, n) in neutral.iter().enumerate() {
                for (y, x) in (0..30).flat_map(|y| (0..40).map(move |x| (y, x))) {
                    let (got, want) = (got.at(plane, y, x), want.at(plane, y, x) * *n as f32);
                    assert!((got - want).abs() < 2e-4, "{method:?} {cfa:?} plane {plane} at {y},{x}: {got} {want}");
                }
            }
        }
    }
}
