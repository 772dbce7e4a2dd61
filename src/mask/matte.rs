//! Masks with soft edges (alpha mattes).

use serde::{Deserialize, Serialize};

use super::BinaryMask;

/// The minimum alpha of a pixel that counts as inside.
pub const HALF: u8 = 128;

/// A pixel that belongs to an object in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftPixel {
    /// Column.
    pub x: u32,
    /// Row.
    pub y: u32,
    /// The alpha, the part that belongs to the object: 1 to 254 of 255.
    pub alpha: u8,
}

impl SoftPixel {
    /// Returns the sort key of row-major order.
    const fn place(&self) -> (u32, u32) {
        (self.y, self.x)
    }
}

/// A mask, and the pixels along its edge that are neither wholly inside nor wholly outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matte {
    mask: BinaryMask,
    /// Soft pixels in row-major order; those from [`HALF`] on are inside the mask.
    soft: Vec<SoftPixel>,
}

impl From<BinaryMask> for Matte {
    fn from(mask: BinaryMask) -> Self {
        Self { mask, soft: Vec::new() }
    }
}

impl Matte {
    /// Combines a mask with those of the soft pixels, given in row-major order, that agree with it: inside
    /// from [`HALF`] on, outside below, and then connected to the mask's edge.
    #[must_use]
    pub fn new(mask: BinaryMask, soft: &[SoftPixel]) -> Self {
        let agrees = |pixel: &SoftPixel| {
            mask.get(pixel.x as usize, pixel.y as usize) == (pixel.alpha >= HALF)
                && !matches!(pixel.alpha, 0 | u8::MAX)
        };
        let mut soft: Vec<SoftPixel> = soft.iter().copied().filter(agrees).collect();
        if !soft.is_empty() {
            let edge = visible(&mask, &soft).touching(&mask);
            soft.retain(|pixel| edge.get(pixel.x as usize, pixel.y as usize));
        }
        Self { mask, soft }
    }

    /// Returns the pixels of which at least half is inside.
    #[must_use]
    pub const fn mask(&self) -> &BinaryMask {
        &self.mask
    }

    /// Returns the pixels that are inside in part, in row-major order.
    #[must_use]
    pub fn soft(&self) -> &[SoftPixel] {
        &self.soft
    }

    /// Returns the alpha of a pixel, of 255.
    #[must_use]
    pub fn alpha(&self, x: usize, y: usize) -> u8 {
        match self.soft.binary_search_by_key(&(y as u32, x as u32), SoftPixel::place) {
            Ok(at) => self.soft[at].alpha,
            Err(_) if self.mask.get(x, y) => u8::MAX,
            Err(_) => 0,
        }
    }

    /// Returns the pixels that are not wholly outside.
    #[must_use]
    pub fn visible(&self) -> BinaryMask {
        visible(&self.mask, &self.soft)
    }

    /// Adds `other`, of the same size: every pixel gets the larger alpha.
    pub fn add(&mut self, other: &Self) {
        let soft = self.combined(other, u8::max);
        self.mask.add(&other.mask);
        *self = Self::new(std::mem::replace(&mut self.mask, BinaryMask::empty(0, 0)), &soft);
    }

    /// Subtracts `other`, of the same size: every pixel keeps at most the alpha that `other` leaves.
    pub fn subtract(&mut self, other: &Self) {
        let soft = self.combined(other, |own, other| own.min(u8::MAX - other));
        self.mask.subtract(&other.mask);
        *self = Self::new(std::mem::replace(&mut self.mask, BinaryMask::empty(0, 0)), &soft);
    }

    /// Returns a function that looks up the alphas of pixels, asked for in row-major order.
    fn shares(&self) -> impl FnMut(&SoftPixel) -> u8 {
        let mut rest = self.soft.as_slice();
        move |pixel| {
            while let Some((_, others)) =
                rest.split_first().filter(|(first, _)| first.place() < pixel.place())
            {
                rest = others;
            }
            match rest.first().filter(|first| first.place() == pixel.place()) {
                Some(first) => first.alpha,
                None if self.mask.get(pixel.x as usize, pixel.y as usize) => u8::MAX,
                None => 0,
            }
        }
    }

