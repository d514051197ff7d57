use rushes_core::frame::{Band, BandMut, FrameFacts};

use super::*;

fn format(width: usize, height: usize, pixel_aspect: Option<(u32, u32)>) -> FrameFormat {
    let facts = FrameFacts { pixel_aspect, ..FrameFacts::default() };
    FrameFormat { state: ImageState::Display, width, height, facts }
}

fn size_of(scale: &Scale, input: &FrameFormat) -> (usize, usize, Option<(u32, u32)>) {
    let kernel = scale.prepare(input).unwrap();
    let f = kernel.format();
    (f.width, f.height, f.facts.pixel_aspect)
}

/// The whole picture, computed in bands of `rows` rows, each from only the rows it asks for.
fn scaled(scale: &Scale, input: &FrameFormat, data: &[f32], rows: usize) -> Vec<f32> {
    let kernel = scale.prepare(input).unwrap();
    let (w, h) = (kernel.format().width, kernel.format().height);
    let mut out = vec![f32::NAN; 3 * w * h];
    for first in (0..h).step_by(rows) {
        let band = first..(first + rows).min(h);
        let need = kernel.input_rows(band.clone());
        let part: Vec<f32> = (0..3)
            .flat_map(|p| {
                data[(p * input.height + need.start) * input.width..(p * input.height + need.end) * input.width]
                    .to_vec()
            })
            .collect();
        let mut got = vec![f32::NAN; 3 * w * band.len()];
        kernel.run(&Band::new(&part, 3, input.width, need), &mut BandMut::new(&mut got, 3, w, band.clone()));
        for p in 0..3 {
            out[(p * h + band.start) * w..(p * h + band.end) * w]
                .copy_from_slice(&got[p * w * band.len()..(p + 1) * w * band.len()]);
        }
    }
    out
}

fn texture(w: usize, h: usize) -> Vec<f32> {
    let plane = (0..h).flat_map(|y| (0..w).map(move |x| ((x * 7 + y * 13) % 11) as f32 / 8.0 + (x * y) as f32 / 64.0));
    let plane: Vec<f32> = plane.collect();
    [plane.clone(), plane.iter().map(|v| v * 2.0).collect(), plane.iter().map(|v| -v).collect()].concat()
}

#[test]
fn pictures_equal_those_of_an_independent_resampler() {
    // Pillow 13.0.0: Image.fromarray(a).resize(size, BOX | BILINEAR | LANCZOS) in mode F, where
    // a[y, x] = ((7x + 13y) mod 11) / 8 + xy / 64 of 9 rows and 13 columns; at the rows and columns
    // (0, 0), (1, 2), (last, last), (2, last but one).
    for (filter, (w, h), want) in [
        (ResampleFilter::Box, (5, 4), [0.5494791865348816, 0.9340277910232544, 2.0182290077209473, 1.29296875]),
        (ResampleFilter::Box, (20, 15), [0.0, 0.875, 1.625, 1.3125]),
        (
            ResampleFilter::Triangle,
            (5, 4),
            [0.5741666555404663, 0.8679660558700562, 1.8622618913650513, 1.2644932270050049],
        ),
        (ResampleFilter::Triangle, (20, 15), [0.0, 0.9195312261581421, 1.625, 0.889453113079071]),
        (
            ResampleFilter::Lanczos3,
            (5, 4),
            [0.5359762907028198, 0.8557395935058594, 1.9210453033447266, 1.238541603088379],
        ),
        (
            ResampleFilter::Lanczos3,
            (20, 15),
            [-0.11204177141189575, 1.0806549787521362, 1.4702025651931763, 0.900006890296936],
        ),
    ] {
        let scale = Scale { filter, ..Scale::display(ScaleTo::Exact { width: w, height: h }) };
        let got = scaled(&scale, &format(13, 9, None), &texture(13, 9), h);
        for ((y, x), want) in [(0, 0), (1, 2), (h - 1, w - 1), (2, w - 2)].into_iter().zip(want) {
            for (plane, sign) in [1.0, 2.0, -1.0].into_iter().enumerate() {
                let got = f64::from(got[(plane * h + y) * w + x]);
                assert!((got - sign * want).abs() < 1e-6, "{filter:?} {w}x{h} at {y}, {x}: {got} for {want}");
            }
        }
    }
}

#[test]
fn any_banding_gives_the_same_bits() {
    for to in [ScaleTo::Factor(0.37), ScaleTo::Factor(1.9), ScaleTo::Exact { width: 61, height: 7 }] {
        for filter in [ResampleFilter::Box, ResampleFilter::Triangle, ResampleFilter::Lanczos3] {
            let scale = Scale { filter, ..Scale::display(to) };
            let (input, data) = (format(61, 43, None), texture(61, 43));
            let whole = scaled(&scale, &input, &data, usize::MAX / 2);
            for rows in [1, 2, 5, 16] {
                assert!(
                    scaled(&scale, &input, &data, rows)
                        .iter()
                        .map(|v| v.to_bits())
                        .eq(whole.iter().map(|v| v.to_bits()))
                );
            }
        }
    }
}

