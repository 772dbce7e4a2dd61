//! Optimisers: AdamW, with weight decay on vectors as in EoMT or without as in MAE, and Muon for the matrices
//! of the blocks; learning rates may differ by depth.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler};
use burn::optim::lr_scheduler::{LrScheduler, LrSchedulerRecord};
use burn::optim::{AdjustLrFn, ModuleOptimizer, MuonConfig};
use burn::tensor::Tensor;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::adamw::AdamW;

/// The optimizer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lower")]
pub enum Optimizer {
    /// AdamW for all parameters.
    #[default]
    AdamW,
    /// Muon for attention and MLP matrices, AdamW for all other parameters.
    ///
    /// Muon (<https://kellerjordan.github.io/posts/muon/>) makes steps orthogonal and as large as AdamW's
    /// (<https://arxiv.org/abs/2502.16982>, §2.2).
    Muon,
}

impl Optimizer {
    /// Returns the optimiser of `module` before its first step.
    #[must_use]
    pub fn of<M: Module>(self, module: &M, options: AdamWOptions) -> ModuleOptimizer {
        let adamw = adamw(module, options);
        match self {
            Self::AdamW => adamw,
            Self::Muon => {
                let muon = MuonConfig::new()
                    .with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW)
                    .with_weight_decay(Some(WeightDecayConfig::new(options.weight_decay)));
                adamw.with_group(ParamGroup::from_ids(inner_matrices(module)), muon.build(), None)
            }
        }
    }
}

/// Returns the weights of the linear layers in attention and MLPs, without embeddings and output layers.
fn inner_matrices<M: Module>(module: &M) -> Vec<ParamId> {
    struct Inner {
        path: Vec<String>,
        found: Vec<ParamId>,
    }
    impl ModuleVisitor for Inner {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let inner = |name: &String| matches!(name.as_str(), "attn" | "fc1" | "fc2" | "fc3");
            if D == 2 && self.path.iter().any(inner) {
                self.found.push(param.id);
            }
        }
    }
    let mut visitor = Inner { path: Vec::new(), found: Vec::new() };
    module.visit(&mut visitor);
    visitor.found
}

/// Hyperparameters of AdamW; epsilon is 1e-8.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWOptions {
    /// Decay rates of the first and second moment.
    pub betas: (f32, f32),
    /// Weight decay per step and unit of learning rate.
    pub weight_decay: f32,
    /// Whether vectors decay too.
    pub decay_vectors: bool,
}

/// Returns one optimiser for the whole module: matrices and tokens decay, vectors (biases, norms, scales)
/// only if requested.
#[must_use]
pub fn adamw<M: Module>(module: &M, options: AdamWOptions) -> ModuleOptimizer {
    let decayed = ModuleOptimizer::from(AdamW::new(options.betas, options.weight_decay));
    if options.decay_vectors {
        return decayed;
    }
    decayed.with_group(ParamGroup::from_ids(vectors(module)), AdamW::new(options.betas, 0.0), None)
}

fn vectors<M: Module>(module: &M) -> Vec<ParamId> {
    struct Vectors(Vec<ParamId>);
    impl ModuleVisitor for Vectors {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if D == 1 {
                self.0.push(param.id);
            }
        }
    }
    let mut visitor = Vectors(Vec::new());
    module.visit(&mut visitor);
    visitor.0
}

/// Returns learning rates by parameter group. If several groups match, the last one decides; `base` applies
/// to all other parameters.
pub(in crate::train) fn learning_rates(base: f64, groups: &[(ParamGroup, f64)]) -> ModuleLearningRate {
    let start = ModuleLrScheduler::new(Fixed(base));
    groups.iter().fold(start, |all, (group, rate)| all.with_group(group.clone(), Fixed(*rate))).step()
}

/// A learning rate that was computed elsewhere.
#[derive(Debug, Clone, Copy)]
struct Fixed(f64);

impl LrScheduler for Fixed {
    fn step(&mut self) -> f64 {
        self.0
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new()
    }

    fn load_record(&mut self, _record: LrSchedulerRecord) {}
}

