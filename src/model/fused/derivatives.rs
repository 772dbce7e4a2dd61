//! The same while training: the derivatives of each as a whole.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, TensorMetadata};

use super::{CHANNELS_FIRST, CHANNELS_LAST, Fused, depthwise};

/// The ways there and back of a backend that does not differentiate by itself.
pub(super) trait Derivatives: Fused {
    /// The output, and what [`attended_back`](Self::attended_back) wants to see again of the computation.
    fn attended_keeping(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 2] {
        let query = Self::float_mul_scalar(query.clone(), scale::<Self>(&query).into());
        let weights = Self::softmax(Self::float_matmul(query, Self::float_transpose(key)), 3);
        [Self::float_matmul(weights.clone(), value), weights]
    }

    /// Gradients of queries, keys and values (`FlashAttention`, <https://arxiv.org/abs/2205.14135>, appendix B.2).
    fn attended_back(
        [query, key, value]: [FloatTensor<Self>; 3],
        [output, weights]: [FloatTensor<Self>; 2],
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3] {
        let scale = scale::<Self>(&query);
        let of_value = Self::float_matmul(Self::float_transpose(weights.clone()), grad.clone());
        let of_weights = Self::float_matmul(grad.clone(), Self::float_transpose(value));
        let mean = Self::float_sum_dim(Self::float_mul(grad, output), 3);
        let of_scores = Self::float_mul(Self::float_sub(of_weights, mean), weights);
        let of_query = Self::float_matmul(of_scores.clone(), key);
        let of_key = Self::float_matmul(Self::float_transpose(of_scores), query);
        [
            Self::float_mul_scalar(of_query, scale.into()),
            Self::float_mul_scalar(of_key, scale.into()),
            of_value,
        ]
    }

    /// Gradients of tokens, `gamma` and `beta`; the standard deviations are computed once more.
    fn normalised_back(
        [tokens, gamma]: [FloatTensor<Self>; 2],
        epsilon: f64,
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3] {
        let shape = tokens.shape();
        let width = shape[shape.num_dims() - 1];
        let rows = |all| Self::float_reshape(all, [shape.num_elements() / width, width].into());
        let [tokens, grad] = [tokens, grad].map(rows);
        let mean = Self::float_mean_dim(tokens.clone(), 1);
        let centred = Self::float_sub(tokens, mean);
        let variance = Self::float_mean_dim(Self::float_mul(centred.clone(), centred.clone()), 1);
        let deviation = Self::float_sqrt(Self::float_add_scalar(variance, epsilon.into()));
        let unit = Self::float_div(centred, deviation.clone());
        let summed = |all| Self::float_reshape(Self::float_sum_dim(all, 0), [width].into());
        let of_gamma = summed(Self::float_mul(grad.clone(), unit.clone()));
        let of_beta = summed(grad.clone());
        let of_unit = Self::float_mul(grad, Self::float_reshape(gamma, [1, width].into()));
        let along = Self::float_mean_dim(Self::float_mul(of_unit.clone(), unit.clone()), 1);
        let shift = Self::float_mean_dim(of_unit.clone(), 1);
        let turned = Self::float_sub(Self::float_sub(of_unit, shift), Self::float_mul(unit, along));
        [Self::float_reshape(Self::float_div(turned, deviation), shape), of_gamma, of_beta]
    }

    /// Gradient of what went into GELU.
    fn activated_back(tokens: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::gelu_backward(tokens, grad)
    }

    /// Gradients of what a depthwise convolution took in, and of its kernel.
    fn mixed_back(inputs: [FloatTensor<Self>; 2], grad: FloatTensor<Self>) -> [FloatTensor<Self>; 2] {
        convolved_back::<Self>(inputs, grad)
    }
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

impl Derivatives for Cube {}

/// `1 / √d` of queries `[B, H, T, d]`.
fn scale<B: Backend>(query: &FloatTensor<B>) -> f64 {
    let [_, _, _, width] = query.shape().dims();
    1.0 / f64::from(width as u32).sqrt()
}

/// Gives those of the inputs that want one their gradients, of which `derivatives` makes the state and the output's gradient.
fn pass_on<B: Backend, S, const INPUTS: usize>(
    ops: Ops<S, INPUTS>,
    grads: &mut Gradients,
    derivatives: impl FnOnce(S, FloatTensor<B>) -> [FloatTensor<B>; INPUTS],
) {
    let grad = grads.consume::<B>(&ops.node);
    for (input, grad) in ops.parents.into_iter().zip(derivatives(ops.state, grad)) {
        if let Some(input) = input {
            grads.register::<B>(input.id, grad);
        }
    }
}

#[derive(Debug)]
struct Attention;

impl<B: Derivatives> Backward<B, 3> for Attention {
    type State = ([FloatTensor<B>; 3], [FloatTensor<B>; 2]);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        pass_on::<B, _, _>(ops, grads, |(inputs, kept), grad| B::attended_back(inputs, kept, grad));
    }
}

#[derive(Debug)]
struct Normalisation;

impl<B: Derivatives> Backward<B, 3> for Normalisation {
    type State = ([FloatTensor<B>; 2], f64);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        pass_on::<B, _, _>(ops, grads, |(inputs, epsilon), grad| B::normalised_back(inputs, epsilon, grad));
    }
}

#[derive(Debug)]
struct Activation;

impl<B: Derivatives> Backward<B, 1> for Activation {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        pass_on::<B, _, _>(ops, grads, |tokens, grad| [B::activated_back(tokens, grad)]);
    }
}

#[derive(Debug)]
struct Mixing;

impl<B: Derivatives> Backward<B, 2> for Mixing {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        pass_on::<B, _, _>(ops, grads, |inputs, grad| B::mixed_back(inputs, grad));
    }
}

impl<B: Derivatives, C: CheckpointStrategy> Fused for Autodiff<B, C> {
    fn attended(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [(query, of_query), (key, of_key), (value, of_value)] =
            [query, key, value].map(|input| input.into_parts());
        match Attention.prepare::<C>([of_query, of_key, of_value]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let kept = B::attended_keeping(query.clone(), key.clone(), value.clone());
                let output = kept[0].clone();
                prep.finish(([query, key, value], kept), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::attended(query, key, value)),
        }
    }

    fn normalised(
        tokens: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let [(tokens, of_tokens), (gamma, of_gamma), (beta, of_beta)] =
            [tokens, gamma, beta].map(|input| input.into_parts());
        let output = B::normalised(tokens.clone(), gamma.clone(), beta, epsilon);
        match Normalisation.prepare::<C>([of_tokens, of_gamma, of_beta]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(([tokens, gamma], epsilon), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn activated(tokens: FloatTensor<Self>) -> FloatTensor<Self> {
        let (tokens, of_tokens) = tokens.into_parts();
        match Activation.prepare::<C>([of_tokens]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(tokens.clone(), B::activated(tokens)),
            OpsKind::UnTracked(prep) => prep.finish(B::activated(tokens)),
        }
    }

    fn mixed(features: FloatTensor<Self>, kernel: FloatTensor<Self>) -> FloatTensor<Self> {
        let [(features, of_features), (kernel, of_kernel)] =
            [features, kernel].map(|input| input.into_parts());
        let output = B::mixed(features.clone(), kernel.clone());
        match Mixing.prepare::<C>([of_features, of_kernel]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish([features, kernel], output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}
