//! The published layouts as data. // table

mod dinov3;
mod rows;

pub(super) use dinov3::{DINOV3, DINOV3_GATED, EOMT_DINOV3, EOMT_DINOV3_GATED};

use self::rows::Form::{
    Joined, PlusPositions, Positions, PositionsAfterPrefix, Same, Transposed, TransposedColumns,
};
pub(super) use self::rows::{Form, Row, Section};

#[rustfmt::skip]
const VIT_STEM: &[Row] = &[
    ("patch_embed.weight", &["embeddings.patch_embeddings.projection.weight"], Same),
    ("patch_embed.bias", &["embeddings.patch_embeddings.projection.bias"], Same),
    ("cls_token", &["embeddings.cls_token", "embeddings.position_embeddings"], PlusPositions(0)),
    ("register_tokens", &["embeddings.register_tokens", "embeddings.position_embeddings"], PlusPositions(1)),
    ("pos_embed", &["embeddings.position_embeddings"], PositionsAfterPrefix),
    ("norm.gamma", &["layernorm.weight"], Same),
    ("norm.beta", &["layernorm.bias"], Same),
];

/// The second token of distilled models, with its own position embedding.
#[rustfmt::skip]
const DISTILLATION: &[Row] = &[
    ("register_tokens", &["embeddings.distillation_token", "embeddings.position_embeddings"], PlusPositions(1)),
];

#[rustfmt::skip]
const VIT_ATTENTION: &[Row] = &[
    ("attn.qkv.weight", &["attention.attention.query.weight", "attention.attention.key.weight", "attention.attention.value.weight"], TransposedColumns),
    ("attn.qkv.bias", &["attention.attention.query.bias", "attention.attention.key.bias", "attention.attention.value.bias"], Joined),
    ("attn.proj.weight", &["attention.output.dense.weight"], Transposed),
    ("attn.proj.bias", &["attention.output.dense.bias"], Same),
];

#[rustfmt::skip]
const VIT_REST: &[Row] = &[
    ("norm1.gamma", &["layernorm_before.weight"], Same),
    ("norm1.beta", &["layernorm_before.bias"], Same),
    ("norm2.gamma", &["layernorm_after.weight"], Same),
    ("norm2.beta", &["layernorm_after.bias"], Same),
    ("mlp.fc1.weight", &["intermediate.dense.weight"], Transposed),
    ("mlp.fc1.bias", &["intermediate.dense.bias"], Same),
    ("mlp.fc2.weight", &["output.dense.weight"], Transposed),
    ("mlp.fc2.bias", &["output.dense.bias"], Same),
];

#[rustfmt::skip]
const VIT_MAE_DECODER: &[Row] = &[
    ("encoder_mask_token", &["vit.embeddings.mask_token"], Same),
    ("mask_token", &["decoder.mask_token"], Same),
    ("decoder_pos_embed", &["decoder.decoder_pos_embed"], Same),
    ("decoder_embed.weight", &["decoder.decoder_embed.weight"], Transposed),
    ("decoder_embed.bias", &["decoder.decoder_embed.bias"], Same),
    ("decoder_norm.gamma", &["decoder.decoder_norm.weight"], Same),
    ("decoder_norm.beta", &["decoder.decoder_norm.bias"], Same),
    ("decoder_pred.weight", &["decoder.decoder_pred.weight"], Transposed),
    ("decoder_pred.bias", &["decoder.decoder_pred.bias"], Same),
    ("teacher_pred.weight", &["decoder.teacher_pred.weight"], Transposed),
    ("teacher_pred.bias", &["decoder.teacher_pred.bias"], Same),
];

#[rustfmt::skip]
const TIMM_STEM: &[Row] = &[
    ("patch_embed.weight", &["patch_embed.proj.weight"], Same),
    ("patch_embed.bias", &["patch_embed.proj.bias"], Same),
    ("cls_token", &["cls_token", "pos_embed"], PlusPositions(0)),
    ("pos_embed", &["pos_embed"], PositionsAfterPrefix),
];

#[rustfmt::skip]
const TIMM_NORM: &[Row] = &[
    ("norm.gamma", &["norm.weight"], Same),
    ("norm.beta", &["norm.bias"], Same),
];

