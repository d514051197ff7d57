//! The scene: a table-top with a chart, a turning ball, a zone plate and a frame counter.

/// A chart of 24 patches, ACES2065-1, row by row: the ColorChecker's as published with ACES
/// (ampas/aces-dev, reference images).
pub const CHART: [[f32; 3]; 24] = [
    [0.11877, 0.08709, 0.05895],
    [0.40002, 0.31916, 0.23736],
    [0.18476, 0.20398, 0.31310],
    [0.10901, 0.13511, 0.06493],
    [0.26684, 0.24604, 0.40932],
    [0.32283, 0.46208, 0.40606],
    [0.38605, 0.22743, 0.05777],
    [0.13822, 0.13037, 0.33703],
    [0.30202, 0.13752, 0.12758],
    [0.09310, 0.06347, 0.13525],
    [0.34876, 0.43654, 0.10613],
    [0.48655, 0.36685, 0.08061],
    [0.08732, 0.07443, 0.27274],
    [0.15366, 0.25692, 0.09071],
    [0.21742, 0.07070, 0.05130],
    [0.58919, 0.53943, 0.09157],
    [0.30904, 0.14818, 0.27426],
    [0.14901, 0.23378, 0.35939],
    [0.86653, 0.86792, 0.85818],
    [0.57356, 0.57256, 0.57169],
    [0.35346, 0.35337, 0.35391],
    [0.20253, 0.20243, 0.20287],
    [0.09467, 0.09520, 0.09637],
    [0.03745, 0.03766, 0.03895],
];

type Rgb = [f32; 3];

/// The scene at one moment, seen by a picture of a size. Lengths are in picture heights.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    width: usize,
    height: usize,
    /// The frame's number, from 0.
    frame: i64,
    /// Turns the wall's colour, so that clips differ.
    hue: f32,
}

/// Where the chart is: left, top, and the side of a patch with its gap.
const CHART_AT: (f32, f32, f32) = (0.10, 0.17, 0.098);
/// The part of a patch's cell that is gap.
const GAP: f32 = 0.08;

impl Scene {
    /// The scene at `frame` in a picture of `width` x `height`.
    pub fn new(width: usize, height: usize, frame: i64, hue: f32) -> Self {
        Self { width, height, frame, hue }
    }

    /// Light at the centre of a pixel, ACES2065-1.
    pub fn light(&self, row: usize, col: usize) -> Rgb {
        let h = self.height as f32;
        let (x, y) = ((col as f32 + 0.5) / h, (row as f32 + 0.5) / h);
        let soft = 0.75 / h;
        let aspect = self.width as f32 / h;
        let mut light = self.room(x, y, aspect);
        light = self.chart(x, y, soft).unwrap_or(light);
        light = over(light, self.zone_plate(x, y, aspect, soft));
        light = over(light, self.ball(x, y, aspect, soft));
        light = self.ramp(x, y, aspect).unwrap_or(light);
        self.counter(x, y, aspect).unwrap_or(light)
    }

    /// The pixels of patch `i` of the chart that lie well inside it: left, top, width, height.
    pub fn patch(&self, i: usize) -> (usize, usize, usize, usize) {
        let h = self.height as f32;
        let (left, top, cell) = CHART_AT;
        let inner = cell * (1.0 - 2.0 * GAP);
        let x = left + cell * ((i % 6) as f32 + GAP);
        let y = top + cell * ((i / 6) as f32 + GAP);
        let margin = inner * 0.2;
        let px = |v: f32| (v * h).round() as usize;
        (px(x + margin), px(y + margin), px(inner - 2.0 * margin).max(1), px(inner - 2.0 * margin).max(1))
    }

