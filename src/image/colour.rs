//! Converts colours by ICC profiles to sRGB.

use moxcms::{CmsError, ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};
use std::sync::Arc;

use super::channels::Channels;

/// Profiles that change no colour by more than this are taken for sRGB itself.
const SAME: u8 = 2;

/// Converts `pixels` to sRGB by their ICC profile.
///
/// # Errors
/// The reason in words why the profile cannot be used; nothing is changed then.
pub(super) fn apply(profile: &[u8], layout: &mut Channels, pixels: &mut Vec<u8>) -> Result<(), String> {
    let profile = ColorProfile::new_from_slice(profile).map_err(|error| error.to_string())?;
    let space = profile.color_space;
    // An RGB profile may belong to a grey photo, whose red, green and blue are equal.
    let expanded = match (space, *layout) {
        (DataColorSpace::Rgb, Channels::Grey) => {
            Some((Channels::Rgb, pixels.iter().flat_map(|grey| [*grey; 3]).collect()))
        }
        (DataColorSpace::Rgb, Channels::GreyAlpha) => {
            let pairs = pixels.as_chunks().0.iter();
            Some((
                Channels::RgbAlpha,
                pairs.flat_map(|[grey, alpha]| [*grey, *grey, *grey, *alpha]).collect(),
            ))
        }
        _ => None,
    };
    let (channels, bytes) =
        expanded.as_ref().map_or((*layout, &*pixels), |(channels, bytes)| (*channels, bytes));
    let (from, to, becomes) = match (space, channels) {
        (DataColorSpace::Rgb, Channels::Rgb) => (Layout::Rgb, Layout::Rgb, Channels::Rgb),
        (DataColorSpace::Rgb, Channels::RgbAlpha) => (Layout::Rgba, Layout::Rgba, Channels::RgbAlpha),
        (DataColorSpace::Gray, Channels::Grey) => (Layout::Gray, Layout::Rgb, Channels::Rgb),
        (DataColorSpace::Gray, Channels::GreyAlpha) => (Layout::GrayAlpha, Layout::Rgba, Channels::RgbAlpha),
        (DataColorSpace::Cmyk, Channels::Cmyk) => (Layout::Rgba, Layout::Rgb, Channels::Rgb),
        _ => return Err(format!("it is for {space:?} colours, which the photo does not have")),
    };
    let transform = transform(&profile, from, to).map_err(|error| error.to_string())?;
    if space == DataColorSpace::Rgb && is_srgb(&profile).map_err(|error| error.to_string())? {
        return Ok(());
    }
    let mut converted = vec![0; bytes.len() / channels.count() * becomes.count()];
    transform.transform(bytes, &mut converted).map_err(|error| error.to_string())?;
    (*layout, *pixels) = (becomes, converted);
    Ok(())
}

fn transform(
    profile: &ColorProfile,
    from: Layout,
    to: Layout,
) -> Result<Arc<Transform8BitExecutor>, CmsError> {
    profile.create_transform_8bit(from, &ColorProfile::new_srgb(), to, TransformOptions::default())
}

/// Returns whether the profile leaves colours as they are. Most photos have one of the many profiles of sRGB,
/// and their pixels should equal those of programs that ignore profiles.
fn is_srgb(profile: &ColorProfile) -> Result<bool, CmsError> {
    let steps = || (0..=255_u8).step_by(15);
    let colours: Vec<u8> =
        steps().flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b]))).collect();
    let mut converted = vec![0; colours.len()];
    transform(profile, Layout::Rgb, Layout::Rgb)?.transform(&colours, &mut converted)?;
    Ok(colours.iter().zip(&converted).all(|(before, after)| before.abs_diff(*after) <= SAME))
}
