//! Converts masks to polygons, for formats that have nothing else.

use crate::mask::{BinaryMask, Contour};

/// A vertex, `[x, y]` in pixels; integers lie on pixel edges.
pub(super) type Point = [f64; 2];

/// Where the outline of a mask runs, which decides which readers recover it exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outline {
    /// Along the edges of pixels: for readers that fill the inside, as pycocotools, CVAT and browsers do.
    Edges,
    /// Through the centres of the outermost pixels: for readers that also draw the line itself, as OpenCV's
    /// `fillPoly` (YOLO) and Pillow (LabelMe) do.
    Centres,
}

/// A bridge from a contour to a hole below it.
#[derive(Debug, Clone, Copy)]
struct Tie {
    /// The corner after which the bridge begins.
    corner: usize,
    x: usize,
    hole: usize,
}

/// Returns one exact polygon for each component of a mask; holes are connected to the outline by bridges of
/// zero width, straight up through the component.
pub(super) fn parts(mask: &BinaryMask, outline: Outline) -> Vec<Vec<Point>> {
    let contours = mask.contours();
    let ties = ties(mask, &contours);
    let outer = (0..contours.len()).filter(|&index| !contours[index].is_hole());
    outer.map(|index| walk(&contours, &ties, index, outline)).collect()
}

/// Returns the upper left corner of a contour, with its index.
fn first_corner(contour: &Contour) -> Option<(usize, [usize; 2])> {
    contour.corners.iter().copied().enumerate().min_by_key(|(_, [x, y])| (*y, *x))
}

/// Returns for each contour the holes below its edges, in the order in which it passes them.
fn ties(mask: &BinaryMask, contours: &[Contour]) -> Vec<Vec<Tie>> {
    // Rightward edges, below which the inside is.
    let mut upper: Vec<([usize; 2], usize, usize)> = Vec::new();
    for (index, contour) in contours.iter().enumerate() {
        let edges = contour.corners.iter().zip(contour.corners.iter().skip(1)).enumerate().step_by(2);
        let rightward = edges.filter(|(_, (from, to))| from[0] < to[0]);
        upper.extend(rightward.map(|(corner, (from, _))| ([from[1], from[0]], index, corner)));
    }
    upper.sort_unstable();
    let mut ties = vec![Vec::new(); contours.len()];
    for (hole, contour) in contours.iter().enumerate().filter(|(_, contour)| contour.is_hole()) {
        let Some((_, [x, below])) = first_corner(contour) else { continue };
        let inside = (0..below).rev().take_while(|&y| mask.get(x, y));
        let Some(y) = inside.last() else { continue };
        let at = upper.partition_point(|(place, ..)| *place <= [y, x]);
        if let Some((_, owner, corner)) = at.checked_sub(1).and_then(|at| upper.get(at)) {
            ties[*owner].push(Tie { corner: *corner, x, hole });
        }
    }
    ties.iter_mut().for_each(|ties| ties.sort_unstable_by_key(|tie| (tie.corner, tie.x)));
    ties
}

/// A step along a polygon.
enum Step {
    To(Point),
    Around { contour: usize, from: usize },
}

/// Returns the polygon that follows a contour and all holes connected to it, recursively.
fn walk(contours: &[Contour], ties: &[Vec<Tie>], contour: usize, outline: Outline) -> Vec<Point> {
    let inset = if outline == Outline::Centres { 0.5 } else { 0.0 };
    let mut polygon = Vec::new();
    let mut ahead = vec![Step::Around { contour, from: 0 }];
    while let Some(step) = ahead.pop() {
        let (contour, from) = match step {
            Step::To(place) => {
                if polygon.last() != Some(&place) {
                    polygon.push(place);
                }
                continue;
            }
            Step::Around { contour, from } => (contour, from),
        };
        let corners = &contours[contour].corners;
        let mut steps = Vec::new();
        for corner in (from..corners.len()).chain(0..from) {
            steps.push(Step::To(inwards(corners, corner, inset)));
            let first = ties[contour].partition_point(|tie| tie.corner < corner);
            for tie in ties[contour][first..].iter().take_while(|tie| tie.corner == corner) {
                let Some((start, [_, below])) = first_corner(&contours[tie.hole]) else { continue };
                let x = tie.x as f64 + inset;
                let bridge = [[x, corners[corner][1] as f64 + inset], [x, below as f64 - inset]];
                steps.extend(bridge.map(Step::To));
                steps.push(Step::Around { contour: tie.hole, from: start });
                steps.extend([bridge[1], bridge[0]].map(Step::To));
            }
        }
        ahead.extend(steps.into_iter().rev());
    }
    // The centre of a single pixel is one vertex, but readers require three.
    while let (1..3, Some(last)) = (polygon.len(), polygon.last().copied()) {
        polygon.push(last);
    }
    polygon
}

