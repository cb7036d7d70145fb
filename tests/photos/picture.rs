//! Landscapes as baseline JPEGs (ITU T.81): one table for everything, codes of one length, no colours left out.

use std::f32::consts::PI;

/// A picture that only its seed tells from others.
pub struct Scene {
    pub width: u16,
    pub height: u16,
    pub seed: u32,
}

/// The picture as a JPEG.
pub fn jpeg(scene: &Scene) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8];
    segment(&mut out, 0xdb, &[&[0][..], &[QUANTUM; 64]].concat());
    let [h1, h0] = scene.height.to_be_bytes();
    let [w1, w0] = scene.width.to_be_bytes();
    segment(&mut out, 0xc0, &[8, h1, h0, w1, w0, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    // Twelve codes of four bits, and 162 of eight.
    let mut dc = vec![0; 17];
    dc[4] = 12;
    dc.extend(0..12);
    segment(&mut out, 0xc4, &dc);
    let mut ac = vec![0; 17];
    (ac[0], ac[8]) = (0x10, 162);
    ac.extend(symbols());
    segment(&mut out, 0xc4, &ac);
    segment(&mut out, 0xda, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
    let mut bits = Bits { out, held: 0, count: 0 };
    encode(scene, &mut bits);
    let mut out = bits.end();
    out.extend_from_slice(&[0xff, 0xd9]);
    out
}

const QUANTUM: u8 = 10;
#[rustfmt::skip]
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// What an AC code can mean: end, sixteen zeros, and so many zeros before a number of so many bits.
fn symbols() -> impl Iterator<Item = u8> {
    let numbers = (0..16u8).flat_map(|run| (1..=10u8).map(move |size| run << 4 | size));
    [0x00, 0xf0].into_iter().chain(numbers)
}

fn segment(out: &mut Vec<u8>, marker: u8, body: &[u8]) {
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&(body.len() as u16 + 2).to_be_bytes());
    out.extend_from_slice(body);
}

struct Bits {
    out: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.held = self.held << count | value;
        self.count += count;
        while self.count >= 8 {
            let byte = (self.held >> (self.count - 8)) as u8;
            self.out.push(byte);
            if byte == 0xff {
                self.out.push(0);
            }
            self.count -= 8;
            self.held &= (1 << self.count) - 1;
        }
    }

    /// A number in so many bits as it needs, as T.81 writes it.
    fn number(&mut self, value: i32, size: u32) {
        let bits = if value < 0 { value + (1 << size) - 1 } else { value };
        self.put(bits as u32, size);
    }

    fn end(mut self) -> Vec<u8> {
        self.put(0x7f, 7);
        self.out
    }
}

fn size(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}

fn encode(scene: &Scene, bits: &mut Bits) {
    let cosines: Vec<f32> = (0..64)
        .map(|i| {
            let (u, x) = ((i / 8) as f32, (i % 8) as f32);
            let half = if i < 8 { (0.125f32).sqrt() } else { 0.5 };
            half * ((2.0 * x + 1.0) * u * PI / 16.0).cos()
        })
        .collect();
    let code = |symbol: u8| match symbol {
        0x00 => 0,
        0xf0 => 1,
        s => 2 + u32::from(s >> 4) * 10 + u32::from(s & 15) - 1,
    };
    let mut before = [0i32; 3];
    for y0 in (0..scene.height).step_by(8) {
        for x0 in (0..scene.width).step_by(8) {
            let points: Vec<[f32; 3]> = (0..64)
                .map(|i| scene.point(f32::from(x0) + (i % 8) as f32, f32::from(y0) + (i / 8) as f32))
                .collect();
            for (plane, before) in before.iter_mut().enumerate() {
                let block = transformed(&points, plane, &cosines);
                let difference = block[0] - *before;
                *before = block[0];
                bits.put(size(difference), 4);
                bits.number(difference, size(difference));
                let mut zeros = 0;
                for at in 1..64 {
                    let value = block[ZIGZAG[at]];
                    if value == 0 {
                        zeros += 1;
                        continue;
                    }
                    while zeros > 15 {
                        bits.put(code(0xf0), 8);
                        zeros -= 16;
                    }
                    bits.put(code((zeros as u8) << 4 | size(value) as u8), 8);
                    bits.number(value, size(value));
                    zeros = 0;
                }
                if zeros > 0 {
                    bits.put(code(0x00), 8);
                }
            }
        }
    }
}

