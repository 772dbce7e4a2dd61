//! Fine-tuning: the pretrained encoder learns to find objects.

use std::collections::BTreeMap;
use std::thread;

use burn::module::{Module, ParamGroup};
use burn::optim::GradientsParams;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::average::averaged;
use super::batches::Batches;
use super::checkpoint::Standing;
use super::loss::{SetLossConfig, Target, set_loss};
use super::optimizer::{AdamWOptions, adamw, learning_rates, trainable, with_stable_ids};
use super::panel::prediction_panel;
use super::points::SeededDraws;
use super::schedule::{LayerDecay, MaskAnnealing, TwoStageWarmup};
use super::{RunFolder, Step, TrainError, TrainEvent};
use crate::data::sampler::balanced;
use crate::data::{AugmentOptions, SegmentationSample, SegmentationSet};
use crate::model::{MaskSegmenter, SegmenterConfig, SegmenterOutput, VitConfig};
use crate::pixels::Preprocess;
use crate::weights::{Architecture, Folder, ModelConfig, apply_encoder};

/// How much of the encoder changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tune {
    /// Nothing: new blocks work on features from several of its depths.
    Frozen,
    /// Its last K blocks, in which the queries take part.
    Top(usize),
    /// All of it.
    Full,
}

/// The recipe of a fine-tuning run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinetuneOptions {
    /// How much of the encoder changes.
    pub tune: Tune,
    /// Side of the input, in pixels; the encoder's positions are resampled to it.
    pub image_size: usize,
    /// Learned queries.
    pub num_queries: usize,
    /// Blocks the queries take part in.
    pub num_blocks: usize,
    /// Queries attend only inside their predicted masks at first, which anneals away; without it a step is cheaper.
    pub masked_attention: bool,
    /// Photos per step.
    pub batch_size: usize,
    /// Optimiser steps.
    pub steps: usize,
    /// Peak learning rate of new parameters and the encoder's last block.
    pub learning_rate: f64,
    /// Each block below the last learns this much slower.
    pub layer_decay: f64,
    /// Steps over which new parameters warm up; the encoder waits, then warms up twice as long.
    pub warmup_steps: usize,
    /// AdamW's decay.
    pub weight_decay: f32,
    /// How much of the moving average of the parameters stays at each step; 0: no average is kept.
    pub average_decay: f64,
    /// Largest number of cut-outs pasted into a photo.
    pub cutouts: usize,
    /// The set loss.
    pub loss: SetLossConfig,
    /// Seed of order, augmentation, points and fresh parameters.
    pub seed: u64,
    /// Steps between checkpoints.
    pub save_every: usize,
    /// Steps between panels of predictions.
    pub panel_every: usize,
}

impl FinetuneOptions {
    fn segmenter(&self, encoder: &VitConfig, num_classes: usize) -> SegmenterConfig {
        let encoder = VitConfig { layer_scale: true, ..encoder.clone() };
        let quarters = |depth: usize| (1..=4).map(|i| (i * depth).div_ceil(4)).collect();
        SegmenterConfig {
            lateral_layers: if self.tune == Tune::Frozen { quarters(encoder.depth) } else { Vec::new() },
            ..SegmenterConfig::new(encoder, self.num_queries, num_classes, self.num_blocks)
        }
    }

    /// Blocks at the bottom of the encoder that do not change.
    fn frozen_blocks(&self, depth: usize) -> usize {
        match self.tune {
            Tune::Frozen => depth,
            Tune::Top(blocks) => depth.saturating_sub(blocks),
            Tune::Full => 0,
        }
    }
}

