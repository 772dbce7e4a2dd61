//! Entries of a COCO file's lists, with the types that different tools give their keys.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value};

/// The id of an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Id {
    /// A whole number from 0 on, also written as `7.0` or `"7"`.
    Number(u64),
    /// Any other text.
    Text(String),
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

impl Id {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => {
                let whole = || number.as_f64().filter(|n| n.fract() == 0.0 && (0.0..9e15).contains(n));
                let number = number.as_u64().or_else(|| whole().map(|n| n as u64)).map(Self::Number);
                number.or_else(|| value.as_i64().map(|negative| Self::Text(negative.to_string())))
            }
            Value::String(text) => {
                let number = text.parse().ok().filter(|number: &u64| number.to_string() == *text);
                (!text.is_empty()).then(|| number.map_or_else(|| Self::Text(text.clone()), Self::Number))
            }
            _ => None,
        }
    }
}

/// A mapping of ids to numbers: numbers stand for themselves, texts get free numbers in alphabetical order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Ids {
    numbers: HashSet<u64>,
    texts: HashMap<String, u64>,
}

impl Ids {
    /// Assigns numbers to all of `ids`.
    pub(crate) fn new<'a>(ids: impl Iterator<Item = &'a Id>) -> Self {
        let (mut numbers, mut texts) = (HashSet::new(), BTreeSet::new());
        for id in ids {
            match id {
                Id::Number(number) => drop(numbers.insert(*number)),
                Id::Text(text) => drop(texts.insert(text)),
            }
        }
        let free = (1..).filter(|number| !numbers.contains(number));
        let texts = texts.into_iter().cloned().zip(free).collect();
        Self { numbers, texts }
    }

    /// Returns the numbers that are not assigned to an id, ascending.
    pub(crate) fn free(&self) -> impl Iterator<Item = u64> {
        // Texts have the lowest that no number has.
        let given = self.texts.values().max().copied().unwrap_or_default();
        (given + 1..).filter(|number| !self.numbers.contains(number))
    }

    /// Returns the number of an id, if it has one.
    pub(crate) fn number(&self, id: &Id) -> Option<u64> {
        match id {
            Id::Number(number) => self.numbers.get(number).copied(),
            Id::Text(text) => self.texts.get(text).copied(),
        }
    }
}

/// One entry of a list, with its keys and its index.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The list's name, such as `images`.
    pub(crate) list: &'static str,
    /// Index of the entry in the list.
    pub(crate) index: usize,
    keys: Map<String, Value>,
}

impl Entry {
    /// Creates the entry at an index of a list; a value that is not an object has no keys.
    pub(crate) fn new(list: &'static str, index: usize, value: Value) -> Self {
        let keys = if let Value::Object(keys) = value { keys } else { Map::new() };
        Self { list, index, keys }
    }

    /// Returns its name for messages: `annotation 8 (annotations[7])`.
    pub(crate) fn name(&self) -> String {
        let id = self.value("id").and_then(Id::read);
        named(self.list, self.index, id.as_ref())
    }

    /// Returns the value of a key; null counts as missing.
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.keys.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn id(&self, key: &str) -> Result<Id, String> {
        self.value(key).and_then(Id::read).ok_or_else(|| self.wrong(key, "a number or a text"))
    }

    /// Returns a number, which may be written in quotes.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.value(key).and_then(number)
    }

    /// Returns a text; a number is converted to text.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Returns a flag, written as true and false or 1 and 0.
    pub(crate) fn flag(&self, key: &str) -> Result<bool, String> {
        match self.value(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => self
                .number(key)
                .filter(|n| n.is_finite())
                .map(|n| n != 0.0)
                .ok_or_else(|| self.wrong(key, "0 or 1")),
        }
    }

    /// Returns a box `[x, y, width, height]`; an empty list counts as missing.
    pub(crate) fn bbox(&self, key: &str) -> Option<Result<[f64; 4], String>> {
        let wrong = || self.wrong(key, "[x, y, width, height] in numbers");
        match self.value(key)? {
            Value::Array(sides) if sides.is_empty() => None,
            Value::Array(sides) => {
                let numbers: Option<Vec<f64>> =
                    sides.iter().map(|side| number(side).filter(|n| n.is_finite())).collect();
                Some(numbers.and_then(|numbers| numbers.try_into().ok()).ok_or_else(wrong))
            }
            _ => Some(Err(wrong())),
        }
    }

    /// Describes in a sentence what is wrong with a key.
    pub(crate) fn wrong(&self, key: &str, wanted: &str) -> String {
        let found = match self.keys.get(key) {
            None => "is missing".to_owned(),
            Some(Value::Array(_)) => format!("is a list, not {wanted}"),
            Some(Value::Object(_)) => format!("is an object, not {wanted}"),
            Some(value) => format!("is {value}, not {wanted}"),
        };
        format!("{}: `{key}` {found}", self.name())
    }
}

/// Returns a number, which may be written in quotes.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Returns the name of a list's entry for messages.
pub(crate) fn named(list: &str, index: usize, id: Option<&Id>) -> String {
    let one = match list {
        "categories" => "category",
        list => list.trim_end_matches('s'),
    };
    match id {
        Some(id) => format!("{one} {id} ({list}[{index}])"),
        None => format!("{list}[{index}]"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_of_every_kind_are_told_apart() {
        let read = |value: Value| Id::read(&value);
        for same in [json!(7), json!(7.0), json!("7")] {
            assert_eq!(read(same), Some(Id::Number(7)));
        }
        for other in [json!("007"), json!("x1"), json!(-7)] {
            assert!(matches!(read(other), Some(Id::Text(_))));
        }
        for none in [json!(null), json!(1.5), json!(""), json!([7]), json!(true)] {
            assert_eq!(read(none), None);
        }
        let ids: Vec<Id> =
            [json!("b"), json!(1), json!("a"), json!(3)].into_iter().filter_map(read).collect();
        let numbers = Ids::new(ids.iter());
        let numbers: Vec<_> = ids.iter().map(|id| numbers.number(id).unwrap()).collect();
        assert_eq!(numbers, [4, 1, 2, 3], "texts in their order get what is free");
    }

    #[test]
    fn faults_name_entry_and_key() {
        let entry = Entry::new("annotations", 7, json!({"id": "x", "iscrowd": "no", "bbox": [1, 2]}));
        assert_eq!(
            entry.flag("iscrowd").unwrap_err(),
            "annotation \"x\" (annotations[7]): `iscrowd` is \"no\", not 0 or 1"
        );
        assert!(entry.bbox("bbox").unwrap().unwrap_err().contains("`bbox` is a list"));
        assert!(
            Entry::new("images", 0, json!(3)).id("id").unwrap_err().starts_with("images[0]: `id` is missing")
        );
    }

    fn free_beside(ids: &[Id]) -> Vec<u64> {
        Ids::new(ids.iter()).free().take(2).collect()
    }

    #[test]
    fn free_numbers_belong_to_no_id_even_where_the_largest_is_taken() {
        assert_eq!(free_beside(&[]), [1, 2]);
        assert_eq!(free_beside(&[Id::Number(1), Id::Number(3)]), [2, 4]);
        let [most, text] = [Id::Number(u64::MAX), Id::Text("a".to_owned())];
        assert_eq!(free_beside(&[most.clone(), text]), [2, 3]);
        assert_eq!(free_beside(&[most, Id::Number(1)]), [2, 3]);
    }
}
