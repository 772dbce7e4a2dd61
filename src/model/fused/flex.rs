//! burn-flex with loops of our own, see `mae_seg_kernels`.

use std::ops::Range;

use burn::backend::Flex;
use burn::backend::TensorMetadata as _;
#[cfg(feature = "native")]
use burn::backend::ops::ModuleOps as _;
use burn::backend::ops::{ActivationOps as _, FloatTensorOps as _};
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, TensorData};
#[cfg(feature = "native")]
use rayon::prelude::*;

use super::Fused;
#[cfg(feature = "native")]
use super::derivatives::{self, Derivatives};

#[cfg(feature = "native")]
mod attention;
#[cfg(target_arch = "wasm32")]
mod browser;
mod depthwise;
#[cfg(feature = "native")]
mod error;
#[cfg(feature = "native")]
mod linear;
#[cfg(feature = "native")]
mod norm;

/// Numbers that a thread takes at once.
#[cfg(feature = "native")]
const PART: usize = 1 << 14;

impl Fused for Flex {
    fn activated(tokens: FloatTensor<Self>) -> FloatTensor<Self> {
        if tokens.dtype() != DType::F32 {
            return Self::gelu(tokens);
        }
        let tokens = tokens.to_contiguous();
        let mut numbers = copied(&tokens.storage::<f32>()[place(&tokens)]);
        #[cfg(feature = "native")]
        numbers.par_chunks_mut(PART).for_each(mae_seg_kernels::gelu);
        #[cfg(not(feature = "native"))]
        mae_seg_kernels::gelu(&mut numbers);
        Self::float_from_data(TensorData::new(numbers, tokens.shape()), &Default::default())
    }

    fn mixed(features: FloatTensor<Self>, kernel: FloatTensor<Self>) -> FloatTensor<Self> {
        if [&features, &kernel].iter().any(|all| all.dtype() != DType::F32) {
            return super::convolved::<Self>(features, kernel);
        }
        depthwise::convolved(&features, kernel)
    }

    #[cfg(feature = "native")]
    fn multiplied(
        tokens: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        if tokens.dtype() != DType::F32 {
            return Self::linear(tokens, weights, Some(bias));
        }
        linear::multiplied([tokens, weights, bias])
    }

    #[cfg(feature = "native")]
    fn squared_error(prediction: FloatTensor<Self>, target: FloatTensor<Self>) -> FloatTensor<Self> {
        if prediction.dtype() != DType::F32 {
            return super::squared::<Self>(prediction, target);
        }
        error::squared([prediction, target])
    }

    #[cfg(target_arch = "wasm32")]
    fn attended_rounded(parts: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        super::side_by_side::<Self>(browser::attended(super::heads_of::<Self>(parts, heads)))
    }

    #[cfg(target_arch = "wasm32")]
    fn multiplied_rounded(tokens: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self> {
        browser::multiplied(tokens, weights)
    }
}

#[cfg(feature = "native")]
impl Derivatives for Flex {
    fn attended_keeping(parts: FloatTensor<Self>, heads: usize) -> [FloatTensor<Self>; 2] {
        if parts.dtype() != DType::F32 {
            return derivatives::attended_keeping::<Self>(parts, heads);
        }
        attention::keeping(&parts, heads)
    }

    fn attended_back(
        parts: FloatTensor<Self>,
        heads: usize,
        [_, weights]: [FloatTensor<Self>; 2],
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        if parts.dtype() != DType::F32 {
            return derivatives::attended_back::<Self>(parts, heads, weights, grad);
        }
        attention::back(parts, heads, weights, grad)
    }

    fn of_tokens(weights: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        if grad.dtype() != DType::F32 {
            return Self::linear_x_backward(weights, grad);
        }
        linear::of_tokens([weights, grad])
    }

    fn of_bias(grad: FloatTensor<Self>) -> FloatTensor<Self> {
        if grad.dtype() != DType::F32 {
            return Self::linear_bias_backward(grad);
        }
        linear::of_bias(&grad)
    }

    fn normalised_back(
        inputs: [FloatTensor<Self>; 2],
        epsilon: f64,
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3] {
        let width = inputs[1].shape().num_elements();
        if grad.dtype() != DType::F32 || !width.is_multiple_of(mae_seg_kernels::LANES) {
            return derivatives::normalised_back::<Self>(inputs, epsilon, grad);
        }
        norm::back(inputs, epsilon, grad)
    }

    fn activated_back(tokens: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        if tokens.dtype() != DType::F32 {
            return Self::gelu_backward(tokens, grad);
        }
        let [tokens, grad] = [tokens, grad].map(|input| input.to_contiguous());
        let mut grads = copied(&grad.storage::<f32>()[place(&grad)]);
        let numbers = tokens.storage::<f32>()[place(&tokens)].par_chunks(PART);
        let parts = grads.par_chunks_mut(PART).zip(numbers);
        parts.for_each(|(grads, numbers)| mae_seg_kernels::gelu_back(grads, numbers));
        Self::float_from_data(TensorData::new(grads, tokens.shape()), &Default::default())
    }

    fn squared_error_back(inputs: [FloatTensor<Self>; 2], grad: FloatTensor<Self>) -> FloatTensor<Self> {
        if grad.dtype() != DType::F32 {
            return derivatives::squared_error_back::<Self>(inputs, grad);
        }
        error::squared_back(inputs, &grad)
    }

    fn mixed_back(inputs: [FloatTensor<Self>; 2], grad: FloatTensor<Self>) -> [FloatTensor<Self>; 2] {
        if inputs.iter().chain([&grad]).any(|all| all.dtype() != DType::F32) {
            return derivatives::convolved_back::<Self>(inputs, grad);
        }
        depthwise::convolved_back(inputs, grad)
    }
}

/// So many zeros. All threads write them: one alone takes a good part of the time of what is to come in their place.
#[cfg(feature = "native")]
fn zeros(count: usize) -> Vec<f32> {
    rayon::iter::repeat_n(0.0, count).with_min_len(PART).collect()
}

#[cfg(feature = "native")]
fn copied(numbers: &[f32]) -> Vec<f32> {
    numbers.par_iter().with_min_len(PART).copied().collect()
}

#[cfg(not(feature = "native"))]
fn copied(numbers: &[f32]) -> Vec<f32> {
    numbers.to_vec()
}

/// The sum of all parts, added in their order, however many threads there are.
#[cfg(feature = "native")]
fn summed(parts: impl IndexedParallelIterator<Item = Vec<f32>>, length: usize) -> Vec<f32> {
    parts.collect::<Vec<_>>().into_iter().fold(vec![0.0; length], |mut sums, part| {
        sums.iter_mut().zip(part).for_each(|(sum, number)| *sum += number);
        sums
    })
}

fn tensor<const RANK: usize>(numbers: Vec<f32>, shape: [usize; RANK]) -> FloatTensor<Flex> {
    Flex::float_from_data(TensorData::new(numbers, shape), &Default::default())
}

/// Where a tensor without gaps lies in its storage.
fn place(tensor: &FloatTensor<Flex>) -> Range<usize> {
    let (start, end) = tensor.layout().contiguous_offsets().unwrap_or_default();
    start..end
}
