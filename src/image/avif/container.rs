//! Reads the boxes of an AVIF file.

use std::borrow::Cow;

use image::metadata::Orientation;
use zenavif_parse::{AvifParser, CleanAperture, ColorInformation, Error};

use super::described::Described;
use super::grid::Grid;
use super::{FORMAT, corrupt, unsupported};
use crate::image::ImageError;
use crate::image::raster::Raster;

/// A picture as its file stores it: coded frames, and how they are assembled and shown.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) width: u32,
    pub(super) height: u32,
    /// One coded frame, or the tiles of `grid`.
    pub(super) coded: Vec<Vec<u8>>,
    pub(super) grid: Option<Grid>,
    pub(super) alpha: Option<Vec<u8>>,
    pub(super) is_premultiplied: bool,
    pub(super) operating_point: u8,
    /// The description of the colours in the boxes; it takes precedence over that in the frames.
    pub(super) described: Option<Described>,
    /// The ICC profile.
    pub(super) profile: Option<Vec<u8>>,
    pub(super) aperture: Option<Aperture>,
    pub(super) orientation: Orientation,
}

const ALPHA: &[u8] = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha";
const PROFILES: [&[u8]; 2] = [b"colrprof", b"colrrICC"];
const CODE_POINTS: [&[u8]; 1] = [b"colrnclx"];

impl Container {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        let refused = |error: Error| refusal(&error);
        let bytes = with_brand(bytes);
        let parser = AvifParser::from_bytes(&bytes).map_err(|error| match is_cut(&bytes) {
            true => ImageError::Truncated { format: FORMAT },
            false => refusal(&error),
        })?;
        let first = parser.primary_data().map_err(refused)?;
        if first.is_empty() {
            return Err(unsupported("a sequence without a still picture"));
        }
        if parser.layer_selector().is_some_and(|layer| layer.layer_id != u16::MAX) {
            return Err(unsupported("one layer of several"));
        }
        let grid = parser.grid_config().map(|_| Grid::parse(&first, parser.grid_tile_count())).transpose()?;
        let (width, height, coded) = match &grid {
            Some(_) if finds(&bytes, &[ALPHA]) => return Err(unsupported("tiles with transparency")),
            Some(grid) => {
                let tiles =
                    (0..parser.grid_tile_count()).map(|tile| parser.tile_data(tile).map(Cow::into_owned));
                (grid.width, grid.height, tiles.collect::<Result<_, _>>().map_err(refused)?)
            }
            None => {
                let size = parser.primary_metadata().map_err(refused)?;
                (size.max_frame_width.get(), size.max_frame_height.get(), vec![first.into_owned()])
            }
        };
        let (described, profile) = colours(&bytes, &parser)?;
        let turns = parser.rotation().map_or(0, |rotation| rotation.angle / 90);
        Ok(Self {
            width,
            height,
            coded,
            grid,
            alpha: parser.alpha_data().transpose().map_err(refused)?.map(Cow::into_owned),
            is_premultiplied: parser.premultiplied_alpha(),
            operating_point: parser.operating_point().map_or(0, |point| point.op_index),
            described,
            profile,
            aperture: parser.clean_aperture().copied().map(Aperture),
            orientation: orientation(turns, parser.mirror().map(|mirror| mirror.axis)),
        })
    }
}

/// Puts the AVIF brand first, as the parser requires; some files have it only among the compatible brands.
fn with_brand(bytes: &[u8]) -> Cow<'_, [u8]> {
    const BRAND: std::ops::Range<usize> = 8..12;
    match bytes.get(BRAND) {
        Some(b"avif" | b"avis") | None => Cow::Borrowed(bytes),
        Some(_) => {
            let mut branded = bytes.to_vec();
            branded[BRAND].copy_from_slice(b"avif");
            Cow::Owned(branded)
        }
    }
}

