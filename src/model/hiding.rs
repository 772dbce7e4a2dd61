//! Sampling of the patches that a masked autoencoder hides.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::PatchMask;

/// Minimum number of patches of a hidden block, and the range of its aspect ratio (`BEiT`,
/// <https://arxiv.org/abs/2106.08254> §2.3).
const SMALLEST_BLOCK: usize = 16;
const ASPECT: (f64, f64) = (0.3, 1.0 / 0.3);

/// Number of patches of a square.
const SQUARE: usize = 4;

/// How hidden patches are sampled (MAE, <https://arxiv.org/abs/2111.06377> §4.1 and Figure 6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "native", derive(clap::ValueEnum))]
pub enum MaskSampling {
    /// Patches chosen uniformly at random.
    #[default]
    Random,
    /// Large rectangular blocks of patches.
    Block,
    /// All but one patch of every 2×2 square.
    ///
    /// If more or less than a quarter is to be visible, the rest is random.
    Grid,
    /// Squares of 2×2 patches, chosen uniformly at random.
    ///
    /// As in `SimMIM` (<https://arxiv.org/abs/2111.09886> §3.2); squares stay whole on a grid of even
    /// sides, so up to three more patches are hidden.
    Squares,
}

impl MaskSampling {
    /// Draws masks for images of `grid`×`grid` patches with `num_visible` visible ones, each from its own
    /// random numbers.
    #[must_use]
    pub fn draw<R: Rng>(
        self,
        of_images: impl IntoIterator<Item = R>,
        grid: usize,
        num_visible: usize,
    ) -> PatchMask {
        let num_visible = match self {
            // A grid of two has a single square, which has to be partly visible.
            Self::Squares if grid.is_multiple_of(2) && grid > 2 => {
                (num_visible / SQUARE * SQUARE).max(SQUARE)
            }
            _ => num_visible,
        };
        let noise: Vec<Vec<f32>> =
            of_images.into_iter().map(|mut rng| self.noise(&mut rng, grid, num_visible)).collect();
        PatchMask::from_noise(&noise, num_visible)
    }

    /// Returns a number per patch: patches with the smallest numbers are visible. It is below 1 wherever the
    /// pattern does not hide the patch.
    fn noise(self, rng: &mut impl Rng, grid: usize, num_visible: usize) -> Vec<f32> {
        let mut noise: Vec<f32> = (0..grid * grid).map(|_| rng.random()).collect();
        let hidden: Vec<usize> = match self {
            Self::Random => Vec::new(),
            Self::Block => blocks(rng, grid, grid * grid - num_visible),
            Self::Grid => (0..grid * grid).filter(|i| i / grid % 2 == 1 || i % grid % 2 == 1).collect(),
            Self::Squares => {
                let corner = |patch: usize| patch - patch / grid % 2 * grid - patch % grid % 2;
                return (0..grid * grid).map(|patch| noise[corner(patch)]).collect();
            }
        };
        hidden.into_iter().for_each(|patch| noise[patch] += 1.0);
        noise
    }
}

/// Returns exactly `wanted` patches, hidden block after block; the last block may stay incomplete.
fn blocks(rng: &mut impl Rng, grid: usize, wanted: usize) -> Vec<usize> {
    let mut is_hidden = vec![false; grid * grid];
    let mut hidden = Vec::with_capacity(wanted);
    while hidden.len() < wanted {
        let smallest = SMALLEST_BLOCK.min(grid * grid);
        let area = rng.random_range(smallest..=(wanted - hidden.len()).max(smallest)) as f64;
        let aspect = rng.random_range(ASPECT.0.ln()..=ASPECT.1.ln()).exp();
        let side = |length: f64| (length.round() as usize).clamp(1, grid);
        let (height, width) = (side((area * aspect).sqrt()), side((area / aspect).sqrt()));
        let (top, left) = (rng.random_range(0..=grid - height), rng.random_range(0..=grid - width));
        for patch in (0..height * width).map(|i| (top + i / width) * grid + left + i % width) {
            if hidden.len() < wanted && !std::mem::replace(&mut is_hidden[patch], true) {
                hidden.push(patch);
            }
        }
    }
    hidden
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const GRID: usize = 14;

    fn hidden(sampling: MaskSampling, num_visible: usize) -> Vec<Vec<bool>> {
        let mask = sampling.draw((0..20).map(ChaCha8Rng::seed_from_u64), GRID, num_visible);
        let hides = |row: &Vec<usize>| row.iter().map(|&place| place >= mask.num_visible()).collect();
        mask.ids_restore.iter().map(hides).collect()
    }

    /// Returns the share of horizontally neighbouring patches that are both hidden or both visible.
    fn alike(rows: &[Vec<bool>]) -> f64 {
        let pairs = rows.iter().flat_map(|row| row.chunks(GRID)).flat_map(|line| line.windows(2));
        pairs.clone().filter(|pair| pair[0] == pair[1]).count() as f64 / pairs.count() as f64
    }

    #[test]
    fn every_way_hides_exactly_as_much_or_whole_squares() {
        for sampling in [MaskSampling::Random, MaskSampling::Block, MaskSampling::Grid, MaskSampling::Squares]
        {
            for (visible, whole_squares) in [(1, 4), (49, 48), (78, 76), (98, 96), (190, 188)] {
                let expected = if sampling == MaskSampling::Squares { whole_squares } else { visible };
                let seen = |row: &Vec<bool>| row.iter().filter(|hidden| !**hidden).count();
                assert!(hidden(sampling, visible).iter().all(|row| seen(row) == expected), "{sampling:?}");
            }
        }
    }

    #[test]
    fn of_a_single_square_a_part_is_hidden() {
        let mask = MaskSampling::Squares.draw([ChaCha8Rng::seed_from_u64(0)], 2, 1);
        assert_eq!((mask.num_visible(), mask.ids_restore[0].len()), (1, 4));
    }

    #[test]
    fn what_is_hidden_of_an_image_does_not_depend_on_those_beside_it() {
        let drawn = |seeds: [u64; 2]| {
            MaskSampling::Random.draw(seeds.map(ChaCha8Rng::seed_from_u64), GRID, 49).ids_keep
        };
        assert_eq!(drawn([1, 2])[1], drawn([2, 3])[0]);
        assert_ne!(drawn([1, 2])[0], drawn([1, 2])[1]);
    }

    #[test]
    fn blocks_cluster_and_grids_alternate() {
        let of = |sampling| alike(&hidden(sampling, 98));
        assert!((of(MaskSampling::Random) - 0.5).abs() < 0.03);
        assert!(of(MaskSampling::Block) > 0.75, "{}", of(MaskSampling::Block));
        let squares = &hidden(MaskSampling::Squares, 80)[0];
        assert!((0..GRID * GRID).all(|i| squares[i] == squares[i - i / GRID % 2 * GRID - i % 2]));
        let quarter = &hidden(MaskSampling::Grid, 49)[0];
        assert!((0..GRID * GRID).all(|i| quarter[i] == (i / GRID % 2 == 1 || i % GRID % 2 == 1)));
    }
}
