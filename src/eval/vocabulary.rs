//! Maps labels of the model to categories of the annotations.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::EvalError;
use crate::data::coco::{CocoCategory, CocoDataset};
use crate::instance::num_things;

/// How labels are matched to categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VocabularyKind {
    /// By category name, with the ids of the annotations.
    Category,
    /// By supercategory name, with ids from 1 in the order of the labels.
    Supercategory,
    /// Not at all: everything is an object with id 1.
    ClassAgnostic,
}

/// The categories that an evaluation distinguishes, and how labels and annotations map to them.
#[derive(Debug, Clone, PartialEq)]
pub struct Vocabulary {
    kind: VocabularyKind,
    categories: Vec<CocoCategory>,
    /// Category ids by label index.
    of_label: Vec<Option<u64>>,
    /// Category ids by those of the annotations.
    of_annotation: HashMap<u64, u64>,
}

impl Vocabulary {
    /// Chooses category or supercategory names, whichever match more of the labels, or have as many names as
    /// there are labels; none if `class_agnostic` or if the only label is `object`.
    ///
    /// A category without a supercategory is its own. Unnamed labels (`LABEL_0`, …), if there are as many
    /// things as categories, are these categories by ascending id, as COCO's training code numbers them.
    ///
    /// # Errors
    /// [`EvalError::NoCommonLabel`] if neither matches any label.
    pub fn choose(labels: &[String], dataset: &CocoDataset, class_agnostic: bool) -> Result<Self, EvalError> {
        let categories = &dataset.categories;
        if class_agnostic || matches!(labels, [only] if only == "object") {
            return Ok(Self::agnostic(labels.len(), categories));
        }
        let known = |name: fn(&CocoCategory) -> &str| {
            labels.iter().filter(|label| categories.iter().any(|category| name(category) == *label)).count()
        };
        let count =
            |name: fn(&CocoCategory) -> &str| categories.iter().map(name).collect::<HashSet<_>>().len();
        let as_many_groups = count(group) == labels.len() && count(|c| &c.name) > labels.len();
        let unnamed = labels.iter().enumerate().all(|(at, label)| *label == format!("LABEL_{at}"));
        if unnamed && num_things(labels) == categories.len() {
            return Ok(Self::by_order(labels, categories));
        }
        match (known(|c| &c.name), known(group)) {
            (0, 0) => {
                let shown: Vec<&str> = labels.iter().take(5).map(String::as_str).collect();
                Err(EvalError::NoCommonLabel { labels: shown.join(", ") })
            }
            (names, groups) if names > groups || (names == groups && !as_many_groups) => {
                Ok(Self::by_name(labels, categories))
            }
            _ => Ok(Self::by_supercategory(labels, categories)),
        }
    }

    fn agnostic(labels: usize, categories: &[CocoCategory]) -> Self {
        Self {
            kind: VocabularyKind::ClassAgnostic,
            categories: vec![CocoCategory { id: 1, name: "object".to_owned(), supercategory: String::new() }],
            of_label: vec![Some(1); labels],
            of_annotation: categories.iter().map(|category| (category.id, 1)).collect(),
        }
    }

    fn by_name(labels: &[String], categories: &[CocoCategory]) -> Self {
        let id = |name: &str| categories.iter().find(|c| c.name == name).map(|c| c.id);
        Self {
            kind: VocabularyKind::Category,
            categories: categories.iter().filter(|c| id(&c.name) == Some(c.id)).cloned().collect(),
            of_label: labels.iter().map(|label| id(label)).collect(),
            of_annotation: categories.iter().filter_map(|c| Some((c.id, id(&c.name)?))).collect(),
        }
    }

    fn by_order(labels: &[String], categories: &[CocoCategory]) -> Self {
        let mut ids: Vec<u64> = categories.iter().map(|category| category.id).collect();
        ids.sort_unstable();
        let of_label = (0..labels.len()).map(|at| ids.get(at).copied()).collect();
        Self { of_label, ..Self::by_name(&[], categories) }
    }

    /// Supercategories without a label are kept after the others, since missing them counts.
    fn by_supercategory(labels: &[String], categories: &[CocoCategory]) -> Self {
        let mut names: Vec<&str> = labels.iter().map(String::as_str).collect();
        for category in categories {
            if !names.contains(&group(category)) {
                names.push(group(category));
            }
        }
        let id = |name: &str| (1..).zip(&names).find(|(_, known)| **known == name).map(|(id, _)| id);
        Self {
            kind: VocabularyKind::Supercategory,
            categories: (1..)
                .zip(&names)
                .map(|(id, name)| CocoCategory { id, name: (*name).to_owned(), supercategory: String::new() })
                .collect(),
            of_label: labels.iter().map(|label| id(label)).collect(),
            of_annotation: categories.iter().filter_map(|c| Some((c.id, id(group(c))?))).collect(),
        }
    }

    /// Returns how labels are matched to categories.
    #[must_use]
    pub fn kind(&self) -> VocabularyKind {
        self.kind
    }

    /// Returns the categories that are distinguished.
    #[must_use]
    pub fn categories(&self) -> &[CocoCategory] {
        &self.categories
    }

