// Parts of the photo are hidden, and a masked autoencoder draws them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { fixture, serveHub } from "./hub.mjs";
import { SegmenterPage, launch } from "./page.mjs";
import { serve } from "./site.mjs";

// 8 × 8 patches of 8 pixels, with random numbers.
const PATCHES = 64;

describe("hide and redraw", () => {
  let site, hub, browser, page;

  before(async () => {
    site = await serve();
    hub = await serveHub({ "owner/drawer": await fixture("mae_narrow") });
    browser = await launch();
    page = await SegmenterPage.open(browser, `${site.address}?backend=cpu&hub=${hub.address}&mae=fixtures/mae_tiny/`, { viewport: { width: 1280, height: 1100 } });
    assert.equal(await page.settle(), "ready", await page.error());
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
  });

  after(async () => {
    await browser?.close();
    await site?.close();
    await hub?.close();
  });

  const view = (name) => page.page.click(`[data-view=${name}]`);

  /** Waits until the requested drawing is shown. */
  async function drawn(state = "ready") {
    await page.page.waitForSelector(`[data-testid=redraw][data-state=${state}]`, { state: "attached", timeout: 60_000 });
  }

  const percent = async (value) => {
    await page.hook("redraw-percent").fill(String(value));
    await drawn();
  };

  /** Returns the pixels of one of the pictures. */
  const pixels = (name) => page.hook(name).evaluate((canvas) => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]);

  /** Returns the number of transparent patches in the picture of what the model sees. */
  async function hidden(name = "redraw-seen") {
    const seen = await pixels(name);
    let count = 0;
    for (let at = 3; at < seen.length; at += 4) count += seen[at] === 0;
    return count / (seen.length / 4 / PATCHES);
  }

  /** Waits until a number of patches are hidden. */
  async function hides(count) {
    for (const end = Date.now() + 10_000; (await hidden()) !== count; ) {
      assert.ok(Date.now() < end, `${await hidden()} patches are hidden, not ${count}`);
      await page.page.waitForTimeout(30);
    }
  }

  test("fetches its model only when it is opened", async () => {
    const asked = () => [...site.requests.keys()].filter((path) => path.startsWith("/fixtures/mae_tiny"));
    assert.deepEqual(asked(), []);
    await view("redraw");
    await drawn();
    assert.ok(asked().includes("/fixtures/mae_tiny/model.safetensors"));
    assert.match(await page.hook("redraw-facts").innerText(), /8 × 8 patches/);
    assert.equal(await hidden(), 48);
    assert.equal(await page.hook("viewer").isVisible(), false);
  });

  test("hides as much as the slider says, and keeps the photo where it is seen", async () => {
    for (const [value, count] of [[50, 32], [0, 0], [95, 61]]) {
      await percent(value);
      await hides(count);
      assert.match(await page.hook("redraw-count").innerText(), new RegExp(`^${count} of 64 patches`));
    }
    await percent(50);
    const [photo, seen, picture] = [await pixels("redraw-photo"), await pixels("redraw-seen"), await pixels("redraw-drawn")];
    let differs = 0;
    for (let at = 0; at < photo.length; at += 4) {
      const same = [0, 1, 2].every((channel) => photo[at + channel] === picture[at + channel]);
      if (seen[at + 3]) assert.ok(same, `pixel ${at / 4} was seen`);
      else differs += !same;
    }
    assert.ok(differs > photo.length / 16, "hidden ones are drawn");
    await page.hook("redraw-paste").uncheck();
    await drawn();
    const whole = await pixels("redraw-drawn");
    assert.ok(whole.some((value, at) => seen[at - (at % 4) + 3] && value !== photo[at]), "seen ones are drawn, too");
    await page.hook("redraw-paste").check();
    await drawn();
    assert.match(await page.hook("redraw-psnr").innerText(), /^\d+\.\d\sdB$/);
    assert.match(await page.hook("redraw-status").innerText(), /^Drawn in \d+ ms$/);
  });

  test("nothing hidden is the photo, and has no numbers", async () => {
    await percent(0);
    await hides(0);
    assert.deepEqual(await pixels("redraw-drawn"), await pixels("redraw-photo"));
    assert.equal(await page.hook("redraw-psnr").innerText(), "–");
    await percent(75);
  });

  test("a slider that runs is followed to its end", async () => {
    await page.hook("redraw-percent").evaluate((slider) => {
      for (let value = 10; value <= 60; value++) {
        slider.value = value;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
      }
    });
    await hides(39);
    await drawn();
    await percent(75);
  });

  test("two choices are compared", async () => {
    await page.hook("redraw-compare").check();
    await page.hook("redraw-seen-2").waitFor();
    await drawn();
    assert.equal(await hidden("redraw-seen-2"), 48);
    assert.notDeepEqual(await pixels("redraw-seen"), await pixels("redraw-seen-2"));
    assert.equal(await page.hook("redraw-psnr").count(), 2);
    assert.match(await page.hook("redraw-status").innerText(), /^Drawn in \d+ and \d+ ms$/);
    const before = await pixels("redraw-seen-2");
    await page.hook("redraw-seed").click();
    await drawn();
    assert.notDeepEqual(await pixels("redraw-seen"), before, "neither comes again");
    await page.hook("redraw-compare").uncheck();
    await drawn();
    for (const way of ["way-block", "way-grid", "way-random"]) {
      const other = await pixels("redraw-seen");
      await page.page.click(`[data-way=${way}]`);
      await drawn();
      assert.notDeepEqual(await pixels("redraw-seen"), other, way);
      assert.equal(await hidden(), 48);
    }
  });

  test("patches are painted by hand, all of them or none, too", async () => {
    await page.page.click('[data-way=way-by-hand]');
    await page.hook("redraw-none").click();
    await hides(0);
    const { x, y, width, height } = await page.hook("redraw-by-hand").boundingBox();
    const at = (column, row) => [x + ((column + 0.5) * width) / 8, y + ((row + 0.5) * height) / 8];
    await page.page.mouse.move(...at(1, 2));
    await page.page.mouse.down();
    await page.page.mouse.move(...at(6, 2), { steps: 2 });
    await page.page.mouse.up();
    await hides(6);
    const seen = await pixels("redraw-seen");
    assert.equal(seen[(2 * 8 * 64 + 8) * 4 + 3], 0, "row 2, column 1");
    assert.equal(seen[(2 * 8 * 64 + 7 * 8) * 4 + 3], 255, "row 2, column 7");
    await page.page.mouse.click(...at(3, 2));
    await hides(5);
    await page.hook("redraw-all").click();
    await hides(64);
    assert.match(await page.hook("redraw-psnr").innerText(), /dB/);
    await page.hook("redraw-none").click();
    await hides(0);
  });

  test("the keyboard alone hides patches, too", async () => {
    const key = (name) => page.page.keyboard.press(name);
    await page.hook("redraw-by-hand").focus();
    await key("Enter");
    await hides(1);
    await key("Shift+ArrowRight");
    await key("Shift+ArrowDown");
    await hides(3);
    assert.match(await page.page.locator(".spoken").innerText(), /^Row 6, column 6: hidden$/);
    await key("Enter");
    await hides(2);
    await page.page.locator("[data-way=way-random]").focus();
    await key("Enter");
    await drawn();
    await page.hook("redraw-percent").focus();
    await key("Home");
    await hides(0);
    await key("End");
    await hides(61);
    await percent(75);
  });

  test("the drawing wipes over the photo", async () => {
    const wipe = page.page.locator(".wipe");
    const edge = () => wipe.evaluate((frame) => frame.style.getPropertyValue("--wipe"));
    await page.hook("redraw-wipe").fill("30");
    assert.equal(await edge(), "30%");
    const { x, y, width, height } = await wipe.boundingBox();
    await page.page.mouse.move(x + width / 4, y + height / 2);
    await page.page.mouse.down();
    await page.page.mouse.move(x + width * 0.75, y + height / 2);
    await page.page.mouse.up();
    assert.ok(Math.abs(parseFloat(await edge()) - 75) < 1, await edge());
  });

  test("a picture and a moving one are saved", async () => {
    for (const [button, name, start] of [["redraw-save", "coffee-redrawn.png", "\x89PNG"], ["redraw-animate", "coffee-redrawn.gif", "GIF89a"]]) {
      const [download] = await Promise.all([page.page.waitForEvent("download"), page.hook(button).click()]);
      assert.equal(download.suggestedFilename(), name);
      const bytes = await readFile(await download.path());
      assert.equal(bytes.toString("latin1", 0, start.length), start);
      if (button === "redraw-save") assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], [3 * 64, 64]);
      assert.match(await page.hook("redraw-taken").innerText(), /^Saved as coffee-redrawn/);
    }
  });

  test("features are shown before and after fine-tuning, and alike ones light up", async () => {
    await page.hook("features").locator("summary").click();
    for (const name of ["features-before", "features-after"]) {
      await page.hook(name).waitFor();
      await drawn();
      await page.page.mouse.move(0, 0);
      const colours = await pixels(name);
      assert.ok(new Set(colours).size > 20, "many colours");
      await page.hook(name).hover({ position: { x: 20, y: 20 } });
      const lit = await pixels(name);
      assert.notDeepEqual(lit, colours);
      const { width } = await page.hook(name).boundingBox();
      const side = Math.sqrt(lit.length / 4);
      const at = Math.floor((20 / width) * side);
      assert.equal(lit[(at * side + at) * 4], 255, "the patch itself");
    }
  });

  test("another photo is drawn, and objects are where they were", async () => {
    await page.sample("astronaut.jpg");
    await drawn();
    await page.hook("redraw-drawn").waitFor();
    await view("objects");
    assert.equal(await page.hook("viewer").isVisible(), true);
    assert.equal(await page.hook("redraw").count(), 0);
    assert.ok((await page.instances()).length > 0);
    await view("redraw");
    await drawn();
    assert.equal(await hidden(), 48);
  });

  test("another model is named; one that cannot draw, or is not there, is said to be so", async () => {
    const open = async (name, state) => {
      await page.hook("redraw-model").locator("summary").click();
      await page.hook("redraw-name").fill(name);
      await page.hook("redraw-name").press("Enter");
      await drawn(state);
    };
    await open("owner/drawer", "ready");
    assert.match(await page.hook("redraw-model").innerText(), /owner\/drawer[^]*from the Hub/);
    await open(`${site.address}weights/mae-tiny`, "error");
    assert.match(await page.hook("redraw-error").innerText(), /no decoder to draw with/);
    await open("owner/nowhere", "error");
    assert.match(await page.hook("redraw-error").innerText(), /owner\/nowhere/);
    assert.equal(await page.error(), undefined, "objects are found as before");
    await open(`${site.address}fixtures/mae_tiny`, "ready");
    assert.equal(await hidden(), 48);
    assert.equal(await page.state(), "ready");
  });

  test("nothing went wrong behind the scenes", () => page.assertCalm());
});
