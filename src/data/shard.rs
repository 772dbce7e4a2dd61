//! `WebDataset` tar shards: an index of their photos, and positional reads.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::formats::{HEAD, head, is_gzip, is_hidden, is_photo};
use super::{DataError, LeftOut, Reason};
use crate::files;
use crate::weights::sha256_hex;

/// Bytes of the end marker, two empty 512-byte records; a tar file without them was cut short.
const END_MARKER: usize = 1024;

/// One photo in a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) offset: u64,
    pub(super) len: u64,
}

/// An entry of a tar.
enum Entry {
    File(Place),
    /// A link, with the name of its target.
    Link(String),
}

#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    len: u64,
}

/// Lists the photos of a shard, reading only headers, and the first bytes of files whose names do not tell
/// their format. For a damaged shard, `members` holds the photos before the damage. Links count as their
/// targets.
///
/// Concatenated shards are read to the last.
pub(super) fn index(path: &Path, members: &mut Vec<Member>, left_out: &mut LeftOut) -> Result<(), DataError> {
    let io_error = |source| DataError::Io { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(io_error)?;
    let mut entries = Vec::new();
    let outcome = list(&mut file, &mut entries);
    let places: HashMap<String, Place> = entries
        .iter()
        .filter_map(|(name, entry)| match entry {
            Entry::File(place) => Some((inside(name), *place)),
            Entry::Link(_) => None,
        })
        .collect();
    for (name, entry) in entries {
        let place = match entry {
            Entry::File(place) => Some(place),
            Entry::Link(target) => places.get(&target).copied(),
        };
        let first = |place: Place| {
            read(path, &Member { name: String::new(), offset: place.offset, len: place.len.min(HEAD as u64) })
        };
        match place {
            _ if is_hidden(&name) => left_out.add(Reason::Hidden, &name),
            None => left_out.add(Reason::Link, &name),
            Some(place) if is_photo(Path::new(&name), || first(place)) => {
                members.push(Member { name, offset: place.offset, len: place.len });
            }
            Some(_) => left_out.add(Reason::NoPhoto, &name),
        }
    }
    let ended = outcome.and_then(|()| match ends_with_marker(&mut file) {
        Ok(true) => Ok(()),
        Ok(false) => Err("its end marker is missing".to_owned()),
        Err(error) => Err(error.to_string()),
    });
    ended.map_err(|reason| DataError::Shard { path: path.to_path_buf(), reason })
}

/// Lists the files and links of a tar, up to the first fault.
fn list(file: &mut File, entries: &mut Vec<(String, Entry)>) -> Result<(), String> {
    let words = |error: io::Error| error.to_string();
    let total = file.metadata().map_err(words)?.len();
    let mut archive = tar::Archive::new(file);
    archive.set_ignore_zeros(true);
    for entry in archive.entries_with_seek().map_err(words)? {
        let entry = entry.map_err(|error| match entries.last() {
            _ if error.raw_os_error().is_some() || error.kind() == io::ErrorKind::UnexpectedEof => {
                words(error)
            }
            None => "it does not begin like a tar".to_owned(),
            Some((last, _)) => format!("the data after {last} is not a tar entry"),
        })?;
        let name = entry.path().map_err(words)?.to_string_lossy().into_owned();
        let place = Place { offset: entry.raw_file_position(), len: entry.size() };
        if place.offset.saturating_add(place.len) > total {
            return Err(format!("it ends inside {name}"));
        }
        let target = entry.link_name().map_err(words)?.map(|target| target.to_string_lossy().into_owned());
        let kind = entry.header().entry_type();
        if kind.is_file() {
            entries.push((name, Entry::File(place)));
        } else if let Some(target) = target.filter(|_| kind.is_hard_link() || kind.is_symlink()) {
            // Targets of hard links are relative to the tar's root, those of symbolic links to their own
            // folder.
            let folder = name.rsplit_once('/').filter(|_| kind.is_symlink()).map_or("", |(folder, _)| folder);
            let target = Entry::Link(inside(&format!("{folder}/{target}")));
            entries.push((name, target));
        }
    }
    Ok(())
}

/// Normalises a path inside a tar: `./a/../b` is `b`.
fn inside(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Unpacks the tar that is packed in `path` into a file of `folder`, unless it is there already; if the
/// packing is damaged, returns what precedes the damage, and an error.
pub(super) fn unpacked(path: &Path, folder: &Path) -> Result<(PathBuf, Result<(), DataError>), DataError> {
    let io_error = |source| DataError::Io { path: path.to_path_buf(), source };
    let written = |source| DataError::Io { path: folder.to_path_buf(), source };
    let packed = File::open(path).map_err(io_error)?;
    let metadata = packed.metadata().map_err(io_error)?;
    let place = fs::canonicalize(path).map_err(io_error)?;
    let version = format!("{} {} {:?}", place.display(), metadata.len(), metadata.modified().ok());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let whole = folder.join(format!("{}-{name}.tar", &sha256_hex(version.as_bytes())[..16]));
    if whole.is_file() {
        return Ok((whole, Ok(())));
    }
    fs::create_dir_all(folder).map_err(written)?;
    let mut part = tempfile::NamedTempFile::new_in(folder).map_err(written)?;
    let mut unpacking = MultiGzDecoder::new(io::BufReader::new(packed));
    let mut buffer = vec![0; 1 << 16];
    let damage = loop {
        match unpacking.read(&mut buffer) {
            Ok(0) => break None,
            Ok(bytes) => part.write_all(&buffer[..bytes]).map_err(written)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Some(format!("its compression is damaged: {error}")),
        }
    };
    match damage {
        None => {
            part.persist(&whole).map_err(|error| written(error.error))?;
            Ok((whole, Ok(())))
        }
        Some(reason) => {
            let rest = whole.with_extension("damaged");
            part.persist(&rest).map_err(|error| written(error.error))?;
            Ok((rest, Err(DataError::Shard { path: path.to_path_buf(), reason })))
        }
    }
}

/// Returns whether an image is under a key of its sample, such as `input.jpg` of `0001.input.jpg`, or has the
/// key as its whole name.
pub(super) fn has_key(name: &str, key: &str) -> bool {
    let (stem, own) = sample(name);
    let base = &name[stem.rfind('/').map_or(0, |slash| slash + 1)..];
    [own.trim_start_matches('.'), base]
        .iter()
        .any(|own| own.eq_ignore_ascii_case(key.trim_start_matches('.')))
}

/// Returns whether a file is a complete tar shard; only its headers are read.
#[must_use]
pub fn is_whole_shard(path: &Path) -> bool {
    index(path, &mut Vec::new(), &mut LeftOut::default()).is_ok()
}

/// Returns whether a file begins as gzip does.
#[must_use]
pub fn is_packed_shard(path: &Path) -> bool {
    head(path).is_ok_and(|bytes| is_gzip(&bytes))
}

/// Removes images that belong to a photo, such as `7.mask.png` beside `7.jpg`: files of a `WebDataset` sample
/// share a name up to their first dot.
pub(super) fn photos_of(mut members: Vec<Member>, left_out: &mut LeftOut) -> Vec<Member> {
    let plain = |member: &Member| sample(&member.name).1.matches('.').count() == 1;
    let samples: HashSet<String> = members
        .iter()
        .filter(|member| plain(member))
        .map(|member| sample(&member.name).0.to_owned())
        .collect();
    members.retain(|member| {
        let belongs = !plain(member) && samples.contains(sample(&member.name).0);
        if belongs {
            left_out.add(Reason::Belonging, &member.name);
        }
        !belongs
    });
    members
}

/// Splits a file name into the name of its sample and the rest, from the first dot on.
fn sample(name: &str) -> (&str, &str) {
    let base = name.rfind('/').map_or(0, |slash| slash + 1);
    name.split_at(name[base..].find('.').map_or(name.len(), |dot| base + dot))
}

fn ends_with_marker(file: &mut File) -> io::Result<bool> {
    let mut tail = Vec::with_capacity(END_MARKER);
    let start = file.seek(SeekFrom::End(0))?.saturating_sub(END_MARKER as u64);
    file.seek(SeekFrom::Start(start))?;
    file.read_to_end(&mut tail)?;
    Ok(tail.len() == END_MARKER && tail.iter().all(|&b| b == 0))
}

/// Reads the bytes of one member.
pub(super) fn read(path: &Path, member: &Member) -> io::Result<Vec<u8>> {
    files::check(member.len, files::PHOTO)?;
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(member.offset))?;
    let mut bytes = Vec::new();
    file.take(member.len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn shard(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, name, *bytes).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn what_belongs_to_a_photo_is_no_photo() {
        let member = |name: &str| Member { name: name.to_owned(), offset: 0, len: 1 };
        let names = ["a.b/1.jpg", "a.b/1.mask.png", "a.b/2.mask.png", "img.1.jpg", "img.2.jpg", "3.png"];
        let found = photos_of(names.map(member).into(), &mut LeftOut::default());
        let found: Vec<_> = found.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(found, ["a.b/1.jpg", "a.b/2.mask.png", "img.1.jpg", "img.2.jpg", "3.png"]);
    }

    #[test]
    fn finds_photos_and_reads_their_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar");
        fs::write(&path, shard(&[("0.jpg", b"first"), ("0.json", b"{}"), ("sub/1.PNG", b"second one")]))
            .unwrap();
        let mut members = Vec::new();
        index(&path, &mut members, &mut LeftOut::default()).unwrap();
        let names: Vec<_> = members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["0.jpg", "sub/1.PNG"]);
        assert_eq!(read(&path, &members[0]).unwrap(), b"first");
        assert_eq!(read(&path, &members[1]).unwrap(), b"second one");
    }

    #[test]
    fn links_are_what_they_lead_to() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut add = |kind, name: &str, target: Option<&str>, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(bytes.len() as u64);
            match target {
                Some(target) => tar.append_link(&mut header, name, target).unwrap(),
                None => tar.append_data(&mut header, name, bytes).unwrap(),
            }
        };
        add(tar::EntryType::Symlink, "x/early.jpg", Some("../y/0.jpg"), b"");
        add(tar::EntryType::Regular, "y/0.jpg", None, b"first");
        add(tar::EntryType::Link, "z/hard.jpg", Some("y/0.jpg"), b"");
        add(tar::EntryType::Symlink, "out.jpg", Some("/elsewhere/0.jpg"), b"");
        add(tar::EntryType::Regular, "._0.jpg", None, b"metadata");
        add(tar::EntryType::Regular, "0.json", None, b"{}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("links.tar");
        fs::write(&path, tar.into_inner().unwrap()).unwrap();
        let (mut members, mut left_out) = (Vec::new(), LeftOut::default());
        index(&path, &mut members, &mut left_out).unwrap();
        let found: Vec<_> = members.iter().map(|m| (m.name.as_str(), read(&path, m).unwrap())).collect();
        assert_eq!(found, ["x/early.jpg", "y/0.jpg", "z/hard.jpg"].map(|name| (name, b"first".to_vec())));
        let counts = [Reason::Link, Reason::Hidden, Reason::NoPhoto].map(|reason| left_out.count(reason));
        assert_eq!(counts, [1, 1, 1], "{}", left_out.told());
    }

    #[test]
    fn keys_tell_images_of_a_sample_apart() {
        assert!(
            has_key("x/0001.input.jpg", "input.jpg")
                && has_key("0001.JPG", "jpg")
                && has_key("1/input.jpg", "input.jpg")
        );
        assert!(
            !has_key("0001.target.jpg", "input.jpg")
                && !has_key("a.input.jpg.jpg", "input.jpg")
                && !has_key("0001.input.jpg", "jpg")
        );
    }

    #[test]
    fn shards_in_one_file_are_read_to_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("both.tar");
        fs::write(&path, [shard(&[("0.jpg", b"first")]), shard(&[("1.jpg", b"second")])].concat()).unwrap();
        let mut members = Vec::new();
        index(&path, &mut members, &mut LeftOut::default()).unwrap();
        let bytes: Vec<_> = members.iter().map(|member| read(&path, member).unwrap()).collect();
        assert_eq!(bytes, [b"first".to_vec(), b"second".to_vec()]);
    }

    #[test]
    fn a_shard_cut_anywhere_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cut.tar");
        let whole = shard(&[("0.jpg", &[7; 700]), ("1.jpg", &[8; 700])]);
        for len in [0, 100, 512, 900, 1536, 1600, 2048, 2700, whole.len() - 1024] {
            fs::write(&path, &whole[..len]).unwrap();
            let mut members = Vec::new();
            let message = index(&path, &mut members, &mut LeftOut::default()).unwrap_err().to_string();
            assert_eq!(
                members.len(),
                [0, 1536, 3072].iter().filter(|end| len >= **end).count().saturating_sub(1),
                "{len}"
            );
            assert!(message.contains("cut.tar") && message.contains("complete tar"), "{len}: {message}");
        }
    }
}
