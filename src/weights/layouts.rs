//! Published layouts of tensor names, as data. // table
//!
//! A rule maps one of our parameters (path through the module tree, `{}` for a layer index) to the tensors of the
//! file, and says how they make it up. Python's `Linear` stores `[out, in]`, Burn's `[in, out]`.

/// How file tensors make up one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Stored as it is.
    Same,
    /// A `Linear` weight: `[out, in]` in the file.
    Transposed,
    /// Several `Linear` weights side by side: queries, keys, values.
    TransposedColumns,
    /// Several vectors end to end.
    Joined,
    /// A table of patch positions, one row per patch.
    Positions,
    /// A table of patch positions behind a row for the class token.
    PositionsAfterClass,
    /// The class token, and the position table: it has no position here, so its row, if any, is added to it.
    PlusClassPosition,
}

/// One row of a layout.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) ours: &'static str,
    pub(super) files: &'static [&'static str],
    pub(super) form: Form,
}

const fn rule(ours: &'static str, files: &'static [&'static str], form: Form) -> Rule {
    Rule { ours, files, form }
}

/// A published (or our own) way to name tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Hugging Face `ViTMAEForPreTraining`.
    VitMae,
    /// The encoder part of Hugging Face `ViTMAEForPreTraining`, into a segmenter's `encoder.…`.
    VitMaeEncoder,
    /// The encoder part of [`Layout::Eomt`].
    EomtEncoder,
    /// Hugging Face `EomtForUniversalSegmentation`; with the lateral blocks of ours added where there are any.
    Eomt,
}

impl Layout {
    pub(super) fn rules(self) -> impl Iterator<Item = &'static Rule> {
        let tables: &[&[Rule]] = match self {
            Self::VitMae => &[VIT_MAE_ENCODER, VIT_MAE_DECODER],
            Self::VitMaeEncoder => &[VIT_MAE_ENCODER],
            Self::EomtEncoder => &[EOMT],
            Self::Eomt => &[EOMT, LATERAL],
        };
        let whole = self != Self::EomtEncoder;
        tables.iter().copied().flatten().filter(move |rule| whole || rule.ours.starts_with("encoder."))
    }

    /// Tensors that may be in a file without belonging to any parameter.
    pub(super) fn ignores(self, name: &str) -> bool {
        match self {
            Self::VitMae => false,
            Self::VitMaeEncoder => name.starts_with("decoder."),
            Self::EomtEncoder => !name.starts_with("layers.") && !name.starts_with("embeddings."),
            Self::Eomt => name == "attn_mask_probs" || name == "criterion.empty_weight",
        }
    }
}

use Form::{Joined, PlusClassPosition, Positions, PositionsAfterClass, Same, Transposed, TransposedColumns};

#[rustfmt::skip]
const VIT_MAE_ENCODER: &[Rule] = &[
    rule("encoder.patch_embed.weight", &["vit.embeddings.patch_embeddings.projection.weight"], Same),
    rule("encoder.patch_embed.bias", &["vit.embeddings.patch_embeddings.projection.bias"], Same),
    rule("encoder.cls_token", &["vit.embeddings.cls_token", "vit.embeddings.position_embeddings"], PlusClassPosition),
    rule("encoder.pos_embed", &["vit.embeddings.position_embeddings"], PositionsAfterClass),
    rule("encoder.blocks.{}.norm1.gamma", &["vit.encoder.layer.{}.layernorm_before.weight"], Same),
    rule("encoder.blocks.{}.norm1.beta", &["vit.encoder.layer.{}.layernorm_before.bias"], Same),
    rule("encoder.blocks.{}.attn.qkv.weight", &["vit.encoder.layer.{}.attention.attention.query.weight", "vit.encoder.layer.{}.attention.attention.key.weight", "vit.encoder.layer.{}.attention.attention.value.weight"], TransposedColumns),
    rule("encoder.blocks.{}.attn.qkv.bias", &["vit.encoder.layer.{}.attention.attention.query.bias", "vit.encoder.layer.{}.attention.attention.key.bias", "vit.encoder.layer.{}.attention.attention.value.bias"], Joined),
    rule("encoder.blocks.{}.attn.proj.weight", &["vit.encoder.layer.{}.attention.output.dense.weight"], Transposed),
    rule("encoder.blocks.{}.attn.proj.bias", &["vit.encoder.layer.{}.attention.output.dense.bias"], Same),
    rule("encoder.blocks.{}.norm2.gamma", &["vit.encoder.layer.{}.layernorm_after.weight"], Same),
    rule("encoder.blocks.{}.norm2.beta", &["vit.encoder.layer.{}.layernorm_after.bias"], Same),
    rule("encoder.blocks.{}.mlp.fc1.weight", &["vit.encoder.layer.{}.intermediate.dense.weight"], Transposed),
    rule("encoder.blocks.{}.mlp.fc1.bias", &["vit.encoder.layer.{}.intermediate.dense.bias"], Same),
    rule("encoder.blocks.{}.mlp.fc2.weight", &["vit.encoder.layer.{}.output.dense.weight"], Transposed),
    rule("encoder.blocks.{}.mlp.fc2.bias", &["vit.encoder.layer.{}.output.dense.bias"], Same),
    rule("encoder.norm.gamma", &["vit.layernorm.weight"], Same),
    rule("encoder.norm.beta", &["vit.layernorm.bias"], Same),
];

