//! Matrices stored as 8-bit integers with one scale per row.
//!
//! Names and config are those of compressed-tensors' `int-quantized` format
//! (<https://github.com/neuralmagic/compressed-tensors>): `x.weight` holds the integers and `x.weight_scale`,
//! `[rows, 1]`, the factor of each row. Quantization is symmetric, so there are no zero points.

use std::collections::BTreeMap;

use half::f16;
use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use super::{HostTensor, StoredTensor, WeightsError};

/// Suffix of the name of a matrix's scales.
const SCALE: &str = "_scale";
/// Minimum number of rows, and of values per row, of a matrix that is stored in 8 bits: smaller ones take
/// next to no space.
const LEAST_SIDE: usize = 64;
/// The largest integer.
const MOST: f32 = 127.0;

/// Returns whether a tensor is multiplied with activations and large enough to be stored in 8 bits; learned
/// queries are not.
pub(super) fn is_quantizable(name: &str, tensor: &HostTensor) -> bool {
    let rows = tensor.shape.first().copied().unwrap_or(0);
    let is_matrix = tensor.shape.len() >= 2 && name.ends_with(".weight") && name != "query.weight";
    is_matrix && rows >= LEAST_SIDE && tensor.values.len() / rows >= LEAST_SIDE
}

/// Returns the name of the scales of a matrix.
pub(super) fn scale_name(matrix: &str) -> String {
    format!("{matrix}{SCALE}")
}

/// Quantizes a matrix; returns its integers, and the scale of each row.
pub(super) fn quantize(matrix: &HostTensor) -> (Vec<i8>, Vec<f16>) {
    let rows = matrix.values.chunks_exact(matrix.values.len() / matrix.shape[0].max(1));
    let (mut numbers, mut scales) = (Vec::with_capacity(matrix.values.len()), Vec::new());
    for row in rows {
        let scale = row_scale(row);
        let inverse = if scale > f16::ZERO { 1.0 / scale.to_f32() } else { 0.0 };
        numbers.extend(row.iter().map(|value| (value * inverse).round().clamp(-MOST, MOST) as i8));
        scales.push(scale);
    }
    (numbers, scales)
}

/// Returns the smallest half-precision number that keeps the largest value of a row within [`MOST`].
fn row_scale(row: &[f32]) -> f16 {
    let largest = row.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = f16::from_f32(largest / MOST);
    if scale.to_f32() * MOST < largest { f16::from_bits(scale.to_bits() + 1) } else { scale }
}

/// Returns the entry in `config.json` for weights stored this way.
pub(super) fn quantization_config() -> Value {
    let weights = json!({
        "num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel", "dynamic": false
    });
    json!({
        "quant_method": "compressed-tensors",
        "format": "int-quantized",
        "quantization_status": "compressed",
        "config_groups": {"group_0": {
            "targets": ["Linear", "Conv2d", "ConvTranspose2d"],
            "weights": weights, "input_activations": null, "output_activations": null
        }},
        "ignore": []
    })
}

/// Multiplies integer matrices by their scales, in whatever order the two arrive.
#[derive(Debug)]
pub(super) struct Scaling {
    /// The half that arrived first, by the name of the matrix.
    waiting: BTreeMap<String, HostTensor>,
    matrices: Vec<String>,
}

impl Scaling {
    /// Notes which of a checkpoint's tensors belong together.
    ///
    /// # Errors
    /// [`WeightsError::Type`] for integers without scales, [`WeightsError::Format`] unless there is one scale
    /// per row.
    pub(super) fn of(tensors: &[&StoredTensor]) -> Result<Self, WeightsError> {
        let mut matrices = Vec::new();
        for tensor in tensors.iter().filter(|tensor| tensor.dtype == Dtype::I8) {
            let name = scale_name(&tensor.name);
            let scale = tensors.iter().find(|other| other.name == name);
            let Some(scale) = scale.filter(|scale| scale.dtype != Dtype::I8) else {
                return Err(WeightsError::Type {
                    name: tensor.name.clone(),
                    dtype: "I8 without scales".to_owned(),
                });
            };
            let rows = tensor.shape.first().copied().unwrap_or(0);
            if scale.shape.iter().product::<usize>() != rows || scale.shape.first() != Some(&rows) {
                let reason = format!(
                    "its shape is {:?} for a matrix of {rows} rows: one scale per row is expected",
                    scale.shape
                );
                return Err(WeightsError::Format { file: name, reason });
            }
            matrices.push(tensor.name.clone());
        }
        matrices.sort();
        Ok(Self { waiting: BTreeMap::new(), matrices })
    }

