//! The batches, loss and learning rates of fine-tuning.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::tensor::{Device, Tensor, TensorData};
use image::RgbImage;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::feature_cache::{FrozenFeatures, View};
use super::{FinetuneOptions, ValidationSet};
use crate::data::sampler::visits;
use crate::data::{SegmentationSample, SegmentationSet};
use crate::engine::Engine;
use crate::eval::{Vocabulary, evaluate, predict_dataset};
use crate::model::{MaskSegmenter, SegmenterConfig, SegmenterOutput, TrainingPlan};
use crate::pixels::Preprocess;
use crate::train::loss::point_sampling::SeededDraws;
use crate::train::loss::{Centres, Divisors, Target, centre_loss, coverage, set_loss};
use crate::train::run::{MOST_ROWS, prediction_panel};
use crate::train::schedule::MaskAnnealing;
use crate::train::trainer::{Loss, Task, images};
use crate::train::{Peers, StepOptions, TrainError};

/// The fine-tuning task of the training loop.
pub(super) struct Finetuning<'a> {
    pub(super) photos: &'a SegmentationSet,
    pub(super) validation: Option<&'a ValidationSet>,
    pub(super) options: &'a FinetuneOptions,
    pub(super) segmenter: SegmenterConfig,
    /// The annealing of masked attention, if it is used.
    pub(super) annealing: Option<MaskAnnealing>,
    pub(super) repeats: Vec<f64>,
    pub(super) preprocess: &'a Preprocess,
    pub(super) device: Device,
    /// The cache of features, if the encoder is frozen and views recur.
    pub(super) features: Option<FrozenFeatures>,
    pub(super) peers: Arc<dyn Peers>,
}

/// The photos of a step and their targets.
pub(super) struct Batch {
    /// `[B, 3, S, S]`
    pixels: Vec<f32>,
    /// The view of each photo.
    views: Vec<View>,
    targets: Vec<Target>,
    /// The teacher's features of each patch, `[B, L, D]`; empty without a teacher.
    features: Vec<f32>,
    /// The share of each patch that shows the photo, `[B, L]`; empty without a teacher.
    seen: Vec<f32>,
    divisors: Divisors,
    /// The assignment of patches in each photo, if every patch is a query.
    centres: Option<Vec<Centres>>,
    /// Seeds of the sampled points of each photo.
    seeds: Vec<u64>,
    plan: TrainingPlan,
    /// Descriptions of what could not be used.
    skipped: Vec<String>,
}

impl Finetuning<'_> {
    fn rng(&self, step: usize, purpose: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.options.steps.seed);
        rng.set_stream(2 * step as u64 + purpose);
        rng
    }

    fn plan(&self, photos: usize, step: usize) -> TrainingPlan {
        let mut rng = self.rng(step, 0);
        let mut plan = TrainingPlan::default();
        if let Some(annealing) = &self.annealing {
            let mut draw =
                |p: f64| (0..photos * self.segmenter.num_queries).map(|_| rng.random_bool(p)).collect();
            let probabilities = annealing.probabilities(step, self.options.total_steps);
            plan.masked = probabilities.into_iter().map(|p| Some(draw(p))).collect();
        }
        if self.options.drop_path > 0.0 {
            let mut factors = |rate: f64| -> Vec<f32> {
                let kept = (1.0 / (1.0 - rate)) as f32;
                (0..photos).map(|_| if rng.random_bool(rate) { 0.0 } else { kept }).collect()
            };
            plan.branches =
                self.drop_rates().into_iter().map(|rate| [factors(rate), factors(rate)]).collect();
        }
        plan
    }

    /// Returns the drop-path rate of each block, which grows linearly with depth and is 0 for frozen blocks.
    fn drop_rates(&self) -> Vec<f64> {
        let depth = self.segmenter.encoder.depth;
        let new_blocks = if self.segmenter.lateral_layers.is_empty() { 0 } else { self.segmenter.num_blocks };
        let (frozen, last) = (self.options.frozen_blocks(depth), (depth + new_blocks - 1).max(1));
        let rate = |block| self.options.drop_path * block as f64 / last as f64;
        (0..depth + new_blocks).map(|block| if block < frozen { 0.0 } else { rate(block) }).collect()
    }
}

