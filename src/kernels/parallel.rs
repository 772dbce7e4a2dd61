//! Loops over parts of slices on all threads; `serial.rs` has them for one thread.

use rayon::prelude::*;

use super::PART;

/// Returns zeros that all threads have written: one thread alone takes a good part of the time of the kernel
/// that overwrites them.
pub(super) fn zeros(count: usize) -> Vec<f32> {
    rayon::iter::repeat_n(0.0, count).with_min_len(PART).collect()
}

/// Calls `work` with index and numbers of every part of `length`, and returns its results in order.
pub(super) fn map_parts<T: Send>(
    numbers: &[f32],
    length: usize,
    work: impl Fn(usize, &[f32]) -> T + Sync + Send,
) -> Vec<T> {
    numbers.par_chunks(length).enumerate().map(|(index, part)| work(index, part)).collect()
}

/// Does as [`map_parts`], with parts that `work` may change.
pub(super) fn map_parts_mut<T: Send>(
    numbers: &mut [f32],
    length: usize,
    work: impl Fn(usize, &mut [f32]) -> T + Sync + Send,
) -> Vec<T> {
    numbers.par_chunks_mut(length).enumerate().map(|(index, part)| work(index, part)).collect()
}
