//! Matrix products in the precision of their weights.

use burn::nn::Linear;
use burn::tensor::{FloatDType, Tensor};

use super::fused::multiplied_rounded;

/// `tokens · W + b`, computed in the type of `W`; or rounded, see [`fused::multiplied_rounded`](super::fused::multiplied_rounded).
///
/// # Shapes
/// - `tokens`: `[B, T, D in]`
/// - returns `[B, T, D out]`, in the type of `tokens`
pub(super) fn product(linear: &Linear, tokens: Tensor<3>, rounds: bool) -> Tensor<3> {
    if !rounds {
        return in_type_of(linear, tokens, |tokens| linear.forward(tokens));
    }
    let product = multiplied_rounded(tokens, linear.weight.val());
    match &linear.bias {
        Some(bias) => product + bias.val().unsqueeze(),
        None => product,
    }
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
