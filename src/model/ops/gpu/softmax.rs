//! Softmax.

use burn_cubecl::cubecl::{self, prelude::*};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

use super::{UNITS, groups, reduce, room_like};

/// Computes the softmax of `scale · scores`, which are `f32`, over the last axis; `scale` is positive.
///
/// # Shapes
/// - `scores`, returns: `[…, N]`
pub(in crate::model::ops) fn softmax(scores: CubeTensor, scale: f32) -> CubeTensor {
    let scores = into_contiguous(scores);
    let shape = scores.meta.shape();
    let length = shape[shape.num_dims() - 1];
    let rows = scores.meta.num_elements() / length;
    let output = room_like(&scores);
    let client = scores.client.clone();
    let (count, shape) = groups(&client, rows);
    weigh::launch(
        &client,
        count,
        shape,
        scores.into_buffer_arg(),
        output.clone().into_buffer_arg(),
        scale,
        rows,
        length,
    );
    output
}

/// Computes one row per cube.
#[cube(launch)]
fn weigh(scores: &[f32], output: &mut [f32], scale: f32, rows: usize, #[comptime] length: usize) {
    let unit = UNIT_POS as usize;
    let start = min(CUBE_POS, rows - 1) * length;
    let mut part = scores[start + min(unit, length - 1)];
    for column in range_stepped(unit, length, UNITS) {
        part = max(part, scores[start + column]);
    }
    let largest = reduce::largest(part);
    let mut part = 0.0f32;
    for column in range_stepped(unit, length, UNITS) {
        part += ((scores[start + column] - largest) * scale).exp();
    }
    let sum = reduce::sum(part);
    if CUBE_POS < rows {
        for column in range_stepped(unit, length, UNITS) {
            output[start + column] = ((scores[start + column] - largest) * scale).exp() / sum;
        }
    }
}
