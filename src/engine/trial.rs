//! A sample of a model's work, to estimate its speed before its weights are fetched.

use burn::tensor::{Device, Tensor};

use super::EngineError;
use super::encoded::numbers;
use crate::model::{VisionTransformer, VitConfig};

/// Runs one of a ViT-S/14's twelve blocks on a photo of `side` × `side` pixels. The caller measures the time.
///
/// # Errors
/// [`EngineError::Failed`] if the device fails during the computation.
pub async fn one_block(side: usize, device: &Device) -> Result<(), EngineError> {
    let encoder = VisionTransformer::new(&VitConfig::plain(side, 14, 384, 1, 6), device);
    numbers(encoder.forward(Tensor::zeros([1, 3, side, side], device))).await?;
    Ok(())
}
