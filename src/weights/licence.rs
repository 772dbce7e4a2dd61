//! Finds the licence of a checkpoint.

use super::folder::optional;
use super::{Checkpoint, WeightSource, WeightsError};

const MODEL_CARD: &str = "README.md";

impl Checkpoint {
    /// Returns the licence that the manifest or the Hub's model card states; `None` if neither does.
    ///
    /// # Errors
    /// [`WeightsError::Source`] if there is a model card that cannot be read.
    pub async fn licence(&self, source: &impl WeightSource) -> Result<Option<String>, WeightsError> {
        if !self.manifest.licence.is_empty() {
            return Ok(Some(self.manifest.licence.clone()));
        }
        let card = optional(source, MODEL_CARD).await?.unwrap_or_default();
        Ok(in_front_matter(&String::from_utf8_lossy(&card)))
    }
}

/// Returns `license` of the YAML front matter, or `license_name` if the Hub has no identifier for it.
fn in_front_matter(card: &str) -> Option<String> {
    let front = card.trim_start_matches('\u{feff}').strip_prefix("---")?.split("\n---").next()?;
    let value = |key: &str| {
        let line = front.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        Some(line.trim().trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
    };
    value("license").filter(|licence| licence != "other").or_else(|| value("license_name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_card_states_its_licence_at_the_top_or_not_at_all() {
        let cases = [
            ("---\nlicense: mit\ntags:\n- vision\n---\n# Model", Some("mit")),
            ("---\r\ntags: []\r\nlicense: \"cc-by-nc-4.0\"\r\n---\r\n", Some("cc-by-nc-4.0")),
            ("---\nlicense: other\nlicense_name: dinov3-license\n---\n", Some("dinov3-license")),
            ("---\ntags: []\n---\nlicense: mit", None),
            ("license: mit", None),
            ("", None),
        ];
        for (card, licence) in cases {
            assert_eq!(in_front_matter(card).as_deref(), licence, "{card}");
        }
    }
}