/// Returns the code points and the ICC profile. A file may have both, of which the parser returns only the
/// first; so a copy is parsed again in which the first one's box is renamed.
fn colours(
    bytes: &[u8],
    parser: &AvifParser<'_>,
) -> Result<(Option<Described>, Option<Vec<u8>>), ImageError> {
    let Some(first) = parser.color_info() else { return Ok((None, None)) };
    let (known, other): (&[&[u8]], &[&[u8]]) = match first {
        ColorInformation::Nclx { .. } => (&CODE_POINTS, &PROFILES),
        ColorInformation::IccProfile(_) => (&PROFILES, &CODE_POINTS),
    };
    let mut second = None;
    if finds(bytes, other) {
        let mut hidden = bytes.to_vec();
        for at in 0..hidden.len() {
            if known.iter().any(|name| hidden[at..].starts_with(name)) {
                hidden[at..at + 4].copy_from_slice(b"free");
            }
        }
        second = AvifParser::from_bytes(&hidden).map_err(|error| refusal(&error))?.color_info().cloned();
    }
    let mut found = (None, None);
    for information in [Some(first.clone()), second].into_iter().flatten() {
        match information {
            ColorInformation::Nclx {
                color_primaries: primaries,
                transfer_characteristics: transfer,
                matrix_coefficients: matrix,
                full_range: is_full_range,
            } => found.0 = Some(Described { primaries, transfer, matrix, is_full_range }),
            ColorInformation::IccProfile(profile) => found.1 = Some(profile),
        }
    }
    Ok(found)
}

fn finds(bytes: &[u8], names: &[&[u8]]) -> bool {
    names.iter().any(|name| bytes.windows(name.len()).any(|window| window == *name))
}

/// Returns the orientation of a number of quarter turns to the left, followed by a mirror that swaps top and
/// bottom (axis 0) or left and right (axis 1).
fn orientation(left_turns: u16, axis: Option<u8>) -> Orientation {
    use Orientation::{
        FlipHorizontal, FlipVertical, NoTransforms, Rotate90, Rotate90FlipH, Rotate180, Rotate270,
        Rotate270FlipH,
    };
    let turned = usize::from(left_turns % 4);
    match axis {
        None => [NoTransforms, Rotate270, Rotate180, Rotate90][turned],
        Some(0) => [FlipVertical, Rotate90FlipH, FlipHorizontal, Rotate270FlipH][turned],
        Some(_) => [FlipHorizontal, Rotate270FlipH, FlipVertical, Rotate90FlipH][turned],
    }
}

/// The visible part of a picture (clean aperture).
#[derive(Debug, Clone, Copy)]
pub(super) struct Aperture(CleanAperture);

impl Aperture {
    pub(super) fn crop(self, mut raster: Raster) -> Result<Raster, ImageError> {
        let Self(clap) = self;
        let across = span(raster.width, (clap.width_n, clap.width_d), (clap.horiz_off_n, clap.horiz_off_d));
        let down = span(raster.height, (clap.height_n, clap.height_d), (clap.vert_off_n, clap.vert_off_d));
        let (Some((left, width)), Some((top, height))) = (across, down) else {
            return Err(unsupported("a crop that is not of whole pixels within the picture"));
        };
        let channels = raster.channels.count();
        let rows = raster.bytes.chunks_exact(raster.width as usize * channels);
        let kept = rows.skip(top as usize).take(height as usize);
        raster.bytes = kept
            .flat_map(|row| &row[left as usize * channels..][..width as usize * channels])
            .copied()
            .collect();
        (raster.width, raster.height) = (width, height);
        Ok(raster)
    }
}

/// Returns the start of the crop along one side, and its length; `offset` is the distance of the crop's
/// centre from that of the side.
fn span(side: u32, length: (u32, u32), offset: (i32, u32)) -> Option<(u32, u32)> {
    let whole = |numerator: i64, denominator: u32| {
        let denominator = i64::from(denominator);
        (denominator != 0 && numerator % denominator == 0).then(|| numerator / denominator)
    };
    let length = whole(length.0.into(), length.1)?;
    let twice = i64::from(side) - length + whole(2 * i64::from(offset.0), offset.1)?;
    let is_within = twice % 2 == 0 && twice >= 0 && length > 0 && twice / 2 + length <= side.into();
    is_within.then(|| Some((u32::try_from(twice / 2).ok()?, u32::try_from(length).ok()?)))?
}

/// Returns whether the file ends before its last box does.
fn is_cut(mut bytes: &[u8]) -> bool {
    while let Some((head, _)) = bytes.split_first_chunk::<8>() {
        let length = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            // A length of 0 means that the box extends to the end of the file.
            0 => return false,
            1 => bytes.get(8..16).and_then(|long| long.try_into().ok()).map_or(u64::MAX, u64::from_be_bytes),
            length => length.into(),
        };
        match usize::try_from(length).ok().and_then(|length| bytes.get(length.max(8)..)) {
            Some(rest) => bytes = rest,
            None => return true,
        }
    }
    !bytes.is_empty()
}

fn refusal(error: &Error) -> ImageError {
    match error {
        Error::UnexpectedEOF => ImageError::Truncated { format: FORMAT },
        Error::Unsupported(reason) | Error::ResourceLimitExceeded(reason) => unsupported(reason),
        error => corrupt(error.to_string()),
    }
}
