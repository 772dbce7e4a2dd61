//! Removes connected components of a mask that belong to something else, and fills holes.

use std::mem;

/// Components smaller than this share of the largest one are not part of the object.
const LEAST_SHARE: f64 = 0.2;

/// Returns the mask logits, in rows of `width`, without small components: their logits turn negative.
pub(super) fn without_small(plane: &[f32], width: usize) -> Vec<f32> {
    let pieces = pieces(plane, width);
    let largest = pieces.iter().map(Vec::len).max().unwrap_or_default();
    let is_small = |piece: &Vec<usize>| (piece.len() as f64) < LEAST_SHARE * largest as f64;
    let mut cleared = plane.to_vec();
    pieces.into_iter().filter(is_small).flatten().for_each(|cell| cleared[cell] = -cleared[cell]);
    cleared
}

/// Holes smaller than this share of the mask belong to the object.
const LEAST_HOLE: f64 = 0.03;

/// Returns the mask logits, in rows of `width`, without small holes: their logits turn positive. An area that
/// reaches the border is not a hole.
pub(super) fn without_holes(plane: &[f32], width: usize) -> Vec<f32> {
    let mut filled = plane.to_vec();
    let area = plane.iter().filter(|logit| **logit > 0.0).count();
    let outside: Vec<f32> = plane.iter().map(|logit| -logit).collect();
    let on_border = |cell: usize| {
        let (column, row) = (cell % width, cell / width);
        column == 0 || row == 0 || column + 1 == width || row + 1 == plane.len() / width
    };
    let is_hole = |piece: &Vec<usize>| {
        (piece.len() as f64) < LEAST_HOLE * area as f64 && !piece.iter().any(|&cell| on_border(cell))
    };
    pieces(&outside, width)
        .into_iter()
        .filter(is_hole)
        .flatten()
        .for_each(|cell| filled[cell] = -filled[cell]);
    filled
}

/// Returns the mask logits, in rows of `width`, without the components that hold none of the `seeds`: their
/// logits turn negative.
pub(super) fn around(plane: &[f32], width: usize, seeds: &[usize]) -> Vec<f32> {
    let mut cleared = plane.to_vec();
    let is_apart = |piece: &Vec<usize>| !piece.iter().any(|cell| seeds.contains(cell));
    let apart = pieces(plane, width).into_iter().filter(is_apart);
    apart.flatten().for_each(|cell| cleared[cell] = -cleared[cell]);
    cleared
}

/// Returns the 4-connected components of the cells with positive logits.
fn pieces(plane: &[f32], width: usize) -> Vec<Vec<usize>> {
    let mut open: Vec<bool> = plane.iter().map(|logit| *logit > 0.0).collect();
    let mut pieces = Vec::new();
    for start in 0..plane.len() {
        if !mem::take(&mut open[start]) {
            continue;
        }
        let (mut piece, mut seen) = (vec![start], 0);
        while let Some(&cell) = piece.get(seen) {
            seen += 1;
            let column = cell % width;
            let beside = [
                (column > 0).then(|| cell - 1),
                (column + 1 < width).then_some(cell + 1),
                cell.checked_sub(width),
                Some(cell + width).filter(|below| *below < plane.len()),
            ];
            piece.extend(beside.into_iter().flatten().filter(|&cell| mem::take(&mut open[cell])));
        }
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_holes_are_filled_and_large_ones_and_bays_stay() {
        let mut rows = vec!["#".repeat(12); 12];
        rows[3].replace_range(3..4, ".");
        (6..9).for_each(|row| rows[row].replace_range(6..9, "..."));
        for (row, column) in [(0, 7), (5, 0), (8, 11), (11, 2)] {
            rows[row].replace_range(column..column + 1, ".");
        }
        let plane: Vec<f32> =
            rows.concat().chars().map(|cell| if cell == '#' { 2.0 } else { -1.0 }).collect();
        let filled = without_holes(&plane, 12);
        rows[3].replace_range(3..4, "#");
        let shown: String = filled.iter().map(|logit| if *logit > 0.0 { '#' } else { '.' }).collect();
        assert_eq!(shown, rows.concat());
    }

    #[test]
    fn small_pieces_are_cleared_and_large_ones_stay() {
        let rows = ["####..#.", "###...##", "####....", "........", "#......#"];
        let plane: Vec<f32> =
            rows.concat().chars().map(|cell| if cell == '#' { 2.0 } else { -1.0 }).collect();
        let cleared = without_small(&plane, 8);
        let shown: Vec<String> = cleared
            .chunks(8)
            .map(|row| row.iter().map(|logit| if *logit > 0.0 { '#' } else { '.' }).collect())
            .collect();
        assert_eq!(shown, ["####..#.", "###...##", "####....", "........", "........"]);
        assert_eq!(without_small(&[-1.0; 6], 3), [-1.0; 6]);
        let kept = around(&plane, 8, &[14, 5, 39]);
        let kept: Vec<usize> = (0..kept.len()).filter(|&cell| kept[cell] > 0.0).collect();
        assert_eq!(kept, [6, 14, 15, 39]);
    }
}
