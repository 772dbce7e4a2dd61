//! Published layouts of tensor names.
//!
//! A row maps a parameter (its path through the module tree, with `{}` for a layer index) to the tensors of
//! the file, and says how they form it. Python's `Linear` stores `[out, in]`, Burn's `[in, out]`. A layout is
//! a list of lists of sections, so that rows that several layouts or prefixes share are written once.

use super::tables::{
    DEIT, DINOV2, DINOV2_GATED, DINOV3, DINOV3_GATED, EOMT, EOMT_DINOV3, EOMT_DINOV3_GATED, EOMT_EARLY,
    EOMT_GATED, EOMT_NATIVE, EOMT_PACKED, Form, Section, TIMM, TIMM_DISTILLED, TIMM_POOLED, TIMM_SCALED,
    TIMM_SCALED_POOLED, VIT, VIT_MAE, VIT_MAE_FIRST,
};

/// How a layout names one parameter.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) ours: String,
    pub(super) files: Vec<String>,
    pub(super) form: Form,
}

/// A naming scheme of tensors, published or this crate's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Hugging Face `ViTMAEForPreTraining`, as saved by transformers 5 and by this crate.
    VitMae,
    /// Like [`VitMae`](Self::VitMae), with the decoder names of transformers 4.
    VitMaeFirst,
    /// Hugging Face `ViTMAEModel`: an encoder without prefix; optionally with the projector of this crate's
    /// contrastive pretraining.
    Vit,
    /// Hugging Face `DeiTModel`, with the distillation token in place of a register.
    Deit,
    /// Hugging Face `Dinov2Model` and `Dinov2WithRegistersModel`.
    Dinov2,
    /// Like [`Dinov2`](Self::Dinov2), with gated MLPs.
    Dinov2Gated,
    /// Hugging Face `DINOv3ViTModel`.
    Dinov3,
    /// Like [`Dinov3`](Self::Dinov3), with gated MLPs.
    Dinov3Gated,
    /// timm's `vit_*`, and the original `mae_*.pth`, with or without a decoder.
    Timm,
    /// timm's with layer scale, as for `DINOv2`.
    TimmScaled,
    /// timm's without a norm after the last block, because patches are pooled first.
    TimmPooled,
    /// Like [`TimmPooled`](Self::TimmPooled), with layer scale.
    TimmScaledPooled,
    /// timm's with a distillation token.
    TimmDistilled,
    /// Hugging Face `EomtForUniversalSegmentation`; optionally with this crate's lateral blocks.
    Eomt,
    /// Like [`Eomt`](Self::Eomt), with gated MLPs.
    EomtGated,
    /// Like [`Eomt`](Self::Eomt), with gated MLPs whose first layers are one matrix.
    EomtPacked,
    /// Hugging Face `EomtDinov3ForUniversalSegmentation`.
    EomtDinov3,
    /// Like [`EomtDinov3`](Self::EomtDinov3), with gated MLPs.
    EomtDinov3Gated,
    /// Hugging Face's `EoMT` during its development.
    EomtEarly,
    /// `EoMT` as saved by its training code (<https://github.com/tue-mps/eomt>).
    EomtNative,
}

impl Layout {
    const ALL: [Self; 20] = [
        Self::VitMae,
        Self::VitMaeFirst,
        Self::Vit,
        Self::Deit,
        Self::Dinov2,
        Self::Dinov2Gated,
        Self::Dinov3,
        Self::Dinov3Gated,
        Self::EomtDinov3,
        Self::EomtDinov3Gated,
        Self::TimmPooled,
        Self::TimmScaledPooled,
        Self::Timm,
        Self::TimmScaled,
        Self::TimmDistilled,
        Self::Eomt,
        Self::EomtGated,
        Self::EomtPacked,
        Self::EomtEarly,
        Self::EomtNative,
    ];

    /// Returns the layout that contains most of these tensor names; `None` if none contains half of them.
    #[must_use]
    pub fn detect<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<Self> {
        let names: Vec<&str> = names.into_iter().collect();
        let known = |layout: &Self| {
            let rules: Vec<Rule> = layout.rules().collect();
            let files: Vec<&str> = rules.iter().flat_map(|rule| &rule.files).map(String::as_str).collect();
            names.iter().filter(|name| files.iter().any(|file| index_in(file, name).is_some())).count()
        };
        // Reversed, since `max_by_key` returns the last of equals and the table prefers the first.
        let (known, layout) =
            Self::ALL.iter().rev().map(|layout| (known(layout), layout)).max_by_key(|(known, _)| *known)?;
        (known > 0 && 2 * known >= names.len()).then_some(*layout)
    }

