//! YOLO's segmentation labels, as Ultralytics reads them.

use std::fmt::Write as _;

use super::labels::Labels;
use super::polygon::{Outline, joined, simple_parts};
use super::{ExportError, Object, PhotoInfo};

/// Returns a line per object: its label's index, and one polygon in shares of the photo's sides.
pub(super) fn label_file(photo: &PhotoInfo<'_>, objects: &[Object<'_>], labels: &mut Labels) -> Vec<u8> {
    let mut text = String::new();
    for object in objects {
        let corners = joined(simple_parts(object.mask, Outline::Centres));
        text += &labels.index(object.label).to_string();
        for [x, y] in corners {
            let _ = write!(text, " {:.6} {:.6}", x / photo.width as f64, y / photo.height as f64);
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// Returns `data.yaml`: the labels, and where the photos go.
pub(super) fn data_file(labels: &Labels) -> Result<Vec<u8>, ExportError> {
    let mut text =
        "# Put the photos into images/ beside labels/, under the names that their labels have.\n".to_owned();
    text += "path: .\ntrain: images\nval: images\nnames:\n";
    for (index, label) in labels.names().iter().enumerate() {
        // A JSON string is a valid YAML string.
        let _ = writeln!(text, "  {index}: {}", serde_json::to_string(label)?);
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::AnnotationFormat;
    use super::super::annotations::tests::written;
    use super::*;

    #[test]
    fn a_line_is_one_polygon_of_shares() {
        let text = written(AnnotationFormat::Yolo, "cup");
        assert_eq!(text.lines().count(), 1);
        let mut fields = text.split_whitespace();
        assert_eq!(fields.next(), Some("1"));
        let shares: Vec<f64> = fields.map(|field| field.parse().unwrap()).collect();
        assert!(
            shares.len() >= 6
                && shares.len().is_multiple_of(2)
                && shares.iter().all(|share| (0.0..=1.0).contains(share))
        );
        // The centre of the upper left pixel of the ring.
        assert!((shares[0] * 60.0 - 5.5).abs() < 1e-3 && (shares[1] * 40.0 - 4.5).abs() < 1e-3, "{text}");
    }

    #[test]
    fn labels_cannot_break_the_yaml() {
        let labels = Labels::new(&["a: b".to_owned(), "\"#\n".to_owned()]);
        let text = String::from_utf8(data_file(&labels).unwrap()).unwrap();
        assert!(text.ends_with("names:\n  0: \"a: b\"\n  1: \"\\\"#\\n\"\n"), "{text}");
    }
}
