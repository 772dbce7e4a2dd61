// The way of a photo through the page, on the CPU with the bundled weights.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { zipNames } from "./files.mjs";
import { SegmenterPage, launch, mainThreadTasks } from "./page.mjs";
import { serve } from "./site.mjs";

describe("a photo on the CPU", () => {
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

  test("says in words that it uses the CPU", async () => {
    assert.match(await page.backend(), /CPU/);
  });

  test("fetched every shard of the weights", () => {
    const shards = [...site.requests.keys()].filter((path) => path.endsWith(".safetensors"));
    assert.ok(shards.length > 0, "weights are static files");
    assert.ok(shards.every((path) => path.startsWith("/weights/mae-tiny/")));
  });

  test("a sample becomes instances on an overlay of the photo's size", async () => {
    assert.equal(await page.sample("astronaut.jpg"), "ready", await page.error());
    await page.threshold(0.05);
    const instances = await page.instances();
    assert.ok(instances.length > 0, "something was found");
    for (const { label, score, area } of instances) {
      assert.ok(label.length > 0 && score >= 0.05 && score <= 1 && area > 0, JSON.stringify({ label, score, area }));
    }
    const scores = instances.map(({ score }) => score);
    assert.deepEqual(scores, [...scores].sort((a, b) => b - a), "best first");
    await page.painted((overlay) => overlay.painted > 0);
    const { width, height, painted } = await page.overlay();
    assert.deepEqual([width, height], [512, 512]);
    assert.ok(painted >= Math.max(...instances.map(({ area }) => area)), "at least the largest mask is painted");
  });

  test("the slider hides rows and masks without another inference", async () => {
    const states = await page.page.evaluate(() => window.states.length);
    const all = await page.instances();
    const between = (all[0].score + all.at(-1).score) / 2;
    await page.threshold(between.toFixed(2));
    const expected = all.filter(({ score }) => score >= Number(between.toFixed(2)));
    assert.deepEqual(await page.instances(), expected);
    await page.threshold(0.95);
    await page.painted((overlay) => overlay.painted === 0 || all[0].score >= 0.95);
    await page.threshold(0.05);
    assert.deepEqual(await page.instances(), all);
    assert.equal(await page.page.evaluate(() => window.states.length), states, "no new work");
  });

  test("pointing at a row lights its mask, a click picks it, Escape puts it back", async () => {
    const row = page.hook("instance").first();
    await row.hover();
    await page.page.waitForSelector("[data-testid=instance].hovered");
    const before = await row.boundingBox();
    await row.click();
    assert.equal(await row.locator(".row").getAttribute("aria-pressed"), "true");
    assert.deepEqual(await row.boundingBox(), before, "nothing moves under the pointer");
    const { label, score } = (await page.instances())[0];
    assert.equal(await page.hook("tag").innerText(), `${label} ${(100 * score).toFixed(0)}%`);
    const { width, height } = await page.overlay();
    await page.painted((overlay) => overlay.painted > (width * height) / 4);
    await page.page.keyboard.press("Escape");
    assert.equal(await row.locator(".row").getAttribute("aria-pressed"), "false");
  });

  test("arrow keys go through the rows, Enter picks one", async () => {
    const pressed = () => page.hook("instance").locator(".row").evaluateAll((rows) => rows.map((row) => row.ariaPressed === "true"));
    const count = (await pressed()).length;
    await page.hook("instance").first().locator(".row").focus();
    for (const key of ["End", "ArrowUp", "ArrowDown", "Enter"]) await page.page.keyboard.press(key);
    assert.equal((await pressed()).lastIndexOf(true), count - 1);
    await page.page.keyboard.press("Escape");
  });

  test("says how many objects are below the threshold, and shows them", async () => {
    const all = (await page.instances()).length;
    await page.threshold(0.95);
    const hidden = Number(/^\d+/.exec(await page.hook("more").innerText())[0]);
    assert.ok(hidden + (await page.instances()).length >= all);
    await page.page.getByText("Show them").click();
    assert.ok((await page.instances()).length >= Math.max(all, hidden));
    await page.threshold(0.05);
  });

  test("a click on a mask picks its row", async () => {
    const point = await page.hook("overlay").evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      // Starts in the middle, since the first pixels lie under the rounded corner.
      const middle = canvas.width * canvas.height * 2;
      const at = data.findIndex((value, index) => index > middle && index % 4 === 3 && value > 0) >> 2;
      const scale = canvas.clientWidth / canvas.width;
      return { x: ((at % canvas.width) + 0.5) * scale, y: (Math.floor(at / canvas.width) + 0.5) * scale };
    });
    await page.hook("overlay").click({ position: point });
    assert.equal(await page.page.locator(".instances [aria-pressed=true]").count(), 1);
  });

  test("saves cut-out, mask and COCO JSON of what is picked or shown", async () => {
    const size = (png) => [png.readUInt32BE(16), png.readUInt32BE(20)];
    const mask = await page.download("mask");
    assert.match(mask.name, /^astronaut-\d\d-.*\.mask\.png$/);
    assert.deepEqual(size(mask.bytes), [512, 512]);
    const cutOut = await page.download("cut-out");
    assert.ok(size(cutOut.bytes).every((side) => side > 0 && side <= 512));
    assert.match(await page.hook("taken").innerText(), /^Saved as astronaut-/);
    const coco = JSON.parse((await page.download("coco", "all")).bytes);
    const shown = await page.instances();
    assert.deepEqual(coco.images[0], { id: 1, file_name: "astronaut.jpg", width: 512, height: 512 });
    assert.deepEqual(coco.annotations.map(({ area }) => area), shown.map(({ area }) => area));
  });

  test("saves everything as one zip, in which no file overwrites another", async () => {
    const { name, bytes } = await page.download("everything", "all");
    assert.equal(name, "astronaut-all.zip");
    const names = zipNames(bytes);
    assert.equal(new Set(names).size, names.length);
    const shown = await page.instances();
    assert.equal(names.filter((name) => name.startsWith("cut-outs/")).length, shown.length);
    for (const name of ["overlay.png", "masks/ids.png", "coco/annotations.json", "yolo/labels/astronaut.txt", "cvat/annotations.xml"]) {
      assert.ok(names.includes(name), names.join());
    }
  });

  test("hands a file to the share sheet", async () => {
    await page.hook("save-what").selectOption("overlay");
    await page.hook("save-format").selectOption("webp");
    await page.hook("share").click();
    await page.page.getByText("Shared.").waitFor();
    assert.deepEqual(await page.page.evaluate(() => window.shared), [["astronaut-overlay.webp", "image/webp"]]);
  });

  test("puts a picture into the clipboard, and another background behind what is picked", async () => {
    await page.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.hook("save-what").selectOption("background");
    await page.hook("save-behind").selectOption("photo");
    const backdrop = await readFile(new URL("../../www/samples/coffee.jpg", import.meta.url));
    await page.hook("save-backdrop").setInputFiles({ name: "coffee.jpg", mimeType: "image/jpeg", buffer: backdrop });
    await page.hook("copy").click();
    await page.page.getByText("Copied.").waitFor();
    const size = await page.page.evaluate(async () => {
      const [item] = await navigator.clipboard.read();
      const { width, height } = await createImageBitmap(await item.getType("image/png"));
      return [width, height];
    });
    assert.deepEqual(size, [512, 512]);
  });

  for (const way of ["drop", "paste"]) {
    test(`takes a photo by ${way}`, async () => {
      const photo = await readFile(new URL("../../www/samples/coffee.jpg", import.meta.url));
      const bring = () => page.page.evaluate(([way, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "coffee.jpg", { type: "image/jpeg" }));
        const event = way === "drop" ? new DragEvent("drop", { dataTransfer: data, cancelable: true }) : new ClipboardEvent("paste", { clipboardData: data });
        window.dispatchEvent(event);
      }, [way, [...photo]]);
      assert.equal(await page.answerTo(bring), "ready", await page.error());
      const { width, height } = await page.overlay();
      assert.deepEqual([width, height], [600, 400]);
    });
  }

  test("answers what it cannot take as a photo", async () => {
    const give = (way, given) => page.page.evaluate(([way, given]) => {
      const data = new DataTransfer();
      for (const [type, text] of Object.entries(given)) data.setData(type, text);
      if (!Object.keys(given).length) for (const name of ["a.txt", "b.txt"]) data.items.add(new File(["text"], name));
      const event = way === "drop" ? new DragEvent("drop", { dataTransfer: data, cancelable: true }) : new ClipboardEvent("paste", { clipboardData: data });
      window.dispatchEvent(event);
    }, [way, given]);
    const shown = await page.instances();
    await give("paste", { "text/plain": "hello world" });
    assert.match(await page.hook("notice").innerText(), /no photo in that/);
    await give("drop", {});
    assert.equal(await page.settle(["error"]), "error");
    await page.page.waitForFunction(() => document.querySelectorAll("[data-testid=photo][data-standing=failed]").length === 2);
    assert.deepEqual(await page.instances(), shown, "what was there stays");
    const sample = new URL("samples/astronaut.jpg", site.address).href;
    const bring = () => give("drop", { "text/uri-list": site.address, "text/html": `<a href="${site.address}"><img src="${sample}"></a>` });
    assert.equal(await page.answerTo(bring), "ready", await page.error());
    assert.deepEqual((await page.overlay()).width, 512);
    await give("paste", { "text/plain": "http://127.0.0.1:9/a.jpg" });
    await page.page.getByText("may not be read from its site").waitFor();
    // The page's content security policy requires it, too.
    page.errors = page.errors.filter((error) => !error.includes("127.0.0.1:9") && !error.includes("violates the document's Content Security"));
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
  });

  test("keeps the weights for the next visit, and removes them when told", async () => {
    site.requests.clear();
    await page.page.reload();
    assert.equal(await page.settle(), "ready", await page.error());
    const again = [...site.requests.keys()].filter((path) => path.endsWith(".safetensors"));
    assert.deepEqual(again, [], "no shard was fetched twice");
    await page.page.getByText("Remove it").click();
    await page.page.getByText("Remove it").waitFor({ state: "detached" });
  });

  test("nothing went wrong behind the scenes", () => page.assertCalm());
});

