//! Published layouts of tensor names.
//!
//! A row maps one of our parameters (path through the module tree, `{}` for a layer index) to the tensors of the
//! file, and says how they make it up. Python's `Linear` stores `[out, in]`, Burn's `[in, out]`. A layout is lists of
//! sections: what layouts share, and rows that recur below other prefixes, is written once.

use super::tables::{
    EOMT, EOMT_EARLY, EOMT_GATED, EOMT_NATIVE, EOMT_PACKED, TIMM, TIMM_SCALED, VIT, VIT_MAE, VIT_MAE_FIRST,
};

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

/// How a layout names one parameter.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) ours: String,
    pub(super) files: Vec<String>,
    pub(super) form: Form,
}

pub(super) type Row = (&'static str, &'static [&'static str], Form);

/// Rows below a prefix of ours and a prefix of the file's.
pub(super) struct Section(pub(super) &'static str, pub(super) &'static str, pub(super) &'static [Row]);

/// A published (or our own) way to name tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Hugging Face `ViTMAEForPreTraining`, as transformers 5 saves it and as we do.
    VitMae,
    /// The same with the decoder names of transformers 4.
    VitMaeFirst,
    /// Hugging Face `ViTMAEModel`: an encoder without prefix; with the projector of our contrastive runs where there is one.
    Vit,
    /// timm's `vit_*`, and the original `mae_*.pth`, with or without a decoder.
    Timm,
    /// timm's with layer scale, as for `DINOv2`.
    TimmScaled,
    /// Hugging Face `EomtForUniversalSegmentation`; with the lateral blocks of ours added where there are any.
    Eomt,
    /// The same with gated MLPs.
    EomtGated,
    /// The same with gated MLPs in one matrix.
    EomtPacked,
    /// Hugging Face's `EoMT` while it was being developed.
    EomtEarly,
    /// The training code's own `EoMT` (<https://github.com/tue-mps/eomt>).
    EomtNative,
}

impl Layout {
    const ALL: [Self; 10] = [
        Self::VitMae,
        Self::VitMaeFirst,
        Self::Vit,
        Self::Timm,
        Self::TimmScaled,
        Self::Eomt,
        Self::EomtGated,
        Self::EomtPacked,
        Self::EomtEarly,
        Self::EomtNative,
    ];

    /// The layout that knows most of these tensor names; `None` when none knows half of them.
    #[must_use]
    pub fn detect<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<Self> {
        let names: Vec<&str> = names.into_iter().collect();
        let known = |layout: &Self| {
            let rules: Vec<Rule> = layout.rules().collect();
            let files: Vec<&str> = rules.iter().flat_map(|rule| &rule.files).map(String::as_str).collect();
            names.iter().filter(|name| files.iter().any(|file| index_in(file, name).is_some())).count()
        };
        // `max_by_key` prefers the last of equals, the table the first.
        let (known, layout) =
            Self::ALL.iter().rev().map(|layout| (known(layout), layout)).max_by_key(|(known, _)| *known)?;
        (known > 0 && 2 * known >= names.len()).then_some(*layout)
    }

    pub(super) fn rules(self) -> impl Iterator<Item = Rule> {
        let lists: &[&[Section]] = match self {
            Self::VitMae => VIT_MAE,
            Self::VitMaeFirst => VIT_MAE_FIRST,
            Self::Vit => VIT,
            Self::Timm => TIMM,
            Self::TimmScaled => TIMM_SCALED,
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

    /// Tensors that may be in a file without belonging to a parameter whose path starts with `below`.
    pub(super) fn ignores(self, name: &str, below: &str) -> bool {
        const BUFFERS: [&str; 5] = [
            "attn_mask_probs",
            "criterion.empty_weight",
            "network.attn_mask_probs",
            "network.encoder.pixel_mean",
            "network.encoder.pixel_std",
        ];
        let elsewhere = |rule: &Rule| {
            !rule.ours.starts_with(below) && rule.files.iter().any(|file| index_in(file, name).is_some())
        };
        BUFFERS.contains(&name) || self.rules().any(|rule| elsewhere(&rule))
    }
}

/// The text that `{}` stands for when `pattern` describes `name`; empty for a pattern without.
pub(super) fn index_in<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    match pattern.split_once("{}") {
        None => (pattern == name).then_some(""),
        Some((before, after)) => {
            let index = name.strip_prefix(before)?.strip_suffix(after)?;
            (!index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit())).then_some(index)
        }
    }
}
