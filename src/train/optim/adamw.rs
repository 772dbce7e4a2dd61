//! `AdamW` in a single multithreaded pass over memory on burn-flex, where Burn's own makes about a dozen
//! passes in one thread.
#![cfg_attr(feature = "libtorch", expect(deprecated, reason = "Burn is to drop libtorch"))]

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, Flex, backend_extension};
use burn::optim::{AdamWState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{DType, Device, Tensor};
use mae_seg_kernels::AdamwStep;
use rayon::prelude::*;

const EPSILON: f32 = 1e-8;
/// Number of values that a thread processes at a time.
const PART: usize = 1 << 14;

/// A parameter with its first and second moment.
type Moved<B> = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>);

/// `AdamW` with the same steps as Burn's, bit for bit in `f32`.
#[derive(Clone)]
pub(super) struct AdamW {
    betas: [f32; 2],
    weight_decay: f32,
}

impl AdamW {
    pub(super) fn new(betas: (f32, f32), weight_decay: f32) -> Self {
        Self { betas: [betas.0, betas.1], weight_decay }
    }

    fn at(&self, time: usize, rate: LearningRate) -> AdamwStep {
        let time = i32::try_from(time).unwrap_or(i32::MAX);
        AdamwStep {
            rate: rate as f32,
            kept: (1.0 - rate * f64::from(self.weight_decay)) as f32,
            betas: self.betas,
            corrections: self.betas.map(|beta| 1.0 - beta.powi(time)),
            epsilon: EPSILON,
        }
    }
}

impl Optimizer for AdamW {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        parameter: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let AdaptiveMomentumState { time, moment_1, moment_2, .. } = state
            .map(|state| state.momentum)
            .unwrap_or_else(|| AdaptiveMomentumState::new(0, grad.zeros_like(), grad.zeros_like()));
        let step = self.at(time + 1, rate);
        let [parameter, first, second, grad] =
            [parameter, moment_1, moment_2, grad].map(Tensor::into_dispatch);
        let (parameter, first, second) = <Dispatch as Stepped>::adamw(parameter, first, second, grad, step);
        let [parameter, first, second] = [parameter, first, second].map(Tensor::from_dispatch);
        (parameter, Some(AdamWState::new(AdaptiveMomentumState::new(time + 1, first, second))))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        AdamWState::new(state.momentum.to_device(device))
    }
}

/// The backend operation behind [`AdamW`].
#[backend_extension(Cube, Flex, LibTorch: cfg(feature = "libtorch"))]
trait Stepped: Backend {
    fn adamw(
        parameter: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        step: AdamwStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        part_by_part::<Self>((parameter, first, second), grad, step)
    }
}

impl Stepped for Cube {}

#[cfg(feature = "libtorch")]
impl Stepped for burn::backend::LibTorch {}

impl Stepped for Flex {
    fn adamw(
        parameter: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        step: AdamwStep,
    ) -> Moved<Self> {
        if parameter.dtype() != DType::F32 {
            return part_by_part::<Self>((parameter, first, second), grad, step);
        }
        let [mut parameter, mut first, mut second, grad] =
            [parameter, first, second, grad].map(|all| all.to_contiguous());
        {
            // Contiguous tensors span their whole storage.
            let [parameters, first, second] = [&mut parameter, &mut first, &mut second]
                .map(|all| all.storage_mut::<f32>().par_chunks_mut(PART));
            let grads = grad.storage::<f32>().par_chunks(PART);
            let parts = parameters.zip(first.zip(second)).zip(grads);
            parts.for_each(|((parameters, (first, second)), grads)| {
                step.take(parameters, [first, second], grads);
            });
        }
        (parameter, first, second)
    }
}

/// Computes the step with Burn's tensor operations.
fn part_by_part<B: Backend>(
    (parameter, first, second): Moved<B>,
    grad: FloatTensor<B>,
    step: AdamwStep,
) -> Moved<B> {
    let times = |all, number: f32| B::float_mul_scalar(all, number.into());
    let over = |all, number: f32| B::float_div_scalar(all, number.into());
    let blend = |old, new, beta: f32| B::float_add(times(old, beta), times(new, 1.0 - beta));
    let first = blend(first, grad.clone(), step.betas[0]);
    let second = blend(second, B::float_mul(grad.clone(), grad), step.betas[1]);
    let root = B::float_sqrt(over(second.clone(), step.corrections[1]));
    let denominator = B::float_add_scalar(root, step.epsilon.into());
    let update = B::float_div(over(first.clone(), step.corrections[0]), denominator);
    (B::float_sub(times(parameter, step.kept), times(update, step.rate)), first, second)
}

#[cfg(test)]
mod tests {
    use burn::optim::AdamWConfig;
    use burn::tensor::{Distribution, FloatDType};

    use super::*;

    #[test]
    fn steps_are_burns() {
        let devices = [
            Device::flex(),
            #[cfg(feature = "libtorch")]
            Device::libtorch(),
        ];
        for device in devices {
            steps_are_burns_on(&device, FloatDType::F32, if device == Device::flex() { 0.0 } else { 1e-6 });
            steps_are_burns_on(&device, FloatDType::F64, 1e-6);
        }
    }

    fn steps_are_burns_on(device: &Device, kind: FloatDType, tolerance: f32) {
        device.seed(8);
        let ours = AdamW::new((0.9, 0.95), 0.05);
        let burns = AdamWConfig::new().with_beta_2(0.95).with_epsilon(EPSILON).with_weight_decay(0.05);
        let burns = burns.build();
        let random = || Tensor::<2>::random([150, 129], Distribution::Normal(0.0, 1.0), device).cast(kind);
        let alike = |got: &Tensor<2>, expected: &Tensor<2>| {
            let off = (got.clone() - expected.clone()).abs().max().cast(FloatDType::F32);
            off.into_scalar::<f32>() <= tolerance
        };
        let start = random();
        let (mut got, mut expected) = ((start.clone(), None), (start, None));
        for step in 1..=5 {
            let (rate, grad) = (1e-2 / f64::from(step), random());
            // A view that neither starts at the beginning of its storage nor follows its order.
            let other = Tensor::cat(vec![random(), grad.clone()], 0);
            let turned = (other.transpose() + 0.0).narrow(1, 150, 150).transpose();
            got = ours.step(rate, got.0, turned, got.1);
            expected = burns.step(rate, expected.0, grad, expected.1);
            assert!(alike(&got.0, &expected.0), "{device:?}, {kind:?}, step {step}");
        }
        let [got, expected] = [got.1, expected.1].map(|state| state.unwrap().momentum);
        assert_eq!(got.time, expected.time);
        assert!(alike(&got.moment_1, &expected.moment_1) && alike(&got.moment_2, &expected.moment_2));
    }
}
