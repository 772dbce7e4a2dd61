//! The values that a pickle can create here.

use safetensors::tensor::Dtype;

/// A value on the machine's stack. Containers live on the [`Heap`]: a pickle may refer to one many times, or
/// to itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'b> {
    /// Any value on which no tensor depends: `None`, floats, bytes, settings of the training.
    Plain,
    Flag(bool),
    Number(i64),
    Text(&'b str),
    Global(Global),
    /// A list, tuple or set.
    List(usize),
    Map(usize),
    Storage(usize),
    Tensor(usize),
}

/// The functions and classes that a pickle may call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Global {
    OrderedDict,
    /// `argparse.Namespace`, the settings of the training.
    Namespace,
    Tensor,
    Parameter,
    Storage(Dtype),
}

impl Global {
    /// Returns the allowed global of this name; all others are refused.
    pub(super) fn of(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("argparse", "Namespace") => Self::Namespace,
            ("torch._utils", "_rebuild_tensor_v2") => Self::Tensor,
            ("torch._utils", "_rebuild_parameter") => Self::Parameter,
            ("torch", "FloatStorage") => Self::Storage(Dtype::F32),
            ("torch", "HalfStorage") => Self::Storage(Dtype::F16),
            ("torch", "BFloat16Storage") => Self::Storage(Dtype::BF16),
            ("torch", "DoubleStorage") => Self::Storage(Dtype::F64),
            ("torch", "LongStorage") => Self::Storage(Dtype::I64),
            ("torch", "IntStorage") => Self::Storage(Dtype::I32),
            ("torch", "ShortStorage") => Self::Storage(Dtype::I16),
            ("torch", "CharStorage") => Self::Storage(Dtype::I8),
            ("torch", "ByteStorage") => Self::Storage(Dtype::U8),
            ("torch", "BoolStorage") => Self::Storage(Dtype::BOOL),
            _ => return None,
        })
    }
}

/// Consecutive values somewhere in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storage<'b> {
    /// Its name in the file.
    pub(super) key: &'b str,
    pub(super) dtype: Dtype,
    /// The number of values that it claims to have.
    pub(super) count: i64,
}

impl Storage<'_> {
    /// Returns the bytes of one value.
    pub(super) fn width(&self) -> u64 {
        self.dtype.bitsize() as u64 / 8
    }
}

/// A view of a storage as the pickle describes it, not checked yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub(super) storage: usize,
    pub(super) offset: i64,
    /// Indices of lists on the heap.
    pub(super) shape: usize,
    pub(super) strides: usize,
}

/// Everything to which values refer.
#[derive(Debug, Default)]
pub(super) struct Heap<'b> {
    /// Lists, and maps as alternating keys and values.
    pub(super) lists: Vec<Vec<Value<'b>>>,
    pub(super) storages: Vec<Storage<'b>>,
    pub(super) tensors: Vec<View>,
}

impl<'b> Heap<'b> {
    /// Stores a list and returns its index.
    pub(super) fn list(&mut self, items: Vec<Value<'b>>) -> usize {
        self.lists.push(items);
        self.lists.len() - 1
    }
}
