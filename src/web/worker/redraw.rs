//! Hides parts of the photo and draws them with a masked autoencoder.

use std::rc::Rc;

use js_sys::ArrayBuffer;
use web_sys::File;

use super::buffers::bytes_to_buffer;
use super::patience::now_ms;
use super::photo::Photo;
use super::refusal::{no_model, not_computed, not_loaded, not_made, not_opened, nothing_segmented};
use super::source::Source;
use super::store::Store;
use super::{post, progress};
use crate::engine::{
    DeviceChoice, Engine, EngineError, PatchFeatures, Picked, Reconstructor, Redrawn, Square, pick,
};
use crate::export::{ExportError, ExportedFile, PictureFormat, animation_file, picture_file, stem};
use crate::image::RgbImage;
use crate::model::{MaskSampling, PatchMask};
use crate::web::place::Place;
use crate::web::protocol::{
    Backend, Drawn, Failure, FailureKind, Hiding, MOST_PERCENT, Progress, RedrawModel, RedrawReply,
    RedrawRequest, Reply, RequestId, Sampling, Sentence, Wish,
};
use crate::weights::WeightsError;

/// The step between pictures of an animation, in percent of hidden patches; and how long each picture, and
/// the last one, is shown, in milliseconds.
const STEP: usize = 5;
const PACE_MS: [u32; 2] = [240, 1600];

/// A masked autoencoder, and the photo that it drew last.
#[derive(Default)]
pub(super) struct Redrawing {
    reconstructor: Option<Reconstructor>,
    square: Option<(Rc<RgbImage>, Square)>,
}

/// The parts of the session that are needed besides.
pub(super) struct Beside<'a> {
    pub(super) gpu: Option<&'a Picked>,
    pub(super) loaded: Option<&'a (Engine, Backend)>,
    pub(super) photo: Option<&'a Photo>,
}

/// A reply and its buffers.
type Answer = (RedrawReply, Vec<ArrayBuffer>);

impl Redrawing {
    /// Carries out a request and posts its reply.
    pub(super) async fn answer(
        &mut self,
        id: RequestId,
        request: RedrawRequest,
        files: Vec<File>,
        Beside { gpu, loaded, photo }: Beside<'_>,
    ) -> Result<(), Failure> {
        let (engine, backend) = loaded.ok_or_else(no_model)?;
        let photo = photo.ok_or_else(nothing_segmented);
        let failed = |error: Failed| match error {
            Failed::Refused(failure) => failure,
            Failed::Engine(error) => not_computed(*backend, &error),
            Failed::File(error) => not_made(&error),
        };
        let (reply, buffers) = match request {
            RedrawRequest::Load { place, hub } => {
                // The drawing model runs where the segmenter does.
                let picked = match gpu.filter(|_| *backend == Backend::WebGpu) {
                    Some(picked) => picked.clone(),
                    None => pick(DeviceChoice::Cpu).await.map_err(|error| not_computed(*backend, &error))?,
                };
                self.load(id, (&place, &hub), files, &picked).await?
            }
            RedrawRequest::Draw(wish) => self.draw(photo?, &wish).await.map_err(failed)?,
            RedrawRequest::Features => self.features(photo?, engine).await.map_err(failed)?,
            RedrawRequest::Picture(wish) => {
                return self.picture(photo?, &wish).await.map(|made| save(id, &made)).map_err(failed);
            }
            RedrawRequest::Animation(wish) => {
                return self.animation(photo?, &wish).await.map(|made| save(id, &made)).map_err(failed);
            }
        };
        post(&Reply::Redraw { id, reply }, &buffers);
        Ok(())
    }

    async fn load(
        &mut self,
        id: RequestId,
        (asked, hub): (&Place, &str),
        files: Vec<File>,
        picked: &Picked,
    ) -> Result<Answer, Failure> {
        let on_bytes =
            move |done_bytes, total_bytes| progress(id, Progress::Downloading { done_bytes, total_bytes });
        let opened = Source::open(asked, hub, files, on_bytes).await;
        let (source, place) = opened.map_err(|error| not_opened(asked, hub, error))?;
        // There may not be enough memory for two models at once.
        (self.reconstructor, self.square) = (None, None);
        let loaded = Reconstructor::load(&source, &picked.device).await;
        if let Err(EngineError::Weights(WeightsError::Damaged { .. })) = &loaded {
            // The kept copy is damaged too: the next attempt must fetch it again.
            Store::clear().await;
        }
        let reconstructor = loaded.map_err(|error| not_loaded(asked, &place, hub, error))?;
        let model = RedrawModel {
            place,
            grid: reconstructor.grid(),
            side: reconstructor.side(),
            weight_bytes: source.done_bytes(),
        };
        self.reconstructor = Some(reconstructor);
        Ok((RedrawReply::Loaded(model), Vec::new()))
    }

