// Objects that were not found, asked for by hand.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SegmenterPage, launch, readClocks } from "./page.mjs";
import { serve } from "./site.mjs";

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

describe("a click where nothing was found", () => {
  let site, browser, page, overlay;

  before(async () => {
    site = await serve();
    browser = await launch();
    page = await SegmenterPage.open(browser, `${site.address}?backend=cpu`, {}, readClocks);
    assert.equal(await page.settle(), "ready", await page.error());
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
    await page.threshold(0.95);
    await page.painted(({ painted }) => painted === 0);
    overlay = page.hook("overlay");
  });

  after(async () => {
    await browser?.close();
    await site?.close();
  });

  /** Returns the overlay's opacity at a place, both coordinates from 0 to 1. */
  const opacity = (across, down) => overlay.evaluate((canvas, [across, down]) => {
    const at = [across * canvas.width, down * canvas.height].map(Math.floor);
    return canvas.getContext("2d").getImageData(...at, 1, 1).data[3];
  }, [across, down]);

  async function position(across, down) {
    const { width, height } = await overlay.boundingBox();
    return { x: across * width, y: down * height };
  }

  const click = async (across, down, modifiers = []) =>
    overlay.click({ position: await position(across, down), modifiers });

  const asked = () => page.page.locator("[data-testid=instance][data-asked=true]");

  const area = async () => Number(await asked().getAttribute("data-area"));

  test("is previewed by the pointer, and finds an object that covers it", async () => {
    await overlay.hover({ position: await position(0.4, 0.5) });
    await page.painted(({ painted }) => painted > 0);
    assert.equal(await asked().count(), 0, "only shown");
    await click(0.4, 0.5);
    await asked().waitFor();
    await page.painted(({ width, height, painted }) => painted > (width * height) / 10);
    const [there, corner] = [await opacity(0.4, 0.5), await opacity(0.01, 0.01)];
    assert.ok(there !== 150 && corner > 0, `${there} ${corner}`);
    assert.equal(await page.state(), "ready");
  });

  test("goes round other masks when repeated", async () => {
    const hint = await page.hook("hint").innerText();
    const choices = Number(/of (\d)/.exec(hint)?.[1] ?? 1);
    const areas = [await area()];
    for (let time = 0; time < choices; time++) {
      const before = await area();
      await click(0.4, 0.5);
      if (choices > 1) await page.page.waitForFunction((before) => document.querySelector("[data-asked=true]").dataset.area !== before, String(before));
      areas.push(await area());
    }
    assert.equal(areas.at(-1), areas[0], "round to the first");
    assert.equal(await asked().count(), 1);
  });

  test("is added to with Shift and taken away from with Alt", async () => {
    const before = await area();
    await click(0.75, 0.8, ["Shift"]);
    await page.page.waitForFunction((before) => Number(document.querySelector("[data-asked=true]").dataset.area) !== before, before);
    const more = await area();
    await click(0.75, 0.8, ["Alt"]);
    await page.page.waitForFunction((more) => Number(document.querySelector("[data-asked=true]").dataset.area) !== more, more);
    const coco = JSON.parse((await page.download("coco", "all")).bytes);
    assert.deepEqual(coco.annotations.map(({ area }) => area), [await area()], "what was asked for is saved");
  });

  test("is dropped by Escape, and by its button", async () => {
    await page.page.keyboard.press("Escape");
    await asked().waitFor({ state: "detached" });
    await click(0.4, 0.5);
    await asked().waitFor();
    await page.hook("put-back").click();
    await asked().waitFor({ state: "detached" });
  });

  test("needs no pointer: arrow keys point, Enter clicks", async () => {
    await overlay.focus();
    for (const key of ["ArrowLeft", "Shift+ArrowUp"]) await page.page.keyboard.press(key);
    const { left, top } = await page.hook("cross").evaluate(({ style }) => style);
    assert.deepEqual([left, top], ["49%", "40%"]);
    await page.page.keyboard.press("Enter");
    await asked().waitFor();
    await page.page.keyboard.press("Escape");
    await asked().waitFor({ state: "detached" });
  });

  test("may be a box", async () => {
    const { x, y, width, height } = await overlay.boundingBox();
    await page.page.mouse.move(x + 0.2 * width, y + 0.2 * height);
    await page.page.mouse.down();
    await page.page.mouse.move(x + 0.6 * width, y + 0.8 * height, { steps: 4 });
    await page.hook("box").waitFor();
    await page.page.mouse.up();
    await asked().waitFor();
    const { width: across, height: down } = await page.overlay();
    assert.ok((await area()) <= 0.41 * across * 0.61 * down, "nothing beyond the box");
    assert.equal(await page.hook("box").count(), 0);
    await page.page.keyboard.press("Escape");
    await asked().waitFor({ state: "detached" });
  });

  test("takes at most a quarter of the time the photo took", async () => {
    for (let time = 0; time < 5; time++) {
      await click(0.15 + 0.15 * time, 0.3);
      await asked().waitFor();
      await page.page.mouse.move(0, 0);
      await page.page.keyboard.press("Escape");
      await asked().waitFor({ state: "detached" });
    }
    for (const name of ["astronaut.jpg", "coffee.jpg"]) assert.equal(await page.sample(name), "ready");
    const { Segmented, Asked } = await page.page.evaluate(() => window.clocks);
    console.log(`photo ${median(Segmented).toFixed(0)} ms, click ${median(Asked).toFixed(0)} ms`);
    assert.ok(median(Asked) <= 0.25 * median(Segmented), JSON.stringify({ Segmented, Asked }));
  });

  test("nothing went wrong behind the scenes", () => page.assertCalm());
});
