// The page for everyone: screen readers, keyboards, high contrast, several tabs, small screens.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { launch, SegmenterPage } from "./page.mjs";
import { serve } from "./site.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
let browser, site;

before(async () => {
  [browser, site] = await Promise.all([launch(), serve()]);
});
after(() => Promise.all([browser.close(), site.close()]));

async function open(options = {}, query = "") {
  const context = await browser.newContext(options);
  const page = await SegmenterPage.open(context, `${site.address}${query}`);
  assert.equal(await page.settle(), "ready");
  return { context, page };
}

/** Returns the violations that axe finds in the current page. */
async function violations(page) {
  const { violations, passes } = await page.page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  assert.ok(passes.length > 10, `${passes.length} rules passed`);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(" ")}`);
}

for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 360]]) {
  test(`axe finds nothing wrong (${scheme}, ${width} px)`, async () => {
    // The page's content security policy forbids foreign scripts, such as axe's.
    const { context, page } = await open({ colorScheme: scheme, viewport: { width, height: 900 }, bypassCSP: true });
    await page.page.addScriptTag({ path: axe });
    const states = {
      start: async () => {},
      result: () => page.sample("coffee.jpg"),
      picked: () => page.hook("instance").first().locator("button.row").click(),
      menu: () => page.hook("model-menu").locator("summary").first().click(),
      keys: async () => {
        await page.hook("model-menu").locator("summary").first().click();
        await page.hook("shortcuts").click();
      },
      failure: async () => {
        await page.page.keyboard.press("Escape");
        await page.hook("photo-input").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no photo") });
        await page.hook("error").waitFor();
      },
      redraw: async () => {
        await page.page.click('[data-view="redraw"]');
        await page.hook("redraw-status").waitFor({ timeout: 60_000 });
        await page.page.waitForTimeout(3000);
      },
    };
    const found = {};
    for (const [name, reach] of Object.entries(states)) {
      await reach();
      const wrong = await violations(page);
      // SCREENSHOTS=folder keeps the pictures for inspection.
      if (process.env.SCREENSHOTS) await page.page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}-${scheme}-${width}.png` });
      if (wrong.length) found[name] = wrong;
    }
    assert.deepEqual(found, {});
    assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, "nothing is wider than the screen");
    await context.close();
  });
}

test("a screen reader is told what was found, and the slider has a name", async () => {
  const { context, page } = await open();
  await page.sample("coffee.jpg");
  const [{ score }] = await page.instances();
  const told = await page.hook("found").textContent();
  assert.match(told, new RegExp(`^\\S+ ${Math.round(score * 100)}`));
  const slider = page.page.getByRole("slider", { name: "Minimum confidence" });
  assert.equal(await slider.count(), 1);
  await page.page.getByText("Minimum confidence").click();
  assert.equal(await slider.evaluate((slider) => document.activeElement === slider), true);
  assert.match(await slider.getAttribute("aria-valuetext"), /^\d+/);
  await context.close();
});

test("? shows the keys, Escape puts them away", async () => {
  const { context, page } = await open();
  await page.page.keyboard.press("?");
  await page.page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await page.page.keyboard.press("Escape");
  await page.page.getByRole("dialog").waitFor({ state: "detached" }).catch(() => {});
  assert.equal(await page.page.getByRole("dialog").count(), 0);
  await page.hook("single-keys").uncheck();
  await page.page.keyboard.press("?");
  assert.equal(await page.page.getByRole("dialog").count(), 0);
  await context.close();
});