/// Numbers the parameters in the order of the module tree, so that a saved optimiser state finds them again.
pub(in crate::train) fn with_stable_ids<M: Module>(module: M) -> M {
    struct Renumber(u64);
    impl ModuleMapper for Renumber {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            self.0 += 1;
            let (_, tensor, mapper) = param.consume();
            Param::from_mapped_value(ParamId::from(self.0), tensor, mapper)
        }
    }
    module.map(&mut Renumber(0))
}

/// Returns the number of trainable parameters, counted by element.
pub(in crate::train) fn trainable<M: Module>(module: &M) -> usize {
    struct Count(usize);
    impl ModuleVisitor for Count {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.val().is_require_grad() {
                self.0 += param.lazy_shape().num_elements();
            }
        }
    }
    let mut count = Count(0);
    module.visit(&mut count);
    count.0
}

#[cfg(test)]
mod tests {
    use burn::optim::GradientsParams;
    use burn::tensor::{Device, Distribution};

    use super::*;
    use crate::model::{Around, Block, VitConfig};

    /// Returns a block and the tokens of photos, `[batch 2, token 9, channel 16]`. All tests share the random
    /// generator, so every call returns different values.
    fn block_and_tokens() -> (Block, Tensor<3>) {
        let device = Device::flex().autodiff();
        let block = Block::encoder(&VitConfig::plain(32, 8, 16, 2, 2), &device);
        (block, Tensor::random([2, 9, 16], Distribution::Default, &device))
    }

    /// Returns the steps of a matrix, `[rows, columns]`, and of its bias after a backward pass.
    fn steps(optimizer: Optimizer, block: &Block, tokens: &Tensor<3>) -> (Tensor<2>, Tensor<1>) {
        let options = AdamWOptions { betas: (0.9, 0.999), weight_decay: 0.0, decay_vectors: false };
        let loss = block.forward(tokens.clone(), &Around::default()).powi_scalar(2).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), block);
        let moved = optimizer.of(block, options).step(0.01, block.clone(), gradients);
        let (before, after) = (block.mlp.fc1.clone(), moved.mlp.fc1);
        let bias = after.bias.unwrap().val() - before.bias.unwrap().val();
        (after.weight.val().inner() - before.weight.val().inner(), bias.inner())
    }

    #[test]
    fn muon_steps_are_orthogonal_and_as_large_as_the_source_says() {
        let (block, tokens) = block_and_tokens();
        let (step, bias) = steps(Optimizer::Muon, &block, &tokens);
        let [rows, columns] = step.dims();
        let (short, long) = (rows.min(columns), rows.max(columns));
        let unit = step.div_scalar(0.01 * 0.2 * (long as f64).sqrt());
        let products = if rows < columns {
            unit.clone().matmul(unit.transpose())
        } else {
            unit.clone().transpose().matmul(unit)
        };
        let products = products.try_into_vec_as::<f32>().unwrap();
        for (at, product) in products.into_iter().enumerate() {
            // Five Newton-Schulz iterations leave singular values between about 0.7 and 1.2.
            let expected = if at / short == at % short { 0.4..1.5 } else { -0.45..0.45 };
            assert!(expected.contains(&product), "{at}: {product}");
        }
        let (_, of_adamw) = steps(Optimizer::AdamW, &block, &tokens);
        bias.into_data().assert_eq(&of_adamw.into_data(), true);
    }

    #[test]
    fn vectors_decay_where_they_are_asked_to() {
        let device = Device::flex().autodiff();
        let block = Block::encoder(&VitConfig::plain(32, 8, 16, 2, 2), &device);
        for decay_vectors in [false, true] {
            let options = AdamWOptions { betas: (0.9, 0.999), weight_decay: 0.5, decay_vectors };
            let scale = block.norm1.gamma.val();
            // With zero gradients, only weight decay remains.
            let gradients = GradientsParams::from_grads((scale.clone() * 0.0).sum().backward(), &block);
            let moved = Optimizer::AdamW.of(&block, options).step(0.1, block.clone(), gradients);
            let left = moved.norm1.gamma.val().inner().try_into_vec_as::<f32>().unwrap();
            let expected = if decay_vectors { 1.0 - 0.1 * 0.5 } else { 1.0 };
            assert!(left.iter().all(|scale| (scale - expected).abs() < 1e-6), "{left:?}");
        }
    }
}
