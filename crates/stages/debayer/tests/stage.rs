//! What the stage says of itself, what it makes of the facts, and what it refuses.

mod support;

use rushes_core::ErrorKind;
use rushes_core::frame::ImageState;
use rushes_core::media::{Cfa, Levels, Rect, WhitePoint};
use rushes_core::stage::{FrameStage, StageInfo};
use rushes_debayer::{Debayer, Method};
use serde_json::json;
use support::{FULL_SIZE, Plane, camera, debayer, plain};

#[test]
fn parameters_are_complete_and_read_back() {
    let best = Debayer::default().params();
    assert_eq!(best, json!({ "method": "gbtf", "balance": true, "crop": true, "domain": "sqrt" }));
    let malvar = Debayer::new(Method::Malvar).params();
    assert_eq!(malvar, json!({ "method": "malvar", "balance": false, "crop": true, "domain": "linear" }));
    for params in [best, malvar] {
        assert_eq!(serde_json::from_value::<Debayer>(params.clone()).unwrap().params(), params);
    }
    assert_eq!(serde_json::from_value::<Debayer>(json!({})).unwrap(), Debayer::default());
    let typo = serde_json::from_value::<Debayer>(json!({ "metod": "rcd" })).unwrap_err().to_string();
    assert!(typo.contains("metod") && typo.contains("method"), "{typo}");
    assert!(serde_json::from_value::<Debayer>(json!({ "method": "amaze" })).is_err());
}

#[test]
fn facts_are_those_of_the_result() {
    let mut format = Plane::noise(21, 15, 1).format(Cfa::Grbg);
    format.facts.levels = Some(Levels::flat(0.0, 1.0));
    format.facts.camera_color = Some(camera([0.5, 1.0, 0.6]));
    let crop = Rect { x: 3, y: 1, width: 13, height: 11 };
    format.facts.default_crop = Some(crop);
    let made = |stage: Debayer| stage.prepare(&format).unwrap().format().clone();

    for method in FULL_SIZE {
        let cut = made(Debayer::new(method));
        assert_eq!((cut.state, cut.width, cut.height), (ImageState::CameraRgb, 13, 11));
        assert_eq!((cut.facts.cfa, &cut.facts.levels, cut.facts.default_crop), (None, &None, None));
        assert_eq!(cut.facts.camera_color, format.facts.camera_color);
        let uncut = made(Debayer { crop: false, ..Debayer::new(method) });
        assert_eq!((uncut.width, uncut.height, uncut.facts.default_crop), (21, 15, Some(crop)));
    }
    let cut = made(Debayer::new(Method::Superpixel));
    assert_eq!((cut.width, cut.height, cut.facts.default_crop), (6, 5, None));
    let uncut = made(Debayer { crop: false, ..Debayer::new(Method::Superpixel) });
    let inside = Rect { x: 2, y: 1, width: 6, height: 5 };
    assert_eq!((uncut.width, uncut.height, uncut.facts.default_crop), (10, 7, Some(inside)));
}

#[test]
fn gains_come_from_a_sound_neutral_only() {
    let mut facts = Plane::noise(4, 4, 1).format(Cfa::Rggb).facts;
    let best = Debayer::default();
    assert_eq!(best.gains(&facts), None);
    facts.camera_color = Some(camera([0.5, 1.0, 0.25]));
    assert_eq!(best.gains(&facts), Some([2.0, 1.0, 4.0]));
    assert_eq!(Debayer::new(Method::Malvar).gains(&facts), None);
    assert_eq!(Debayer { balance: Some(true), ..Debayer::new(Method::Malvar) }.gains(&facts), Some([2.0, 1.0, 4.0]));
    assert_eq!(Debayer { balance: Some(false), ..best }.gains(&facts), None);
    for bad in [[0.0, 1.0, 1.0], [f64::NAN, 1.0, 1.0], [-0.5, 1.0, 1.0], [1.0, 0.0, 1.0], [1e-300, 1.0, 1.0]] {
        facts.camera_color = Some(camera(bad));
        assert_eq!(best.gains(&facts), None, "{bad:?}");
    }
    let mut color = camera([1.0; 3]);
    color.as_shot = Some(WhitePoint::Xy([0.3127, 0.3290]));
    facts.camera_color = Some(color);
    assert_eq!(best.gains(&facts), None);
}

#[test]
fn what_cannot_be_debayered_is_refused_with_a_reason() {
    let good = Plane::noise(8, 6, 1).format(Cfa::Rggb);
    let refuse = |stage: Debayer, kind: ErrorKind, words: &str, edit: &dyn Fn(&mut rushes_core::frame::FrameFormat)| {
        let mut format = good.clone();
        format.facts.frame = 12;
        edit(&mut format);
        let error = stage.prepare(&format).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().starts_with("preparing the debayer: frame 12: "), "{error}");
    };
    let best = Debayer::default();
    refuse(best, ErrorKind::MissingFact, "Bayer phase", &|f| f.facts.cfa = None);
    refuse(best, ErrorKind::Invalid, "linear", &|f| f.state = ImageState::Mosaic);
    refuse(best, ErrorKind::BadMedia, "1x6", &|f| f.width = 1);
    let at = |x, y, width, height| {
        move |f: &mut rushes_core::frame::FrameFormat| {
            f.facts.default_crop = Some(Rect { x, y, width, height });
        }
    };
    refuse(best, ErrorKind::BadMedia, "not inside", &at(4, 0, 5, 6));
    refuse(best, ErrorKind::BadMedia, "not inside", &at(usize::MAX, 0, 2, 2));
    refuse(best, ErrorKind::BadMedia, "not inside", &at(0, 0, 0, 2));
    refuse(Debayer::new(Method::Superpixel), ErrorKind::BadMedia, "2x2 block", &at(0, 0, 8, 1));
    // What is out of bounds does not matter to who wants the whole.
    let mut format = good.clone();
    at(4, 0, 5, 6)(&mut format);
    assert!(Debayer { crop: false, ..best }.prepare(&format).is_ok());
}

#[test]
fn superpixel_takes_the_blocks_of_the_crop() {
    let mosaic = Plane::of(7, 5, |y, x| (10 * y + x) as f32);
    for cfa in Cfa::ALL {
        for (x0, y0) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let mut format = mosaic.format(cfa);
            format.facts.default_crop = Some(Rect { x: x0, y: y0, width: 5, height: 4 });
            let rgb = debayer(&plain(Method::Superpixel), &format, &mosaic);
            assert_eq!((rgb.width, rgb.height), (2, 2));
            for (y, x) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let mut want = [0.0; 3];
                for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let (row, col) = (y0 + 2 * y + dy, x0 + 2 * x + dx);
                    let color = cfa.color_at(row, col);
                    want[color] += mosaic.data[row * 7 + col] * if color == 1 { 0.5 } else { 1.0 };
                }
                assert_eq!([0, 1, 2].map(|p| rgb.at(p, y, x)), want, "{cfa:?} {x0},{y0} block {y},{x}");
            }
        }
    }
}
