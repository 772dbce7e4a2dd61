//! libtorch's own kernels: attention that never writes its weights down, layer norm by its own autograd.
#![expect(
    deprecated,
    reason = "Burn is to drop libtorch, the fastest of its backends for training on CPUs today"
)]

use burn::backend::LibTorch;
use burn::backend::libtorch::TchTensor;
use burn::backend::tensor::FloatTensor as Float;
use tch::Tensor;

use super::attention::AttentionOps;
use super::backward::attention::AttentionBackward;
use super::backward::depthwise_conv::DepthwiseConvBackward;
use super::backward::gelu::GeluBackward;
use super::backward::layer_norm::LayerNormBackward;
use super::backward::linear::LinearBackward;
use super::backward::mse::MseBackward;
use super::depthwise_conv::DepthwiseConvOps;
use super::gelu::GeluOps;
use super::layer_norm::LayerNormOps;
use super::linear::LinearOps;
use super::mse::MseOps;

impl GeluOps for LibTorch {}
impl GeluBackward for LibTorch {}
impl LayerNormOps for LibTorch {}
impl LinearBackward for LibTorch {}
impl MseOps for LibTorch {}
impl MseBackward for LibTorch {}

impl AttentionOps for LibTorch {
    fn forward(qkv: Float<Self>, heads: usize) -> Float<Self> {
        TchTensor::new(merge_heads(&attention(&split_heads(&qkv.tensor, heads))))
    }
}

impl AttentionBackward for LibTorch {
    /// Keeps the logarithms of the softmax's sums on CPUs, and nothing of use on GPUs.
    fn forward_keeping(qkv: Float<Self>, heads: usize) -> [Float<Self>; 2] {
        let inputs = split_heads(&qkv.tensor, heads);
        if qkv.tensor.device().is_cuda() {
            let output = TchTensor::new(merge_heads(&attention(&inputs)));
            return [output.clone(), output];
        }
        let [query, key, value] = inputs;
        let (output, log_sums) = Tensor::internal_scaled_dot_product_flash_attention_for_cpu(
            &query,
            &key,
            &value,
            0.0,
            false,
            None::<Tensor>,
            None,
        );
        [merge_heads(&output), log_sums].map(TchTensor::new)
    }

    fn backward(qkv: Float<Self>, heads: usize, kept: [Float<Self>; 2], grad: Float<Self>) -> Float<Self> {
        let [output, log_sums] = kept;
        if grad.tensor.device().is_cuda() {
            let [qkv_grad] =
                autograd([qkv], &grad, |[qkv]| merge_heads(&attention(&split_heads(qkv, heads))));
            return qkv_grad;
        }
        let [query, key, value] = split_heads(&qkv.tensor, heads);
        let [grad, output] = [grad, output].map(|all| split(&all.tensor, heads));
        let (query_grad, key_grad, value_grad) =
            Tensor::internal_scaled_dot_product_flash_attention_for_cpu_backward(
                &grad,
                &query,
                &key,
                &value,
                &output,
                &log_sums.tensor,
                0.0,
                false,
                None::<Tensor>,
                None,
            );
        TchTensor::new(Tensor::cat(&[query_grad, key_grad, value_grad].map(|part| merge_heads(&part)), 2))
    }
}

impl LinearOps for LibTorch {
    fn forward(x: Float<Self>, weight: Float<Self>, bias: Float<Self>) -> Float<Self> {
        TchTensor::new(x.tensor.linear(&weight.tensor.tr(), Some(&bias.tensor)))
    }
}

impl LayerNormBackward for LibTorch {
    fn backward(x: Float<Self>, gamma: Float<Self>, epsilon: f64, grad: Float<Self>) -> [Float<Self>; 3] {
        let beta = TchTensor::new(gamma.tensor.zeros_like());
        autograd([x, gamma, beta], &grad, |[x, gamma, beta]| {
            x.layer_norm([gamma.size()[0]], Some(gamma), Some(beta), epsilon, true)
        })
    }
}

impl DepthwiseConvOps for LibTorch {
    fn forward(features: Float<Self>, kernel: Float<Self>) -> Float<Self> {
        TchTensor::new(channels_last(&depthwise_conv(&channels_first(&features.tensor), &kernel.tensor)))
    }
}

impl DepthwiseConvBackward for LibTorch {
    fn backward(features: Float<Self>, kernel: Float<Self>, grad: Float<Self>) -> [Float<Self>; 2] {
        let [features, grad] = [features, grad].map(|all| TchTensor::new(channels_first(&all.tensor)));
        let [feature_grad, kernel_grad] =
            autograd([features, kernel], &grad, |[features, kernel]| depthwise_conv(features, kernel));
        [TchTensor::new(channels_last(&feature_grad.tensor)), kernel_grad]
    }
}

/// Splits tokens `[B, T, D]` into heads `[B, H, T, d]`.
fn split(all: &Tensor, heads: usize) -> Tensor {
    all.unflatten(2, [heads as i64, -1]).transpose(1, 2)
}

/// Splits `[B, T, 3·D]` into queries, keys and values `[B, H, T, d]`.
fn split_heads(qkv: &Tensor, heads: usize) -> [Tensor; 3] {
    let width = qkv.size()[2] / 3;
    [0, 1, 2].map(|part| split(&qkv.narrow(2, part * width, width), heads))
}

/// Merges heads `[B, H, T, d]` into tokens `[B, T, D]`.
fn merge_heads(all: &Tensor) -> Tensor {
    all.transpose(1, 2).flatten(2, 3)
}

/// Permutes `[B, height, width, D]` to `[B, D, height, width]`; on GPUs in memory too, since libtorch has no
/// fast depthwise convolution there for channels that lie last.
fn channels_first(features: &Tensor) -> Tensor {
    let features = features.permute([0, 3, 1, 2]);
    if features.device().is_cuda() { features.contiguous() } else { features }
}

fn channels_last(features: &Tensor) -> Tensor {
    features.permute([0, 2, 3, 1])
}

fn depthwise_conv(features: &Tensor, kernel: &Tensor) -> Tensor {
    features.conv2d(kernel, None::<Tensor>, [1, 1], [1, 1], [1, 1], kernel.size()[0])
}

/// Computes attention with whichever of libtorch's kernels suits the device.
fn attention([query, key, value]: &[Tensor; 3]) -> Tensor {
    Tensor::scaled_dot_product_attention(query, key, value, None::<Tensor>, 0.0, false, None, false)
}

/// Returns the gradients of `inputs` from that of the output of `function`, which libtorch's autograd
/// computes once more.
fn autograd<const INPUTS: usize>(
    inputs: [TchTensor; INPUTS],
    grad: &TchTensor,
    function: impl Fn(&[Tensor; INPUTS]) -> Tensor,
) -> [TchTensor; INPUTS] {
    let inputs = inputs.map(|input| input.tensor.detach().set_requires_grad(true));
    // Σ output·grad has the gradients that `grad` gives the inputs.
    let sum = (function(&inputs) * &grad.tensor).sum(None);
    let found = Tensor::run_backward(&[sum], &inputs, false, false);
    std::array::from_fn(|at| TchTensor::new(found[at].shallow_clone()))
}
