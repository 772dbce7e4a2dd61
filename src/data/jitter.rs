//! Random brightness, contrast and saturation.

use rand::{Rng, RngExt};

/// Rec. 601 luma weights of red, green and blue.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// A draw of colour factors, where 1 changes nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Jitter {
    brightness: f32,
    contrast: f32,
    saturation: f32,
}

impl Jitter {
    /// Draws each factor between `1 - strength` and `1 + strength`.
    pub(super) fn random(strength: f32, rng: &mut impl Rng) -> Self {
        let mut factor = || rng.random_range(1.0 - strength..=1.0 + strength);
        Self { brightness: factor(), contrast: factor(), saturation: factor() }
    }

    /// Applies the factors to pixels of `N` bytes, the first three of which are RGB.
    pub(super) fn apply<const N: usize>(self, pixels: &mut [u8]) {
        let (pixels, _) = pixels.as_chunks_mut::<N>();
        let luma = |rgb: [f32; 3]| LUMA[0] * rgb[0] + LUMA[1] * rgb[1] + LUMA[2] * rgb[2];
        let rgb = |px: &[u8; N]| [px[0], px[1], px[2]].map(|v| f32::from(v) * self.brightness);
        let mean = pixels.iter().map(|px| luma(rgb(px))).sum::<f32>() / pixels.len().max(1) as f32;
        for px in pixels {
            let bright = rgb(px);
            let grey = luma(bright);
            for (value, bright) in px.iter_mut().zip(bright) {
                let saturated = grey + (bright - grey) * self.saturation;
                *value = (mean + (saturated - mean) * self.contrast).round() as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Jitter = Jitter { brightness: 1.0, contrast: 1.0, saturation: 1.0 };

    #[test]
    fn ones_change_nothing() {
        let pixels: Vec<u8> = (0..=254).collect();
        let mut jittered = pixels.clone();
        NONE.apply::<3>(&mut jittered);
        assert_eq!(jittered, pixels);
    }

    #[test]
    fn each_factor_does_what_it_says() {
        let mut pixels = [100, 50, 10, 200, 200, 200];
        Jitter { brightness: 0.5, ..NONE }.apply::<3>(&mut pixels);
        assert_eq!(pixels, [50, 25, 5, 100, 100, 100]);
        let mut pixels = [255, 0, 0];
        Jitter { saturation: 0.0, ..NONE }.apply::<3>(&mut pixels);
        assert_eq!(pixels, [76; 3]);
        let mut pixels = [100, 100, 100, 7, 200, 200, 200, 9];
        Jitter { contrast: 0.0, ..NONE }.apply::<4>(&mut pixels);
        assert_eq!(pixels, [150, 150, 150, 7, 150, 150, 150, 9], "alpha stays");
    }
}
