//! Lists the contents of folders, shards and zip files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::formats::{has_extension, head, is_gzip, is_hidden, is_photo, packing};
use super::super::shard::{self, Member};
use super::super::zip::Zip;
use super::super::{DataError, Reason};
use super::{Damaged, Photo, PhotoSet, Shard};
use crate::files::drawn;

impl PhotoSet {
    /// Adds the photos of `path`; `above` are the folders that contain it.
    pub(super) fn add(&mut self, path: &Path, above: &mut Vec<PathBuf>) -> Result<(), DataError> {
        let io_error = |source| DataError::Io { path: path.to_path_buf(), source };
        let metadata = fs::metadata(path).map_err(io_error)?;
        if metadata.is_dir() {
            return self.add_folder(path, above);
        }
        if !metadata.is_file() {
            return Err(io_error(io::Error::other("it is not a file")));
        }
        let (photos, cut) = (self.photos.len(), self.cut.len());
        let is_zip = has_extension(path, &["zip"]);
        let is_tar = has_extension(path, &["tar", "tar.gz", "tgz"]);
        if is_tar {
            self.add_shard(path)?;
        } else if is_zip {
            self.add_zip(path)?;
        } else if !above.is_empty() && drawn::is_drawn(path) {
            self.left_out.add(Reason::Drawn, &file_name(path));
        } else if is_photo(path, || head(path)) {
            if self.is_asked_for(&file_name(path)) {
                self.photos.push(Photo::File { path: path.to_path_buf(), len: metadata.len() });
            }
        } else {
            self.left_out.add(Reason::NoPhoto, &file_name(path));
        }
        if (is_tar || is_zip) && (self.photos.len(), self.cut.len()) == (photos, cut) {
            let shown = path.display().to_string();
            if self.search.damaged == Damaged::Stop {
                return Err(self.nothing_in(&shown));
            }
            self.left_out.add(Reason::NoPhotos, &file_name(path));
            self.cut.push(format!("{shown}, which holds no photo"));
        }
        Ok(())
    }

    fn add_folder(&mut self, path: &Path, above: &mut Vec<PathBuf>) -> Result<(), DataError> {
        let io_error = |source| DataError::Io { path: path.to_path_buf(), source };
        let place = fs::canonicalize(path).map_err(io_error)?;
        if above.contains(&place) {
            return Err(io_error(io::Error::other("it links back to a folder that contains it")));
        }
        let mut entries = fs::read_dir(path)
            .map_err(io_error)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(io_error)?;
        entries.sort();
        above.push(place);
        for entry in &entries {
            if is_hidden(&file_name(entry)) {
                self.left_out.add(Reason::Hidden, &file_name(entry));
                continue;
            }
            match self.add(entry, above) {
                Err(error @ (DataError::Io { .. } | DataError::Zip { .. })) => self.leave_out(error)?,
                outcome => outcome?,
            }
        }
        above.pop();
        Ok(())
    }

    fn add_zip(&mut self, path: &Path) -> Result<(), DataError> {
        let (zip, opened) = (self.zips.len(), Zip::open(path)?);
        for (name, len) in opened.files().into_iter().filter(|(name, _)| !name.ends_with('/')) {
            if is_hidden(name) {
                self.left_out.add(Reason::Hidden, name);
            } else if !is_photo(Path::new(name), || opened.head(name)) {
                self.left_out.add(Reason::NoPhoto, name);
            } else if self.is_asked_for(name) {
                self.photos.push(Photo::Zipped { zip, name: name.to_owned(), len });
            }
        }
        self.zips.push(Arc::new(opened));
        Ok(())
    }

    fn add_shard(&mut self, path: &Path) -> Result<(), DataError> {
        let mut file = path.to_path_buf();
        let mut damage = Ok(());
        let first = head(path).map_err(|source| DataError::Io { path: path.to_path_buf(), source })?;
        if let Some(reason) = packing(&first) {
            damage = Err(DataError::Shard { path: path.to_path_buf(), reason });
        } else if is_gzip(&first) {
            (file, damage) = shard::unpacked(path, &self.search.unpacked)?;
        }
        let mut members = Vec::new();
        let indexed = shard::index(&file, &mut members, &mut self.left_out);
        let named = indexed.map_err(|error| match error {
            DataError::Shard { reason, .. } => DataError::Shard { path: path.to_path_buf(), reason },
            other => other,
        });
        match damage.and(named) {
            Err(error @ DataError::Shard { .. }) if self.search.damaged == Damaged::Skip => {
                self.left_out.add(Reason::Unread, &file_name(path));
                self.cut.push(format!("the rest of a shard: {error}"));
            }
            outcome => outcome?,
        }
        members.retain(|Member { name, .. }| self.is_asked_for(name));
        let shard = self.shards.len();
        let photos = shard::photos_of(members, &mut self.left_out).into_iter();
        self.photos.extend(photos.map(|member| Photo::Member { shard, member }));
        self.shards.push(Shard { path: path.to_path_buf(), file });
        Ok(())
    }

    /// Returns whether a photo is under one of the selected keys; others are counted.
    fn is_asked_for(&mut self, name: &str) -> bool {
        let keys = &self.search.keys;
        let asked_for = keys.is_empty() || keys.iter().any(|key| shard::has_key(name, key));
        if !asked_for {
            self.left_out.add(Reason::OtherKey, name);
        }
        asked_for
    }

