//! Contrastive pretraining (`SimCLR`) of an encoder, the baseline for masked autoencoding.

use burn::module::Module;
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Int, Tensor};

use super::{Linear, VisionTransformer, VitConfig};

/// Width of the projected space (`SimCLR`, <https://arxiv.org/abs/2002.05709> §2.1).
const PROJECTED: usize = 128;
/// Added to the similarity of a view to itself, to exclude it from the softmax.
const NEVER: f64 = -1e9;

/// `SimCLR`'s network: an encoder, whose class token is projected by two layers.
#[derive(Module, Debug)]
pub struct ContrastiveEncoder {
    /// The encoder, kept after training.
    pub encoder: VisionTransformer,
    /// The projector, used in training only.
    pub projector: Projector,
}

/// The projection head: `D` to `4·D`, `ReLU`, to 128.
#[derive(Module, Debug)]
pub struct Projector {
    /// First layer, `[D, 4·D]`.
    pub fc1: Linear,
    /// Second layer, `[4·D, 128]`.
    pub fc2: Linear,
}

impl ContrastiveEncoder {
    /// Initialises the parameters.
    #[must_use]
    pub fn new(config: &VitConfig, device: &Device) -> Self {
        let d = config.embed_dim;
        Self {
            encoder: VisionTransformer::new(config, device),
            projector: Projector {
                fc1: Linear::new(d, 4 * d, device),
                fc2: Linear::new(4 * d, PROJECTED, device),
            },
        }
    }

    /// Projects the class token of each image.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, S, S]`, normalised
    /// - returns `[B, 128]`
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let encoder = &self.encoder;
        let tokens = encoder.forward(images);
        let class = tokens.narrow(1, 0, 1).squeeze_dim::<2>(1);
        self.projector.fc2.forward(relu(self.projector.fc1.forward(class)))
    }
}

/// Computes `SimCLR`'s loss (its Algorithm 1): by cosine similarity, each view should be closest to the other
/// view of its photo among all views of the batch.
///
/// # Shapes
/// - `first`, `second`: `[B, 128]`, two views of each photo
/// - returns `[1]`, the mean over all `2·B` views
#[must_use]
pub fn contrastive_loss(first: Tensor<2>, second: Tensor<2>, temperature: f64) -> Tensor<1> {
    let [photos, _] = first.dims();
    let views = 2 * photos;
    let all = Tensor::cat(vec![first, second], 0);
    let norm = all.clone().square().sum_dim(1).sqrt().clamp_min(1e-12);
    let all = all / norm;
    let device = all.device();
    let itself = Tensor::<2>::eye(views, &device).mul_scalar(NEVER);
    let likeness = all.clone().matmul(all.transpose()).div_scalar(temperature) + itself;
    let order = Tensor::<1, Int>::arange(0..views as i64, &device);
    let other = order.add_scalar(photos as i64).remainder_scalar(views as i64).reshape([views, 1]);
    log_softmax(likeness, 1).gather(1, other).mean().neg()
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    fn views(numbers: &[[f64; 3]]) -> Tensor<2> {
        let flat: Vec<f32> = numbers.iter().flatten().map(|&v| v as f32).collect();
        Tensor::from_data(TensorData::new(flat, [numbers.len(), 3]), &Device::flex())
    }

    #[test]
    fn the_loss_is_that_of_its_definition() {
        let first = [[1.0, 0.5, -0.2], [-0.3, 0.8, 0.4]];
        let second = [[0.9, 0.1, 0.3], [0.2, 1.0, -0.5]];
        let all = [first, second].concat();
        let cosine = |a: [f64; 3], b: [f64; 3]| {
            let dot = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
            dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
        };
        let expected: f64 = (0..4)
            .map(|i| {
                let power = |j: usize| (cosine(all[i], all[j]) / 0.2).exp();
                let others: f64 = (0..4).filter(|&j| j != i).map(power).sum();
                -(power((i + 2) % 4) / others).ln() / 4.0
            })
            .sum();
        let loss = contrastive_loss(views(&first), views(&second), 0.2).into_scalar::<f32>();
        assert!((f64::from(loss) - expected).abs() < 1e-5, "{loss}, expected {expected}");
    }

    #[test]
    fn photos_become_points_of_128_numbers() {
        let device = Device::flex();
        let model = ContrastiveEncoder::new(&VitConfig::plain(32, 8, 16, 2, 2), &device);
        assert_eq!(model.forward(Tensor::zeros([3, 3, 32, 32], &device)).dims(), [3, 128]);
    }
}
