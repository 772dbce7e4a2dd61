// Weights that are missing, damaged, or come in pieces.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { SegmenterPage, launch } from "./page.mjs";
import { serve } from "./site.mjs";

const isShard = (path) => path.endsWith(".safetensors");

describe("weights", () => {
  let site, browser, page;

  before(async () => {
    site = await serve();
    browser = await launch();
  });

  afterEach(async () => {
    site.faults = [];
    page?.assertCalm();
    await page?.page.context().close();
  });

  after(async () => {
    await browser?.close();
    await site?.close();
  });

  async function open(query) {
    const context = await browser.newContext();
    page = await SegmenterPage.open(context, `${site.address}?backend=cpu${query}`);
    return page;
  }

  test("that are not there are missed in a sentence, and can be tried again", async () => {
    site.faults = [(path) => path.startsWith("/weights/") && { status: 404 }];
    await open("");
    assert.equal(await page.settle(), "error");
    assert.match(await page.error(), /model\.safetensors/);
    site.faults = [];
    await page.page.getByRole("button", { name: "Try again" }).click();
    assert.equal(await page.settle(["ready"]), "ready");
  });

  test("whose server answers with its start page count as missing", async () => {
    const startPage = Buffer.from("<!doctype html><title>Welcome</title>");
    site.faults = [(path) => path.startsWith("/nowhere/") && { bytes: startPage, type: "text/html" }];
    await open("&weights=nowhere");
    assert.equal(await page.settle(), "error");
    assert.match(await page.error(), /nowhere/);
  });

  test("that are cut short are found out", async () => {
    site.faults = [(path, bytes) => isShard(path) && { bytes: bytes.subarray(0, bytes.length - 100) }];
    await open("");
    assert.equal(await page.settle(), "error");
    assert.match(await page.error(), /damaged|bytes/);
  });

  test("that were changed on the way are found out", async () => {
    site.faults = [
      (path, bytes) => {
        if (!isShard(path)) return undefined;
        const changed = Buffer.from(bytes);
        changed[changed.length - 1] ^= 1;
        return { bytes: changed };
      },
    ];
    await open("");
    assert.equal(await page.settle(), "error");
    assert.match(await page.error(), /damaged/);
  });

  test("whose download breaks off are taken up where it broke", async () => {
    const ranges = [];
    site.faults = [
      (path, bytes, request) => {
        if (!isShard(path)) return undefined;
        const [from, to] = (request.headers.range ?? `0-${bytes.length - 1}`).match(/\d+/g).map(Number);
        ranges.push([from, to]);
        return to - from > bytes.length / 2 ? { breakAt: Math.floor(bytes.length / 3) } : undefined;
      },
    ];
    await open("");
    assert.equal(await page.settle(), "ready", await page.error());
    const [ends, starts] = [ranges.map(([, to]) => to), ranges.map(([from]) => from)];
    assert.ok(new Set(ends).size < ends.length, `the same end was asked for again: ${ranges.join(" ")}`);
    assert.equal(new Set(starts).size, starts.length, `but from a later start: ${ranges.join(" ")}`);
  });

  test("are on their way before the worker is there, and asked for once", async () => {
    const asked = [];
    let ask;
    const isAsked = new Promise((resolve) => (ask = resolve));
    site.faults = [
      (path) => {
        if (path.startsWith("/weights/")) asked.push(path);
        if (isShard(path)) ask();
        return /worker_bg-\w+\.wasm$/.test(path) && { after: isAsked };
      },
    ];
    await open("");
    assert.equal(await page.settle(), "ready", await page.error());
    assert.equal(new Set(asked).size, asked.length, asked.join(" "));
  });

  test("from a server that knows no ranges are read in one go", async () => {
    let requests = 0;
    site.faults = [(path) => isShard(path) && (requests++, { noRanges: true })];
    await open("");
    assert.equal(await page.settle(), "ready", await page.error());
    assert.equal(requests, 1);
  });

  test("that do not fit their configuration are refused before any is fetched", async () => {
    const ranges = [];
    site.faults = [
      (path, bytes, request) => {
        if (isShard(path)) ranges.push(request.headers.range);
        if (!path.endsWith("/config.json")) return undefined;
        return { bytes: Buffer.from(String(bytes).replace(/"num_queries": \d+/, '"num_queries": 9')) };
      },
    ];
    await open("&weights=fixtures/eomt_shallow");
    assert.equal(await page.settle(), "error");
    assert.match(await page.error(), /query\.weight/);
    // The length, the header, and two numbers that belong to the configuration: masked-attention probabilities.
    const lengths = ranges.map((range) => range.match(/\d+/g).map(Number)).map(([from, to]) => to - from + 1);
    assert.deepEqual([lengths.length, lengths[0], lengths[2]], [3, 8, 8], ranges.join(" "));
  });

  test("of another folder are used when asked for", async () => {
    await open("&weights=fixtures/eomt_tiny");
    assert.equal(await page.settle(), "ready", await page.error());
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
  });
});
