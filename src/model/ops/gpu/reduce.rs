//! What the units of a cube find out together.

use burn_cubecl::cubecl::{self, prelude::*};

use super::UNITS;

/// Returns the sum of the numbers that all units of a cube give.
#[cube]
pub(super) fn sum(number: f32) -> f32 {
    reduce(number, false)
}

/// Returns the largest of the numbers that all units of a cube give.
#[cube]
pub(super) fn largest(number: f32) -> f32 {
    reduce(number, true)
}

#[cube]
fn reduce(number: f32, #[comptime] largest: bool) -> f32 {
    let unit = UNIT_POS as usize;
    let mut parts = Shared::<[f32]>::new_slice(UNITS);
    parts[unit] = number;
    sync_cube();
    #[unroll]
    for level in 0..UNITS.ilog2() {
        let half = comptime!(UNITS >> (level + 1));
        if unit < half {
            let other = parts[unit + half];
            if comptime!(largest) {
                parts[unit] = max(parts[unit], other);
            } else {
                parts[unit] += other;
            }
        }
        sync_cube();
    }
    let result = parts[0];
    // The next reduction may get the same memory: all units have read theirs before.
    sync_cube();
    result
}
