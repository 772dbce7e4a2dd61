// The page in the visitor's language: every word that is seen, heard or shown in a box of help.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as files from "./files.mjs";
import { SegmenterPage, launch } from "./page.mjs";
import { serve } from "./site.mjs";

// Names, keys, formats and units that Chinese pages write so, too.
const known = new Set(
  `mae seg tiny small pretrained EoMT MAE Meta Hugging Face owner name revision facebook vit base Rust GitHub English CPU WebGPU MB dB AP MIT CC BY NC
   Ctrl Shift Alt Esc Del Delete Enter JPEG PNG WebP GIF BMP TIFF SVG zip COCO JSON YOLO LabelMe CVAT XML PSNR SSIM`.split(/\s+/),
);

/** Runs in the page: returns all visible texts, labels and titles. */
function said() {
  const texts = [document.title];
  for (const element of document.body.querySelectorAll("*")) {
    const isChoice = element.matches("select:not([hidden]) option, datalist option");
    if (!isChoice && !element.checkVisibility({ visibilityProperty: true })) continue;
    const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data);
    const attributes = ["aria-label", "aria-valuetext", "title", "placeholder", "alt", "label"].map((name) => element.getAttribute(name));
    if (element.matches("datalist option")) attributes.push(element.value);
    texts.push(...own, ...attributes);
  }
  return texts.filter((text) => text?.trim());
}

describe("the page in Chinese", () => {
  let site, browser, page;

  before(async () => {
    site = await serve();
    browser = await launch();
    page = await SegmenterPage.open(browser, `${site.address}?backend=cpu`, { locale: "zh-CN" });
  });

  after(async () => {
    page?.assertCalm();
    await browser?.close();
    await site?.close();
  });

  /** Asserts that no English word is left. */
  async function isChinese(where) {
    const texts = await page.page.evaluate(said);
    assert.ok(texts.some((text) => /\p{Script=Han}/u.test(text)), where);
    const words = (text) => text.replaceAll(/\S+\.(jpg|png|txt|zip|gif|json)|\b[0-9a-f]{16}\b/g, "").match(/[A-Za-z]{2,}/g) ?? [];
    const english = texts.filter((text) => words(text).some((word) => !known.has(word)));
    assert.deepEqual(english, [], where);
  }

  const speak = (tag) => page.page.click(`[data-language=${tag}]`);
  const lang = () => page.page.evaluate(() => document.documentElement.lang);

  test("is chosen by the browser's languages", async () => {
    await page.page.waitForSelector("[data-language]");
    assert.equal(await lang(), "zh-CN");
    await isChinese("while it loads");
    assert.equal(await page.settle(), "ready", await page.error());
    await isChinese("before there is a photo");
  });

  test("has no English word where objects are found, picked and saved", async () => {
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
    await isChinese("after a photo");
    assert.match(await page.hook("status").innerText(), /^\d+ 个物体 · \d+\.\d 秒$/);
    await page.threshold(0.5);
    await isChinese("where objects are left out");
    await page.threshold(0.02);
    await page.hook("model-menu").locator("summary").first().click();
    await page.page.locator("details.labels summary").click();
    await page.hook("measure").click();
    await page.hook("measured").waitFor({ timeout: 60_000 });
    await isChinese("with the model's menu open");
    for (const product of await page.hook("save-what").locator("option").evaluateAll((all) => all.map(({ value }) => value))) {
      await page.hook("save-what").selectOption(product);
      await isChinese(`saving ${product}`);
    }
    for (const row of await page.hook("instance").all()) {
      await row.locator(".row").click({ modifiers: ["Shift"] });
      await isChinese("with objects picked");
    }
    for (const tool of await page.page.locator("[data-tool]").all()) {
      await tool.click();
      await isChinese("with another tool");
    }
    await page.page.locator("[data-tool=tool-pick]").click();
    await page.hook("shortcuts").click();
    await isChinese("with the sheet of keys");
    await page.page.keyboard.press("Escape");
    const { name } = await page.download("mask", "all");
    assert.ok((await page.hook("taken").innerText()).includes(`已保存为 ${name}`));
    await isChinese("after a file was saved");
  });

  test("has no English word where a file is refused or nothing changes", async () => {
    assert.equal(await page.give(await files.renamedText()), "error");
    await isChinese("with a failure");
    assert.equal(await page.sample("photographer.jpg"), "ready", await page.error());
    await page.hook("instance").first().locator(".row").click();
    await page.page.click("[data-mend=split]");
    await page.page.click("[data-mend=split]");
    await page.hook("notice").waitFor();
    await isChinese("with a notice and several photos");
  });

  test("has no English word where photos are hidden and drawn", async () => {
    await page.page.click("[data-view=redraw]");
    await page.page.waitForSelector("[data-testid=redraw][data-state=ready]", { timeout: 120_000 });
    await page.hook("redraw-model").locator("summary").click();
    await page.hook("redraw-compare").check();
    await page.hook("features").locator("summary").click();
    await page.hook("features-after").waitFor();
    await page.page.waitForSelector("[data-testid=redraw][data-state=ready]", { timeout: 120_000 });
    await isChinese("with two drawings and what the model knows");
    await page.page.click("[data-way=way-by-hand]");
    await page.hook("redraw-by-hand").press("ArrowLeft");
    await isChinese("by hand");
    await page.page.click("[data-view=objects]");
  });

  test("names labels for people, and keeps them as the model has them", async () => {
    await page.threshold(0.02);
    const row = page.hook("instance").first();
    const [label, shown] = [await row.getAttribute("data-label"), await row.locator(".label").innerText()];
    assert.match(label, /^[a-z]+$/);
    assert.match(shown, /^\p{Script=Han}+$/u);
    await row.locator(".row").click();
    if ((await row.locator(".row").getAttribute("aria-pressed")) !== "true") await row.locator(".row").click();
    assert.equal(await page.hook("name").inputValue(), shown);
    await page.hook("name").fill("动物");
    await page.hook("name").press("Enter");
    await page.page.waitForSelector("[data-testid=instance][data-label=animal]");
    const { bytes } = await page.download("coco", "all");
    const { categories } = JSON.parse(bytes);
    assert.ok(categories.every(({ name }) => /^[a-z]+$/.test(name)), JSON.stringify(categories));
  });

  test("gives way to English and comes back, with all that is there", async () => {
    const before = await page.instances();
    await speak("en");
    assert.equal(await lang(), "en");
    assert.match(await page.page.title(), /every object/);
    const chinese = (await page.page.evaluate(said)).filter((text) => /\p{Script=Han}/u.test(text) && text !== "简体中文");
    assert.deepEqual(chinese, []);
    assert.match(await page.hook("status").innerText(), /^\d+ objects?/);
    assert.deepEqual(await page.instances(), before, "nothing is lost");
    await speak("zh-CN");
    await isChinese("again");
  });

  test("is what was chosen last, unless the address asks for another", async () => {
    await speak("en");
    await page.page.reload();
    await page.page.waitForSelector("[data-language]");
    assert.equal(await lang(), "en");
    const address = new URL(page.page.url());
    address.searchParams.set("lang", "zh-CN");
    await page.page.goto(address.href);
    await page.page.waitForSelector("[data-language]");
    assert.equal(await lang(), "zh-CN");
    await speak("en");
    assert.equal(new URL(page.page.url()).searchParams.get("lang"), "en", "what is chosen holds after a reload");
    assert.equal(await lang(), "en");
  });
});
