//! Converts any layout to this crate's, and extracts the encoder of any architecture.

use burn::module::Module;
use burn::tensor::Device;

use super::{
    Architecture, Checkpoint, Differences, Folder, Loader, WeightSource, WeightsError, apply, apply_encoder,
    collect,
};
use crate::model::{MaskSegmenter, MaskedAutoencoder, VisionTransformer, VitConfig};

/// An encoder under the path that it has in larger models.
#[derive(Module, Debug)]
struct Encoder {
    encoder: VisionTransformer,
}

impl Encoder {
    fn new(config: &VitConfig, device: &Device) -> Self {
        Self { encoder: VisionTransformer::new(config, device) }
    }
}

/// Converts weights to the names that this crate writes, through a model on `device`.
///
/// # Errors
/// [`WeightsError::Mismatch`] if the tensors are not those that the architecture needs.
pub fn convert(folder: Folder, device: &Device) -> Result<Folder, WeightsError> {
    let Folder { mut config, preprocess, layout, tensors } = folder;
    if let Architecture::Encoder(encoder) = &mut config.architecture {
        // Hugging Face has registers and gated MLPs only with layer scale; scales of 1 change nothing.
        encoder.layer_scale |= encoder.num_registers > 0 || encoder.gated_mlp;
    }
    let (from, to) = (layout, config.layout());
    let tensors = match &config.architecture {
        // Leaves out the projection head of contrastive pretraining.
        Architecture::Encoder(encoder) => {
            collect(&apply_encoder(Encoder::new(encoder, device), from, tensors)?, to)
        }
        Architecture::Mae(mae) => collect(&apply(MaskedAutoencoder::new(mae, device), from, tensors)?, to),
        Architecture::Segmenter(segmenter) => {
            collect(&apply(MaskSegmenter::new(segmenter, device), from, tensors)?, to)
        }
    }?;
    Ok(Folder { config, preprocess, layout: to, tensors: tensors.into_iter().collect() })
}

impl Checkpoint {
    /// Returns the differences between its tensors and those that its architecture needs, without reading a
    /// weight.
    #[must_use]
    pub fn differences(&self, device: &Device) -> Differences {
        let loader = match &self.config.architecture {
            Architecture::Encoder(encoder) => Loader::encoder(&Encoder::new(encoder, device), self.layout),
            Architecture::Mae(mae) => Loader::new(&MaskedAutoencoder::new(mae, device), self.layout),
            Architecture::Segmenter(segmenter) => {
                Loader::new(&MaskSegmenter::new(segmenter, device), self.layout)
            }
        };
        loader.compare(self.shapes())
    }

    /// Loads the encoder of any architecture onto `device`, and skips all other tensors.
    ///
    /// # Errors
    /// The errors of [`Checkpoint::load`].
    pub async fn encoder(
        &self,
        source: &impl WeightSource,
        device: &Device,
    ) -> Result<VisionTransformer, WeightsError> {
        let fresh = Encoder::new(self.config.encoder(), device);
        let loader = Loader::encoder(&fresh, self.layout);
        Ok(self.fill(source, loader, fresh).await?.encoder)
    }
}
