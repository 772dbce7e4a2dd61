//! Recognises the format of a file by its first bytes.

use image::ImageFormat;

/// The content of a file by its signature.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    /// A supported format, and its name for messages.
    Photo(ImageFormat, &'static str),
    /// Another known kind of file, named with its article.
    Foreign(&'static str),
    /// Any other content.
    Unknown,
}

/// Kinds of files that are not supported: offset of the signature, signature, and name.
const FOREIGN: [(usize, &[u8], &str); 19] = [
    (4, b"ftyphe", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"ftypmsf1", "a HEIF picture"),
    (4, b"ftypcrx ", "a raw photo of a camera (CR3)"),
    (8, b"CR\x02\0", "a raw photo of a camera (CR2)"),
    (4, b"ftyp", "a video"),
    (0, b"\xFF\xD8\xFF\xF7", "a JPEG-LS picture"),
    (0, b"\xFF\x0A", "a JPEG XL picture"),
    (0, b"\0\0\0\x0CJXL \r\n\x87\n", "a JPEG XL picture"),
    (0, b"\0\0\0\x0CjP  \r\n\x87\n", "a JPEG 2000 picture"),
    (0, b"\xFF\x4F\xFF\x51", "a JPEG 2000 picture"),
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"%PDF", "a PDF document"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML document"),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the photo itself"),
];

/// Content of an AVIF file for this build.
const AVIF: Content = if cfg!(feature = "avif") {
    Content::Photo(ImageFormat::Avif, "AVIF")
} else if cfg!(feature = "native") {
    Content::Foreign("an AVIF picture (builds with `--features avif` read those)")
} else {
    Content::Foreign("an AVIF picture")
};

/// Recognises the content of `bytes`, whatever the file is called.
pub(super) fn of(bytes: &[u8]) -> Content {
    // BigTIFF counts as TIFF, though `image` does not recognise it.
    if bytes.starts_with(b"II\x2B\0") || bytes.starts_with(b"MM\0\x2B") {
        return Content::Photo(ImageFormat::Tiff, "TIFF");
    }
    if is_avif(bytes) {
        return AVIF;
    }
    let signed = |(at, signature, _): &&(usize, &[u8], &str)| {
        bytes.get(*at..).is_some_and(|rest| rest.starts_with(signature))
    };
    if let Some((_, _, kind)) = FOREIGN.iter().find(signed) {
        return Content::Foreign(kind);
    }
    let format = image::guess_format(bytes).ok();
    let named = format.and_then(|format| Some(Content::Photo(format, name(format)?)));
    named.unwrap_or(Content::Unknown)
}

fn is_avif(bytes: &[u8]) -> bool {
    let Some(kind) = bytes.get(4..11) else { return false };
    // A HEIF file lists its contents among the compatible brands; AVIF is what more programs read.
    let brands = bytes.get(8..64.min(bytes.len())).unwrap_or_default();
    kind == b"ftypavi" || kind.starts_with(b"ftypm") && brands.chunks_exact(4).any(|brand| brand == b"avif")
}

/// Returns the name of a supported format, for messages.
fn name(format: ImageFormat) -> Option<&'static str> {
    Some(match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Tiff => "TIFF",
        _ => return None,
    })
}
