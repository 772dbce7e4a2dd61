//! The same while training: the derivatives of each as a whole.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, TensorMetadata};

use super::{CHANNELS_FIRST, CHANNELS_LAST, Fused, depthwise, heads_of, side_by_side};

/// The ways there and back of a backend that does not differentiate by itself.
pub(super) trait Derivatives: Fused {
    /// The output, and what [`attended_back`](Self::attended_back) wants to see again of the computation.
    fn attended_keeping(parts: FloatTensor<Self>, heads: usize) -> [FloatTensor<Self>; 2] {
        attended_keeping::<Self>(parts, heads)
    }

    /// Gradient of queries, keys and values (`FlashAttention`, <https://arxiv.org/abs/2205.14135>, appendix B.2).
    fn attended_back(
        parts: FloatTensor<Self>,
        heads: usize,
        [_, weights]: [FloatTensor<Self>; 2],
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        attended_back::<Self>(parts, heads, weights, grad)
    }

    /// Gradient of the tokens that were multiplied.
    fn of_tokens(weights: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::linear_x_backward(weights, grad)
    }

    /// Gradient of what was added to the product.
    fn of_bias(grad: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::linear_bias_backward(grad)
    }

    /// Gradients of tokens, `gamma` and `beta`; the standard deviations are computed once more.
    fn normalised_back(
        [tokens, gamma]: [FloatTensor<Self>; 2],
        epsilon: f64,
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3] {
        normalised_back::<Self>([tokens, gamma], epsilon, grad)
    }

    /// Gradient of what went into GELU.
    fn activated_back(tokens: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::gelu_backward(tokens, grad)
    }

    /// Gradients of what a depthwise convolution took in, and of its kernel.
    fn mixed_back(inputs: [FloatTensor<Self>; 2], grad: FloatTensor<Self>) -> [FloatTensor<Self>; 2] {
        convolved_back::<Self>(inputs, grad)
    }

    /// Gradient of the prediction.
    fn squared_error_back(inputs: [FloatTensor<Self>; 2], grad: FloatTensor<Self>) -> FloatTensor<Self> {
        squared_error_back::<Self>(inputs, grad)
    }
}

/// With Burn's operations; the weights are `[B, H, T, T]`.
pub(super) fn attended_keeping<B: Backend>(parts: FloatTensor<B>, heads: usize) -> [FloatTensor<B>; 2] {
    let [query, key, value] = heads_of::<B>(parts, heads);
    let query = B::float_mul_scalar(query.clone(), scale::<B>(&query).into());
    let weights = B::softmax(B::float_matmul(query, B::float_transpose(key)), 3);
    let mixed = B::float_matmul(weights.clone(), value);
    [side_by_side::<B>(mixed), weights]
}

/// With Burn's operations.
pub(super) fn attended_back<B: Backend>(
    parts: FloatTensor<B>,
    heads: usize,
    weights: FloatTensor<B>,
    grad: FloatTensor<B>,
) -> FloatTensor<B> {
    let [query, key, value] = heads_of::<B>(parts, heads);
    let [batch, heads, length, width] = query.shape().dims();
    let grad = B::float_reshape(grad, [batch, length, heads, width].into());
    let grad = B::float_permute(grad, &[0, 2, 1, 3]);
    let scale = scale::<B>(&query);
    let of_value = B::float_matmul(B::float_transpose(weights.clone()), grad.clone());
    let of_weights = B::float_matmul(grad, B::float_transpose(value));
    let mean = B::float_sum_dim(B::float_mul(of_weights.clone(), weights.clone()), 3);
    let of_scores = B::float_mul(B::float_sub(of_weights, mean), weights);
    let of_scores = B::float_mul_scalar(of_scores, scale.into());
    let of_query = B::float_matmul(of_scores.clone(), key);
    let of_key = B::float_matmul(B::float_transpose(of_scores), query);
    B::float_cat([of_query, of_key, of_value].map(side_by_side::<B>).into(), 2)
}

/// With Burn's operations.
pub(super) fn normalised_back<B: Backend>(
    [tokens, gamma]: [FloatTensor<B>; 2],
    epsilon: f64,
    grad: FloatTensor<B>,
) -> [FloatTensor<B>; 3] {
    let shape = tokens.shape();
    let width = shape[shape.num_dims() - 1];
    let rows = |all| B::float_reshape(all, [shape.num_elements() / width, width].into());
    let [tokens, grad] = [tokens, grad].map(rows);
    let mean = B::float_mean_dim(tokens.clone(), 1);
    let centred = B::float_sub(tokens, mean);
    let variance = B::float_mean_dim(B::float_mul(centred.clone(), centred.clone()), 1);
    let deviation = B::float_sqrt(B::float_add_scalar(variance, epsilon.into()));
    let unit = B::float_div(centred, deviation.clone());
    let summed = |all| B::float_reshape(B::float_sum_dim(all, 0), [width].into());
    let of_gamma = summed(B::float_mul(grad.clone(), unit.clone()));
    let of_beta = summed(grad.clone());
    let of_unit = B::float_mul(grad, B::float_reshape(gamma, [1, width].into()));
    let along = B::float_mean_dim(B::float_mul(of_unit.clone(), unit.clone()), 1);
    let shift = B::float_mean_dim(of_unit.clone(), 1);
    let turned = B::float_sub(B::float_sub(of_unit, shift), B::float_mul(unit, along));
    [B::float_reshape(B::float_div(turned, deviation), shape), of_gamma, of_beta]
}

/// As Burn computes it.
pub(super) fn convolved_back<B: Backend>(
    [features, kernel]: [FloatTensor<B>; 2],
    grad: FloatTensor<B>,
) -> [FloatTensor<B>; 2] {
    let options = depthwise(kernel.shape()[0]);
    let [features, grad] = [features, grad].map(|all| B::float_permute(all, &CHANNELS_FIRST));
    let of_features = B::conv2d_x_backward(features.clone(), kernel.clone(), grad.clone(), options.clone());
    let of_kernel = B::conv2d_weight_backward(features, kernel, grad, options);
    [B::float_permute(of_features, &CHANNELS_LAST), of_kernel]
}

/// With Burn's operations.
pub(super) fn squared_error_back<B: Backend>(
    [prediction, target]: [FloatTensor<B>; 2],
    grad: FloatTensor<B>,
) -> FloatTensor<B> {
    let shape = prediction.shape();
    let steep = 2.0 / f64::from(shape[shape.num_dims() - 1] as u32);
    let grad = B::float_expand(B::float_mul_scalar(grad, steep.into()), shape);
    B::float_mul(B::float_sub(prediction, target), grad)
}

impl Derivatives for Cube {}

/// `1 / √d` of queries `[B, H, T, d]`.
fn scale<B: Backend>(query: &FloatTensor<B>) -> f64 {
    let [_, _, _, width] = query.shape().dims();
    1.0 / f64::from(width as u32).sqrt()
}
