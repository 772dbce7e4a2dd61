//! From any layout to ours, and from any architecture to its encoder.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Device;

use super::{
    Architecture, Checkpoint, Differences, Folder, HostTensor, Layout, Loader, WeightSource, WeightsError,
    apply, collect,
};
use crate::model::{MaskSegmenter, MaskedAutoencoder, VisionTransformer, VitConfig};

/// An encoder below the path at which larger models have theirs.
#[derive(Module, Debug)]
struct Encoder {
    encoder: VisionTransformer,
}

impl Encoder {
    fn new(config: &VitConfig, device: &Device) -> Self {
        Self { encoder: VisionTransformer::new(config, device) }
    }
}

/// The same weights under the names we write, through a model on `device`.
///
/// # Errors
/// [`WeightsError::Mismatch`] where the tensors are not those the architecture needs.
pub fn convert(folder: Folder, device: &Device) -> Result<Folder, WeightsError> {
    let Folder { config, preprocess, layout, tensors } = folder;
    let (from, to) = (layout, config.layout());
    let tensors = match &config.architecture {
        Architecture::Encoder(encoder) => renamed(Encoder::new(encoder, device), (from, to), tensors),
        Architecture::Mae(mae) => renamed(MaskedAutoencoder::new(mae, device), (from, to), tensors),
        Architecture::Segmenter(segmenter) => {
            renamed(MaskSegmenter::new(segmenter, device), (from, to), tensors)
        }
    }?;
    Ok(Folder { config, preprocess, layout: to, tensors })
}

impl Checkpoint {
    /// What sets its tensors apart from what its architecture needs; no weight is read.
    #[must_use]
    pub fn differences(&self, device: &Device) -> Differences {
        let loader = match &self.config.architecture {
            Architecture::Encoder(encoder) => Loader::new(&Encoder::new(encoder, device), self.layout),
            Architecture::Mae(mae) => Loader::new(&MaskedAutoencoder::new(mae, device), self.layout),
            Architecture::Segmenter(segmenter) => {
                Loader::new(&MaskSegmenter::new(segmenter, device), self.layout)
            }
        };
        loader.compare(self.shapes())
    }

    /// The encoder of whatever this is, on `device`; all other tensors are passed over.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
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

fn renamed<M: Module>(
    fresh: M,
    (from, to): (Layout, Layout),
    tensors: BTreeMap<String, HostTensor>,
) -> Result<BTreeMap<String, HostTensor>, WeightsError> {
    Ok(collect(&apply(fresh, from, tensors)?, to)?.into_iter().collect())
}
