// Photos nobody wants to be given: an answer or a sentence, and a page that goes on.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as files from "./files.mjs";
import { SegmenterPage, launch } from "./page.mjs";
import { serve } from "./site.mjs";

describe("difficult files", () => {
  let site, browser, page;

  before(async () => {
    site = await serve();
    browser = await launch();
    page = await SegmenterPage.open(browser, `${site.address}?backend=cpu`);
    assert.equal(await page.settle(), "ready", await page.error());
  });

  after(async () => {
    await browser?.close();
    await site?.close();
  });

  const refused = {
    "an empty file": [files.emptyFile, /empty/i],
    "text named .jpg": [files.renamedText, /not a photo|format/i],
    "a truncated JPEG": [files.truncatedJpeg, /cut off|truncated/i],
    "12000 × 9000 pixels": [() => files.hugePng(12_000, 9_000), /too large/i],
  };
  for (const [what, [make, sentence]] of Object.entries(refused)) {
    test(`${what} is refused in a sentence, and the next photo works`, async () => {
      const before = await page.instances();
      assert.equal(await page.give(await make()), "error");
      assert.match(await page.error(), sentence);
      assert.deepEqual(await page.instances(), before, "what was there stays");
      const said = await page.hook("error").boundingBox();
      assert.ok(said.y >= 0 && said.y < page.page.viewportSize().height / 2, `where one looks: ${JSON.stringify(said)}`);
      assert.equal(await page.sample("photographer.jpg"), "ready", await page.error());
      assert.equal(await page.error(), undefined);
    });
  }

  const taken = {
    "1 × 1": [files.onePixel, [1, 1]],
    "16 bits per channel": [files.sixteenBitPng, [60, 40]],
    "an animation": [files.animatedGif, [4, 4]],
    "a CMYK JPEG": [files.cmykJpeg, undefined],
    "a photo to be turned": [files.turnedJpeg, [400, 600]],
    "a TIFF with separate planes in tiles": [() => files.fixture("planes_in_tiles.tif", "image/tiff"), [43, 29]],
    "an AVIF, which only the browser can read": [() => files.fixture("small.avif", "image/avif"), [43, 29]],
    "24 megapixels": [() => files.hugePng(6_000, 4_000), [1_500, 1_000]],
  };
  for (const [what, [make, size]] of Object.entries(taken)) {
    test(`${what} is segmented`, async () => {
      assert.equal(await page.give(await make()), "ready", await page.error());
      const { width, height } = await page.overlay();
      if (size) assert.deepEqual([width, height], size);
    });
  }

  test("a JPEG without an end is drawn, and the page says so", async () => {
    assert.equal(await page.give(await files.endlessJpeg()), "ready", await page.error());
    assert.match(await page.page.getByTestId("note").innerText(), /lacks its end marker/);
    assert.equal(await page.sample("photographer.jpg"), "ready", await page.error());
    assert.equal(await page.page.getByTestId("note").count(), 0);
  });

  test("the picker offers what can be read here", async () => {
    const accepted = await page.page.getByTestId("photo-input").getAttribute("accept");
    for (const type of ["image/jpeg", "image/tiff", "image/avif"]) assert.ok(accepted.includes(type), accepted);
    assert.ok(!/heic|jxl|\*/.test(accepted), accepted);
  });

  const shown = {
    "a photo to be turned": files.turnedJpeg,
    "a photo in Display P3": () => files.fixture("display_p3.png", "image/png"),
    "a photo in Adobe RGB": () => files.fixture("adobe_rgb.jpg", "image/jpeg"),
    "an AVIF": () => files.fixture("small.avif", "image/avif"),
  };
  for (const [what, make] of Object.entries(shown)) test(`colours and turn of ${what} are the browser's own`, async () => {
    const photo = await make();
    assert.equal(await page.give(photo), "ready");
    const worst = await page.page.evaluate(async ([bytes, type]) => {
      const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type }));
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const context = canvas.getContext("2d");
      context.drawImage(bitmap, 0, 0);
      const expected = context.getImageData(0, 0, canvas.width, canvas.height).data;
      const shown = document.querySelector("canvas.photo");
      const actual = shown.getContext("2d").getImageData(0, 0, shown.width, shown.height).data;
      if (actual.length !== expected.length) return Infinity;
      return expected.reduce((sum, value, at) => sum + Math.abs(value - actual[at]), 0) / expected.length;
    }, [[...photo.buffer], photo.mimeType]);
    assert.ok(worst < 2, `mean difference ${worst}`);
  });

  test("nothing went wrong behind the scenes", () => page.assertCalm());
});