impl Finetuning<'_> {
    /// Returns the mean squared error against the teacher's features, `[1]`; each patch is weighted by the
    /// share of it that shows the photo.
    fn feature_loss(&self, predicted: Tensor<3>, batch: &Batch, part: &Range<usize>) -> Tensor<1> {
        let [photos, patches, channels] = predicted.dims();
        let of_part = |numbers: &[f32], shape: [usize; 3]| {
            let each = shape[1] * shape[2];
            let numbers = numbers[part.start * each..part.end * each].to_vec();
            Tensor::<3>::from_data(TensorData::new(numbers, shape), &self.device)
        };
        let target = of_part(&batch.features, [photos, patches, channels]);
        let seen = of_part(&batch.seen, [photos, patches, 1]);
        let share = photos as f64 / (batch.targets.len() * self.peers.size()) as f64;
        ((predicted - target).square().mean_dim(2) * seen).mean().mul_scalar(share)
    }
}

impl Task for Finetuning<'_> {
    type Model = MaskSegmenter;
    type Batch = Batch;

    fn steps(&self) -> usize {
        self.options.total_steps
    }

    fn epoch(&self, steps: usize) -> f64 {
        (steps * self.options.steps.batch_size) as f64 / self.repeats.iter().sum::<f64>()
    }

    /// Prepares a batch from balanced shuffles, one per epoch, concatenated.
    fn batch(&self, step: usize) -> Result<Batch, TrainError> {
        let StepOptions { seed, batch_size, .. } = self.options.steps;
        let augment = &self.options.augment;
        let side = augment.image_size;
        let own = self.peers.part(batch_size);
        let view = |epoch: u64| epoch.checked_rem(self.options.views as u64).unwrap_or(epoch);
        let visits = visits(&self.repeats, seed, step * batch_size + own.start, own.len());
        let views: Vec<View> = visits.into_iter().map(|(index, epoch)| (index, view(epoch))).collect();
        let samples = self.photos.batch(&views, augment, seed)?;
        let grid = self.segmenter.encoder.grid();
        let (mut pixels, mut targets) = (Vec::with_capacity(samples.len() * 3 * side * side), Vec::new());
        let (mut features, mut seen, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
        if self.photos.teacher().is_some() {
            let covered = samples.par_iter().flat_map_iter(|sample| coverage(&sample.photo, grid));
            seen = covered.collect();
        }
        for sample in samples {
            pixels.extend(sample.pixels);
            features.extend(sample.features);
            skipped.extend(sample.skipped);
            let ignore = Some(sample.ignore);
            let SegmentationSample { labels, confidences, masks, .. } = sample;
            targets.push(Target { labels, confidences, masks, ignore });
        }
        let seeds: Vec<u64> = self.rng(step, 1).random_iter().skip(own.start).take(own.len()).collect();
        let centres: Option<Vec<_>> = (self.segmenter.num_queries == 0).then(|| {
            let drawn = targets.par_iter().zip(&seeds);
            drawn.map(|(target, &seed)| Centres::of(target, grid, seed)).collect()
        });
        let divisors = match &centres {
            Some(centres) => Divisors::of_centres(&targets, centres),
            None => Divisors::of(&targets, self.segmenter.num_queries, &self.options.loss),
        };
        let plan = self.plan(batch_size, step).of_images(own, self.segmenter.num_queries);
        Ok(Batch { pixels, views, targets, features, seen, divisors, centres, seeds, plan, skipped })
    }

    fn shared(&self, batch: Batch) -> Batch {
        Batch { divisors: batch.divisors.summed(&*self.peers), ..batch }
    }

    fn photos(&self, batch: &Batch) -> usize {
        batch.targets.len()
    }

    fn skipped(&self, batch: &Batch) -> Vec<String> {
        batch.skipped.clone()
    }

    /// Computes the loss: every prediction gets the full loss; the reported parts are those of the final
    /// prediction.
    fn loss(&self, model: &MaskSegmenter, batch: &Batch, part: Range<usize>) -> Result<Loss, TrainError> {
        let (config, queries) = (&self.options.loss, self.segmenter.num_queries);
        let mut draws = SeededDraws::new(&batch.seeds[part.clone()]);
        let drawn = batch.centres.as_ref().map(|centres| {
            centres[part.clone()].iter().map(|of| of.drawn().map(|pair| pair.0).collect()).collect()
        });
        let plan = TrainingPlan { drawn, ..batch.plan.of_images(part.clone(), queries) };
        let targets = &batch.targets[part.clone()];
        let images = images(&batch.pixels, &part, self.options.augment.image_size, &self.device);
        let mut sum: Option<Loss> = None;
        let outputs = match &self.features {
            Some(features) => {
                let grid = model.grid(&images);
                model.forward_laterals(features.of(model, images, &batch.views[part.clone()])?, grid, &plan)
            }
            None => model.forward_training(images, &plan),
        };
        for output in outputs {
            let SegmenterOutput { class_logits, mask_logits, features } = output;
            let loss = match &batch.centres {
                Some(centres) => {
                    let truth = (targets, &centres[part.clone()]);
                    centre_loss(class_logits, mask_logits, truth, batch.divisors, config, &mut draws)?
                }
                None => set_loss(class_logits, mask_logits, targets, batch.divisors, config, &mut draws)?,
            };
            let mut total = match sum {
                Some(before) => before.total + loss.total,
                None => loss.total,
            };
            let mut parts = BTreeMap::from([("mask", loss.mask), ("dice", loss.dice), ("class", loss.class)]);
            if let Some(features) = features {
                let off = self.feature_loss(features, batch, &part);
                total = total + off.clone().mul_scalar(self.options.teacher_coefficient);
                parts.insert("features", off);
            }
            sum = Some(Loss { total, parts });
        }
        sum.ok_or_else(|| TrainError::Option("the model made no prediction".to_owned()))
    }

    fn learning_rate(&self, step: usize) -> f64 {
        self.options.learning_rate(step)
    }

    fn learning_rates(&self, step: usize) -> ModuleLearningRate {
        self.options.learning_rates(step, self.segmenter.encoder.depth)
    }

    fn validate_every(&self) -> Option<usize> {
        self.validation.map(|validation| validation.every)
    }

    fn validate(&self, model: &MaskSegmenter) -> Result<BTreeMap<&'static str, f64>, TrainError> {
        let Some(ValidationSet { dataset, images, .. }) = self.validation else {
            return Ok(BTreeMap::new());
        };
        let labels = self.photos.labels().to_vec();
        let device = self.device.clone().without_autodiff();
        let engine = Engine::new(model.clone(), labels, self.preprocess.clone(), device);
        let vocabulary = Vocabulary::choose(engine.labels(), dataset, false)?;
        let predictions = predict_dataset(&engine, dataset, images, &vocabulary, 1, || ())?;
        let measured = evaluate(&vocabulary.translate(dataset), &predictions)?.masks;
        let number = |value: Option<f64>| value.unwrap_or(0.0);
        Ok(BTreeMap::from([("val_ap", number(measured.ap)), ("val_ap50", number(measured.ap50))]))
    }

    fn panel(&self, model: &MaskSegmenter, batch: &Batch) -> RgbImage {
        let shown = 0..batch.targets.len().min(MOST_ROWS);
        let device = self.device.clone().without_autodiff();
        let images = images(&batch.pixels, &shown, self.options.augment.image_size, &device);
        prediction_panel(model, images, &batch.targets[shown], self.preprocess)
    }
}