#[rustfmt::skip]
const TIMM_REGISTERS: &[Row] = &[
    ("register_tokens", &["reg_token", "pos_embed"], PlusPositions(1)),
];

#[rustfmt::skip]
const TIMM_DISTILLATION: &[Row] = &[
    ("register_tokens", &["dist_token", "pos_embed"], PlusPositions(1)),
];

#[rustfmt::skip]
const TIMM_BLOCK: &[Row] = &[
    ("norm1.gamma", &["norm1.weight"], Same),
    ("norm1.beta", &["norm1.bias"], Same),
    ("attn.qkv.weight", &["attn.qkv.weight"], Transposed),
    ("attn.qkv.bias", &["attn.qkv.bias"], Same),
    ("attn.proj.weight", &["attn.proj.weight"], Transposed),
    ("attn.proj.bias", &["attn.proj.bias"], Same),
    ("norm2.gamma", &["norm2.weight"], Same),
    ("norm2.beta", &["norm2.bias"], Same),
    ("mlp.fc1.weight", &["mlp.fc1.weight"], Transposed),
    ("mlp.fc1.bias", &["mlp.fc1.bias"], Same),
    ("mlp.fc2.weight", &["mlp.fc2.weight"], Transposed),
    ("mlp.fc2.bias", &["mlp.fc2.bias"], Same),
];

#[rustfmt::skip]
const TIMM_SCALES: &[Row] = &[
    ("scale1.gamma", &["ls1.gamma"], Same),
    ("scale2.gamma", &["ls2.gamma"], Same),
];

#[rustfmt::skip]
const MAE_DECODER: &[Row] = &[
    ("mask_token", &["mask_token"], Same),
    ("decoder_pos_embed", &["decoder_pos_embed"], Same),
    ("decoder_embed.weight", &["decoder_embed.weight"], Transposed),
    ("decoder_embed.bias", &["decoder_embed.bias"], Same),
    ("decoder_norm.gamma", &["decoder_norm.weight"], Same),
    ("decoder_norm.beta", &["decoder_norm.bias"], Same),
    ("decoder_pred.weight", &["decoder_pred.weight"], Transposed),
    ("decoder_pred.bias", &["decoder_pred.bias"], Same),
];

#[rustfmt::skip]
const EOMT_STEM: &[Row] = &[
    ("patch_embed.weight", &["embeddings.patch_embeddings.projection.weight"], Same),
    ("patch_embed.bias", &["embeddings.patch_embeddings.projection.bias"], Same),
    ("cls_token", &["embeddings.cls_token", "embeddings.position_embeddings.weight"], PlusPositions(0)),
    ("register_tokens", &["embeddings.register_tokens"], Same),
    ("pos_embed", &["embeddings.position_embeddings.weight"], Positions),
    ("norm.gamma", &["layernorm.weight"], Same),
    ("norm.beta", &["layernorm.bias"], Same),
];

#[rustfmt::skip]
const EOMT_QKV: &[Row] = &[
    ("attn.qkv.weight", &["attention.q_proj.weight", "attention.k_proj.weight", "attention.v_proj.weight"], TransposedColumns),
    ("attn.qkv.bias", &["attention.q_proj.bias", "attention.k_proj.bias", "attention.v_proj.bias"], Joined),
];

#[rustfmt::skip]
const SCALED_NORMS: &[Row] = &[
    ("norm1.gamma", &["norm1.weight"], Same),
    ("norm1.beta", &["norm1.bias"], Same),
    ("scale1.gamma", &["layer_scale1.lambda1"], Same),
    ("norm2.gamma", &["norm2.weight"], Same),
    ("norm2.beta", &["norm2.bias"], Same),
    ("scale2.gamma", &["layer_scale2.lambda1"], Same),
];

#[rustfmt::skip]
const OUT_PROJ: &[Row] = &[
    ("attn.proj.weight", &["attention.out_proj.weight"], Transposed),
    ("attn.proj.bias", &["attention.out_proj.bias"], Same),
];

#[rustfmt::skip]
const PROJ_OUT: &[Row] = &[
    ("attn.proj.weight", &["attention.proj_out.weight"], Transposed),
    ("attn.proj.bias", &["attention.proj_out.bias"], Same),
];

