//! Means over the neighbourhood of every pixel, on a coarser grid than the photo's.

/// Values on a rectangle of a photo, one for each of its square cells.
#[derive(Debug, Clone)]
pub(crate) struct Cells<const C: usize> {
    /// Column and row of the rectangle's first pixel.
    from: [usize; 2],
    /// Side of a cell in pixels.
    side: usize,
    width: usize,
    /// Values in row-major order.
    values: Vec<[f32; C]>,
}

impl<const C: usize> Cells<C> {
    /// Computes the mean of `value(x, y)` over the pixels of every cell; cells of the last row and column may
    /// have fewer pixels.
    pub(crate) fn means_of(
        [left, top, width, height]: [usize; 4],
        side: usize,
        value: impl Fn(usize, usize) -> [f32; C],
    ) -> Self {
        let (columns, rows) = (width.div_ceil(side), height.div_ceil(side));
        let mut values = vec![[0.0; C]; columns * rows];
        for y in 0..height {
            let row = &mut values[y / side * columns..][..columns];
            for x in 0..width {
                let (mean, value) = (&mut row[x / side], value(left + x, top + y));
                (0..C).for_each(|channel| mean[channel] += value[channel]);
            }
        }
        for (at, mean) in values.iter_mut().enumerate() {
            let [across, down] = [(at % columns, width), (at / columns, height)]
                .map(|(cell, pixels)| side.min(pixels - cell * side));
            let count = (across * down) as f32;
            mean.iter_mut().for_each(|value| *value /= count);
        }
        Self { from: [left, top], side, width: columns, values }
    }

    /// Maps the values of every cell.
    pub(crate) fn map<const D: usize>(&self, value: impl Fn(&[f32; C]) -> [f32; D]) -> Cells<D> {
        let &Self { from, side, width, .. } = self;
        Cells { from, side, width, values: self.values.iter().map(value).collect() }
    }

    /// Returns the box mean of the cells at most `reach` rows and columns away, as far as the rectangle
    /// extends.
    pub(crate) fn around(&self, reach: usize) -> Self {
        let height = self.values.len() / self.width.max(1);
        let across = (0..height).map(|row| row * self.width).collect::<Vec<_>>();
        let once = self.means_along(&across, self.width, 1, reach);
        let down = (0..self.width).collect::<Vec<_>>();
        once.means_along(&down, height, self.width, reach)
    }

    /// Returns the mean of the cells at most `reach` away along lines of `length` cells, whose indices are
    /// `step` apart.
    fn means_along(&self, starts: &[usize], length: usize, step: usize, reach: usize) -> Self {
        let mut means = self.clone();
        for start in starts {
            let at = |index: usize| start + index * step;
            let mut sum = [0.0_f64; C];
            let change = |sum: &mut [f64; C], index: usize, sign: f64| {
                let value = &self.values[at(index)];
                (0..C).for_each(|channel| sum[channel] += sign * f64::from(value[channel]));
            };
            (0..reach.min(length)).for_each(|index| change(&mut sum, index, 1.0));
            for index in 0..length {
                if index + reach < length {
                    change(&mut sum, index + reach, 1.0);
                }
                if let Some(past) = index.checked_sub(reach + 1) {
                    change(&mut sum, past, -1.0);
                }
                let count = (index + reach + 1).min(length) - index.saturating_sub(reach);
                means.values[at(index)] = sum.map(|sum| (sum / count as f64) as f32);
            }
        }
        means
    }

    /// Returns the value of the cell that contains a pixel of the photo.
    pub(crate) fn cell(&self, x: usize, y: usize) -> &[f32; C] {
        let [column, row] = [x - self.from[0], y - self.from[1]].map(|pixel| pixel / self.side);
        &self.values[row * self.width + column]
    }

    /// Interpolates the values of the four cells around the centre of a pixel of the photo.
    pub(crate) fn at(&self, x: usize, y: usize) -> [f32; C] {
        let height = self.values.len() / self.width;
        let [(left, right, across), (above, below, down)] =
            [(x - self.from[0], self.width), (y - self.from[1], height)].map(|(pixel, cells)| {
                let place = ((pixel as f32 + 0.5) / self.side as f32 - 0.5).max(0.0);
                let before = (place as usize).min(cells - 1);
                (before, (before + 1).min(cells - 1), place - before as f32)
            });
        let cell = |column: usize, row: usize| &self.values[row * self.width + column];
        let corners = [cell(left, above), cell(right, above), cell(left, below), cell(right, below)];
        std::array::from_fn(|channel| {
            let [a, b, c, d] = corners.map(|corner| corner[channel]);
            let (upper, lower) = (a + across * (b - a), c + across * (d - c));
            upper + down * (lower - upper)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_of_all_pixels_around() {
        let value = |x: usize, y: usize| [(x * 7 + y * 3) as f32 % 11.0, y as f32];
        for (side, reach) in [(1, 0), (1, 2), (3, 1), (4, 9)] {
            let area = [5, 2, 14, 9];
            let cells = Cells::means_of(area, side, value);
            let means = cells.around(reach);
            let columns = 14_usize.div_ceil(side);
            let near = |at: usize, own: usize| at.abs_diff(own) <= reach;
            for (at, mean) in means.values.iter().enumerate() {
                let mut sum = [0.0, 0.0];
                let mut count = 0.0;
                for (other, cell) in cells.values.iter().enumerate() {
                    if near(other % columns, at % columns) && near(other / columns, at / columns) {
                        sum = [sum[0] + cell[0], sum[1] + cell[1]];
                        count += 1.0;
                    }
                }
                for channel in 0..2 {
                    assert!((mean[channel] - sum[channel] / count).abs() < 1e-4, "{side} {reach}");
                }
            }
        }
    }

    #[test]
    fn a_cell_is_the_mean_of_its_pixels_and_values_lie_between() {
        let cells = Cells::means_of([2, 1, 7, 5], 2, |x, y| [x as f32, y as f32]);
        assert_eq!(cells.values[0], [2.5, 1.5]);
        assert_eq!(cells.values[cells.values.len() - 1], [8.0, 5.0], "a cell of one pixel");
        assert_eq!(cells.cell(3, 2), &[2.5, 1.5]);
        assert_eq!(cells.cell(4, 5), &[4.5, 5.0]);
        assert_eq!(cells.at(2, 1), [2.5, 1.5], "no further than the first middle");
        assert_eq!(cells.at(4, 2), [4.0, 2.0]);
        assert_eq!(cells.at(6, 2), [6.0, 2.0], "past the first cell");
        assert_eq!(Cells::means_of([2, 1, 7, 5], 1, |x, y| [x as f32, y as f32]).at(6, 4), [6.0, 4.0]);
        assert_eq!(cells.map(|[x, y]| [x + y]).at(4, 2), [6.0]);
    }
}
