//! The photo last segmented, with everything later requests need.

use std::collections::HashSet;

use crate::image::RgbImage;
use crate::instance::Instance;
use crate::mask::BinaryMask;
use crate::web::document::{Document, Edit, Object};
use crate::web::export::{CocoInstance, coco_json, file_name, mask_png, rgba_png};
use crate::web::overlay::{Focus, Layer, cut_out, overlay_size, paint, rgba, view_size};
use crate::web::protocol::{Export, Found, Presence, Size};

/// A photo and its objects.
pub(super) struct Photo {
    name: String,
    image: RgbImage,
    document: Document,
    /// What is painted of the objects, by their places.
    layers: Vec<Layer>,
}

/// A file to save.
pub(super) struct Made {
    pub(super) file_name: String,
    pub(super) mime: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// What is different after a change.
pub(super) struct Changed {
    pub(super) places: Vec<usize>,
    pub(super) instances: Vec<Found>,
    /// COCO's runs of their masks, one after another.
    pub(super) runs: Vec<u32>,
    /// How many places there are.
    pub(super) count: usize,
}

impl Photo {
    pub(super) fn new(name: String, image: RgbImage) -> Self {
        let document = Document::new([image.width(), image.height()], []);
        Self { name, image, document, layers: Vec::new() }
    }

    pub(super) const fn image(&self) -> &RgbImage {
        &self.image
    }

    /// The objects as they are now, hidden ones included.
    pub(super) const fn document(&self) -> &Document {
        &self.document
    }

    pub(super) fn size(&self) -> Size {
        Size { width: self.image.width(), height: self.image.height() }
    }

    pub(super) fn view(&self) -> Size {
        view_size(self.size())
    }

    /// The overlay's.
    pub(super) fn overlay_size(&self) -> Size {
        overlay_size(self.size())
    }

    /// RGBA at the view's size.
    pub(super) fn pixels(&self) -> Vec<u8> {
        rgba(&self.image, self.view())
    }

    /// Takes in what the engine found; returns what the page needs of it: rows, and the runs of all masks.
    pub(super) fn keep(&mut self, instances: Vec<Instance>) -> (Vec<Found>, Vec<u32>) {
        let size = [self.image.width(), self.image.height()];
        let objects = instances.into_iter().map(|instance| Object::found(instance, false));
        self.document = Document::new(size, objects);
        let Changed { instances, runs, .. } = self.changed((0..self.document.place_count()).collect());
        (instances, runs)
    }

    /// Takes in what was asked for, as the last object; returns what the page needs of it.
    pub(super) fn add(&mut self, instance: Instance, replaces: bool) -> (Found, Vec<u32>) {
        let places = self.document.ask(Object::found(instance, true), replaces);
        let Changed { mut instances, runs, .. } = self.changed(places);
        (instances.pop().unwrap_or_else(Found::deleted), runs)
    }

    /// Forgets the last object if it was asked for.
    pub(super) fn withdraw(&mut self) {
        self.document.withdraw();
        self.layers.truncate(self.document.place_count());
    }

    pub(super) fn edit(&mut self, edit: &Edit) -> Changed {
        let places = self.document.edit(edit);
        self.changed(places)
    }

    pub(super) fn undo(&mut self) -> Changed {
        let places = self.document.undo();
        self.changed(places)
    }

    pub(super) fn redo(&mut self) -> Changed {
        let places = self.document.redo();
        self.changed(places)
    }

    /// RGBA at the overlay's size, which `pointed` has, too; that is shown above all.
    pub(super) fn overlay(
        &mut self,
        threshold: f32,
        focus: Focus<'_>,
        pointed: Option<&BinaryMask>,
    ) -> Vec<u8> {
        let (view, count) = (self.overlay_size(), self.layers.len());
        let shown: HashSet<usize> = self.shown(threshold).map(|(place, _)| place).collect();
        self.layers.extend(pointed.map(|mask| Layer::new(mask, view)));
        let hovered = if pointed.is_some() { Some(count) } else { focus.hovered };
        let is_shown = |index: usize| index >= count || shown.contains(&index);
        let painted = paint(&self.layers, view, is_shown, Focus { hovered, ..focus });
        self.layers.truncate(count);
        painted
    }

    /// Prepares what is in these places for painting, and for the page.
    fn changed(&mut self, places: Vec<usize>) -> Changed {
        let (size, view, count) = (self.size(), self.overlay_size(), self.document.place_count());
        let nothing = BinaryMask::empty(size.width, size.height);
        self.layers.truncate(count);
        while self.layers.len() < count {
            self.layers.push(Layer::new(&nothing, view));
        }
        let (mut instances, mut runs) = (Vec::new(), Vec::new());
        for &place in &places {
            let object = self.document.object(place);
            if let Some(layer) = self.layers.get_mut(place) {
                *layer = Layer::new(&object.map_or_else(|| nothing.clone(), Object::pixels), view);
            }
            instances.push(object.map_or_else(Found::deleted, found));
            runs.extend(object.into_iter().flat_map(|object| object.mask.counts.iter().copied()));
        }
        Changed { places, instances, runs, count }
    }

    /// The objects on the photo, with their places.
    fn shown(&self, threshold: f32) -> impl Iterator<Item = (usize, &Object)> {
        self.document().objects().filter(move |(_, object)| found(object).is_shown(threshold))
    }

    /// Makes a file.
    ///
    /// # Errors
    ///
    /// What went wrong, for the visitor's eyes.
    pub(super) fn export(&self, export: Export, labels: &[String]) -> Result<Made, String> {
        let (bytes, ending, mime) = match export {
            Export::CutOut { instance } => {
                let object = self.object(instance)?;
                let (rgba, size) = cut_out(&self.image, &object.pixels(), object.bbox);
                let ending = format!("{}.png", object.label);
                (rgba_png(&rgba, size).map_err(|error| error.to_string())?, ending, "image/png")
            }
            Export::Mask { instance } => {
                let object = self.object(instance)?;
                let bytes = mask_png(&object.pixels()).map_err(|error| error.to_string())?;
                (bytes, format!("{}-mask.png", object.label), "image/png")
            }
            Export::Coco { threshold } => {
                let mut labels = labels.to_vec();
                let instances = self.coco_instances(threshold, &mut labels);
                let bytes = coco_json(&self.name, self.size(), &labels, &instances)
                    .map_err(|error| error.to_string())?;
                (bytes, "coco.json".to_owned(), "application/json")
            }
        };
        Ok(Made { file_name: file_name(&self.name, &ending), mime, bytes })
    }

    pub(super) fn object(&self, place: usize) -> Result<&Object, String> {
        self.document.object(place).ok_or_else(|| "there is no such object".to_owned())
    }

    /// Labels given by hand are added to the model's.
    fn coco_instances(&self, threshold: f32, labels: &mut Vec<String>) -> Vec<CocoInstance<'_>> {
        let mut category = |label: &String| {
            labels.iter().position(|known| known == label).unwrap_or_else(|| {
                labels.push(label.clone());
                labels.len() - 1
            })
        };
        self.shown(threshold)
            .map(|(_, object)| CocoInstance {
                category: category(&object.label),
                score: object.score,
                bbox: object.bbox,
                rle: &object.mask,
            })
            .collect()
    }
}

/// What the page is told of an object.
fn found(object: &Object) -> Found {
    Found {
        label: object.label.clone(),
        score: object.score,
        area: usize::try_from(object.mask.area()).unwrap_or(usize::MAX),
        bbox: object.bbox,
        runs: object.mask.counts.len(),
        asked: object.by_hand,
        presence: if object.hidden { Presence::Hidden } else { Presence::Visible },
    }
}
