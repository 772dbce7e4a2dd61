//! The derivatives of the operations, each as one node of Burn's autodiff graph, which would take some apart
//! into a dozen steps that all go through memory.

use std::fmt;
use std::marker::PhantomData;

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor as Float;
use burn::backend::{Backend, Cube, Flex, TensorMetadata};
use mae_seg_kernels as kernels;

use super::flex::{contiguous, numbers, tensor};

pub(super) mod attention;
pub(super) mod depthwise_conv;
pub(super) mod gelu;
pub(super) mod layer_norm;
pub(super) mod linear;
pub(super) mod mse;

/// Computes an operation, and records it in Burn's autodiff graph if an input is tracked.
///
/// `forward` computes an untracked output, `keeping` a tracked one and the state that `backward` needs.
/// `backward` gets the state, the output's gradient and which inputs are tracked, and returns their
/// gradients.
fn record<B: Backend, C: CheckpointStrategy, S, const INPUTS: usize>(
    inputs: [Float<Autodiff<B, C>>; INPUTS],
    forward: impl FnOnce([Float<B>; INPUTS]) -> Float<B>,
    keeping: impl FnOnce([Float<B>; INPUTS]) -> (Float<B>, S),
    backward: impl FnOnce(S, Float<B>, [bool; INPUTS]) -> [Option<Float<B>>; INPUTS] + Send + 'static,
) -> Float<Autodiff<B, C>>
where
    S: Clone + Send + fmt::Debug + 'static,
{
    let nodes = inputs.each_ref().map(|input| input.node());
    let inputs = inputs.map(|input| input.into_primitive());
    match (Node { backward, kept: PhantomData }).prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let (output, kept) = keeping(inputs);
            prep.finish(kept, output)
        }
        OpsKind::UnTracked(prep) => prep.finish(forward(inputs)),
    }
}

/// A node of the graph: the gradients of an operation's inputs as a function of the output's.
struct Node<F, S> {
    backward: F,
    kept: PhantomData<fn(S)>,
}

impl<F, S> fmt::Debug for Node<F, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Node")
    }
}

impl<B, F, S, const INPUTS: usize> Backward<B, INPUTS> for Node<F, S>
where
    B: Backend,
    F: FnOnce(S, Float<B>, [bool; INPUTS]) -> [Option<Float<B>>; INPUTS] + Send + 'static,
    S: Clone + Send + fmt::Debug + 'static,
{
    type State = S;

    fn backward(self, ops: Ops<S, INPUTS>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let input_grads = (self.backward)(ops.state, grad, wanted);
        for (input, grad) in ops.parents.into_iter().zip(input_grads) {
            if let (Some(input), Some(grad)) = (input, grad) {
                grads.register::<B>(input.id, grad);
            }
        }
    }
}

#[cfg(test)]
mod tests;