test("no task of the main thread takes more than 50 ms of processor time while segmenting", async () => {
  const site = await serve();
  const browser = await launch();
  try {
    const page = await SegmenterPage.open(browser, `${site.address}?backend=cpu`);
    assert.equal(await page.settle(), "ready", await page.error());
    const coffee = await readFile(new URL("../../www/samples/coffee.jpg", import.meta.url));
    const photo = { name: "coffee.jpg", mimeType: "image/jpeg", buffer: coffee };
    // Processor time also grows on a busy machine, but a task that is too long would be long every time.
    const longest = [];
    for (let round = 0; round < 3; round++) {
      const tasks = await mainThreadTasks(browser, page.page, async () => {
        assert.equal(await page.give(photo), "ready", await page.error());
        await page.page.waitForTimeout(500);
      });
      assert.ok(tasks.length > 20, `${tasks.length} tasks were recorded`);
      longest.push(Math.max(...tasks));
    }
    assert.ok(Math.min(...longest) <= 50, `the longest task of each round took ${longest.join(", ")} ms`);
  } finally {
    await browser.close();
    await site.close();
  }
});

test("a visitor who asks for no model gets a bundled one, and the address stays as it was", async () => {
  const site = await serve();
  const browser = await launch();
  try {
    const page = await SegmenterPage.open(browser, site.address, { suited: true });
    assert.equal(await page.settle(), "ready", await page.error());
    const fetched = [...site.requests.keys()].filter((path) => path.endsWith(".safetensors"));
    assert.ok(fetched.length > 0 && new Set(fetched.map((path) => path.split("/")[2])).size === 1, fetched.join(" "));
    assert.match(fetched[0], /^\/weights\/mae-(tiny|small)\//);
    assert.equal(new URL(page.page.url()).search, "");
  } finally {
    await browser.close();
    await site.close();
  }
});
