//! Tests against a recorded run of the reference implementation, finite differences, and sums computed by
//! hand.

use burn::prelude::*;
use safetensors::SafeTensors;

use super::classes::Verdict;
use super::*;
use crate::mask::BinaryMask;
use crate::train::points::SeededDraws;

const RECORDING: &[u8] = include_bytes!("../../../tests/fixtures/eomt_tiny_io.safetensors");
const META: &str = include_str!("../../../tests/fixtures/eomt_tiny_io.json");

fn numbers<const N: usize, T>(name: &str, parse: impl Fn([u8; N]) -> T) -> (Vec<usize>, Vec<T>) {
    let file = SafeTensors::deserialize(RECORDING).unwrap();
    let view = file.tensor(name).unwrap();
    let values = view.data().chunks_exact(N).map(|bytes| parse(bytes.try_into().unwrap())).collect();
    (view.shape().to_vec(), values)
}

fn recorded<const D: usize>(name: &str, device: &Device) -> Tensor<D> {
    let (shape, values) = numbers(name, f32::from_le_bytes);
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn recorded_target(image: usize) -> Target {
    let (_, labels) = numbers(&format!("class_labels.{image}"), i32::from_le_bytes);
    let (shape, pixels) = numbers(&format!("mask_labels.{image}"), f32::from_le_bytes);
    let [height, width] = [shape[1], shape[2]];
    let masks = pixels.chunks_exact(height * width);
    Target {
        labels: labels.into_iter().map(|label| Some(label as usize)).collect(),
        masks: masks.map(|m| BinaryMask::from_fn(width, height, |x, y| m[y * width + x] > 0.5)).collect(),
        ..Target::default()
    }
}

/// The random numbers of the recorded run, in the order in which they were drawn.
struct RecordedDraws {
    run: &'static str,
    next: usize,
}

impl PointDraws for RecordedDraws {
    fn uniform(&mut self, images: &[usize], points: usize) -> Vec<f32> {
        let (shape, values) = numbers(&format!("{}.rand.{:02}", self.run, self.next), f32::from_le_bytes);
        self.next += 1;
        assert_eq!(shape, [images.len(), points, 2]);
        values
    }
}

fn config(num_points: usize) -> SetLossConfig {
    SetLossConfig { num_points, ..SetLossConfig::default() }
}

fn value(loss: &Tensor<1>) -> f64 {
    f64::from(loss.clone().into_scalar::<f32>())
}

fn assert_close(actual: f64, expected: f64, relative: f64, what: &str) {
    assert!((actual - expected).abs() <= relative * expected.abs(), "{what}: {actual}, expected {expected}");
}

/// Checks the last of the `predictions` predictions of a recorded run.
fn check_recorded(run: &'static str, predictions: usize) {
    let device = Device::flex();
    let targets = [recorded_target(0), recorded_target(1)];
    let mut draws = RecordedDraws { run, next: 4 * (predictions - 1) };
    let class_logits = recorded(&format!("{run}.class_logits"), &device);
    let mask_logits = recorded(&format!("{run}.mask_logits"), &device);
    let divisors = Divisors::of(&targets, class_logits.dims()[1], &config(128));
    let loss = set_loss(class_logits, mask_logits, &targets, divisors, &config(128), &mut draws).unwrap();

    let meta: serde_json::Value = serde_json::from_str(META).unwrap();
    let parts = &meta[run]["loss_parts_per_prediction(weighted)"][predictions - 1];
    let expected = |name: &str| parts[name].as_f64().unwrap();
    assert_close(5.0 * value(&loss.mask), expected("loss_mask"), 1e-5, "mask");
    assert_close(5.0 * value(&loss.dice), expected("loss_dice"), 1e-5, "dice");
    assert_close(2.0 * value(&loss.class), expected("loss_cross_entropy"), 1e-5, "class");
    let sum = expected("loss_mask") + expected("loss_dice") + expected("loss_cross_entropy");
    assert_close(value(&loss.total), sum, 1e-5, "total");
    for (image, pairs) in loss.matches.iter().enumerate() {
        let name = format!("{run}.match.layer{}.img{image}", predictions - 1);
        let (_, flat) = numbers(&name, i32::from_le_bytes);
        let (queries, objects) = flat.split_at(flat.len() / 2);
        let expected: Vec<_> = queries.iter().zip(objects).map(|(&q, &t)| (q as usize, t as usize)).collect();
        assert_eq!(*pairs, expected, "{name}");
    }
}

#[test]
fn equals_the_reference_without_mask_annealing() {
    check_recorded("p0", 1);
}

#[test]
fn equals_the_reference_on_the_last_of_three_predictions() {
    check_recorded("p1", 3);
}

/// Returns two images, four queries, two classes, 6×6 logits and 12×12 masks; the second object of the first
/// image has an unknown class, and the second image has an unlabelled region.
fn tiny_case() -> (Vec<f32>, Vec<f32>, [Target; 2]) {
    let class_logits = SeededDraws::new(&[1]).uniform(&[0], 12).iter().map(|v| 4.0 * v - 2.0).collect();
    let mask_logits = SeededDraws::new(&[2]).uniform(&[0], 144).iter().map(|v| 6.0 * v - 3.0).collect();
    let square = |from: usize, to: usize| {
        BinaryMask::from_fn(12, 12, |x, y| (from..to).contains(&x) && (from..to).contains(&y))
    };
    let first =
        Target { labels: vec![Some(1), None], masks: vec![square(0, 5), square(6, 12)], ..Target::default() };
    let second = Target {
        labels: vec![Some(0)],
        masks: vec![square(2, 9)],
        ignore: Some(BinaryMask::from_fn(12, 12, |x, _| x < 6)),
        ..Target::default()
    };
    (class_logits, mask_logits, [first, second])
}

fn tiny_loss(class: Tensor<3>, mask: Tensor<4>, targets: &[Target], config: &SetLossConfig) -> SetLoss {
    let divisors = Divisors::of(targets, class.dims()[1], config);
    set_loss(class, mask, targets, divisors, config, &mut SeededDraws::new(&[9, 10])).unwrap()
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let (class, mask, targets) = tiny_case();
    let anywhere = SetLossConfig { importance_ratio: 0.0, ..config(64) };
    let loss_at = |class: &[f32], mask: &[f32], device: &Device| {
        let class = Tensor::<3>::from_data(TensorData::new(class.to_vec(), [2, 4, 3]), device);
        let mask = Tensor::<4>::from_data(TensorData::new(mask.to_vec(), [2, 4, 6, 6]), device);
        let (class, mask) =
            if class.is_autodiff() { (class.require_grad(), mask.require_grad()) } else { (class, mask) };
        (tiny_loss(class.clone(), mask.clone(), &targets, &anywhere), class, mask)
    };
    let (loss, class_leaf, mask_leaf) = loss_at(&class, &mask, &Device::flex().autodiff());
    let gradients = loss.total.backward();
    let class_gradient = class_leaf.grad(&gradients).unwrap().try_into_vec_as::<f32>().unwrap();
    let mask_gradient = mask_leaf.grad(&gradients).unwrap().try_into_vec_as::<f32>().unwrap();

    let step = 1e-2_f32;
    let slope = |at: usize, in_class: bool| {
        let shifted = |by: f32| {
            let (mut class, mut mask) = (class.clone(), mask.clone());
            if in_class {
                class[at] += by;
            } else {
                mask[at] += by;
            }
            value(&loss_at(&class, &mask, &Device::flex()).0.total)
        };
        (shifted(step) - shifted(-step)) / f64::from(2.0 * step)
    };
    for (at, &gradient) in class_gradient.iter().enumerate() {
        assert!((slope(at, true) - f64::from(gradient)).abs() < 2e-3, "class logit {at}");
    }
    for (at, &gradient) in mask_gradient.iter().enumerate() {
        assert!((slope(at, false) - f64::from(gradient)).abs() < 2e-3, "mask logit {at}");
    }
    assert!(mask_gradient.iter().any(|g| g.abs() > 1e-2));
}

#[test]
fn unknown_class_means_anything_but_no_object() {
    let device = Device::flex();
    let logits = [1.0_f32, -0.5, 0.3];
    let class = Tensor::<3>::from_data(TensorData::new(logits.to_vec(), [1, 1, 3]), &device);
    let loss = class_loss(class, &[Verdict::AnyClass(1.0)], 0.1);
    let e: Vec<f64> = logits.iter().map(|&z| f64::from(z).exp()).collect();
    let some = (e[0] + e[1]) / (e[0] + e[1] + e[2]);
    assert_close(value(&loss), -some.ln(), 1e-6, "-log(1 - p(no object))");
}

#[test]
fn class_loss_sums_what_is_judged() {
    let device = Device::flex();
    let class = Tensor::<3>::zeros([1, 4, 3], &device);
    let verdicts = [Verdict::Class(1, 1.0), Verdict::NoObject, Verdict::Unjudged, Verdict::NoObject];
    let loss = value(&class_loss(class.clone(), &verdicts, 0.1));
    assert_close(loss, 1.2 * 3_f64.ln(), 1e-6, "equal logits, weights 1, 0.1 and 0.1");
    assert_eq!(value(&class_loss(class, &[Verdict::Unjudged; 4], 0.1)), 0.0);
}

#[test]
fn divisors_count_objects_and_weigh_queries() {
    let objects = |count: usize| Target {
        labels: vec![Some(0); count],
        masks: vec![BinaryMask::empty(4, 4); count],
        ..Target::default()
    };
    let divisors = Divisors::of(&[objects(1), objects(5), objects(0)], 4, &config(8));
    assert_eq!(divisors.objects, 6.0);
    assert!((divisors.class_weight - (5.0 + 0.1 * 7.0)).abs() < 1e-6, "{}", divisors.class_weight);
}

#[test]
fn queries_in_unlabelled_regions_are_not_judged() {
    let mut left = vec![-1.0_f32; 64];
    let mut right = left.clone();
    for y in 0..4 {
        left[y * 8..y * 8 + 3].fill(1.0);
        right[y * 8 + 4..y * 8 + 8].fill(1.0);
    }
    let nothing = vec![-1.0_f32; 64];
    let logits = Tensor::<4>::from_data(
        TensorData::new([left, right, nothing].concat(), [1, 3, 8, 8]),
        &Device::flex(),
    );
    let ignore = Some(BinaryMask::from_fn(16, 16, |x, _| x < 8));
    let target = Target { ignore, ..Target::default() };
    assert_eq!(lies_in_ignored(logits, &[target]).unwrap(), [true, false, false]);
}

#[test]
fn a_patch_is_as_sure_as_its_mask_is_right() {
    let device = Device::flex().autodiff();
    let mask = BinaryMask::from_fn(8, 8, |x, _| x < 4);
    let target = Target { labels: vec![Some(0)], masks: vec![mask], ..Target::default() };
    let centres = [Centres { pairs: vec![(1, 0)], elsewhere: vec![], unjudged: vec![false, false, true] }];
    // The prediction covers 16 of the object's 32 pixels, and 16 others.
    let map: Vec<f32> = (0..64).map(|i| if (2..6).contains(&(i % 8)) { 9.0 } else { -9.0 }).collect();
    for likely in [1.0_f32, 0.5] {
        let targets = [Target { confidences: vec![likely], ..target.clone() }];
        let class =
            Tensor::<3>::from_data(TensorData::new(vec![0.0_f32; 6], [1, 3, 2]), &device).require_grad();
        let loss = centre_loss(
            class.clone(),
            Tensor::from_data(TensorData::new(map.clone(), [1, 1, 8, 8]), &device),
            (&targets, &centres),
            Divisors::of_centres(&targets, &centres),
            &config(64),
            &mut SeededDraws::new(&[1]),
        )
        .unwrap();
        let (wanted, objects) = (likely / 3.0, f64::from(likely));
        assert_close(
            value(&loss.class),
            2.0 * 2_f64.ln() / objects,
            1e-6,
            "two patches judged, both undecided",
        );
        let gradient = class.grad(&loss.class.backward()).unwrap().try_into_vec_as::<f32>().unwrap();
        let expected = [0.5, -0.5, 0.5 - wanted, wanted - 0.5, 0.0, 0.0];
        for (found, expected) in gradient.into_iter().zip(expected) {
            assert_close(f64::from(found), f64::from(expected) / objects, 1e-6, "probability minus overlap");
        }
    }
}

#[test]
fn an_object_counts_as_much_as_it_is_likely() {
    let (class, mask, [first, _]) = tiny_case();
    let loss_of = |confidences: Vec<f32>| {
        let class = Tensor::<3>::from_data(TensorData::new(class[..12].to_vec(), [1, 4, 3]), &Device::flex());
        let mask =
            Tensor::<4>::from_data(TensorData::new(mask[..144].to_vec(), [1, 4, 6, 6]), &Device::flex());
        tiny_loss(class, mask, &[Target { confidences, ..first.clone() }], &config(64))
    };
    let [none, one, other] = [vec![], vec![1.0, 0.25], vec![0.25, 1.0]].map(loss_of);
    for part in [|loss: &SetLoss| value(&loss.mask), |loss: &SetLoss| value(&loss.dice)] {
        let apart = (part(&one) - part(&other)).abs();
        assert!(apart > 1e-4, "one object counts more: {apart}");
        let both = part(&one) + part(&other);
        assert_close(both, 2.0 * part(&none), 1e-5, "each object counts 1.25 of 1.25 times");
    }
}

#[test]
fn a_batch_without_objects_trains_the_classes_only() {
    let device = Device::flex();
    let targets = [Target::default(), Target::default()];
    let loss = tiny_loss(
        Tensor::zeros([2, 4, 3], &device),
        Tensor::zeros([2, 4, 6, 6], &device),
        &targets,
        &config(64),
    );
    assert_eq!((value(&loss.mask), value(&loss.dice)), (0.0, 0.0));
    assert_close(value(&loss.total), 2.0 * 3_f64.ln(), 1e-6, "class only");
}

#[test]
fn more_objects_than_queries_leaves_some_unmatched() {
    let device = Device::flex();
    let masks: Vec<_> = (0..5).map(|i| BinaryMask::from_fn(12, 12, |x, _| x / 2 == i)).collect();
    let target = Target { labels: vec![Some(0); 5], masks, ..Target::default() };
    let logits = SeededDraws::new(&[4]).uniform(&[0], 36);
    let mask = Tensor::<4>::from_data(TensorData::new(logits, [1, 2, 6, 6]), &device);
    let loss = tiny_loss(Tensor::zeros([1, 2, 2], &device), mask, &[target], &config(64));
    assert_eq!(loss.matches[0].len(), 2);
    assert!(value(&loss.total).is_finite());
}

#[test]
fn mismatched_targets_are_refused() {
    let device = Device::flex();
    let run = |target: Target, config: &SetLossConfig| {
        let (class, mask) = (Tensor::zeros([1, 4, 3], &device), Tensor::zeros([1, 4, 6, 6], &device));
        let divisors = Divisors::of(&[], 4, config);
        set_loss(class, mask, &[target], divisors, config, &mut SeededDraws::new(&[0])).unwrap_err()
    };
    let mask = BinaryMask::empty(12, 12);
    let label = Target { labels: vec![Some(2)], masks: vec![mask], ..Target::default() };
    assert!(matches!(run(label, &config(8)), LossError::Label { label: 2, classes: 2, .. }));
    let lonely = Target { labels: vec![Some(0)], ..Target::default() };
    assert!(matches!(run(lonely, &config(8)), LossError::Objects { labels: 1, masks: 0, .. }));
    assert!(matches!(run(Target::default(), &config(0)), LossError::Points(0, ..)));
}
