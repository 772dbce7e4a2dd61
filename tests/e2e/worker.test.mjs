// A worker that does not start, or stops half-way.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { SegmenterPage, launch } from "./page.mjs";
import { inWorker, serve } from "./site.mjs";

// Put in front of the worker's script: fails as soon as it is given a photo.
const stumbles = `
self.addEventListener("message", ({ data: [message] }) => {
  if (message.Segment) throw new Error("out of memory");
});
`;

describe("the worker", () => {
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

  async function open(fault) {
    site.faults = [fault];
    page = await SegmenterPage.open(await browser.newContext({ serviceWorkers: "block" }), `${site.address}?backend=cpu`);
    return page.settle();
  }

  async function restart() {
    site.faults = [];
    await page.page.getByRole("button", { name: "Restart" }).click();
    assert.equal(await page.settle(["ready"]), "ready");
  }

  test("that cannot start is said so, and can be restarted", async () => {
    assert.equal(await open((path) => path.startsWith("/worker") && { status: 404 }), "error");
    assert.match(await page.error(), /stopped/);
    await restart();
  });

  test("that crashes over a photo is restarted, and the photo is tried again", async () => {
    assert.equal(await open(inWorker(stumbles)), "ready", await page.error());
    assert.equal(await page.sample("coffee.jpg"), "error");
    assert.match(await page.error(), /out of memory/);
    await restart();
    await page.page.waitForFunction(() => document.querySelector("canvas.photo").width === 600);
    assert.equal(await page.settle(), "ready");
  });
});
