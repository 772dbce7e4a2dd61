//! DINOv3's encoders and the EoMT models built on them.

use super::rows::Form::{JoinedAroundZeros, Nowhere, Same, Transposed, TransposedColumns};
use super::rows::{Row, Section};
use super::{
    EOMT_CLASSES, EOMT_MASKS, EOMT_QUERIES, EOMT_UPSCALE, GATED_MLP, LATERAL_NORM, SCALED_NORMS, TIMM_NORM,
};

#[rustfmt::skip]
const DINOV3_STEM: &[Row] = &[
    ("patch_embed.weight", &["embeddings.patch_embeddings.weight"], Same),
    ("patch_embed.bias", &["embeddings.patch_embeddings.bias"], Same),
    ("cls_token", &["embeddings.cls_token"], Same),
    ("register_tokens", &["embeddings.register_tokens"], Same),
    ("pos_embed", &[], Nowhere),
];

#[rustfmt::skip]
const DINOV3_ATTENTION: &[Row] = &[
    ("attn.qkv.weight", &["attention.q_proj.weight", "attention.k_proj.weight", "attention.v_proj.weight"], TransposedColumns),
    ("attn.qkv.bias", &["attention.q_proj.bias", "attention.v_proj.bias"], JoinedAroundZeros),
    ("attn.proj.weight", &["attention.o_proj.weight"], Transposed),
    ("attn.proj.bias", &["attention.o_proj.bias"], Same),
];

#[rustfmt::skip]
const DINOV3_MLP: &[Row] = &[
    ("mlp.fc1.weight", &["mlp.up_proj.weight"], Transposed),
    ("mlp.fc1.bias", &["mlp.up_proj.bias"], Same),
    ("mlp.fc2.weight", &["mlp.down_proj.weight"], Transposed),
    ("mlp.fc2.bias", &["mlp.down_proj.bias"], Same),
];

#[rustfmt::skip]
const DINOV3_COMMON: &[Section] = &[
    Section("encoder.", "", DINOV3_STEM),
    Section("encoder.blocks.{}.", "layer.{}.", DINOV3_ATTENTION),
    Section("encoder.blocks.{}.", "layer.{}.", SCALED_NORMS),
    Section("encoder.", "", TIMM_NORM),
];

pub(in super::super) const DINOV3: &[&[Section]] =
    &[DINOV3_COMMON, &[Section("encoder.blocks.{}.", "layer.{}.", DINOV3_MLP)]];

pub(in super::super) const DINOV3_GATED: &[&[Section]] =
    &[DINOV3_COMMON, &[Section("encoder.blocks.{}.", "layer.{}.", GATED_MLP)]];

#[rustfmt::skip]
const EOMT_DINOV3_COMMON: &[Section] = &[
    Section("encoder.", "", DINOV3_STEM),
    Section("encoder.blocks.{}.", "layers.{}.", DINOV3_ATTENTION),
    Section("encoder.blocks.{}.", "layers.{}.", SCALED_NORMS),
    Section("encoder.norm.", "layernorm.", LATERAL_NORM),
    Section("", "", EOMT_QUERIES),
    Section("", "", EOMT_CLASSES),
    Section("", "", EOMT_MASKS),
    Section("head.upscale.{}.", "upscale_block.block.{}.", EOMT_UPSCALE),
];

pub(in super::super) const EOMT_DINOV3: &[&[Section]] =
    &[EOMT_DINOV3_COMMON, &[Section("encoder.blocks.{}.", "layers.{}.", DINOV3_MLP)]];

pub(in super::super) const EOMT_DINOV3_GATED: &[&[Section]] =
    &[EOMT_DINOV3_COMMON, &[Section("encoder.blocks.{}.", "layers.{}.", GATED_MLP)]];