/// The cosine transform of one plane of a block, in whole quanta.
fn transformed(points: &[[f32; 3]], plane: usize, cosines: &[f32]) -> [i32; 64] {
    let mut rows = [0f32; 64];
    for y in 0..8 {
        for u in 0..8 {
            rows[y * 8 + u] = (0..8).map(|x| points[y * 8 + x][plane] * cosines[u * 8 + x]).sum();
        }
    }
    let mut out = [0; 64];
    for v in 0..8 {
        for u in 0..8 {
            let sum: f32 = (0..8).map(|y| rows[y * 8 + u] * cosines[v * 8 + y]).sum();
            out[v * 8 + u] = (sum / f32::from(QUANTUM)).round() as i32;
        }
    }
    out
}

impl Scene {
    /// Brightness and two colours, around 0.
    fn point(&self, x: f32, y: f32) -> [f32; 3] {
        let (w, h) = (f32::from(self.width), f32::from(self.height));
        let [r, g, b] = self.colour(x / w * 1.5, y / h);
        let luma = 0.299 * r + 0.587 * g + 0.114 * b;
        [luma - 128.0, (b - luma) * 0.564, (r - luma) * 0.713]
    }

    /// Sky, a sun, three ranges of hills, water; red, green, blue to 255 at a place from 0 to 1.5 and 0 to 1.
    fn colour(&self, x: f32, y: f32) -> [f32; 3] {
        let chance = |n: u32| {
            let mixed =
                (self.seed.wrapping_mul(0x9e37_79b9) ^ n.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0xc2b2_ae35);
            (mixed >> 8 & 0xffff) as f32 / 65535.0
        };
        let mix =
            |a: [f32; 3], b: [f32; 3], t: f32| [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t.clamp(0.0, 1.0));
        let (high, low) = match self.seed % 5 {
            0 => ([42.0, 84.0, 150.0], [250.0, 190.0, 130.0]),
            1 => ([20.0, 30.0, 70.0], [230.0, 110.0, 90.0]),
            2 => ([90.0, 150.0, 210.0], [215.0, 232.0, 240.0]),
            3 => ([120.0, 90.0, 140.0], [250.0, 210.0, 190.0]),
            _ => ([60.0, 120.0, 130.0], [240.0, 225.0, 180.0]),
        };
        let mut colour = mix(high, low, y * 1.5);
        let sun = (0.3 + chance(1) * 0.9, 0.25 + chance(2) * 0.25);
        let far = ((x - sun.0).powi(2) + (y - sun.1).powi(2)).sqrt();
        colour = mix(colour, [255.0, 240.0, 205.0], (0.05 - far) * 120.0);
        colour = mix(colour, [255.0, 225.0, 180.0], (0.35 - far) * 1.1);
        for range in 0..3u32 {
            let n = range as f32;
            let wave = |k: f32, p: f32| (x * k + p * 6.3).sin();
            let ridge = 0.52 + n * 0.12
                - 0.07 * wave(2.0 + n, chance(3 + range))
                - 0.035 * wave(5.0 + n * 2.0, chance(6 + range))
                - 0.012 * wave(17.0, chance(9 + range));
            let hill = mix(mix(high, low, 0.45), [18.0, 28.0, 34.0], 0.35 + n * 0.28);
            colour = mix(colour, hill, (y - ridge) * 90.0);
        }
        let shore = 0.86 + 0.02 * (x * 3.0 + chance(12) * 6.3).sin();
        let glint = 0.5 + 0.5 * (y * 160.0 + (x * 9.0).sin() * 3.0).sin();
        let water = mix(mix(high, low, 0.3), low, glint * 0.25);
        mix(colour, mix(water, [10.0, 20.0, 30.0], 0.35), (y - shore) * 60.0)
    }
}
