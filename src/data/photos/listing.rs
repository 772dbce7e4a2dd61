//! What folders, shards and zip files hold.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::DataError;
use super::super::shard;
use super::super::zip::Zip;
use super::{Damaged, Photo, PhotoSet, has_extension, is_photo};

impl PhotoSet {
    /// `above` are the folders that `path` is in.
    pub(super) fn add(&mut self, path: &Path, above: &mut Vec<PathBuf>) -> Result<(), DataError> {
        let io_error = |source| DataError::Io { path: path.to_path_buf(), source };
        let metadata = fs::metadata(path).map_err(io_error)?;
        if metadata.is_dir() {
            return self.add_folder(path, above);
        }
        let (is_tar, is_zip) = (has_extension(path, &["tar"]), has_extension(path, &["zip"]));
        if (is_tar || is_zip || is_photo(path)) && !metadata.is_file() {
            return Err(io_error(io::Error::other("it is no file")));
        }
        let (photos, cut) = (self.photos.len(), self.cut.len());
        if is_tar {
            self.add_shard(path)?;
        } else if is_zip {
            let (zip, opened) = (self.zips.len(), Zip::open(path)?);
            let photos = opened.files().into_iter().filter(|(name, _)| is_photo(Path::new(name)));
            self.photos.extend(photos.map(|(name, len)| Photo::Zipped { zip, name: name.to_owned(), len }));
            self.zips.push(Arc::new(opened));
        } else if is_photo(path) {
            self.photos.push(Photo::File { path: path.to_path_buf(), len: metadata.len() });
        }
        if (is_tar || is_zip) && (self.photos.len(), self.cut.len()) == (photos, cut) {
            return self.leave_out(DataError::NoPhotos(path.display().to_string()));
        }
        Ok(())
    }

    fn add_folder(&mut self, path: &Path, above: &mut Vec<PathBuf>) -> Result<(), DataError> {
        let io_error = |source| DataError::Io { path: path.to_path_buf(), source };
        let place = fs::canonicalize(path).map_err(io_error)?;
        if above.contains(&place) {
            return Err(io_error(io::Error::other("it leads back to a folder that it is in")));
        }
        let mut entries = fs::read_dir(path)
            .map_err(io_error)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(io_error)?;
        entries.sort();
        above.push(place);
        for entry in &entries {
            match self.add(entry, above) {
                Err(error @ (DataError::Io { .. } | DataError::Zip { .. })) => self.leave_out(error)?,
                outcome => outcome?,
            }
        }
        above.pop();
        Ok(())
    }

    fn add_shard(&mut self, path: &Path) -> Result<(), DataError> {
        let shard = self.shards.len();
        let mut members = Vec::new();
        match shard::index(path, &mut members) {
            Err(error @ DataError::Shard { .. }) if self.damaged == Damaged::Skip => {
                self.cut.push(format!("the rest of a shard: {error}"));
            }
            outcome => outcome?,
        }
        let photos = shard::photos_of(members).into_iter();
        self.photos.extend(photos.map(|member| Photo::Member { shard, member }));
        self.shards.push(path.to_path_buf());
        Ok(())
    }

    fn leave_out(&mut self, error: DataError) -> Result<(), DataError> {
        if self.damaged == Damaged::Stop {
            return Err(error);
        }
        self.cut.push(error.to_string());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
