//! Assembles pictures that are coded in tiles, as cameras write large ones.

use super::corrupt;
use super::frame::{Frame, Plane};
use crate::image::ImageError;
use crate::image::raster::check_size;

/// A grid of equally large tiles, of which the last ones may extend beyond the picture.
#[derive(Debug)]
pub(super) struct Grid {
    columns: usize,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Grid {
    /// Reads the grid of `tiles` tiles: version, flags, rows and columns less one, width and height.
    pub(super) fn parse(bytes: &[u8], tiles: usize) -> Result<Self, ImageError> {
        let (rows, columns, width, height) = match *bytes {
            [0, flags, rows, columns, a, b, c, d] if flags & 1 == 0 => {
                (rows, columns, u16::from_be_bytes([a, b]).into(), u16::from_be_bytes([c, d]).into())
            }
            [0, flags, rows, columns, a, b, c, d, e, f, g, h] if flags & 1 == 1 => {
                (rows, columns, u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
            }
            _ => return Err(corrupt("its tiles are not described")),
        };
        let (rows, columns) = (usize::from(rows) + 1, usize::from(columns) + 1);
        if rows * columns != tiles || width == 0 || height == 0 {
            return Err(corrupt(format!("{rows} rows of {columns} tiles, but {tiles} tiles")));
        }
        Ok(Self { columns, width, height })
    }

    /// Decodes the tiles and joins their planes, so that chroma is interpolated across the tiles' edges.
    pub(super) fn decode(&self, tiles: &[Vec<u8>], asks: bool, most: u64) -> Result<Frame, ImageError> {
        let mut whole: Option<Frame> = None;
        let mut size = (0, 0);
        for (index, tile) in tiles.iter().enumerate() {
            let tile = Frame::decode(tile, 0, asks, most)?;
            let frame = match &mut whole {
                Some(frame) => frame,
                None => {
                    size = (tile.width, tile.height);
                    whole.insert(self.empty(&tile, tiles.len().div_ceil(self.columns), most)?)
                }
            };
            let is_alike = (tile.width, tile.height) == size
                && (tile.bits, tile.planes.len(), tile.described)
                    == (frame.bits, frame.planes.len(), frame.described);
            if !is_alike {
                return Err(corrupt("tiles of several kinds"));
            }
            for (plane, part) in frame.planes.iter_mut().zip(&tile.planes) {
                place(plane, part, index % self.columns * part.width, index / self.columns * part.height);
            }
        }
        whole.ok_or_else(|| corrupt("no tiles"))
    }

    /// Returns an empty frame for tiles like the first one, after checking that they cover the picture.
    fn empty(&self, tile: &Frame, rows: usize, most: u64) -> Result<Frame, ImageError> {
        let (width, height) = (self.width as usize, self.height as usize);
        let reach = (tile.width * self.columns, tile.height * rows);
        let fits =
            |part: &Plane| tile.width.is_multiple_of(part.width) && tile.height.is_multiple_of(part.height);
        if !tile.planes.iter().all(fits) {
            return Err(corrupt("tiles of an odd number of pixels"));
        }
        // Tiles that lie wholly beyond the edge would only cost memory.
        if reach.0 < width
            || reach.1 < height
            || reach.0 >= width + tile.width
            || reach.1 >= height + tile.height
        {
            return Err(corrupt("its tiles do not cover it"));
        }
        check_size([reach.0 as u32, reach.1 as u32], most)?;
        let planes = tile.planes.iter().map(|part| {
            let scale =
                |side: usize, part: usize, tile: usize| if part < tile { side.div_ceil(2) } else { side };
            let (width, height) =
                (scale(width, part.width, tile.width), scale(height, part.height, tile.height));
            Plane { width, height, samples: vec![0; width * height] }
        });
        let Frame { bits, is_full_range, described, .. } = *tile;
        Ok(Frame { width, height, bits, planes: planes.collect(), is_full_range, described })
    }
}

/// Copies the part of `part` that lies within `plane`.
fn place(plane: &mut Plane, part: &Plane, left: usize, top: usize) {
    let width = part.width.min(plane.width.saturating_sub(left));
    for (y, row) in part.samples.chunks_exact(part.width).enumerate() {
        if top + y < plane.height && width > 0 {
            plane.samples[(top + y) * plane.width + left..][..width].copy_from_slice(&row[..width]);
        }
    }
}
