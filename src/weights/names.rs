//! Names as a layout has them, without what programs around a model put in front of its own.

/// Of PyTorch's wrappers: data parallel, compiled, averaged weights.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];
/// Of Hugging Face's classes with a head, around the encoder that they name.
const MODELS: [&str; 5] = ["deit.", "dinov2.", "dinov2_with_registers.", "dinov3_vit.", "timm_model."];

/// DINOv2's own names, which are timm's but for these.
const OF_DINOV2: [(&str, &str); 2] = [(".mlp.w12.", ".mlp.fc1."), (".mlp.w3.", ".mlp.fc2.")];

/// The name without wrappers.
pub(super) fn bare(name: &str) -> String {
    let mut rest = name;
    while let Some(inner) = WRAPPERS.iter().find_map(|wrapper| rest.strip_prefix(wrapper)) {
        rest = inner;
    }
    if rest == "register_tokens" {
        return "reg_token".to_owned();
    }
    // Parts of a model are compiled one by one, too.
    let mut rest = rest.replace("._orig_mod.", ".");
    for (theirs, timms) in OF_DINOV2 {
        rest = rest.replace(theirs, timms);
    }
    MODELS.iter().find_map(|model| rest.strip_prefix(model)).unwrap_or(&rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

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
