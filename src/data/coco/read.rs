//! Reads COCO files as different tools write them, entry by entry, so that a fault concerns a single entry
//! only.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::entry::{Entry, Id, Ids, named};
use super::{CocoAnnotation, CocoCategory, CocoDataset, CocoImage, Reason, Segmentation};

/// The lists of a file, before ids are replaced by numbers.
#[derive(Debug, Default)]
pub(super) struct Lists {
    images: Option<Vec<Image>>,
    annotations: Option<Vec<Annotation>>,
    categories: Option<Vec<Result<(Id, CocoCategory), String>>>,
}

/// An image, and what is wrong with it, if anything.
#[derive(Debug)]
struct Image {
    id: Option<Id>,
    image: CocoImage,
    fault: Option<String>,
}

#[derive(Debug)]
struct Annotation {
    id: Option<Id>,
    image: Result<Id, String>,
    object: Result<Object, String>,
    index: usize,
}

/// An annotation whose category id is not a number yet.
#[derive(Debug)]
struct Object {
    category: Id,
    annotation: CocoAnnotation,
    /// Values that were read differently from how they are written.
    remarks: Vec<(Reason, String)>,
}

impl<'de> Deserialize<'de> for Lists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListsVisitor)
    }
}

struct ListsVisitor;

impl<'de> Visitor<'de> for ListsVisitor {
    type Value = Lists;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `images`, `annotations` and `categories`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lists, A::Error> {
        let mut lists = Lists::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "images" => lists.images = map.next_value_seed(Each("images", image))?,
                "annotations" => lists.annotations = map.next_value_seed(Each("annotations", annotation))?,
                "categories" => lists.categories = map.next_value_seed(Each("categories", category))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(lists)
    }
}

/// Reads a list entry by entry; null counts as a missing list.
#[derive(Debug)]
pub(crate) struct Each<T>(pub(crate) &'static str, pub(crate) fn(&Entry) -> T);

impl<T> Clone for Each<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Each<T> {}

impl<'de, T> DeserializeSeed<'de> for Each<T> {
    type Value = Option<Vec<T>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T> Visitor<'de> for Each<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {}", self.0)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = list.next_element::<Value>()? {
            all.push(self.1(&Entry::new(self.0, all.len(), value)));
        }
        Ok(Some(all))
    }
}

fn image(entry: &Entry) -> Image {
    let id = entry.id("id");
    let name = entry.text("file_name").or_else(|| entry.text("coco_url").map(|url| end_of(&url)));
    let side = |key| {
        entry.number(key).filter(|side| side.fract() == 0.0 && *side >= 1.0).map_or(0, |side| side as usize)
    };
    let image = CocoImage {
        id: 0,
        text_id: None,
        // The missing name only matters if the photo is looked for.
        file_name: name.unwrap_or_else(|| format!("{} without a `file_name`", entry.name())),
        width: side("width"),
        height: side("height"),
        exhaustive: entry.value("exhaustive").is_none() || entry.flag("exhaustive").unwrap_or(true),
    };
    let fault = id.as_ref().err().cloned();
    Image { id: id.ok(), image, fault }
}

