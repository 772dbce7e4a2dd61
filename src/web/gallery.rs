//! The photos of a visit, and the progress of each; pure, tested on the host.

use serde::{Deserialize, Deserializer, Serialize};

use super::sentence::Sentence;

/// Identifies a photo for as long as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PhotoKey(pub u32);

/// The progress of a photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It waits to be segmented.
    Waiting,
    /// It is being segmented.
    Working,
    /// Its objects are known, and this many of them are shown.
    Done(usize),
    /// It cannot be used, for this reason.
    Failed(#[serde(deserialize_with = "known_or_not")] Sentence),
    /// It will not be segmented until the visitor asks for it.
    Stopped,
}

/// Deserialises a sentence; one of another version that is unknown here becomes "the photo cannot be used".
fn known_or_not<'de, D: Deserializer<'de>>(kept: D) -> Result<Sentence, D::Error> {
    let kept = serde_json::Value::deserialize(kept)?;
    Ok(serde_json::from_value(kept).unwrap_or(Sentence::PhotoUnusable))
}

/// One photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its key.
    pub key: PhotoKey,
    /// Its name: that of its file, with a number if another photo has the same name.
    pub name: String,
    /// Its progress.
    pub standing: Standing,
    /// Whether it was added alone: then it is removed again if it cannot be read.
    pub is_single: bool,
}

/// The photos, in the order in which they were added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gallery {
    entries: Vec<Entry>,
    next_key: u32,
}

