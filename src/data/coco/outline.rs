//! Outlines of objects in COCO's forms, and the masks that they describe.

use serde_json::{Map, Value};

use super::OutlineError;
use super::entry::number;
use crate::image::MAX_PIXELS;
use crate::mask::{MaskError, Rle};

/// The outline of an object in one of COCO's three forms.
#[derive(Debug, Clone, PartialEq)]
pub enum Segmentation {
    /// Polygons of vertices `x, y, x, y, …` in pixels; the outline is their union.
    Polygons(Vec<Vec<f64>>),
    /// A compressed run-length encoding.
    Compressed {
        /// Height and width.
        size: [usize; 2],
        /// The compressed text.
        counts: String,
    },
    /// An uncompressed run-length encoding.
    Runs(Rle),
    /// No outline; the annotation has at most a box.
    Missing,
}

/// Number of values in a polygon of three vertices.
const THREE_CORNERS: usize = 6;

/// Vertices more than this many photo sides away are refused: filling walks every edge pixel by pixel.
const REACH: f64 = 16.0;

impl Segmentation {
    /// Reads an outline; also returns the number of parts with fewer than three vertices that were left out
    /// beside valid ones.
    pub(crate) fn read(value: Option<&Value>) -> Result<(Self, usize), String> {
        match value {
            None => Ok((Self::Missing, 0)),
            Some(Value::Array(parts)) if parts.iter().all(is_empty) => Ok((Self::Missing, 0)),
            Some(Value::Array(parts)) => {
                let mut polygons = parts.iter().map(polygon).collect::<Result<Vec<_>, _>>()?;
                let all = polygons.len();
                if polygons.iter().any(|polygon| polygon.len() >= THREE_CORNERS) {
                    polygons.retain(|polygon| polygon.len() >= THREE_CORNERS || polygon.len() % 2 != 0);
                }
                let left_out = all - polygons.len();
                Ok((Self::Polygons(polygons), left_out))
            }
            Some(Value::Object(keys)) => Ok((runs(keys)?, 0)),
            Some(_) => Err("`segmentation` is neither polygons nor run lengths with their size".to_owned()),
        }
    }

    /// Returns the mask of a `width` × `height` photo; polygons are filled exactly as `pycocotools` fills
    /// them.
    ///
    /// # Errors
    ///
    /// A malformed run-length encoding, vertices that are not finite pairs, or a mask that does not fit the
    /// photo.
    pub fn to_rle(&self, width: usize, height: usize) -> Result<Rle, OutlineError> {
        if width.saturating_mul(height) as u64 > MAX_PIXELS {
            return Err(OutlineError::TooLarge { width, height });
        }
        let rle = match self {
            Self::Polygons(polygons) => fill(polygons, width, height)?,
            Self::Compressed { size, counts } => Rle::from_coco_string(*size, counts)?,
            Self::Runs(rle) => rle.clone(),
            Self::Missing => return Err(OutlineError::Missing),
        };
        if rle.size != [height, width] {
            return Err(OutlineError::Size { size: rle.size, width, height });
        }
        let covered = rle.counts.iter().map(|&run| u64::from(run)).sum();
        if covered != (width * height) as u64 {
            return Err(MaskError::WrongCover { covered, width, height }.into());
        }
        Ok(rle)
    }
}

fn is_empty(part: &Value) -> bool {
    matches!(part, Value::Array(numbers) if numbers.is_empty())
}

/// Reads the values of a polygon, whose vertices may also be pairs.
fn polygon(part: &Value) -> Result<Vec<f64>, String> {
    let Value::Array(corners) = part else {
        return Err(
            "`segmentation` is a list, but not of polygons: each is a list of its own, [[x, y, x, y, …]]"
                .to_owned(),
        );
    };
    let pairs = corners.iter().flat_map(|corner| match corner {
        Value::Array(pair) if pair.len() == 2 => pair.as_slice(),
        corner => std::slice::from_ref(corner),
    });
    pairs
        .map(|corner| {
            number(corner)
                .ok_or_else(|| format!("`segmentation` has a corner {corner}, which is not a number"))
        })
        .collect()
}

fn runs(keys: &Map<String, Value>) -> Result<Segmentation, String> {
    let whole =
        |value: &Value| number(value).filter(|n| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(n));
    let list = |key: &str| -> Option<Vec<f64>> { keys.get(key)?.as_array()?.iter().map(whole).collect() };
    let wrong = |key: &str, wanted: &str| format!("`segmentation` has no `{key}` that is {wanted}");
    let size = list("size").and_then(|size| <[f64; 2]>::try_from(size).ok());
    let size = size.ok_or_else(|| wrong("size", "[height, width]"))?.map(|side| side as usize);
    match keys.get("counts") {
        Some(Value::String(text)) if text.starts_with("b'") || text.starts_with("b\"") => {
            Err("`segmentation` has `counts` with Python's b'…' around them; write counts.decode()"
                .to_owned())
        }
        Some(Value::String(text)) => Ok(Segmentation::Compressed { size, counts: text.clone() }),
        _ => {
            let counts =
                list("counts").ok_or_else(|| wrong("counts", "a text or a list of whole numbers"))?;
            Ok(Segmentation::Runs(Rle { size, counts: counts.into_iter().map(|run| run as u32).collect() }))
        }
    }
}

