//! File names that do not collide.

use std::collections::HashSet;

/// Returns the name of an object's files: its number and its label in letters, digits and dashes,
/// `02-traffic-light`.
#[must_use]
pub fn object_name(number: usize, label: &str) -> String {
    let label: String = label.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    format!("{number:02}-{label}")
}

/// Returns the name of a photo without its folders and its extension, made valid for a file; `photo` if
/// nothing is left.
#[must_use]
pub fn stem(photo: &str) -> String {
    let name = base_name(photo);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let fits = |c: char| !c.is_control() && !"\"*:<>?|".contains(c);
    let stem: String = stem.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    if stem.trim_matches('.').is_empty() { "photo".to_owned() } else { stem }
}

/// Returns the name of a photo without its folders.
pub(super) fn base_name(photo: &str) -> &str {
    photo.rsplit(['/', '\\']).next().unwrap_or(photo)
}

/// Names that are given only once, also for case-insensitive file systems.
#[derive(Debug, Default)]
pub struct UniqueNames(HashSet<String>);

impl UniqueNames {
    /// Returns the name, with a number if it was given before.
    #[must_use]
    pub fn unique(&mut self, name: &str) -> String {
        let mut numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut given = name.to_owned();
        while !self.0.insert(given.to_lowercase()) {
            given = numbered.next().unwrap_or_default();
        }
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_for_files_and_given_once() {
        assert_eq!(object_name(2, "traffic light"), "02-traffic-light");
        assert_eq!(object_name(2, "../x"), "02----x");
        for (photo, expected) in [
            ("a/b/holiday.photo.jpg", "holiday.photo"),
            ("", "photo"),
            ("..", "photo"),
            ("C:\\x\\y?.png", "y-"),
        ] {
            assert_eq!(stem(photo), expected);
        }
        let mut names = UniqueNames::default();
        let given = ["x", "X", "x-2", "x"].map(|name| names.unique(name));
        assert_eq!(given, ["x", "X-2", "x-2-2", "x-3"]);
    }
}
