// Photos nobody wants to be given, made on the spot.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { root } from "./site.mjs";

const sample = (name) => readFile(join(root, "www/samples", name));
const file = (name, mimeType, buffer) => ({ name, mimeType, buffer });

function checksum(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(checksum(body) >>> 0);
  return Buffer.concat([length, body, sum]);
}

/** Returns a PNG; `row(y)` returns the bytes of a row. */
function png(width, height, depth, colourType, row) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType, 0, 0, 0], 8);
  const rows = [];
  for (let y = 0; y < height; y++) rows.push(Buffer.from([0]), row(y));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = deflateSync(Buffer.concat(rows));
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

/** Returns a black-and-white PNG, one bit per pixel: many pixels in a small file. */
export function hugePng(width, height) {
  const row = Buffer.alloc(Math.ceil(width / 8), 0x55);
  return file("huge.png", "image/png", png(width, height, 1, 0, () => row));
}

export function onePixel() {
  return file("one.png", "image/png", png(1, 1, 8, 2, () => Buffer.from([200, 30, 40])));
}

export function sixteenBitPng() {
  const row = (y) => Buffer.from(Array.from({ length: 60 }, (_, x) => [x * 4, 0, y * 6, 0, 128, 255]).flat());
  return file("sixteen.png", "image/png", png(60, 40, 16, 2, row));
}

/** Returns a GIF with two frames of 4 × 4 pixels, first red, then green. */
export function animatedGif() {
  const palette = [0, 0, 0, 255, 0, 0, 0, 255, 0, 255, 255, 255];
  const screen = [4, 0, 4, 0, 0x81, 0, 0, ...palette];
  const loop = [0x21, 0xff, 11, ...Buffer.from("NETSCAPE2.0"), 3, 1, 0, 0, 0];
  const frame = (colour) => {
    // LZW codes stay three bits long with a clear code (4) before every second pixel; 5 ends the data.
    const codes = [...Array(8).fill([4, colour, colour]).flat(), 5];
    const bits = codes.map((code) => code.toString(2).padStart(3, "0")).reverse().join("");
    const data = [];
    for (let end = bits.length; end > 0; end -= 8) data.push(parseInt(bits.slice(Math.max(0, end - 8), end), 2));
    return [0x21, 0xf9, 4, 0, 10, 0, 0, 0, 0x2c, 0, 0, 0, 0, 4, 0, 4, 0, 0, 2, data.length, ...data, 0];
  };
  const bytes = [...Buffer.from("GIF89a"), ...screen, ...loop, ...frame(1), ...frame(2), 0x3b];
  return file("moving.gif", "image/gif", Buffer.from(bytes));
}

export const emptyFile = () => file("empty.jpg", "image/jpeg", Buffer.alloc(0));

export const renamedText = () => file("letter.jpg", "image/jpeg", Buffer.from("Dear reader, this is not a photo.\n".repeat(40)));

export async function truncatedJpeg() {
  const whole = await sample("coffee.jpg");
  return file("half.jpg", "image/jpeg", whole.subarray(0, whole.length / 2));
}

export async function cmykJpeg() {
  return file("print.jpg", "image/jpeg", await readFile(join(root, "tests/fixtures/cmyk.jpg")));
}

/** Returns one of the photos that `tests/fixtures/make_photos.py` writes. */
export async function fixture(name, mimeType) {
  return file(name, mimeType, await readFile(join(root, "tests/fixtures/photos", name)));
}

/** Returns a JPEG without its end marker, the last two bytes. */
export async function endlessJpeg() {
  const whole = await sample("coffee.jpg");
  return file("endless.jpg", "image/jpeg", whole.subarray(0, whole.length - 2));
}

/** Returns the coffee photo, 600 × 400, with an EXIF orientation of 90° to the right. */
export async function turnedJpeg() {
  const whole = await sample("coffee.jpg");
  const orientation = 6;
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
  const body = Buffer.from([...Buffer.from("Exif\0\0"), ...tiff]);
  const marker = Buffer.from([0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255]);
  return file("turned.jpg", "image/jpeg", Buffer.concat([whole.subarray(0, 2), marker, body, whole.subarray(2)]));
}

/** Returns the names in a zip file, read from its central directory. */
export function zipNames(bytes) {
  const names = [];
  for (let at = bytes.indexOf("PK\x01\x02"); at >= 0; at = bytes.indexOf("PK\x01\x02", at + 4)) {
    names.push(bytes.toString("utf8", at + 46, at + 46 + bytes.readUInt16LE(at + 28)));
  }
  return names;
}
