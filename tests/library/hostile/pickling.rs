//! Writes pickles and the archives around them, honest or not.

use std::io::Write;

use rawzip::{CompressionMethod, ZipArchiveWriter};

/// Returns a pickled global in Python's protocol 2.
pub(crate) fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

pub(crate) fn number(number: i64) -> Vec<u8> {
    [&[0x8a, 8][..], &number.to_le_bytes()].concat()
}

pub(crate) fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(", &items.concat()[..], b"t"].concat()
}

pub(crate) fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<u8> =
        entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [b"}(", &entries[..], b"u"].concat()
}

/// Returns the pickled call `function(arguments)`.
pub(crate) fn call(function: &[u8], arguments: &[Vec<u8>]) -> Vec<u8> {
    [function, &tuple(arguments)[..], b"R"].concat()
}

/// A view of storage `key`, which claims to have `count` numbers of type `kind`.
pub(crate) struct View {
    pub(crate) kind: &'static str,
    pub(crate) key: &'static str,
    pub(crate) count: i64,
    pub(crate) offset: i64,
    pub(crate) shape: Vec<i64>,
    pub(crate) strides: Vec<i64>,
}

impl View {
    /// Returns a valid view of two rows of three numbers in storage `0`.
    pub(crate) fn honest() -> Self {
        Self { kind: "FloatStorage", key: "0", count: 6, offset: 0, shape: vec![2, 3], strides: vec![3, 1] }
    }

    pub(crate) fn pickled(&self) -> Vec<u8> {
        let storage =
            [text("storage"), global("torch", self.kind), text(self.key), text("cpu"), number(self.count)];
        let storage = [tuple(&storage), b"Q".to_vec()].concat();
        let sizes = |sizes: &[i64]| tuple(&sizes.iter().copied().map(number).collect::<Vec<_>>());
        let hooks = call(&global("collections", "OrderedDict"), &[]);
        let arguments =
            [storage, number(self.offset), sizes(&self.shape), sizes(&self.strides), vec![0x89], hooks];
        call(&global("torch._utils", "_rebuild_tensor_v2"), &arguments)
    }
}

/// Returns a complete pickle.
pub(crate) fn pickle(value: &[u8]) -> Vec<u8> {
    [&[0x80, 2], value, b"."].concat()
}

/// Returns an archive as `torch.save` writes it.
pub(crate) fn archive(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipArchiveWriter::new(Vec::new());
    for (name, content) in entries {
        let (mut entry, config) =
            zip.new_file(format!("archive/{name}")).compression_method(method).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        writer.write_all(content).unwrap();
        let (_, descriptor) = writer.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    zip.finish().unwrap()
}

/// Returns an archive of one pickled value and six numbers.
pub(crate) fn saved(value: &[u8]) -> Vec<u8> {
    archive(&[("data.pkl", &pickle(value)), ("data/0", &[0; 24])], CompressionMethod::STORE)
}

/// Returns the value and six numbers in the format before archives.
pub(crate) fn saved_as_stream(value: &[u8]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";
    let sizes = dict(&[("protocol_version", number(1001)), ("little_endian", vec![0x88])]);
    let keys = [b"](", &text("0")[..], b"e"].concat();
    let pickles = [pickle(&number(1001)), pickle(&sizes), pickle(value), pickle(&keys)];
    [&magic[..], &pickles.concat(), &6_i64.to_le_bytes(), &[0; 24]].concat()
}
