//! Matrix products in the precision of their weights.

use burn::nn::Linear;
use burn::tensor::{FloatDType, Tensor};

use super::fused::{multiplied, multiplied_rounded};

/// `tokens · W + b`, computed in the type of `W`; or rounded, see [`fused::multiplied_rounded`](super::fused::multiplied_rounded).
///
/// # Shapes
/// - `tokens`: `[B, T, D in]`
/// - returns `[B, T, D out]`, in the type of `tokens`
pub(super) fn product(linear: &Linear, tokens: Tensor<3>, rounds: bool) -> Tensor<3> {
    let weights = linear.weight.val();
    let bias = match &linear.bias {
        Some(bias) => bias.val(),
        None => Tensor::zeros([weights.dims()[1]], (&weights.device(), weights.dtype())),
    };
    if rounds {
        return multiplied_rounded(tokens, weights) + bias.unsqueeze();
    }
    in_type_of(linear, tokens, |tokens| multiplied(tokens, weights, bias))
}

/// What `compute` makes of `tokens` in the type of the weights of `linear`, in the type that `tokens` came in.
pub(super) fn in_type_of(
    linear: &Linear,
    tokens: Tensor<3>,
    compute: impl FnOnce(Tensor<3>) -> Tensor<3>,
) -> Tensor<3> {
    let (given, computed) = (FloatDType::from(tokens.dtype()), FloatDType::from(linear.weight.val().dtype()));
    if given == computed {
        return compute(tokens);
    }
    compute(tokens.cast(computed)).cast(given)
}
