//! The state of the worker between requests, and how it answers each.

mod loading;
mod measuring;
mod others;
mod sharing;

use std::collections::HashMap;

use js_sys::{Array, ArrayBuffer};

use super::browser_photo;
use super::buffers::{bytes_from_buffer, bytes_to_buffer, floats_to_buffer, words_to_buffer};
use super::partner::Leader;
use super::patience::now_ms;
use super::photo::{Changed, Photo};
use super::questions::Questions;
use super::redraw::{Beside, Redrawing};
use super::refusal::{
    backdrop_failure, no_model, not_computed, not_made, note, nothing_segmented, photo_failure,
};
use super::store::Store;
use super::{post, progress};
use crate::engine::{Encoded, Engine, Logits, Picked, SegmentOptions};
use crate::image::{ImageError, ImageNote, RgbImage};
use crate::instance::Instance;
use crate::prompt::Prompt;
use crate::web::channel;
use crate::web::document::{Document, Object};
use crate::web::export::Export;
use crate::web::gallery::PhotoKey;
use crate::web::overlay::Focus;
use crate::web::protocol::{
    Backend, Failure, FailureKind, LOWEST_SCORE, Look, Progress, Reply, Request, RequestId, Sentence, Size,
};
use others::{Gathering, tell_small};
use sharing::Second;

/// Maximum number of masks to choose from at a prompt: a part, the object, what it is a part of.
const MOST_ANSWERS: usize = 3;
/// Number of tiles per side of a photo that is searched for small objects.
const TILES: usize = 2;
/// Masks whose intersection over union exceeds this show the same.
const ALIKE: f64 = 0.75;
/// The engine and the photo segmented last.
#[derive(Default)]
pub(super) struct Session {
    /// The GPU, once found.
    gpu: Option<Picked>,
    loaded: Option<(Engine, Backend)>,
    /// The worker that helps this one.
    second: Second,
    /// The worker that this one helps, if it is the second.
    leader: Option<Leader>,
    photo: Option<Photo>,
    /// Questions about the photo to the engine that segmented it.
    questions: Option<Questions>,
    /// Questions about the photo at the overlay's size, which are answered faster.
    previews: Option<Questions>,
    /// Whether the photo's objects changed since the page was told.
    is_untold: bool,
    /// The objects of photos that are not shown.
    known: HashMap<PhotoKey, Document>,
    /// The file of many photos under construction.
    gathering: Option<Gathering>,
    redrawing: Redrawing,
}

impl Session {
    /// Creates the state of a worker; `leader` is the other end if this one is asked to help.
    pub(super) fn new(leader: Leader) -> Self {
        Self { leader: Some(leader), ..Self::default() }
    }

    /// Carries out a request and posts its replies.
    pub(super) async fn answer(&mut self, request: Request, attachments: &Array) {
        let id = id_of(&request);
        let buffers = channel::only::<ArrayBuffer>(attachments);
        let outcome = match request {
            Request::Load { place, hub, backend, .. } => {
                self.load(id, &place, &hub, channel::only(attachments), backend).await
            }
            Request::Segment { key, name, look, .. } => self.segment(id, (key, name), look, &buffers).await,
            Request::Find { key, name, .. } => self.find(id, (key, &name), &buffers).await,
            Request::Forget { keys, .. } => {
                self.forget(&keys);
                Ok(())
            }
            Request::Collect { step, .. } => self.collect(id, step, &buffers).await,
            Request::Paint { threshold, hovered, selected, pointed, .. } => {
                self.paint(id, threshold, Focus { hovered, selected: &selected }, pointed).await
            }
            Request::Ask { prompt, unlike, choice, replaces, .. } => {
                self.ask(id, prompt, unlike, (choice, replaces)).await
            }
            Request::Withdraw { .. } => {
                self.is_untold = true;
                self.photo.iter_mut().for_each(Photo::withdraw);
                Ok(())
            }
            Request::Edit { edit, .. } => self.change(id, |photo| photo.edit(&edit)),
            Request::Undo { .. } => self.change(id, Photo::undo),
            Request::Redo { .. } => self.change(id, Photo::redo),
            Request::Export { export, .. } => self.export(id, &export, &buffers).await,
            Request::Logits { .. } => self.logits(id, &buffers).await,
            Request::Redraw { request, .. } => {
                let Self { gpu, loaded, photo, redrawing, .. } = self;
                let beside = Beside { gpu: gpu.as_ref(), loaded: loaded.as_ref(), photo: photo.as_ref() };
                redrawing.answer(id, request, channel::only(attachments), beside).await
            }
            Request::Measure { .. } => self.measure(id, &buffers).await,
            Request::Help { .. } => self.help().await,
            Request::Swap { .. } => Ok(()),
            Request::ForgetWeights { .. } => {
                Store::clear().await;
                post(&Reply::WeightsForgotten { id }, &[]);
                Ok(())
            }
        };
        if let Err(failure) = outcome {
            post(&Reply::Failed { id, failure }, &[]);
        }
    }

