//! Mixed precision: the products of blocks and upscaler in half, everything else in single precision.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, FloatDType, Tensor};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::train::TrainError;

/// What the matrix products of the blocks and of the upscaler, and the perceptrons between theirs, are
/// computed in. Weights, norms, attention scores, losses and the optimiser keep single precision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// bfloat16, which is faster on devices that support it.
    ///
    /// Its range is that of single precision, so no loss needs to be scaled.
    Bf16,
}

impl Precision {
    /// Checks that the device supports the precision.
    ///
    /// # Errors
    /// [`TrainError::Option`] if the device of `model` does not.
    pub(in crate::train) fn check<M: Module>(self, model: &M) -> Result<(), TrainError> {
        match self {
            Self::Bf16 if !model.devices().iter().all(|device| device.supports_dtype(DType::BF16)) => Err(
                TrainError::Option("this device does not support bfloat16; use --precision f32".to_owned()),
            ),
            _ => Ok(()),
        }
    }

    /// Returns the model for one pass: the weights of its blocks are rounded, and pass their gradients on to
    /// those of `model`.
    pub(in crate::train) fn working<M: Module>(self, model: &M) -> M {
        match self {
            Self::F32 => model.clone(),
            Self::Bf16 => model.clone().map(&mut Rounding(Vec::new())),
        }
    }
}

/// A mapper that tracks the path of the current module.
struct Rounding(Vec<String>);

impl ModuleMapper for Rounding {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.0.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.0.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let is_product =
            |name: &String| ["attn", "mlp", "conv1_weight", "conv1_bias"].contains(&name.as_str());
        if self.0.iter().any(is_product) {
            Param::initialized(param.id, param.val().cast(FloatDType::BF16))
        } else {
            param
        }
    }
}
