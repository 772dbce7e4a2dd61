//! Looks at a photo in overlapping tiles besides the whole, to find small objects.

use super::{Encoded, Engine, EngineError, SegmentOptions};
use crate::image::RgbImage;
use crate::instance::Instance;

/// A tile's side relative to the photo's, times the number of tiles along it: two neighbours share a third of
/// it.
const REACH: f64 = 1.2;
/// The factor of scores in a tile, which sees less context than the whole photo. Chosen among 1 and 0.5.
const TRUST: f32 = 0.5;
/// Masks whose intersection over union exceeds this are one object.
const SAME: f64 = 0.5;

/// Left, top, width and height in pixels.
type Bounds = [usize; 4];

impl Engine {
    /// Finds the objects of an encoded photo, best first, and those of its [`tiles`](SegmentOptions::tiles)
    /// that are neither cut off by the tile nor found already.
    ///
    /// # Errors
    /// [`EngineError::NoMemory`], [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn find_closely(
        &self,
        image: &RgbImage,
        encoded: &Encoded,
        options: &SegmentOptions,
    ) -> Result<Vec<Instance>, EngineError> {
        let size = [image.width(), image.height()];
        let mut found = self.find(encoded, options).await?;
        if options.tiles < 2 {
            return Ok(found);
        }
        for tile in tiles(size, options.tiles) {
            let encoded = self.encode(&image.part(tile)).await?;
            let inside = self.find(&encoded, options).await?;
            found.extend(inside.into_iter().filter_map(|instance| placed(instance, tile, size)));
        }
        found.retain(|instance| instance.score >= options.score_thresh);
        Ok(each_once(found, options))
    }
}

/// Returns tiles that cover a photo, `count` along each side; none for a count below two.
fn tiles(size: [usize; 2], count: usize) -> Vec<Bounds> {
    if count < 2 {
        return Vec::new();
    }
    let side = size.map(|side| ((side as f64 * REACH / count as f64) as usize).clamp(1, side));
    let start = |axis: usize, number: usize| (size[axis] - side[axis]) * number / (count - 1);
    let places = (0..count).flat_map(|down| (0..count).map(move |across| (across, down)));
    places.map(|(across, down)| [start(0, across), start(1, down), side[0], side[1]]).collect()
}

/// Places the object of a tile in the whole photo, unless it continues beyond the tile.
fn placed(instance: Instance, [left, top, width, height]: Bounds, size: [usize; 2]) -> Option<Instance> {
    let [x, y, across, down] = instance.bbox;
    let is_cut = left > 0 && x == 0
        || top > 0 && y == 0
        || left + width < size[0] && x + across == width
        || top + height < size[1] && y + down == height;
    (!is_cut).then(|| Instance {
        score: instance.score * TRUST,
        mask: instance.mask.within(size, [left, top]),
        bbox: [left + x, top + y, across, down],
        ..instance
    })
}

/// Removes duplicates and keeps the best of each object, best first.
fn each_once(mut found: Vec<Instance>, options: &SegmentOptions) -> Vec<Instance> {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Instance> = Vec::new();
    for instance in found {
        let is_same = |other: &Instance| {
            (!options.every_class || other.category == instance.category)
                && meet(other.bbox, instance.bbox)
                && other.mask.iou(&instance.mask) > SAME
        };
        if !kept.iter().any(is_same) {
            kept.push(instance);
        }
    }
    kept.truncate(options.top_k);
    kept
}

fn meet(a: Bounds, b: Bounds) -> bool {
    [0, 1].iter().all(|&axis| a[axis] < b[axis] + b[axis + 2] && b[axis] < a[axis] + a[axis + 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::BinaryMask;

    fn object(bbox: Bounds, size: [usize; 2], score: f32) -> Instance {
        let [x, y, width, height] = bbox;
        let mut mask = BinaryMask::empty(size[0], size[1]);
        (y..y + height).for_each(|row| mask.fill_row(row, x..x + width));
        Instance { category: 0, label: "thing".into(), score, mask, bbox }
    }

    #[test]
    fn tiles_cover_the_photo_and_overlap() {
        assert!(tiles([100, 50], 1).is_empty());
        assert_eq!(tiles([100, 50], 2), [[0, 0, 60, 30], [40, 0, 60, 30], [0, 20, 60, 30], [40, 20, 60, 30]]);
        for count in 2..6 {
            let mut seen = BinaryMask::empty(101, 37);
            for [x, y, width, height] in tiles([101, 37], count) {
                assert!(x + width <= 101 && y + height <= 37);
                (y..y + height).for_each(|row| seen.fill_row(row, x..x + width));
            }
            assert_eq!(seen.area(), 101 * 37, "{count}");
        }
        assert_eq!(tiles([1, 1], 2).len(), 4, "even of the smallest photo");
    }

    #[test]
    fn what_a_tile_cuts_off_is_left_to_others_and_the_photo_s_own_edge_cuts_nothing() {
        let (size, tile) = ([100, 50], [40, 0, 60, 30]);
        let place = |bbox| placed(object(bbox, [60, 30], 0.8), tile, size);
        assert!(place([0, 5, 10, 10]).is_none(), "on the tile's left side");
        assert!(place([20, 20, 10, 10]).is_none(), "on its lower side");
        let kept = place([50, 0, 10, 10]).unwrap();
        assert_eq!((kept.bbox, kept.score), ([90, 0, 10, 10], 0.4));
        assert_eq!(kept.mask, object([90, 0, 10, 10], size, 0.0).mask);
    }

    #[test]
    fn an_object_of_the_photo_and_a_tile_is_one() {
        let size = [100, 50];
        let found = vec![
            object([10, 10, 20, 20], size, 0.3),
            object([11, 10, 20, 20], size, 0.4),
            object([60, 10, 4, 4], size, 0.1),
        ];
        let scores = |options: &SegmentOptions| {
            each_once(found.clone(), options).iter().map(|instance| instance.score).collect::<Vec<_>>()
        };
        assert_eq!(scores(&SegmentOptions::default()), [0.4, 0.1]);
        assert_eq!(scores(&SegmentOptions { top_k: 1, ..SegmentOptions::default() }), [0.4]);
    }
}