    async fn segment(
        &mut self,
        id: RequestId,
        (key, name): (PhotoKey, String),
        look: Look,
        buffers: &[ArrayBuffer],
    ) -> Result<(), Failure> {
        if self.loaded.is_none() {
            return Err(no_model());
        }
        progress(id, Progress::Decoding);
        let (image, notes) = decode(buffers).await.map_err(|error| photo_failure(&name, error))?;
        // The previous photo stays if this one cannot be read.
        self.put_away();
        let mut photo = Photo::new(key, name, image);
        let (size, view) = (photo.size(), photo.view());
        let mut notes: Vec<Sentence> = notes.into_iter().map(note).collect();
        let known = self.known_of(&photo, buffers.get(1));
        if known.is_none() && buffers.len() > 1 {
            notes.push(Sentence::NoteForgotten);
        }
        tell_small(key, photo.image());
        post(&Reply::Decoded { id, photo: size, view, notes }, &[bytes_to_buffer(&photo.pixels())]);

        let started_ms = now_ms();
        let document = match known {
            Some(document) if look == Look::IfUnknown => document,
            known => {
                progress(id, Progress::Segmenting);
                let (found, encoded) = self.look_at(photo.image(), look).await?;
                self.keep_questions(photo.overlay_size(), encoded);
                self.is_untold = true;
                let mut document = known.unwrap_or_else(|| Document::new(sides(size), []));
                document.take_in(found.into_iter().map(|instance| Object::found(instance, false)));
                document
            }
        };
        let elapsed_ms = if self.questions.is_some() { now_ms() - started_ms } else { 0.0 };
        let (instances, runs) = photo.keep(document);
        self.photo = Some(photo);
        post(&Reply::Segmented { id, instances, elapsed_ms }, &[words_to_buffer(&runs)]);
        Ok(())
    }

    /// Returns all objects that the model finds in a photo, and its encoding for later questions.
    async fn look_at(&self, image: &RgbImage, look: Look) -> Result<(Vec<Instance>, Encoded), Failure> {
        let (engine, backend) = self.loaded.as_ref().ok_or_else(no_model)?;
        let failed = |error| not_computed(*backend, &error);
        let tiles = if look == Look::Closely { TILES } else { 1 };
        let options = SegmentOptions { score_thresh: LOWEST_SCORE, tiles, ..SegmentOptions::default() };
        let encoded = self.encode(image).await?;
        Ok((engine.find_closely(image, &encoded, &options).await.map_err(failed)?, encoded))
    }

    fn keep_questions(&mut self, overlay: Size, encoded: Encoded) {
        self.previews = Some(Questions::new(encoded.resized(sides(overlay))));
        self.questions = Some(Questions::new(encoded));
    }

    /// Encodes the photo shown, unless that is done: if its objects were known, it was not needed.
    async fn be_ready_for_questions(&mut self) -> Result<(), Failure> {
        let (Some(photo), Some(_), None) = (&self.photo, &self.loaded, &self.questions) else {
            return Ok(());
        };
        let encoded = self.encode(photo.image()).await?;
        let overlay = photo.overlay_size();
        self.keep_questions(overlay, encoded);
        Ok(())
    }

    async fn paint(
        &mut self,
        id: RequestId,
        threshold: f32,
        focus: Focus<'_>,
        pointed: Option<Prompt>,
    ) -> Result<(), Failure> {
        if pointed.is_some() {
            self.be_ready_for_questions().await?;
        }
        let Some(photo) = &mut self.photo else { return Ok(()) };
        let mask = match (pointed, &mut self.previews, &self.loaded) {
            (Some(prompt), Some(previews), Some((engine, backend))) => {
                let prompt = prompt.resized(sides(photo.size()), sides(photo.overlay_size()));
                let found = previews.ask(engine, prompt, 1).await;
                found.map_err(|error| not_computed(*backend, &error))?.first().map(|instance| &instance.mask)
            }
            _ => None,
        };
        let overlay = photo.overlay(threshold, focus, mask);
        let history = photo.document().can_undo_and_redo();
        post(&Reply::Painted { id, history }, &[bytes_to_buffer(&overlay)]);
        Ok(())
    }

