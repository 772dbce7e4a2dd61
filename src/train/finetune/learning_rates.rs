//! Learning rates of each part of the segmenter at each step.

use burn::module::ParamGroup;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;

use super::FinetuneOptions;
use crate::train::optim::learning_rates;
use crate::train::schedule::{LayerDecay, POLY_POWER, TwoStageWarmup};

impl FinetuneOptions {
    fn warmup(&self) -> TwoStageWarmup {
        TwoStageWarmup {
            new_steps: self.warmup_steps,
            encoder_steps: self.encoder_warmup(),
            total_steps: self.total_steps,
            power: POLY_POWER,
        }
    }

    /// Returns the learning rate of new parameters.
    pub(super) fn learning_rate(&self, step: usize) -> f64 {
        self.learning_rate * self.warmup().new_parameters(step)
    }

    /// Returns the learning rates of all parameters; those of an encoder of `depth` blocks depend on the
    /// block.
    pub(super) fn learning_rates(&self, step: usize, depth: usize) -> ModuleLearningRate {
        let encoder = self.learning_rate * self.warmup().encoder(step);
        let decay = LayerDecay { rate: self.layer_decay, depth };
        let mut groups = vec![
            (ParamGroup::from_predicate("encoder."), encoder * decay.block(0)),
            (ParamGroup::from_predicate("encoder.norm."), encoder),
        ];
        for block in 0..depth {
            let prefix = format!("encoder.blocks.{block}.");
            groups.push((ParamGroup::from_predicate(prefix), encoder * decay.block(block)));
        }
        learning_rates(self.learning_rate(step), &groups)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
    use burn::optim::GradientsParams;
    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use crate::data::AugmentOptions;
    use crate::model::{MaskSegmenter, SegmenterConfig, VitConfig};
    use crate::train::StepOptions;
    use crate::train::optim::clip;

    /// Six steps of `PyTorch`, by `tests/fixtures/generate_steps.py`: the first values of each parameter
    /// afterwards.
    const RECORDED: &str = include_str!("../../../tests/fixtures/finetune_steps.json");

    fn options() -> FinetuneOptions {
        FinetuneOptions {
            num_queries: 4,
            num_blocks: 1,
            masked_attention: false,
            total_steps: 10,
            learning_rate: 1e-2,
            warmup_steps: 2,
            encoder_warmup_steps: Some(3),
            augment: AugmentOptions::none(32),
            teacher_coefficient: 0.0,
            steps: StepOptions { batch_size: 1, clip_norm: Some(1.5), ..StepOptions::default() },
            ..FinetuneOptions::default()
        }
    }

    /// The values or gradients of the parameters of [`RECORDED`]: waves whose phase is the sum of the name's
    /// bytes.
    struct Waves<'r> {
        recorded: &'r BTreeMap<String, Vec<f64>>,
        path: Vec<String>,
        wave: fn(f64, usize) -> f64,
        step: usize,
        gradients: GradientsParams,
        found: BTreeMap<String, Vec<f64>>,
    }

    impl<'r> Waves<'r> {
        fn new(recorded: &'r BTreeMap<String, Vec<f64>>, wave: fn(f64, usize) -> f64, step: usize) -> Self {
            let (path, gradients, found) = (Vec::new(), GradientsParams::new(), BTreeMap::new());
            Self { recorded, path, wave, step, gradients, found }
        }

        fn numbers<const D: usize>(&self, param: &Param<Tensor<D>>) -> Option<Tensor<D>> {
            let (name, shape) = (self.path.join("."), param.val().dims());
            let start: usize = name.bytes().map(usize::from).sum();
            let numbers =
                (0..shape.iter().product()).map(|i| (self.wave)((start + i) as f64, self.step) as f32);
            let numbers = TensorData::new(numbers.collect::<Vec<_>>(), shape);
            self.recorded.contains_key(&name).then(|| Tensor::from_data(numbers, &param.val().device()))
        }
    }

    impl ModuleVisitor for Waves<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(numbers) = self.numbers(param) {
                self.gradients.register(param.id, numbers.inner());
                let values = param.val().try_into_vec_as::<f32>().unwrap();
                let shown = values.into_iter().take(4).map(f64::from).collect();
                self.found.insert(self.path.join("."), shown);
            }
        }
    }

    impl ModuleMapper for Waves<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match self.numbers(&param) {
                Some(numbers) => param.map(|_| numbers.detach().require_grad()),
                None => param,
            }
        }
    }

    #[test]
    fn the_optimiser_goes_the_way_that_was_recorded() {
        let device = Device::flex().autodiff();
        let recorded: BTreeMap<String, Vec<f64>> = serde_json::from_str(RECORDED).unwrap();
        let encoder = VitConfig { layer_scale: true, ..VitConfig::plain(32, 8, 16, 3, 2) };
        let model = MaskSegmenter::new(&SegmenterConfig::new(encoder, 4, 2, 1), &device);
        let mut model = model.map(&mut Waves::new(&recorded, |i, _| 0.5 * (0.37 * i).sin(), 0));
        let options = options();
        let adamw = options.steps.adamw(0.999);
        let mut optimizer = options.steps.optimizer.of(&model, adamw);
        for step in 0..6 {
            let mut waves = Waves::new(&recorded, |i, step| 0.1 * (0.23 * i + step as f64).cos(), step);
            model.visit(&mut waves);
            let (gradients, _) = clip(&model, waves.gradients, options.steps.clip_norm).unwrap();
            model = optimizer.step(options.learning_rates(step, 3), model, gradients);
        }
        let mut waves = Waves::new(&recorded, |_, _| 0.0, 0);
        model.visit(&mut waves);
        assert_eq!(waves.found.len(), recorded.len(), "every recorded parameter is there");
        for (name, expected) in &recorded {
            for (found, expected) in waves.found[name].iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "{name}: {found}, expected {expected}");
            }
        }
    }
}