#[rustfmt::skip]
const MLP: &[Row] = &[
    ("mlp.fc1.weight", &["mlp.fc1.weight"], Transposed),
    ("mlp.fc1.bias", &["mlp.fc1.bias"], Same),
    ("mlp.fc2.weight", &["mlp.fc2.weight"], Transposed),
    ("mlp.fc2.bias", &["mlp.fc2.bias"], Same),
];

#[rustfmt::skip]
const GATED_MLP: &[Row] = &[
    ("mlp.fc1.weight", &["mlp.gate_proj.weight", "mlp.up_proj.weight"], TransposedColumns),
    ("mlp.fc1.bias", &["mlp.gate_proj.bias", "mlp.up_proj.bias"], Joined),
    ("mlp.fc2.weight", &["mlp.down_proj.weight"], Transposed),
    ("mlp.fc2.bias", &["mlp.down_proj.bias"], Same),
];

#[rustfmt::skip]
const PACKED_MLP: &[Row] = &[
    ("mlp.fc1.weight", &["mlp.weights_in.weight"], Transposed),
    ("mlp.fc1.bias", &["mlp.weights_in.bias"], Same),
    ("mlp.fc2.weight", &["mlp.weights_out.weight"], Transposed),
    ("mlp.fc2.bias", &["mlp.weights_out.bias"], Same),
];

#[rustfmt::skip]
const EOMT_QUERIES: &[Row] = &[
    ("queries", &["query.weight"], Same),
    ("extent.form.weight", &["extent.weight"], Transposed),
    ("extent.form.bias", &["extent.bias"], Same),
    ("extent.shift.weight", &["shift.weight"], Transposed),
    ("extent.shift.bias", &["shift.bias"], Same),
    ("teacher_pred.weight", &["teacher_pred.weight"], Transposed),
    ("teacher_pred.bias", &["teacher_pred.bias"], Same),
];

#[rustfmt::skip]
const EOMT_CLASSES: &[Row] = &[
    ("head.class_predictor.weight", &["class_predictor.weight"], Transposed),
    ("head.class_predictor.bias", &["class_predictor.bias"], Same),
];

#[rustfmt::skip]
const EOMT_MASKS: &[Row] = &[
    ("head.fc1.weight", &["mask_head.fc1.weight"], Transposed),
    ("head.fc1.bias", &["mask_head.fc1.bias"], Same),
    ("head.fc2.weight", &["mask_head.fc2.weight"], Transposed),
    ("head.fc2.bias", &["mask_head.fc2.bias"], Same),
    ("head.fc3.weight", &["mask_head.fc3.weight"], Transposed),
    ("head.fc3.bias", &["mask_head.fc3.bias"], Same),
];

#[rustfmt::skip]
const EOMT_UPSCALE: &[Row] = &[
    ("conv1_weight", &["conv1.weight"], Same),
    ("conv1_bias", &["conv1.bias"], Same),
    ("conv2_weight", &["conv2.weight"], Same),
    ("norm.gamma", &["layernorm2d.weight"], Same),
    ("norm.beta", &["layernorm2d.bias"], Same),
];

#[rustfmt::skip]
const NATIVE_HEAD: &[Row] = &[
    ("queries", &["q.weight"], Same),
    ("head.class_predictor.weight", &["class_head.weight"], Transposed),
    ("head.class_predictor.bias", &["class_head.bias"], Same),
    ("head.fc1.weight", &["mask_head.0.weight"], Transposed),
    ("head.fc1.bias", &["mask_head.0.bias"], Same),
    ("head.fc2.weight", &["mask_head.2.weight"], Transposed),
    ("head.fc2.bias", &["mask_head.2.bias"], Same),
    ("head.fc3.weight", &["mask_head.4.weight"], Transposed),
    ("head.fc3.bias", &["mask_head.4.bias"], Same),
];

#[rustfmt::skip]
const NATIVE_UPSCALE: &[Row] = &[
    ("conv1_weight", &["conv1.weight"], Same),
    ("conv1_bias", &["conv1.bias"], Same),
    ("conv2_weight", &["conv2.weight"], Same),
    ("norm.gamma", &["norm.weight"], Same),
    ("norm.beta", &["norm.bias"], Same),
];