/// Returns a corner, moved inwards from both of its edges.
fn inwards(corners: &[[usize; 2]], index: usize, inset: f64) -> Point {
    let at = |index: usize| corners[index % corners.len()].map(|number| number as f64);
    let [before, place, after] = [at(index + corners.len() - 1), at(index), at(index + 1)];
    let edges = [[before, place], [place, after]];
    let [across, down] = if before[1] == place[1] { edges } else { [edges[1], edges[0]] };
    // The inside lies below a rightward edge, and left of a downward one.
    [
        place[0] - inset * (down[1][1] - down[0][1]).signum(),
        place[1] + inset * (across[1][0] - across[0][0]).signum(),
    ]
}

/// Returns one polygon for each component of a mask, with fewer vertices. It deviates by a pixel at most, and
/// by less if the area is small for its outline: if it were off by the tolerance everywhere, the area would
/// change by 3 %, but a staircase outline is off at only half of its corners, and to either side.
pub(super) fn simple_parts(mask: &BinaryMask, outline: Outline) -> Vec<Vec<Point>> {
    let parts = parts(mask, outline);
    let next = |part: &[Point], at: usize| part[(at + 1) % part.len()];
    let edges =
        parts.iter().flat_map(|part| (0..part.len()).map(move |at| distance(part[at], next(part, at))));
    let tolerance = (0.03 * mask.area() as f64 / edges.sum::<f64>().max(1.0)).min(1.0);
    parts.iter().map(|part| simplified(part, tolerance)).collect()
}

/// Simplifies a polygon to as few of its vertices as keep it within `tolerance` (Ramer, Douglas and Peucker).
fn simplified(polygon: &[Point], tolerance: f64) -> Vec<Point> {
    let at = |index: usize| polygon[index % polygon.len()];
    let far = (1..polygon.len()).max_by(|a, b| distance(at(0), at(*a)).total_cmp(&distance(at(0), at(*b))));
    let Some(far) = far else { return polygon.to_vec() };
    let mut kept = vec![false; polygon.len()];
    (kept[0], kept[far]) = (true, true);
    let mut spans = vec![(0, far), (far, polygon.len())];
    while let Some((from, to)) = spans.pop() {
        let off = |index: usize| from_segment(at(index), [at(from), at(to)]);
        let between = (from + 1..to).map(|index| (index, off(index)));
        let Some((index, distance)) = between.max_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        if distance > tolerance {
            kept[index] = true;
            spans.extend([(from, index), (index, to)]);
        }
    }
    let corners: Vec<Point> = polygon.iter().zip(kept).filter(|(_, kept)| *kept).map(|(at, _)| *at).collect();
    if corners.len() < 3 { polygon.to_vec() } else { corners }
}

fn distance([x, y]: Point, [u, v]: Point) -> f64 {
    (x - u).hypot(y - v)
}

fn from_segment(place: Point, [from, to]: [Point; 2]) -> f64 {
    let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    let length = dx * dx + dy * dy;
    let share = ((place[0] - from[0]) * dx + (place[1] - from[1]) * dy) / length.max(f64::MIN_POSITIVE);
    let share = share.clamp(0.0, 1.0);
    distance(place, [from[0] + share * dx, from[1] + share * dy])
}

/// Maximum number of vertices of each polygon that are tried as ends of a bridge.
const TRIED: usize = 500;

