//! The kernels against the operations of the CPU; Mesa's lavapipe is GPU enough.

use burn::tensor::{Device, Distribution, Tensor, TensorData, Tolerance};
use burn_wgpu::WgpuDevice;

use crate::model::ops::{attention, gelu, layer_norm};

/// Asserts that `compute` gives alike numbers on a GPU and on the CPU, for normal inputs of `shape`.
fn assert_alike(shape: [usize; 3], compute: impl Fn(Tensor<3>) -> Tensor<3>) {
    let normal = Distribution::Normal(0.3, 2.0);
    let input = Tensor::<3>::random(shape, normal, &Device::flex()).into_data();
    let [got, expected] = [Device::from(WgpuDevice::default()), Device::flex()].map(|device| {
        let output = compute(Tensor::from_data(input.clone(), &device));
        output.into_data()
    });
    got.assert_approx_eq::<f32>(&expected, Tolerance::absolute(2e-5));
}

/// Returns `0.5, 0.6, …` on the device of `like`.
fn rising(length: usize, like: &Tensor<3>) -> Tensor<1> {
    let numbers: Vec<f32> = (0..length).map(|at| 0.5 + 0.1 * at as f32).collect();
    Tensor::from_data(TensorData::new(numbers, [length]), &like.device())
}

#[test]
#[ignore = "needs a GPU"]
fn layer_norm_is_that_of_the_cpu() {
    // Fewer columns than a cube has units, more, and more rows than one dimension of a grid may have.
    for shape in [[2, 3, 5], [1, 401, 192], [3, 7, 100], [1, 70_000, 8]] {
        assert_alike(shape, |x| {
            let gamma = rising(shape[2], &x);
            layer_norm(x, gamma.clone(), gamma.neg(), 1e-6)
        });
    }
}

#[test]
#[ignore = "needs a GPU"]
fn layer_norm_reads_tensors_with_gaps() {
    assert_alike([4, 6, 10], |x| {
        let gamma = rising(6, &x);
        layer_norm(x.swap_dims(1, 2), gamma.clone(), gamma, 1e-5)
    });
}

#[test]
#[ignore = "needs a GPU"]
fn gelu_is_that_of_the_cpu() {
    for shape in [[1, 1, 1], [2, 33, 65], [1, 401, 768]] {
        assert_alike(shape, gelu);
    }
}

#[test]
#[ignore = "needs a GPU"]
fn attention_is_that_of_the_cpu() {
    for (shape, heads) in [([1, 1, 24], 2), ([2, 65, 36], 3), ([1, 401, 576], 3)] {
        assert_alike(shape, |qkv| attention(qkv, heads));
    }
}
