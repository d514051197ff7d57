//! Packets are decoded by the crate `oxideav-prores`, another implementation of RDD 36.

use oxideav_prores::decoder::{BitDepth, decode_packet_with_depth};
use oxideav_prores::frame::ChromaFormat;

use super::super::coding::Coding;
use super::*;

/// Edges, slopes and fine texture.
fn picture(width: usize, height: usize) -> Picture422 {
    let luma = |x: usize, y: usize| {
        let slope = 200 + 600 * x / width;
        let edge = if (x / 24 + y / 40).is_multiple_of(2) { 80 } else { 0 };
        (slope + edge + (x * 7 + y * 13) % 9) as u16
    };
    let chroma = |x: usize, y: usize, k: usize| (400 + 200 * y / height + (x * k) % 5) as u16;
    let each = |w: usize, f: &dyn Fn(usize, usize) -> u16| (0..height * w).map(|i| f(i % w, i / w)).collect();
    Picture422 {
        coding: Coding::Bt709,
        width,
        height,
        y: each(width, &luma),
        cb: each(width / 2, &|x, y| chroma(x, y, 3)),
        cr: each(width / 2, &|x, y| chroma(x, y, 4)),
    }
}

/// Differences of the decoded planes: the root of their mean square, in codes.
fn errors(picture: &Picture422, packet: &[u8]) -> [f64; 3] {
    let frame = decode_packet_with_depth(packet, None, Some((BitDepth::Ten, ChromaFormat::Y422))).unwrap();
    let planes = [(&picture.y, picture.width), (&picture.cb, picture.width / 2), (&picture.cr, picture.width / 2)];
    let mut errors = [0.0; 3];
    for ((error, (want, width)), got) in errors.iter_mut().zip(planes).zip(&frame.planes) {
        let rows = want.chunks_exact(width).zip(got.data.chunks_exact(got.stride));
        let differences = rows.flat_map(|(want, got)| {
            want.iter().zip(got.as_chunks::<2>().0).map(|(w, g)| f64::from(*w) - f64::from(u16::from_le_bytes(*g)))
        });
        *error = (differences.map(|d| d * d).sum::<f64>() / want.len() as f64).sqrt();
    }
    errors
}

#[test]
fn what_is_decoded_is_the_picture() {
    // Whole slices, and rows and columns that end within a macroblock; slices of 8, 4, 2 and 1.
    for (width, height) in [(128, 16), (320, 48), (250, 33), (16, 16), (2, 2), (402, 70)] {
        let picture = picture(width, height);
        for index in [1, 3, 9] {
            let packet = encode_at(&picture, Rate::FPS_24, Level::current(), index);
            let errors = errors(&picture, &packet);
            // A step of the matrix' usual weights, over 8 and the factor 2 from nine bits to ten, uniformly wrong.
            let bound = 2.0 + 15.0 * f64::from(index) / 8.0;
            assert!(errors.iter().all(|e| *e < bound), "{width}x{height} by {index}: {errors:?}");
        }
    }
}

#[test]
fn a_flat_picture_comes_back_exactly() {
    for code in [64, 512, 940, 1019] {
        let picture = Picture422 {
            coding: Coding::Bt709,
            width: 64,
            height: 32,
            y: vec![code; 2048],
            cb: vec![512; 1024],
            cr: vec![code; 1024],
        };
        let packet = encode(&picture, Rate::FPS_25, Level::current()).unwrap();
        assert_eq!(errors(&picture, &packet), [0.0; 3], "{code}");
    }
}

#[test]
fn noise_is_kept_within_the_rate() {
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        64 + (state >> 8) as u16 % 877
    };
    let (width, height) = (640, 320);
    let mut plane = |n: usize| (0..n).map(|_| noise()).collect::<Vec<_>>();
    let (y, cb, cr) = (plane(width * height), plane(width * height / 2), plane(width * height / 2));
    let picture = Picture422 { coding: Coding::Bt709, width, height, y, cb, cr };
    let packet = encode(&picture, Rate::FPS_24, Level::current()).unwrap();
    let (bytes, limit) = (packet.len() as u64, limit(width, height));
    assert!(bytes <= limit && bytes > limit / 2, "{bytes} of {limit}");
    assert!(errors(&picture, &packet).iter().all(|e| *e < 300.0));
}

#[test]
fn every_level_of_instructions_gives_the_same_packet() {
    let picture = picture(338, 50);
    let plain = encode(&picture, Rate::FPS_24, Level::Plain).unwrap();
    for level in Level::available() {
        assert!(encode(&picture, Rate::FPS_24, level).unwrap() == plain, "{level}");
    }
}

#[test]
fn the_header_says_what_it_is() {
    let packet = encode(&picture(34, 18), Rate::FPS_23_976, Level::current()).unwrap();
    assert_eq!(packet[..4], (packet.len() as u32).to_be_bytes());
    assert_eq!(packet[4..8], *b"icpf");
    // Header size 148, version 0, encoder, 34 x 18, 4:2:2 progressive, 24000/1001, BT.709 three times.
    assert_eq!(packet[8..28], [0, 148, 0, 0, b'r', b'u', b's', b'h', 0, 34, 0, 18, 0x80, 1, 1, 1, 1, 0, 0, 3]);
    assert_eq!(rate_code(Rate::new(12, 1).unwrap()), 0);
    assert_eq!(rate_code(Rate::FPS_60), 8);
}

#[test]
fn slices_end_in_powers_of_two() {
    let of = |wide| slices_of(wide).map(|(_, n)| n).collect::<Vec<_>>();
    assert_eq!(of(120), [8; 15]);
    assert_eq!(of(15), [8, 4, 2, 1]);
    assert_eq!(of(3), [2, 1]);
    assert_eq!(slices_of(11).last(), Some((10, 1)));
}

#[test]
fn what_the_fields_cannot_hold_is_refused() {
    let picture = Picture422 {
        coding: Coding::Bt709,
        width: 65_538,
        height: 2,
        y: vec![0; 131_076],
        cb: vec![0; 65_538],
        cr: vec![0; 65_538],
    };
    let e = encode(&picture, Rate::FPS_24, Level::current()).unwrap_err();
    assert!(e.to_string().contains("65538x2"), "{e}");
}
