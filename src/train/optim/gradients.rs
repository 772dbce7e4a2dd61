//! Operations on gradients between the backward pass and the optimiser.

use std::slice::Iter;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData, TensorReadError};

use crate::train::Peers;

/// Clips the gradients to a global Euclidean norm of `limit`, and returns the norm before clipping.
///
/// If the norm is not finite, nothing changes. Only one value per parameter is read back from the device.
pub(in crate::train) fn clip<M: Module>(
    module: &M,
    gradients: GradientsParams,
    limit: Option<f64>,
) -> Result<(GradientsParams, f64), TensorReadError> {
    let norm = squares(module, Some(&gradients))?.iter().map(|(_, square)| square).sum::<f64>().sqrt();
    Ok(match limit {
        Some(limit) if norm.is_finite() && norm > limit => {
            let mut scaler = Scaler { from: gradients, to: GradientsParams::new(), factor: limit / norm };
            module.visit(&mut scaler);
            (scaler.to, norm)
        }
        _ => (gradients, norm),
    })
}

/// Sums the gradients of all processes; a process without a gradient for a parameter contributes zeros.
pub(in crate::train) fn summed<M: Module>(
    module: &M,
    gradients: GradientsParams,
    peers: &dyn Peers,
) -> Result<GradientsParams, TensorReadError> {
    if peers.size() == 1 {
        return Ok(gradients);
    }
    let mut holders = Holders { gradients: &gradients, counts: Vec::new() };
    module.visit(&mut holders);
    let mut counts = holders.counts;
    peers.sum(&mut counts);
    let mut packer = Packer { gradients: &gradients, counts: counts.iter(), packed: Vec::new() };
    module.visit(&mut packer);
    if packer.packed.is_empty() {
        return Ok(gradients);
    }
    let mut numbers = Tensor::cat(packer.packed, 0).try_into_vec_as::<f32>()?;
    peers.sum(&mut numbers);
    let mut unpacker = Unpacker { counts: counts.iter(), numbers: &numbers, to: GradientsParams::new() };
    module.visit(&mut unpacker);
    Ok(unpacker.to)
}

/// Returns the name of the first parameter whose values, or else whose gradient, are not finite.
pub(in crate::train) fn not_finite<M: Module>(
    module: &M,
    gradients: &GradientsParams,
) -> Result<Option<String>, TensorReadError> {
    let mut all = squares(module, None)?;
    all.extend(squares(module, Some(gradients))?);
    Ok(all.into_iter().find(|(_, square)| !square.is_finite()).map(|(name, _)| name))
}

/// Returns the sum of squares of each parameter's gradient, or of its values if no gradients are given, with
/// the parameter's path in the module.
fn squares<M: Module>(
    module: &M,
    gradients: Option<&GradientsParams>,
) -> Result<Vec<(String, f64)>, TensorReadError> {
    let mut visitor = Squares { gradients, path: Vec::new(), names: Vec::new(), sums: Vec::new() };
    module.visit(&mut visitor);
    if visitor.sums.is_empty() {
        return Ok(Vec::new());
    }
    let sums = Tensor::cat(visitor.sums, 0).try_into_vec_as::<f32>()?;
    Ok(visitor.names.into_iter().zip(sums.into_iter().map(f64::from)).collect())
}

struct Squares<'g> {
    gradients: Option<&'g GradientsParams>,
    path: Vec<String>,
    names: Vec<String>,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let numbers = match self.gradients {
            Some(gradients) => gradients.get::<D>(param.id),
            None => Some(param.val().without_autodiff()),
        };
        if let Some(numbers) = numbers {
            self.names.push(self.path.join("."));
            self.sums.push(numbers.square().sum());
        }
    }
}

struct Scaler {
    from: GradientsParams,
    to: GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scaler {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.remove::<D>(param.id) {
            self.to.register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}

/// Records for each parameter, in the module's order, whether there is a gradient.
struct Holders<'g> {
    gradients: &'g GradientsParams,
    counts: Vec<f32>,
}

impl ModuleVisitor for Holders<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.counts.push(if self.gradients.get::<D>(param.id).is_some() { 1.0 } else { 0.0 });
    }
}

/// Concatenates the gradients of the parameters for which any process has one.
struct Packer<'g> {
    gradients: &'g GradientsParams,
    counts: Iter<'g, f32>,
    packed: Vec<Tensor<1>>,
}

impl ModuleVisitor for Packer<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.counts.next().is_some_and(|&count| count > 0.0) {
            let gradient = self.gradients.get::<D>(param.id);
            let gradient = gradient.unwrap_or_else(|| param.val().without_autodiff().zeros_like());
            self.packed.push(gradient.reshape([-1]));
        }
    }
}

/// Splits what [`Packer`] concatenated.
struct Unpacker<'n> {
    counts: Iter<'n, f32>,
    numbers: &'n [f32],
    to: GradientsParams,
}

impl ModuleVisitor for Unpacker<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.counts.next().is_some_and(|&count| count > 0.0) {
            let value = param.val().without_autodiff();
            let (own, rest) = self.numbers.split_at(value.shape().num_elements());
            self.numbers = rest;
            let gradient = TensorData::new(own.to_vec(), value.shape());
            self.to.register(param.id, Tensor::<D>::from_data(gradient, &value.device()));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    /// Returns the gradients of `sum(x · w) + sum(b)` with `x` all `value`: `value` for each of the 6
    /// weights, 1 for each bias.
    fn gradients(linear: &Linear, value: f32, device: &Device) -> GradientsParams {
        let loss = linear.forward(Tensor::<2>::full([1, 2], value, device)).sum();
        GradientsParams::from_grads(loss.backward(), linear)
    }

    #[test]
    fn the_norm_is_that_of_all_parameters_together() {
        let device = Device::flex().autodiff();
        let linear = LinearConfig::new(2, 3).init(&device);
        let (kept, norm) = clip(&linear, gradients(&linear, 2.0, &device), None).unwrap();
        assert!((norm - 27_f64.sqrt()).abs() < 1e-6, "{norm}");
        let (clipped, before) = clip(&linear, kept, Some(1.0)).unwrap();
        assert!((before - norm).abs() < 1e-9);
        let (clipped, after) = clip(&linear, clipped, Some(2.0)).unwrap();
        assert!((after - 1.0).abs() < 1e-6, "{after}");
        let of_bias = clipped.get::<1>(linear.bias.as_ref().unwrap().id).unwrap();
        let of_bias = of_bias.into_data().try_to_vec::<f32>().unwrap();
        assert!(of_bias.iter().all(|value| (f64::from(*value) - 1.0 / norm).abs() < 1e-6), "one direction");
    }

    #[test]
    fn what_broke_is_named() {
        let device = Device::flex().autodiff();
        let linear = LinearConfig::new(2, 3).init(&device);
        let fine = gradients(&linear, 1.0, &device);
        assert_eq!(not_finite(&linear, &fine).unwrap(), None);
        let broken = gradients(&linear, f32::INFINITY, &device);
        assert_eq!(not_finite(&linear, &broken).unwrap().as_deref(), Some("weight"));
        let (_, norm) = clip(&linear, broken, Some(1.0)).unwrap();
        assert!(!norm.is_finite());
    }
}
