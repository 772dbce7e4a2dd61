//! PyTorch's zip format: `NAME/data.pkl`, and an entry `NAME/data/KEY` for each storage, all uncompressed.

use std::collections::BTreeMap;
use std::ops::Range;

use rawzip::{
    CompressionMethod, Error, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipArchiveEntryWayfinder, ZipLocator,
};

use super::pieces::Pieces;
use super::tensors::Contents;
use super::{MAX_PICKLE_BYTES, TorchError, shown};
use crate::weights::stored::exactly;
use crate::weights::{StoredTensor, WeightSource, WeightsError};

const PICKLE: &str = "data.pkl";
/// Bytes fetched for the directory, and for the local header of an entry.
const DIRECTORY_BYTES: u64 = 64 << 10;
const ENTRY_BYTES: u64 = 4 << 10;

/// Returns the tensors of an archive, and [`Header::norm_pix_loss`](crate::weights::Header).
pub(super) async fn tensors(
    source: &impl WeightSource,
    file: &str,
    size: u64,
) -> Result<(Vec<StoredTensor>, Option<bool>), WeightsError> {
    let refused = |error: TorchError| error.of_file(file);
    let pieces = Pieces::new(source, file, size);
    let archive = Archive::open(&pieces).await?;
    let pickle = archive.bytes(PICKLE).await?;
    if archive.entries.contains_key("byteorder") && archive.bytes("byteorder").await? != b"little" {
        return Err(refused(TorchError::BigEndian));
    }
    let contents = Contents::of(&pickle).map_err(refused)?;
    let mut places: BTreeMap<&str, Range<u64>> = BTreeMap::new();
    let mut tensors = Vec::new();
    for (name, view) in contents.named().map_err(refused)? {
        let key = contents.storage(view).key;
        if !places.contains_key(key) {
            places.insert(key, archive.place(&format!("data/{key}")).await?);
        }
        tensors.push(contents.stored(name, view, &places[key]).map_err(refused)?);
    }
    Ok((tensors, contents.norm_pix_loss()))
}

struct Entry {
    way: ZipArchiveEntryWayfinder,
    is_plain: bool,
}

struct Archive<'p, 's, S> {
    pieces: &'p Pieces<'s, S>,
    zip: ZipArchive<&'p Pieces<'s, S>>,
    /// Entries by their name below the folder of the pickle.
    entries: BTreeMap<String, Entry>,
}

impl<'p, 's, S: WeightSource> Archive<'p, 's, S> {
    async fn open(pieces: &'p Pieces<'s, S>) -> Result<Self, WeightsError> {
        let locate = || {
            let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
            let found = ZipLocator::new().locate_in_reader(pieces, &mut buffer, pieces.size);
            let zip = found.map_err(|(_, error)| error)?;
            let entries = entries(&zip, &mut buffer)?;
            Ok((zip, entries))
        };
        let (zip, all) = pieces.complete(DIRECTORY_BYTES, locate).await?;
        let folders = all.iter().filter_map(|(name, _)| name.strip_suffix(PICKLE));
        let folder = folders.map(str::to_owned).find(|folder| folder.ends_with('/'));
        let damaged = |reason: String| TorchError::Archive(reason).of_file(pieces.file);
        let folder = folder
            .ok_or_else(|| damaged(format!("it is a zip archive without `{PICKLE}`, not PyTorch's")))?;
        let mut entries = BTreeMap::new();
        for (name, entry) in all {
            let Some(name) = name.strip_prefix(&folder) else { continue };
            if entries.insert(name.to_owned(), entry).is_some() {
                return Err(damaged(format!("it has two entries `{}`", shown(name))));
            }
        }
        Ok(Self { pieces, zip, entries })
    }

    /// Returns the byte range of an entry in the file.
    async fn place(&self, name: &str) -> Result<Range<u64>, WeightsError> {
        let refused = |reason: &str| {
            TorchError::Archive(format!("its entry `{}` {reason}", shown(name))).of_file(self.pieces.file)
        };
        let entry = self.entries.get(name).ok_or_else(|| refused("is missing; download it again"))?;
        if !entry.is_plain {
            return Err(refused("is compressed, which PyTorch does not do; save it again with torch.save"));
        }
        let (start, end) = self
            .pieces
            .complete(ENTRY_BYTES, || Ok(self.zip.get_entry(entry.way)?.compressed_data_range()))
            .await?;
        if end > self.pieces.size {
            return Err(refused("is cut off; download it again"));
        }
        Ok(start..end)
    }

    async fn bytes(&self, name: &str) -> Result<Vec<u8>, WeightsError> {
        let place = self.place(name).await?;
        if place.end - place.start > MAX_PICKLE_BYTES {
            return Err(TorchError::TooLong.of_file(self.pieces.file));
        }
        exactly(self.pieces.source, self.pieces.file, place).await
    }
}

fn entries<R: rawzip::ReaderAt>(
    zip: &ZipArchive<R>,
    buffer: &mut [u8],
) -> Result<Vec<(String, Entry)>, Error> {
    let mut records = zip.entries(buffer);
    let mut entries = Vec::new();
    while let Some(record) = records.next_entry()? {
        let name = String::from_utf8_lossy(record.file_path().as_bytes()).into_owned();
        let is_plain =
            record.compression_method() == CompressionMethod::STORE && !record.flags().is_encrypted();
        entries.push((name, Entry { way: record.wayfinder(), is_plain }));
    }
    Ok(entries)
}
