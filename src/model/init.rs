//! Fresh parameters as MAE draws them: Xavier-uniform matrices, zero biases, N(0, 0.02) tokens.

use burn::module::Param;
use burn::nn::{Initializer, Linear};
use burn::tensor::{Device, Tensor};

pub(super) fn linear(d_input: usize, d_output: usize, device: &Device) -> Linear {
    let xavier = Initializer::XavierUniform { gain: 1.0 };
    Linear {
        weight: xavier.init_with([d_input, d_output], Some(d_input), Some(d_output), device),
        bias: Some(Initializer::Zeros.init([d_output], device)),
    }
}

pub(super) fn token<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Initializer::Normal { mean: 0.0, std: 0.02 }.init(shape, device)
}
