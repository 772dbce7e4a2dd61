//! The photo last segmented, with everything later requests need.

use crate::image::RgbImage;
use crate::instance::Instance;
use crate::mask::{BinaryMask, Rle};
use crate::web::export::{CocoInstance, coco_json, file_name, mask_png, rgba_png};
use crate::web::overlay::{Focus, Layer, cut_out, overlay_size, paint, rgba, view_size};
use crate::web::protocol::{Export, Found, Size};

/// A photo and its instances.
pub(super) struct Photo {
    name: String,
    image: RgbImage,
    categories: Vec<usize>,
    found: Vec<Found>,
    masks: Vec<Rle>,
    layers: Vec<Layer>,
}

/// A file to save.
pub(super) struct Made {
    pub(super) file_name: String,
    pub(super) mime: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Photo {
    pub(super) const fn new(name: String, image: RgbImage) -> Self {
        Self { name, image, categories: Vec::new(), found: Vec::new(), masks: Vec::new(), layers: Vec::new() }
    }

    pub(super) const fn image(&self) -> &RgbImage {
        &self.image
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
        for instance in instances {
            self.push(instance, false);
        }
        (self.found.clone(), self.masks.iter().flat_map(|mask| mask.counts.iter().copied()).collect())
    }

    /// Takes in what was asked for, as the last instance; returns what the page needs of it.
    pub(super) fn add(&mut self, instance: Instance) -> (Found, Vec<u32>) {
        let found = self.push(instance, true);
        (found, self.masks.last().map(|mask| mask.counts.clone()).unwrap_or_default())
    }

    /// Forgets the last instance if it was asked for.
    pub(super) fn withdraw(&mut self) {
        if self.found.pop_if(|found| found.asked).is_some() {
            (self.categories.pop(), self.masks.pop(), self.layers.pop());
        }
    }

    /// RGBA at the overlay's size, which `pointed` has, too; that is shown above all.
    pub(super) fn overlay(&mut self, threshold: f32, focus: Focus, pointed: Option<&BinaryMask>) -> Vec<u8> {
        let (view, count) = (self.overlay_size(), self.layers.len());
        self.layers.extend(pointed.map(|mask| Layer::new(mask, view)));
        let hovered = if pointed.is_some() { Some(count) } else { focus.hovered };
        let is_shown = |index: usize| self.found.get(index).is_none_or(|found| found.is_shown(threshold));
        let painted = paint(&self.layers, view, is_shown, Focus { hovered, ..focus });
        self.layers.truncate(count);
        painted
    }

    fn push(&mut self, instance: Instance, asked: bool) -> Found {
        let Instance { category, label, score, mask, bbox } = instance;
        let runs = Rle::from_mask(&mask);
        let found = Found { area: mask.area(), label, score, bbox, runs: runs.counts.len(), asked };
        self.layers.push(Layer::new(&mask, self.overlay_size()));
        self.categories.push(category);
        self.masks.push(runs);
        self.found.push(found.clone());
        found
    }

    /// Makes a file.
    ///
    /// # Errors
    ///
    /// What went wrong, for the visitor's eyes.
    pub(super) fn export(&self, export: Export, labels: &[String]) -> Result<Made, String> {
        let (bytes, ending, mime) = match export {
            Export::CutOut { instance } => {
                let (rgba, size) = cut_out(&self.image, &self.mask(instance)?, self.found[instance].bbox);
                let ending = format!("{}.png", self.found[instance].label);
                (rgba_png(&rgba, size).map_err(|error| error.to_string())?, ending, "image/png")
            }
            Export::Mask { instance } => {
                let bytes = mask_png(&self.mask(instance)?).map_err(|error| error.to_string())?;
                (bytes, format!("{}-mask.png", self.found[instance].label), "image/png")
            }
            Export::Coco { threshold } => {
                let instances = self.coco_instances(threshold);
                let bytes = coco_json(&self.name, self.size(), labels, &instances)
                    .map_err(|error| error.to_string())?;
                (bytes, "coco.json".to_owned(), "application/json")
            }
        };
        Ok(Made { file_name: file_name(&self.name, &ending), mime, bytes })
    }

    pub(super) fn mask(&self, instance: usize) -> Result<BinaryMask, String> {
        let rle = self.masks.get(instance).ok_or("there is no such object")?;
        rle.to_mask().map_err(|error| error.to_string())
    }

    fn coco_instances(&self, threshold: f32) -> Vec<CocoInstance<'_>> {
        let shown = |index: &usize| self.found[*index].is_shown(threshold);
        (0..self.found.len())
            .filter(shown)
            .map(|index| CocoInstance {
                category: self.categories[index],
                score: self.found[index].score,
                bbox: self.found[index].bbox,
                rle: &self.masks[index],
            })
            .collect()
    }
}
