//! `mae-seg inspect`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::bundled::Source;
use super::device::DeviceArg;
use super::output::print_line;
use crate::weights::{Architecture, Folder, compare, read_folder};

/// Say what a checkpoint holds and whether it would load.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg inspect runs/seg
  mae-seg inspect mae-base.safetensors")]
pub(super) struct Arguments {
    /// Weight folder, training run, or a .safetensors file
    source: PathBuf,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let folder = pollster::block_on(read_folder(&Source::open(Some(&arguments.source))?))?;
    for line in architecture(&folder) {
        print_line(&line)?;
    }
    let numbers: usize = folder.tensors.values().map(|tensor| tensor.values.len()).sum();
    print_line(&format!("tensors       {}, {numbers} numbers", folder.tensors.len()))?;
    print_line(&format!("layout        {:?}", folder.layout))?;
    let preprocess = &folder.preprocess;
    print_line(&format!("mean, std     {:?}, {:?}", preprocess.mean, preprocess.std))?;
    if !folder.config.labels.is_empty() {
        print_line(&format!("labels        {}", folder.config.labels.join(", ")))?;
    }
    let differences = compare(&folder, &DeviceArg::Cpu.pick()?.device);
    let fit = differences.to_string();
    print_line(&format!("fit           {}", if fit.is_empty() { "every tensor has its place" } else { &fit }))
}

fn architecture(folder: &Folder) -> Vec<String> {
    let encoder = folder.config.encoder();
    let mut lines = vec![match &folder.config.architecture {
        Architecture::Encoder(_) => "architecture  encoder, to fine-tune from".to_owned(),
        Architecture::Mae(mae) => {
            let decoder = &mae.decoder;
            format!("architecture  masked autoencoder, decoder {} × {}", decoder.depth, decoder.embed_dim)
        }
        Architecture::Segmenter(segmenter) => format!(
            "architecture  segmenter, {} queries in {} blocks, {} classes",
            segmenter.num_queries, segmenter.num_blocks, segmenter.num_classes
        ),
    }];
    lines.push(format!(
        "encoder       {} blocks × {}, {} heads, patch {}, image {}, {} registers",
        encoder.depth,
        encoder.embed_dim,
        encoder.num_heads,
        encoder.patch_size,
        encoder.image_size,
        encoder.num_registers
    ));
    lines
}
