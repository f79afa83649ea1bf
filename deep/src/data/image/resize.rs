//! Bilinear resizing with the triangle as wide as the pixels of the smaller picture
//! (`antialias=True` of torchvision, `FilterType::Triangle` of the crate `image`, whose bytes these
//! are).
//!
//! n samples become N: with r = n/N and s = max(r, 1) sample K is at c = (K + ½) r − ½ and is
//! `Σ_k w_k x_k / Σ_k w_k` over the k within s of it, `w_k = max(0, 1 − |k − c|/s)`, all in f32 and
//! from the first k to the last. Columns first, without rounding, then rows; the result is rounded
//! half away from 0.

use super::{Area, Picture, Samples};

/// The pixels `part` of what the pixels `window` of a picture are in another size, width and
/// height: RGB bytes.
pub(in crate::data) fn resize(
    picture: &Picture,
    window: Area,
    size: [u32; 2],
    part: Area,
) -> Vec<u8> {
    let of = Of { stride: picture.stride, width: picture.width as usize, window, size, part };
    match &picture.samples {
        Samples::Bytes(x) => of.resized(x, 255.0, |sample| sample as u8),
        // c/65535 as n/255, rounded.
        Samples::Words(x) => of.resized(x, 65535.0, |sample| ((sample as u32 + 128) / 257) as u8),
    }
}

struct Of {
    stride: usize,
    width: usize,
    window: Area,
    size: [u32; 2],
    part: Area,
}

impl Of {
    fn resized<T: Copy + Into<f32>>(
        &self,
        x: &[T],
        most: f32,
        byte: impl Fn(f32) -> u8,
    ) -> Vec<u8> {
        let Self { stride, width, window, size, part } = self;
        // Without alpha.
        let colours = if *stride < 3 { 1 } else { 3 };
        let columns: Vec<Weights> = (part.x..part.x + part.width)
            .map(|column| Weights::new(window.width, size[0], column))
            .collect();
        let mut row = vec![0.0_f32; window.width as usize * colours];
        let mut all = Vec::with_capacity(3 * part.width as usize * part.height as usize);
        for number in part.y..part.y + part.height {
            let rows = Weights::new(window.height, size[1], number);
            row.fill(0.0);
            for (k, weight) in rows.each() {
                let begin = (window.y as usize + k) * width + window.x as usize;
                let pixels = x[begin * stride..].chunks_exact(*stride);
                for (sum, pixel) in row.chunks_exact_mut(colours).zip(pixels) {
                    for (sum, sample) in sum.iter_mut().zip(pixel) {
                        *sum += (*sample).into() * weight;
                    }
                }
            }
            for column in &columns {
                let mut pixel = [0.0_f32; 3];
                for (k, weight) in column.each() {
                    for (sum, sample) in pixel.iter_mut().zip(&row[k * colours..][..colours]) {
                        *sum += sample * weight;
                    }
                }
                let bytes = pixel.map(|sum| byte(sum.clamp(0.0, most).round()));
                all.extend(if colours == 1 { [bytes[0]; 3] } else { bytes });
            }
        }
        all
    }
}

/// The weights w of one sample, divided by their sum, from the sample `first` on.
struct Weights {
    first: usize,
    w: Vec<f32>,
}

impl Weights {
    /// Of sample `number` of `to` that `from` become.
    fn new(from: u32, to: u32, number: u32) -> Self {
        let ratio = from as f32 / to as f32;
        let scale = if ratio < 1.0 { 1.0 } else { ratio };
        let centre = (number as f32 + 0.5) * ratio;
        let first = ((centre - scale).floor() as i64).clamp(0, i64::from(from) - 1);
        let last = ((centre + scale).ceil() as i64).clamp(first + 1, i64::from(from));
        let centre = centre - 0.5;
        let weight = |k: i64| {
            let away = ((k as f32 - centre) / scale).abs();
            if away < 1.0 { 1.0 - away } else { 0.0 }
        };
        let mut w: Vec<f32> = (first..last).map(weight).collect();
        let sum = w.iter().fold(0.0, |sum, w| sum + w);
        w.iter_mut().for_each(|w| *w /= sum);
        Self { first: first as usize, w }
    }

    fn each(&self) -> impl Iterator<Item = (usize, f32)> {
        (self.first..).zip(self.w.iter().copied())
    }
}
