//! The figure of the study.

use anyhow::Result;

use super::cells::{Cells, ENCODERS, TUNINGS};
use crate::cli::render::{Line, Words, chart, png};

/// Horizontal distance between lines, so that their error bars do not hide each other.
const APART: f64 = 0.04;
/// Height of the chart relative to the data, which leaves room for the legend.
const ROOM: f64 = 1.6;

/// Draws AP50 in percent by tuning, one line per encoder, as PNG.
pub(super) fn draw(cells: &Cells) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for (place, encoder) in ENCODERS.iter().enumerate() {
        let shift = APART * (place as f64 - (ENCODERS.len() - 1) as f64 / 2.0);
        let mut line = Line { name: (*encoder).to_owned(), ..Line::default() };
        for (x, tuning) in TUNINGS.iter().enumerate() {
            if let Some(spread) = cells.ap50(encoder, tuning) {
                line.points.push((x as f64 + shift, 100.0 * spread.mean));
                line.deviations.push(100.0 * spread.deviation.unwrap_or(0.0));
            }
        }
        lines.push(line);
    }
    let top = lines.iter().flat_map(|line| line.points.iter().zip(&line.deviations));
    let top = top.map(|((_, mean), deviation)| mean + deviation).fold(0.0, f64::max);
    let words = Words { title: "mask AP50 by what is fine-tuned", x: "", y: "AP50, %", x_names: &TUNINGS };
    png(&chart(words, &lines, Some([(-0.3, 0.0), (2.3, ROOM * top)]))?.into())
}
