//! Converts a pickle's values to the tensors of a checkpoint, each checked against its storage.

use std::collections::BTreeMap;
use std::ops::Range;

use super::value::{Heap, Storage, Value, View};
use super::{TorchError, machine, shown};
use crate::weights::StoredTensor;

/// Keys under which training programs store the weights among other things.
const KEYS: [&str; 4] = ["model", "state_dict", "model_state_dict", "module"];
/// Maximum number of axes of a tensor.
const MAX_AXES: usize = 64;
/// Number of keys that an error message repeats.
const MOST_SHOWN: usize = 8;

/// The contents of a pickle, and the values to which it refers.
#[derive(Debug)]
pub(super) struct Contents<'b> {
    pub(super) heap: Heap<'b>,
    pub(super) root: Value<'b>,
}

impl<'b> Contents<'b> {
    /// Reads a pickle that stands alone.
    pub(super) fn of(pickle: &'b [u8]) -> Result<Self, TorchError> {
        let mut heap = Heap::default();
        let root = machine::read(pickle, &mut 0, &mut heap)?;
        Ok(Self { heap, root })
    }

    /// Returns the tensors by name, at the top or under one of [`KEYS`]; of two with the same name the last,
    /// as in Python.
    pub(super) fn named(&self) -> Result<BTreeMap<&'b str, View>, TorchError> {
        let below =
            |key: &str| self.entries(self.root).find(|(name, _)| *name == key).map(|(_, value)| value);
        [Some(self.root)]
            .into_iter()
            .chain(KEYS.map(below))
            .flatten()
            .map(|map| self.tensors(map))
            .find(|tensors| !tensors.is_empty())
            .ok_or_else(|| self.without_tensors())
    }

    /// Returns `norm_pix_loss` of the settings that MAE's training program saves beside the weights.
    pub(super) fn norm_pix_loss(&self) -> Option<bool> {
        let settings = self.entries(self.root).find(|(name, _)| *name == "args")?.1;
        self.entries(settings).find_map(|(name, value)| match value {
            Value::Flag(flag) if name == "norm_pix_loss" => Some(flag),
            _ => None,
        })
    }

    pub(super) fn storage(&self, view: View) -> Storage<'b> {
        self.heap.storages[view.storage]
    }

    pub(super) fn entries(&self, map: Value<'b>) -> impl Iterator<Item = (&'b str, Value<'b>)> {
        let items = if let Value::Map(map) = map { self.heap.lists[map].as_slice() } else { &[] };
        items.chunks_exact(2).filter_map(|entry| match entry[0] {
            Value::Text(name) => Some((name, entry[1])),
            _ => None,
        })
    }

    fn tensors(&self, map: Value<'b>) -> BTreeMap<&'b str, View> {
        let tensors = self.entries(map).filter_map(|(name, value)| match value {
            Value::Tensor(tensor) => Some((name, self.heap.tensors[tensor])),
            _ => None,
        });
        tensors.collect()
    }

    fn without_tensors(&self) -> TorchError {
        let keys: Vec<String> = self.entries(self.root).take(MOST_SHOWN).map(|(key, _)| shown(key)).collect();
        let found = if keys.is_empty() { "something else".to_owned() } else { keys.join(", ") };
        TorchError::NoTensors { known: KEYS.join(", "), found }
    }

    /// Returns the header entry of a tensor whose storage lies at `place` in the file.
    pub(super) fn stored(
        &self,
        name: &str,
        view: View,
        place: &Range<u64>,
    ) -> Result<StoredTensor, TorchError> {
        let refused = |reason: String| TorchError::Tensor { name: shown(name), reason };
        let storage = self.storage(view);
        let width = storage.width();
        let there = place.end - place.start;
        let count = u64::try_from(storage.count)
            .ok()
            .filter(|count| count.checked_mul(width).is_some_and(|b| b <= there));
        let count = count.ok_or_else(|| {
            let Storage { count, dtype, .. } = storage;
            refused(format!("lies among {count} numbers of {dtype:?}, for which the file has {there} bytes"))
        })?;
        let (Some(shape), Some(strides)) = (self.sizes(view.shape), self.sizes(view.strides)) else {
            return Err(refused("has no shape".to_owned()));
        };
        let extent = extent(&shape, &strides).ok_or_else(|| {
            refused(format!(
                "repeats numbers (shape {shape:?}, strides {strides:?}); save it with .contiguous()"
            ))
        })?;
        let end = u64::try_from(view.offset).ok().and_then(|offset| offset.checked_add(extent));
        let end = end.filter(|&end| end <= count).ok_or_else(|| {
            refused(format!("reaches beyond the {count} numbers of its storage (shape {shape:?})"))
        })?;
        Ok(StoredTensor {
            name: name.to_owned(),
            dtype: storage.dtype,
            start: place.start + (end - extent) * width,
            end: place.start + end * width,
            strides: (!in_rows(&shape, &strides)).then_some(strides),
            shape,
        })
    }

    /// Returns lengths or strides; `None` for more axes than PyTorch supports.
    fn sizes(&self, list: usize) -> Option<Vec<usize>> {
        let size = |value: &Value<'b>| match value {
            Value::Number(number) => usize::try_from(*number).ok(),
            _ => None,
        };
        let sizes = &self.heap.lists[list];
        if sizes.len() > MAX_AXES {
            return None;
        }
        sizes.iter().map(size).collect()
    }
}

/// Returns the number of values from the first of a view to its last; `None` if the view has more values than
/// that, or is malformed.
fn extent(shape: &[usize], strides: &[usize]) -> Option<u64> {
    if shape.len() != strides.len() {
        return None;
    }
    let count = shape.iter().try_fold(1, |count: usize, &length| count.checked_mul(length))?;
    if count == 0 {
        return Some(0);
    }
    let steps = shape.iter().zip(strides).map(|(&length, &stride)| (length - 1).checked_mul(stride));
    let extent = steps.into_iter().try_fold(1, |extent: usize, step| extent.checked_add(step?))?;
    (count <= extent).then_some(extent as u64)
}

/// Returns whether the values are row-major without gaps.
fn in_rows(shape: &[usize], strides: &[usize]) -> bool {
    let mut dense = 1;
    shape.contains(&0)
        || shape.iter().zip(strides).rev().all(|(&length, &stride)| {
            let fits = length == 1 || stride == dense;
            dense *= length;
            fits
        })
}
