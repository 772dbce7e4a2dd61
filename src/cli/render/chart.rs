//! Line charts, drawn by `plotters` with our own pixels and glyphs, so that no font needs to be installed or
//! shipped.

use std::convert::Infallible;

use anyhow::{Result, anyhow};
use font8x8::UnicodeFonts;
use image::{Rgb, RgbImage};
use plotters::chart::{ChartBuilder, SeriesLabelPosition};
use plotters::drawing::IntoDrawingArea;
use plotters::element::PathElement;
use plotters::prelude::{DrawingBackend, LineSeries};
use plotters::style::{BLACK, Color, IntoFont, RGBColor, WHITE};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingErrorKind};

use crate::instance::colour;

const SIZE: [u32; 2] = [960, 600];
/// Side of a character in pixels: twice the font's eight.
const GLYPH: i32 = 16;

/// A named line.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Line {
    pub(in crate::cli) name: String,
    /// x and y; points that are not finite are left out.
    pub(in crate::cli) points: Vec<(f64, f64)>,
    /// Half the height of the error bars at the first points; may be empty.
    pub(in crate::cli) deviations: Vec<f64>,
}

/// The text around the lines of a chart.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Words<'a> {
    pub(in crate::cli) title: &'a str,
    pub(in crate::cli) x: &'a str,
    pub(in crate::cli) y: &'a str,
    /// Labels below 0, 1, 2, … in place of the numbers; may be empty.
    pub(in crate::cli) x_names: &'a [&'a str],
}

/// The nominal size at which `plotters` assumes letters as wide as ours.
const LEGEND_SIZE: i32 = 35;

/// Draws the lines with axes and a legend; the axes cover all points, and `within` if given.
pub(in crate::cli) fn chart(
    words: Words<'_>,
    lines: &[Line],
    within: Option<[(f64, f64); 2]>,
) -> Result<RgbImage> {
    let mut picture = RgbImage::from_pixel(SIZE[0], SIZE[1], Rgb([255; 3]));
    let bars: Vec<[(f64, f64); 2]> = lines.iter().flat_map(bars).collect();
    let drawn = lines.iter().flat_map(|line| &line.points).chain(bars.iter().flatten());
    let points = drawn.chain(within.iter().flatten());
    let span = |axis: fn(&(f64, f64)) -> f64| {
        let values = || points.clone().map(axis).filter(|value| value.is_finite());
        let (low, high) =
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        match (low < high, low.is_finite()) {
            (true, _) => low..high,
            (false, true) => low - 0.5..low + 0.5,
            (false, false) => 0.0..1.0,
        }
    };
    let failed = |error: &dyn std::error::Error| anyhow!("the chart cannot be drawn: {error}");
    let area = Canvas(&mut picture).into_drawing_area();
    let font = ("font8x8", GLYPH).into_font();
    let mut axes = ChartBuilder::on(&area)
        .margin(16)
        .margin_right(40)
        .caption(words.title, font.clone())
        .x_label_area_size(56)
        .y_label_area_size(100)
        .build_cartesian_2d(span(|p| p.0), span(|p| p.1))
        .map_err(|error| failed(&error))?;
    let name = |x: &f64| match words.x_names.get(x.round() as usize) {
        Some(name) if (x - x.round()).abs() < 1e-6 && *x >= 0.0 => (*name).to_owned(),
        _ => String::new(),
    };
    let mut mesh = axes.configure_mesh();
    mesh.label_style(font).x_desc(words.x).y_desc(words.y).light_line_style(WHITE);
    if !words.x_names.is_empty() {
        mesh.x_label_formatter(&name);
    }
    mesh.draw().map_err(|error| failed(&error))?;
    for (index, line) in lines.iter().enumerate() {
        let [r, g, b] = colour(index);
        let ink = RGBColor(r, g, b).stroke_width(2);
        let points = line.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite());
        axes.draw_series(LineSeries::new(points, ink))
            .map_err(|error| failed(&error))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], ink));
        axes.draw_series(self::bars(line).map(|bar| PathElement::new(bar, ink)))
            .map_err(|error| failed(&error))?;
    }
    if !lines.is_empty() {
        axes.configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .label_font(("font8x8", LEGEND_SIZE))
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw()
            .map_err(|error| failed(&error))?;
    }
    area.present().map_err(|error| failed(&error))?;
    drop(axes);
    drop(area);
    Ok(picture)
}

