//! Counts by reason what of a data set is left out.

use crate::text::counted;

/// Number of names kept for each reason.
const NAMED: usize = 3;

/// Why something is left out, or read differently from how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A photo that is missing, damaged or differs from what its annotations say.
    Unusable,
    /// A photo without an object.
    Empty,
    /// A crowd: a region that is ignored, not an object.
    Crowd,
    /// An object whose outline holds no pixel.
    NoPixel,
    /// An object whose outline holds no pixel, which counts as never found in evaluation.
    NeverFound,
    /// An annotation of an image that the file does not list.
    NoImage,
    /// An annotation with the id of another one.
    SameId,
    /// A part of an outline with fewer than three corners.
    FewCorners,
    /// An image without a usable width and height.
    NoSize,
    /// An `area` or `bbox` that is not a number.
    NoNumber,
    /// A `score` that is not a confidence, so that the object counts as certain.
    NoScore,
    /// A category that only groups others.
    RootCategory,
    /// A result of a category that the annotations do not list.
    OtherCategory,
    /// A result of a photo that was left out.
    OtherPhoto,
    /// A hidden file or folder, or one that a system puts beside photos.
    Hidden,
    /// A file that is not a photo.
    NoPhoto,
    /// A picture that this program drew.
    Drawn,
    /// A link to nothing in its tar.
    Link,
    /// An image that belongs to another one of its sample.
    Belonging,
    /// An image under another key than the selected ones.
    OtherKey,
    /// A shard or zip file without a photo.
    NoPhotos,
    /// A shard or folder that cannot be read completely.
    Unread,
}

impl Reason {
    /// Returns what is counted, and what is said about one and about several of it.
    fn words(self) -> (&'static str, [&'static str; 2]) {
        match self {
            Self::Unusable => ("photo", ["that cannot be used", "that cannot be used"]),
            Self::Empty => ("photo", ["without an object"; 2]),
            Self::Crowd => (
                "object",
                [
                    "marked as a crowd (`iscrowd`), which is ignored",
                    "marked as crowds (`iscrowd`), which are ignored",
                ],
            ),
            Self::NoPixel => ("object", ["without a pixel", "without a pixel"]),
            Self::NeverFound => (
                "object",
                [
                    "without a pixel, which counts as never found",
                    "without a pixel, which count as never found",
                ],
            ),
            Self::NoImage => {
                ("annotation", ["of an image that is not listed", "of images that are not listed"])
            }
            Self::SameId => (
                "annotation",
                ["with the id of another, taken nevertheless", "with ids of others, taken nevertheless"],
            ),
            Self::FewCorners => ("part", ["of an outline with fewer than three corners"; 2]),
            Self::NoSize => (
                "image size",
                ["that is invalid, taken from the photo", "that are invalid, taken from the photos"],
            ),
            Self::NoNumber => ("`area` or `bbox` entry", ["that is not a number, taken from the outline"; 2]),
            Self::NoScore => ("`score`", ["that is not above 0 and up to 1, ignored"; 2]),
            Self::RootCategory => ("category", ["that has no object and only groups the others"; 2]),
            Self::OtherCategory => {
                ("result", ["of a category that is not listed", "of categories that are not listed"])
            }
            Self::OtherPhoto => ("result", ["of photos that were left out"; 2]),
            Self::Hidden => ("hidden or companion file", ["", ""]),
            Self::NoPhoto => ("file", ["that is not a supported photo", "that are not supported photos"]),
            Self::NoPhotos => ("shard", ["without a photo"; 2]),
            Self::Drawn => ("picture", ["written by this program"; 2]),
            Self::Link => {
                ("link", ["to a file that is not in its tar", "to files that are not in their tar"])
            }
            Self::Belonging => (
                "image",
                [
                    "that belongs to another image of its sample",
                    "that belong to other images of their samples",
                ],
            ),
            Self::OtherKey => ("image", ["under another key", "under other keys"]),
            Self::Unread => ("path", ["that cannot be read completely"; 2]),
        }
    }
}

/// Counts of what was left out for each reason, with the first names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut(Vec<(Reason, usize, Vec<String>)>);

impl LeftOut {
    /// Counts one more; `name` is kept if it is one of the first.
    pub fn add(&mut self, reason: Reason, name: &str) {
        let at = self.0.iter().position(|(known, ..)| *known == reason).unwrap_or_else(|| {
            self.0.push((reason, 0, Vec::new()));
            self.0.len() - 1
        });
        let (_, count, names) = &mut self.0[at];
        *count += 1;
        if names.len() < NAMED {
            names.push(name.to_owned());
        }
    }

    /// Returns how many were left out for this reason.
    #[must_use]
    pub fn count(&self, reason: Reason) -> usize {
        self.0.iter().find(|(known, ..)| *known == reason).map_or(0, |(_, count, _)| *count)
    }

    /// Adds the counts of `other`.
    pub fn extend(&mut self, other: &Self) {
        for (reason, count, names) in &other.0 {
            names.iter().for_each(|name| self.add(*reason, name));
            (names.len()..*count).for_each(|_| self.add(*reason, ""));
        }
    }

    /// Describes all of it in a few words, such as `2 files that are not supported photos (a.txt, b.txt)`, or
    /// `nothing`.
    #[must_use]
    pub fn told(&self) -> String {
        let one = |(reason, count, names): &(Reason, usize, Vec<String>)| {
            let (noun, [of_one, of_many]) = reason.words();
            let said = if *count == 1 { of_one } else { of_many };
            let more = if *count > names.len() { ", …" } else { "" };
            let counted = counted(*count, noun);
            format!("{} ({}{more})", format!("{counted} {said}").trim_end(), names.join(", "))
        };
        if self.0.is_empty() {
            "nothing".to_owned()
        } else {
            self.0.iter().map(one).collect::<Vec<_>>().join("; ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_are_named() {
        let mut left = LeftOut::default();
        assert_eq!(left.told(), "nothing");
        left.add(Reason::Hidden, ".a");
        for name in ["b", "c", "d", "e"] {
            left.add(Reason::NoPhoto, name);
        }
        let mut all = LeftOut::default();
        all.extend(&left);
        assert_eq!(all, left);
        assert_eq!(
            left.told(),
            "1 hidden or companion file (.a); 4 files that are not supported photos (b, c, d, …)"
        );
        assert_eq!([Reason::NoPhoto, Reason::Crowd].map(|reason| left.count(reason)), [4, 0]);
    }
}
