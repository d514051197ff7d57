//! A lossless JPEG encoder for tests: any predictor, components, restart interval and precision.

pub(crate) struct Lossless {
    pub(crate) precision: u8,
    pub(crate) components: usize,
    pub(crate) predictor: u8,
    pub(crate) transform: u8,
    /// Rows between restart markers; 0 for none.
    pub(crate) restart_rows: usize,
    /// A table with codes of up to 16 bits instead of one of 5 bits throughout.
    pub(crate) long_codes: bool,
    /// A table for each component, of the same lengths for other categories, instead of one for all.
    pub(crate) own_tables: bool,
}

impl Default for Lossless {
    fn default() -> Self {
        Self {
            precision: 16,
            components: 1,
            predictor: 1,
            transform: 0,
            restart_rows: 0,
            long_codes: false,
            own_tables: false,
        }
    }
}

impl Lossless {
    /// Code and length of each category.
    fn codes(&self) -> ([u8; 16], Vec<(u32, u32)>) {
        let mut counts = [0u8; 16];
        if self.long_codes {
            counts[..14].fill(1);
            counts[15] = 3;
        } else {
            counts[4] = 17;
        }
        let (mut code, mut codes) = (0u32, Vec::new());
        for (i, &n) in counts.iter().enumerate() {
            for _ in 0..n {
                codes.push((code, i as u32 + 1));
                code += 1;
            }
            code <<= 1;
        }
        (counts, codes)
    }

    /// Encodes `samples`, rows of `width * components` values.
    pub(crate) fn encode(&self, samples: &[u16], width: usize) -> Vec<u8> {
        let n = self.components;
        let row = width * n;
        let height = samples.len() / row;
        let (counts, codes) = self.codes();
        // The category that stands at each place of a component's table.
        let turned =
            |component: usize, place: usize| if self.own_tables { (place + 3 * component) % 17 } else { place };
        let mut out = vec![0xFF, 0xD8];
        for table in 0..if self.own_tables { n } else { 1 } {
            out.extend([0xFF, 0xC4, 0, 19 + 17, table as u8]);
            out.extend(counts);
            out.extend((0..17).map(|place| turned(table, place) as u8));
        }
        if self.restart_rows > 0 {
            let interval = (self.restart_rows * width) as u16;
            out.extend([0xFF, 0xDD, 0, 4, (interval >> 8) as u8, interval as u8]);
        }
        out.extend([0xFF, 0xC3, 0, (8 + 3 * n) as u8, self.precision]);
        out.extend((height as u16).to_be_bytes());
        out.extend((width as u16).to_be_bytes());
        out.push(n as u8);
        (0..n).for_each(|c| out.extend([c as u8, 0x11, 0]));
        out.extend([0xFF, 0xDA, 0, (6 + 2 * n) as u8, n as u8]);
        (0..n).for_each(|c| out.extend([c as u8, if self.own_tables { (c as u8) << 4 } else { 0 }]));
        out.extend([self.predictor, 0, self.transform]);

        let at = |y: usize, i: usize| i32::from(samples[y * row + i] >> self.transform);
        let (mut acc, mut bits) = (0u64, 0u32);
        let mut put = |out: &mut Vec<u8>, value: u32, len: u32| {
            acc = acc << len | u64::from(value);
            bits += len;
            while bits >= 8 {
                bits -= 8;
                let b = (acc >> bits) as u8;
                out.push(b);
                if b == 0xFF {
                    out.push(0);
                }
            }
            bits
        };
        let mut restarts = 0u8;
        for y in 0..height {
            let first = self.restart_rows > 0 && y % self.restart_rows == 0;
            if first && y > 0 {
                let open = put(&mut out, 0, 0);
                if open > 0 {
                    put(&mut out, (1 << (8 - open)) - 1, 8 - open);
                }
                out.extend([0xFF, 0xD0 + restarts]);
                restarts = (restarts + 1) % 8;
            }
            for i in 0..row {
                let predicted = if y == 0 || first {
                    if i < n { 1 << (self.precision - self.transform - 1) } else { at(y, i - n) }
                } else if i < n {
                    at(y - 1, i)
                } else {
                    let (a, b, c) = (at(y, i - n), at(y - 1, i), at(y - 1, i - n));
                    match self.predictor {
                        1 => a,
                        2 => b,
                        3 => c,
                        4 => a + b - c,
                        5 => a + ((b - c) >> 1),
                        6 => b + ((a - c) >> 1),
                        _ => (a + b) >> 1,
                    }
                };
                let diff = i32::from((at(y, i) - predicted) as u16 as i16);
                let category = if diff == -32768 { 16 } else { 32 - diff.unsigned_abs().leading_zeros() };
                let place = (0..17).find(|place| turned(i % n, *place) == category as usize).unwrap();
                let (code, len) = codes[place];
                put(&mut out, code, len);
                if (1..16).contains(&category) {
                    let value = if diff < 0 { diff + (1 << category) - 1 } else { diff };
                    put(&mut out, value as u32, category);
                }
            }
        }
        let open = put(&mut out, 0, 0);
        if open > 0 {
            put(&mut out, (1 << (8 - open)) - 1, 8 - open);
        }
        out.extend([0xFF, 0xD9]);
        out
    }
}
