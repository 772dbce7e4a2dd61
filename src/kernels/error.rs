//! How far rows of numbers are from each other, and the derivative of that.

use pulp::Arch;

/// So many sums are added to by turns, so that the processor need not wait for one of them.
const SUMS: usize = 64;

/// The mean squared difference of each row.
///
/// # Shapes
/// - `drawn`, `wanted`: `[T, D]`
/// - `errors`: `[T]`, written
pub fn squared_error(drawn: &[f32], wanted: &[f32], errors: &mut [f32]) {
    let width = drawn.len() / errors.len().max(1);
    Arch::new().dispatch(|| {
        let rows = drawn.chunks_exact(width).zip(wanted.chunks_exact(width));
        for (error, (drawn, wanted)) in errors.iter_mut().zip(rows) {
            let mut sums = [0.0; SUMS];
            let mut parts = drawn.chunks_exact(SUMS).zip(wanted.chunks_exact(SUMS));
            for (drawn, wanted) in &mut parts {
                for at in 0..SUMS {
                    let off = drawn[at] - wanted[at];
                    sums[at] += off * off;
                }
            }
            let rest = width - width % SUMS;
            let rest = drawn[rest..].iter().zip(&wanted[rest..]);
            let rest: f32 = rest.map(|(drawn, wanted)| (drawn - wanted) * (drawn - wanted)).sum();
            *error = (sums.iter().sum::<f32>() + rest) / width as f32;
        }
    });
}

/// Gradients of `drawn`, of those of its [`squared_error`].
///
/// # Shapes
/// - `drawn`, `wanted`: `[T, D]`
/// - `grads`: `[T]`
/// - `of_drawn`: `[T, D]`, written
pub fn squared_error_back(drawn: &[f32], wanted: &[f32], grads: &[f32], of_drawn: &mut [f32]) {
    let width = drawn.len() / grads.len().max(1);
    Arch::new().dispatch(|| {
        let rows = drawn.chunks_exact(width).zip(wanted.chunks_exact(width));
        for ((of_drawn, (drawn, wanted)), grad) in of_drawn.chunks_exact_mut(width).zip(rows).zip(grads) {
            let steep = grad * 2.0 / width as f32;
            for ((of_drawn, drawn), wanted) in of_drawn.iter_mut().zip(drawn).zip(wanted) {
                *of_drawn = (drawn - wanted) * steep;
            }
        }
    });
}