/// Fine-tunes on `photos`, from where `run` stands. `encoder` is the pretrained weight folder; without one the encoder
/// starts fresh, as the architecture `fresh`.
///
/// # Errors
/// [`TrainError`]; the last checkpoint stays whole.
pub fn finetune(
    photos: &SegmentationSet,
    options: &FinetuneOptions,
    (encoder, fresh): (Option<Folder>, VitConfig),
    device: &Device,
    run: &mut RunFolder,
    mut on_event: impl FnMut(TrainEvent),
) -> Result<(), TrainError> {
    let preprocess = Preprocess::square(options.image_size);
    let device = device.clone().autodiff();
    device.seed(options.seed);
    let model = with_stable_ids(build(photos, options, (encoder, fresh), &device)?);
    let config = ModelConfig {
        architecture: Architecture::Segmenter(model.config().clone()),
        labels: photos.labels().to_vec(),
    };
    let optimizer = adamw(&model, AdamWOptions { betas: (0.9, 0.999), weight_decay: options.weight_decay });
    let average = (options.average_decay > 0.0).then(|| model.valid());
    let mut at = run.resume(Standing { step: 0, model, average, optimizer }, &config)?;
    let done = at.step;
    on_event(TrainEvent::Started { done, steps: options.steps, parameters: trainable(&at.model) });
    let order = Order { repeats: photos.repeats(), batch_size: options.batch_size, seed: options.seed };
    thread::scope(|scope| {
        let mut batches =
            Batches::spawn(scope, done..options.steps, |step| order.batch(photos, options, step));
        for step in done..options.steps {
            let Some(batch) = batches.next() else { break };
            let (samples, epoch) = batch?;
            let (images, targets) = collate(samples, options.image_size, &device);
            let plan = masking_plan(options, at.model.config(), targets.len(), step);
            let outputs = at.model.forward_masked(images.clone(), &plan);
            let (loss, parts) = total_loss(&outputs, &targets, options, step)?;
            let value = f64::from(loss.clone().into_scalar::<f32>());
            if !value.is_finite() {
                return Err(TrainError::NotFinite { step: step + 1, loss: value });
            }
            let gradients = GradientsParams::from_grads(loss.backward(), &at.model);
            let rates = rates(options, at.model.config(), step);
            at.model = at.optimizer.step(rates, at.model, gradients);
            at.step = step + 1;
            at.average =
                at.average.map(|average| averaged(average, &at.model.valid(), options.average_decay, step));
            let report = Step {
                step: step + 1,
                steps: options.steps,
                epoch,
                loss: value,
                learning_rate: options.learning_rate * warmup(options).new_parameters(step),
                data_wait: batches.data_wait(),
                parts,
            };
            run.log(&report)?;
            on_event(TrainEvent::Step(report));
            let last = step + 1 == options.steps;
            if (step + 1) % options.panel_every == 0 || last {
                let path = run.panel(step + 1);
                let shown = at.average.clone().unwrap_or_else(|| at.model.valid());
                prediction_panel(&shown, images.inner(), &targets, &preprocess, &path)?;
                on_event(TrainEvent::Panel(path));
            }
            if (step + 1) % options.save_every == 0 || last {
                on_event(run.save(&at, (&config, &preprocess))?);
            }
        }
        Ok(())
    })
}

/// A segmenter around the given encoder, with what does not change marked so.
fn build(
    photos: &SegmentationSet,
    options: &FinetuneOptions,
    (folder, fresh): (Option<Folder>, VitConfig),
    device: &Device,
) -> Result<MaskSegmenter, TrainError> {
    let encoder = folder.as_ref().map_or(&fresh, |folder| folder.config.encoder());
    let config = options.segmenter(encoder, photos.labels().len());
    config.validate()?;
    let mut model = MaskSegmenter::new(&config, device);
    if let Some(Folder { layout, tensors, .. }) = folder {
        model = apply_encoder(model, layout, tensors)?;
    }
    let mut model = model.with_image_size(options.image_size)?;
    let frozen = options.frozen_blocks(config.encoder.depth);
    if options.tune != Tune::Full {
        model.encoder.patch_embed = model.encoder.patch_embed.no_grad();
        model.encoder.cls_token = model.encoder.cls_token.set_require_grad(false);
        model.encoder.pos_embed = model.encoder.pos_embed.set_require_grad(false);
    }
    if options.tune == Tune::Frozen {
        model.encoder = model.encoder.no_grad();
    }
    let blocks = model.encoder.blocks.into_iter().enumerate();
    model.encoder.blocks =
        blocks.map(|(i, block)| if i < frozen { block.no_grad() } else { block }).collect();
    Ok(model)
}

/// The order of photos: a balanced shuffle per epoch, epochs end to end.
struct Order {
    repeats: Vec<f64>,
    batch_size: usize,
    seed: u64,
}

