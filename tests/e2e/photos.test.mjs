// Many photos in one visit, and what is there again in the next one.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onePixel, renamedText, zipNames } from "./files.mjs";
import { SegmenterPage, launch } from "./page.mjs";
import { root, serve } from "./site.mjs";

const photo = async (name, as = name) => ({
  name: as,
  mimeType: "image/jpeg",
  buffer: await readFile(join(root, "www/samples", name)),
});

describe("several photos", () => {
  let browser, site, page;
  before(async () => {
    [browser, site] = await Promise.all([launch(), serve()]);
    page = await SegmenterPage.open(browser, `${site.address}?backend=cpu`);
    assert.equal(await page.settle(), "ready");
  });
  after(async () => {
    page.assertCalm();
    await browser.close();
    await site.close();
  });

  const standings = () => page.hook("photo").evaluateAll((items) => items.map((item) => item.dataset.standing));
  const names = () => page.page.locator("[data-testid=photo] .file-name").allInnerTexts();
  const shown = () => page.page.locator("[data-testid=photo].current .file-name").innerText();
  const open = (name) => page.answerTo(() => page.page.locator("[data-testid=photo] .shows", { hasText: name }).first().click());
  const wait = async (isWanted) => {
    for (const end = Date.now() + 60_000; !isWanted(await standings()); ) {
      assert.ok(Date.now() < end, `photos never got there: ${await standings()}`);
      await page.page.waitForTimeout(50);
    }
  };

  test("are all looked at, the first one first, and one that is none is named", async () => {
    const files = [await photo("coffee.jpg"), await photo("astronaut.jpg"), renamedText(), await photo("photographer.jpg", "coffee.jpg")];
    assert.equal(await page.give(files), "ready", await page.error());
    assert.equal(await shown(), "coffee.jpg");
    await wait((all) => all.every((one) => one === "done" || one === "failed"));
    assert.deepEqual(await standings(), ["done", "done", "failed", "done"]);
    assert.deepEqual(await names(), ["coffee.jpg", "astronaut.jpg", "letter.jpg", "coffee (2).jpg"]);
    assert.match(await page.hook("photos-done").innerText(), /^3 of 4 photos done · 1 cannot be used$/);
    assert.match(await page.hook("photo").nth(2).locator(".shows").getAttribute("title"), /letter\.jpg/);
    assert.equal(await page.error(), undefined, "it is named where it is");
    assert.equal(await page.page.locator("[data-testid=photo] img").count(), 3);
  });

  test("keep their edits while another one is shown", async () => {
    const before = await page.instances();
    await page.hook("instance").first().locator("button").first().click();
    await page.page.keyboard.press("Delete");
    await page.page.waitForFunction((count) => document.querySelectorAll("[data-testid=instance]").length < count, before.length);
    const edited = await page.instances();
    assert.equal(await open("astronaut.jpg"), "ready");
    assert.notDeepEqual(await page.instances(), edited);
    assert.equal(await open("coffee.jpg"), "ready");
    assert.deepEqual(await page.instances(), edited);
    await page.painted(({ painted }) => painted > 0);
    await page.page.keyboard.press("Control+z");
    await page.page.waitForFunction((count) => document.querySelectorAll("[data-testid=instance]").length === count, before.length);
    assert.deepEqual(await page.instances(), before, "and can be undone");
  });

  test("answer clicks when they are shown again", async () => {
    assert.equal(await open("astronaut.jpg"), "ready");
    const count = (await page.instances()).length;
    const { width, height } = await page.hook("overlay").boundingBox();
    await page.hook("overlay").click({ position: { x: width * 0.03, y: height * 0.4 } });
    await page.page.waitForFunction(
      (before) => document.querySelectorAll("[data-testid=instance]").length > before || document.querySelector("[data-testid=notice]"),
      count,
    );
  });

  test("are saved as one COCO file and as one zip", async () => {
    const { name, bytes } = await page.download("coco", "photos");
    assert.equal(name, "annotations.json");
    const coco = JSON.parse(bytes.toString());
    assert.deepEqual(coco.images.map((image) => image.file_name), ["coffee.jpg", "astronaut.jpg", "coffee (2).jpg"]);
    assert.ok(coco.images.every((image) => coco.annotations.some(({ image_id }) => image_id === image.id)));
    const all = await page.download("cut-outs", "photos");
    assert.equal(all.name, "photos-cut-outs.zip");
    const entries = zipNames(all.bytes);
    for (const stem of ["coffee", "astronaut", "coffee (2)"]) assert.ok(entries.some((entry) => entry.startsWith(stem)), entries.join());
    assert.match(await page.hook("taken").innerText(), /^Saved as photos-cut-outs\.zip\.$/);
  });

  test("are there again after a reload, with edits, undo, threshold and the one that was shown", async () => {
    await page.threshold(0.2);
    assert.equal(await open("coffee (2).jpg"), "ready");
    await page.hook("instance").first().locator("button").first().click();
    await page.page.keyboard.press("Delete");
    await page.page.waitForTimeout(600);
    const [before, all] = [await page.instances(), await names()];
    assert.match(await page.hook("kept-photos").innerText(), /^4 photos, [\d.]+ .B, kept on this device/);
    await page.page.reload();
    await page.page.waitForSelector("[data-testid=strip]");
    assert.equal(await page.settle(), "ready");
    await wait((standings) => standings.filter((one) => one === "done").length === 3);
    assert.deepEqual([await names(), await shown()], [all, "coffee (2).jpg"]);
    assert.deepEqual(await page.instances(), before);
    assert.equal(await page.hook("threshold").inputValue(), "0.2");
    await page.page.keyboard.press("Control+z");
    await page.page.waitForFunction((count) => document.querySelectorAll("[data-testid=instance]").length === count, before.length + 1);
  });

  test("can be paused, stopped, gone on with and removed", async () => {
    await page.hook("photo-input").setInputFiles(await Promise.all(["a", "b", "c", "d"].map((name) => photo("coffee.jpg", `${name}.jpg`))));
    await page.hook("pause").click();
    assert.equal(await page.hook("pause").innerText(), "Go on");
    await page.hook("stop").click();
    assert.ok((await standings()).includes("stopped"));
    await page.hook("go-on").click();
    await wait((all) => all.every((one) => one === "done" || one === "failed"));
    const before = (await names()).length;
    await page.page.locator("[data-testid=photo].current .remove").click({ force: true });
    await page.page.waitForFunction((count) => document.querySelectorAll("[data-testid=photo]").length === count, before - 1);
    assert.equal(await page.settle(), "ready");
  });

  test("go when the visitor starts fresh, and stay gone", async () => {
    await page.hook("start-fresh").click();
    assert.equal(await page.hook("photo").count(), 0);
    assert.deepEqual(await page.instances(), []);
    await page.page.waitForTimeout(400);
    await page.page.reload();
    assert.equal(await page.settle(), "ready");
    assert.equal(await page.hook("kept-photos").count(), 0);
    assert.equal(await page.give(onePixel()), "ready", "and the page goes on");
  });
});
