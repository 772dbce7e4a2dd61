//! Assigns queries to objects: the one-to-one assignment of minimum cost in each image.

use burn::prelude::*;
use burn::tensor::activation::{log_sigmoid, sigmoid, softmax};

use super::point_sampling::{MapSize, PointDraws, sample_mask, sample_shared};
use super::{LossError, SetLossConfig, Target};

/// Bound to which costs are clamped, so that one broken prediction does not affect the others; NaN becomes 0.
const COST_LIMIT: f64 = 1e10;

/// Matches every image's queries to its targets, without gradient.
///
/// `class_logits` is `[B, Q, K+1]`, `mask_logits` `[B, Q, h, w]`. Returns `(query, target)` pairs for each
/// image, in query order.
pub(crate) fn match_queries(
    class_logits: Tensor<3>,
    mask_logits: Tensor<4>,
    targets: &[Target],
    config: &SetLossConfig,
    draws: &mut impl PointDraws,
) -> Result<Vec<Vec<(usize, usize)>>, LossError> {
    let [images, queries, height, width] = mask_logits.dims();
    let points: Vec<f32> = (0..images).flat_map(|image| draws.uniform(&[image], config.num_points)).collect();
    let most = targets.iter().map(|target| target.masks.len()).max().unwrap_or(0);
    if most == 0 {
        return Ok(vec![Vec::new(); images]);
    }
    let device = mask_logits.device().without_autodiff();
    let logits = mask_logits.without_autodiff().reshape([images, queries, height * width]);
    let logits = sample_shared(logits, MapSize { width, height }, &points);
    let truth = sampled_truth(targets, most, &points, &device);
    let (mask, dice) = mask_costs(logits, truth);
    let class = class_cost(class_logits.without_autodiff(), targets, most);
    let cost = mask
        .mul_scalar(config.mask_coefficient)
        .add(dice.mul_scalar(config.dice_coefficient))
        .add(class.mul_scalar(config.class_coefficient));
    let cost = cost.try_into_vec_as::<f32>()?;
    let of_image = cost.chunks_exact(most * queries);
    of_image.zip(targets).map(|(cost, target)| assign_targets(cost, target.masks.len(), queries)).collect()
}

/// Returns the targets' masks at their image's points, `[B, most, P]`; rows beyond an image's own targets are
/// zero.
fn sampled_truth(targets: &[Target], most: usize, points: &[f32], device: &Device) -> Tensor<3> {
    let per_image = points.len() / 2 / targets.len();
    let mut truth = Vec::with_capacity(targets.len() * most * per_image);
    for (image, (target, points)) in targets.iter().zip(points.chunks_exact(2 * per_image)).enumerate() {
        truth.extend(target.masks.iter().flat_map(|mask| sample_mask(mask, points)));
        truth.resize((image + 1) * most * per_image, 0.0);
    }
    Tensor::from_data(TensorData::new(truth, [targets.len(), most, per_image]), device)
}

/// Returns the mean binary cross-entropy and the dice loss between every query and every target, each `[B, T,
/// Q]`.
///
/// `logits` is `[B, P, Q]`, `truth` `[B, T, P]`. Because `t·softplus(-z) + (1-t)·softplus(z) = softplus(z) -
/// t·z`, each cost needs only one matrix product.
fn mask_costs(logits: Tensor<3>, truth: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
    let [_, points, _] = logits.dims();
    let softplus = log_sigmoid(logits.clone().neg()).neg().sum_dim(1);
    let mask = softplus.sub(truth.clone().matmul(logits.clone())).div_scalar(points as f32);
    let filled = sigmoid(logits);
    let area = filled.clone().sum_dim(1).add(truth.clone().sum_dim(2)).add_scalar(1.0);
    let overlap = truth.matmul(filled).mul_scalar(2.0).add_scalar(1.0);
    let dice = overlap.div(area).neg().add_scalar(1.0);
    (mask, dice)
}

/// Returns minus the probability of each target's class, `[B, most, Q]`, or of any class if the target's is
/// unknown.
fn class_cost(class_logits: Tensor<3>, targets: &[Target], most: usize) -> Tensor<3> {
    let [images, _, columns] = class_logits.dims();
    let device = class_logits.device();
    let mut wanted = vec![0_f32; images * most * columns];
    for (image, target) in targets.iter().enumerate() {
        for (row, label) in target.labels.iter().enumerate() {
            let start = (image * most + row) * columns;
            let classes = label.map_or(0..columns - 1, |class| class..class + 1);
            wanted[start..start + columns][classes].fill(1.0);
        }
    }
    let wanted = Tensor::<3>::from_data(TensorData::new(wanted, [images, most, columns]), &device);
    wanted.matmul(softmax(class_logits, 2).swap_dims(1, 2)).neg()
}

