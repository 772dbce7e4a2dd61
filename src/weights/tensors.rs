//! Conversion between safetensors bytes and tensors on the host.

use std::collections::{BTreeMap, HashMap};

use bytemuck::{NoUninit, cast_slice, pod_collect_to_vec};
use half::slice::{HalfBitsSliceExt as _, HalfFloatSliceExt as _};
use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::quantized::{is_quantizable, quantize, scale_name};
use super::{HostTensor, StoredTensor, WeightsError};

const _: () = assert!(cfg!(target_endian = "little"), "files hold little-endian numbers, and so must memory");

/// How values are stored in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "native", derive(clap::ValueEnum))]
pub enum StoredAs {
    /// Single precision, 4 bytes per parameter.
    F32,
    /// Half precision, 2 bytes per parameter.
    F16,
    /// Large matrices in 8 bits with a scale per row, the rest in half precision; half the size of f16.
    I8,
}

/// A tensor in the bytes that it has in a file.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl StoredAs {
    /// Returns the bytes of a tensor, and of its scales if it has any.
    pub(super) fn pack(self, name: &str, tensor: &HostTensor) -> Vec<Packed> {
        let packed = |name: &str, dtype, shape: &[usize], bytes| Packed {
            name: name.to_owned(),
            dtype,
            shape: shape.to_vec(),
            bytes,
        };
        match self {
            Self::I8 if is_quantizable(name, tensor) => {
                let (numbers, scales) = quantize(tensor);
                let mut of_rows = vec![1; tensor.shape.len()];
                of_rows[0] = tensor.shape[0];
                vec![
                    packed(&scale_name(name), Dtype::F16, &of_rows, bytes_of(scales.reinterpret_cast())),
                    packed(name, Dtype::I8, &tensor.shape, bytes_of(&numbers)),
                ]
            }
            Self::F16 | Self::I8 => {
                let mut narrow = vec![f16::ZERO; tensor.values.len()];
                narrow.convert_from_f32_slice(&tensor.values);
                vec![packed(name, Dtype::F16, &tensor.shape, bytes_of(narrow.reinterpret_cast()))]
            }
            Self::F32 => vec![packed(name, Dtype::F32, &tensor.shape, bytes_of(&tensor.values))],
        }
    }
}

/// Reads all float tensors of one safetensors file, by name. `file` names it in errors.
///
/// # Errors
/// [`WeightsError::Format`] for anything but a complete safetensors file, [`WeightsError::Type`] for tensors
/// that are not floats.
pub fn read_safetensors(file: &str, bytes: &[u8]) -> Result<BTreeMap<String, HostTensor>, WeightsError> {
    let parsed = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Format {
        file: file.to_owned(),
        reason: format!("not a complete safetensors file ({error}); copy or download it again"),
    })?;
    parsed
        .iter()
        .map(|(name, view)| {
            let values = widen(&view).ok_or_else(|| WeightsError::Type {
                name: name.to_owned(),
                dtype: format!("{:?}", view.dtype()),
            })?;
            Ok((name.to_owned(), HostTensor { shape: view.shape().to_vec(), values }))
        })
        .collect()
}

/// Maximum number of values for which memory is reserved in advance: a server need not state a file's length.
const MOST_RESERVED: usize = 16 << 20;

/// Widens the bytes of one tensor as they arrive.
pub(super) struct Widening<'t> {
    tensor: &'t StoredTensor,
    /// The first bytes of a value that the end of a window split.
    rest: Vec<u8>,
    values: Vec<f32>,
}

impl<'t> Widening<'t> {
    /// Creates one for a tensor of floats.
    pub(super) fn new(tensor: &'t StoredTensor) -> Self {
        let count = (tensor.end - tensor.start) as usize * 8 / tensor.dtype.bitsize();
        Self { tensor, rest: Vec::new(), values: Vec::with_capacity(count.min(MOST_RESERVED)) }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        let width = self.tensor.dtype.bitsize() / 8;
        if !self.rest.is_empty() {
            let (head, tail) = bytes.split_at(bytes.len().min(width - self.rest.len()));
            self.rest.extend_from_slice(head);
            bytes = tail;
            if self.rest.len() < width {
                return;
            }
            widen_onto(&mut self.values, self.tensor.dtype, &self.rest);
        }
        let (whole, rest) = bytes.split_at(bytes.len() / width * width);
        widen_onto(&mut self.values, self.tensor.dtype, whole);
        self.rest = rest.to_vec();
    }

