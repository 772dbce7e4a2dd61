// What the browser keeps goes wrong: storage that is full, and kept weights that were damaged.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { SegmenterPage, launch } from "./page.mjs";
import { root, serve } from "./site.mjs";

let site, browser;

before(async () => {
  [site, browser] = await Promise.all([serve(), launch()]);
});
after(() => Promise.all([browser.close(), site.close()]));

test("where storage is full, objects are found all the same", async () => {
  const context = await browser.newContext();
  const blank = await context.newPage();
  const storage = await context.newCDPSession(blank);
  await storage.send("Storage.overrideQuotaForOrigin", { origin: new URL(site.address).origin, quotaSize: 1_000_000 });
  const page = await SegmenterPage.open(context, `${site.address}?backend=cpu`);
  assert.equal(await page.settle(), "ready", await page.error());
  assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
  assert.ok((await page.instances()).length > 0);
  page.assertCalm();
  await context.close();
});

test("kept weights that were damaged are fetched again", async () => {
  const context = await browser.newContext();
  const page = await SegmenterPage.open(context, `${site.address}?backend=cpu`);
  assert.equal(await page.settle(), "ready", await page.error());
  await page.page.evaluate(async () => {
    const cache = await caches.open("mae-seg-weights");
    for (const request of await cache.keys()) {
      const bytes = new Uint8Array(await (await cache.match(request)).arrayBuffer());
      bytes[bytes.length >> 1] ^= 1;
      await cache.put(request, new Response(bytes));
    }
  });
  await page.page.reload();
  assert.equal(await page.settle(), "ready", await page.error());
  assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
  assert.ok((await page.instances()).length > 0);
  page.assertCalm();
  await context.close();
});

test("shards that were swapped on the server are found out, and fetched again", async () => {
  const shard = (number) => `/weights/mae-small/model-0000${number}-of-00002.safetensors`;
  const bytes = await Promise.all([2, 1].map((number) => readFile(join(root, "dist", shard(number)))));
  site.faults = [1, 2].map((number, place) => (path) => path === shard(number) && { bytes: bytes[place] });
  const context = await browser.newContext();
  const page = await SegmenterPage.open(context, `${site.address}?backend=cpu&weights=weights/mae-small`);
  assert.equal(await page.settle(), "error");
  assert.match(await page.error(), /mae-small|model-0000/);
  site.faults = [];
  await page.page.getByRole("button", { name: "Try again" }).click();
  assert.equal(await page.settle(["ready"]), "ready");
  await context.close();
});
