//! How close the methods come to a picture that is known: an error in any phase would cost many decibels.

mod support;

use rushes_core::media::Cfa;
use rushes_debayer::{Debayer, Domain, Method};
use support::{FULL_SIZE, Plane, Rgb, debayer, plain};

const SIZE: usize = 128;

/// A zone plate (rings up to a sixth of the sampling rate) in warm grey, with a coloured disc and coloured bars.
fn scene(y: usize, x: usize) -> [f64; 3] {
    let (dx, dy) = (x as f64 - 40.0, y as f64 - 70.0);
    let ring = 0.45 + 0.35 * ((dx * dx + dy * dy) / 220.0).cos();
    let mut rgb = [ring * 1.05, ring, ring * 0.85];
    // Edges as a lens draws them: over about a pixel and a half.
    let mut paint = |distance: f64, color: [f64; 3]| {
        let cover = 0.5 - 0.5 * (distance * 1.3).tanh();
        rgb = [0, 1, 2].map(|c| rgb[c] + cover * (color[c] - rgb[c]));
    };
    let (dx, dy) = (x as f64 - 92.3, y as f64 - 36.7);
    paint((dx * dx + dy * dy).sqrt() - 22.0, [0.8, 0.15, 0.1]);
    paint((0.8 * dx + 0.6 * dy).abs() - 4.0, [0.1, 0.3, 0.75]);
    paint((0.3 * dx - 0.95 * dy + 70.0).abs() - 6.0, [0.15, 0.6, 0.2]);
    rgb
}

fn mosaic(cfa: Cfa) -> Plane {
    Plane::of(SIZE, SIZE, |y, x| scene(y, x)[cfa.color_at(y, x)] as f32)
}

/// PSNR over all three planes, for samples of 0 to 1, borders included.
fn psnr(rgb: &Rgb, truth: impl Fn(usize, usize) -> [f64; 3]) -> f64 {
    let mut error = 0.0;
    for (y, x) in (0..rgb.height).flat_map(|y| (0..rgb.width).map(move |x| (y, x))) {
        let truth = truth(y, x);
        error += (0..3).map(|p| (f64::from(rgb.at(p, y, x)) - truth[p]).powi(2)).sum::<f64>();
    }
    -10.0 * (error / rgb.data.len() as f64).log10()
}

#[test]
fn each_method_is_as_good_as_it_should_be_in_every_phase() {
    for (method, at_least) in
        [(Method::Bilinear, 31.0), (Method::Malvar, 32.2), (Method::Rcd, 38.5), (Method::Gbtf, 37.6)]
    {
        for cfa in Cfa::ALL {
            let mosaic = mosaic(cfa);
            let db = psnr(&debayer(&plain(method), &mosaic.format(cfa), &mosaic), scene);
            assert!((at_least..at_least + 1.0).contains(&db), "{method:?} {cfa:?}: {db:.2} dB");
            // That the measure would notice: the picture read in any other phase is far worse.
            for other in Cfa::ALL.into_iter().filter(|o| *o != cfa) {
                let wrong = psnr(&debayer(&plain(method), &mosaic.format(other), &mosaic), scene);
                assert!(wrong < at_least - 10.0, "{method:?} {cfa:?} as {other:?}: {wrong:.2} dB");
            }
        }
    }
}

#[test]
fn superpixel_is_the_picture_at_half_size() {
    let half = |y: usize, x: usize| {
        let block = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| scene(2 * y + dy, 2 * x + dx));
        [0, 1, 2].map(|c| block.iter().map(|p| p[c]).sum::<f64>() / 4.0)
    };
    for cfa in Cfa::ALL {
        let mosaic = mosaic(cfa);
        let db = psnr(&debayer(&plain(Method::Superpixel), &mosaic.format(cfa), &mosaic), half);
        assert!((25.8..26.8).contains(&db), "{cfa:?}: {db:.2} dB");
        for other in Cfa::ALL.into_iter().filter(|o| *o != cfa) {
            let wrong = psnr(&debayer(&plain(Method::Superpixel), &mosaic.format(other), &mosaic), half);
            assert!(wrong < 15.0, "{cfa:?} as {other:?}: {wrong:.2} dB");
        }
    }
}

#[test]
fn square_roots_help_pictures_in_linear_light() {
    // The scene as light, judged as displayed.
    let cfa = Cfa::Grbg;
    let light = Plane::of(SIZE, SIZE, |y, x| scene(y, x)[cfa.color_at(y, x)].powf(2.2) as f32);
    for method in [Method::Malvar, Method::Rcd, Method::Gbtf] {
        let [linear, sqrt] = [Domain::Linear, Domain::Sqrt].map(|domain| {
            let stage = Debayer { domain: Some(domain), ..Debayer::new(method) };
            let mut rgb = debayer(&stage, &light.format(cfa), &light);
            rgb.data.iter_mut().for_each(|v| *v = v.max(0.0).powf(1.0 / 2.2));
            psnr(&rgb, scene)
        });
        assert!(sqrt > linear + 0.5, "{method:?}: {sqrt:.2} dB, not more than {linear:.2} dB");
    }
}

#[test]
fn flat_colours_stay_flat_to_the_corners() {
    let color = [0.7f32, 0.3, 0.1];
    for method in FULL_SIZE {
        for cfa in Cfa::ALL {
            for (width, height) in [(2, 2), (3, 2), (2, 5), (9, 4), (40, 31)] {
                for domain in [Domain::Linear, Domain::Sqrt] {
                    let mosaic = Plane::of(width, height, |y, x| color[cfa.color_at(y, x)]);
                    let stage = Debayer { domain: Some(domain), ..Debayer::new(method) };
                    let rgb = debayer(&stage, &mosaic.format(cfa), &mosaic);
                    for (i, v) in rgb.data.iter().enumerate() {
                        let want = color[i / (width * height)];
                        assert!((v - want).abs() < 1e-5, "{method:?} {cfa:?} {width}x{height} {domain:?}: {v} {want}");
                    }
                }
            }
        }
    }
}
