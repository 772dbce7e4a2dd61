//! Tests on photos of every kind, generated here.

use std::io::Cursor;

use image::codecs::png::PngEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat};

use super::{ImageError, ImageNote, RgbImage};

fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn gradient(width: u32, height: u32) -> DynamicImage {
    image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7])).into()
}

/// A JPEG with an EXIF block that holds nothing but the orientation.
fn jpeg_turned(image: &DynamicImage, orientation: u8) -> Vec<u8> {
    let plain = encode(image, ImageFormat::Jpeg);
    let mut exif = b"\xFF\xE1\x00\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    [&plain[..2], &exif, &plain[2..]].concat()
}

#[test]
fn lossless_formats_keep_every_pixel() {
    let photo = gradient(31, 17);
    let expected = photo.to_rgb8().into_raw();
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
        let decoded = RgbImage::decode(&encode(&photo, format)).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (31, 17), "{format:?}");
        assert_eq!(decoded.pixels(), expected, "{format:?}");
    }
}

#[test]
fn depth_and_grey_and_alpha_become_rgb() {
    let deep = image::ImageBuffer::from_pixel(2, 2, image::Rgb([65535_u16, 257 * 10, 0]));
    let decoded = RgbImage::decode(&encode(&DynamicImage::ImageRgb16(deep), ImageFormat::Png)).unwrap();
    assert_eq!(decoded.pixels()[..3], [255, 10, 0]);

    let grey = image::GrayImage::from_pixel(1, 1, image::Luma([9]));
    let decoded = RgbImage::decode(&encode(&grey.into(), ImageFormat::Png)).unwrap();
    assert_eq!(decoded.pixels(), [9, 9, 9]);

    let glass =
        image::RgbaImage::from_fn(2, 1, |x, _| image::Rgba([100, 0, 0, if x == 0 { 0 } else { 128 }]));
    let decoded = RgbImage::decode(&encode(&glass.into(), ImageFormat::Png)).unwrap();
    assert_eq!(decoded.pixels(), [255, 255, 255, 177, 127, 127]);
}

#[test]
fn exif_orientation_turns_the_photo_upright() {
    let half = image::RgbImage::from_fn(32, 16, |x, _| image::Rgb([if x < 16 { 255 } else { 0 }; 3]));
    let upright = RgbImage::decode(&jpeg_turned(&half.into(), 6)).unwrap();
    assert_eq!((upright.width(), upright.height()), (16, 32));
    assert!(upright.pixels()[0] > 240, "the left half is on top after a quarter turn clockwise");
    assert!(upright.pixels()[31 * 16 * 3] < 15);
}

#[test]
fn bad_files_are_told_apart() {
    assert_eq!(RgbImage::decode(b""), Err(ImageError::Empty));
    assert_eq!(RgbImage::decode(b"dear diary"), Err(ImageError::UnknownFormat));
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        let whole = encode(&gradient(64, 64), format);
        for cut in [whole.len() / 2, whole.len() * 9 / 10] {
            assert!(RgbImage::decode(&whole[..cut]).is_err(), "{format:?} cut at {cut} of {}", whole.len());
        }
    }
    let jpeg = encode(&gradient(64, 64), ImageFormat::Jpeg);
    let error = RgbImage::decode(&jpeg[..jpeg.len() - 9]).unwrap_err();
    assert_eq!(error, ImageError::Truncated { format: "JPEG" });
}

#[test]
fn the_size_is_refused_from_the_header_alone() {
    let mut bmp = encode(&gradient(1, 1), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&12_000_i32.to_le_bytes());
    bmp[22..26].copy_from_slice(&9_000_i32.to_le_bytes());
    let error = RgbImage::decode(&bmp).unwrap_err();
    assert_eq!(
        error.to_string(),
        "too large: 12000 × 9000 = 108 megapixels; the limit is 64; make it smaller and try again"
    );
}

#[test]
fn another_limit_is_kept_to_the_pixel() {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    for format in [Bmp, Gif, Jpeg, Png, Tiff, WebP] {
        let bytes = encode(&gradient(9, 5), format);
        assert!(RgbImage::decode_up_to(45, &bytes).is_ok(), "{format:?}");
        let error = RgbImage::decode_up_to(44, &bytes).unwrap_err();
        assert_eq!(error, ImageError::TooLarge { width: 9, height: 5, most: 44 }, "{format:?}");
    }
}

