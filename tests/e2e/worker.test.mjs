// A worker that does not start, or stops half-way, and the second worker that shares its photos.

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

// Ends the worker, without a word, when it is given a message of this kind.
const endsAt = (kind) => `
self.addEventListener("message", (event) => {
  if (!event.data[0].${kind}) return;
  event.stopImmediatePropagation();
  close();
});
`;

// The second worker ends, without a word, when it is told to.
const leaves = `
if (self.name.startsWith("threads=1")) new BroadcastChannel("leave").onmessage = () => close();
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
    const address = `${site.address}?backend=cpu&mae=fixtures/mae_tiny/`;
    page = await SegmenterPage.open(await browser.newContext({ serviceWorkers: "block" }), address);
    return page.settle();
  }

  async function restart() {
    site.faults = [];
    await page.page.getByRole("button", { name: "Restart" }).click();
    await page.page.waitForSelector("[data-testid=status][data-state=ready]", { state: "attached", timeout: 120_000 });
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

  // What makes the page send a message of each kind, once a photo is shown.
  const overlay = () => page.hook("overlay");
  const actions = {
    Paint: () => {},
    Ask: async () => {
      await page.threshold(0.95);
      await page.painted(({ painted }) => painted === 0);
      await overlay().click();
    },
    Edit: async () => {
      await page.hook("instance").first().click();
      await page.page.keyboard.press("Delete");
    },
    Export: () => page.hook("save").click(),
    Measure: async () => {
      await page.hook("model-menu").locator("summary").first().click();
      await page.hook("measure").click();
      await page.hook("model-menu").locator("summary").first().click();
    },
    Redraw: () => page.page.click("[data-view=redraw]"),
  };

  test("that ends while it loads the weights or looks at a photo is missed, and can be restarted", async () => {
    assert.equal(await open(inWorker(endsAt("Load"))), "error");
    assert.match(await page.error(), /ended/);
    site.faults = [inWorker(endsAt("Segment"))];
    await page.page.getByRole("button", { name: "Restart" }).click();
    assert.equal(await page.settle(["ready"]), "ready");
    assert.equal(await page.sample("coffee.jpg"), "error");
    await restart();
    await page.hook("instance").first().waitFor();
  });

  for (const [kind, act] of Object.entries(actions)) {
    test(`that ends over a message of the kind ${kind} is missed, and the photo is there again`, async () => {
      assert.equal(await open(inWorker(endsAt(kind))), "ready", await page.error());
      await page.sample("coffee.jpg");
      await act();
      await page.hook("error").waitFor();
      assert.match(await page.error(), /ended/);
      await restart();
      await page.hook(kind === "Redraw" ? "redraw-drawn" : "instance").first().waitFor();
    });
  }

  /** Measures until two workers compute, which the second does some seconds after the first photo. */
  async function shared() {
    await page.hook("model-menu").locator("summary").first().click();
    const measuring = page.hook("measure").filter({ hasText: "Measuring" });
    for (const end = Date.now() + 90_000; ; ) {
      await page.hook("measure").click();
      await measuring.waitFor();
      await measuring.waitFor({ state: "detached", timeout: 60_000 });
      if (/ 2 threads of /.test(await page.hook("measured").innerText())) break;
      assert.ok(Date.now() < end, "no second worker came");
    }
    await page.hook("model-menu").locator("summary").first().click();
  }

  test("has a second one take half of each photo, with the same result", async () => {
    assert.equal(await open(() => undefined), "ready");
    assert.equal(await page.sample("photographer.jpg"), "ready");
    await shared();
    assert.equal(await page.sample("coffee.jpg"), "ready");
    const together = await page.instances();
    await page.page.context().close();
    page = await SegmenterPage.open(await browser.newContext({ serviceWorkers: "block" }), `${site.address}?backend=cpu&threads=1`);
    await page.settle();
    assert.equal(await page.sample("coffee.jpg"), "ready");
    assert.deepEqual(together, await page.instances());
    assert.ok(together.length > 0);
  });

  test("does without the second one when that is gone", async () => {
    assert.equal(await open(inWorker(leaves)), "ready");
    assert.equal(await page.sample("photographer.jpg"), "ready");
    await shared();
    await page.page.evaluate(() => new BroadcastChannel("leave").postMessage(""));
    assert.equal(await page.sample("coffee.jpg"), "ready");
    assert.ok((await page.instances()).length > 0);
  });
});
