//! Instance segmentation with a masked-autoencoder Vision Transformer: trained natively, run anywhere.
//!
//! ```no_run
#![doc = include_str!("../examples/segment_photo.rs")]
//! ```
//!
//! `examples/` also trains a masked autoencoder step by step, and fine-tunes a segmenter.
//!
//! # One straight path
//!
//! ```text
//! 1  bytes ──image::decode──▶ RgbImage                u8  [H0, W0, 3]
//! 2        ──pixels::prepare──▶                       f32 [3, S, S]  + Letterbox; oblong if not padded
//! 3        ──model::PatchEmbed──▶ tokens              [1, L, D]      L = (S/P)²
//! 4        ──model::VisionTransformer──▶ tokens       [1, L, D]
//! 5        ──model::MaskSegmenter──▶ class_logits     [1, Q, K+1], mask_logits [1, Q, S/4, S/4]
//! 6        ──engine::postprocess──▶ Vec<Instance>     scores, labels, masks at H0 × W0
//! 7  ──▶ page (web), pictures and annotations (export), average precision (eval)
//! ```
//!
//! In browsers without a GPU, steps 4 and 5 multiply weights stored in `f16` as 16-bit integers
//! (`mae_seg_kernels`).
//!
//! Training leaves the path at two points: MAE after step 3 (hidden patches dropped, decoder, pixel loss),
//! fine-tuning after step 5 (matching, set loss).
//!
//! # Modules
//!
//! Imports go down this table only, and inside a module they close no circle.
//!
//! | level | module | what |
//! |---|---|---|
//! | L0 | [`image`], [`pixels`], [`mask`], [`instance`], [`prompt`] | plain data: photos, masks, instances |
//! | L0 | [`hub_name`], [`text`], [`memory`], `random`, `files`, `args` | names, text, memory, files, flags |
//! | L1 | [`model`] | tensors only: encoder, MAE, segmenter |
//! | L1 | [`export`] | files of the results: pictures, annotations |
//! | L2 | [`weights`] | weight folders: names, shapes, shards |
//! | L3 | [`engine`], `data`, `sources` | the inference path; training data; checkpoints from disk and web |
//! | L4 | `train`, `eval` | losses, schedules, average precision |
//! | L5 | `cli`, [`web`] | the two front ends |

#[cfg(all(feature = "native", target_arch = "wasm32"))]
compile_error!("build for the browser with --no-default-features --features web");

pub mod export;
pub mod hub_name;
pub mod image;
pub mod instance;
pub mod mask;
pub mod memory;
pub mod pixels;
pub mod prompt;
pub mod text;
pub mod web;

#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
pub mod model;
#[cfg(feature = "engine")]
mod random;
#[cfg(feature = "engine")]
pub mod weights;

#[cfg(feature = "native")]
mod args;
#[cfg(feature = "native")]
pub mod cli;
#[cfg(feature = "native")]
pub mod data;
#[cfg(feature = "native")]
pub mod eval;
#[cfg(feature = "native")]
mod files;
#[cfg(feature = "native")]
pub mod sources;
#[cfg(feature = "native")]
pub mod train;
