//! Checks that a GPU computes the same as the CPU: some drivers are fast but wrong.

use crate::engine::{Engine, EngineError, Logits};
use crate::image::RgbImage;

/// Side of the test picture in pixels.
const SIDE: usize = 64;
/// Maximum difference of a logit, relative to its magnitude plus one. Correct GPUs stay a hundred times below
/// it.
const TOLERANCE: f32 = 0.02;

/// Runs both engines on a test picture and compares every logit.
///
/// # Errors
///
/// An error if one of them cannot compute at all.
pub(super) async fn agree(gpu: &Engine, cpu: &Engine) -> Result<bool, EngineError> {
    let Ok(card) = RgbImage::new(SIDE, SIDE, test_card()) else { return Ok(true) };
    Ok(are_close(&gpu.logits(&card).await?, &cpu.logits(&card).await?))
}

/// Returns a dark disc on a colour gradient.
fn test_card() -> Vec<u8> {
    let pixel = |x: usize, y: usize| {
        let from_centre = x.abs_diff(SIDE / 2).pow(2) + y.abs_diff(SIDE / 2).pow(2);
        if from_centre < (SIDE / 4).pow(2) { [20, 30, 60] } else { [(x * 4) as u8, (y * 4) as u8, 128] }
    };
    (0..SIDE).flat_map(|y| (0..SIDE).flat_map(move |x| pixel(x, y))).collect()
}

fn are_close(gpu: &Logits, cpu: &Logits) -> bool {
    let pairs = |gpu: &[f32], cpu: &[f32]| {
        gpu.len() == cpu.len()
            && gpu.iter().zip(cpu).all(|(a, b)| (a - b).abs() <= TOLERANCE * (1.0 + b.abs()))
    };
    pairs(&gpu.class_logits, &cpu.class_logits) && pairs(&gpu.mask_logits, &cpu.mask_logits)
}