#[test]
fn a_flat_picture_stays_flat() {
    for (w, h) in [(640, 360), (7, 5), (1, 1)] {
        for to in [ScaleTo::Factor(0.31), ScaleTo::Factor(2.7), ScaleTo::Exact { width: 3, height: 2 }] {
            for filter in [ResampleFilter::Box, ResampleFilter::Triangle, ResampleFilter::Lanczos3] {
                let scale = Scale { filter, ..Scale::display(to) };
                let out = scaled(&scale, &format(w, h, None), &vec![0.73; 3 * w * h], 9);
                assert!(out.iter().all(|v| (v - 0.73).abs() < 1e-6), "{to:?} {filter:?}");
            }
        }
    }
}

#[test]
fn a_picture_that_keeps_its_size_keeps_its_bits() {
    let data = texture(13, 9);
    let fit = Scale::display(ScaleTo::Fit { width: 1920, height: 1080 });
    assert_eq!(scaled(&fit, &format(13, 9, None), &data, 4), data);
}

#[test]
fn sizes_keep_the_aspect_of_the_picture_as_shown() {
    let hd = ScaleTo::Fit { width: 1920, height: 1080 };
    let fit = Scale::display(hd);
    assert_eq!(size_of(&fit, &format(4096, 2160, None)), (1920, 1013, None));
    assert_eq!(size_of(&fit.clone().even(), &format(4096, 2160, None)), (1920, 1012, None));
    assert_eq!(size_of(&fit, &format(2880, 2160, Some((2, 1)))), (1920, 720, Some((1, 1))));
    assert_eq!(size_of(&fit, &format(1280, 720, None)), (1280, 720, None));
    assert_eq!(size_of(&Scale { enlarge: true, ..fit.clone() }, &format(1280, 720, None)), (1920, 1080, None));
    // A small anamorphic picture is not enlarged, but gets its width.
    assert_eq!(size_of(&fit, &format(640, 480, Some((4, 3)))), (853, 480, Some((1, 1))));
    let squeezed = Scale { desqueeze: false, ..fit };
    assert_eq!(size_of(&squeezed, &format(2880, 2160, Some((2, 1)))), (1440, 1080, Some((2, 1))));
    // A stretched picture is shown the same through its pixel aspect.
    let exact = Scale { desqueeze: false, ..Scale::display(ScaleTo::Exact { width: 1920, height: 1080 }) };
    assert_eq!(size_of(&exact, &format(2880, 2160, Some((2, 1)))), (1920, 1080, Some((3, 2))));
    assert_eq!(size_of(&Scale::display(ScaleTo::Factor(0.5)), &format(101, 1, None)), (51, 1, None));
    assert_eq!(size_of(&Scale::display(ScaleTo::Factor(0.5)).even(), &format(101, 1, None)), (50, 2, None));
    let odd_box = Scale::display(ScaleTo::Fit { width: 101, height: 999 }).even();
    assert_eq!(size_of(&odd_box, &format(2000, 2000, None)), (100, 100, None));
}

#[test]
fn sizes_that_make_no_sense_are_said() {
    for (to, why) in [
        (ScaleTo::Factor(0.0), "factor of 0"),
        (ScaleTo::Factor(f64::NAN), "factor of NaN"),
        (ScaleTo::Factor(1e9), "pixels"),
        (ScaleTo::Exact { width: 0, height: 5 }, "0 pixels"),
        (ScaleTo::Fit { width: 5, height: 0 }, "0 pixels"),
        (ScaleTo::Fit { width: usize::MAX, height: 5 }, "pixels"),
    ] {
        let e = Scale::display(to).prepare(&format(64, 48, None)).err().unwrap().to_string();
        assert!(e.contains(why), "{e}");
    }
    let odd = Scale::display(ScaleTo::Exact { width: 5, height: 4 }).even();
    assert!(odd.prepare(&format(64, 48, None)).err().unwrap().to_string().contains("even"));
    let other = Scale::scene_linear(ScaleTo::Factor(0.5)).prepare(&format(64, 48, None)).err().unwrap().to_string();
    assert!(other.contains("scene-linear") && other.contains("display"), "{other}");
    let mosaic = Scale { state: ImageState::Mosaic, ..Scale::display(ScaleTo::Factor(0.5)) };
    assert!(mosaic.prepare(&FrameFormat { state: ImageState::Mosaic, ..format(4, 4, None) }).is_err());
    assert!(Scale::display(ScaleTo::Factor(0.5)).prepare(&format(64, 48, Some((1, 0)))).is_err());
}

