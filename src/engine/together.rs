//! A photo encoded by two workers with the same model, half by each.

use burn::tensor::{Tensor, TensorData};

use super::encoded::{Prepared, numbers};
use super::{Encoded, Engine, EngineError};
use crate::image::RgbImage;
use crate::model::{Half, Proposals};

/// The other worker.
pub trait Partner {
    /// Sends numbers, and returns those that the other worker sends; `None` if it is gone.
    fn swap(&self, numbers: Vec<f32>) -> impl Future<Output = Option<Vec<f32>>>;
}

impl Engine {
    /// Returns whether two workers can share the encoding of a photo.
    #[must_use]
    pub fn divides(&self) -> bool {
        self.model.divides()
    }

    /// Encodes a photo as [`encode`](Self::encode) does, while the partner [helps](Self::help).
    ///
    /// # Errors
    /// [`EngineError::NoPartner`], and the errors of [`encode`](Self::encode).
    pub async fn encode_together(
        &self,
        image: &RgbImage,
        partner: &impl Partner,
    ) -> Result<Encoded, EngineError> {
        let Prepared { pixels, letterbox, guide } = self.prepare(image)?;
        let size = letterbox.canvas().map(|side| side as f32);
        let photo = size.into_iter().chain(pixels.iter().copied()).collect();
        partner.swap(photo).await.ok_or(EngineError::NoPartner)?;
        let proposals = self.propose(pixels, letterbox.canvas(), Half::First, partner).await?;
        let proposals = proposals.ok_or(EngineError::NoPartner)?;
        let class_logits = numbers(proposals.class_logits.clone()).await?;
        Ok(Encoded { proposals, class_logits, letterbox, guide })
    }

    /// Waits for a photo of the partner's, and computes half of its encoding.
    ///
    /// # Errors
    /// [`EngineError::NoPartner`], [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn help(&self, partner: &impl Partner) -> Result<(), EngineError> {
        let photo = partner.swap(Vec::new()).await.ok_or(EngineError::NoPartner)?;
        let Some((&[width, height], pixels)) = photo.split_first_chunk() else {
            return Err(EngineError::NoPartner);
        };
        let canvas = [width, height].map(|side| side as usize);
        if pixels.len() != 3 * canvas[0] * canvas[1] {
            return Err(EngineError::NoPartner);
        }
        self.propose(pixels.to_vec(), canvas, Half::Second, partner).await.map(drop)
    }

    async fn propose(
        &self,
        pixels: Vec<f32>,
        canvas: [usize; 2],
        half: Half,
        partner: &impl Partner,
    ) -> Result<Option<Proposals>, EngineError> {
        let swap = async |own: Tensor<3>| {
            let [batch, _, width] = own.dims();
            let others = partner.swap(numbers(own).await?).await.ok_or(EngineError::NoPartner)?;
            let count = others.len() / width;
            if others.is_empty() || count * width != others.len() {
                return Err(EngineError::NoPartner);
            }
            Ok(Tensor::from_data(TensorData::new(others, [batch, count, width]), &self.device))
        };
        self.model.propose_together(self.on_device(pixels, canvas), half, swap).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;

    use burn::tensor::Device;

    use super::*;
    use crate::model::{MaskSegmenter, SegmenterConfig, VitConfig};
    use crate::pixels::Preprocess;

    /// One end of a line between two threads.
    struct Line(Sender<Vec<f32>>, Mutex<Receiver<Vec<f32>>>);

    impl Partner for Line {
        async fn swap(&self, numbers: Vec<f32>) -> Option<Vec<f32>> {
            self.0.send(numbers).ok()?;
            self.1.lock().unwrap().recv().ok()
        }
    }

    fn line() -> [Line; 2] {
        let ((to_second, from_first), (to_first, from_second)) = (channel(), channel());
        [Line(to_second, from_second.into()), Line(to_first, from_first.into())]
    }

    fn engines() -> [Engine; 2] {
        let device = Device::flex();
        // 25 patches and the class token: not the same number for both.
        let config = SegmenterConfig::new(VitConfig::plain(40, 8, 16, 3, 2), 0, 3, 1);
        let model = MaskSegmenter::new(&config, &device);
        let labels: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        [model.clone(), model]
            .map(|model| Engine::new(model, labels.clone(), Preprocess::square(40), device.clone()))
    }

    fn photo(seed: usize) -> RgbImage {
        let pixels = (0..36 * 40 * 3).map(|at| (at * (7 + seed) % 251) as u8).collect();
        RgbImage::new(40, 36, pixels).unwrap()
    }

    #[test]
    fn two_workers_find_what_one_finds() {
        let [first, second] = engines();
        let [ours, theirs] = line();
        let helper = thread::spawn(move || {
            pollster::block_on(async { while second.help(&theirs).await.is_ok() {} });
        });
        for seed in 0..2 {
            let photo = photo(seed);
            let alone = pollster::block_on(first.encode(&photo)).unwrap();
            let together = pollster::block_on(first.encode_together(&photo, &ours)).unwrap();
            assert!(first.divides() && alone.class_logits.len() == 25 * 4);
            for (alone, together) in alone.class_logits.iter().zip(&together.class_logits) {
                assert!((alone - together).abs() < 1e-5, "{alone} {together}");
            }
            let draw = |encoded| pollster::block_on(first.draw_likely(encoded, 0.0)).unwrap().mask_logits;
            for (alone, together) in draw(&alone).iter().zip(draw(&together)) {
                assert!((alone - together).abs() < 1e-4, "{alone} {together}");
            }
        }
        drop(ours);
        helper.join().unwrap();
    }

    #[test]
    fn a_partner_that_leaves_or_sends_other_numbers_is_an_error() {
        let [engine, _] = engines();
        let [ours, theirs] = line();
        let helper = thread::spawn(move || {
            pollster::block_on(async {
                theirs.swap(Vec::new()).await;
                theirs.swap(vec![0.0; 33]).await;
            });
        });
        let failed = pollster::block_on(engine.encode_together(&photo(0), &ours)).unwrap_err();
        assert!(matches!(failed, EngineError::NoPartner), "{failed}");
        helper.join().unwrap();
        let failed = pollster::block_on(engine.encode_together(&photo(0), &ours)).unwrap_err();
        assert!(matches!(failed, EngineError::NoPartner), "{failed}");
    }
}
