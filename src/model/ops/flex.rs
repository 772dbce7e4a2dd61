//! Tensors of burn-flex as slices, which the kernels take and give.

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps as _;
use burn::tensor::{DType, Shape, TensorData};

type Float = burn::backend::tensor::FloatTensor<Flex>;

/// Returns the tensors without gaps if all are `f32`, the kernels' type, and else as they are.
pub(super) fn contiguous<const N: usize>(tensors: [Float; N]) -> Result<[Float; N], [Float; N]> {
    if tensors.iter().all(|tensor| tensor.dtype() == DType::F32) {
        Ok(tensors.map(|tensor| tensor.to_contiguous()))
    } else {
        Err(tensors)
    }
}

/// Returns the numbers of a [`contiguous`] tensor.
pub(super) fn numbers(tensor: &Float) -> &[f32] {
    let (start, end) = tensor.layout().contiguous_offsets().unwrap_or_default();
    &tensor.storage::<f32>()[start..end]
}

pub(super) fn tensor(numbers: Vec<f32>, shape: impl Into<Shape>) -> Float {
    Flex::float_from_data(TensorData::new(numbers, shape), &Default::default())
}

/// Returns `shape` with another length of the last axis.
pub(super) fn with_last(mut shape: Shape, length: usize) -> Shape {
    let last = shape.num_dims() - 1;
    shape[last] = length;
    shape
}