#[rustfmt::skip]
const VIT_MAE_DECODER: &[Rule] = &[
    rule("encoder_mask_token", &["vit.embeddings.mask_token"], Same),
    rule("mask_token", &["decoder.mask_token"], Same),
    rule("decoder_pos_embed", &["decoder.decoder_pos_embed"], Same),
    rule("decoder_embed.weight", &["decoder.decoder_embed.weight"], Transposed),
    rule("decoder_embed.bias", &["decoder.decoder_embed.bias"], Same),
    rule("decoder_blocks.{}.norm1.gamma", &["decoder.decoder_encoder.layer.{}.layernorm_before.weight"], Same),
    rule("decoder_blocks.{}.norm1.beta", &["decoder.decoder_encoder.layer.{}.layernorm_before.bias"], Same),
    rule("decoder_blocks.{}.attn.qkv.weight", &["decoder.decoder_encoder.layer.{}.attention.attention.query.weight", "decoder.decoder_encoder.layer.{}.attention.attention.key.weight", "decoder.decoder_encoder.layer.{}.attention.attention.value.weight"], TransposedColumns),
    rule("decoder_blocks.{}.attn.qkv.bias", &["decoder.decoder_encoder.layer.{}.attention.attention.query.bias", "decoder.decoder_encoder.layer.{}.attention.attention.key.bias", "decoder.decoder_encoder.layer.{}.attention.attention.value.bias"], Joined),
    rule("decoder_blocks.{}.attn.proj.weight", &["decoder.decoder_encoder.layer.{}.attention.output.dense.weight"], Transposed),
    rule("decoder_blocks.{}.attn.proj.bias", &["decoder.decoder_encoder.layer.{}.attention.output.dense.bias"], Same),
    rule("decoder_blocks.{}.norm2.gamma", &["decoder.decoder_encoder.layer.{}.layernorm_after.weight"], Same),
    rule("decoder_blocks.{}.norm2.beta", &["decoder.decoder_encoder.layer.{}.layernorm_after.bias"], Same),
    rule("decoder_blocks.{}.mlp.fc1.weight", &["decoder.decoder_encoder.layer.{}.intermediate.dense.weight"], Transposed),
    rule("decoder_blocks.{}.mlp.fc1.bias", &["decoder.decoder_encoder.layer.{}.intermediate.dense.bias"], Same),
    rule("decoder_blocks.{}.mlp.fc2.weight", &["decoder.decoder_encoder.layer.{}.output.dense.weight"], Transposed),
    rule("decoder_blocks.{}.mlp.fc2.bias", &["decoder.decoder_encoder.layer.{}.output.dense.bias"], Same),
    rule("decoder_norm.gamma", &["decoder.decoder_norm.weight"], Same),
    rule("decoder_norm.beta", &["decoder.decoder_norm.bias"], Same),
    rule("decoder_pred.weight", &["decoder.decoder_pred.weight"], Transposed),
    rule("decoder_pred.bias", &["decoder.decoder_pred.bias"], Same),
    rule("teacher_pred.weight", &["decoder.teacher_pred.weight"], Transposed),
    rule("teacher_pred.bias", &["decoder.teacher_pred.bias"], Same),
];

