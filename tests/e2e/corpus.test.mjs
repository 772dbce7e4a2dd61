// Some hundred odd and damaged photos: the page reads the pixels that the command line does, or refuses what that refuses.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { SegmenterPage, launch } from "./page.mjs";
import { root, serve } from "./site.mjs";

const fixtures = join(root, "tests/fixtures");

/** Runs in the page, before it: keeps the worker at hand. */
function keepWorker() {
  window.Worker = class extends Worker {
    constructor(...how) {
      super(...how);
      window.worker ??= this;
    }
  };
}

/** Runs in the page: gives the worker a photo as the page does; returns a digest of its size and pixels, or the refusal. */
async function read({ index, bytes }) {
  const id = 1_000_000 + index;
  const answer = new Promise((resolve) => {
    const hear = ({ data: [message, buffers] }) => {
      const [[kind, reply]] = Object.entries(message);
      if (reply.id !== id || (kind !== "Decoded" && kind !== "Failed")) return;
      window.worker.removeEventListener("message", hear);
      resolve({ reply, buffers });
    };
    window.worker.addEventListener("message", hear);
  });
  const file = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt()).buffer;
  const asked = { id, key: id, name: "photo", look: "IfUnknown" };
  window.worker.postMessage([{ Segment: asked }, [file]], [file]);
  const { reply, buffers } = await answer;
  if (reply.failure) return { refusal: reply.failure };
  const { width, height } = reply.photo;
  const rgba = new Uint8Array(buffers[0]);
  const told = new Uint8Array(8 + 3 * width * height);
  new Uint32Array(told.buffer, 0, 2).set([width, height]);
  for (let pixel = 0; pixel < width * height; pixel += 1) told.set(rgba.subarray(4 * pixel, 4 * pixel + 3), 8 + 3 * pixel);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", told));
  return { pixels: [...digest.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("") };
}

async function changed({ file, cut, set }) {
  const bytes = (await readFile(join(fixtures, "photos", file))).subarray(0, cut);
  if (set) bytes[set[0]] = set[1];
  return bytes.toString("base64");
}

describe("a corpus of odd and damaged photos", () => {
  let site, browser, page;

  before(async () => {
    site = await serve();
    browser = await launch();
    page = await SegmenterPage.open(browser, `${site.address}?backend=cpu&weights=fixtures/eomt_tiny&threads=1`, {}, keepWorker);
    assert.equal(await page.settle(), "ready", await page.error());
  });

  after(async () => {
    await browser?.close();
    await site?.close();
  });

  test("is read as on the command line", async () => {
    const corpus = JSON.parse(await readFile(join(fixtures, "corpus.json")));
    const different = [];
    for (const [index, photo] of corpus.entries()) {
      const found = await page.page.evaluate(read, { index, bytes: await changed(photo) });
      if ((found.pixels ?? null) !== photo.ours) different.push({ ...photo, found });
    }
    assert.deepEqual(different, []);
    assert.ok(corpus.length >= 400);
  });

  test("leaves a page that goes on", async () => {
    assert.equal(await page.sample("photographer.jpg"), "ready", await page.error());
    page.assertCalm();
  });
});