/// Returns the assignment as `(query, target)` pairs in query order; `cost` starts with `targets` rows of
/// `queries`.
fn assign_targets(cost: &[f32], targets: usize, queries: usize) -> Result<Vec<(usize, usize)>, LossError> {
    let cost: Vec<f64> = cost[..targets * queries].iter().map(|&c| clamped(c)).collect();
    let mut pairs: Vec<_> = assign(&cost, targets, queries)?.into_iter().map(|(t, q)| (q, t)).collect();
    pairs.sort_unstable();
    Ok(pairs)
}

fn clamped(cost: f32) -> f64 {
    if cost.is_nan() { 0.0 } else { f64::from(cost).clamp(-COST_LIMIT, COST_LIMIT) }
}

/// Returns the one-to-one assignment of minimum cost for a `rows`×`columns` cost matrix in row-major order:
/// `min(rows, columns)` pairs `(row, column)` in row order.
///
/// # Errors
/// [`LossError::Unassignable`] if a cost is not finite.
pub fn assign(cost: &[f64], rows: usize, columns: usize) -> Result<Vec<(usize, usize)>, LossError> {
    let solved = lsap::solve(rows, columns, &cost.to_vec(), false);
    let (rows, columns) = solved.map_err(|reason| LossError::Unassignable(reason.to_string()))?;
    Ok(rows.into_iter().zip(columns).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Recorded {
        shape: [usize; 2],
        cost: Vec<f64>,
        note: Option<String>,
        rows: Vec<usize>,
        cols: Vec<usize>,
        total: f64,
    }

    #[test]
    fn recorded_assignments_are_reproduced() {
        let file = include_str!("../../../tests/fixtures/hungarian.json");
        let cases: Vec<Recorded> = serde_json::from_str(file).unwrap();
        assert!(cases.len() >= 5);
        for case in cases {
            let [rows, columns] = case.shape;
            let pairs = assign(&case.cost, rows, columns).unwrap();
            let total: f64 = pairs.iter().map(|&(r, c)| case.cost[r * columns + c]).sum();
            assert!((total - case.total).abs() < 1e-5, "{:?}: {total} instead of {}", case.shape, case.total);
            if case.note.is_none() {
                let expected: Vec<_> = case.rows.into_iter().zip(case.cols).collect();
                assert_eq!(pairs, expected, "{:?}", case.shape);
            }
        }
    }

    #[test]
    fn no_other_assignment_is_cheaper() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1 << 24)
        };
        for (rows, columns) in [(1, 4), (3, 3), (4, 6), (5, 2)] {
            let cost: Vec<f64> = (0..rows * columns).map(|_| random()).collect();
            let found: f64 =
                assign(&cost, rows, columns).unwrap().iter().map(|&(r, c)| cost[r * columns + c]).sum();
            assert!((found - cheapest(&cost, rows, columns)).abs() < 1e-12, "{rows}×{columns}");
        }
    }

    /// Returns the minimum cost by trying every assignment.
    fn cheapest(cost: &[f64], rows: usize, columns: usize) -> f64 {
        fn search(cost: &[f64], rows: usize, columns: usize, row: usize, used: u32, left: usize) -> f64 {
            if left == 0 {
                return 0.0;
            }
            let skip = if rows - row > left {
                search(cost, rows, columns, row + 1, used, left)
            } else {
                f64::INFINITY
            };
            (0..columns)
                .filter(|c| used & (1 << c) == 0)
                .map(|c| {
                    cost[row * columns + c] + search(cost, rows, columns, row + 1, used | 1 << c, left - 1)
                })
                .fold(skip, f64::min)
        }
        search(cost, rows, columns, 0, 0, rows.min(columns))
    }

    #[test]
    fn costs_that_are_not_numbers_are_clamped() {
        let cost = [f32::NAN, 2.0, f32::INFINITY, 1.0, f32::NEG_INFINITY, 3.0];
        let pairs = assign_targets(&cost, 2, 3).unwrap();
        assert_eq!(pairs, [(0, 0), (1, 1)], "NaN costs 0, minus infinity is the best there is");
    }
}
