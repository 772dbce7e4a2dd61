//! The models of the menu, with what a visitor should know before the download.

use super::place::Place;

/// A model of the menu.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Listed {
    /// The name shown to people.
    pub title: &'static str,
    /// Text key of what it is good for.
    pub about: &'static str,
    /// The value of `?weights=`.
    pub weights: &'static str,
    /// Size of the download in bytes.
    pub bytes: u64,
    /// Number of labels.
    pub labels: usize,
    /// AP50 of its masks on 260 photos, for objects of any kind, in percent; `None` if not measured.
    pub accuracy: Option<f32>,
    /// Text key of the licence of the weights.
    pub licence: &'static str,
}

/// The bundled model that is fast everywhere.
pub const TINY: &str = "weights/mae-tiny";
/// The bundled model with the better masks.
pub const SMALL: &str = "weights/mae-small";

/// The menu, beginning with the two bundled models.
pub const CATALOGUE: [Listed; 4] = [
    Listed {
        title: "mae-tiny",
        about: "about-mae-tiny",
        weights: TINY,
        bytes: 11_988_104,
        labels: 12,
        accuracy: Some(18.5),
        licence: "licence-research",
    },
    Listed {
        title: "mae-small",
        about: "about-mae-small",
        weights: SMALL,
        bytes: 23_679_480,
        labels: 12,
        accuracy: Some(30.1),
        licence: "licence-research",
    },
    Listed {
        title: "EoMT-S, COCO",
        about: "about-eomt-small",
        weights: "hf:tue-mps/coco_panoptic_eomt_small_640_2x",
        bytes: 96_000_000,
        labels: 133,
        accuracy: None,
        licence: "licence-mit",
    },
    Listed {
        title: "EoMT-B, COCO",
        about: "about-eomt-base",
        weights: "hf:tue-mps/coco_panoptic_eomt_base_640_2x",
        bytes: 372_000_000,
        labels: 133,
        accuracy: None,
        licence: "licence-mit",
    },
];

/// The model that is offered to visitors who want better masks than the bundled ones'.
pub const BETTER: Listed = CATALOGUE[2];

impl Listed {
    /// Returns the entry of a model, if it is in the menu.
    #[must_use]
    pub fn of(place: &Place) -> Option<Self> {
        CATALOGUE.into_iter().find(|listed| listed.is_at(place))
    }

    /// Returns the reference to its weights.
    #[must_use]
    pub fn place(&self) -> Place {
        match self.weights.strip_prefix("hf:").map(str::parse) {
            Some(Ok(name)) => Place::Hub(name),
            _ => Place::Site(self.weights.to_owned()),
        }
    }

    /// Returns whether `place` refers to this model.
    #[must_use]
    pub fn is_at(&self, place: &Place) -> bool {
        match place {
            Place::Site(path) => path.trim_start_matches("./").trim_end_matches('/') == self.weights,
            place => *place == self.place(),
        }
    }

    /// Returns the name of its repository or folder.
    #[must_use]
    pub fn id(&self) -> String {
        self.place().title()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Manifest;

    #[test]
    fn every_model_of_the_menu_can_be_asked_for_by_its_address() {
        for listed in CATALOGUE {
            let place = Place::parse(listed.weights).unwrap();
            assert_eq!((Listed::of(&place), place), (Some(listed), listed.place()));
        }
    }

    #[test]
    fn what_is_said_of_the_bundled_models_is_so() {
        let bundled = [
            (
                include_str!("../../www/weights/mae-tiny/manifest.json"),
                include_str!("../../www/weights/mae-tiny/config.json"),
            ),
            (
                include_str!("../../www/weights/mae-small/manifest.json"),
                include_str!("../../www/weights/mae-small/config.json"),
            ),
        ];
        for (listed, (manifest, config)) in CATALOGUE.iter().zip(bundled) {
            let manifest: Manifest = serde_json::from_str(manifest).unwrap();
            let shards = manifest.files.iter().filter(|file| file.name.ends_with(".safetensors"));
            assert_eq!(shards.map(|file| file.bytes).sum::<u64>(), listed.bytes, "{}", listed.title);
            let config: serde_json::Value = serde_json::from_str(config).unwrap();
            assert_eq!(config["id2label"].as_object().unwrap().len(), listed.labels);
        }
    }
}
