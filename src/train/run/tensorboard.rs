//! Metrics and panels in the format of `TensorBoard`: `events.out.tfevents.*`, records of protocol buffers.
//!
//! A record is the length (u64), its masked CRC-32C, the bytes and their masked CRC-32C, all little-endian
//! (<https://github.com/tensorflow/tensorboard/blob/master/tensorboard/summary/writer/record_writer.py>).
//!
//! An event has the fields `wall_time` 1: double, `step` 2: int64, `file_version` 3: string, `summary` 5 and
//! `session_log` 7. A summary repeats `value` 1, which has `tag` 1: string and `simple_value` 2: float or
//! `image` 4; an image has `height` 1, `width` 2, `colorspace` 3 (RGB is 3) and `encoded_image_string` 4. A
//! session log has `status` 1 (START is 1).

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// An event file. Each start of a run writes its own; `TensorBoard` merges them.
#[derive(Debug)]
pub(super) struct Events(File);

impl Events {
    /// Creates a file in `folder`, whose name contains the time and the first step. `TensorBoard` then
    /// ignores events of that step and later ones in other files.
    pub(super) fn create(folder: &Path, step: usize) -> io::Result<Self> {
        let now = now();
        let path = folder.join(format!("events.out.tfevents.{:010}.{step}", now as u64));
        let mut file = File::create(path)?;
        file.write_all(&record(&version(now)))?;
        file.write_all(&record(&started(now, step)))?;
        Ok(Self(file))
    }

    /// Appends metrics measured after `step`.
    pub(super) fn write<'a>(
        &mut self,
        step: usize,
        scalars: impl Iterator<Item = (&'a str, f64)>,
    ) -> io::Result<()> {
        let scalars = scalars.map(|(tag, value)| (tag, number(value)));
        self.0.write_all(&record(&event(now(), step, scalars)))
    }

    /// Appends a picture made after `step`: `size` is its width and height in pixels, `png` the bytes of a
    /// PNG file.
    pub(super) fn show(&mut self, step: usize, tag: &str, size: [u32; 2], png: &[u8]) -> io::Result<()> {
        self.0.write_all(&record(&event(now(), step, [(tag, picture(size, png))].into_iter())))
    }
}

/// Returns the seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn version(seconds: f64) -> Vec<u8> {
    [double(1, seconds), bytes(3, b"brain.Event:2")].concat()
}

fn started(seconds: f64, step: usize) -> Vec<u8> {
    [double(1, seconds), whole(2, step as u64), bytes(7, &[1 << 3, 1])].concat()
}

/// Encodes an event; `values` are tags with their encoded values.
fn event<'a>(seconds: f64, step: usize, values: impl Iterator<Item = (&'a str, Vec<u8>)>) -> Vec<u8> {
    let value = |(tag, value): (&str, Vec<u8>)| bytes(1, &[bytes(1, tag.as_bytes()), value].concat());
    let summary: Vec<u8> = values.flat_map(value).collect();
    [double(1, seconds), whole(2, step as u64), bytes(5, &summary)].concat()
}

fn number(value: f64) -> Vec<u8> {
    [vec![2 << 3 | 5], (value as f32).to_le_bytes().to_vec()].concat()
}

fn picture([width, height]: [u32; 2], png: &[u8]) -> Vec<u8> {
    let sides = [whole(1, height.into()), whole(2, width.into()), whole(3, 3)].concat();
    bytes(4, &[sides, bytes(4, png)].concat())
}

fn whole(field: u8, value: u64) -> Vec<u8> {
    [vec![field << 3], varint(value)].concat()
}

fn double(field: u8, value: f64) -> Vec<u8> {
    [vec![field << 3 | 1], value.to_le_bytes().to_vec()].concat()
}

fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    [vec![field << 3 | 2], varint(content.len() as u64), content.to_vec()].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut encoded = Vec::new();
    while number >= 0x80 {
        encoded.push(number as u8 | 0x80);
        number >>= 7;
    }
    encoded.push(number as u8);
    encoded
}

fn record(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    let check = |bytes: &[u8]| {
        let sum = crc32c::crc32c(bytes);
        sum.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
    };
    [&length[..], &check(&length), content, &check(content)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_tensorboards_own_writer() {
        let scalars = [("loss", 0.25), ("val_ap", 0.5)].map(|(tag, value)| (tag, number(value)));
        let ours = [
            record(&version(1.5)),
            record(&started(1.5, 300)),
            record(&event(1.5, 300, scalars.into_iter())),
            record(&event(1.5, 300, [("panel", picture([3, 2], b"PNG"))].into_iter())),
        ]
        .concat();
        let hex: String = ours.iter().map(|byte| format!("{byte:02x}")).collect();
        let theirs = "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c\
                      100000000000000095fbfe1809000000000000f83f10ac023a020801713b788a\
                      2a00000000000000ae8d91f509000000000000f83f10ac022a1c0a0b0a046c6f7373150000803e\
                      0a0d0a0676616c5f6170150000003fb662bf56\
                      2400000000000000422b804d09000000000000f83f10ac022a160a140a0570616e656c220b080210031803\
                      2203504e474fdf60cd";
        assert_eq!(hex, theirs);
    }
}