    pub(super) fn finish(self) -> HostTensor {
        let shape = self.tensor.shape.clone();
        let values = match &self.tensor.strides {
            None => self.values,
            Some(strides) => in_rows(&self.values, &shape, strides),
        };
        HostTensor { shape, values }
    }
}

/// Returns values that lie `strides` apart along each axis in row-major order.
fn in_rows(values: &[f32], shape: &[usize], strides: &[usize]) -> Vec<f32> {
    let mut places = vec![0];
    for (&length, &stride) in shape.iter().zip(strides) {
        places = places.iter().flat_map(|place| (0..length).map(move |step| place + step * stride)).collect();
    }
    places.into_iter().map(|place| values[place]).collect()
}

fn widen_onto(values: &mut Vec<f32>, dtype: Dtype, bytes: &[u8]) {
    let halves = || pod_collect_to_vec::<u8, u16>(bytes);
    match dtype {
        Dtype::F16 => values.extend(halves().reinterpret_cast::<f16>().to_f32_vec()),
        Dtype::BF16 => values.extend(halves().reinterpret_cast::<bf16>().to_f32_vec()),
        Dtype::I8 => values.extend(bytes.iter().map(|&byte| f32::from(byte.cast_signed()))),
        _ => values.extend(pod_collect_to_vec::<u8, f32>(bytes)),
    }
}

fn widen(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let mut values = Vec::new();
    matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16).then(|| {
        widen_onto(&mut values, view.dtype(), view.data());
        values
    })
}

/// Writes tensors to one safetensors file that Python's `safetensors` reads.
///
/// # Errors
/// [`WeightsError::Format`] if the format cannot hold them.
pub fn write_safetensors(
    tensors: &[(String, HostTensor)],
    stored_as: StoredAs,
    file: &str,
) -> Result<Vec<u8>, WeightsError> {
    let packed: Vec<_> = tensors.iter().flat_map(|(name, tensor)| stored_as.pack(name, tensor)).collect();
    write_packed(&packed, file)
}

/// Writes packed tensors to one safetensors file as they are.
///
/// # Errors
/// The errors of [`write_safetensors`].
pub(super) fn write_packed(tensors: &[Packed], file: &str) -> Result<Vec<u8>, WeightsError> {
    let refused = |error: safetensors::SafeTensorError| WeightsError::Format {
        file: file.to_owned(),
        reason: error.to_string(),
    };
    let mut views = Vec::with_capacity(tensors.len());
    for Packed { name, dtype, shape, bytes } in tensors {
        views.push((name, TensorView::new(*dtype, shape.clone(), bytes).map_err(refused)?));
    }
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata)).map_err(refused)
}

fn bytes_of<T: NoUninit>(values: &[T]) -> Vec<u8> {
    cast_slice(values).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_keeps_names_shapes_and_numbers() {
        let tensor = HostTensor { shape: vec![2, 2], values: vec![1.0, -0.5, 0.25, 3.0] };
        for stored_as in [StoredAs::F32, StoredAs::F16] {
            let bytes = write_safetensors(&[("a.b".to_owned(), tensor.clone())], stored_as, "m").unwrap();
            assert_eq!(read_safetensors("m", &bytes).unwrap()["a.b"], tensor);
        }
    }

    #[test]
    fn numbers_in_any_order_are_put_row_by_row() {
        let values: Vec<f32> = (0..6).map(|n| n as f32).collect();
        assert_eq!(in_rows(&values, &[2, 3], &[1, 2]), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
        assert_eq!(in_rows(&values, &[3, 1, 2], &[2, 9, 1]), values);
        assert_eq!(in_rows(&values, &[2], &[5]), [0.0, 5.0]);
        assert_eq!(in_rows(&values, &[], &[]), [0.0]);
        assert!(in_rows(&values, &[4, 0], &[1, 1]).is_empty());
    }

    #[test]
    fn a_cut_file_is_refused_by_name() {
        let tensor = HostTensor { shape: vec![4], values: vec![0.0; 4] };
        let bytes = write_safetensors(&[("a".to_owned(), tensor)], StoredAs::F32, "m").unwrap();
        for cut in [0, 4, bytes.len() / 2, bytes.len() - 1] {
            let error = read_safetensors("shard-1", &bytes[..cut]).unwrap_err();
            assert!(error.to_string().contains("shard-1"), "{error}");
        }
    }
}