    /// A plastered wall in a pool of light, and a wooden table.
    fn room(&self, x: f32, y: f32, aspect: f32) -> Rgb {
        let pool = (-((x - aspect * 0.62).powi(2) + (y - 0.30).powi(2)) * 1.1).exp();
        let horizon = 0.74;
        if y < horizon {
            let plaster = 0.75 + 0.35 * fractal(x * 9.0, y * 9.0, 1) + 0.12 * (fractal(x * 70.0, y * 70.0, 2) - 0.5);
            let (s, c) = (self.hue.sin(), self.hue.cos());
            let wall = [0.20 + 0.08 * c, 0.19 - 0.01 * c, 0.19 - 0.07 * c + 0.05 * s];
            wall.map(|v| v * plaster * (0.28 + 1.05 * pool))
        } else {
            let depth = (y - horizon) / (1.0 - horizon);
            let board = ((x - aspect / 2.0) / (0.25 + 0.75 * depth) * 5.0 + 0.37).floor();
            let along = 1.0 / (depth + 0.12);
            let grain = fractal(x * 60.0 + board * 17.0, along * 6.0, 3) * 0.6
                + fractal(x * 14.0 + board * 5.0, along * 2.0, 4) * 0.6;
            let tone = 0.55 + 0.5 * grain + 0.2 * (hash(board as i32, 9, 5) - 0.5);
            let shadow = 1.0 - 0.6 * (-((x - self.ball_x(aspect)).powi(2) * 22.0 + (y - 0.87).powi(2) * 160.0)).exp();
            [0.26, 0.17, 0.085].map(|v| v * tone * shadow * (0.35 + 0.9 * pool))
        }
    }

    fn chart(&self, x: f32, y: f32, soft: f32) -> Option<Rgb> {
        let (left, top, cell) = CHART_AT;
        let (u, v) = ((x - left) / cell, (y - top) / cell);
        let frame = 0.25;
        if !(-frame..6.0 + frame).contains(&u) || !(-frame..4.0 + frame).contains(&v) {
            return None;
        }
        let board = [0.022, 0.022, 0.023];
        if !(0.0..6.0).contains(&u) || !(0.0..4.0).contains(&v) {
            return Some(board);
        }
        let inside = |t: f32| {
            let f = t.fract();
            let edge = (f - GAP).min(1.0 - GAP - f) * cell;
            (edge / soft).clamp(-1.0, 1.0) * 0.5 + 0.5
        };
        let cover = inside(u).min(inside(v));
        let patch = CHART[v as usize * 6 + u as usize];
        Some(mix(board, patch, cover))
    }

    /// A zone plate: every spatial frequency up to the picture's own, for the debayer.
    fn zone_plate(&self, x: f32, y: f32, aspect: f32, soft: f32) -> (Rgb, f32) {
        let (cx, cy, radius) = (aspect - 0.20, 0.19, 0.125);
        let r = (x - cx).hypot(y - cy);
        let cover = ((radius - r) / soft).clamp(-1.0, 1.0) * 0.5 + 0.5;
        // The phase grows so that the rim repeats every 2.5 pixels.
        let rim = self.height as f32 / 2.5;
        let wave = (std::f32::consts::PI * rim / radius * r * r).cos();
        ([0.30 + 0.26 * wave; 3], cover)
    }

    fn ball_x(&self, aspect: f32) -> f32 {
        aspect * 0.60 + 0.20 * (self.frame as f32 * 0.13).sin()
    }

    /// A lacquered ball in stripes that rolls along the table.
    fn ball(&self, x: f32, y: f32, aspect: f32, soft: f32) -> (Rgb, f32) {
        let (cx, cy, radius) = (self.ball_x(aspect), 0.64, 0.21);
        let (dx, dy) = ((x - cx) / radius, (y - cy) / radius);
        let r2 = dx * dx + dy * dy;
        let cover = ((1.0 - r2.sqrt()) * radius / soft).clamp(-1.0, 1.0) * 0.5 + 0.5;
        if cover <= 0.0 {
            return ([0.0; 3], 0.0);
        }
        let dz = (1.0 - r2).max(0.0).sqrt();
        let turn = self.ball_x(aspect) / radius;
        let angle = dx.atan2(dz) + turn;
        let stripe = ((angle * 3.0 + dy * 1.3).sin() * 9.0).clamp(-1.0, 1.0) * 0.5 + 0.5;
        let band = ((dy * 7.0).sin() * 9.0).clamp(-1.0, 1.0) * 0.5 + 0.5;
        let paint = mix([0.42, 0.055, 0.035], mix([0.06, 0.16, 0.36], [0.62, 0.50, 0.06], band), stripe);
        let lamp = normal([-0.45, -0.62, 0.64]);
        let diffuse = (dx * lamp[0] + dy * lamp[1] + dz * lamp[2]).max(0.0);
        let half = normal([lamp[0], lamp[1], lamp[2] + 1.0]);
        let shine = (dx * half[0] + dy * half[1] + dz * half[2]).max(0.0);
        // The lamp itself is far brighter than a diffuse white.
        let gloss = 7.0 * shine.powi(220) + 0.35 * shine.powi(30) + 0.10 * (1.0 - dz).powi(4);
        (paint.map(|p| p * (0.10 + 1.05 * diffuse) + gloss), cover)
    }

