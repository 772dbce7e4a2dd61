//! Label spaces: COCO's categories, their twelve supercategories, or a single label "object".

use std::collections::HashMap;

use clap::ValueEnum;

use super::coco::{CocoCategory, CocoDataset};

/// The set of labels that a model learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LabelSpace {
    /// Every category of the annotations (80 in COCO).
    Category,
    /// Every supercategory of the annotations (12 in COCO), for small data sets.
    #[default]
    Supercategory,
    /// A single class for all objects.
    Object,
}

/// The labels of a label space, and their indices by category id.
#[derive(Debug, Clone)]
pub(super) struct LabelTable {
    space: LabelSpace,
    pub(super) names: Vec<String>,
    position_of: HashMap<u64, usize>,
}

impl LabelTable {
    /// Orders the labels by the lowest category id that has them.
    pub(super) fn new(space: LabelSpace, categories: &[CocoCategory]) -> Self {
        let mut sorted: Vec<_> = categories.iter().collect();
        sorted.sort_by_key(|category| category.id);
        let mut table = Self { space, names: Vec::new(), position_of: HashMap::new() };
        for category in sorted {
            let name = match space {
                LabelSpace::Supercategory if !category.supercategory.is_empty() => &category.supercategory,
                LabelSpace::Category | LabelSpace::Supercategory => &category.name,
                LabelSpace::Object => "object",
            };
            let position = table.position(name).unwrap_or_else(|| {
                table.names.push(name.to_owned());
                table.names.len() - 1
            });
            table.position_of.insert(category.id, position);
        }
        table
    }

    /// Returns the label of a category id; `None` if the file does not list it.
    pub(super) fn of_category(&self, id: u64) -> Option<usize> {
        self.position_of.get(&id).copied()
    }

    /// Returns the label of a cut-out, if its category has a clear counterpart.
    pub(super) fn of_cutout(&self, category: &str, source: &str) -> Option<usize> {
        match self.space {
            LabelSpace::Object => Some(0),
            LabelSpace::Category => {
                let name = category.to_lowercase().replace('_', " ");
                self.position(&name).or_else(|| self.position(name.strip_suffix('s')?))
            }
            LabelSpace::Supercategory => self.position(supercategory(category, source)?),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }
}

/// Returns the index of a category that no object has and that is the supercategory of all others, as
/// Roboflow writes one in front.
pub(super) fn root_category(dataset: &CocoDataset) -> Option<usize> {
    let CocoDataset { categories, annotations, .. } = dataset;
    let is_root = |root: &CocoCategory| {
        let others = || categories.iter().filter(|category| category.id != root.id);
        let on_top = ["", "none", root.name.as_str()].contains(&root.supercategory.as_str());
        on_top
            && others().next().is_some()
            && others().all(|category| category.supercategory == root.name)
            && annotations.iter().all(|object| object.category_id != root.id)
    };
    categories.iter().position(is_root)
}

/// Returns COCO's supercategory of a cut-out category, or `None` if none fits clearly (an anchor, a watch, a
/// trilobite).
fn supercategory(category: &str, source: &str) -> Option<&'static str> {
    let listed = SUPERCATEGORIES.iter().find(|(_, members)| members.contains(&category));
    listed.map(|(name, _)| *name).or_else(|| is_animal_synset(source).then_some("animal"))
}

/// Returns whether a synset is one of the animals among `ImageNet`'s thousand classes, the synsets below
/// `n02666196`.
fn is_animal_synset(source: &str) -> bool {
    let last = source.rsplit('/').next().unwrap_or_default();
    let number = last.strip_prefix('n').and_then(|rest| rest.split('_').next()?.parse::<u32>().ok());
    number.is_some_and(|number| number < 2_666_196)
}

