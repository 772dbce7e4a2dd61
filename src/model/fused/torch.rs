//! libtorch's own kernels: attention that never writes its weights down, layer norm by its own autograd.
#![expect(
    deprecated,
    reason = "Burn is to drop libtorch, the fastest of its backends for training on CPUs today"
)]

use burn::backend::LibTorch;
use burn::backend::libtorch::TchTensor;
use burn::backend::tensor::FloatTensor;
use tch::Tensor;

use super::Fused;
use super::derivatives::Derivatives;

impl Fused for LibTorch {
    fn attended(parts: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        TchTensor::new(side_by_side(&attended(&heads_of(&parts.tensor, heads))))
    }

    fn multiplied(
        tokens: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        TchTensor::new(tokens.tensor.linear(&weights.tensor.tr(), Some(&bias.tensor)))
    }

    fn mixed(features: FloatTensor<Self>, kernel: FloatTensor<Self>) -> FloatTensor<Self> {
        TchTensor::new(last(&convolved(&laid_out(&features.tensor), &kernel.tensor)))
    }
}

impl Derivatives for LibTorch {
    fn attended_keeping(parts: FloatTensor<Self>, heads: usize) -> [FloatTensor<Self>; 2] {
        let inputs = heads_of(&parts.tensor, heads);
        if parts.tensor.device().is_cuda() {
            let output = TchTensor::new(side_by_side(&attended(&inputs)));
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
        [side_by_side(&output), log_sums].map(TchTensor::new)
    }

    fn attended_back(
        parts: FloatTensor<Self>,
        heads: usize,
        [output, log_sums]: [FloatTensor<Self>; 2],
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        if grad.tensor.device().is_cuda() {
            let [of_parts] =
                derived([parts], &grad, |[parts]| side_by_side(&attended(&heads_of(parts, heads))));
            return of_parts;
        }
        let [query, key, value] = heads_of(&parts.tensor, heads);
        let [grad, output] = [grad, output].map(|all| apart(&all.tensor, heads));
        let (of_query, of_key, of_value) =
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
        TchTensor::new(Tensor::cat(&[of_query, of_key, of_value].map(|part| side_by_side(&part)), 2))
    }

    fn normalised_back(
        [tokens, gamma]: [FloatTensor<Self>; 2],
        epsilon: f64,
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3] {
        let beta = TchTensor::new(gamma.tensor.zeros_like());
        derived([tokens, gamma, beta], &grad, |[tokens, gamma, beta]| {
            tokens.layer_norm([gamma.size()[0]], Some(gamma), Some(beta), epsilon, true)
        })
    }

    fn mixed_back(
        [features, kernel]: [FloatTensor<Self>; 2],
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 2] {
        let [features, grad] = [features, grad].map(|all| TchTensor::new(laid_out(&all.tensor)));
        let [of_features, of_kernel] =
            derived([features, kernel], &grad, |[features, kernel]| convolved(features, kernel));
        [TchTensor::new(last(&of_features.tensor)), of_kernel]
    }
}

/// `[B, H, T, d]` of `[B, T, D]`.
fn apart(all: &Tensor, heads: usize) -> Tensor {
    all.unflatten(2, [heads as i64, -1]).transpose(1, 2)
}

/// Queries, keys and values `[B, H, T, d]` of `[B, T, 3·D]`.
fn heads_of(parts: &Tensor, heads: usize) -> [Tensor; 3] {
    let width = parts.size()[2] / 3;
    [0, 1, 2].map(|part| apart(&parts.narrow(2, part * width, width), heads))
}

/// `[B, T, D]` of `[B, H, T, d]`.
fn side_by_side(all: &Tensor) -> Tensor {
    all.transpose(1, 2).flatten(2, 3)
}

/// With the channels first, and in memory too on GPUs: they have no depthwise convolution to speak of for channels that lie last.
fn laid_out(features: &Tensor) -> Tensor {
    let features = features.permute([0, 3, 1, 2]);
    if features.device().is_cuda() { features.contiguous() } else { features }
}

fn last(features: &Tensor) -> Tensor {
    features.permute([0, 2, 3, 1])
}

fn convolved(features: &Tensor, kernel: &Tensor) -> Tensor {
    features.conv2d(kernel, None::<Tensor>, [1, 1], [1, 1], [1, 1], kernel.size()[0])
}

/// Whichever of libtorch's kernels suits the GPU.
fn attended([query, key, value]: &[Tensor; 3]) -> Tensor {
    Tensor::scaled_dot_product_attention(query, key, value, None::<Tensor>, 0.0, false, None, false)
}

/// Gradients of `inputs` from that of what `function` makes of them, which is computed once more.
fn derived<const INPUTS: usize>(
    inputs: [TchTensor; INPUTS],
    grad: &TchTensor,
    function: impl Fn(&[Tensor; INPUTS]) -> Tensor,
) -> [TchTensor; INPUTS] {
    let inputs = inputs.map(|input| input.tensor.detach().set_requires_grad(true));
    let weighed = (function(&inputs) * &grad.tensor).sum(None);
    let found = Tensor::run_backward(&[weighed], &inputs, false, false);
    std::array::from_fn(|at| TchTensor::new(found[at].shallow_clone()))
}
