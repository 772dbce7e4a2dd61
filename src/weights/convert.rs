//! From any layout to ours.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Device;

use super::{Architecture, Differences, Folder, HostTensor, Layout, Loader, WeightsError, apply, collect};
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

/// What sets the tensors of `folder` apart from what its architecture needs.
#[must_use]
pub fn compare(folder: &Folder, device: &Device) -> Differences {
    let headers = folder.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice()));
    let loader = match &folder.config.architecture {
        Architecture::Encoder(encoder) => Loader::new(&Encoder::new(encoder, device), folder.layout),
        Architecture::Mae(mae) => Loader::new(&MaskedAutoencoder::new(mae, device), folder.layout),
        Architecture::Segmenter(segmenter) => {
            Loader::new(&MaskSegmenter::new(segmenter, device), folder.layout)
        }
    };
    loader.compare(headers)
}

fn renamed<M: Module>(
    fresh: M,
    (from, to): (Layout, Layout),
    tensors: BTreeMap<String, HostTensor>,
) -> Result<BTreeMap<String, HostTensor>, WeightsError> {
    Ok(collect(&apply(fresh, from, tensors)?, to)?.into_iter().collect())
}
