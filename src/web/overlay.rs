//! Overlay pixels of masks, and lookup of the mask under the pointer; pure, tested on the host.

use std::ops::Range;

use super::protocol::Size;
use crate::image::RgbImage;
use crate::instance::colour;
use crate::mask::{BinaryMask, SoftPixel};

/// Maximum pixels of a canvas: the limit of Safari on phones. Larger photos are shown smaller, but their
/// masks keep their resolution.
pub const MAX_VIEW_PIXELS: usize = 16_000_000;

/// Maximum pixels of the overlay, which is painted again with every move of the pointer.
const MAX_OVERLAY_PIXELS: usize = 2_000_000;

/// Returns the size at which a photo is shown: its own, divided by the smallest integer that fits
/// [`MAX_VIEW_PIXELS`].
#[must_use]
pub fn view_size(photo: Size) -> Size {
    at_most(photo, MAX_VIEW_PIXELS)
}

/// Returns the resolution of the overlay on a photo; on the screen it is as large as the photo.
#[must_use]
pub fn overlay_size(photo: Size) -> Size {
    at_most(photo, MAX_OVERLAY_PIXELS)
}

fn at_most(photo: Size, pixels: usize) -> Size {
    (1..)
        .map(|by| Size { width: photo.width.div_ceil(by), height: photo.height.div_ceil(by) })
        .find(|view| view.area() <= pixels)
        .unwrap_or(photo)
}

/// Converts the photo to RGBA at `view` size, nearest neighbour.
#[must_use]
pub fn rgba(image: &RgbImage, view: Size) -> Vec<u8> {
    let (pixels, width) = (image.pixels(), image.width());
    if (width, image.height()) == (view.width, view.height) {
        let mut rgba = vec![u8::MAX; view.area() * 4];
        for (shown, pixel) in rgba.as_chunks_mut::<4>().0.iter_mut().zip(pixels.as_chunks::<3>().0) {
            shown[..3].copy_from_slice(pixel);
        }
        return rgba;
    }
    let columns = nearest(view.width, width);
    let rows = nearest(view.height, image.height());
    let mut rgba = Vec::with_capacity(view.area() * 4);
    for y in rows {
        for &x in &columns {
            let at = (y * width + x) * 3;
            rgba.extend_from_slice(&pixels[at..at + 3]);
            rgba.push(255);
        }
    }
    rgba
}

/// Returns, for each of `shown` pixels, the photo's pixel under its centre.
fn nearest(shown: usize, full: usize) -> Vec<usize> {
    (0..shown).map(|i| (2 * i + 1) * full / (2 * shown)).collect()
}

/// Pixels `start..end` of the view, in row-major order.
type Run = (usize, usize);

/// One instance, prepared for painting.
#[derive(Debug, Clone)]
pub struct Layer {
    area: usize,
    inside: Vec<Run>,
    outline: Vec<Run>,
    /// Pixels of the view that belong to the instance in part, and their alphas of 255.
    soft: Vec<(usize, u8)>,
}

impl Layer {
    /// Prepares `mask`, which has the photo's size, and the `soft` pixels of its edge for a view of `view`
    /// pixels.
    #[must_use]
    pub fn new(mask: &BinaryMask, soft: &[SoftPixel], view: Size) -> Self {
        let reach = (view.width.max(view.height) / 500).max(1);
        let [left, top, width, height] = mask.bbox();
        let (columns, rows) = (nearest(view.width, mask.width()), nearest(view.height, mask.height()));
        let soft = soft.iter().filter_map(|pixel| {
            let (x, y) =
                (columns.binary_search(&(pixel.x as usize)), rows.binary_search(&(pixel.y as usize)));
            Some((y.ok()? * view.width + x.ok()?, pixel.alpha))
        });
        let soft = soft.collect();
        let (across, down) =
            (around(&columns, left..left + width, reach), around(&rows, top..top + height, reach));
        let columns = &columns[across.clone()];
        let shown: Vec<Vec<bool>> =
            rows[down.clone()].iter().map(|&y| columns.iter().map(|&x| mask.get(x, y)).collect()).collect();
        let (mut inside, mut outline) = (Vec::new(), Vec::new());
        for (y, row) in shown.iter().enumerate() {
            let (above, below) = (&shown[y.saturating_sub(reach)], &shown[(y + reach).min(shown.len() - 1)]);
            let is_edge = |x: usize| {
                let (left, right) = (x.saturating_sub(reach), (x + reach).min(row.len() - 1));
                !(above[x] && below[x] && row[left] && row[right])
            };
            let offset = (down.start + y) * view.width + across.start;
            push_runs(&mut inside, offset, row, |x| !is_edge(x));
            push_runs(&mut outline, offset, row, is_edge);
        }
        Self { area: shown.iter().flatten().filter(|&&on| on).count(), inside, outline, soft }
    }
}

