//! `WebDataset` tar shards: an index of their photos, and positional reads.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::DataError;
use super::photos::is_photo;

/// Two empty 512-byte records end a tar file; a file without them was cut short.
const END_MARKER: usize = 1024;

/// One photo inside a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) offset: u64,
    pub(super) len: u64,
}

/// Lists the photos of a shard without reading their bytes; those before its damage, where it has one, are in `members` too.
///
/// Shards that were put one behind the other are read to the last.
pub(super) fn index(path: &Path, members: &mut Vec<Member>) -> Result<(), DataError> {
    let io_error = |source| DataError::Io { path: path.to_path_buf(), source };
    let cut = |reason: String| DataError::Shard { path: path.to_path_buf(), reason };
    let mut file = File::open(path).map_err(io_error)?;
    let total = file.metadata().map_err(io_error)?.len();
    let mut archive = tar::Archive::new(&mut file);
    archive.set_ignore_zeros(true);
    for entry in archive.entries_with_seek().map_err(|e| cut(e.to_string()))? {
        let entry = entry.map_err(|e| cut(e.to_string()))?;
        let name = entry.path().map_err(|e| cut(e.to_string()))?.to_string_lossy().into_owned();
        let (offset, len) = (entry.raw_file_position(), entry.size());
        if offset.saturating_add(len) > total {
            return Err(cut(format!("it ends inside {name}")));
        }
        if entry.header().entry_type().is_file() && is_photo(Path::new(&name)) {
            members.push(Member { name, offset, len });
        }
    }
    if !ends_with_marker(&mut file).map_err(io_error)? {
        return Err(cut("its end marker is missing".into()));
    }
    Ok(())
}

/// Whether a file is a tar shard to its end; only its headers are read.
#[must_use]
pub fn is_whole_shard(path: &Path) -> bool {
    index(path, &mut Vec::new()).is_ok()
}

/// Leaves out images that belong to a photo, such as `7.mask.png` beside `7.jpg`: samples of a `WebDataset` share a name up to its
/// first dot.
pub(super) fn photos_of(members: Vec<Member>) -> Vec<Member> {
    let plain = |member: &Member| sample(&member.name).1.matches('.').count() == 1;
    let samples: HashSet<String> = members
        .iter()
        .filter(|member| plain(member))
        .map(|member| sample(&member.name).0.to_owned())
        .collect();
    members.into_iter().filter(|member| plain(member) || !samples.contains(sample(&member.name).0)).collect()
}

/// The name of a sample, and what its file's name adds to it, from the first dot on.
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

/// The bytes of one member.
pub(super) fn read(path: &PathBuf, member: &Member) -> io::Result<Vec<u8>> {
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
        let found = photos_of(names.map(member).into());
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
        index(&path, &mut members).unwrap();
        let names: Vec<_> = members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["0.jpg", "sub/1.PNG"]);
        assert_eq!(read(&path, &members[0]).unwrap(), b"first");
        assert_eq!(read(&path, &members[1]).unwrap(), b"second one");
    }

    #[test]
    fn shards_in_one_file_are_read_to_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("both.tar");
        fs::write(&path, [shard(&[("0.jpg", b"first")]), shard(&[("1.jpg", b"second")])].concat()).unwrap();
        let mut members = Vec::new();
        index(&path, &mut members).unwrap();
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
            let message = index(&path, &mut members).unwrap_err().to_string();
            assert_eq!(
                members.len(),
                [0, 1536, 3072].iter().filter(|end| len >= **end).count().saturating_sub(1),
                "{len}"
            );
            assert!(message.contains("cut.tar") && message.contains("complete tar"), "{len}: {message}");
        }
    }
}