    /// Returns the pixels that are soft in either matte, with the alpha combined from both.
    fn combined(&self, other: &Self, combine: impl Fn(u8, u8) -> u8) -> Vec<SoftPixel> {
        let mut soft = [self.soft.as_slice(), &other.soft].concat();
        // A stable sort merges two sequences that are sorted already.
        soft.sort_by_key(SoftPixel::place);
        soft.dedup_by_key(|pixel| pixel.place());
        let (mut own, mut others) = (self.shares(), other.shares());
        soft.iter_mut().for_each(|pixel| pixel.alpha = combine(own(pixel), others(pixel)));
        soft
    }
}

fn visible(mask: &BinaryMask, soft: &[SoftPixel]) -> BinaryMask {
    let mut visible = mask.clone();
    soft.iter().for_each(|pixel| visible.set(pixel.x as usize, pixel.y as usize, true));
    visible
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [usize; 2] = [40, 3];

    /// Returns a matte with alphas along the middle row; those from a half on are in its mask.
    fn matte(shares: &[u8]) -> Matte {
        let [width, height] = SIZE;
        let share = |x: usize| shares.get(x).copied().unwrap_or(0);
        let mask = BinaryMask::from_fn(width, height, |x, y| y == 1 && share(x) >= HALF);
        let soft: Vec<_> =
            (0..width as u32).map(|x| SoftPixel { x, y: 1, alpha: share(x as usize) }).collect();
        Matte::new(mask, &soft)
    }

    fn shares(matte: &Matte) -> Vec<u8> {
        (0..SIZE[0]).map(|x| matte.alpha(x, 1)).collect()
    }

    #[test]
    fn shares_are_those_of_the_pixels() {
        let given = [0, 10, 127, 128, 200, 254, 255, 255, 90, 0];
        let matte = matte(&given);
        assert_eq!(shares(&matte)[..10], given);
        assert_eq!((matte.mask().area(), matte.visible().area()), (5, 8));
        assert_eq!(matte.soft().len(), 6);
        assert_eq!(matte.alpha(3, 0), 0);
    }

    #[test]
    fn the_larger_share_stays_and_what_is_taken_away_goes() {
        let mut random = 5_u32;
        let mut any = || {
            (0..SIZE[0])
                .map(|_| {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (random >> 24) as u8
                })
                .map(|share| if share < 60 { 0 } else { share })
                .collect::<Vec<u8>>()
        };
        for _ in 0..50 {
            let (a, b) = (matte(&any()), matte(&any()));
            let (mut sum, mut rest) = (a.clone(), a.clone());
            sum.add(&b);
            rest.subtract(&b);
            for x in 0..SIZE[0] {
                let (own, other) = (a.alpha(x, 1), b.alpha(x, 1));
                assert_eq!(sum.alpha(x, 1), own.max(other));
                let left = own.min(u8::MAX - other);
                // A faint rest that touches nothing any more is dropped.
                assert!(rest.alpha(x, 1) == left || (rest.alpha(x, 1) == 0 && left < HALF), "{x}");
                assert_eq!(rest.mask().get(x, 1), left >= HALF);
            }
        }
    }

    #[test]
    fn what_disagrees_with_the_mask_is_dropped() {
        let soft = matte(&[0, 60, 120, 180, 255, 255, 255, 180, 120, 60]);
        let shrunk = soft.mask().shrunk(1);
        assert_eq!(shares(&Matte::new(shrunk, soft.soft())), [0; 40], "thin as it is, nothing is left");
        let mut part = soft.mask().clone();
        part.subtract(&BinaryMask::from_fn(40, 3, |x, _| x > 5));
        let kept = shares(&Matte::new(part, soft.soft()));
        assert_eq!(kept[..10], [0, 60, 120, 180, 255, 255, 0, 0, 0, 0], "no haze of what is gone");
    }
}