test("with forced colours, swatches keep theirs and what is picked stands out", async () => {
  const { context, page } = await open({ forcedColors: "active" });
  await page.sample("coffee.jpg");
  const swatch = page.hook("instance").first().locator(".swatch");
  assert.match(await swatch.evaluate((swatch) => getComputedStyle(swatch).backgroundColor), /rgba?\(\d+, \d+, \d+/);
  assert.equal(await swatch.evaluate((swatch) => getComputedStyle(swatch).forcedColorAdjust), "none");
  const row = page.hook("instance").first().locator("button.row");
  await row.click();
  assert.equal(await row.evaluate((row) => getComputedStyle(row).outlineStyle), "solid");
  await context.close();
});

test("weights removed in one tab are gone in the other", async () => {
  const { context, page } = await open();
  const other = await SegmenterPage.open(context, site.address);
  await other.settle();
  const kept = other.page.getByText("kept in this browser");
  await kept.waitFor();
  await page.page.getByRole("button", { name: "Remove it" }).click();
  await kept.waitFor({ state: "detached" });
  await context.close();
});

test("before there is a model, nothing is said of it that is not so", async () => {
  const context = await browser.newContext();
  const page = await SegmenterPage.open(context, `${site.address}?weights=nonsense`);
  assert.equal(await page.settle(["error"]), "error");
  assert.equal(await page.hook("backend").isVisible(), false);
  assert.equal(await page.hook("threshold").isVisible(), false);
  await context.close();
});

test("while the model comes, its stages are shown, and a photo chosen early is seen and then answered", async () => {
  const context = await browser.newContext();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await context.route(/safetensors$/, async (route) => {
    await held;
    await route.continue();
  });
  const page = await SegmenterPage.open(context, site.address);
  await page.hook("stages").locator("[aria-current=step]", { hasText: "Model" }).waitFor();
  await page.page.click('[data-sample="coffee.jpg"]');
  await page.hook("early-photo").waitFor();
  release();
  assert.equal(await page.settle(["ready"]), "ready");
  await page.hook("instance").first().waitFor();
  assert.equal(await page.hook("early-photo").count(), 0);
  assert.equal(await page.hook("stages").count(), 0);
  await context.close();
});

test("where the model computes can be chosen", async () => {
  const { context, page } = await open();
  await page.hook("model-menu").locator("summary").first().click();
  await page.hook("backend-choice").selectOption("cpu");
  assert.equal(await page.settle(["ready"]), "ready");
  await page.page.waitForFunction(() => new URL(location).searchParams.get("backend") === "cpu");
  await context.close();
});

test("how fast the device is, is measured on request, and said in one line", async () => {
  const { context, page } = await open();
  await page.hook("model-menu").locator("summary").first().click();
  await page.hook("measure").click();
  const line = await page.hook("measured").innerText({ timeout: 60_000 });
  const [, median, least, most] = /^mae-tiny · ([\d.]+) s a photo \(([\d.]+) to ([\d.]+), 5 runs, 600 × 400\) · CPU, [12] threads? of \d+ · mae-seg [\d.]+ \w{16}$/.exec(line).map(Number);
  assert.ok(least > 0 && least <= median && median <= most, line);
  await context.close();
});

test("a model with better masks is offered once, after the first result", async () => {
  const { context, page } = await open();
  const asked = [];
  await context.route(/huggingface/, (route) => (asked.push(route.request().url()), route.abort()));
  assert.equal(await page.hook("offer").count(), 0);
  await page.sample("coffee.jpg");
  assert.match(await page.hook("offer").innerText(), /96 MB.*Hugging Face.*MIT/s);
  await page.hook("offer").getByRole("button", { name: "No, thanks" }).click();
  assert.equal(await page.hook("offer").count(), 0);
  await page.page.reload();
  await page.settle();
  await page.hook("instance").first().waitFor();
  assert.equal(await page.hook("offer").count(), 0);
  assert.deepEqual(asked, [], "nothing is fetched before it is chosen");
  await context.close();
});

test("no other host is asked for anything", async () => {
  const context = await browser.newContext();
  const hosts = new Set();
  context.on("request", (request) => hosts.add(new URL(request.url()).host));
  const page = await SegmenterPage.open(context, site.address);
  await page.settle();
  await page.sample("coffee.jpg");
  await page.page.click('[data-view="redraw"]');
  await page.hook("redraw-drawn").waitFor({ timeout: 60_000 });
  hosts.delete("");
  assert.deepEqual([...hosts], [new URL(site.address).host]);
  await context.close();
});

test("the menu key opens the menu of the object that has the focus, or the cross over it", async () => {
  const { context, page } = await open();
  await page.sample("coffee.jpg");
  const menu = page.page.getByRole("menu");
  const row = page.hook("instance").first().locator("button.row");
  await row.focus();
  await page.page.keyboard.press("Shift+F10");
  await menu.waitFor();
  await page.page.keyboard.press("Escape");
  await menu.waitFor({ state: "detached" });
  assert.equal(await row.evaluate((row) => document.activeElement === row), true, "keys go on there");

  // Nothing is under a cross that is nowhere, but an object is picked.
  await page.hook("overlay").focus();
  await page.page.keyboard.press("ContextMenu");
  await menu.waitFor();
  await page.page.keyboard.press("Escape");
  const before = await page.hook("instance").count();
  await page.page.keyboard.press("ArrowRight");
  await page.page.keyboard.press("ContextMenu");
  await page.page.click("[data-menu=delete]");
  await page.page.waitForFunction((before) => document.querySelectorAll("[data-testid=instance]").length === before - 1, before);
  await context.close();
});

test("a right click, or a finger that rests, opens the menu of an object", async () => {
  const { context, page } = await open({ hasTouch: true });
  await page.sample("coffee.jpg");
  const bounds = await page.hook("overlay").boundingBox();
  const middle = [bounds.x + bounds.width / 2, bounds.y + bounds.height / 2];
  await page.page.mouse.click(...middle, { button: "right" });
  const menu = page.page.getByRole("menu");
  await menu.waitFor();
  assert.equal(await page.hook("object-menu").locator(":focus").getAttribute("data-menu"), "menu-save");
  await page.page.keyboard.press("ArrowDown");
  assert.equal(await page.hook("object-menu").locator(":focus").getAttribute("data-menu"), "menu-copy");
  await page.page.keyboard.press("Escape");
  assert.equal(await menu.count(), 0);
  assert.equal(await page.hook("overlay").evaluate((photo) => document.activeElement === photo), true, "keys go on there");

  const touch = await context.newCDPSession(page.page);
  const point = { x: middle[0], y: middle[1] };
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [point] });
  await menu.waitFor();
  await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  const [download] = await Promise.all([page.page.waitForEvent("download"), page.page.click("[data-menu=menu-save]")]);
  assert.match(download.suggestedFilename(), /^coffee.*\.png$/);
  await page.page.mouse.click(...middle, { button: "right" });
  const before = await page.hook("instance").count();
  await page.page.click("[data-menu=delete]");
  await page.page.waitForFunction((before) => document.querySelectorAll("[data-testid=instance]").length === before - 1, before);
  await context.close();
});

