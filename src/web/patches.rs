//! Patches of a square picture, in row-major order, by places in it.

/// Returns the patch at a place, both coordinates from 0 to 1, in a grid of `grid` patches per side.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates at the picture's edges"
)]
pub fn patch_at([across, down]: [f64; 2], grid: usize) -> usize {
    let cell = |place: f64| ((place * grid as f64) as usize).min(grid.saturating_sub(1));
    cell(down) * grid + cell(across)
}

/// Returns the patches that a pointer passes on its way, each once.
#[must_use]
pub fn patches_between(from: [f64; 2], to: [f64; 2], grid: usize) -> Vec<usize> {
    let distance = (to[0] - from[0]).abs().max((to[1] - from[1]).abs());
    let steps = (distance * grid as f64 * 4.0).ceil().max(1.0);
    let mut passed: Vec<usize> = Vec::new();
    let mut step = 0.0;
    while step <= steps {
        let place = [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * step / steps);
        let patch = patch_at(place, grid);
        if !passed.contains(&patch) {
            passed.push(patch);
        }
        step += 1.0;
    }
    passed
}

/// Returns the patch to which an arrow key leads from `patch`.
#[must_use]
pub fn patch_beside(patch: usize, [across, down]: [isize; 2], grid: usize) -> usize {
    let moved = |cell: usize, by: isize| cell.saturating_add_signed(by).min(grid.saturating_sub(1));
    let side = grid.max(1);
    moved(patch / side, down) * grid + moved(patch % side, across)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_patches_and_beyond_the_edge_in_the_last() {
        assert_eq!(
            [[0.0, 0.0], [0.3, 0.0], [0.99, 0.99], [1.0, 1.2], [-1.0, 0.3]].map(|place| patch_at(place, 4)),
            [0, 1, 15, 15, 4]
        );
    }

    #[test]
    fn a_fast_pointer_leaves_no_gaps() {
        assert_eq!(patches_between([0.1, 0.1], [0.9, 0.1], 4), [0, 1, 2, 3]);
        assert_eq!(patches_between([0.6, 0.9], [0.6, 0.1], 4), [14, 10, 6, 2]);
        assert_eq!(patches_between([0.5, 0.5], [0.5, 0.5], 4), [10]);
        let diagonal = patches_between([0.05, 0.1], [0.95, 0.9], 4);
        assert!(diagonal.windows(2).all(|pair| pair[0].abs_diff(pair[1]) <= 5), "{diagonal:?}");
    }

    #[test]
    fn arrow_keys_stay_inside() {
        assert_eq!(patch_beside(5, [1, 0], 4), 6);
        assert_eq!(patch_beside(5, [0, -1], 4), 1);
        assert_eq!(patch_beside(3, [1, 0], 4), 3);
        assert_eq!(patch_beside(0, [-1, -1], 4), 0);
        assert_eq!(patch_beside(12, [0, 1], 4), 12);
    }
}
