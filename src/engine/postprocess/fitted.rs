//! Masks fitted to a box.

/// Candidate offsets added to a mask's logits so that it reaches the sides of its box, and the overlap that
/// each unit costs.
const RAISES: [f32; 7] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0];
const COST: f32 = 0.02;

/// Returns the mask logits, in rows of `width`, raised by the offset with which the mask's bounding box fits
/// `bounds` best: left, top, right and bottom in cells.
pub(super) fn fitted(plane: &[f32], width: usize, bounds: [f32; 4]) -> Vec<f32> {
    let fit = |raise: f32| overlap(plane, width, bounds, raise) - COST * raise;
    let best = RAISES.into_iter().max_by(|a, b| fit(*a).total_cmp(&fit(*b)).then(b.total_cmp(a)));
    plane.iter().map(|logit| logit + best.unwrap_or_default()).collect()
}

/// Returns the intersection over union of `bounds` and the bounding box of the raised mask within them.
fn overlap(plane: &[f32], width: usize, bounds: [f32; 4], raise: f32) -> f32 {
    let [left, top, right, bottom] = bounds;
    let middle = |cell: usize| ((cell % width) as f32 + 0.5, (cell / width) as f32 + 0.5);
    let inside = (0..plane.len()).filter(|&cell| plane[cell] + raise > 0.0).map(middle);
    let inside = inside.filter(|(x, y)| (left..right).contains(x) && (top..bottom).contains(y));
    let around = inside.fold(None::<[f32; 4]>, |around, (x, y)| {
        let cell = [x - 0.5, y - 0.5, x + 0.5, y + 0.5];
        let [a, b, c, d] = around.unwrap_or(cell);
        Some([a.min(cell[0]), b.min(cell[1]), c.max(cell[2]), d.max(cell[3])])
    });
    let Some(around) = around else { return 0.0 };
    let side = |from: usize, smaller: fn(f32, f32) -> f32, larger: fn(f32, f32) -> f32| {
        smaller(bounds[from + 2], around[from + 2]) - larger(bounds[from], around[from])
    };
    let intersection = side(0, f32::min, f32::max) * side(1, f32::min, f32::max);
    let area = |[a, b, c, d]: [f32; 4]| (c - a) * (d - b);
    intersection / (area(bounds) + area(around) - intersection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_that_of_the_two_boxes() {
        let overlap_with = |bounds| overlap(&[-1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0, -1.0], 4, bounds, 0.0);
        assert_eq!(overlap_with([1.0, 0.0, 3.0, 2.0]), 1.0);
        assert_eq!(overlap_with([0.0, 0.0, 4.0, 2.0]), 0.5);
        assert_eq!(overlap_with([0.0, 0.0, 2.0, 2.0]), 0.5, "only what is within counts");
        assert_eq!(overlap_with([1.0, 1.0, 4.0, 2.0]), 1.0 / 3.0);
        assert_eq!(overlap_with([3.0, 0.0, 4.0, 2.0]), 0.0);
    }

    #[test]
    fn a_mask_is_raised_to_the_sides_of_its_box() {
        // The mask is certain in the middle, less so in the next two cells on both sides.
        let row = [-9.0, -1.2, -0.7, 2.0, 2.0, -0.7, -1.2, -9.0];
        let inside = |left, right| -> Vec<usize> {
            let raised = fitted(&row, 8, [left, 0.0, right, 1.0]);
            (0..8).filter(|&cell| raised[cell] > 0.0).collect()
        };
        assert_eq!(inside(3.0, 5.0), [3, 4]);
        assert_eq!(inside(2.0, 6.0), [2, 3, 4, 5]);
        assert_eq!(inside(1.0, 7.0), [1, 2, 3, 4, 5, 6]);
        assert_eq!(fitted(&[-9.0; 8], 8, [1.0, 0.0, 3.0, 1.0]), [-9.0; 8], "nothing to be raised");
    }
}
