//! The functions of `parallel.rs` on one thread, for browsers.

pub(super) fn zeros(count: usize) -> Vec<f32> {
    vec![0.0; count]
}

pub(super) fn map_parts<T>(numbers: &[f32], length: usize, work: impl Fn(usize, &[f32]) -> T) -> Vec<T> {
    numbers.chunks(length).enumerate().map(|(index, part)| work(index, part)).collect()
}

pub(super) fn map_parts_mut<T>(
    numbers: &mut [f32],
    length: usize,
    work: impl Fn(usize, &mut [f32]) -> T,
) -> Vec<T> {
    numbers.chunks_mut(length).enumerate().map(|(index, part)| work(index, part)).collect()
}
