//! A lossless JPEG writer (ITU-T T.81, annex H): predictor 1, even and odd columns as two components, as cameras
//! store mosaics in DNGs.

/// Bits of a sample of the stream.
const PRECISION: u8 = 12;

/// Encodes `samples`, rows of `width`, of 12 bits. An odd width makes one component of all columns.
pub(crate) fn encode(samples: &[u16], width: usize) -> Vec<u8> {
    let components = if width.is_multiple_of(2) { 2 } else { 1 };
    let differences = differences(samples, width, components);
    let mut counts = [0u64; 17];
    differences.iter().for_each(|d| counts[category(*d)] += 1);
    let (lengths, order) = table(counts);
    let mut codes = [(0u32, 0u32); 17];
    let (mut code, mut at) = (0u32, 0);
    for (len, n) in (1u32..).zip(lengths) {
        for value in &order[at..at + usize::from(n)] {
            codes[usize::from(*value)] = (code, len);
            code += 1;
        }
        at += usize::from(n);
        code <<= 1;
    }

    let mut out = vec![0xFF, 0xD8, 0xFF, 0xC4];
    out.extend((19 + order.len() as u16).to_be_bytes());
    out.push(0);
    out.extend(lengths);
    out.extend(&order);
    out.extend([0xFF, 0xC3, 0, (8 + 3 * components) as u8, PRECISION]);
    out.extend(((samples.len() / width) as u16).to_be_bytes());
    out.extend(((width / components) as u16).to_be_bytes());
    out.push(components as u8);
    (0..components).for_each(|c| out.extend([c as u8, 0x11, 0]));
    out.extend([0xFF, 0xDA, 0, (6 + 2 * components) as u8, components as u8]);
    (0..components).for_each(|c| out.extend([c as u8, 0]));
    out.extend([1, 0, 0]);

    let (mut acc, mut n) = (0u64, 0u32);
    let mut put = |bits: u32, len: u32, out: &mut Vec<u8>| {
        acc = acc << len | u64::from(bits);
        n += len;
        while n >= 8 {
            n -= 8;
            let byte = (acc >> n) as u8;
            out.push(byte);
            if byte == 0xFF {
                out.push(0);
            }
        }
    };
    for d in differences {
        let k = category(d);
        let (code, len) = codes[k];
        put(code, len, &mut out);
        // Negative differences are one less, so that they begin with 0.
        put(((d - i32::from(d < 0)) as u32) & ((1 << k) - 1), k as u32, &mut out);
    }
    put(0x7F, 7, &mut out);
    out.extend([0xFF, 0xD9]);
    out
}

/// Each sample less the one before it of its component; at the left edge, less the one above.
fn differences(samples: &[u16], width: usize, components: usize) -> Vec<i32> {
    let of = |i: usize| {
        let predicted = match (i / width, i % width) {
            (0, x) if x < components => 1 << (PRECISION - 1),
            (_, x) if x < components => i32::from(samples[i - width]),
            _ => i32::from(samples[i - components]),
        };
        i32::from(samples[i]) - predicted
    };
    (0..samples.len()).map(of).collect()
}

/// Bits that a difference takes.
fn category(d: i32) -> usize {
    (32 - d.unsigned_abs().leading_zeros()) as usize
}

/// How many codes of each length, and the categories in the order of their codes: a Huffman code of at most 16
/// bits in which no code is ones throughout (T.81, K.2).
fn table(counts: [u64; 17]) -> ([u8; 16], Vec<u8>) {
    // A code of 16 bits would take weights of Fibonacci's numbers, 1 to 1597 and more: none is so far from the whole.
    let least = counts.iter().sum::<u64>() / 1000 + 1;
    let mut weights: Vec<(u64, Vec<usize>)> =
        counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(k, n)| (*n.max(&least), vec![k])).collect();
    // The last symbol takes the code of ones and is then left out.
    weights.push((0, vec![17]));
    let mut depth = [0u8; 18];
    while weights.len() > 1 {
        weights.sort_by(|a, b| b.cmp(a));
        if let (Some(a), Some(b)) = (weights.pop(), weights.pop()) {
            let both = [a.1, b.1].concat();
            both.iter().for_each(|s| depth[*s] += 1);
            weights.push((a.0 + b.0, both));
        }
    }
    let mut order: Vec<u8> = (0..17u8).filter(|k| counts[usize::from(*k)] > 0).collect();
    order.sort_by_key(|k| (depth[usize::from(*k)], *k));
    let mut lengths = [0u8; 16];
    order.iter().for_each(|k| lengths[usize::from(depth[usize::from(*k)].clamp(1, 16)) - 1] += 1);
    (lengths, order)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rushes_core::media::{ClipFormat, ClipMedia};
    use rushes_core::stage::{ClipRef, Source as _};
    use rushes_ingest::dng::DngSource;

    use crate::{Card, CardSpec, Coding};

    #[test]
    fn samples_are_those_of_the_packed_card() {
        for width in [160, 161] {
            let decoded = [Coding::Packed, Coding::Table, Coding::LosslessJpeg].map(|coding| {
                let folder = tempfile::tempdir().unwrap();
                let card = folder.path().join("card");
                let spec = CardSpec { width, height: 90, frames: 1, coding };
                let truth = Card::write_clean(&card, spec).unwrap();
                let clip = ClipRef {
                    name: truth.name.clone(),
                    format: ClipFormat::Dng,
                    media: ClipMedia::Files(vec![truth.path(0)]),
                    range: None,
                    metadata: Arc::default(),
                    substitutes: Vec::new(),
                };
                let frame = DngSource::default().open(&clip).unwrap().decode(0).unwrap();
                let size = std::fs::metadata(truth.path(0)).unwrap().len();
                (frame.planes().view().to_owned(), size)
            });
            assert_eq!(decoded[0].0, decoded[1].0);
            assert_eq!(decoded[0].0, decoded[2].0);
            assert!(decoded[1].1 >= decoded[0].1 + 2 * 4096, "there is a table");
            assert!(decoded[2].1 < decoded[0].1, "it saves room");
        }
    }
}
