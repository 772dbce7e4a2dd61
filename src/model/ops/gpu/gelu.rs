//! GELU.

use std::f32::consts::FRAC_1_SQRT_2;

use burn_cubecl::cubecl::{self, prelude::*};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

use super::{UNITS, groups, room_like};

/// Computes [`gelu`](crate::model::ops::gelu()) of `f32`.
pub(in crate::model::ops) fn gelu(x: CubeTensor) -> CubeTensor {
    let x = into_contiguous(x);
    let (client, output) = (x.client.clone(), room_like(&x));
    let (count, shape) = groups(&client, x.meta.num_elements().div_ceil(UNITS));
    each::launch(&client, count, shape, x.into_buffer_arg(), output.clone().into_buffer_arg());
    output
}

/// Computes one number per unit.
#[cube(launch)]
fn each(x: &[f32], output: &mut [f32]) {
    if ABSOLUTE_POS < output.len() {
        let number = x[ABSOLUTE_POS];
        output[ABSOLUTE_POS] = number * 0.5 * (1.0 + Erf::erf(number * FRAC_1_SQRT_2));
    }
}