#[rustfmt::skip]
const LATERAL_NORM: &[Row] = &[
    ("gamma", &["weight"], Same),
    ("beta", &["bias"], Same),
];

#[rustfmt::skip]
const LATERAL_PROJECTION: &[Row] = &[
    ("weight", &["weight"], Transposed),
    ("bias", &["bias"], Same),
];

#[rustfmt::skip]
const VIT_MAE_COMMON: &[Section] = &[
    Section("encoder.", "vit.", VIT_STEM),
    Section("encoder.blocks.{}.", "vit.encoder.layer.{}.", VIT_ATTENTION),
    Section("encoder.blocks.{}.", "vit.encoder.layer.{}.", VIT_REST),
    Section("", "", VIT_MAE_DECODER),
];

pub(super) const VIT_MAE: &[&[Section]] = &[
    VIT_MAE_COMMON,
    &[
        Section("decoder_blocks.{}.", "decoder.decoder_encoder.layer.{}.", VIT_ATTENTION),
        Section("decoder_blocks.{}.", "decoder.decoder_encoder.layer.{}.", VIT_REST),
    ],
];

pub(super) const VIT_MAE_FIRST: &[&[Section]] = &[
    VIT_MAE_COMMON,
    &[
        Section("decoder_blocks.{}.", "decoder.decoder_layers.{}.", VIT_ATTENTION),
        Section("decoder_blocks.{}.", "decoder.decoder_layers.{}.", VIT_REST),
    ],
];

#[rustfmt::skip]
const PROJECTOR: &[Row] = &[
    ("fc1.weight", &["fc1.weight"], Transposed),
    ("fc1.bias", &["fc1.bias"], Same),
    ("fc2.weight", &["fc2.weight"], Transposed),
    ("fc2.bias", &["fc2.bias"], Same),
];

#[rustfmt::skip]
pub(super) const VIT: &[&[Section]] = &[&[
    Section("encoder.", "", VIT_STEM),
    Section("encoder.blocks.{}.", "encoder.layer.{}.", VIT_ATTENTION),
    Section("encoder.blocks.{}.", "encoder.layer.{}.", VIT_REST),
    Section("projector.", "projector.", PROJECTOR),
]];

#[rustfmt::skip]
pub(super) const DEIT: &[&[Section]] = &[&[
    Section("encoder.", "", DISTILLATION),
    Section("encoder.", "", VIT_STEM),
    Section("encoder.blocks.{}.", "encoder.layer.{}.", VIT_ATTENTION),
    Section("encoder.blocks.{}.", "encoder.layer.{}.", VIT_REST),
]];

#[rustfmt::skip]
const DINOV2_COMMON: &[Section] = &[
    Section("encoder.", "", VIT_STEM),
    Section("encoder.blocks.{}.", "encoder.layer.{}.", VIT_ATTENTION),
    Section("encoder.blocks.{}.", "encoder.layer.{}.", SCALED_NORMS),
];

pub(super) const DINOV2: &[&[Section]] =
    &[DINOV2_COMMON, &[Section("encoder.blocks.{}.", "encoder.layer.{}.", MLP)]];

pub(super) const DINOV2_GATED: &[&[Section]] =
    &[DINOV2_COMMON, &[Section("encoder.blocks.{}.", "encoder.layer.{}.", PACKED_MLP)]];

#[rustfmt::skip]
const TIMM_COMMON: &[Section] = &[
    Section("encoder.", "", TIMM_STEM),
    Section("encoder.blocks.{}.", "blocks.{}.", TIMM_BLOCK),
    Section("", "", MAE_DECODER),
    Section("decoder_blocks.{}.", "decoder_blocks.{}.", TIMM_BLOCK),
];
const TIMM_REGISTERED: &[Section] = &[Section("encoder.", "", TIMM_REGISTERS)];
const TIMM_NORMED: &[Section] = &[Section("encoder.", "", TIMM_NORM)];
const TIMM_SCALED_BLOCKS: &[Section] = &[Section("encoder.blocks.{}.", "blocks.{}.", TIMM_SCALES)];