impl Gallery {
    /// Creates an empty gallery.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new(), next_key: 0 }
    }

    /// Returns all photos.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns one photo.
    #[must_use]
    pub fn entry(&self, key: PhotoKey) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Returns the lowest key that no photo has had; all keys above it are free, too.
    #[must_use]
    pub const fn next_key(&self) -> PhotoKey {
        PhotoKey(self.next_key)
    }

    /// Adds photos, each with the name of its file.
    pub fn add(&mut self, photos: Vec<(PhotoKey, String)>) {
        let is_single = photos.len() == 1;
        for (key, name) in photos {
            let name = self.unique(name);
            self.next_key = self.next_key.max(key.0.saturating_add(1));
            self.entries.push(Entry { key, name, standing: Standing::Waiting, is_single });
        }
    }

    /// Adds photos of an earlier visit before those of this one. Photos that were being segmented wait again.
    pub fn restore(&mut self, earlier: Self) {
        self.next_key = self.next_key.max(earlier.next_key);
        let own = std::mem::replace(&mut self.entries, earlier.entries);
        self.swap(&Standing::Working, &Standing::Waiting);
        for entry in own {
            let name = self.unique(entry.name);
            self.entries.push(Entry { name, ..entry });
        }
    }

    /// Removes a photo.
    pub fn remove(&mut self, key: PhotoKey) {
        self.entries.retain(|entry| entry.key != key);
    }

    /// Sets the progress of a photo.
    pub fn set(&mut self, key: PhotoKey, standing: Standing) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) {
            entry.standing = standing;
        }
    }

    /// Returns the photo after or before this one; `None` at the ends.
    #[must_use]
    pub fn neighbour(&self, key: PhotoKey, is_behind: bool) -> Option<PhotoKey> {
        let place = self.entries.iter().position(|entry| entry.key == key)?;
        let other = if is_behind { place + 1 } else { place.checked_sub(1)? };
        self.entries.get(other).map(|entry| entry.key)
    }

    /// Returns the first photo that waits, except this one.
    #[must_use]
    pub fn first_waiting(&self, but: Option<PhotoKey>) -> Option<PhotoKey> {
        let waits = |entry: &&Entry| entry.standing == Standing::Waiting && Some(entry.key) != but;
        self.entries.iter().find(waits).map(|entry| entry.key)
    }

    /// Stops all photos that wait.
    pub fn stop(&mut self) {
        self.swap(&Standing::Waiting, &Standing::Stopped);
    }

    /// Lets all stopped photos wait again.
    pub fn go_on(&mut self) {
        self.swap(&Standing::Stopped, &Standing::Waiting);
    }

    fn swap(&mut self, from: &Standing, to: &Standing) {
        for entry in self.entries.iter_mut().filter(|entry| entry.standing == *from) {
            entry.standing = to.clone();
        }
    }

    /// Counts the photos whose progress satisfies `is_so`.
    #[must_use]
    pub fn count(&self, is_so: impl Fn(&Standing) -> bool) -> usize {
        self.entries.iter().filter(|entry| is_so(&entry.standing)).count()
    }

    /// Returns the photos whose objects are known.
    #[must_use]
    pub fn done(&self) -> Vec<PhotoKey> {
        let is_done = |entry: &&Entry| matches!(entry.standing, Standing::Done(_));
        self.entries.iter().filter(is_done).map(|entry| entry.key).collect()
    }

    fn unique(&self, name: String) -> String {
        let is_taken = |name: &str| self.entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name));
        if !is_taken(&name) {
            return name;
        }
        let (stem, ending) = name.split_at(name.rfind('.').unwrap_or(name.len()));
        (2..)
            .map(|number| format!("{stem} ({number}){ending}"))
            .find(|name| !is_taken(name))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gallery(names: &[&str]) -> Gallery {
        let mut gallery = Gallery::default();
        let photos = (0..).map(PhotoKey).zip(names.iter().map(|name| (*name).to_owned()));
        gallery.add(photos.collect());
        gallery
    }

    fn names(gallery: &Gallery) -> Vec<&str> {
        gallery.entries().iter().map(|entry| entry.name.as_str()).collect()
    }

    #[test]
    fn photos_of_one_name_are_told_apart() {
        let mut gallery = gallery(&["a.jpg", "b", "a.jpg", "A.JPG", "b"]);
        assert_eq!(names(&gallery), ["a.jpg", "b", "a (2).jpg", "A (3).JPG", "b (2)"]);
        assert_eq!(gallery.next_key(), PhotoKey(5));
        let mut earlier = Gallery::default();
        earlier.add(vec![(PhotoKey(9), "a.jpg".into())]);
        gallery.restore(earlier);
        assert_eq!(names(&gallery)[..2], ["a.jpg", "a (2).jpg"]);
        assert_eq!(gallery.next_key(), PhotoKey(10));
    }

    #[test]
    fn what_other_versions_said_of_a_photo_does_not_lose_the_others() {
        let photo =
            |standing: &str| format!(r#"{{"key":0,"name":"a","standing":{standing},"is_single":true}}"#);
        let read = |standing: &str| serde_json::from_str::<Entry>(&photo(standing)).unwrap().standing;
        for unknown in [r#"{"Failed":"a: not a photo."}"#, r#"{"Failed":{"photo-too-dark":{"name":"a"}}}"#] {
            assert_eq!(read(unknown), Standing::Failed(Sentence::PhotoUnusable), "{unknown}");
        }
        let known = Standing::Failed(Sentence::PhotoEmpty { name: "a".into() });
        assert_eq!(read(&serde_json::to_string(&known).unwrap()), known);
        assert_eq!(read(r#"{"Done":3}"#), Standing::Done(3));
    }

    #[test]
    fn photos_wait_stop_and_go_on() {
        let mut gallery = gallery(&["a", "b", "c", "d"]);
        gallery.set(PhotoKey(1), Standing::Done(3));
        assert_eq!(gallery.first_waiting(Some(PhotoKey(0))), Some(PhotoKey(2)));
        gallery.stop();
        assert_eq!(gallery.first_waiting(None), None);
        assert_eq!(gallery.count(|standing| *standing == Standing::Stopped), 3);
        gallery.go_on();
        assert_eq!((gallery.first_waiting(None), gallery.done()), (Some(PhotoKey(0)), vec![PhotoKey(1)]));
        assert_eq!(gallery.neighbour(PhotoKey(1), true), Some(PhotoKey(2)));
        assert_eq!(
            (gallery.neighbour(PhotoKey(0), false), gallery.neighbour(PhotoKey(3), true)),
            (None, None)
        );
        gallery.remove(PhotoKey(1));
        assert_eq!(gallery.neighbour(PhotoKey(0), true), Some(PhotoKey(2)));
        gallery.set(PhotoKey(0), Standing::Working);
        let mut next = Gallery::default();
        next.restore(gallery);
        assert_eq!(next.first_waiting(None), Some(PhotoKey(0)), "what was not finished is done again");
    }
}
