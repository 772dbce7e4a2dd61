// Visitors in a hurry, tabs that sleep, and devices with too little memory.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { hugePng, onePixel } from "./files.mjs";
import { SegmenterPage, launch } from "./page.mjs";
import { serve } from "./site.mjs";

const PAGE = 65536;

/** Returns a WebAssembly module that may have no more than `pages` of memory. */
function withMemoryLimit(module, pages) {
  const number = (at) => {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = module[at++];
      value += (byte & 127) * 2 ** shift;
      shift += 7;
      if (byte < 128) return { value, end: at };
    }
  };
  const bytes = (value) => (value < 128 ? [value] : [(value % 128) + 128, ...bytes(Math.floor(value / 128))]);
  const memory = 5;
  for (let at = 8; ; ) {
    const { value: length, end: content } = number(at + 1);
    if (module[at] === memory) {
      const { value: least } = number(content + 2);
      const limits = [1, 1, ...bytes(least), ...bytes(Math.max(least, pages))];
      const section = Buffer.from([memory, ...bytes(limits.length), ...limits]);
      return Buffer.concat([module.subarray(0, at), section, module.subarray(content + length)]);
    }
    at = content + length;
  }
}

describe("rough use", { timeout: 600_000 }, () => {
  let browser, site, page;

  before(async () => {
    [browser, site] = await Promise.all([launch(), serve()]);
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

  async function open(weights = "fixtures/eomt_tiny") {
    page = await SegmenterPage.open(browser, `${site.address}?backend=cpu&weights=${weights}`);
    assert.equal(await page.settle(), "ready", await page.error());
  }

  async function works() {
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
    assert.equal(await page.page.evaluate(() => document.querySelector("canvas.photo").width), 600);
  }

  test("fifty photos at once are all looked at", async () => {
    await open();
    const photos = Array.from({ length: 50 }, (_, at) => ({ ...onePixel(), name: `${at}.png` }));
    await page.hook("photo-input").setInputFiles(photos);
    const areDone = () => document.querySelectorAll('[data-testid=photo][data-standing="done"]').length === 50;
    await page.page.waitForFunction(areDone, null, { timeout: 240_000 });
    await works();
  });

  test("two clicks on every button, where one was meant, break nothing", async () => {
    await open();
    await works();
    const buttons = page.page.locator("button:visible, summary:visible, [role=tab]:visible");
    let clicked = 0;
    for (let at = 0, count = await buttons.count(); at < count; at++) {
      const button = buttons.nth(at);
      // What one click removed or covered cannot be clicked, and need not be.
      await button.dblclick({ timeout: 300 }).then(() => (clicked += 1), () => {});
      await page.page.keyboard.press("Escape");
    }
    assert.ok(clicked > 10, `${clicked} buttons took two clicks`);
    page.assertCalm();
    await page.page.reload();
    assert.equal(await page.settle(), "ready", await page.error());
    await works();
  });

  test("a tab that the browser freezes over a photo goes on when it is looked at again", async () => {
    await open("weights/mae-tiny");
    const devtools = await page.page.context().newCDPSession(page.page);
    await page.page.click('[data-sample="coffee.jpg"]');
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    assert.equal(await page.settle(["ready"]), "ready");
    await page.page.waitForFunction(() => document.querySelectorAll("[data-testid=instance]").length > 0);
  });

  test("a photo that needs more memory than there is is named, and the next one works", async () => {
    const megabytes = 150;
    site.faults = [(path, bytes) => /worker_bg-\w+\.wasm$/.test(path) && { bytes: withMemoryLimit(bytes, (megabytes * 2 ** 20) / PAGE) }];
    await open("weights/mae-tiny");
    assert.equal(await page.give(hugePng(7900, 7900)), "error");
    assert.match(await page.error(), /memory/);
    await works();
  });
});
