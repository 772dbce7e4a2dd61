//! The exponential moving average of a model's parameters, which varies less than the last step and is the
//! model that is kept.

use std::any::Any;
use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

/// Moves `average` towards `current`, both without gradients and with the same parameter ids.
///
/// `average ← decay · average + (1 − decay) · current`; in the first steps the decay is limited to `(1 +
/// step) / (10 + step)`, so that the initial parameters are soon forgotten.
pub(in crate::train) fn averaged<M: Module>(average: M, current: &M, decay: f64, step: usize) -> M {
    let early = (1.0 + step as f64) / (10.0 + step as f64);
    let mut parameters = Parameters(HashMap::new());
    current.visit(&mut parameters);
    average.map(&mut Mixer { parameters: parameters.0, share: 1.0 - decay.min(early) })
}

/// Tensors of any rank, by the id of their parameter.
struct Parameters(HashMap<ParamId, Box<dyn Any>>);

impl ModuleVisitor for Parameters {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.insert(param.id, Box::new(param.val()));
    }
}

struct Mixer {
    parameters: HashMap<ParamId, Box<dyn Any>>,
    share: f64,
}

impl ModuleMapper for Mixer {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let current =
            self.parameters.remove(&param.id).and_then(|tensor| tensor.downcast::<Tensor<D>>().ok());
        match current {
            Some(current) => param.map(|old| old.clone() + (*current - old).mul_scalar(self.share)),
            None => param,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    fn constant(value: f32, like: &Linear) -> Linear {
        struct Fill(f32);
        impl ModuleMapper for Fill {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|old| old.zeros_like().add_scalar(self.0))
            }
        }
        like.clone().map(&mut Fill(value))
    }

    fn first(linear: &Linear) -> f32 {
        linear.weight.val().into_data().try_to_vec::<f32>().unwrap()[0]
    }

    #[test]
    fn follows_the_formula_early_and_late() {
        let linear = LinearConfig::new(2, 3).init(&Device::flex());
        let (zero, one) = (constant(0.0, &linear), constant(1.0, &linear));
        let early = averaged(zero.clone(), &one, 0.9, 0);
        assert!((first(&early) - 0.9).abs() < 1e-6);
        let late = averaged(averaged(zero, &one, 0.9, 1000), &one, 0.9, 1001);
        assert!((first(&late) - 0.19).abs() < 1e-6);
        let bias = late.bias.unwrap().val().into_data().try_to_vec::<f32>().unwrap();
        assert!(bias.iter().all(|value| (value - 0.19).abs() < 1e-6));
    }
}