/// Folder names of the Tux Paint stamps and class names of Caltech-101 and `ImageNet`, by COCO supercategory.
#[rustfmt::skip]
const SUPERCATEGORIES: [(&str, &[&str]); 11] = [
    ("person", &["people", "Faces"]),
    ("vehicle", &[
        "vehicles", "Motorbikes", "airplanes", "ferry", "helicopter", "ketch", "schooner", "airliner", "ambulance",
        "beach_wagon", "convertible", "go-kart", "golfcart", "harvester", "jeep", "minibus", "minivan", "pickup",
        "police_van", "racer", "school_bus", "sports_car", "tow_truck", "trailer_truck", "trolleybus", "yawl",
    ]),
    ("outdoor", &["stop_sign", "traffic_light"]),
    ("animal", &[
        "animals", "Leopards", "ant", "bass", "beaver", "butterfly", "cougar_body", "cougar_face", "crab", "crayfish",
        "crocodile", "crocodile_head", "dalmatian", "dolphin", "dragonfly", "elephant", "emu", "flamingo",
        "flamingo_head", "gerenuk", "hawksbill", "hedgehog", "ibis", "kangaroo", "llama", "lobster", "mayfly",
        "octopus", "okapi", "panda", "pigeon", "platypus", "rhino", "rooster", "scorpion", "sea_horse", "starfish",
        "tick", "wild_cat",
    ]),
    ("accessory", &["umbrella", "backpack", "Windsor_tie", "bolo_tie", "mailbag"]),
    ("sports", &["sports", "soccer_ball", "baseball", "croquet_ball", "rugby_ball", "inline_skate"]),
    ("kitchen", &[
        "cup", "goblet", "ladle", "plate", "pop_bottle", "soup_bowl", "water_bottle", "water_jug", "whiskey_jug",
    ]),
    ("food", &[
        "food", "pizza", "strawberry", "French_loaf", "artichoke", "broccoli", "cheeseburger", "fig", "hot_pot",
        "ice_lolly", "mashed_potato", "pineapple", "potpie", "spaghetti_squash",
    ]),
    ("furniture", &["chair", "windsor_chair", "bonsai", "crib"]),
    ("electronic", &[
        "camera", "cellphone", "laptop", "desktop_computer", "iPod", "joystick", "modem", "reflex_camera",
        "remote_control", "typewriter_keyboard", "dial_telephone", "CD_player", "tape_player",
    ]),
    ("appliance", &["espresso_maker", "refrigerator", "stove", "toaster"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn category(id: u64, name: &str, supercategory: &str) -> CocoCategory {
        CocoCategory { id, name: name.into(), supercategory: supercategory.into() }
    }

    fn categories() -> Vec<CocoCategory> {
        vec![
            category(5, "airplane", "vehicle"),
            category(1, "person", "person"),
            category(3, "car", "vehicle"),
        ]
    }

    #[test]
    fn names_follow_the_ids() {
        let names = |space| LabelTable::new(space, &categories()).names;
        assert_eq!(names(LabelSpace::Category), ["person", "car", "airplane"]);
        assert_eq!(names(LabelSpace::Supercategory), ["person", "vehicle"]);
        assert_eq!(names(LabelSpace::Object), ["object"]);
        let table = LabelTable::new(LabelSpace::Supercategory, &categories());
        assert_eq!(
            (table.of_category(5), table.of_category(3), table.of_category(2)),
            (Some(1), Some(1), None)
        );
    }

    #[test]
    fn a_category_that_only_groups_the_others_is_told_from_them() {
        let of = |categories| root_category(&CocoDataset { categories, ..CocoDataset::default() });
        let fruit = |name| category(1, name, "fruits");
        assert_eq!(of(vec![category(0, "fruits", "none"), fruit("apple")]), Some(0));
        assert_eq!(
            of(vec![category(0, "fruits", "none"), fruit("apple"), category(2, "cat", "animal")]),
            None
        );
        assert_eq!(of(vec![category(0, "fruits", "none")]), None, "the only category");
        let annotations = r#"{"images": [{"id": 1, "file_name": "a.jpg"}],
            "categories": [{"id": 0, "name": "fruits"}, {"id": 1, "name": "apple", "supercategory": "fruits"}],
            "annotations": [{"image_id": 1, "category_id": 0, "segmentation": [[0, 0, 4, 0, 4, 4]]}]}"#;
        assert_eq!(root_category(&serde_json::from_str(annotations).unwrap()), None, "it has an object");
    }

    #[test]
    fn cutouts_get_a_label_only_where_it_is_clear() {
        let table = |space| LabelTable::new(space, &categories());
        let groups = table(LabelSpace::Supercategory);
        assert_eq!(groups.of_cutout("airplanes", "Caltech-101, airplanes/image_0001"), Some(1));
        assert_eq!(groups.of_cutout("anchor", "Caltech-101, anchor/image_0001"), None);
        assert_eq!(groups.of_cutout("pizza", ""), None, "food is not a group of this file");
        assert_eq!(table(LabelSpace::Category).of_cutout("airplanes", ""), Some(2));
        assert_eq!(table(LabelSpace::Category).of_cutout("ketch", ""), None);
        assert_eq!(table(LabelSpace::Object).of_cutout("anchor", ""), Some(0));
    }

    #[test]
    fn synset_numbers_tell_animals_from_things() {
        assert_eq!(supercategory("borzoi", "samples, borzoi/n02090622_borzoi"), Some("animal"));
        assert_eq!(supercategory("barrel", "samples, barrel/n02795169_barrel"), None);
        assert_eq!(supercategory("airliner", "samples, airliner/n02690373_airliner"), Some("vehicle"));
    }

    #[test]
    fn no_cutout_category_is_listed_twice() {
        let mut all: Vec<_> = SUPERCATEGORIES.iter().flat_map(|(_, members)| *members).collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
