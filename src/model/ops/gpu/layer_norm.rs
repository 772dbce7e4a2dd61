//! Layer norm.

use burn_cubecl::cubecl::{self, prelude::*};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

use super::{UNITS, groups, reduce, room_like};

/// Computes [`layer_norm`](crate::model::ops::layer_norm()) of `f32`.
pub(in crate::model::ops) fn layer_norm(
    x: CubeTensor,
    gamma: CubeTensor,
    beta: CubeTensor,
    epsilon: f64,
) -> CubeTensor {
    let [x, gamma, beta] = [x, gamma, beta].map(into_contiguous);
    let width = gamma.meta.num_elements();
    let rows = x.meta.num_elements() / width;
    let (client, output) = (x.client.clone(), room_like(&x));
    let (count, shape) = groups(&client, rows);
    let [x, gamma, beta] = [x, gamma, beta].map(CubeTensor::into_buffer_arg);
    let written = output.clone().into_buffer_arg();
    normalise::launch(&client, count, shape, x, gamma, beta, written, epsilon as f32, rows, width);
    output
}

/// Normalises one row per cube.
#[cube(launch)]
fn normalise(
    x: &[f32],
    gamma: &[f32],
    beta: &[f32],
    output: &mut [f32],
    epsilon: f32,
    rows: usize,
    #[comptime] width: usize,
) {
    let unit = UNIT_POS as usize;
    let start = min(CUBE_POS, rows - 1) * width;
    let mut part = 0.0f32;
    for column in range_stepped(unit, width, UNITS) {
        part += x[start + column];
    }
    let mean = reduce::sum(part) / width as f32;
    let mut part = 0.0f32;
    for column in range_stepped(unit, width, UNITS) {
        let centred = x[start + column] - mean;
        part += centred * centred;
    }
    let deviation = (reduce::sum(part) / width as f32 + epsilon).sqrt();
    if CUBE_POS < rows {
        for column in range_stepped(unit, width, UNITS) {
            output[start + column] = (x[start + column] - mean) / deviation * gamma[column] + beta[column];
        }
    }
}
