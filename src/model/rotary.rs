//! Rotary position embeddings of patches (<https://arxiv.org/abs/2104.09864>), along rows and columns as in
//! DINOv3.

use std::f64::consts::TAU;

use burn::tensor::{Device, Tensor, TensorData};

/// Cosines and sines `[L, head width]` of the angles by which queries and keys of patches are rotated.
#[derive(Debug, Clone)]
pub struct Rotation {
    cosines: Tensor<2>,
    sines: Tensor<2>,
}

impl Rotation {
    /// Computes the angles for a grid of `[rows, columns]` patches, whose centres lie between −1 and 1;
    /// `base` is that of the periods, and the width of a head must be a multiple of 4.
    #[must_use]
    pub fn new(base: f64, head_width: usize, [rows, columns]: [usize; 2], device: &Device) -> Self {
        let quarter = head_width / 4;
        let place = |index: usize, count: usize| 2.0 * (index as f64 + 0.5) / count as f64 - 1.0;
        let mut angles = Vec::with_capacity(rows * columns * head_width);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let along =
                |place: f64| (0..quarter).map(move |k| TAU * place * base.powf(-(k as f64) / quarter as f64));
            let half: Vec<f64> = along(place(row, rows)).chain(along(place(column, columns))).collect();
            angles.extend(half.iter().chain(&half).copied());
        }
        let table = |function: fn(f64) -> f64| {
            let values: Vec<f32> = angles.iter().map(|angle| function(*angle) as f32).collect();
            Tensor::from_data(TensorData::new(values, [rows * columns, head_width]), device)
        };
        Self { cosines: table(f64::cos), sines: table(f64::sin) }
    }

    /// Rotates the queries and keys of patches; `parts` holds queries, keys and values side by side.
    ///
    /// # Shapes
    /// - `qkv`, returns: `[B, T, 3·D]`; patches are the last L tokens
    pub(super) fn turned(&self, qkv: Tensor<3>, heads: usize) -> Tensor<3> {
        let ([batch, tokens, width], [patches, d]) = (qkv.dims(), self.cosines.dims());
        let front = qkv.clone().narrow(1, 0, tokens - patches);
        let parts = qkv.narrow(1, tokens - patches, patches).reshape([batch, patches, 3, heads, d]);
        let turning = parts.clone().narrow(2, 0, 2);
        let [first, second] = [0, 1].map(|half| turning.clone().narrow(4, half * d / 2, d / 2));
        let across = Tensor::cat(vec![second.neg(), first], 4);
        let table = |table: &Tensor<2>| table.clone().reshape([1, patches, 1, 1, d]);
        let turned = turning * table(&self.cosines) + across * table(&self.sines);
        let parts = Tensor::cat(vec![turned, parts.narrow(2, 2, 1)], 2).reshape([batch, patches, width]);
        Tensor::cat(vec![front, parts], 1)
    }
}
