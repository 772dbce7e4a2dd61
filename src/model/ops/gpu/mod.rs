//! Operations on GPUs, each as one kernel where Burn's take up to ten: in the models that browsers run, the
//! time to start kernels counts.

mod gelu;
mod layer_norm;
mod reduce;
mod softmax;

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl::calculate_cube_count_elemwise;
use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::prelude::{CubeCount, CubeDim};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

pub(super) use gelu::gelu;
pub(super) use layer_norm::layer_norm;
pub(super) use softmax::softmax;

/// The number of units that compute a row, or as many numbers, together.
const UNITS: usize = 64;

/// Returns whether all tensors are `f32`, the kernels' type.
pub(super) fn takes<const N: usize>(tensors: [&CubeTensor; N]) -> bool {
    tensors.iter().all(|tensor| tensor.dtype == DType::F32)
}

/// Returns room for a tensor of the shape and the device of `tensor`.
fn room_like(tensor: &CubeTensor) -> CubeTensor {
    let shape = Shape::from(tensor.meta.shape().to_vec());
    empty_device_contiguous_dtype(tensor.client.clone(), tensor.device.clone(), shape, tensor.dtype)
}

/// Returns how many groups of [`UNITS`] to start, and their shape, so that there are at least `groups`.
fn groups(client: &Client, groups: usize) -> (CubeCount, CubeDim) {
    let shape = CubeDim::new_1d(UNITS as u32);
    (calculate_cube_count_elemwise(client, groups * UNITS, shape), shape)
}

#[cfg(test)]
mod tests;