    fn leave_out(&mut self, error: DataError) -> Result<(), DataError> {
        if self.search.damaged == Damaged::Stop {
            return Err(error);
        }
        let name = match &error {
            DataError::Io { path, .. } | DataError::Zip { path, .. } => file_name(path),
            other => other.to_string(),
        };
        self.left_out.add(Reason::Unread, &name);
        self.cut.push(error.to_string());
        Ok(())
    }
}

/// Returns the name of a file without its folders.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Search;
    use super::*;

    fn png() -> Vec<u8> {
        let mut bytes = io::Cursor::new(Vec::new());
        image::RgbImage::new(4, 4).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn tar(members: &[&str]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for name in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(png().len() as u64);
            tar.append_data(&mut header, name, png().as_slice()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn what_is_no_photo_is_counted_and_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".thumbnails")).unwrap();
        for photo in ["a.png", "b.jfif", "5", ".thumbnails/a.png", "._a.png"] {
            fs::write(dir.path().join(photo), png()).unwrap();
        }
        for other in ["Thumbs.db", "notes", "a.json"] {
            fs::write(dir.path().join(other), "words").unwrap();
        }
        let set = PhotoSet::open(&[dir.path().to_path_buf()], Damaged::Stop).unwrap();
        assert_eq!(set.len(), 3);
        (0..3).for_each(|index| assert_eq!(set.photo(index).unwrap().width(), 4));
        let told = set.left_out().told();
        assert!(told.contains("3 hidden or companion files (._a.png, .thumbnails, Thumbs.db)"), "{told}");
        assert!(told.contains("2 files that are not supported photos (a.json, notes)"), "{told}");
        let named = PhotoSet::open(&[dir.path().join("._a.png")], Damaged::Stop).unwrap();
        assert_eq!(named.len(), 1, "what is named is taken");
    }

    #[test]
    fn packed_shards_and_keys_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar.gz");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        io::Write::write_all(&mut packed, &tar(&["1.input.png", "1.target.png", "2.input.png"])).unwrap();
        let packed = packed.finish().unwrap();
        fs::write(&path, &packed).unwrap();
        let unpacked = dir.path().join("cache");
        let search = |keys: &[&str], damaged| Search {
            damaged,
            keys: keys.iter().map(ToString::to_string).collect(),
            unpacked: unpacked.clone(),
        };
        let open =
            |keys: &[&str], damaged| PhotoSet::open(std::slice::from_ref(&path), search(keys, damaged));
        let set = open(&["input.png"], Damaged::Stop).unwrap();
        assert_eq!((set.len(), set.left_out().count(Reason::OtherKey)), (2, 1));
        assert_eq!(set.photo(1).unwrap().width(), 4);
        assert_eq!(open(&[], Damaged::Stop).unwrap().len(), 3);
        assert_eq!(fs::read_dir(&unpacked).unwrap().count(), 1, "unpacked once");
        let error = open(&["jpg"], Damaged::Stop).unwrap_err().to_string();
        assert!(error.contains("3 images under other keys (1.input.png"), "{error}");

        fs::write(&path, &packed[..packed.len() - 9]).unwrap();
        let error = open(&[], Damaged::Stop).unwrap_err().to_string();
        assert!(error.contains("a.tar.gz") && error.contains("compression is damaged"), "{error}");
        let rest = open(&[], Damaged::Skip).unwrap();
        assert_eq!((rest.len(), rest.left_out().count(Reason::Unread)), (3, 1));
    }

    #[test]
    fn how_a_shard_is_packed_its_content_tells() {
        let dir = tempfile::tempdir().unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        io::Write::write_all(&mut gzip, &tar(&["1.png"])).unwrap();
        let search = |damaged| Search { damaged, keys: Vec::new(), unpacked: dir.path().join("cache") };
        let open = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            PhotoSet::open(&[path], search(Damaged::Stop))
        };
        assert_eq!(open("a.tar", &gzip.finish().unwrap()).unwrap().len(), 1);
        assert_eq!(open("b.tar.gz", &tar(&["1.png"])).unwrap().len(), 1);
        for (name, bytes, packing) in [
            ("c.tar", &b"\xFD7zXZ\0 and so on"[..], "xz"),
            ("d.tar.bz2", b"BZh9 and so on", "bzip2"),
            ("e.7z", b"7z\xBC\xAF\x27\x1C and so on", "7-Zip"),
        ] {
            let error = open(name, bytes).unwrap_err().to_string();
            assert!(error.contains(packing) && error.contains(name), "{error}");
        }
        let error = open("f.tar", &[b'x'; 4096]).unwrap_err().to_string();
        assert!(error.contains("f.tar") && error.contains("does not begin like a tar"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_in_circles_and_packs_without_photos_are_named() {
        let dir = tempfile::tempdir().unwrap();
        image::RgbImage::new(4, 4).save(dir.path().join("a.png")).unwrap();
        for link in ["one", "two"] {
            std::os::unix::fs::symlink(".", dir.path().join(link)).unwrap();
        }
        tar::Builder::new(fs::File::create(dir.path().join("empty.tar")).unwrap()).finish().unwrap();
        let open = |damaged| PhotoSet::open(&[dir.path().to_path_buf()], damaged);
        let set = open(Damaged::Skip).unwrap();
        assert_eq!(set.len(), 1);
        let named = |name: &str| set.cut().iter().filter(|cut| cut.contains(name)).count();
        assert_eq!(["empty.tar", "one", "two"].map(named), [1; 3], "{:?}", set.cut());
        assert!(open(Damaged::Stop).is_err());
    }
}