    async fn ask(
        &mut self,
        id: RequestId,
        prompt: Prompt,
        unlike: Option<usize>,
        (choice, replaces): (usize, bool),
    ) -> Result<(), Failure> {
        self.be_ready_for_questions().await?;
        let (Some(photo), Some(questions), Some((engine, backend))) =
            (&mut self.photo, &mut self.questions, &self.loaded)
        else {
            return Err(nothing_segmented());
        };
        let started_ms = now_ms();
        let answers = questions.ask(engine, prompt, MOST_ANSWERS).await;
        let answers = answers.map_err(|error| not_computed(*backend, &error))?;
        let elapsed_ms = now_ms() - started_ms;
        let known = unlike.and_then(|place| photo.document().object(place)).map(Object::pixels);
        let is_other = |answer: &&Instance| known.as_ref().is_none_or(|mask| mask.iou(&answer.mask) <= ALIKE);
        let answers: Vec<&Instance> = answers.iter().filter(is_other).collect();
        let choices = answers.len();
        let Some(&instance) = answers.get(choice % choices.max(1)) else {
            let sentence = match known {
                Some(_) => Sentence::NoOtherMask,
                None => Sentence::NoObjectHere,
            };
            return Err(Failure::new(FailureKind::Choice, sentence));
        };
        let (instance, runs) = photo.add(instance.clone(), replaces);
        self.is_untold = true;
        post(&Reply::Asked { id, instance, choices, elapsed_ms }, &[words_to_buffer(&runs)]);
        Ok(())
    }

    fn change(&mut self, id: RequestId, change: impl FnOnce(&mut Photo) -> Changed) -> Result<(), Failure> {
        let photo = self.photo.as_mut().ok_or_else(nothing_segmented)?;
        let Changed { places, instances, runs, count } = change(photo);
        self.is_untold = true;
        post(&Reply::Edited { id, places, instances, count }, &[words_to_buffer(&runs)]);
        Ok(())
    }

    async fn logits(&self, id: RequestId, buffers: &[ArrayBuffer]) -> Result<(), Failure> {
        let (engine, backend) = self.loaded.as_ref().ok_or_else(no_model)?;
        let (image, _) = decode(buffers).await.map_err(|error| photo_failure("photo", error))?;
        let failed = |error| not_computed(*backend, &error);
        let Logits { class_logits, mask_logits, .. } = engine.logits(&image).await.map_err(failed)?;
        post(&Reply::Logits { id }, &[floats_to_buffer(&class_logits), floats_to_buffer(&mask_logits)]);
        Ok(())
    }

    async fn export(&self, id: RequestId, export: &Export, backdrop: &[ArrayBuffer]) -> Result<(), Failure> {
        let (Some(photo), Some((engine, _))) = (&self.photo, &self.loaded) else {
            return Err(nothing_segmented());
        };
        let backdrop = self::backdrop(backdrop).await?;
        let made = photo.export(export, engine.labels(), backdrop.as_ref());
        let made = made.map_err(|error| not_made(&error))?;
        let (file_name, mime) = (made.name.clone(), made.media_type().into());
        post(&Reply::Exported { id, file_name, mime }, &[bytes_to_buffer(&made.bytes)]);
        Ok(())
    }
}

/// Decodes the photo for the background, if there is one.
async fn backdrop(file: &[ArrayBuffer]) -> Result<Option<RgbImage>, Failure> {
    if file.is_empty() {
        return Ok(None);
    }
    Ok(Some(decode(file).await.map_err(|error| backdrop_failure(&error))?.0))
}

/// Decodes a photo, with the same code as the command line if that supports it.
async fn decode(buffers: &[ArrayBuffer]) -> Result<(RgbImage, Vec<ImageNote>), ImageError> {
    let file = buffers.first().map(bytes_from_buffer).unwrap_or_default();
    match (RgbImage::decode_with_notes(&file), buffers.first()) {
        (Err(error), Some(buffer)) if error.is_unread() => {
            browser_photo::decode(buffer).await?.map(|image| (image, Vec::new())).ok_or(error)
        }
        (decoded, _) => decoded,
    }
}

const fn sides(Size { width, height }: Size) -> [usize; 2] {
    [width, height]
}

const fn id_of(request: &Request) -> RequestId {
    match request {
        Request::Load { id, .. }
        | Request::Segment { id, .. }
        | Request::Find { id, .. }
        | Request::Forget { id, .. }
        | Request::Collect { id, .. }
        | Request::Paint { id, .. }
        | Request::Ask { id, .. }
        | Request::Withdraw { id }
        | Request::Edit { id, .. }
        | Request::Undo { id }
        | Request::Redo { id }
        | Request::Export { id, .. }
        | Request::Logits { id }
        | Request::Redraw { id, .. }
        | Request::Measure { id }
        | Request::Help { id }
        | Request::Swap { id }
        | Request::ForgetWeights { id } => *id,
    }
}