/// Returns the last two parts of an address: the split from which LVIS takes a photo, and its file name.
fn end_of(url: &str) -> String {
    let parts: Vec<&str> = url.rsplit('/').take(2).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

fn category(entry: &Entry) -> Result<(Id, CocoCategory), String> {
    let name = entry.text("name").ok_or_else(|| entry.wrong("name", "a name"))?;
    let supercategory = entry.text("supercategory").unwrap_or_default();
    Ok((entry.id("id")?, CocoCategory { id: 0, name, supercategory }))
}

fn annotation(entry: &Entry) -> Annotation {
    Annotation {
        id: entry.id("id").ok(),
        image: entry.id("image_id"),
        object: object(entry),
        index: entry.index,
    }
}

fn object(entry: &Entry) -> Result<Object, String> {
    let category = entry.id("category_id")?;
    let (segmentation, parts) = Segmentation::read(entry.value("segmentation"))
        .map_err(|fault| format!("{}: {fault}", entry.name()))?;
    let mut remarks: Vec<(Reason, String)> = (0..parts).map(|_| (Reason::FewCorners, entry.name())).collect();
    let area = entry.number("area").filter(|area| area.is_finite());
    if area.is_none() && entry.value("area").is_some() {
        remarks.push((Reason::NoNumber, entry.wrong("area", "a number")));
    }
    let bbox = entry
        .bbox("bbox")
        .and_then(|bbox| bbox.map_err(|fault| remarks.push((Reason::NoNumber, fault))).ok());
    // A `score` that is not a number belongs to another tool.
    let told = entry.value("score").and_then(Value::as_f64).map(|score| score as f32);
    let score = told.filter(|score| *score > 0.0 && *score <= 1.0);
    if told.is_some() && score.is_none() {
        remarks.push((Reason::NoScore, entry.wrong("score", "a likelihood")));
    }
    let annotation = CocoAnnotation {
        id: 0,
        index: entry.index,
        text_id: None,
        image_id: 0,
        category_id: 0,
        segmentation,
        area,
        bbox,
        iscrowd: entry.flag("iscrowd")?,
        score,
    };
    Ok(Object { category, annotation, remarks })
}

impl TryFrom<Lists> for CocoDataset {
    type Error = String;

    fn try_from(lists: Lists) -> Result<Self, String> {
        let missing = |list: &str| format!("`{list}` is missing");
        let images = lists.images.ok_or_else(|| missing("images"))?;
        let annotations = lists.annotations.ok_or_else(|| missing("annotations"))?;
        let categories = lists.categories.unwrap_or_default().into_iter().collect::<Result<Vec<_>, _>>()?;
        unique("images", images.iter().map(|image| image.id.as_ref()))?;
        unique("categories", categories.iter().map(|(id, _)| Some(id)))?;
        let category_ids = Ids::new(categories.iter().map(|(id, _)| id));
        let mut dataset = Self {
            image_ids: Ids::new(images.iter().filter_map(|image| image.id.as_ref())),
            ..Self::default()
        };
        for (id, category) in categories {
            let id = category_ids.number(&id).unwrap_or_default();
            dataset.categories.push(CocoCategory { id, ..category });
        }
        dataset.take_images(images);
        dataset.take_annotations(annotations, &category_ids);
        dataset.category_ids = category_ids;
        Ok(dataset)
    }
}

impl CocoDataset {
    fn take_images(&mut self, images: Vec<Image>) {
        let mut free = self.image_ids.free();
        for Image { id, mut image, fault } in images {
            image.id = id
                .as_ref()
                .and_then(|id| self.image_ids.number(id))
                .or_else(|| free.next())
                .unwrap_or_default();
            image.text_id = text_of(id);
            match fault {
                Some(fault) => drop(self.broken.insert(image.id, fault)),
                None if image.width == 0 || image.height == 0 => {
                    self.left_out.add(Reason::NoSize, &image.file_name);
                }
                None => {}
            }
            self.images.push(image);
        }
    }

    fn take_annotations(&mut self, annotations: Vec<Annotation>, category_ids: &Ids) {
        let own = annotations.iter().filter_map(|annotation| annotation.id.as_ref());
        let (ids, mut seen) = (Ids::new(own), HashSet::new());
        let mut free = ids.free();
        for Annotation { id, image, object, index } in annotations {
            let name = named("annotations", index, id.as_ref());
            let listed = image.as_ref().ok().and_then(|id| self.image_ids.number(id));
            let Some(image_id) = listed else {
                let why = image.map_or_else(|fault| fault, |id| format!("{name}: image {id}"));
                self.left_out.add(Reason::NoImage, &why);
                continue;
            };
            let listed_id = id;
            let number =
                listed_id.as_ref().and_then(|id| ids.number(id)).filter(|number| seen.insert(*number));
            if number.is_none() && listed_id.is_some() {
                self.left_out.add(Reason::SameId, &name);
            }
            let known = object.and_then(|Object { category, annotation, remarks }| {
                let unlisted = || format!("{name}: category {category} is not in `categories`");
                Ok((category_ids.number(&category).ok_or_else(unlisted)?, annotation, remarks))
            });
            match known {
                Ok((category_id, annotation, remarks)) => {
                    remarks.iter().for_each(|(reason, name)| self.left_out.add(*reason, name));
                    let id = number.or_else(|| free.next()).unwrap_or_default();
                    let text_id = text_of(listed_id);
                    self.annotations.push(CocoAnnotation {
                        id,
                        text_id,
                        image_id,
                        category_id,
                        ..annotation
                    });
                }
                Err(fault) => drop(self.broken.entry(image_id).or_insert(fault)),
            }
        }
    }
}

fn text_of(id: Option<Id>) -> Option<Box<str>> {
    match id {
        Some(Id::Text(text)) => Some(text.into_boxed_str()),
        _ => None,
    }
}

/// Refuses a list in which two entries have the same id.
fn unique<'a>(list: &str, ids: impl Iterator<Item = Option<&'a Id>>) -> Result<(), String> {
    let mut places = HashMap::new();
    for (index, id) in ids.enumerate().filter_map(|(index, id)| Some((index, id?))) {
        if let Some(before) = places.insert(id, index) {
            return Err(format!(
                "{} has the id of {list}[{before}]; give each its own",
                named(list, index, Some(id))
            ));
        }
    }
    Ok(())
}
