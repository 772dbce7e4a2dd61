//! State of the visitor's tools: the brush, and the visible part of the photo. None of it is part of the
//! result.

use leptos::prelude::{Get, GetUntracked, RwSignal, Set, Update, WithUntracked};

use super::camera::{Camera, brush_width};
use super::document::Action;
use super::dom;
use super::state::{AppState, Tool};
use crate::mask::Stroke;

/// The `localStorage` key that is `off` if single keys are switched off.
pub(super) const SINGLE_KEYS: &str = "single-keys";

/// A stroke on the photo that is not in a mask yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ink {
    pub(super) stroke: Stroke,
    pub(super) erases: bool,
    /// Whether the brush is still pressed.
    pub(super) is_wet: bool,
}

/// An object whose menu is open, and where on the screen, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Opened {
    pub(super) index: usize,
    pub(super) at: [f64; 2],
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Desk {
    /// The slider of the brush's size, from 0 to 100.
    pub(super) brush: RwSignal<f64>,
    /// The share of the brush's radius over which its edge fades, in percent.
    pub(super) softness: RwSignal<f64>,
    pub(super) camera: RwSignal<Camera>,
    pub(super) ink: RwSignal<Vec<Ink>>,
    pub(super) menu: RwSignal<Option<Opened>>,
    /// Whether the photo is shown without its masks.
    pub(super) is_bare: RwSignal<bool>,
    /// How much of the photo is shown beside the drawing, from the left, in percent.
    pub(super) wipe: RwSignal<f64>,
    /// Whether single keys work on the photo.
    pub(super) single_keys: RwSignal<bool>,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self {
            brush: RwSignal::new(30.0),
            softness: RwSignal::new(0.0),
            camera: RwSignal::new(Camera::default()),
            ink: RwSignal::new(Vec::new()),
            menu: RwSignal::new(None),
            is_bare: RwSignal::new(false),
            wipe: RwSignal::new(0.0),
            single_keys: RwSignal::new(dom::remembered(SINGLE_KEYS).as_deref() != Some("off")),
        }
    }

    /// Magnifies the photo around the centre of its frame.
    pub(super) fn zoom(self, factor: f64) {
        self.camera.update(|camera| *camera = camera.zoomed(factor, [0.5; 2]));
    }

    /// Shows the whole photo.
    pub(super) fn fit(self) {
        self.camera.set(Camera::default());
    }

    /// Makes the brush wider or narrower, by steps of the slider.
    pub(super) fn widen(self, by: f64) {
        self.brush.update(|brush| *brush = (*brush + by).clamp(0.0, 100.0));
    }

    /// Returns the width of the brush in pixels of the photo.
    pub(super) fn brush_width(self, state: RwSignal<AppState>) -> f64 {
        brush_width(self.brush.get(), longer_side(state))
    }

    /// Starts a stroke, unless one is in progress.
    pub(super) fn begin_stroke(self, state: RwSignal<AppState>, point: [f64; 2]) {
        if self.ink.with_untracked(|all| all.iter().any(|ink| ink.is_wet)) {
            return;
        }
        let radius = brush_width(self.brush.get_untracked(), longer_side(state)) / 2.0;
        let softness = self.softness.get_untracked() / 100.0;
        // A brush as narrow as a pixel covers the centre of one by half, wherever it is placed.
        let radius = radius.max(0.75 / (1.0 - softness / 2.0));
        let stroke = Stroke { points: vec![point], radius, softness };
        let erases = state.with_untracked(|state| state.tool == Tool::Erase);
        self.ink.update(|all| all.push(Ink { stroke, erases, is_wet: true }));
    }

    /// Continues the stroke, if the point is far enough away to make a difference.
    pub(super) fn draw_to(self, [x, y]: [f64; 2]) {
        self.ink.update(|all| {
            let Some(Ink { stroke, is_wet: true, .. }) = all.last_mut() else { return };
            let Stroke { points, radius, .. } = stroke;
            let is_far =
                |[last_x, last_y]: &[f64; 2]| (x - last_x).hypot(y - last_y) >= (*radius / 8.0).max(0.5);
            if points.last().is_none_or(is_far) {
                points.push([x, y]);
            }
        });
    }

    /// Ends the stroke; returns the action that it means.
    pub(super) fn end_stroke(self) -> Option<Action> {
        self.ink.try_update(|all| {
            let ink = all.last_mut().filter(|ink| ink.is_wet)?;
            ink.is_wet = false;
            let stroke = ink.stroke.clone();
            Some(if ink.erases { Action::Erase(stroke) } else { Action::Restore(stroke, "object".into()) })
        })?
    }

    /// Drops the unfinished stroke.
    pub(super) fn drop_stroke(self) {
        if self.ink.with_untracked(|all| all.iter().any(|ink| ink.is_wet)) {
            self.ink.update(|all| all.retain(|ink| !ink.is_wet));
        }
    }

    /// Removes finished strokes, which are in the masks now.
    pub(super) fn dry(self) {
        if self.ink.with_untracked(|all| all.iter().any(|ink| !ink.is_wet)) {
            self.ink.update(|all| all.retain(|ink| ink.is_wet));
        }
    }
}

fn longer_side(state: RwSignal<AppState>) -> usize {
    state.with_untracked(|state| {
        state.photo.as_ref().map_or(1, |photo| photo.size.width.max(photo.size.height))
    })
}