pub(super) const TIMM: &[&[Section]] = &[TIMM_COMMON, TIMM_REGISTERED, TIMM_NORMED];

pub(super) const TIMM_POOLED: &[&[Section]] = &[TIMM_COMMON, TIMM_REGISTERED];

pub(super) const TIMM_SCALED: &[&[Section]] =
    &[TIMM_COMMON, TIMM_REGISTERED, TIMM_NORMED, TIMM_SCALED_BLOCKS];

pub(super) const TIMM_SCALED_POOLED: &[&[Section]] = &[TIMM_COMMON, TIMM_REGISTERED, TIMM_SCALED_BLOCKS];

pub(super) const TIMM_DISTILLED: &[&[Section]] =
    &[TIMM_COMMON, &[Section("encoder.", "", TIMM_DISTILLATION)], TIMM_NORMED];

#[rustfmt::skip]
const EOMT_COMMON: &[Section] = &[
    Section("encoder.", "", EOMT_STEM),
    Section("encoder.blocks.{}.", "layers.{}.", EOMT_QKV),
    Section("encoder.blocks.{}.", "layers.{}.", SCALED_NORMS),
    Section("encoder.blocks.{}.", "layers.{}.", OUT_PROJ),
    Section("", "", EOMT_QUERIES),
    Section("", "", EOMT_CLASSES),
    Section("", "", EOMT_MASKS),
    Section("head.upscale.{}.", "upscale_block.block.{}.", EOMT_UPSCALE),
    Section("lateral.norms.{}.", "lateral.norms.{}.", LATERAL_NORM),
    Section("lateral.projections.{}.", "lateral.projections.{}.", LATERAL_PROJECTION),
    Section("lateral.blocks.{}.", "lateral.layers.{}.", EOMT_QKV),
    Section("lateral.blocks.{}.", "lateral.layers.{}.", SCALED_NORMS),
    Section("lateral.blocks.{}.", "lateral.layers.{}.", OUT_PROJ),
    Section("lateral.blocks.{}.", "lateral.layers.{}.", MLP),
    Section("lateral.norm.", "lateral.norm.", LATERAL_NORM),
];

pub(super) const EOMT: &[&[Section]] = &[EOMT_COMMON, &[Section("encoder.blocks.{}.", "layers.{}.", MLP)]];

pub(super) const EOMT_GATED: &[&[Section]] =
    &[EOMT_COMMON, &[Section("encoder.blocks.{}.", "layers.{}.", GATED_MLP)]];

pub(super) const EOMT_PACKED: &[&[Section]] =
    &[EOMT_COMMON, &[Section("encoder.blocks.{}.", "layers.{}.", PACKED_MLP)]];

#[rustfmt::skip]
pub(super) const EOMT_EARLY: &[&[Section]] = &[&[
    Section("encoder.", "model.", EOMT_STEM),
    Section("encoder.blocks.{}.", "model.encoder.layers.{}.", EOMT_QKV),
    Section("encoder.blocks.{}.", "model.encoder.layers.{}.", SCALED_NORMS),
    Section("encoder.blocks.{}.", "model.encoder.layers.{}.", PROJ_OUT),
    Section("encoder.blocks.{}.", "model.encoder.layers.{}.", MLP),
    Section("", "model.encoder.", EOMT_QUERIES),
    Section("", "", EOMT_CLASSES),
    Section("", "model.", EOMT_MASKS),
    Section("head.upscale.{}.", "model.upscale_block.block.{}.", EOMT_UPSCALE),
]];

#[rustfmt::skip]
pub(super) const EOMT_NATIVE: &[&[Section]] = &[&[
    Section("encoder.", "network.encoder.backbone.", TIMM_STEM),
    Section("encoder.", "network.encoder.backbone.", TIMM_REGISTERS),
    Section("encoder.", "network.encoder.backbone.", TIMM_NORM),
    Section("encoder.blocks.{}.", "network.encoder.backbone.blocks.{}.", TIMM_BLOCK),
    Section("encoder.blocks.{}.", "network.encoder.backbone.blocks.{}.", TIMM_SCALES),
    Section("", "network.", NATIVE_HEAD),
    Section("head.upscale.{}.", "network.upscale.{}.", NATIVE_UPSCALE),
]];
