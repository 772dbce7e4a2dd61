//! Point and box prompts on the command line.

use clap::Args;

use crate::prompt::{Point, Prompt};

/// Points and a box in photos.
#[derive(Debug, Args)]
pub(super) struct PromptArguments {
    /// Segment only the object at this pixel, counted from the upper left; `,-` marks a pixel outside of the
    /// object; can be repeated
    #[arg(long = "point", value_name = "X,Y[,-]", value_parser = point, conflicts_with_all = ["select", "score_thresh", "tiles"])]
    points: Vec<Point>,
    /// Segment only the object in this box, in pixels; X1 and Y1 are exclusive
    #[arg(long = "box", value_name = "X0,Y0,X1,Y1", value_parser = bounds, conflicts_with_all = ["select", "score_thresh", "tiles"])]
    bounds: Option<Bounds>,
}

/// A box as x, y, width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds([usize; 4]);

impl PromptArguments {
    /// Returns the prompt, if there is one.
    pub(super) fn prompt(&self) -> Option<Prompt> {
        let prompt = Prompt { points: self.points.clone(), bounds: self.bounds.map(|Bounds(bounds)| bounds) };
        (prompt != Prompt::default()).then_some(prompt)
    }
}

fn point(text: &str) -> Result<Point, String> {
    let (place, positive) = text.strip_suffix(",-").map_or((text, true), |place| (place, false));
    let [x, y] =
        numbers(place).ok_or("expected X,Y, such as 120,80, or X,Y,- for a pixel outside of the object")?;
    Ok(Point { x, y, positive })
}

fn bounds(text: &str) -> Result<Bounds, String> {
    let [left, top, right, bottom] = numbers(text).ok_or("expected X0,Y0,X1,Y1, such as 100,60,180,140")?;
    if right <= left || bottom <= top {
        return Err("X1 and Y1 must be larger than X0 and Y0".to_owned());
    }
    Ok(Bounds([left, top, right - left, bottom - top]))
}

fn numbers<const N: usize>(text: &str) -> Option<[usize; N]> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_boxes_are_read() {
        assert_eq!(point("12, 7"), Ok(Point { x: 12, y: 7, positive: true }));
        assert_eq!(point("12,7,-"), Ok(Point { x: 12, y: 7, positive: false }));
        assert_eq!(bounds("1,2,4,8"), Ok(Bounds([1, 2, 3, 6])));
        for wrong in ["", "1", "1,2,3", "1,-2", "a,b", "1,2,+", "1;2"] {
            assert!(point(wrong).is_err(), "{wrong}");
        }
        for wrong in ["1,2,3", "4,2,4,8", "1,8,4,2", "1,2,3,x"] {
            assert!(bounds(wrong).is_err(), "{wrong}");
        }
    }
}
