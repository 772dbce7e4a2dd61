//! What the units of a cube find out together.

use burn_cubecl::cubecl::{self, prelude::*};

use super::UNITS;

/// Returns the sum of the numbers that all units of a cube give.
#[cube]
pub(super) fn sum(number: f32) -> f32 {
    let unit = UNIT_POS as usize;
    let mut parts = Shared::<[f32]>::new_slice(UNITS);
    parts[unit] = number;
    sync_cube();
    #[unroll]
    for level in 0..UNITS.ilog2() {
        let half = comptime!(UNITS >> (level + 1));
        if unit < half {
            parts[unit] += parts[unit + half];
        }
        sync_cube();
    }
    parts[0]
}

/// Returns the largest of the numbers that all units of a cube give.
#[cube]
pub(super) fn largest(number: f32) -> f32 {
    let unit = UNIT_POS as usize;
    let mut parts = Shared::<[f32]>::new_slice(UNITS);
    parts[unit] = number;
    sync_cube();
    #[unroll]
    for level in 0..UNITS.ilog2() {
        let half = comptime!(UNITS >> (level + 1));
        if unit < half {
            parts[unit] = max(parts[unit], parts[unit + half]);
        }
        sync_cube();
    }
    parts[0]
}