    /// Returns the matrix to which a scale belongs, or the name itself.
    pub(super) fn owner<'n>(&self, name: &'n str) -> &'n str {
        let matrix = name.strip_suffix(SCALE).filter(|matrix| self.is_matrix(matrix));
        matrix.unwrap_or(name)
    }

    /// Takes one tensor; returns a tensor under its name once nothing is missing.
    pub(super) fn take(&mut self, name: &str, tensor: HostTensor) -> Option<(String, HostTensor)> {
        let owner = self.owner(name);
        if !self.is_matrix(owner) {
            return Some((name.to_owned(), tensor));
        }
        let Some(other) = self.waiting.remove(owner) else {
            self.waiting.insert(owner.to_owned(), tensor);
            return None;
        };
        let (mut matrix, scales) = if owner == name { (tensor, other) } else { (other, tensor) };
        let each = matrix.values.len() / scales.values.len().max(1);
        for (row, scale) in matrix.values.chunks_exact_mut(each.max(1)).zip(&scales.values) {
            row.iter_mut().for_each(|value| *value *= scale);
        }
        Some((owner.to_owned(), matrix))
    }

    fn is_matrix(&self, name: &str) -> bool {
        self.matrices.binary_search_by(|matrix| matrix.as_str().cmp(name)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_off_by_half_a_step_at_most() {
        let values: Vec<f32> =
            (0..128 * 64).map(|i| (i as f32 * 0.7).sin() * (1.0 + (i / 64) as f32) * 1e-3).collect();
        let matrix = HostTensor { shape: vec![128, 64], values };
        let (numbers, scales) = quantize(&matrix);
        assert_eq!((numbers.len(), scales.len()), (128 * 64, 128));
        for (at, (number, value)) in numbers.iter().zip(&matrix.values).enumerate() {
            let step = scales[at / 64].to_f32();
            let off = (f32::from(*number) * step - value).abs();
            assert!(off <= 0.5001 * step, "{at}: {off} of {step}");
        }
    }

    #[test]
    fn scales_are_as_small_as_the_largest_value_allows() {
        assert_eq!(row_scale(&[3.0, -127.0]), f16::ONE);
        let next = f16::from_bits(f16::ONE.to_bits() + 1);
        assert_eq!(row_scale(&[127.05]), next, "rounded down, it would be too small");
    }

    #[test]
    fn a_row_of_zeros_stays_one() {
        let (numbers, scales) = quantize(&HostTensor { shape: vec![1, 64], values: vec![0.0; 64] });
        assert!(numbers.iter().all(|&number| number == 0) && scales == [f16::ZERO]);
    }

    #[test]
    fn small_tensors_vectors_and_queries_keep_their_precision() {
        let tensor =
            |shape: &[usize]| HostTensor { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] };
        assert!(is_quantizable("a.weight", &tensor(&[64, 64])));
        assert!(is_quantizable("conv.weight", &tensor(&[64, 16, 2, 2])));
        for (name, shape) in [
            ("a.weight", &[63, 64][..]),
            ("a.weight", &[64, 63]),
            ("a.bias", &[64, 64]),
            ("query.weight", &[64, 64]),
            ("norm.weight", &[4096]),
            ("embeddings.position_embeddings", &[1, 400, 64]),
        ] {
            assert!(!is_quantizable(name, &tensor(shape)), "{name} {shape:?}");
        }
    }
}
