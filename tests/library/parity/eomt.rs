//! EoMT: predictions with and without masked attention, matches, set loss over all predictions, gradients.

use burn::tensor::{Device, Tensor};
use mae_seg::mask::BinaryMask;
use mae_seg::model::{MaskSegmenter, SegmenterConfig, SegmenterOutput, TrainingPlan};
use mae_seg::train::loss::{Divisors, SetLossConfig, Target, set_loss};
use mae_seg::train::points::PointDraws;
use mae_seg::weights::{Architecture, Layout, apply};

use super::gradients::assert_gradients;
use super::recording::{Recording, assert_near, assert_relative, checkpoint, scalar, values};

const CHECKPOINTS: [&str; 3] = ["eomt_tiny", "eomt_registers", "eomt_shallow"];

fn load(name: &str, device: &Device) -> (SegmenterConfig, MaskSegmenter) {
    let folder = checkpoint(name);
    let Architecture::Segmenter(config) = folder.config.architecture else {
        panic!("{name} is no segmenter")
    };
    let model = apply(MaskSegmenter::new(&config, device), Layout::Eomt, folder.tensors).unwrap();
    (config, model)
}

/// Runs without masked attention (`p0`), or with every query masked in every possible block (`p1`).
fn predict(
    run: &str,
    model: &MaskSegmenter,
    config: &SegmenterConfig,
    images: Tensor<4>,
) -> Vec<SegmenterOutput> {
    let everyone = vec![true; images.dims()[0] * config.num_queries];
    let masked = if run == "p1" { vec![Some(everyone); config.num_blocks] } else { Vec::new() };
    model.forward_training(images, &TrainingPlan { masked, ..TrainingPlan::default() })
}

struct RecordedDraws<'r> {
    recording: &'r Recording,
    run: &'r str,
    next: usize,
}

impl PointDraws for RecordedDraws<'_> {
    fn uniform(&mut self, images: &[usize], points: usize) -> Vec<f32> {
        let name = format!("{}.rand.{:02}", self.run, self.next);
        self.next += 1;
        assert_eq!(self.recording.shape(&name), [images.len(), points, 2], "{name}");
        self.recording.floats(&name)
    }
}

fn targets(recording: &Recording) -> Vec<Target> {
    let images = recording.names_after("class_labels.").len();
    let target = |image: usize| {
        let shape = recording.shape(&format!("mask_labels.{image}"));
        let (height, width) = (shape[1], shape[2]);
        let pixels = recording.floats(&format!("mask_labels.{image}"));
        let masks = pixels.chunks_exact(height * width);
        Target {
            labels: recording.indices(&format!("class_labels.{image}")).into_iter().map(Some).collect(),
            masks: masks.map(|m| BinaryMask::from_fn(width, height, |x, y| m[y * width + x] > 0.5)).collect(),
            ..Target::default()
        }
    };
    (0..images).map(target).collect()
}

#[test]
fn final_predictions() {
    let device = Device::flex();
    for name in CHECKPOINTS {
        let recording = Recording::of(name);
        let (config, model) = load(name, &device);
        for run in ["p0", "p1"] {
            let outputs = predict(run, &model, &config, recording.tensor("pixel_values", &device));
            let SegmenterOutput { class_logits, mask_logits, .. } = outputs.last().unwrap().clone();
            let expected = |what: &str| recording.floats(&format!("{run}.{what}"));
            assert_near(
                &values(class_logits),
                &expected("class_logits"),
                1e-4,
                &format!("{name} {run} classes"),
            );
            assert_near(&values(mask_logits), &expected("mask_logits"), 1e-4, &format!("{name} {run} masks"));
        }
    }
}

#[test]
fn inference_masks_attention_where_the_weights_say_so() {
    let device = Device::flex();
    for name in CHECKPOINTS {
        let recording = Recording::of(name);
        for run in ["p0", "p1"] {
            let folder = checkpoint(name);
            let Architecture::Segmenter(mut config) = folder.config.architecture else { panic!("{name}") };
            assert_eq!(config.attn_mask_probs, vec![1.0; config.num_blocks], "{name}: as Python leaves it");
            if run == "p0" {
                config.attn_mask_probs.fill(0.0);
            }
            let model = apply(MaskSegmenter::new(&config, &device), Layout::Eomt, folder.tensors).unwrap();
            let output = model.forward(recording.tensor("pixel_values", &device));
            for (what, found) in
                [("class_logits", values(output.class_logits)), ("mask_logits", values(output.mask_logits))]
            {
                assert_near(
                    &found,
                    &recording.floats(&format!("{run}.{what}")),
                    1e-4,
                    &format!("{name} {run} {what}"),
                );
            }
        }
    }
}

#[test]
fn a_block_keeps_the_mask_of_the_one_before() {
    let (device, recording) = (Device::flex(), Recording::of("masked"));
    for (name, case) in
        [("eomt_shallow", "10"), ("eomt_shallow", "01"), ("eomt_registers", "101"), ("eomt_registers", "010")]
    {
        let folder = checkpoint(name);
        let Architecture::Segmenter(mut config) = folder.config.architecture else { panic!("{name}") };
        config.attn_mask_probs = case.chars().map(|digit| if digit == '1' { 1.0 } else { 0.0 }).collect();
        let model = apply(MaskSegmenter::new(&config, &device), Layout::Eomt, folder.tensors).unwrap();
        let output = model.forward(recording.tensor(&format!("{name}.pixel_values"), &device));
        let recorded = |what: &str| recording.floats(&format!("{name}.{case}.{what}"));
        assert_near(&values(output.class_logits), &recorded("class_logits"), 1e-4, case);
        assert_near(&values(output.mask_logits), &recorded("mask_logits"), 1e-4, case);
    }
}

#[test]
fn matches_loss_and_gradients_over_all_predictions() {
    let device = Device::flex().autodiff();
    for name in CHECKPOINTS {
        let recording = Recording::of(name);
        let num_points = recording.shape("p0.rand.00")[1];
        let loss_config = SetLossConfig { num_points, ..SetLossConfig::default() };
        let targets = targets(&recording);
        for run in ["p0", "p1"] {
            let (config, model) = load(name, &device);
            let outputs = predict(run, &model, &config, recording.tensor("pixel_values", &device));
            let divisors = Divisors::of(&targets, config.num_queries, &loss_config);
            let mut draws = RecordedDraws { recording: &recording, run, next: 0 };
            let mut total = Tensor::<1>::zeros([1], &device);
            for (layer, output) in outputs.into_iter().enumerate() {
                let SegmenterOutput { class_logits, mask_logits, .. } = output;
                let loss = set_loss(class_logits, mask_logits, &targets, divisors, &loss_config, &mut draws)
                    .unwrap();
                for (image, pairs) in loss.matches.iter().enumerate() {
                    let (queries, objects): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
                    let match_name = format!("{run}.match.layer{layer}.img{image}");
                    assert_eq!(
                        [queries, objects].concat(),
                        recording.indices(&match_name),
                        "{name} {match_name}"
                    );
                }
                total = total + loss.total;
            }
            let recorded_draws = recording.names_after(&format!("{run}.rand.")).len();
            assert_eq!(draws.next, recorded_draws, "{name} {run}: draws");
            let expected = recording.numbers(&format!("{run}.loss_f64"))[0];
            assert_relative(scalar(&total), expected, 1e-4, &format!("{name} {run} loss"));
            assert_gradients(model, Layout::Eomt, &total.backward(), &recording, &format!("{run}.grad."));
        }
    }
}
