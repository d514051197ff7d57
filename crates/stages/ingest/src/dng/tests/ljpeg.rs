use proptest::prelude::*;

use super::super::jpeg::encoder::Lossless;
use super::super::jpeg::{Jpeg, peek};

fn decode(data: &[u8]) -> rushes_core::Result<Vec<u16>> {
    let mut out = Vec::new();
    Jpeg::parse(data)?.decode(false, &mut |row| {
        out.extend_from_slice(row);
        Ok(())
    })?;
    Ok(out)
}

proptest! {
    #[test]
    fn lossless_jpeg_of_any_kind_comes_back(
        predictor in 1u8..=7,
        components in 1usize..=4,
        precision in 2u8..=16,
        transform in 0u8..=2,
        restart_rows in 0usize..=3,
        (long_codes, own_tables) in any::<(bool, bool)>(),
        // Where samples are near each other, a look-up finds two.
        spread in 1u32..=16,
        (width, height) in (1usize..40, 1usize..12),
        seed in any::<u32>(),
    ) {
        let transform = transform.min(precision - 1);
        let coder = Lossless { precision, components, predictor, transform, restart_rows, long_codes, own_tables };
        let mut state = seed;
        let samples: Vec<u16> = (0..width * height * components)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (((state >> 12) as u16) >> (16 - spread)) & (((1u32 << precision) - 1) as u16) & (0xFFFFu16 << transform)
            })
            .collect();
        let data = coder.encode(&samples, width);
        prop_assert_eq!(decode(&data).unwrap(), samples);
        prop_assert_eq!(peek(&data).unwrap().precision, precision);
    }

    #[test]
    fn no_cut_stream_is_taken_for_a_whole_one(cut in 1usize..200) {
        let samples: Vec<u16> = (0..32 * 16u32).map(|i| ((i * i * 7919) >> 3) as u16).collect();
        let data = Lossless { predictor: 6, components: 2, ..Lossless::default() }.encode(&samples, 16);
        // The end marker is two bytes; without it alone the picture is whole.
        let cut = data.len() - 2 - cut;
        prop_assert!(decode(&data[..cut]).is_err());
    }

    #[test]
    fn no_damaged_stream_panics(at in 0usize..400, value: u8, rest in proptest::collection::vec(any::<u8>(), 0..40)) {
        let samples: Vec<u16> = (0..32 * 8u32).map(|i| (i * 1021) as u16).collect();
        let mut data = Lossless { restart_rows: 2, ..Lossless::default() }.encode(&samples, 32);
        let at = at % data.len();
        data[at] = value;
        let _ = decode(&data);
        let _ = decode(&[&data[..at], &rest].concat());
    }
}

#[test]
fn a_lying_frame_is_refused_before_anything_is_allocated() {
    let mut data = Lossless::default().encode(&[1, 2, 3, 4], 2);
    let at = data.windows(2).position(|w| w == [0xFF, 0xC3]).unwrap();
    data[at + 5..at + 9].copy_from_slice(&[0xFF; 4]);
    assert!(decode(&data).unwrap_err().to_string().contains("cannot hold 65535x65535"));
}
