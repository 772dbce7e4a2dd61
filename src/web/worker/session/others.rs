//! Photos that are not shown: their known objects, finding objects in them, and files of many.

use js_sys::ArrayBuffer;

use super::{Session, decode};
use crate::export::{PhotoInfo, PictureFormat, picture_file};
use crate::image::RgbImage;
use crate::pixels::{Filter, Window, resize};
use crate::web::collection::{Collection, Wanted};
use crate::web::document::{Document, Object};
use crate::web::export::Product;
use crate::web::gallery::PhotoKey;
use crate::web::protocol::{CollectStep, Failure, FailureKind, Look, Reply, RequestId, Sentence};
use crate::web::worker::buffers::{bytes_from_buffer, bytes_to_buffer};
use crate::web::worker::photo::{Photo, found};
use crate::web::worker::post;
use crate::web::worker::refusal::{no_model, not_made, not_made_of, nothing_segmented, photo_failure};

/// Longer side of the thumbnails in the gallery, in pixels.
const SMALL_SIDE: usize = 144;

/// A file of many photos under construction.
pub(super) struct Gathering {
    collection: Collection,
    needs_photo: bool,
    threshold: f32,
    backdrop: Option<RgbImage>,
}

impl Session {
    /// Sends the photo's objects to the page if they changed since.
    pub(in crate::web::worker) fn tell(&mut self) {
        if let Some(photo) = self.photo.as_ref().filter(|_| std::mem::take(&mut self.is_untold)) {
            tell_known(photo.key(), photo.document());
        }
    }

    /// Makes room for another photo; the objects of this one are kept.
    pub(super) fn put_away(&mut self) {
        self.tell();
        (self.questions, self.previews) = (None, None);
        if let Some(photo) = self.photo.take() {
            self.known.insert(photo.key(), photo.into_document());
        }
    }

    /// Forgets photos and their objects, the photo that is shown included.
    pub(in crate::web::worker) fn forget(&mut self, keys: &[PhotoKey]) {
        keys.iter().for_each(|key| drop(self.known.remove(key)));
        if self.photo.take_if(|photo| keys.contains(&photo.key())).is_some() {
            (self.questions, self.previews, self.is_untold) = (None, None, false);
        }
    }

    /// Returns the known objects of a photo, from this worker or from what the page kept.
    pub(super) fn known_of(&mut self, photo: &Photo, kept: Option<&ArrayBuffer>) -> Option<Document> {
        let size = photo.size();
        let known = self.known.remove(&photo.key());
        let known = known.or_else(|| Document::from_bytes(&bytes_from_buffer(kept?)));
        known.filter(|document| document.size() == [size.width, size.height])
    }

    /// Finds the objects of a photo that is not shown.
    pub(super) async fn find(
        &mut self,
        id: RequestId,
        (key, name): (PhotoKey, &str),
        buffers: &[ArrayBuffer],
    ) -> Result<(), Failure> {
        let (image, _) = decode(buffers).await.map_err(|error| photo_failure(name, error))?;
        tell_small(key, &image);
        let (found, _) = self.look_at(&image, Look::IfUnknown).await?;
        let scores = found.iter().map(|instance| instance.score).collect();
        let objects = found.into_iter().map(|instance| Object::found(instance, false));
        let document = Document::new([image.width(), image.height()], objects);
        tell_known(key, &document);
        self.known.insert(key, document);
        post(&Reply::FoundIn { id, scores }, &[]);
        Ok(())
    }

    /// Continues a file of many photos.
    pub(super) async fn collect(
        &mut self,
        id: RequestId,
        step: CollectStep,
        buffers: &[ArrayBuffer],
    ) -> Result<(), Failure> {
        let (file_name, bytes) = match step {
            CollectStep::Begin { product, format, threshold } => {
                self.begin(product, format, threshold, buffers).await?;
                (None, Vec::new())
            }
            CollectStep::Add { key, name } => (None, self.add(key, &name, buffers).await?),
            CollectStep::Finish => {
                let gathering = self.gathering.take().ok_or_else(nothing_segmented)?;
                let (name, bytes) = gathering.collection.finish().map_err(|error| not_made(&error))?;
                (Some(name), bytes)
            }
        };
        post(&Reply::Collected { id, file_name }, &[bytes_to_buffer(&bytes)]);
        Ok(())
    }

    async fn begin(
        &mut self,
        product: Product,
        format: PictureFormat,
        threshold: f32,
        backdrop: &[ArrayBuffer],
    ) -> Result<(), Failure> {
        let (engine, _) = self.loaded.as_ref().ok_or_else(no_model)?;
        let backdrop = super::backdrop(backdrop).await?;
        let collection = Collection::new(product, format, engine.labels());
        let needs_photo = product.needs_photo();
        self.gathering = Some(Gathering { collection, needs_photo, threshold, backdrop });
        Ok(())
    }

    async fn add(&mut self, key: PhotoKey, name: &str, buffers: &[ArrayBuffer]) -> Result<Vec<u8>, Failure> {
        let Some(Gathering { collection, needs_photo, threshold, backdrop }) = &mut self.gathering else {
            return Err(nothing_segmented());
        };
        let shown = self.photo.as_ref().filter(|photo| photo.key() == key);
        let kept;
        let document = match (shown, self.known.get(&key), buffers.get(1)) {
            (Some(photo), ..) => photo.document(),
            (None, Some(document), _) => document,
            (None, None, bytes) => {
                kept = bytes.and_then(|bytes| Document::from_bytes(&bytes_from_buffer(bytes)));
                kept.as_ref().ok_or_else(|| unknown(name))?
            }
        };
        let decoded;
        let image: Option<&RgbImage> = match shown {
            Some(photo) => Some(photo.image()),
            None if *needs_photo => {
                decoded = decode(buffers).await.map_err(|error| photo_failure(name, error))?.0;
                Some(&decoded)
            }
            None => None,
        };
        let wanted = Wanted::of(document, |_, object| found(object).is_shown(*threshold));
        let [width, height] = document.size();
        let added = collection.add(
            &PhotoInfo { name, width, height },
            &wanted.objects(),
            image.filter(|_| *needs_photo),
            backdrop.as_ref(),
        );
        added.map_err(|error| not_made_of(name, &error))
    }
}

fn unknown(name: &str) -> Failure {
    Failure::new(FailureKind::Internal, Sentence::FileUnknown { name: name.to_owned() })
}

fn tell_known(key: PhotoKey, document: &Document) {
    if let Ok(bytes) = document.to_bytes() {
        post(&Reply::Known { key }, &[bytes_to_buffer(&bytes)]);
    }
}

/// Sends a thumbnail of a photo to the page.
pub(super) fn tell_small(key: PhotoKey, image: &RgbImage) {
    let longer = image.width().max(image.height());
    let side = |side: usize| (side * SMALL_SIDE).div_ceil(longer).clamp(1, side);
    let [width, height] = [side(image.width()), side(image.height())];
    let pixels = resize(image, Window::whole(image), [width, height], Filter::Box);
    let picture = u32::try_from(width)
        .ok()
        .zip(u32::try_from(height).ok())
        .and_then(|(width, height)| image::RgbImage::from_raw(width, height, pixels));
    // If there is no thumbnail, the photo is listed without one.
    if let Some(Ok(file)) = picture.map(|picture| picture_file("small", &picture.into(), PictureFormat::Png))
    {
        post(&Reply::Small { key }, &[bytes_to_buffer(&file.bytes)]);
    }
}