#[test]
fn no_prefix_or_flipped_byte_panics() {
    for format in
        [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Tiff]
    {
        let whole = encode(&gradient(9, 5), format);
        // A panic becomes the error of its photo, but decoders should not rely on that.
        let fails = |bytes: &[u8]| matches!(RgbImage::decode(bytes), Err(ImageError::DecoderFailed { .. }));
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x55;
            assert!(!fails(&whole[..at]) && !fails(&flipped), "{format:?} at {at}");
        }
    }
}

#[test]
fn one_pixel_is_a_photo_and_none_is_not() {
    assert_eq!(RgbImage::decode(&encode(&gradient(1, 1), ImageFormat::Png)).unwrap().pixels(), [0, 0, 7]);
    assert!(RgbImage::new(0, 0, vec![]).is_err());
    assert!(RgbImage::new(2, 1, vec![0; 5]).is_err());
}

#[test]
fn a_jpeg_that_lacks_only_its_end_marker_is_drawn_with_a_note() {
    let whole = encode(&gradient(64, 48), ImageFormat::Jpeg);
    let (photo, notes) = RgbImage::decode_with_notes(&whole[..whole.len() - 2]).unwrap();
    assert_eq!(photo, RgbImage::decode(&whole).unwrap());
    assert_eq!(notes, [ImageNote::NoEndMarker]);
    assert_eq!(RgbImage::decode_with_notes(&whole).unwrap().1, []);
}

#[test]
fn rare_kinds_are_not_called_damaged() {
    let mut jpeg = encode(&gradient(8, 8), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 1] = 0xC9;
    let error = RgbImage::decode(&jpeg).unwrap_err().to_string();
    assert_eq!(error, "this kind of JPEG is not supported (arithmetic coding): export it as JPEG or PNG");

    let mut tiff = encode(&gradient(8, 8), ImageFormat::Tiff);
    // Photometric interpretation 8 is CIE L*a*b*.
    let tag = tiff.windows(4).position(|tag| tag == [6, 1, 3, 0]).unwrap();
    tiff[tag + 8] = 8;
    let error = RgbImage::decode(&tiff).unwrap_err();
    assert!(matches!(error, ImageError::Unsupported { format: "TIFF", .. }), "{error}");
}

/// Returns a TIFF of 3 × 1 pixels that are indices into a palette.
fn listed(
    bits: u16,
    colours: &[[u16; 3]],
    row: &[u8],
    short: fn(u16) -> [u8; 2],
    long: fn(u32) -> [u8; 4],
) -> Vec<u8> {
    let count = 1_usize << bits;
    let value =
        |channel: usize| (0..count).map(move |place| colours.get(place).map_or(0, |colour| colour[channel]));
    let list: Vec<u8> = (0..3).flat_map(value).flat_map(short).collect();
    let one = |tag: u16, value: u16| [&short(tag)[..], &short(3), &long(1), &short(value), &[0, 0]].concat();
    let at = |tag: u16, count: usize, place: u32| {
        [&short(tag)[..], &short(3), &long(count as u32), &long(place)].concat()
    };
    let entries = [
        one(256, 3),
        one(257, 1),
        one(258, bits),
        one(259, 1),
        one(262, 3),
        one(273, 8),
        one(277, 1),
        one(278, 1),
        one(279, row.len() as u16),
        at(320, list.len() / 2, 14),
    ];
    let order = if short(1) == [1, 0] { b"II" } else { b"MM" };
    let directory = 14 + list.len() as u32;
    let pixels = [row, &[0; 6]].concat();
    [
        &order[..],
        &short(42),
        &long(directory),
        &pixels[..6],
        &list,
        &short(entries.len() as u16),
        &entries.concat(),
        &[0; 4],
    ]
    .concat()
}

#[test]
fn lists_of_colours_are_looked_up() {
    let colours = [[0xFF00, 0x1234, 0], [0, 0x8000, 0xFFFF], [256, 512, 768], [0x0100, 0, 0]];
    let expected = [255, 0x12, 0, 1, 0, 0, 0, 128, 255];
    for (bits, row) in [(8, &[0, 3, 1][..]), (4, &[0x03, 0x10]), (2, &[0b0011_0100])] {
        let little = listed(bits, &colours, row, u16::to_le_bytes, u32::to_le_bytes);
        assert_eq!(RgbImage::decode(&little).unwrap().pixels(), expected, "{bits} bits");
        let big = listed(bits, &colours, row, u16::to_be_bytes, u32::to_be_bytes);
        assert_eq!(RgbImage::decode(&big).unwrap().pixels(), expected, "{bits} bits");
    }
    let bytes = listed(1, &[[1, 2, 3], [200, 100, 50]], &[0b0100_0000], u16::to_le_bytes, u32::to_le_bytes);
    let pixels = RgbImage::decode(&bytes).unwrap();
    assert_eq!(pixels.pixels(), [1, 2, 3, 200, 100, 50, 1, 2, 3], "written as bytes");
    let whole = listed(8, &colours, &[0, 3, 1], u16::to_le_bytes, u32::to_le_bytes);
    assert!((0..whole.len() - 4).all(|end| RgbImage::decode(&whole[..end]).is_err()));
}