#[test]
fn parameters_survive_a_workflow_file() {
    let scale = Scale::scene_linear(ScaleTo::Fit { width: 2048, height: 1080 }).even();
    assert_eq!(serde_json::from_value::<Scale>(scale.params()).unwrap(), scale);
    let text = r#"{"state":"display","to":{"factor":0.5},"filter":"box"}"#;
    let want = Scale { filter: ResampleFilter::Box, ..Scale::display(ScaleTo::Factor(0.5)) };
    assert_eq!(serde_json::from_str::<Scale>(text).unwrap(), want);
    assert!(serde_json::from_str::<Scale>(r#"{"state":"display"}"#).is_err());
}

#[test]
fn averaging_logarithms_leaves_no_black_rim_around_a_highlight() {
    let format = FrameFormat { state: ImageState::SceneLinear, ..format(64, 48, None) };
    let lit = |i: usize| (20..28).contains(&(i % 64)) && (16..24).contains(&(i / 64 % 48));
    let data: Vec<f32> = (0..3 * 64 * 48).map(|i| if lit(i) { 50.0 } else { 0.1 }).collect();
    let linear = Scale::scene_linear(ScaleTo::Exact { width: 30, height: 22 });
    let log = Scale { domain: ScaleDomain::Log, ..linear.clone() };
    let least = |v: &[f32]| v.iter().copied().fold(f32::MAX, f32::min);
    assert!(least(&scaled(&linear, &format, &data, 22)) < -1.0);
    let whole = scaled(&log, &format, &data, 22);
    assert!(least(&whole) > 0.02, "{}", least(&whole));
    assert!((whole[0] - 0.1).abs() < 1e-6, "what is flat stays what it is");
    for rows in [1, 5] {
        assert_eq!(scaled(&log, &format, &data, rows), whole);
    }
    let e = Scale { state: ImageState::Display, ..log }.prepare(&super::tests::format(4, 4, None)).err().unwrap();
    assert!(e.to_string().contains("logarithm"), "{e}");
}

#[test]
fn bands_in_order_give_the_same_bits_and_one_out_of_order_too() {
    let input = FrameFormat { state: ImageState::SceneLinear, ..format(61, 43, None) };
    let data = texture(61, 43);
    for (to, domain) in [
        (ScaleTo::Factor(0.37), ScaleDomain::Log),
        (ScaleTo::Factor(1.9), ScaleDomain::Log),
        (ScaleTo::Factor(0.37), ScaleDomain::AsIs),
    ] {
        let scale = Scale { state: ImageState::SceneLinear, domain, ..Scale::display(to) };
        let kernel = scale.prepare(&input).unwrap();
        let (w, h) = (kernel.format().width, kernel.format().height);
        let whole = scaled(&scale, &input, &data, h);
        let mut in_order = kernel.in_order().unwrap();
        let starts: Vec<usize> = (0..h).step_by(3).chain([h / 2, 0]).collect();
        for first in starts {
            let band = first..(first + 3).min(h);
            let need = kernel.input_rows(band.clone());
            let plane = |p: usize| data[(p * 43 + need.start) * 61..(p * 43 + need.end) * 61].to_vec();
            let part: Vec<f32> = (0..3).flat_map(plane).collect();
            let mut got = vec![f32::NAN; 3 * w * band.len()];
            in_order.run(&Band::new(&part, 3, 61, need), &mut BandMut::new(&mut got, 3, w, band.clone()));
            for (p, got) in got.chunks_exact(w * band.len()).enumerate() {
                assert_eq!(got, &whole[(p * h + band.start) * w..(p * h + band.end) * w], "{to:?} {domain:?} {band:?}");
            }
        }
    }
}

#[test]
fn devices_get_the_weights_once() {
    let scale = Scale::display(ScaleTo::Exact { width: 5, height: 3 });
    let work = || scale.prepare(&format(20, 9, None)).unwrap().on_device().unwrap();
    let (one, two) = (work(), work());
    assert_eq!((one.program, one.words[0], one.tables[0].len(), one.tables[2].len()), ("scale", 0, 15, 9));
    // The spans of the columns lie one after the other, and end with the weights.
    let [first, begin, count] = [0, 1, 2].map(|k| one.tables[0][12 + k]);
    assert_eq!((first + count, begin + count), (20.0, one.tables[1].len() as f32));
    assert!(one.tables.iter().zip(&two.tables).all(|(a, b)| std::sync::Arc::ptr_eq(a, b)));
}
