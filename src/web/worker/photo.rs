//! The photo segmented last, with everything that later requests need.

use std::collections::HashMap;
use std::rc::Rc;

use crate::export::{ExportError, ExportedFile};
use crate::image::RgbImage;
use crate::instance::Instance;
use crate::mask::BinaryMask;
use crate::web::collection::Wanted;
use crate::web::document::{Document, Edit, Object};
use crate::web::export::{Export, Scene};
use crate::web::gallery::PhotoKey;
use crate::web::overlay::{Focus, Layer, overlay_size, paint, rgba, view_size};
use crate::web::protocol::{Found, Presence, Size};

/// A photo and its objects.
pub(super) struct Photo {
    key: PhotoKey,
    name: String,
    image: Rc<RgbImage>,
    document: Document,
    /// The painted layers of objects that were shown since they changed, by place.
    layers: HashMap<usize, Layer>,
}

/// What is different after a change.
pub(super) struct Changed {
    pub(super) places: Vec<usize>,
    pub(super) instances: Vec<Found>,
    /// The COCO runs of their masks, one after another.
    pub(super) runs: Vec<u32>,
    /// Total number of places.
    pub(super) count: usize,
}

impl Photo {
    pub(super) fn new(key: PhotoKey, name: String, image: RgbImage) -> Self {
        let document = Document::new([image.width(), image.height()], []);
        Self { key, name, image: Rc::new(image), document, layers: HashMap::new() }
    }

    pub(super) const fn key(&self) -> PhotoKey {
        self.key
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn image(&self) -> &RgbImage {
        &self.image
    }

    /// Returns the image for shared ownership.
    pub(super) const fn shared_image(&self) -> &Rc<RgbImage> {
        &self.image
    }

    /// Returns the current objects, including hidden ones.
    pub(super) const fn document(&self) -> &Document {
        &self.document
    }

    pub(super) fn into_document(self) -> Document {
        self.document
    }

    pub(super) fn size(&self) -> Size {
        Size { width: self.image.width(), height: self.image.height() }
    }

    pub(super) fn view(&self) -> Size {
        view_size(self.size())
    }

    /// Returns the size of the overlay.
    pub(super) fn overlay_size(&self) -> Size {
        overlay_size(self.size())
    }

    /// Returns RGBA pixels at the view's size.
    pub(super) fn pixels(&self) -> Vec<u8> {
        rgba(&self.image, self.view())
    }

    /// Sets the known objects of the photo; returns what the page needs: rows, and the runs of all masks.
    pub(super) fn keep(&mut self, document: Document) -> (Vec<Found>, Vec<u32>) {
        self.document = document;
        let Changed { instances, runs, .. } = self.changed((0..self.document.place_count()).collect());
        (instances, runs)
    }

    /// Adds an object that was asked for as the last one; returns what the page needs.
    pub(super) fn add(&mut self, instance: Instance, replaces: bool) -> (Found, Vec<u32>) {
        let places = self.document.ask(Object::found(instance, true), replaces);
        let Changed { mut instances, runs, .. } = self.changed(places);
        (instances.pop().unwrap_or_else(Found::deleted), runs)
    }

    /// Removes the last object if it was asked for.
    pub(super) fn withdraw(&mut self) {
        self.document.withdraw();
        self.layers.retain(|&place, _| place < self.document.place_count());
    }

    pub(super) fn edit(&mut self, edit: &Edit) -> Changed {
        let places = self.document.edit(edit, &self.image);
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

    /// Paints RGBA pixels at the overlay's size, which is also that of `pointed`, a mask that is shown above
    /// all others.
    pub(super) fn overlay(
        &mut self,
        threshold: f32,
        focus: Focus<'_>,
        pointed: Option<&BinaryMask>,
    ) -> Vec<u8> {
        let view = self.overlay_size();
        let objects = self.document.objects();
        let shown: Vec<(usize, &Object)> =
            objects.filter(|(_, object)| found(object).is_shown(threshold)).collect();
        for &(place, object) in &shown {
            self.layers.entry(place).or_insert_with(|| {
                let matte = object.matte();
                Layer::new(matte.mask(), matte.soft(), view)
            });
        }
        let pointed = pointed.map(|mask| (self.document.place_count(), Layer::new(mask, &[], view)));
        let hovered = pointed.as_ref().map(|(place, _)| *place).or(focus.hovered);
        let layers = shown.iter().filter_map(|(place, _)| Some((*place, self.layers.get(place)?)));
        let pointed = pointed.iter().map(|(place, layer)| (*place, layer));
        paint(layers.chain(pointed), view, Focus { hovered, ..focus })
    }

    /// Prepares what is in these places for the page.
    fn changed(&mut self, places: Vec<usize>) -> Changed {
        let count = self.document.place_count();
        self.layers.retain(|place, _| *place < count && !places.contains(place));
        let (mut instances, mut runs) = (Vec::new(), Vec::new());
        for &place in &places {
            let object = self.document.object(place);
            instances.push(object.map_or_else(Found::deleted, found));
            runs.extend(object.into_iter().flat_map(|object| object.mask.counts.iter().copied()));
        }
        Changed { places, instances, runs, count }
    }

    /// Exports a file of the objects in these places that have pixels and are not hidden.
    ///
    /// # Errors
    ///
    /// The errors of [`Scene::file`].
    pub(super) fn export(
        &self,
        Export { product, places, format }: &Export,
        labels: &[String],
        backdrop: Option<&RgbImage>,
    ) -> Result<ExportedFile, ExportError> {
        let wanted = Wanted::of(&self.document, |place, _| places.contains(&place));
        let objects = wanted.objects();
        let scene = Scene { name: &self.name, photo: &self.image, objects: &objects, labels, backdrop };
        scene.file(*product, *format)
    }
}

/// Returns what the page needs to know about an object.
pub(super) fn found(object: &Object) -> Found {
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
