//! CPU kernels of mae-seg, from slices to slices, where Burn's own loops are slow.
//!
//! | kernel | why |
//! |---|---|
//! | [`AdamwStep`] | Burn goes through memory a dozen times, with one thread |
//! | [`attention()`], [`attention_backward`] | Burn copies heads, and calls libm for every exponential |
//! | [`attention_output`] | the first of the above without what only training needs |
//! | [`attention_rounded()`] | for browsers: the above, and products of `f32` take twice as long |
//! | [`depthwise_conv()`], [`depthwise_conv_backward`] | Burn goes back with one convolution per channel |
//! | [`gelu()`], [`gelu_backward`] | Burn calls libm for every number |
//! | [`layer_norm_backward`] | Burn takes a dozen steps that all go through memory |
//! | [`linear()`], [`linear_input_backward`] | Burn clears the memory of each product and copies it once |
//! | [`linear_bias_backward`] | Burn adds up with one thread |
//! | [`mse()`], [`mse_backward`] | Burn goes through memory six times, with one thread |
//! | [`quantized_matmul`] | for browsers, whose vectors have twice as many 16-bit numbers as `f32` |
//! | [`soft_intersection_and_union`] | for browsers, where exponentials are slow |
//!
//! The feature `threads` spreads work over all threads, and adds `attention` and `linear`.

mod adamw;
#[cfg(feature = "threads")]
mod attention;
mod attention_rounded;
mod depthwise_conv;
mod exp;
mod gelu;
mod layer_norm;
#[cfg(feature = "threads")]
mod linear;
#[cfg(feature = "threads")]
mod matrix;
mod micro_kernel;
mod mse;
#[cfg_attr(not(feature = "threads"), path = "serial.rs")]
mod parallel;
mod quantized;
mod soft_iou;
mod softmax;

pub use adamw::AdamwStep;
#[cfg(feature = "threads")]
pub use attention::{AttentionShape, attention, attention_backward, attention_output};
pub use attention_rounded::attention_rounded;
pub use depthwise_conv::{depthwise_conv, depthwise_conv_backward};
pub use gelu::{gelu, gelu_backward};
pub use layer_norm::{LANES, layer_norm_backward};
#[cfg(feature = "threads")]
pub use linear::{linear, linear_bias_backward, linear_input_backward};
pub use mse::{mse, mse_backward};
pub use quantized::{Panels, Rows, quantized_matmul};
pub use soft_iou::soft_intersection_and_union;
pub use softmax::{softmax, softmax_backward};

/// Numbers that a thread takes at once where rows do not matter.
const PART: usize = 1 << 14;
/// Rows that a thread takes at once where gradients are summed over rows; a constant, so that sums do not
/// depend on the number of threads.
const ROWS: usize = 256;

/// Adds vectors of `length` in their order, so that the sum does not depend on the number of threads.
fn sum(vectors: Vec<Vec<f32>>, length: usize) -> Vec<f32> {
    vectors.into_iter().fold(vec![0.0; length], |mut sums, vector| {
        sums.iter_mut().zip(vector).for_each(|(sum, number)| *sum += number);
        sums
    })
}

#[cfg(all(test, feature = "threads", target_arch = "x86_64"))]
mod tests {
    use pulp::Arch;

    #[test]
    fn processors_with_avx2_compute_with_whole_vectors() {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            assert!(!matches!(Arch::new(), Arch::Scalar), "pulp was built without AVX2");
        }
    }
}