/// Joins several polygons to one by short bridges of zero width.
pub(super) fn joined(parts: Vec<Vec<Point>>) -> Vec<Point> {
    let mut parts = parts.into_iter();
    let mut whole = parts.next().unwrap_or_default();
    let tried = |polygon: &[Point]| (0..polygon.len()).step_by(polygon.len() / TRIED + 1);
    for part in parts {
        let pairs = tried(&whole).flat_map(|end| tried(&part).map(move |start| (end, start)));
        let length = |(end, start): &(usize, usize)| distance(whole[*end], part[*start]);
        let Some((end, start)) = pairs.min_by(|a, b| length(a).total_cmp(&length(b))) else { continue };
        let around = part[start..].iter().chain(&part[..=start]).copied();
        let bridged: Vec<Point> = around.chain([whole[end]]).collect();
        whole.splice(end + 1..end + 1, bridged);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::coco::Segmentation;
    use crate::mask::Rle;

    fn random(width: usize, height: usize, share: u32) -> BinaryMask {
        let mut state = 9 + share;
        BinaryMask::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            !(state >> 16).is_multiple_of(share + 1)
        })
    }

    fn masks() -> Vec<BinaryMask> {
        let rings = BinaryMask::from_fn(40, 33, |x, y| {
            let depth = x.min(y).min(39 - x).min(32 - y);
            depth % 6 < 3 && (x, y) != (20, 1)
        });
        let mut masks = vec![rings, random(1, 1, 1), random(40, 30, 12), BinaryMask::empty(3, 3)];
        masks.extend((1..6).map(|share| random(25, 18, share)));
        masks
    }

    fn numbers(polygons: &[Vec<Point>]) -> Vec<Vec<f64>> {
        polygons.iter().map(|polygon| polygon.iter().flatten().copied().collect()).collect()
    }

    #[test]
    fn pycocotools_fills_pixel_edges_exactly() {
        for mask in masks().into_iter().filter(|mask| mask.area() > 0) {
            let polygons = numbers(&parts(&mask, Outline::Edges));
            let filled = Segmentation::Polygons(polygons).to_rle(mask.width(), mask.height()).unwrap();
            assert_eq!(filled, Rle::from_mask(&mask));
        }
    }

    /// Returns whether a point lies inside by the even-odd rule, or on the line.
    fn covers(polygon: &[Point], place: Point) -> bool {
        let edges = || (0..polygon.len()).map(|at| [polygon[at], polygon[(at + 1) % polygon.len()]]);
        let crossed = edges().filter(|[[x, y], [u, v]]| {
            (*y > place[1]) != (*v > place[1]) && place[0] < x + (place[1] - y) / (v - y) * (u - x)
        });
        crossed.count() % 2 == 1 || edges().any(|edge| from_segment(place, edge) < 1e-9)
    }

    #[test]
    fn a_line_through_centres_covers_the_mask_where_it_is_drawn_too() {
        for mask in masks() {
            let parts = parts(&mask, Outline::Centres);
            assert!(parts.iter().all(|part| part.len() >= 3));
            let covered = BinaryMask::from_fn(mask.width(), mask.height(), |x, y| {
                parts.iter().any(|part| covers(part, [x as f64 + 0.5, y as f64 + 0.5]))
            });
            assert_eq!(covered, mask);
        }
    }

    #[test]
    fn fewer_corners_stay_close() {
        let disc =
            BinaryMask::from_fn(200, 200, |x, y| (x.abs_diff(99).pow(2) + y.abs_diff(99).pow(2)) < 8000);
        let [exact] = parts(&disc, Outline::Edges).try_into().unwrap();
        let [few] = simple_parts(&disc, Outline::Edges).try_into().unwrap();
        assert!(few.len() * 3 < exact.len(), "{} of {}", few.len(), exact.len());
        let filled = Segmentation::Polygons(numbers(&[few])).to_rle(200, 200).unwrap().to_mask().unwrap();
        assert!(filled.iou(&disc) > 0.98, "{}", filled.iou(&disc));
        let square = [[0.0, 0.0], [1.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]];
        assert_eq!(simplified(&square, 0.0), [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]);
    }

    #[test]
    fn parts_are_joined_at_their_nearest_corners() {
        let square = |x: f64| vec![[x, 0.0], [x + 2.0, 0.0], [x + 2.0, 2.0], [x, 2.0]];
        let whole = joined(vec![square(0.0), square(5.0)]);
        let bridges = whole.windows(2).filter(|pair| distance(pair[0], pair[1]) > 2.5);
        assert_eq!((whole.len(), bridges.count()), (10, 2));
        for (place, inside) in [([1.0, 1.0], true), ([6.0, 1.0], true), ([3.5, 1.0], false)] {
            assert_eq!(covers(&whole, place), inside);
        }
        assert!(joined(Vec::new()).is_empty());
    }
}