#[test]
fn other_formats_are_named_with_what_to_do() {
    for (bytes, name) in [
        (&b"\0\0\0\x1cftypheic\0\0\0\0mif1heic"[..], "a HEIC picture"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "a HEIF picture"),
        (b"\xFF\x0A\x7F\x02", "a JPEG XL picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
        (b"\0\0\x01\0\x01\0", "an icon"),
        (b"\0\0\0\x18ftypmp42", "a video"),
        (b"<!DOCTYPE html>", "a web page"),
    ] {
        let error = RgbImage::decode(bytes).unwrap_err().to_string();
        let expected =
            format!("this is {name}, which is not supported: export it as JPEG, PNG, WebP, GIF, BMP or TIFF");
        assert_eq!(error, expected);
    }
}

#[test]
fn avif_pictures_are_known_by_any_of_their_brands() {
    for bytes in [&b"\0\0\0\x20ftypavif\0\0\0\0avifmif1"[..], b"\0\0\0\x20ftypmif1\0\0\0\0avifmif1"] {
        let error = RgbImage::decode(bytes).unwrap_err();
        assert_eq!(RgbImage::is_known(bytes), cfg!(feature = "avif"));
        assert!(error.to_string().contains("AVIF"), "{error}");
        assert_eq!(matches!(error, ImageError::ForeignFormat { .. }), !cfg!(feature = "avif"), "{error}");
    }
}

/// Returns a bitmap of 2 × 1 pixels with four bytes each, blue first; `masks` are those of red, green, blue
/// and alpha.
fn bitmap(pixels: [[u8; 4]; 2], masks: Option<[u32; 4]>) -> Vec<u8> {
    let header: u32 = if masks.is_some() { 108 } else { 40 };
    let mut bytes = b"BM".to_vec();
    bytes.extend([14 + header + 8, 0, 14 + header, header, 2, 1].map(u32::to_le_bytes).concat());
    bytes.extend([1, 0, 32, 0]);
    bytes.extend([if masks.is_some() { 3_u32 } else { 0 }, 8, 0, 0, 0, 0].map(u32::to_le_bytes).concat());
    bytes.extend(masks.into_iter().flat_map(|masks| masks.map(u32::to_le_bytes).concat()));
    bytes.resize(14 + header as usize, 0);
    bytes.extend(pixels.concat());
    bytes
}

#[test]
fn a_bitmap_that_would_be_invisible_is_opaque() {
    let masks = Some([0x00FF_0000, 0xFF00, 0xFF, 0xFF00_0000]);
    for masks in [None, masks] {
        let photo = RgbImage::decode(&bitmap([[10, 20, 30, 0], [0, 0, 200, 0]], masks)).unwrap();
        assert_eq!(photo.pixels(), [30, 20, 10, 200, 0, 0], "{masks:?}");
    }
    let photo = RgbImage::decode(&bitmap([[10, 20, 30, 0], [0, 0, 200, 255]], masks)).unwrap();
    assert_eq!(photo.pixels(), [255, 255, 255, 200, 0, 0], "alpha that is used counts");
}

#[test]
fn a_damaged_colour_profile_is_noted_and_the_photo_is_drawn() {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(b"no profile".to_vec()).unwrap();
    encoder.write_image(&[1, 2, 3], 1, 1, ExtendedColorType::Rgb8).unwrap();
    let (photo, notes) = RgbImage::decode_with_notes(&bytes.into_inner()).unwrap();
    assert_eq!(photo.pixels(), [1, 2, 3]);
    assert!(matches!(notes.as_slice(), [ImageNote::ProfileIgnored { .. }]), "{notes:?}");
}

#[cfg(feature = "native")]
#[test]
fn transparency_is_kept_where_it_is_asked_for() {
    let glass = image::RgbaImage::from_pixel(1, 1, image::Rgba([100, 0, 0, 128]));
    let decoded = super::decode_rgba(&encode(&glass.clone().into(), ImageFormat::Png)).unwrap();
    assert_eq!(decoded, glass);
    let decoded = super::decode_rgba(&encode(&gradient(1, 1), ImageFormat::Png)).unwrap();
    assert_eq!(decoded.into_raw(), [0, 0, 7, 255]);
}
