//! AdamW as MAE and `EoMT` use it: no decay on vectors, and a learning rate per depth.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler};
use burn::optim::lr_scheduler::{LrScheduler, LrSchedulerRecord};
use burn::optim::{AdamWConfig, ModuleOptimizer};
use burn::tensor::Tensor;

/// Betas and decay of AdamW; epsilon is 1e-8.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWOptions {
    /// How much of the first and second moment stays at each step.
    pub betas: (f32, f32),
    /// Share of a decaying parameter that is lost per step and unit of learning rate.
    pub weight_decay: f32,
}

/// One optimiser for the whole module: matrices and tokens decay, vectors (biases, norms, scales) do not.
#[must_use]
pub fn adamw<M: Module>(module: &M, options: AdamWOptions) -> ModuleOptimizer {
    let config =
        AdamWConfig::new().with_beta_1(options.betas.0).with_beta_2(options.betas.1).with_epsilon(1e-8);
    let decayed = config.clone().with_weight_decay(options.weight_decay).build();
    let plain = config.with_weight_decay(0.0).build();
    ModuleOptimizer::from(decayed).with_group(ParamGroup::from_ids(vectors(module)), plain, None)
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

/// Learning rates by group, the last match deciding; the first group must hold every parameter.
pub(super) fn learning_rates(base: f64, groups: &[(ParamGroup, f64)]) -> ModuleLearningRate {
    let start = ModuleLrScheduler::new(Fixed(base));
    groups.iter().fold(start, |all, (group, rate)| all.with_group(group.clone(), Fixed(*rate))).step()
}

/// A rate that was computed elsewhere.
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

/// Numbers the parameters in the order of the module tree, so that a saved optimiser finds them again.
pub(super) fn with_stable_ids<M: Module>(module: M) -> M {
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

/// Numbers that the optimiser changes.
pub(super) fn trainable<M: Module>(module: &M) -> usize {
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