#[rustfmt::skip]
const EOMT: &[Rule] = &[
    rule("encoder.patch_embed.weight", &["embeddings.patch_embeddings.projection.weight"], Same),
    rule("encoder.patch_embed.bias", &["embeddings.patch_embeddings.projection.bias"], Same),
    rule("encoder.cls_token", &["embeddings.cls_token"], Same),
    rule("encoder.register_tokens", &["embeddings.register_tokens"], Same),
    rule("encoder.pos_embed", &["embeddings.position_embeddings.weight"], Positions),
    rule("encoder.blocks.{}.norm1.gamma", &["layers.{}.norm1.weight"], Same),
    rule("encoder.blocks.{}.norm1.beta", &["layers.{}.norm1.bias"], Same),
    rule("encoder.blocks.{}.attn.qkv.weight", &["layers.{}.attention.q_proj.weight", "layers.{}.attention.k_proj.weight", "layers.{}.attention.v_proj.weight"], TransposedColumns),
    rule("encoder.blocks.{}.attn.qkv.bias", &["layers.{}.attention.q_proj.bias", "layers.{}.attention.k_proj.bias", "layers.{}.attention.v_proj.bias"], Joined),
    rule("encoder.blocks.{}.attn.proj.weight", &["layers.{}.attention.out_proj.weight"], Transposed),
    rule("encoder.blocks.{}.attn.proj.bias", &["layers.{}.attention.out_proj.bias"], Same),
    rule("encoder.blocks.{}.scale1.gamma", &["layers.{}.layer_scale1.lambda1"], Same),
    rule("encoder.blocks.{}.norm2.gamma", &["layers.{}.norm2.weight"], Same),
    rule("encoder.blocks.{}.norm2.beta", &["layers.{}.norm2.bias"], Same),
    rule("encoder.blocks.{}.mlp.fc1.weight", &["layers.{}.mlp.fc1.weight"], Transposed),
    rule("encoder.blocks.{}.mlp.fc1.bias", &["layers.{}.mlp.fc1.bias"], Same),
    rule("encoder.blocks.{}.mlp.fc2.weight", &["layers.{}.mlp.fc2.weight"], Transposed),
    rule("encoder.blocks.{}.mlp.fc2.bias", &["layers.{}.mlp.fc2.bias"], Same),
    rule("encoder.blocks.{}.scale2.gamma", &["layers.{}.layer_scale2.lambda1"], Same),
    rule("encoder.norm.gamma", &["layernorm.weight"], Same),
    rule("encoder.norm.beta", &["layernorm.bias"], Same),
    rule("queries", &["query.weight"], Same),
    rule("head.class_predictor.weight", &["class_predictor.weight"], Transposed),
    rule("head.class_predictor.bias", &["class_predictor.bias"], Same),
    rule("head.fc1.weight", &["mask_head.fc1.weight"], Transposed),
    rule("head.fc1.bias", &["mask_head.fc1.bias"], Same),
    rule("head.fc2.weight", &["mask_head.fc2.weight"], Transposed),
    rule("head.fc2.bias", &["mask_head.fc2.bias"], Same),
    rule("head.fc3.weight", &["mask_head.fc3.weight"], Transposed),
    rule("head.fc3.bias", &["mask_head.fc3.bias"], Same),
    rule("head.upscale.{}.conv1_weight", &["upscale_block.block.{}.conv1.weight"], Same),
    rule("head.upscale.{}.conv1_bias", &["upscale_block.block.{}.conv1.bias"], Same),
    rule("head.upscale.{}.conv2_weight", &["upscale_block.block.{}.conv2.weight"], Same),
    rule("head.upscale.{}.norm.gamma", &["upscale_block.block.{}.layernorm2d.weight"], Same),
    rule("head.upscale.{}.norm.beta", &["upscale_block.block.{}.layernorm2d.bias"], Same),
];

#[rustfmt::skip]
const LATERAL: &[Rule] = &[
    rule("lateral.norms.{}.gamma", &["lateral.norms.{}.weight"], Same),
    rule("lateral.norms.{}.beta", &["lateral.norms.{}.bias"], Same),
    rule("lateral.projections.{}.weight", &["lateral.projections.{}.weight"], Transposed),
    rule("lateral.projections.{}.bias", &["lateral.projections.{}.bias"], Same),
    rule("lateral.blocks.{}.norm1.gamma", &["lateral.layers.{}.norm1.weight"], Same),
    rule("lateral.blocks.{}.norm1.beta", &["lateral.layers.{}.norm1.bias"], Same),
    rule("lateral.blocks.{}.attn.qkv.weight", &["lateral.layers.{}.attention.q_proj.weight", "lateral.layers.{}.attention.k_proj.weight", "lateral.layers.{}.attention.v_proj.weight"], TransposedColumns),
    rule("lateral.blocks.{}.attn.qkv.bias", &["lateral.layers.{}.attention.q_proj.bias", "lateral.layers.{}.attention.k_proj.bias", "lateral.layers.{}.attention.v_proj.bias"], Joined),
    rule("lateral.blocks.{}.attn.proj.weight", &["lateral.layers.{}.attention.out_proj.weight"], Transposed),
    rule("lateral.blocks.{}.attn.proj.bias", &["lateral.layers.{}.attention.out_proj.bias"], Same),
    rule("lateral.blocks.{}.norm2.gamma", &["lateral.layers.{}.norm2.weight"], Same),
    rule("lateral.blocks.{}.norm2.beta", &["lateral.layers.{}.norm2.bias"], Same),
    rule("lateral.blocks.{}.mlp.fc1.weight", &["lateral.layers.{}.mlp.fc1.weight"], Transposed),
    rule("lateral.blocks.{}.mlp.fc1.bias", &["lateral.layers.{}.mlp.fc1.bias"], Same),
    rule("lateral.blocks.{}.mlp.fc2.weight", &["lateral.layers.{}.mlp.fc2.weight"], Transposed),
    rule("lateral.blocks.{}.mlp.fc2.bias", &["lateral.layers.{}.mlp.fc2.bias"], Same),
    rule("lateral.norm.gamma", &["lateral.norm.weight"], Same),
    rule("lateral.norm.beta", &["lateral.norm.bias"], Same),
];