    /// A ramp of greys along the bottom edge, in steps of a third of a stop below white.
    fn ramp(&self, x: f32, y: f32, aspect: f32) -> Option<Rgb> {
        (y > 0.95).then(|| {
            let step = (x / aspect * 24.0).floor().clamp(0.0, 23.0);
            [0.9 * (-(23.0 - step) / 3.0).exp2(); 3]
        })
    }

    /// The frame's number in sixteen black and white fields above the chart, most significant first.
    fn counter(&self, x: f32, y: f32, aspect: f32) -> Option<Rgb> {
        let (left, top, side) = (0.10, 0.06, 0.03);
        let field = (x - left) / side;
        if !(0.0..16.0).contains(&field) || !(top..top + side).contains(&y) || aspect < 0.6 {
            return None;
        }
        let set = self.frame >> (15 - field as i64) & 1 == 1;
        Some(if set { [0.85; 3] } else { [0.03; 3] })
    }

    /// The frame's number as a picture of the scene shows it: `luma` gives the brightness at a
    /// row and column. What a viewer would read off the counter.
    pub fn read_counter(width: usize, height: usize, luma: impl Fn(usize, usize) -> f32) -> i64 {
        let h = height as f32;
        (0..16).fold(0, |n, i| {
            let (x, y) = (0.10 + 0.03 * (i as f32 + 0.5), 0.06 + 0.015);
            let col = ((x * h) as usize).min(width - 1);
            n << 1 | i64::from(luma((y * h) as usize, col) > 0.3)
        })
    }
}

fn over(below: Rgb, (above, cover): (Rgb, f32)) -> Rgb {
    mix(below, above, cover)
}

fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t)
}

fn normal(v: Rgb) -> Rgb {
    let length = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
    v.map(|c| c / length)
}

/// A number from 0 to 1 that only looks random.
fn hash(x: i32, y: i32, seed: u32) -> f32 {
    hash_bits(x, y, seed) as f32 / (1 << 24) as f32
}

/// 24 bits that only look random.
pub(crate) fn hash_bits(x: i32, y: i32, seed: u32) -> u32 {
    let mut h =
        (x as u32).wrapping_mul(0x85eb_ca6b) ^ (y as u32).wrapping_mul(0xc2b2_ae35) ^ seed.wrapping_mul(0x27d4_eb2f);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    (h ^ (h >> 15)) >> 8
}

/// Smooth noise, 0 to 1.
fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let (x0, y0) = (x.floor(), y.floor());
    let (fx, fy) = (x - x0, y - y0);
    let (sx, sy) = (fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy));
    let at = |dx: i32, dy: i32| hash(x0 as i32 + dx, y0 as i32 + dy, seed);
    let top = at(0, 0) + (at(1, 0) - at(0, 0)) * sx;
    let bottom = at(0, 1) + (at(1, 1) - at(0, 1)) * sx;
    top + (bottom - top) * sy
}

/// Noise in three octaves, 0 to 1.
fn fractal(x: f32, y: f32, seed: u32) -> f32 {
    (noise(x, y, seed) * 4.0 + noise(x * 2.1, y * 2.1, seed + 7) * 2.0 + noise(x * 4.3, y * 4.3, seed + 13)) / 7.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_reads_back() {
        for frame in [0, 1, 23, 86_399 & 0xffff] {
            let scene = Scene::new(320, 180, frame, 0.0);
            assert_eq!(Scene::read_counter(320, 180, |r, c| scene.light(r, c)[1]), frame);
        }
    }

    #[test]
    fn patches_lie_inside_the_chart() {
        let scene = Scene::new(640, 360, 3, 0.0);
        for (i, want) in CHART.iter().enumerate() {
            let (x, y, w, h) = scene.patch(i);
            for (r, c) in [(y, x), (y + h - 1, x + w - 1)] {
                for (v, w) in scene.light(r, c).iter().zip(want) {
                    assert!((v - w).abs() < 1e-6, "patch {i}: {v}, not {w}");
                }
            }
        }
    }
}
