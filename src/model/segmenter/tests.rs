use burn::tensor::{Distribution, Int, Tolerance};

use super::*;
use crate::model::VitConfig;

#[test]
fn a_mask_does_not_depend_on_which_others_are_drawn() {
    let device = Device::flex();
    for num_queries in [0, 5] {
        let config = SegmenterConfig::new(VitConfig::plain(32, 8, 16, 2, 2), num_queries, 3, 1);
        let mut model = MaskSegmenter::new(&config, &device);
        model.head.fc3.weight = Initializer::Normal { mean: 0.0, std: 1.0 }.init([16, 16], &device);
        let images = Tensor::random([2, 3, 32, 32], Distribution::Default, &device);
        let proposals = model.propose(images);
        let queries = proposals.class_logits.dims()[1] as i32;
        let rows = Tensor::<1, Int>::from_data([4, 1, queries, queries + 3], &device);
        let all = model.draw(&proposals, None);
        let some = model.draw(&proposals, Some(&rows));
        let [batch, count, height, width] = all.dims();
        let expected = all.reshape([batch * count, height, width]).select(0, rows);
        let expected = expected.reshape([batch, 2, height, width]);
        expected.into_data().assert_approx_eq::<f32>(&some.into_data(), Default::default());
    }
}

#[test]
fn rounding_is_for_browsers_only() {
    let device = Device::flex();
    let config = SegmenterConfig::new(VitConfig::plain(32, 8, 16, 2, 2), 0, 3, 1);
    let model = MaskSegmenter::new(&config, &device);
    let images = Tensor::random([1, 3, 32, 32], Distribution::Default, &device);
    let [expected, got] = [model.clone(), model.rounding()].map(|model| model.forward(images.clone()));
    let tolerance = Tolerance::<f32>::absolute(1e-5);
    got.class_logits.into_data().assert_approx_eq(&expected.class_logits.into_data(), tolerance);
    got.mask_logits.into_data().assert_approx_eq(&expected.mask_logits.into_data(), tolerance);
}

#[test]
fn blocks_that_have_lost_their_masks_are_still_judged() {
    let device = Device::flex();
    let config = SegmenterConfig::new(VitConfig::plain(32, 8, 16, 4, 2), 5, 3, 3);
    let model = MaskSegmenter::new(&config, &device);
    let images = Tensor::random([2, 3, 32, 32], Distribution::Default, &device);
    let masked = vec![Some(vec![false; 2 * 5]); 3];
    let outputs = model.forward_training(images.clone(), &TrainingPlan { masked, ..TrainingPlan::default() });
    assert_eq!(outputs.len(), 4, "one before each block and one at the end");
    let last = outputs.last().unwrap().mask_logits.clone().into_data();
    last.assert_approx_eq::<f32>(&model.forward(images).mask_logits.into_data(), Tolerance::absolute(1e-5));
}
