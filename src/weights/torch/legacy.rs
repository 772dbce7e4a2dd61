//! The format before PyTorch 1.6: five pickles in a row (a magic number, a version, sizes, the contents, the
//! keys of the storages), then the storages in the order of the keys, each preceded by its count.

use std::collections::BTreeMap;
use std::ops::Range;

use super::reader::Reader;
use super::tensors::Contents;
use super::value::{Heap, Value};
use super::{MAX_PICKLE_BYTES, TorchError, machine, shown};
use crate::weights::stored::exactly;
use crate::weights::{StoredTensor, WeightSource, WeightsError};

/// Bytes fetched first to find the end of the pickles.
const FIRST_BYTES: u64 = 64 << 10;
/// Bytes of a storage's count.
const COUNT_BYTES: u64 = 8;

/// Returns whether a file begins with the magic number of `torch.save`, as pickled by the protocols 2 to 5.
pub(super) fn begins(first: &[u8]) -> bool {
    match first {
        [0x80, 2 | 3, rest @ ..] => rest == [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46],
        [0x80, 4 | 5, rest @ ..] => rest == [0x95, 0x0d, 0, 0, 0, 0],
        _ => false,
    }
}

/// Returns the tensors of a stream, and [`Header::norm_pix_loss`](crate::weights::Header).
pub(super) async fn tensors(
    source: &impl WeightSource,
    file: &str,
    size: u64,
) -> Result<(Vec<StoredTensor>, Option<bool>), WeightsError> {
    let refused = |error: TorchError| error.of_file(file);
    let most = size.min(MAX_PICKLE_BYTES);
    let mut length = FIRST_BYTES;
    loop {
        let bytes = exactly(source, file, 0..length.min(most)).await?;
        match read(&bytes) {
            Err(TorchError::Truncated) if length < most => length = length.saturating_mul(2),
            Err(error) => return Err(refused(error)),
            Ok((contents, keys, start)) => {
                let places = places(source, file, size, (&contents, &keys), start as u64).await?;
                let named = contents.named().map_err(refused)?;
                let stored = |(name, view)| {
                    let place = places.get(contents.storage(view).key).ok_or(TorchError::Truncated)?;
                    contents.stored(name, view, place)
                };
                let stored: Result<_, _> = named.into_iter().map(stored).collect();
                return Ok((stored.map_err(refused)?, contents.norm_pix_loss()));
            }
        }
    }
}

/// Returns the contents, the keys, and the offset of the storages.
fn read(bytes: &[u8]) -> Result<(Contents<'_>, Vec<&str>, usize), TorchError> {
    let (mut at, mut heap) = (0, Heap::default());
    let _magic = machine::read(bytes, &mut at, &mut heap)?;
    let _version = machine::read(bytes, &mut at, &mut heap)?;
    let sizes = machine::read(bytes, &mut at, &mut heap)?;
    let root = machine::read(bytes, &mut at, &mut heap)?;
    let keys = machine::read(bytes, &mut at, &mut heap)?;
    let contents = Contents { heap, root };
    if contents
        .entries(sizes)
        .any(|(name, value)| name == "little_endian" && !matches!(value, Value::Flag(true)))
    {
        return Err(TorchError::BigEndian);
    }
    let Value::List(keys) = keys else { return Err(TorchError::Damaged { at }) };
    let keys = contents.heap.lists[keys].iter().map(|key| match key {
        Value::Text(key) => Ok(*key),
        _ => Err(TorchError::Damaged { at }),
    });
    let keys = keys.collect::<Result<_, _>>()?;
    Ok((contents, keys, at))
}

/// Returns the byte range of each storage, after reading how many values it has.
async fn places<'b>(
    source: &impl WeightSource,
    file: &str,
    size: u64,
    (contents, keys): (&Contents<'b>, &[&'b str]),
    mut at: u64,
) -> Result<BTreeMap<&'b str, Range<u64>>, WeightsError> {
    let refused = |error: TorchError| error.of_file(file);
    let widths: BTreeMap<&str, u64> =
        contents.heap.storages.iter().map(|storage| (storage.key, storage.width())).collect();
    let mut places = BTreeMap::new();
    for key in keys {
        let width = *widths.get(key).ok_or_else(|| refused(TorchError::Storage { key: shown(key) }))?;
        let start = at.saturating_add(COUNT_BYTES);
        if start > size {
            return Err(refused(TorchError::Truncated));
        }
        let count = exactly(source, file, at..start).await?;
        let count = Reader { bytes: &count, at: 0 }.number(count.len()).map_err(refused)? as u64;
        let end = count.checked_mul(width).and_then(|bytes| start.checked_add(bytes));
        at =
            end.filter(|&end| end <= size).ok_or_else(|| refused(TorchError::Storage { key: shown(key) }))?;
        if places.insert(*key, start..at).is_some() {
            return Err(refused(TorchError::Storage { key: shown(key) }));
        }
    }
    Ok(places)
}
