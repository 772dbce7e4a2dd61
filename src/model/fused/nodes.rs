//! The same as nodes of Burn's autodiff.

use burn::backend::Backend;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::Fused;
use super::derivatives::Derivatives;

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

impl<B: Derivatives> Backward<B, 1> for Attention {
    type State = (FloatTensor<B>, usize, [FloatTensor<B>; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        pass_on::<B, _, _>(ops, grads, |(parts, heads, kept), grad| {
            [B::attended_back(parts, heads, kept, grad)]
        });
    }
}

#[derive(Debug)]
struct Multiplication;

impl<B: Derivatives> Backward<B, 3> for Multiplication {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let ([of_tokens, of_weights, of_bias], [tokens, weights]) = (ops.parents, ops.state);
        // Each is a product of its own, and patches of photos want none.
        if let Some(node) = of_tokens {
            grads.register::<B>(node.id, B::of_tokens(weights, grad.clone()));
        }
        if let Some(node) = of_weights {
            grads.register::<B>(node.id, B::linear_weight_backward(tokens, grad.clone()));
        }
        if let Some(node) = of_bias {
            grads.register::<B>(node.id, B::of_bias(grad));
        }
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

#[derive(Debug)]
struct SquaredError;

impl<B: Derivatives> Backward<B, 1> for SquaredError {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        pass_on::<B, _, _>(ops, grads, |inputs, grad| [B::squared_error_back(inputs, grad)]);
    }
}

impl<B: Derivatives, C: CheckpointStrategy> Fused for Autodiff<B, C> {
    fn attended(parts: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        let (parts, of_parts) = parts.into_parts();
        match Attention.prepare::<C>([of_parts]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let kept = B::attended_keeping(parts.clone(), heads);
                let output = kept[0].clone();
                prep.finish((parts, heads, kept), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::attended(parts, heads)),
        }
    }

    fn multiplied(
        tokens: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [(tokens, of_tokens), (weights, of_weights), (bias, of_bias)] =
            [tokens, weights, bias].map(|input| input.into_parts());
        let output = B::multiplied(tokens.clone(), weights.clone(), bias);
        match Multiplication.prepare::<C>([of_tokens, of_weights, of_bias]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish([tokens, weights], output),
            OpsKind::UnTracked(prep) => prep.finish(output),
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

    fn squared_error(prediction: FloatTensor<Self>, target: FloatTensor<Self>) -> FloatTensor<Self> {
        let ((prediction, of_prediction), (target, _)) = (prediction.into_parts(), target.into_parts());
        let output = B::squared_error(prediction.clone(), target.clone());
        match SquaredError.prepare::<C>([of_prediction]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish([prediction, target], output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}
