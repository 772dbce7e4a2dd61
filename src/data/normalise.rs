//! Tables that normalise bytes as [`crate::pixels::prepare`] does.

use std::array;

use crate::pixels::Preprocess;

/// The normalised value of every byte, for each channel.
pub(super) type Table = [[f32; 256]; 3];

/// Builds the table of `preprocess`, indexed by channel and byte.
pub(super) fn table(preprocess: &Preprocess) -> Table {
    array::from_fn(|channel| array::from_fn(|byte| preprocess.normalised(channel, byte as u8)))
}

/// Converts RGB bytes in rows to planes `[3, H, W]`, normalised with ImageNet's statistics.
pub(super) fn fill_planes(rgb: &[u8], planes: &mut [f32]) {
    let table = table(&Preprocess::square(1));
    for (channel, plane) in planes.chunks_exact_mut(rgb.len() / 3).enumerate() {
        for (value, pixel) in plane.iter_mut().zip(rgb.chunks_exact(3)) {
            *value = table[channel][usize::from(pixel[channel])];
        }
    }
}
