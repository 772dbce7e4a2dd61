//! SVG drawings of a photo's objects.

use std::fmt::Write as _;

use super::{Object, PhotoInfo};
use crate::instance::colour;
use crate::mask::BinaryMask;
use crate::text::markup;

/// Returns an SVG of the photo's size with a path per object, the first on top.
pub(super) fn drawing(photo: &PhotoInfo<'_>, objects: &[Object<'_>]) -> Vec<u8> {
    let PhotoInfo { name, width, height } = photo;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n"
    );
    let _ = writeln!(text, "<title>{}</title>", markup(name));
    for object in objects.iter().rev() {
        let Object { number, label, score, mask, .. } = object;
        let ([r, g, b], label) = (colour(number - 1), markup(label));
        let _ = writeln!(
            text,
            "<path id=\"object-{number}\" data-label=\"{label}\" data-score=\"{score}\" fill=\"#{r:02x}{g:02x}{b:02x}\" \
             fill-opacity=\"0.6\" fill-rule=\"evenodd\" d=\"{}\"><title>{label}</title></path>",
            path(mask)
        );
    }
    (text + "</svg>\n").into_bytes()
}

/// Returns all contours of a mask as path commands.
fn path(mask: &BinaryMask) -> String {
    let mut text = String::new();
    for contour in mask.contours() {
        for (index, [x, y]) in contour.corners.iter().enumerate() {
            let _ = match index {
                0 => write!(text, "M{x} {y}"),
                across if across % 2 == 1 => write!(text, "H{x}"),
                _ => write!(text, "V{y}"),
            };
        }
        text.push('Z');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::AnnotationFormat;
    use super::super::annotations::tests::written;

    #[test]
    fn a_path_follows_outline_hole_and_parts() {
        let text = written(AnnotationFormat::Svg, "a \"cup\"");
        let d = "fill-rule=\"evenodd\" d=\"M5 4H35V34H5ZM45 10H55V30H45ZM14 25H24V12H14Z\"";
        assert!(text.contains(d) && text.contains("data-label=\"a &quot;cup&quot;\""), "{text}");
    }
}
