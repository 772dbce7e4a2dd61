// The model menu: from this site, from a Hub on this machine, from this device; and what goes wrong on the way.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { after, afterEach, before, describe, test } from "node:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fixture, serveHub } from "./hub.mjs";
import { SegmenterPage, launch } from "./page.mjs";
import { root, serve } from "./site.mjs";

const SMALL = "tue-mps/coco_panoptic_eomt_small_640_2x";
const tiny = join(root, "tests/fixtures/eomt_tiny");

/** Replaces the two label names of a config. */
function renamed(files, names) {
  const config = JSON.parse(files["config.json"]);
  config.id2label = Object.fromEntries(names.map((name, index) => [index, name]));
  return { ...files, "config.json": Buffer.from(JSON.stringify(config)) };
}

describe("the model menu", () => {
  let site, hub, browser, page;

  before(async () => {
    site = await serve();
    browser = await launch();
    const files = await fixture("eomt_tiny");
    const shallow = await fixture("eomt_shallow");
    hub = await serveHub({
      [SMALL]: renamed(files, ["person", "bicycle", "car"]),
      "owner/model": renamed(files, ["cup", "spoon", "saucer"]),
      "owner/encoder": await fixture("mae_tiny"),
      "owner/pickled": { "pytorch_model.bin": (await fixture("layouts_mae"))["views.pth"] },
      "owner/empty": { "config.json": files["config.json"] },
      "owner/mixed": { ...shallow, "config.json": Buffer.from(String(shallow["config.json"]).replace(/"num_queries": \d+/, '"num_queries": 9')) },
      "owner/words": { "config.json": Buffer.from('{"model_type": "bert"}'), "model.safetensors": (await fixture("eomt_tiny"))["model.safetensors"] },
    });
  });

  afterEach(async () => {
    Object.assign(hub, { refuse: undefined, cors: true, ranges: true, breaks: [], bytesPerSecond: Infinity, asked: [] });
    page?.assertCalm();
    await page?.page.context().close();
  });

  after(async () => {
    await browser?.close();
    await site?.close();
    await hub?.close();
  });

  async function open(query = "", context) {
    page = await SegmenterPage.open(context ?? browser, `${site.address}?backend=cpu&hub=${hub.address}${query}`);
    return page.settle();
  }

  const menu = () => page.hook("model-menu");
  const facts = () => page.hook("model-facts").innerText();
  const weights = () => new URL(page.page.url()).searchParams.get("weights");

  async function openMenu() {
    if (!(await menu().evaluate((details) => details.open))) await menu().locator("summary").first().click();
  }

  /** Types a name and waits for the result. */
  const name = (text) =>
    page.answerTo(async () => {
      await openMenu();
      await page.hook("hub-name").fill(text);
      await page.hook("hub-name").press("Enter");
    });

  async function labels() {
    return page.hook("model-labels").evaluate((list) => list.textContent);
  }

  test("says size, licence and number of labels before anything is fetched", async () => {
    assert.equal(await open(), "ready", await page.error());
    await openMenu();
    const options = await page.hook("model-option").evaluateAll((buttons) =>
      buttons.map(({ dataset, innerText, ariaCurrent }) => ({ model: dataset.model, text: innerText, current: ariaCurrent })),
    );
    assert.deepEqual(options.map(({ model }) => model), ["mae-tiny", "mae-small", SMALL, "tue-mps/coco_panoptic_eomt_base_640_2x"]);
    for (const { text } of options) assert.match(text, /\d MB[^]*\d+ labels[^]*licence/);
    assert.match(options[2].text, /96 MB[^]*133 labels[^]*MIT/);
    assert.deepEqual(options.map(({ current }) => current), ["true", null, null, null]);
    assert.match(await menu().innerText(), /CC BY-NC 4\.0/);
    assert.deepEqual(hub.asked, []);
    assert.equal(weights(), "weights/mae-tiny", "the address stays as it was");
  });

  test("a model that is picked looks at the photo again, and the address leads back to it", async () => {
    assert.equal(await open(), "ready", await page.error());
    assert.equal(await page.sample("coffee.jpg"), "ready");
    await page.threshold(0.05);
    await openMenu();
    await page.page.click(`[data-testid=model-option][data-model="${SMALL}"]`);
    await page.page.waitForFunction(() => document.querySelector("[data-testid=model-labels]")?.textContent === "person, bicycle, car");
    await page.page.waitForFunction(() => window.states.at(-1) === "ready");
    const found = await page.instances();
    assert.ok(found.length > 0 && found.every(({ label }) => ["person", "bicycle", "car"].includes(label)), JSON.stringify(found));
    assert.match(await facts(), /3 labels.*0\.3 MB.*from the Hub/);
    assert.equal(await menu().evaluate((details) => details.open), false, "the menu has closed");
    assert.equal(weights(), `hf:${SMALL}`);

    hub.asked = [];
    await page.page.reload();
    assert.equal(await page.settle(), "ready", await page.error());
    assert.equal(await labels(), "person, bicycle, car");
    const ranges = hub.asked.filter(({ path }) => path.startsWith(`/${SMALL}/model`)).map(({ range }) => range);
    assert.deepEqual(ranges, ["bytes=0-7"], "what was kept is not fetched again");
  });

  for (const [query, what] of [
    ["owner/model", "a bare name"],
    ["hf:owner/model", "hf:"],
    ["owner/model@v2", "a revision"],
    ["https://huggingface.co/owner/model/tree/v2", "the address of its page"],
  ]) {
    test(`?weights= takes ${what}`, async () => {
      assert.equal(await open(`&weights=${encodeURIComponent(query)}`), "ready", await page.error());
      assert.equal(await labels(), "cup, spoon, saucer");
      const revision = query.includes("v2") ? "v2" : "main";
      assert.ok(hub.asked.some(({ path }) => path === `/owner/model/resolve/${revision}/config.json`), JSON.stringify(hub.asked));
      assert.equal(weights(), revision === "main" ? "hf:owner/model" : "hf:owner/model@v2");
    });
  }

  test("a folder of this site comes before a model of the same name on the Hub", async () => {
    assert.equal(await open("&weights=fixtures/eomt_tiny"), "ready", await page.error());
    assert.equal(await labels(), "LABEL_0, LABEL_1, LABEL_2");
    assert.deepEqual(hub.asked, []);
    assert.match(await facts(), /from this site/);
  });

  test("what is no name is refused in a sentence", async () => {
    assert.equal(await open(), "ready", await page.error());
    for (const text of ["", "model", "owner/", "my models/model", "hf:owner", "owner/model@"]) {
      assert.equal(await name(text), "error", text);
      assert.match(await page.error(), /owner\/name/, text);
      assert.equal(await page.sample("photographer.jpg"), "ready", `the page goes on after “${text}”`);
    }
  });

  test("a model that cannot be used is refused in a sentence, and the model in use stays", async () => {
    const refused = {
      "owner/nowhere": [{}, /no such model or revision as owner\/nowhere.*check the name/is],
      "owner/model": [{ refuse: { status: 403, code: "GatedRepo" } }, /accept its licence at .*owner\/model/i],
      "owner/model@v9": [{}, /no such model or revision/i],
      "owner/encoder": [{}, /encoder to fine-tune from.*mae-seg finetune --encoder hf:owner\/encoder,/is],
      // Its tensors can be read, but shapes alone do not tell the architecture.
      "owner/pickled": [{}, /put a config\.json with Hugging Face/i],
      "owner/empty": [{}, /no model\.safetensors in owner\/empty/i],
      "owner/mixed": [{}, /query\.weight/],
      "owner/words": [{}, /config\.json/],
      "hf:owner/model": [{ cors: false }, /does not answer/],
    };
    assert.equal(await open(), "ready", await page.error());
    for (const [asked, [fault, sentence]] of Object.entries(refused)) {
      assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
      await page.threshold(0.05);
      const found = await page.instances();
      Object.assign(hub, { refuse: undefined, ...fault });
      assert.equal(await name(asked), "error", asked);
      assert.match(await page.error(), sentence);
      assert.doesNotMatch(await page.error(), /undefined|\[object/);
      assert.deepEqual(await page.instances(), found, `what was found is still shown after ${asked}`);
      assert.equal(weights(), "weights/mae-tiny");
      await page.page.getByRole("button", { name: "Keep using mae-tiny" }).click();
      assert.equal(await page.error(), undefined);
      assert.equal(await page.sample("photographer.jpg"), "ready", await page.error());
    }
  });

  test("after a refusal, another attempt loads it", async () => {
    assert.equal(await open(), "ready", await page.error());
    hub.refuse = { status: 401, code: "GatedRepo" };
    assert.equal(await name("owner/model"), "error");
    hub.refuse = undefined;
    assert.equal(await page.answerTo(() => page.page.getByRole("button", { name: "Try again" }).click()), "ready");
    assert.equal(await labels(), "cup, spoon, saucer");
  });

  test("an address that leads nowhere offers the bundled model", async () => {
    assert.equal(await open("&weights=owner/nowhere"), "error");
    assert.match(await page.error(), /no such model as owner\/nowhere.*nor is there such a folder/is);
    assert.equal(await page.answerTo(() => page.page.getByRole("button", { name: "Use mae-tiny" }).click()), "ready");
    assert.equal(weights(), "weights/mae-tiny");
  });

  for (const [what, fault] of Object.entries({
    "lines that break": { breaks: [100_000, 66_000, 66_000] },
    "a server that knows no ranges": { ranges: false },
    "both": { ranges: false, breaks: [100_000] },
  })) {
    test(`a model comes through ${what}`, async () => {
      Object.assign(hub, fault);
      assert.equal(await open("&weights=hf:owner/model"), "ready", await page.error());
      assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
      assert.deepEqual(hub.breaks, [], "every break happened");
    });
  }

  test("a download can be stopped", async () => {
    assert.equal(await open(), "ready", await page.error());
    hub.bytesPerSecond = 100_000;
    await openMenu();
    await page.hook("hub-name").fill("owner/model");
    await page.page.getByRole("button", { name: "Load" }).click();
    await page.page.getByText(/Fetching the model/).waitFor();
    assert.equal(await page.answerTo(() => page.page.getByRole("button", { name: "Keep using mae-tiny" }).click()), "ready");
    assert.match(await facts(), /bundled/);
    assert.equal(await page.sample("photographer.jpg"), "ready", await page.error());
  });

  test("works by keyboard alone", async () => {
    assert.equal(await open(), "ready", await page.error());
    await menu().locator("summary").first().focus();
    await page.page.keyboard.press("Enter");
    const focused = () => page.page.evaluate(() => document.activeElement.dataset.model);
    for (const _ of ["mae-tiny", "mae-small", SMALL]) await page.page.keyboard.press("Tab");
    assert.equal(await focused(), SMALL);
    assert.equal(await page.answerTo(() => page.page.keyboard.press("Enter")), "ready");
    assert.equal(await labels(), "person, bicycle, car");
  });
});

describe("a model of this device", () => {
  let site, browser, page, folder;

  before(async () => {
    site = await serve();
    browser = await launch();
    folder = await mkdtemp(join(tmpdir(), "holiday-"));
    await writeFile(join(folder, "notes.txt"), "no weights here");
    page = await SegmenterPage.open(browser, `${site.address}?backend=cpu&weights=weights/mae-tiny`);
    assert.equal(await page.settle(), "ready", await page.error());
  });

  after(async () => {
    page?.assertCalm();
    await browser?.close();
    await site?.close();
    await rm(folder, { recursive: true });
  });

  /** Performs a real drop of files or folders, given by their paths. */
  async function drop(...files) {
    const session = await page.page.context().newCDPSession(page.page);
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) await session.send("Input.dispatchDragEvent", { type, x: 200, y: 300, data });
    await session.detach();
  }

  const labels = () => page.hook("model-labels").evaluate((list) => list.textContent);
  const facts = () => page.hook("model-facts").innerText();

  test("is opened as a folder with the picker", async () => {
    assert.equal(await page.answerTo(() => page.hook("open-weights").setInputFiles(tiny)), "ready", await page.error());
    assert.match(await facts(), /3 labels.*from this device/);
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
    assert.equal(new URL(page.page.url()).searchParams.get("weights"), null, "nobody else could follow such an address");
  });

  test("is told from a photo where both are dropped on the same page", async () => {
    assert.equal(await page.answerTo(() => drop(join(root, "www/samples/photographer.jpg"))), "ready", await page.error());
    const shallow = join(root, "tests/fixtures/eomt_registers");
    assert.equal(await page.answerTo(() => drop(shallow)), "ready", await page.error());
    assert.match(await menuTitle(), /eomt_registers/);
    const files = [join(tiny, "model.safetensors"), join(tiny, "config.json")];
    assert.equal(await page.answerTo(() => drop(...files)), "ready", await page.error());
    assert.equal(await labels(), "LABEL_0, LABEL_1, LABEL_2");
  });

  const menuTitle = () => page.hook("model-menu").locator("summary .title").first().innerText();

  test("that is none is refused in a sentence", async () => {
    const before = await menuTitle();
    assert.equal(await page.answerTo(() => drop(folder)), "error");
    assert.match(await page.error(), /holiday-.* holds neither photos nor a model.*config\.json/s);
    assert.equal(await menuTitle(), before);
    assert.equal(await page.answerTo(() => drop(join(root, "www/samples/photographer.jpg"))), "ready", await page.error());
  });
});