impl Order {
    fn batch(
        &self,
        photos: &SegmentationSet,
        options: &FinetuneOptions,
        step: usize,
    ) -> Result<(Vec<SegmentationSample>, f64), TrainError> {
        let augment =
            AugmentOptions { cutouts: options.cutouts, ..AugmentOptions::training(options.image_size) };
        let length = balanced(&self.repeats, self.seed, 0).len();
        let first = step * self.batch_size;
        let epoch = first / length;
        let order = balanced(&self.repeats, self.seed, epoch as u64);
        let indices: Vec<usize> =
            (0..self.batch_size).map(|i| order[(first % length + i) % order.len()]).collect();
        let samples = photos.batch(&indices, &augment, self.seed, epoch as u64)?;
        Ok((samples, (first + self.batch_size) as f64 / length as f64))
    }
}

fn collate(samples: Vec<SegmentationSample>, side: usize, device: &Device) -> (Tensor<4>, Vec<Target>) {
    let count = samples.len();
    let mut pixels = Vec::with_capacity(count * 3 * side * side);
    let mut targets = Vec::with_capacity(count);
    for sample in samples {
        pixels.extend(sample.pixels);
        targets.push(Target { labels: sample.labels, masks: sample.masks, ignore: Some(sample.ignore) });
    }
    (Tensor::from_data(TensorData::new(pixels, [count, 3, side, side]), device), targets)
}

/// Which queries keep their masks in which block, by annealing; nothing is predicted where no query does.
fn masking_plan(
    options: &FinetuneOptions,
    config: &SegmenterConfig,
    count: usize,
    step: usize,
) -> Vec<Option<Vec<bool>>> {
    if !options.masked_attention {
        return Vec::new();
    }
    let mut rng = stream(options.seed, step, 0);
    let mut draw = |p: f64| (0..count * config.num_queries).map(|_| rng.random_bool(p)).collect();
    let probabilities = MaskAnnealing::new(config.num_blocks).probabilities(step, options.steps);
    probabilities.into_iter().map(|p| (p > 0.0).then(|| draw(p))).collect()
}

/// Every prediction gets the full loss; the parts reported are the final prediction's.
fn total_loss(
    outputs: &[SegmenterOutput],
    targets: &[Target],
    options: &FinetuneOptions,
    step: usize,
) -> Result<(Tensor<1>, BTreeMap<&'static str, f64>), TrainError> {
    let mut draws = SeededDraws::new(stream(options.seed, step, 1).random());
    let mut total: Option<Tensor<1>> = None;
    let mut parts = BTreeMap::new();
    for output in outputs {
        let loss = set_loss(
            output.class_logits.clone(),
            output.mask_logits.clone(),
            targets,
            &options.loss,
            &mut draws,
        )?;
        let scalar = |part: Tensor<1>| f64::from(part.into_scalar::<f32>());
        parts = BTreeMap::from([
            ("mask", scalar(loss.mask)),
            ("dice", scalar(loss.dice)),
            ("class", scalar(loss.class)),
        ]);
        total = Some(match total {
            Some(sum) => sum + loss.total,
            None => loss.total,
        });
    }
    total
        .map(|total| (total, parts))
        .ok_or_else(|| TrainError::Option("the model made no prediction".to_owned()))
}

fn stream(seed: u64, step: usize, purpose: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(2 * step as u64 + purpose);
    rng
}

fn warmup(options: &FinetuneOptions) -> TwoStageWarmup {
    TwoStageWarmup {
        new_steps: options.warmup_steps,
        encoder_steps: 2 * options.warmup_steps,
        total_steps: options.steps,
    }
}

/// Learning rates by depth; without the encoder's own blocks nothing of it learns anyway.
fn rates(options: &FinetuneOptions, config: &SegmenterConfig, step: usize) -> ModuleLearningRate {
    let depth = config.encoder.depth;
    let schedule = warmup(options);
    let encoder = options.learning_rate * schedule.encoder(step);
    let decay = LayerDecay { rate: options.layer_decay, depth, full_rate_blocks: 0 };
    let mut groups = vec![
        (ParamGroup::from_predicate("encoder."), encoder * options.layer_decay.powi(depth as i32)),
        (ParamGroup::from_predicate("encoder.norm."), encoder),
    ];
    for block in 0..depth {
        groups.push((
            ParamGroup::from_predicate(format!("encoder.blocks.{block}.")),
            encoder * decay.block(block),
        ));
    }
    learning_rates(options.learning_rate * schedule.new_parameters(step), &groups)
}
