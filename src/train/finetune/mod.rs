//! Fine-tuning of a pretrained encoder for instance segmentation.

mod feature_cache;
mod learning_rates;
mod objective;

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;

use self::feature_cache::FrozenFeatures;
use self::objective::Finetuning;
use super::optim::schedule::{MaskAnnealing, POLY_POWER};
use super::optim::with_stable_ids;
use super::options::{FinetuneOptions, Tune};
use super::run::Standing;
use super::trainer::train;
use super::{RunFolder, TrainError, TrainEvent};
use crate::data::{CocoDataset, Damaged, DataError, PhotoFolder, SegmentationSet};
use crate::eval::Vocabulary;
use crate::model::{MaskSegmenter, SegmenterConfig, VitConfig};
use crate::weights::{Architecture, Folder, ModelConfig, apply, apply_encoder};

impl FinetuneOptions {
    /// Returns the annealing of masked attention in `segmenter`, if it is used.
    fn annealing(&self, segmenter: &SegmenterConfig) -> Result<Option<MaskAnnealing>, TrainError> {
        if !self.masked_attention || segmenter.num_queries == 0 {
            return Ok(None);
        }
        let blocks = segmenter.num_blocks;
        let windows = match self.annealing.len() {
            0 => MaskAnnealing::published(blocks),
            asked if asked == blocks => self.annealing.clone(),
            asked => {
                let reason = format!(
                    "--anneal-masks has intervals for {asked} blocks, but {blocks} blocks process queries"
                );
                return Err(TrainError::Option(reason));
            }
        };
        Ok(Some(MaskAnnealing { windows, power: POLY_POWER }))
    }

    fn segmenter(&self, encoder: &VitConfig, num_classes: usize) -> SegmenterConfig {
        let encoder = VitConfig { layer_scale: true, ..encoder.clone() };
        let quarters = |depth: usize| (1..=depth).filter(|i| 4 * i / depth > 4 * (i - 1) / depth).collect();
        SegmenterConfig {
            lateral_layers: if self.tune == Tune::Frozen { quarters(encoder.depth) } else { Vec::new() },
            ..SegmenterConfig::new(encoder, self.num_queries, num_classes, self.num_blocks)
        }
    }

    /// Returns the number of blocks at the bottom of the encoder that stay frozen.
    fn frozen_blocks(&self, depth: usize) -> usize {
        match self.tune {
            Tune::Frozen => depth,
            Tune::Top(blocks) => depth.saturating_sub(blocks),
            Tune::Full => 0,
        }
    }
}

/// Photos on which the model is validated during training; the best weights are kept in the run's `best/`.
#[derive(Debug)]
pub struct ValidationSet {
    /// The annotations of the photos.
    pub dataset: CocoDataset,
    /// The folder of the photos.
    pub images: PhotoFolder,
    /// Number of steps between validations.
    pub every: usize,
}

impl ValidationSet {
    /// Returns the usable part of the set, which was read from `file`, and what was left out, as
    /// [`PhotoFolder::sound`] does.
    ///
    /// # Errors
    /// The errors of [`PhotoFolder::sound`].
    pub fn sound(mut self, file: &Path, damaged: Damaged) -> Result<(Self, Vec<String>), DataError> {
        let unusable = self.images.sound(&mut self.dataset, file, damaged)?;
        Ok((self, unusable))
    }

