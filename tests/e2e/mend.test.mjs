// Mending what was found: several objects, names, brush, history, zoom.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SegmenterPage, launch } from "./page.mjs";
import { serve } from "./site.mjs";

describe("what was found can be mended", () => {
  let site, browser, page, overlay;

  before(async () => {
    site = await serve();
    browser = await launch();
    page = await SegmenterPage.open(browser, `${site.address}?backend=cpu&weights=weights/mae-tiny`, { viewport: { width: 1280, height: 1200 } });
    assert.equal(await page.settle(), "ready", await page.error());
    assert.equal(await page.sample("photographer.jpg"), "ready", await page.error());
    await page.threshold(0.02);
    await page.painted(({ painted }) => painted > 0);
    overlay = page.hook("overlay");
  });

  after(async () => {
    await browser?.close();
    await site?.close();
  });

  const mend = (name) => page.page.click(`[data-mend=${name}]`);
  const rows = () => page.instances();
  const key = (name) => page.page.keyboard.press(name);
  const row = (index) => page.hook("instance").nth(index).locator(".row");

  /** Waits until the list of objects is as expected. */
  async function listed(isWanted) {
    for (const end = Date.now() + 10_000; !isWanted(await rows()); ) {
      assert.ok(Date.now() < end, JSON.stringify(await rows()));
      await page.page.waitForTimeout(30);
    }
    return rows();
  }

  /** Drags the pointer over the photo; coordinates are from 0 to 1. */
  async function drag(...places) {
    const { x, y, width, height } = await page.hook("viewer").boundingBox();
    const [first, ...others] = places.map(([across, down]) => [x + across * width, y + down * height]);
    await page.page.mouse.move(...first);
    await page.page.mouse.down();
    for (const place of others) await page.page.mouse.move(...place, { steps: 6 });
    await page.page.mouse.up();
  }

  test("a new object is named, drawn, erased and taken home", async () => {
    const found = await rows();
    await mend("new");
    const added = await listed((now) => now.length === found.length + 1);
    assert.equal(added.at(-1).area, 0);
    await page.hook("name").fill("zeppelin");
    await key("Enter");
    await listed((now) => now.at(-1).label === "zeppelin");
    await page.page.click("[data-tool=tool-brush]");
    await drag([0.3, 0.3], [0.6, 0.3]);
    const [drawn] = (await listed((now) => now.at(-1).area > 0)).slice(-1);
    await page.page.click("[data-tool=tool-eraser]");
    await drag([0.45, 0.2], [0.45, 0.45]);
    const [erased] = (await listed((now) => now.at(-1).area < drawn.area)).slice(-1);
    assert.ok(erased.area > 0);
    await key("Escape");
    await mend("split");
    await listed((now) => now.length === found.length + 2);
    const coco = JSON.parse((await page.download("coco", "all")).bytes);
    const zeppelins = (await rows()).filter(({ label }) => label === "zeppelin");
    const { id } = coco.categories.find(({ name }) => name === "zeppelin");
    const saved = coco.annotations.filter(({ category_id }) => category_id === id);
    assert.deepEqual(saved.map(({ area }) => area), zeppelins.map(({ area }) => area));
    for (let step = 0; step < 5; step++) await key("Control+z");
    assert.deepEqual(await listed((now) => now.length === found.length), found, "as it was");
    for (let step = 0; step < 5; step++) await key("Control+Shift+z");
    await listed((now) => now.length === found.length + 2);
    for (let step = 0; step < 5; step++) await mend("undo");
    assert.deepEqual(await listed((now) => now.length === found.length), found);
  });

  test("several are picked, merged, hidden and deleted", async () => {
    const found = await rows();
    await row(0).click();
    await row(1).click({ modifiers: ["Shift"] });
    assert.equal(await page.page.locator(".row[aria-pressed=true]").count(), 2);
    await mend("merge");
    await listed((now) => now.length === found.length - 1);
    await mend("undo");
    assert.deepEqual(await listed((now) => now.length === found.length), found);
    await key("Escape");
    await key("Control+a");
    await mend("hide");
    await page.painted(({ painted }) => painted === 0);
    await page.page.getByText(`Left out: ${found.length} hidden or empty object`).waitFor();
    assert.ok(await page.hook("save").isDisabled(), "no file is made of what is hidden");
    await mend("hide");
    await page.painted(({ painted }) => painted > 0);
    await key("Delete");
    await listed((now) => now.length === 0);
    for (let step = 0; step < 3; step++) await key("Control+z");
    assert.deepEqual(await listed((now) => now.length === found.length), found);
    await key("Escape");
  });

  test("what changes nothing says so", async () => {
    await row(0).click();
    await mend("smooth");
    await mend("fill");
    await mend("fill");
    await page.page.getByText("That changes nothing.").waitFor();
    await mend("undo");
    await key("Escape");
  });

  test("the wheel zooms where the pointer is, and pixels stay under it", async () => {
    const { x, y, width, height } = await page.hook("viewer").boundingBox();
    await page.page.mouse.move(x + 0.25 * width, y + 0.75 * height);
    for (let turn = 0; turn < 5; turn++) await page.page.mouse.wheel(0, -200);
    await page.page.waitForFunction(() => document.querySelector(".sheet").style.getPropertyValue("--zoom") > 4);
    const sheet = await overlay.boundingBox();
    const under = [(x + 0.25 * width - sheet.x) / sheet.width, (y + 0.75 * height - sheet.y) / sheet.height];
    assert.ok(Math.abs(under[0] - 0.25) < 0.01 && Math.abs(under[1] - 0.75) < 0.01, under);
    // A stroke of one pixel lands where it is drawn, at the photo's resolution.
    await page.page.click("[data-tool=tool-brush]");
    await page.hook("brush-size").fill("0");
    await drag([0.25, 0.75]);
    const [dot] = (await listed((now) => now.at(-1).label === "object")).slice(-1);
    assert.ok(dot.area >= 1 && dot.area <= 4, `${dot.area} pixels`);
    const { annotations } = JSON.parse((await page.download("coco", "all")).bytes);
    const { width: across, height: down } = await page.overlay();
    const [left, top] = annotations.at(-1).bbox;
    assert.ok(Math.abs(left - 0.25 * across) <= 2 && Math.abs(top - 0.75 * down) <= 2, `${left} ${top}`);
    await key("Control+z");
    await key("Escape");
    await page.page.click("[data-zoom=fit]");
    assert.equal((await overlay.boundingBox()).width, width);
  });

  test("keys zoom and move the photo, and it can be seen alone", async () => {
    await overlay.focus();
    await key("+");
    const before = await page.page.locator(".sheet").getAttribute("style");
    for (let step = 0; step < 6; step++) await key("Shift+ArrowRight");
    assert.notEqual(await page.page.locator(".sheet").getAttribute("style"), before, "the cross stays in view");
    await key("0");
    await page.hook("bare").dispatchEvent("pointerdown");
    assert.equal(await overlay.evaluate((canvas) => getComputedStyle(canvas).opacity), "0");
    await page.hook("bare").dispatchEvent("pointerup");
    assert.equal(await overlay.evaluate((canvas) => getComputedStyle(canvas).opacity), "1");
  });

  test("a soft brush makes a soft edge, which the cut-out keeps", async () => {
    const found = await rows();
    await page.page.click("[data-tool=tool-brush]");
    await page.hook("brush-size").fill("40");
    await page.hook("brush-softness").fill("80");
    await drag([0.3, 0.3], [0.5, 0.3]);
    await listed((now) => now.length === found.length + 1);
    const { bytes } = await page.download("cut-out", "picked");
    const alphas = await page.page.evaluate(async (bytes) => {
      const picture = await createImageBitmap(new Blob([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))]));
      const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
      context.drawImage(picture, 0, 0);
      const { data } = context.getImageData(picture.width / 2, 0, 1, picture.height);
      return Array.from({ length: picture.height }, (_, y) => data[4 * y + 3]);
    }, bytes.toString("base64"));
    const upper = alphas.slice(0, alphas.length / 2);
    assert.ok(upper[0] < 30 && upper.at(-1) === 255, `${upper}`);
    assert.ok(upper.every((alpha, y) => y === 0 || alpha >= upper[y - 1]), `${upper}`);
    assert.ok(new Set(upper).size > 10, "many shares");
    await page.hook("brush-softness").fill("0");
    await mend("undo");
    assert.deepEqual(await listed((now) => now.length === found.length), found);
    await key("Escape");
  });

  test("an outline follows the edges of the photo, and back", async () => {
    const found = await rows();
    await row(0).click();
    await mend("refine");
    const now = await listed((now) => now[0].area !== found[0].area);
    assert.ok(Math.abs(now[0].area / found[0].area - 1) < 0.3, `${found[0].area} to ${now[0].area} pixels`);
    await mend("undo");
    assert.deepEqual(await listed((now) => now[0].area === found[0].area), found);
    await key("Escape");
  });

  test("keys draw, and single keys can be switched off", async () => {
    const found = await rows();
    const pressed = (tool) => page.page.locator(`[data-tool="${tool}"][aria-pressed=true]`);
    await overlay.focus();
    await key("b");
    await pressed("tool-brush").waitFor();
    const areas = [];
    for (const steps of [0, 5]) {
      await key("ArrowRight");
      await page.page.locator(".ink circle").first().waitFor();
      await page.page.keyboard.down(" ");
      for (let step = 0; step < steps; step++) await key("Shift+ArrowRight");
      await page.page.keyboard.up(" ");
      areas.push((await listed((now) => now.length > found.length)).at(-1).area);
      await key("Control+z");
      await listed((now) => now.length === found.length);
    }
    assert.ok(areas[0] > 0 && areas[1] > 3 * areas[0], `a dab and a line: ${areas} pixels`);
    await page.hook("single-keys").uncheck();
    await overlay.focus();
    await key("v");
    await pressed("tool-brush").waitFor();
    assert.equal(await page.page.evaluate(() => localStorage.getItem("single-keys")), "off");
    await page.hook("single-keys").check();
    await overlay.focus();
    await key("v");
    await pressed("tool-pick").waitFor();
  });

  test("nothing went wrong behind the scenes", () => page.assertCalm());
});