const early = {
  chosen: (page) => page.locator("#start-photos").setInputFiles("../../www/samples/coffee.jpg"),
  dropped: (page) => give(page, "drop", "dataTransfer"),
  pasted: (page) => give(page, "paste", "clipboardData"),
};

async function give(page, event, carrier) {
  const bytes = [...(await readFile("../../www/samples/coffee.jpg"))];
  await page.evaluate(([bytes, event, carrier]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], "coffee.jpg", { type: "image/jpeg" }));
    const Kind = event === "drop" ? DragEvent : ClipboardEvent;
    document.body.dispatchEvent(new Kind(event, { [carrier]: transfer, bubbles: true, cancelable: true }));
  }, [bytes, event, carrier]);
}

for (const [how, hand] of Object.entries(early)) test(`a photo can be ${how} before the app is there`, async () => {
  const context = await browser.newContext();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await context.route(/app-\w+_bg\.wasm$/, async (route) => {
    await held;
    await route.continue();
  });
  const page = new SegmenterPage(await context.newPage());
  await page.page.goto(`${site.address}?weights=weights/mae-tiny`, { waitUntil: "domcontentloaded" });
  await hand(page.page);
  await page.page.getByText("opened as soon as").waitFor();
  release();
  await page.hook("instance").first().waitFor({ timeout: 60_000 });
  assert.equal(await page.page.locator("#start").count(), 0);
  await context.close();
});