/// Returns the shown pixels whose photo pixels lie in `inside`, and `reach` more on both sides.
fn around(shown: &[usize], inside: Range<usize>, reach: usize) -> Range<usize> {
    let start = shown.partition_point(|&pixel| pixel < inside.start);
    let end = shown.partition_point(|&pixel| pixel < inside.end);
    start.saturating_sub(reach)..(end + reach).min(shown.len())
}

/// Appends the runs of the row's mask pixels for which `keep` holds.
fn push_runs(runs: &mut Vec<Run>, offset: usize, row: &[bool], keep: impl Fn(usize) -> bool) {
    let mut start = None;
    for (x, &on) in row.iter().enumerate() {
        match (on && keep(x), start) {
            (true, None) => start = Some(x),
            (false, Some(from)) => {
                runs.push((offset + from, offset + x));
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        runs.push((offset + from, offset + row.len()));
    }
}

/// What the overlay highlights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Focus<'a> {
    /// The instance under the pointer, which is brighter.
    pub hovered: Option<usize>,
    /// The picked instances, which are clear while everything else is darkened.
    pub selected: &'a [usize],
}

/// Paints layers, each with the place of its object, as straight-alpha RGBA, larger masks under smaller ones.
#[must_use]
pub fn paint<'a>(
    layers: impl IntoIterator<Item = (usize, &'a Layer)>,
    view: Size,
    focus: Focus<'_>,
) -> Vec<u8> {
    let backdrop = if !focus.selected.is_empty() { [8, 10, 18, 150] } else { [0; 4] };
    let mut canvas = vec![backdrop; view.area()];
    let mut order: Vec<(usize, &Layer)> = layers.into_iter().collect();
    order.sort_by_key(|(index, layer)| (focus.selected.contains(index), std::cmp::Reverse(layer.area)));
    for (index, layer) in order {
        let [r, g, b] = colour(index);
        let is_selected = focus.selected.contains(&index);
        let (inside, outline) = match focus {
            Focus { .. } if is_selected => (0, 255),
            Focus { hovered: Some(hovered), .. } if hovered == index => (150, 255),
            Focus { selected: [_, ..], .. } => (0, 90),
            Focus { hovered: Some(_), .. } => (60, 170),
            Focus { .. } => (105, 240),
        };
        let keeps_backdrop = !focus.selected.is_empty() && !is_selected && inside == 0;
        if !keeps_backdrop {
            let colour = [r, g, b, inside];
            let mixed = layer.soft.iter().map(|&(at, share)| (at, mix(canvas[at], colour, share)));
            let mixed: Vec<(usize, [u8; 4])> = mixed.collect();
            fill(&mut canvas, &layer.inside, colour);
            mixed.into_iter().for_each(|(at, mixed)| canvas[at] = mixed);
        }
        fill(&mut canvas, &layer.outline, [r, g, b, outline]);
    }
    canvas.into_flattened()
}

/// Blends `over` over `under` with an alpha of 255.
fn mix(under: [u8; 4], over: [u8; 4], share: u8) -> [u8; 4] {
    let weights = [u32::from(u8::MAX - share), u32::from(share)];
    let [hidden, shown] = [weights[0] * u32::from(under[3]), weights[1] * u32::from(over[3])];
    let colour = |channel: usize| {
        let sum = hidden * u32::from(under[channel]) + shown * u32::from(over[channel]);
        (sum / (hidden + shown).max(1)) as u8
    };
    [colour(0), colour(1), colour(2), ((hidden + shown) / 255) as u8]
}

fn fill(canvas: &mut [[u8; 4]], runs: &[Run], rgba: [u8; 4]) {
    for &(start, end) in runs {
        canvas[start..end].fill(rgba);
    }
}

/// A mask in run-length encoding that can tell whether it covers a pixel.
#[derive(Debug, Clone, Default)]
pub struct HitMask {
    height: usize,
    area: usize,
    ends: Vec<usize>,
}

impl HitMask {
    /// Takes the COCO runs (column-major, background first) of a mask of a photo of `height` pixels.
    #[must_use]
    pub fn new(height: usize, runs: &[u32]) -> Self {
        let ends = runs
            .iter()
            .scan(0, |end, &run| {
                *end += run as usize;
                Some(*end)
            })
            .collect();
        let area = runs.iter().skip(1).step_by(2).map(|&run| run as usize).sum();
        Self { height, area, ends }
    }

    /// Returns whether the photo's pixel (`x`, `y`) belongs to the mask.
    #[must_use]
    pub fn covers(&self, x: usize, y: usize) -> bool {
        let index = x * self.height + y;
        let run = self.ends.partition_point(|&end| end <= index);
        y < self.height && run < self.ends.len() && run % 2 == 1
    }
}

/// Returns the smallest mask at the photo's pixel (`x`, `y`) among those for which `is_shown` holds.
#[must_use]
pub fn instance_at(masks: &[HitMask], is_shown: impl Fn(usize) -> bool, x: usize, y: usize) -> Option<usize> {
    (0..masks.len())
        .filter(|&index| is_shown(index) && masks[index].covers(x, y))
        .min_by_key(|&index| masks[index].area)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Rle;

    const VIEW: Size = Size { width: 6, height: 5 };

    fn block(left: usize, top: usize, side: usize) -> BinaryMask {
        BinaryMask::from_fn(VIEW.width, VIEW.height, |x, y| {
            (left..left + side).contains(&x) && (top..top + side).contains(&y)
        })
    }

    fn pixel(rgba: &[u8], x: usize, y: usize) -> &[u8] {
        &rgba[(y * VIEW.width + x) * 4..][..4]
    }

    #[test]
    fn a_view_is_the_photo_until_a_canvas_could_not_hold_it() {
        let small = Size { width: 4000, height: 4000 };
        assert_eq!(view_size(small), small);
        let large = view_size(Size { width: 8001, height: 6000 });
        assert_eq!(large, Size { width: 4001, height: 3000 });
        assert_eq!(overlay_size(small), Size { width: 1334, height: 1334 });
    }

    #[test]
    fn every_mask_pixel_is_painted_and_no_other() {
        let masks = [block(0, 0, 3), block(4, 1, 2)];
        let layers: Vec<Layer> = masks.iter().map(|mask| Layer::new(mask, &[], VIEW)).collect();
        let rgba = paint(layers.iter().enumerate(), VIEW, Focus::default());
        for y in 0..VIEW.height {
            for x in 0..VIEW.width {
                let covered = masks.iter().any(|mask| mask.get(x, y));
                assert_eq!(pixel(&rgba, x, y)[3] > 0, covered, "({x}, {y})");
            }
        }
    }

    #[test]
    fn outlines_follow_the_mask_but_not_the_edge_of_the_photo() {
        let layer = Layer::new(&BinaryMask::from_fn(6, 5, |x, y| x < 3 && y < 3), &[], VIEW);
        assert_eq!(layer.inside, [(0, 2), (6, 8)]);
        assert_eq!(layer.outline, [(2, 3), (8, 9), (12, 15)]);
    }

    #[test]
    fn small_masks_lie_on_large_ones_and_hidden_ones_are_absent() {
        let layers = [Layer::new(&block(0, 0, 2), &[], VIEW), Layer::new(&block(0, 0, 5), &[], VIEW)];
        let rgba = paint(layers.iter().enumerate(), VIEW, Focus::default());
        assert_eq!(pixel(&rgba, 0, 0)[..3], colour(0));
        let rgba = paint([(1, &layers[1])], VIEW, Focus::default());
        assert_eq!(pixel(&rgba, 0, 0)[..3], colour(1));
    }

    #[test]
    fn picking_darkens_everything_else() {
        let layers = [Layer::new(&block(0, 0, 3), &[], VIEW), Layer::new(&block(3, 0, 3), &[], VIEW)];
        for (selected, clear) in [(&[0][..], [true, false]), (&[1], [false, true]), (&[0, 1], [true; 2])] {
            let rgba = paint(layers.iter().enumerate(), VIEW, Focus { selected, hovered: None });
            assert!(pixel(&rgba, 5, 4)[3] > 100, "outside is dark");
            assert_eq!([1, 4].map(|x| pixel(&rgba, x, 1)[3] == 0), clear, "inside is clear");
        }
    }

    #[test]
    fn a_soft_edge_fades_into_what_lies_below() {
        let soft = [SoftPixel { x: 0, y: 4, alpha: 51 }, SoftPixel { x: 2, y: 1, alpha: 204 }];
        let layer = Layer::new(&block(1, 0, 3), &soft, VIEW);
        let opacity = |focus, x, y| pixel(&paint([(0, &layer)], VIEW, focus), x, y)[3];
        assert_eq!(opacity(Focus::default(), 0, 4), 21, "a fifth of the colour");
        let picked = Focus { selected: &[0], hovered: None };
        assert_eq!(
            [opacity(picked, 0, 4), opacity(picked, 2, 1)],
            [120, 30],
            "less dark, the more belongs to it"
        );
    }

    #[test]
    fn hits_agree_with_the_masks() {
        let masks = [block(0, 0, 4), block(2, 2, 2)];
        let hits: Vec<HitMask> =
            masks.iter().map(|mask| HitMask::new(VIEW.height, &Rle::from_mask(mask).counts)).collect();
        for y in 0..VIEW.height + 2 {
            for x in 0..VIEW.width + 2 {
                let inside = x < VIEW.width && y < VIEW.height;
                for (hit, mask) in hits.iter().zip(&masks) {
                    assert_eq!(hit.covers(x, y), inside && mask.get(x, y), "({x}, {y})");
                }
            }
        }
        assert_eq!(instance_at(&hits, |_| true, 2, 2), Some(1), "the smaller one");
        assert_eq!(instance_at(&hits, |index| index == 0, 2, 2), Some(0));
        assert_eq!(instance_at(&hits, |_| true, 5, 4), None);
    }
}
