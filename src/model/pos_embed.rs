//! Position embeddings of patches: MAE's fixed 2-D sin-cos table, and resampling of a table to another grid.

use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Tensor, TensorData};

use super::resample::antialiased;

/// Returns MAE's 2-D sin-cos table, computed in f64.
///
/// With `q = D/4` and `w_k = 10000^(−k/q)`, patch (row, column) gets `[sin(c·w), cos(c·w), sin(r·w),
/// cos(r·w)]`: the first half encodes the *column*, as published checkpoints do.
///
/// # Shapes
/// - returns `[1, grid², embed_dim]`; `embed_dim` is a multiple of 4
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "small counts; stored as f32"
)]
pub fn sin_cos_2d(embed_dim: usize, grid: usize) -> TensorData {
    let quarter = embed_dim / 4;
    let mut table = Vec::with_capacity(grid * grid * embed_dim);
    for row in 0..grid {
        for column in 0..grid {
            for position in [column, row] {
                let angle = |k: usize| position as f64 * 10000f64.powf(-(k as f64) / quarter as f64);
                table.extend((0..quarter).map(|k| angle(k).sin() as f32));
                table.extend((0..quarter).map(|k| angle(k).cos() as f32));
            }
        }
    }
    TensorData::new(table, [1, grid * grid, embed_dim])
}

/// Resamples position embeddings to another grid, bicubically: with `antialias` (a = −½) as timm does,
/// without (a = −¾) as MAE's authors do, and Hugging Face for most models.
///
/// # Shapes
/// - `table`: `[1, g², D]`
/// - returns `[1, rows·columns, D]`
#[must_use]
pub fn resample_grid(table: Tensor<3>, [rows, columns]: [usize; 2], antialias: bool) -> Tensor<3> {
    let [_, count, width] = table.dims();
    let grid = count.isqrt();
    if (rows, columns) == (grid, grid) {
        return table;
    }
    if antialias {
        let images = table.reshape([grid, grid, width]).permute([2, 0, 1]);
        let images = antialiased(images, [rows, columns]);
        return images.permute([1, 2, 0]).reshape([1, rows * columns, width]);
    }
    let options = InterpolateOptions::new(InterpolateMode::Bicubic)
        .with_align_corners(false)
        .with_output_size([rows, columns]);
    let image = table.reshape([1, grid, grid, width]).permute([0, 3, 1, 2]);
    interpolate(image, options).permute([0, 2, 3, 1]).reshape([1, rows * columns, width])
}
