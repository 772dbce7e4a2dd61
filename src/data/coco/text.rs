//! Decodes the text of an annotation file.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde::de::DeserializeSeed;

/// Maximum bytes of an unpacked file: ten times COCO's largest.
const MOST_BYTES: u64 = 5_000_000_000;

/// Number of characters shown around a fault.
const SHOWN: usize = 24;

/// Reads JSON from the bytes of a file: UTF-8 or UTF-16, with or without a byte order mark, optionally packed
/// with gzip. Numbers that JSON does not have (`NaN`, `Infinity`) are read as texts of these words.
pub(super) fn read<T>(
    bytes: Vec<u8>,
    seed: impl for<'de> DeserializeSeed<'de, Value = T> + Copy,
) -> Result<T, String> {
    let text = text(bytes)?;
    let parse = |text: &str| -> serde_json::Result<T> {
        let mut json = serde_json::Deserializer::from_str(text);
        let value = seed.deserialize(&mut json)?;
        json.end().map(|()| value)
    };
    parse(&text).or_else(|error| {
        let quoted = quoted(&text);
        if quoted == text {
            return Err(fault(&text, &error));
        }
        parse(&quoted).map_err(|error| fault(&quoted, &error))
    })
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    match bytes.as_slice() {
        [] => Err("it is empty".to_owned()),
        [0x1f, 0x8b, ..] => {
            let mut unpacked = Vec::new();
            let read = MultiGzDecoder::new(bytes.as_slice()).take(MOST_BYTES).read_to_end(&mut unpacked);
            read.map_err(|error| format!("it is a damaged gzip file ({error}); download it again"))?;
            if unpacked.starts_with(&[0x1f, 0x8b]) {
                Err("it is compressed twice".to_owned())
            } else {
                text(unpacked)
            }
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest.to_vec()),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [_, 0, ..] => utf16(&bytes, u16::from_le_bytes),
        [0, _, ..] => utf16(&bytes, u16::from_be_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        format!("byte {} is neither UTF-8 nor UTF-16; save it as UTF-8", error.utf8_error().valid_up_to())
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = String::from_utf16(&units.iter().copied().map(unit).collect::<Vec<_>>());
    text.ok().filter(|_| rest.is_empty()).ok_or_else(|| "it is damaged UTF-16; save it as UTF-8".to_owned())
}

/// Returns the text with words such as `NaN` in quotes, outside of strings.
fn quoted(text: &str) -> String {
    let is_word = |piece: &&str| piece.parse::<f64>().is_ok_and(|number| !number.is_finite());
    let ends = |c: char| matches!(c, ',' | ':' | '[' | ']' | '{' | '}') || c.is_whitespace();
    let mut all = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (outside, from_quote) = rest.split_at(rest.find('"').unwrap_or(rest.len()));
        for piece in outside.split_inclusive(ends) {
            let word = piece.trim_end_matches(ends);
            match Some(word).filter(is_word) {
                Some(word) => all.extend(["\"", word, "\"", &piece[word.len()..]]),
                None => all.push_str(piece),
            }
        }
        let (string, after) = from_quote.split_at(string_length(from_quote));
        all.push_str(string);
        rest = after;
    }
    all
}

/// Returns the length in bytes of the string with which a text begins, including its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Describes where the text is not JSON, and shows what is there.
fn fault(text: &str, error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let at = (0..=column.saturating_sub(1).min(shown.len())).rev().find(|at| shown.is_char_boundary(*at));
    let from = (0..=at.unwrap_or(0).saturating_sub(SHOWN)).rev().find(|at| shown.is_char_boundary(*at));
    let near: String = shown[from.unwrap_or(0)..].chars().take(2 * SHOWN).collect();
    let place = format!("line {line}, column {column}, near `{near}`");
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or_default();
    match error.classify() {
        serde_json::error::Category::Eof => format!("the file ends too early; download it again ({place})"),
        serde_json::error::Category::Data => in_words(reason),
        _ => format!("it is not valid JSON at {place} ({reason})"),
    }
}

/// Translates serde's message about a value of the wrong type into JSON's terms.
fn in_words(reason: &str) -> String {
    let parts = reason.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "));
    parts.map_or_else(
        || reason.to_owned(),
        |(found, needed)| {
            let found = match found {
                "map" => "an object",
                "sequence" => "a list",
                found => found,
            };
            format!("found {found} where {needed} is expected")
        },
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::{Value, json};

    use super::*;

    fn value(bytes: Vec<u8>) -> Result<Value, String> {
        read(bytes, std::marker::PhantomData::<Value>)
    }

    const TEXT: &str = r#"{"a": [1, "é"]}"#;

    #[test]
    fn every_way_to_store_a_text_is_read() {
        let units = || TEXT.encode_utf16();
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(TEXT.as_bytes()).unwrap();
        let stored = [
            TEXT.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", TEXT.as_bytes()].concat(),
            [b"\xff\xfe", little.as_slice()].concat(),
            [b"\xfe\xff", big.as_slice()].concat(),
            little,
            big,
            packed.finish().unwrap(),
        ];
        for (case, bytes) in stored.into_iter().enumerate() {
            assert_eq!(value(bytes).unwrap(), json!({"a": [1, "é"]}), "case {case}");
        }
    }

    #[test]
    fn numbers_that_are_none_become_their_words() {
        let text = r#"{"NaN": [NaN, -Infinity,1e999 ], "b \" NaN": {"c":Infinity}}"#;
        let expected = json!({"NaN": ["NaN", "-Infinity", "1e999"], "b \" NaN": {"c": "Infinity"}});
        assert_eq!(value(text.into()).unwrap(), expected);
    }

    #[test]
    fn faults_are_said_with_what_stands_there() {
        for (bytes, expected) in [
            (&b""[..], "empty"),
            (b"{\"a\": 1", "ends too early"),
            (b"{\"a\": 1,\n\"bc\" 2}", "line 2, column 6, near `\"bc\" 2}`"),
            (b"{\"a\": \xe9}", "byte 6"),
            (b"\xff\xfe\x00", "UTF-16"),
            (b"\x1f\x8b\x08\x00", "gzip"),
        ] {
            let error = value(bytes.into()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