    /// Describes the set by the fingerprint of its photos and objects, and the validation interval.
    #[must_use]
    pub fn told(&self) -> String {
        let told = format!("{}, every {} steps", self.dataset.fingerprint(), self.every);
        let names = self.dataset.images.iter().filter_map(|image| self.images.find(&image.file_name).ok());
        let names: Vec<String> = names.collect();
        self.images.with_bytes(&told, &names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// # Errors
    /// [`TrainError::Validation`] if the set has no category that a model with these labels finds,
    /// [`TrainError::Option`] if it has no objects.
    fn check(&self, labels: &[String]) -> Result<(), TrainError> {
        Vocabulary::choose(labels, &self.dataset, false)?;
        if self.dataset.annotations.is_empty() {
            return Err(TrainError::Option("the validation set has no objects".to_owned()));
        }
        Ok(())
    }
}

/// Fine-tunes on `photos`, continuing from the state of `run`. `encoder` is the pretrained weight folder;
/// without one, the encoder is trained from scratch with the architecture `fresh`.
///
/// # Errors
/// [`TrainError`]; the last checkpoint stays intact.
pub fn finetune(
    (photos, validation): (&SegmentationSet, Option<&ValidationSet>),
    options: &FinetuneOptions,
    (encoder, fresh): (Option<Folder>, VitConfig),
    device: &Device,
    run: &mut RunFolder,
    mut on_event: impl FnMut(TrainEvent),
) -> Result<(), TrainError> {
    options.check()?;
    if let Some(validation) = validation {
        validation.check(photos.labels())?;
    }
    let preprocess = photos.preprocess(options.augment.image_size);
    let device = device.clone().autodiff();
    device.seed(options.steps.seed);
    let model = with_stable_ids(build(photos, options, (encoder, fresh), &device)?);
    let segmenter = model.config().clone();
    let config = ModelConfig {
        architecture: Architecture::Segmenter(segmenter.clone()),
        labels: photos.labels().to_vec(),
    };
    let adamw = options.steps.adamw(0.999);
    let optimizer = options.steps.optimizer.of(&model, adamw);
    let at = run.resume(Standing::start(model, optimizer, &options.steps), &config)?;
    let annealing = options.annealing(&segmenter)?;
    let repeats = photos.repeats();
    let preprocess = &preprocess;
    let features = match options.tune {
        Tune::Frozen if options.views > 0 && !segmenter.lateral_layers.is_empty() => {
            Some(FrozenFeatures::open(run.features(), at.step == 0)?)
        }
        _ => None,
    };
    let task = Finetuning {
        photos,
        validation,
        options,
        segmenter,
        annealing,
        repeats,
        preprocess,
        device,
        features,
        peers: run.peers(),
    };
    train(&task, at, &options.steps, (&config, preprocess), run, &mut on_event)
}

/// Builds a segmenter around the given encoder, with the frozen parts marked as such.
fn build(
    photos: &SegmentationSet,
    options: &FinetuneOptions,
    (folder, fresh): (Option<Folder>, VitConfig),
    device: &Device,
) -> Result<MaskSegmenter, TrainError> {
    let model = match folder {
        Some(folder) if options.whole => whole(folder, photos.labels(), device)?,
        folder => {
            let encoder = folder.as_ref().map_or(&fresh, |folder| folder.config.encoder());
            let config = options.segmenter(encoder, photos.labels().len());
            config.validate()?;
            let model = MaskSegmenter::new(&config, device);
            match folder {
                Some(Folder { layout, tensors, .. }) => apply_encoder(model, layout, tensors)?,
                None => model,
            }
        }
    };
    let model = match options.patch_size {
        Some(side) => model.with_patch_size(side),
        None => model,
    };
    let [teacher_dim, of_teacher] = photos.teacher().unwrap_or_default();
    let patch_size = model.config().encoder.patch_size;
    if teacher_dim > 0 && of_teacher != patch_size {
        let reason =
            format!("the teacher's features are for patches of {of_teacher}, not of {patch_size} pixels");
        return Err(TrainError::Option(reason));
    }
    let mut model = model.with_image_size(options.augment.image_size)?.with_teacher(teacher_dim, device);
    let depth = model.config().encoder.depth;
    if let Tune::Top(blocks) = options.tune
        && blocks > depth
    {
        return Err(TrainError::Option(format!(
            "the encoder has {depth} blocks, so {blocks} cannot be fine-tuned"
        )));
    }
    let frozen = options.frozen_blocks(depth);
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

/// Loads the whole segmenter of a folder; if it has other labels, the class head is initialised anew.
fn whole(folder: Folder, labels: &[String], device: &Device) -> Result<MaskSegmenter, TrainError> {
    let Architecture::Segmenter(config) = &folder.config.architecture else {
        let reason =
            "--whole needs the weights of a segmenter, but these are of an encoder; train without --whole";
        return Err(TrainError::Option(reason.to_owned()));
    };
    // Training has its own annealing of masked attention, and ends without masks.
    let config = SegmenterConfig { attn_mask_probs: Vec::new(), ..config.clone() };
    let model = apply(MaskSegmenter::new(&config, device), folder.layout, folder.tensors)?;
    Ok(if folder.config.labels == labels { model } else { model.with_classes(labels.len(), device) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_annealed_in_the_blocks_that_the_model_has() {
        let mut options = FinetuneOptions { num_blocks: 1, ..FinetuneOptions::default() };
        let of = |options: &FinetuneOptions, queries: usize, blocks: usize| {
            let encoder = VitConfig::plain(32, 8, 16, 4, 2);
            options.annealing(&SegmenterConfig::new(encoder, queries, 2, blocks))
        };
        let published = MaskAnnealing { windows: MaskAnnealing::published(4), power: POLY_POWER };
        assert_eq!(options.num_blocks, 1, "a model that is taken whole has its own");
        assert_eq!(of(&options, 5, 4).unwrap(), Some(published));
        assert_eq!(of(&options, 0, 4).unwrap(), None);
        options.annealing = vec![(0.0, 0.5); 2];
        assert_eq!(of(&options, 5, 2).unwrap().unwrap().windows, options.annealing);
        assert!(matches!(of(&options, 5, 3), Err(TrainError::Option(_))));
        options.masked_attention = false;
        assert_eq!(of(&options, 5, 2).unwrap(), None);
    }

    #[test]
    fn validation_that_can_judge_nothing_is_refused_before_the_first_step() {
        let annotations = r#"{"categories": [{"id": 1, "name": "cat", "supercategory": "animal"}],
            "images": [{"id": 1, "file_name": "finetune.rs", "width": 9, "height": 9}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[0, 0, 4, 0, 4, 4]]}]}"#;
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/train");
        let dataset: CocoDataset = serde_json::from_str(annotations).unwrap();
        let mut validation = ValidationSet { dataset, images: PhotoFolder::open(&here).unwrap(), every: 1 };
        let check = |set: &ValidationSet, label: &str| set.check(&["car".to_owned(), label.to_owned()]);
        assert!(check(&validation, "cat").is_ok() && check(&validation, "animal").is_ok());
        assert!(matches!(check(&validation, "truck"), Err(TrainError::Validation(_))));
        validation.dataset.annotations.clear();
        assert!(matches!(check(&validation, "cat"), Err(TrainError::Option(_))));
        assert!(
            matches!(
                validation.sound(Path::new("val.json"), Damaged::Skip),
                Err(DataError::NoReadablePhoto { .. })
            ),
            "this file is no photo"
        );
    }
}