    /// Returns the category id of the model's label at `index`; `None` if the annotations do not have it.
    #[must_use]
    pub fn of_label(&self, index: usize) -> Option<u64> {
        self.of_label.get(index).copied().flatten()
    }

    /// Returns the annotations with the categories of this vocabulary.
    #[must_use]
    pub fn translate(&self, dataset: &CocoDataset) -> CocoDataset {
        let mut translated = CocoDataset { categories: self.categories.clone(), ..dataset.clone() };
        translated.annotations.retain_mut(|annotation| {
            let id = self.of_annotation.get(&annotation.category_id);
            annotation.category_id = id.copied().unwrap_or_default();
            id.is_some()
        });
        translated
    }
}

/// Returns the group of a category as in training: its supercategory, or else itself.
fn group(category: &CocoCategory) -> &str {
    if category.supercategory.is_empty() { &category.name } else { &category.supercategory }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset() -> CocoDataset {
        let category = |id, name: &str, supercategory: &str| CocoCategory {
            id,
            name: name.to_owned(),
            supercategory: supercategory.to_owned(),
        };
        let categories = vec![
            category(1, "person", "person"),
            category(17, "cat", "animal"),
            category(18, "dog", "animal"),
            category(44, "bottle", "kitchen"),
        ];
        CocoDataset { categories, ..CocoDataset::default() }
    }

    fn choose(labels: &[&str], agnostic: bool) -> Result<Vocabulary, EvalError> {
        Vocabulary::choose(&labels.iter().map(ToString::to_string).collect::<Vec<_>>(), &dataset(), agnostic)
    }

    #[test]
    fn category_names_keep_the_official_ids() {
        let vocabulary = choose(&["person", "cat", "unicorn"], false).unwrap();
        assert_eq!(vocabulary.kind(), VocabularyKind::Category);
        assert_eq!([0, 1, 2, 3].map(|i| vocabulary.of_label(i)), [Some(1), Some(17), None, None]);
        assert_eq!(vocabulary.categories().len(), 4);
    }

    #[test]
    fn unnamed_labels_are_the_categories_in_order() {
        let vocabulary = choose(&["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"], false).unwrap();
        assert_eq!(
            [0, 1, 2, 3, 4].map(|i| vocabulary.of_label(i)),
            [Some(1), Some(17), Some(18), Some(44), None]
        );
        assert!(choose(&["LABEL_0", "LABEL_1"], false).is_err(), "another number of labels");
    }

    #[test]
    fn supercategories_count_from_one_in_label_order() {
        let vocabulary = choose(&["animal", "person"], false).unwrap();
        assert_eq!(vocabulary.kind(), VocabularyKind::Supercategory);
        assert_eq!([0, 1].map(|i| vocabulary.of_label(i)), [Some(1), Some(2)]);
        let names: Vec<&str> = vocabulary.categories().iter().map(|c| c.name.as_str()).collect();
        assert_eq!(
            names,
            ["animal", "person", "kitchen"],
            "what the model cannot name still counts as missed"
        );
        assert_eq!(vocabulary.of_annotation[&18], 1);
        assert_eq!(vocabulary.of_annotation[&44], 3);
    }

    #[test]
    fn labels_mean_what_they_meant_in_training() {
        let choose = |labels: &[&str], categories: &[(u64, &str, &str)]| {
            let category = |&(id, name, group): &(u64, &str, &str)| CocoCategory {
                id,
                name: name.to_owned(),
                supercategory: group.to_owned(),
            };
            let categories = categories.iter().map(category).collect();
            let dataset = CocoDataset { categories, ..CocoDataset::default() };
            Vocabulary::choose(&labels.iter().map(ToString::to_string).collect::<Vec<_>>(), &dataset, false)
                .unwrap()
        };
        let alone = choose(&["warm", "green"], &[(1, "red", "warm"), (2, "blue", "warm"), (3, "green", "")]);
        assert_eq!([1, 2, 3].map(|id| alone.of_annotation[&id]), [1, 1, 2]);
        let alike = choose(&["animal"], &[(1, "animal", "animal"), (2, "cat", "animal")]);
        assert_eq!([1, 2].map(|id| alike.of_annotation[&id]), [1, 1]);
        let twice = choose(&["red", "blue"], &[(1, "red", ""), (2, "blue", ""), (5, "red", "")]);
        assert_eq!([1, 2, 5].map(|id| twice.of_annotation[&id]), [1, 2, 1]);
        assert_eq!(twice.categories().len(), 2);
    }

    #[test]
    fn everything_is_an_object_when_asked_or_when_the_model_knows_no_more() {
        for vocabulary in [choose(&["animal", "person"], true).unwrap(), choose(&["object"], false).unwrap()]
        {
            assert_eq!(vocabulary.kind(), VocabularyKind::ClassAgnostic);
            assert_eq!(vocabulary.of_label(0), Some(1));
            assert!(vocabulary.of_annotation.values().all(|id| *id == 1));
        }
        assert!(matches!(choose(&["unicorn"], false), Err(EvalError::NoCommonLabel { .. })));
    }
}
