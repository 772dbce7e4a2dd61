//! Measures the similarity of two pictures.

use serde::Serialize;

/// Side of the windows in which structure is compared.
const WINDOW: usize = 7;

/// The similarity of two pictures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Likeness {
    /// Peak signal-to-noise ratio in decibels; infinite for equal pictures.
    pub psnr: f64,
    /// Structural similarity, 1 for equal pictures.
    pub ssim: f64,
}

impl Likeness {
    /// Compares two pictures in bytes, channel after channel, in rows of `width`, as scikit-image does for
    /// 8-bit colour.
    #[must_use]
    pub fn of(first: &[u8], second: &[u8], width: usize) -> Self {
        let error: f64 = first.iter().zip(second).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
        let psnr = 10.0 * (255.0_f64.powi(2) * first.len() as f64 / error).log10();
        let plane = first.len() / 3;
        let channels = first.chunks_exact(plane).zip(second.chunks_exact(plane));
        Self { psnr, ssim: channels.map(|(a, b)| structure(a, b, width)).sum::<f64>() / 3.0 }
    }
}

/// Sums over a window: of each picture's values, of their squares, and of their products.
type Sums = [u32; 5];

/// Returns the mean structural similarity of one channel (Wang et al. 2004, uniform windows, unbiased
/// covariance).
fn structure(first: &[u8], second: &[u8], width: usize) -> f64 {
    let height = first.len() / width;
    let pixel = |x: usize, y: usize| {
        let [a, b] = [first, second].map(|picture| u32::from(picture[y * width + x]));
        [a, b, a * a, b * b, a * b]
    };
    // Windows move by one pixel at a time: pixels that they leave are subtracted from the sums, pixels that
    // they reach are added.
    let mut columns = vec![[0; 5]; width];
    let mut total = 0.0;
    for y in 0..height {
        for (x, sums) in columns.iter_mut().enumerate() {
            moved(sums, &pixel(x, y), y.checked_sub(WINDOW).map(|left| pixel(x, left)).as_ref());
        }
        let mut sums = [0; 5];
        for x in 0..width {
            moved(&mut sums, &columns[x], x.checked_sub(WINDOW).map(|left| &columns[left]));
            if x + 1 >= WINDOW && y + 1 >= WINDOW {
                total += similarity(sums);
            }
        }
    }
    let count = (width + 1).saturating_sub(WINDOW) * (height + 1).saturating_sub(WINDOW);
    total / count.max(1) as f64
}

fn moved(sums: &mut Sums, coming: &Sums, leaving: Option<&Sums>) {
    for (at, sum) in sums.iter_mut().enumerate() {
        *sum = *sum + coming[at] - leaving.map_or(0, |leaving| leaving[at]);
    }
}

fn similarity(sums: Sums) -> f64 {
    let count = (WINDOW * WINDOW) as f64;
    let (c1, c2) = ((0.01_f64 * 255.0).powi(2), (0.03_f64 * 255.0).powi(2));
    let [a, b, aa, bb, ab] = sums.map(|sum| f64::from(sum) / count);
    let covariance = |products: f64, means: f64| count / (count - 1.0) * (products - means);
    let (va, vb, cov) = (covariance(aa, a * a), covariance(bb, b * b), covariance(ab, a * b));
    (2.0 * a * b + c1) * (2.0 * cov + c2) / ((a * a + b * b + c1) * (va + vb + c2))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn equals_scikit_image() {
        let recorded: Value = serde_json::from_str(include_str!("../../tests/fixtures/probe.json")).unwrap();
        let picture = |name: &str| -> Vec<u8> {
            let pixels: Vec<u8> = serde_json::from_value(recorded["pictures"][name].clone()).unwrap();
            (0..3).flat_map(|channel| pixels.iter().copied().skip(channel).step_by(3)).collect()
        };
        let found = Likeness::of(&picture("first"), &picture("second"), 22);
        assert!((found.psnr - recorded["psnr"].as_f64().unwrap()).abs() < 1e-9, "{found:?}");
        assert!((found.ssim - recorded["ssim"].as_f64().unwrap()).abs() < 1e-9, "{found:?}");
        let same = Likeness::of(&picture("first"), &picture("first"), 22);
        assert!(same.psnr.is_infinite() && (same.ssim - 1.0).abs() < 1e-12);
    }
}