    async fn draw(&mut self, photo: &Photo, wish: &Wish) -> Result<Answer, Failed> {
        let (reconstructor, square) = self.shown(photo)?;
        let (mut drawn, mut buffers) = (Vec::new(), vec![bytes_to_buffer(&square.picture())]);
        for hiding in &wish.hidings {
            let mask = mask_of(reconstructor, hiding);
            let started_ms = now_ms();
            let redrawn = reconstructor.draw(square, &mask).await?;
            let elapsed_ms = now_ms() - started_ms;
            buffers.extend(
                [redrawn.seen(), redrawn.picture(wish.pastes)].map(|picture| bytes_to_buffer(&picture)),
            );
            let likeness = redrawn.likeness.map(|likeness| [likeness.psnr, likeness.ssim]);
            drawn.push(Drawn { hidden: redrawn.hidden, likeness, elapsed_ms });
        }
        Ok((RedrawReply::Drawn(drawn), buffers))
    }

    /// Makes a picture of photo, visible patches and drawing, with a row for each hiding.
    async fn picture(&mut self, photo: &Photo, wish: &Wish) -> Result<ExportedFile, Failed> {
        let (reconstructor, square) = self.shown(photo)?;
        let mut rows = Vec::new();
        for hiding in &wish.hidings {
            rows.push(reconstructor.draw(square, &mask_of(reconstructor, hiding)).await?);
        }
        let name = format!("{}-redrawn", stem(photo.name()));
        Ok(picture_file(&name, &stacked(&rows, wish.pastes).into(), PictureFormat::Png)?)
    }

    /// Makes an animation of visible patches and drawing, from nothing hidden to almost all.
    async fn animation(&mut self, photo: &Photo, wish: &Wish) -> Result<ExportedFile, Failed> {
        let (reconstructor, square) = self.shown(photo)?;
        let (sampling, seed) = match wish.hidings.first() {
            Some(Hiding::Chance { sampling, seed, .. }) => (*sampling, *seed),
            _ => (Sampling::Random, 0),
        };
        let mut pictures = Vec::new();
        for percent in (0..=MOST_PERCENT).step_by(STEP) {
            let mask = mask_of(reconstructor, &Hiding::Chance { percent, sampling, seed });
            let redrawn = reconstructor.draw(square, &mask).await?;
            pictures.push(redrawn.panel(false, wish.pastes));
        }
        let name = format!("{}-redrawn", stem(photo.name()));
        Ok(animation_file(&name, pictures, PACE_MS)?)
    }

    /// Computes the features of the encoder before fine-tuning, which is this model's, and of `engine`'s.
    async fn features(&mut self, photo: &Photo, engine: &Engine) -> Result<Answer, Failed> {
        let (reconstructor, square) = self.shown(photo)?;
        let before = reconstructor.patch_features(square).await?;
        let after = engine.patch_features(photo.image()).await?;
        let both = [before, after];
        let buffers = both.iter().flat_map(|features| [colours(features), features.likenesses()]);
        let buffers = buffers.map(|bytes| bytes_to_buffer(&bytes)).collect();
        Ok((RedrawReply::Features(both.map(|features| features.grid)), buffers))
    }

    /// Returns the model, and the photo prepared for it, which is done once per photo.
    fn shown(&mut self, photo: &Photo) -> Result<(&Reconstructor, &Square), Failed> {
        let Self { reconstructor, square } = self;
        let Some(reconstructor) = reconstructor else {
            return Err(Failed::Refused(Failure::new(FailureKind::Internal, Sentence::NoDrawingModel)));
        };
        let known = square.take().filter(|(known, _)| Rc::ptr_eq(known, photo.shared_image()));
        let prepare = || (photo.shared_image().clone(), reconstructor.prepare(photo.image()));
        let (_, square) = square.insert(known.unwrap_or_else(prepare));
        Ok((reconstructor, square))
    }
}

fn mask_of(reconstructor: &Reconstructor, hiding: &Hiding) -> PatchMask {
    match hiding {
        Hiding::ByHand(hidden) => PatchMask::from_hidden(hidden),
        Hiding::Chance { percent, sampling, seed } => {
            let sampling = match sampling {
                Sampling::Random => MaskSampling::Random,
                Sampling::Block => MaskSampling::Block,
                Sampling::Grid => MaskSampling::Grid,
            };
            let share = f64::from(*percent.min(&MOST_PERCENT)) / 100.0;
            reconstructor.hide(share, sampling, u64::from(*seed))
        }
    }
}

/// Stacks panels vertically.
fn stacked(rows: &[Redrawn], pastes: bool) -> image::RgbImage {
    let panels: Vec<image::RgbImage> = rows.iter().map(|redrawn| redrawn.panel(true, pastes)).collect();
    let width = panels.first().map_or(0, image::RgbImage::width);
    let height = panels.iter().map(image::RgbImage::height).sum();
    let mut picture = image::RgbImage::new(width, height);
    let mut top = 0;
    for panel in &panels {
        image::imageops::replace(&mut picture, panel, 0, top);
        top += i64::from(panel.height());
    }
    picture
}

/// Returns the colours as RGBA.
fn colours(features: &PatchFeatures) -> Vec<u8> {
    features.colours().as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect()
}

/// Why nothing was drawn.
enum Failed {
    Refused(Failure),
    Engine(EngineError),
    File(ExportError),
}

impl From<EngineError> for Failed {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<ExportError> for Failed {
    fn from(error: ExportError) -> Self {
        Self::File(error)
    }
}

fn save(id: RequestId, made: &ExportedFile) {
    let (file_name, mime) = (made.name.clone(), made.media_type().into());
    post(&Reply::Exported { id, file_name, mime }, &[bytes_to_buffer(&made.bytes)]);
}