    pub(super) fn rules(self) -> impl Iterator<Item = Rule> {
        let lists: &[&[Section]] = match self {
            Self::VitMae => VIT_MAE,
            Self::VitMaeFirst => VIT_MAE_FIRST,
            Self::Vit => VIT,
            Self::Deit => DEIT,
            Self::Dinov2 => DINOV2,
            Self::Dinov2Gated => DINOV2_GATED,
            Self::Dinov3 => DINOV3,
            Self::Dinov3Gated => DINOV3_GATED,
            Self::EomtDinov3 => EOMT_DINOV3,
            Self::EomtDinov3Gated => EOMT_DINOV3_GATED,
            Self::Timm => TIMM,
            Self::TimmScaled => TIMM_SCALED,
            Self::TimmPooled => TIMM_POOLED,
            Self::TimmScaledPooled => TIMM_SCALED_POOLED,
            Self::TimmDistilled => TIMM_DISTILLED,
            Self::Eomt => EOMT,
            Self::EomtGated => EOMT_GATED,
            Self::EomtPacked => EOMT_PACKED,
            Self::EomtEarly => EOMT_EARLY,
            Self::EomtNative => EOMT_NATIVE,
        };
        lists.iter().copied().flatten().flat_map(|Section(ours, files, rows)| {
            rows.iter().map(move |(name, parts, form)| Rule {
                ours: format!("{ours}{name}"),
                files: parts.iter().map(|part| format!("{files}{part}")).collect(),
                form: *form,
            })
        })
    }

    /// Returns whether this is one of timm's layouts.
    pub(super) fn is_timm(self) -> bool {
        use Layout::{Timm, TimmDistilled, TimmPooled, TimmScaled, TimmScaledPooled};
        matches!(self, Timm | TimmScaled | TimmPooled | TimmScaledPooled | TimmDistilled)
    }

    /// Returns the layout with the norm after the last block, if this one lacks it.
    pub(super) fn normed(self) -> Self {
        match self {
            Self::TimmPooled => Self::Timm,
            Self::TimmScaledPooled => Self::TimmScaled,
            other => other,
        }
    }

    /// Returns whether a tensor only served the encoder's training, such as a classifier.
    pub(super) fn drops(self, name: &str) -> bool {
        const TIMM: [&str; 4] = ["head.", "head_dist.", "fc_norm.", "pre_logits."];
        const HUGGING_FACE: [&str; 7] = [
            "classifier.",
            "cls_classifier.",
            "distillation_classifier.",
            "pooler.",
            "vit.pooler.",
            "decoder.0.",
            "embeddings.mask_token",
        ];
        let begins = |known: &[&str]| known.iter().any(|known| name.starts_with(known));
        match self {
            Self::VitMae
            | Self::VitMaeFirst
            | Self::Vit
            | Self::Deit
            | Self::Dinov2
            | Self::Dinov2Gated
            | Self::Dinov3
            | Self::Dinov3Gated => begins(&HUGGING_FACE) || name == "vit.embeddings.mask_token",
            _ => self.is_timm() && begins(&TIMM),
        }
    }

    /// Returns whether a tensor may be in a file without belonging to a parameter whose path starts with
    /// `below`.
    pub(super) fn ignores(self, name: &str, below: &str) -> bool {
        const BUFFERS: [&str; 6] = [
            "attn_mask_probs",
            "criterion.empty_weight",
            "n_averaged",
            "network.attn_mask_probs",
            "network.encoder.pixel_mean",
            "network.encoder.pixel_std",
        ];
        let elsewhere = |rule: &Rule| {
            !rule.ours.starts_with(below) && rule.files.iter().any(|file| index_in(file, name).is_some())
        };
        let dropped = below == ENCODER && self.drops(name);
        BUFFERS.contains(&name) || dropped || self.rules().any(|rule| elsewhere(&rule))
    }
}

/// Prefix of the paths of an encoder's parameters.
pub(super) const ENCODER: &str = "encoder.";

/// Returns the text for which `{}` stands if `pattern` matches `name`; empty for a pattern without `{}`.
pub(super) fn index_in<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    match pattern.split_once("{}") {
        None => (pattern == name).then_some(""),
        Some((before, after)) => {
            let index = name.strip_prefix(before)?.strip_suffix(after)?;
            (!index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit())).then_some(index)
        }
    }
}