/// Returns the lower and upper end of each error bar.
fn bars(line: &Line) -> impl Iterator<Item = [(f64, f64); 2]> {
    let both = line.points.iter().zip(&line.deviations);
    both.map(|(&(x, y), deviation)| [(x, y - deviation), (x, y + deviation)])
}

/// The backend that `plotters` draws to.
struct Canvas<'a>(&'a mut RgbImage);

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(
        &mut self,
        (x, y): BackendCoord,
        BackendColor { alpha, rgb: (r, g, b) }: BackendColor,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let at = u32::try_from(x).ok().zip(u32::try_from(y).ok());
        if let Some(Rgb(pixel)) = at.and_then(|(x, y)| self.0.get_pixel_mut_checked(x, y)) {
            pixel.iter_mut().zip([r, g, b]).for_each(|(pixel, ink)| {
                *pixel = (f64::from(*pixel) * (1.0 - alpha) + f64::from(ink) * alpha) as u8;
            });
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        _: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((text.chars().count() as u32 * GLYPH as u32, GLYPH as u32))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let width = text.chars().count() as i32 * GLYPH;
        let left = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Center => -width / 2,
            HPos::Right => -width,
        };
        let top = match style.anchor().v_pos {
            VPos::Top => 0,
            VPos::Center => -GLYPH / 2,
            VPos::Bottom => -GLYPH,
        };
        for (place, letter) in text.chars().enumerate() {
            let glyph = font8x8::BASIC_FONTS.get(letter).unwrap_or_default();
            for (row, column) in (0..GLYPH).flat_map(|row| (0..GLYPH).map(move |column| (row, column))) {
                if glyph[row as usize / 2] >> (column / 2) & 1 == 1 {
                    let (dx, dy) = (left + place as i32 * GLYPH + column, top + row);
                    let (dx, dy) = style.transform().transform(dx, dy);
                    self.draw_pixel((x + dx, y + dy), style.color())?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words<'_> = Words { title: "loss", x: "step", y: "loss", x_names: &[] };

    #[test]
    fn every_line_is_drawn_in_its_colour_and_where_it_belongs() {
        let line = |name: &str, y: f64| Line {
            name: name.to_owned(),
            points: vec![(0.0, y), (10.0, y)],
            ..Line::default()
        };
        let picture =
            chart(WORDS, &[line("a", 1.0), line("b", 3.0)], Some([(0.0, 0.0), (10.0, 4.0)])).unwrap();
        let rows = |index: usize| -> Vec<u32> {
            let inked = |y: &u32| (100..500).all(|x| picture.get_pixel(x + 50, *y) == &Rgb(colour(index)));
            (0..SIZE[1]).filter(inked).collect()
        };
        let (low, high) = (rows(0), rows(1));
        assert!(!low.is_empty() && !high.is_empty(), "both lines are there");
        assert!(high[0] < low[0], "3 lies above 1");
    }

    #[test]
    fn odd_numbers_do_not_stop_a_chart() {
        let odd = |points: Vec<(f64, f64)>| {
            chart(WORDS, &[Line { name: "a".to_owned(), points, ..Line::default() }], None)
        };
        for points in [vec![], vec![(1.0, 2.0)], vec![(0.0, f64::NAN), (1.0, f64::INFINITY), (2.0, 1.0)]] {
            odd(points).unwrap();
        }
        chart(WORDS, &[], None).unwrap();
    }
}
