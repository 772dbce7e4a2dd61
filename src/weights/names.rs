//! Removes the prefixes that programs around a model add to tensor names.

use super::{Header, Layout};

/// Prefixes of PyTorch's wrappers: data parallel, compiled, averaged weights.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];
/// Prefixes of Hugging Face's classes with a head around an encoder.
const MODELS: [&str; 5] = ["deit.", "dinov2.", "dinov2_with_registers.", "dinov3_vit.", "timm_model."];

/// Where DINOv2's names differ from timm's.
const OF_DINOV2: [(&str, &str); 2] = [(".mlp.w12.", ".mlp.fc1."), (".mlp.w3.", ".mlp.fc2.")];

/// Names in every encoder, by which a common prefix of all names of a file is found.
const ANCHORS: [&str; 2] = ["patch_embed.proj.weight", "embeddings.patch_embeddings.projection.weight"];

/// Removes a common prefix of all names, such as the `model.` of Lightning's files or a `backbone.`, if the
/// names match no layout with it.
pub(super) fn unwrap(headers: &mut [Header]) {
    let names = || headers.iter().flat_map(|header| &header.tensors).map(|tensor| tensor.name.as_str());
    if Layout::detect(names()).is_some() {
        return;
    }
    let front = names().find_map(|name| ANCHORS.iter().find_map(|anchor| name.strip_suffix(anchor)));
    let Some(front) = front.filter(|front| names().all(|name| name.starts_with(front))) else { return };
    let length = front.len();
    for tensor in headers.iter_mut().flat_map(|header| &mut header.tensors) {
        tensor.name.replace_range(..length, "");
    }
}

/// Returns the name without prefixes of wrappers.
pub(super) fn bare(name: &str) -> String {
    let mut rest = name;
    while let Some(inner) = WRAPPERS.iter().find_map(|wrapper| rest.strip_prefix(wrapper)) {
        rest = inner;
    }
    if rest == "register_tokens" {
        return "reg_token".to_owned();
    }
    // Parts of a model may be compiled one by one.
    let mut rest = rest.replace("._orig_mod.", ".");
    for (theirs, timms) in OF_DINOV2 {
        rest = rest.replace(theirs, timms);
    }
    MODELS.iter().find_map(|model| rest.strip_prefix(model)).unwrap_or(&rest).to_owned()
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::Dtype;

    use super::*;
    use crate::weights::StoredTensor;

    /// Returns the names of a file after their common prefix is removed.
    fn unwrapped(names: &[String]) -> Vec<String> {
        let tensor = |name: &String| StoredTensor {
            name: name.clone(),
            shape: Vec::new(),
            dtype: Dtype::F32,
            start: 0,
            end: 0,
            strides: None,
        };
        let tensors = names.iter().map(tensor).collect();
        let mut headers = [Header { file: "m".into(), tensors, norm_pix_loss: None, bytes: Vec::new() }];
        unwrap(&mut headers);
        headers[0].tensors.iter().map(|tensor| tensor.name.clone()).collect()
    }

    #[test]
    fn what_is_in_front_of_all_names_is_taken_off() {
        let timm =
            ["cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.norm1.weight"].map(str::to_owned);
        assert_eq!(unwrapped(&timm), timm);
        for front in ["model.", "backbone.", "net.encoder."] {
            let named: Vec<_> = timm.iter().map(|name| format!("{front}{name}")).collect();
            assert_eq!(unwrapped(&named), timm);
            let more = [named, vec!["criterion.weight".to_owned()]].concat();
            assert_eq!(unwrapped(&more), more, "nothing is guessed where others are among them");
        }
    }

    #[test]
    fn wrappers_are_taken_off() {
        for (name, expected) in [
            ("module._orig_mod.blocks.0.norm1.weight", "blocks.0.norm1.weight"),
            ("_orig_mod.module.cls_token", "cls_token"),
            ("blocks.0._orig_mod.attn.qkv.weight", "blocks.0.attn.qkv.weight"),
            ("module.deit.embeddings.cls_token", "embeddings.cls_token"),
            ("vit.embeddings.cls_token", "vit.embeddings.cls_token"),
            ("register_tokens", "reg_token"),
            ("blocks.0.mlp.w12.bias", "blocks.0.mlp.fc1.bias"),
            ("model.layernorm.weight", "model.layernorm.weight"),
        ] {
            assert_eq!(bare(name), expected);
        }
    }
}