fn fill(polygons: &[Vec<f64>], width: usize, height: usize) -> Result<Rle, OutlineError> {
    let limit = REACH * width.max(height) as f64;
    for polygon in polygons {
        if polygon.len() < THREE_CORNERS || polygon.len() % 2 != 0 {
            return Err(OutlineError::Polygon(format!(
                "{} numbers are not three x, y pairs or more",
                polygon.len()
            )));
        }
        if let Some(wild) = polygon.iter().find(|v| v.is_nan() || v.abs() > limit) {
            return Err(OutlineError::Polygon(format!("a corner at {wild} is far outside the photo")));
        }
    }
    let mut corners = polygons.iter().flatten();
    let are_shares = corners.clone().all(|v| (0.0..=1.0).contains(v)) && corners.any(|v| v.fract() != 0.0);
    if are_shares && width.max(height) > 1 {
        return Err(OutlineError::Shares);
    }
    let filled = u32::try_from(height)
        .and_then(|h| Ok((h, u32::try_from(width)?)))
        .map_err(|e| e.to_string())
        .and_then(|(h, w)| hotcoco::mask::fr_polys(polygons, h, w).map_err(|e| e.to_string()))
        .map_err(OutlineError::Polygon)?;
    Ok(Rle { size: [height, width], counts: filled.counts })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[test]
    fn polygons_fill_as_pycocotools_fills_them() {
        #[derive(Deserialize)]
        struct Case {
            height: usize,
            width: usize,
            polygons: Vec<Vec<f64>>,
            counts: String,
        }
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../../tests/fixtures/polygons.json")).unwrap();
        assert!(cases.len() > 30);
        for (index, Case { height, width, polygons, counts }) in cases.into_iter().enumerate() {
            let filled = Segmentation::Polygons(polygons).to_rle(width, height).unwrap();
            assert_eq!(filled.to_coco_string(), counts, "case {index}");
        }
    }

    #[test]
    fn outlines_that_are_no_mask_of_the_photo_are_refused() {
        let polygon = |corners: &[f64]| Segmentation::Polygons(vec![corners.to_vec()]).to_rle(4, 3);
        assert!(polygon(&[0.0, 0.0, 1.0, 1.0]).is_err(), "two corners");
        assert!(polygon(&[0.0, 0.0, 1.0, 1.0, 2.0, 0.0, 1.0]).is_err(), "odd");
        assert!(polygon(&[0.0, 0.0, f64::NAN, 1.0, 2.0, 0.0]).is_err(), "not a number");
        assert!(polygon(&[0.0, 0.0, 1e9, 1.0, 2.0, 0.0]).is_err(), "far away");
        assert!(polygon(&[0.0, 0.0, REACH * 4.0, 1.0, 2.0, 0.0]).is_ok(), "just within reach");
        assert!(matches!(polygon(&[0.0, 0.0, 0.5, 1.0, 1.0, 0.0]), Err(OutlineError::Shares)));
        let on_one_pixel = Segmentation::Polygons(vec![vec![0.0, 0.0, 0.5, 1.0, 1.0, 0.0]]).to_rle(1, 1);
        assert!(on_one_pixel.is_ok(), "shares and pixels are the same there");
        assert_eq!(
            polygon(&[0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]).unwrap().area(),
            1,
            "a pixel in the corner"
        );
        let runs =
            |size, counts: &[u32]| Segmentation::Runs(Rle { size, counts: counts.to_vec() }).to_rle(4, 3);
        assert!(runs([4, 3], &[12]).unwrap_err().to_string().contains("`size` is height, width"));
        assert!(runs([3, 4], &[11]).is_err(), "too short");
        assert!(runs([3, 4], &[12]).is_ok());
        let huge = Segmentation::Polygons(vec![vec![0.0, 0.0, 9.0, 0.0, 9.0, 9.0]]).to_rle(100_000, 100_000);
        assert!(matches!(huge, Err(OutlineError::TooLarge { .. })));
        let rows = MAX_PIXELS as usize / 8000;
        let empty = |rows| {
            Segmentation::Runs(Rle { size: [rows, 8000], counts: vec![rows as u32 * 8000] })
                .to_rle(8000, rows)
        };
        assert!(empty(rows).is_ok() && matches!(empty(rows + 1), Err(OutlineError::TooLarge { .. })));
    }

    #[test]
    fn every_spelling_of_an_outline_is_read_or_refused_in_words() {
        let read = |value: Value| Segmentation::read(Some(&value));
        let square = Segmentation::Polygons(vec![vec![1.0, 0.0, 3.0, 0.0, 3.0, 3.0]]);
        for same in
            [json!([[1, 0, 3, 0, 3, 3]]), json!([[[1, 0], [3, 0], [3, 3]]]), json!([["1", 0, 3.0, 0, 3, 3]])]
        {
            assert_eq!(read(same).unwrap(), (square.clone(), 0));
        }
        assert_eq!(
            read(json!([[1, 0, 3, 0, 3, 3], [1, 2, 3, 4], []])).unwrap(),
            (square, 2),
            "parts without an inside"
        );
        let runs = Segmentation::Runs(Rle { size: [3, 4], counts: vec![3, 9] });
        assert_eq!(read(json!({"size": [3, 4.0], "counts": [3, 9.0]})).unwrap().0, runs);
        for none in [json!([]), json!([[]])] {
            assert_eq!(read(none).unwrap().0, Segmentation::Missing);
        }
        for (wrong, expected) in [
            (json!([1, 0, 3, 0, 3, 3]), "list of its own"),
            (json!([{"x": 1}]), "list of its own"),
            (json!([[1, 0, "NaN?", 0, 3, 3]]), "not a number"),
            (json!("mask.png"), "neither polygons nor run lengths"),
            (json!({"counts": [3, 9]}), "`size`"),
            (json!({"size": [3, 4], "counts": [3, -9]}), "`counts`"),
            (json!({"size": [3, 4], "counts": "b'363'"}), "counts.decode()"),
        ] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let missing = Segmentation::read(None).unwrap().0.to_rle(4, 3).unwrap_err().to_string();
        assert!(missing.contains("no outline"), "{missing}");
    }
}
