// The page as a visitor meets it: a page object over the `data-testid` hooks.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The path of the Chromium under test. */
export const chromiumPath = () => process.env.CHROMIUM ?? places.find(existsSync);

export const flags = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"];

/** What turns the software WebGPU adapter on. */
export const gpuFlags = ["--enable-unsafe-webgpu"];

/** Launches a headless Chromium; `gpu` adds its software WebGPU adapter. */
export function launch({ gpu = false } = {}) {
  return chromium.launch({ executablePath: chromiumPath(), args: [...flags, ...(gpu ? gpuFlags : [])] });
}

/**
 * Returns the milliseconds of processor time that each task of the page's main thread took during `action`. Wall
 * time, as in long task entries, would also count the time that other programs and threads took.
 */
export async function mainThreadTasks(browser, page, action) {
  await browser.startTracing(page, { categories: ["toplevel", "__metadata"] });
  await action();
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  const threads = traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const isMain = ({ pid, tid }) => threads.some((thread) => thread.pid === pid && thread.tid === tid);
  return traceEvents.filter((event) => event.tdur !== undefined && isMain(event)).map(({ tdur }) => tdur / 1000);
}

/** Runs in the page: remembers every state it goes through, however briefly. */
export function recordStates() {
  window.states = [];
  new MutationObserver((changes) => {
    for (const { target } of changes) if (target.dataset?.testid === "status") window.states.push(target.dataset.state);
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-state"] });
  // Headless browsers have no share sheet.
  navigator.canShare = () => true;
  navigator.share = async ({ files }) => {
    window.shared = files.map(({ name, type }) => [name, type]);
  };
}

/** Runs in the page: collects the milliseconds that workers report, by the kind of reply. */
export function readClocks() {
  window.clocks = { Segmented: [], Asked: [] };
  window.Worker = class extends Worker {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", ({ data }) => {
        for (const [kind, times] of Object.entries(window.clocks)) {
          const elapsed = data?.[0]?.[kind]?.elapsed_ms;
          if (elapsed !== undefined) times.push(elapsed);
        }
      });
    }
  };
}

export class SegmenterPage {
  constructor(page) {
    this.page = page;
    this.errors = [];
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("console", (message) => /Content Security Policy/.test(message.text()) && this.errors.push(message.text()));
  }

  /**
   * Opens `address`, with the fast model if it names none, so that tests do not depend on the machine. The scripts
   * run first. In a browser, unlike in a context that is given, nobody comes back: without a service worker, which
   * would keep all files for the next visit, a page opens sooner.
   */
  static async open(browser, address, { suited = false, ...options } = {}, ...scripts) {
    const asked = new URL(address);
    if (!suited && !asked.searchParams.has("weights")) asked.searchParams.set("weights", "weights/mae-tiny");
    const page = await browser.newPage({ serviceWorkers: "block", ...options });
    const it = new SegmenterPage(page);
    for (const script of [recordStates, ...scripts]) await page.addInitScript(script);
    await page.goto(asked.href);
    return it;
  }

  hook(name) {
    return this.page.getByTestId(name);
  }

  /** Waits until the page is in one of `states`; returns which. */
  async settle(states = ["ready", "error"], timeout = 120_000) {
    const selector = states.map((state) => `[data-testid=status][data-state=${state}]`).join(",");
    const status = await this.page.waitForSelector(selector, { timeout });
    return status.getAttribute("data-state");
  }

  async state() {
    return this.hook("status").getAttribute("data-state");
  }

  /** Sets the file of the picker and waits for the result. */
  give(file) {
    return this.answerTo(() => this.hook("photo-input").setInputFiles(file));
  }

  sample(name) {
    return this.answerTo(() => this.page.click(`[data-sample="${name}"]`));
  }

  /** Performs an action that gives the page a photo; returns the final state. */
  async answerTo(action, timeout = 120_000) {
    const before = await this.page.evaluate(() => window.states.length);
    await action();
    const ended = await this.page.waitForFunction(
      (from) => window.states.slice(from).find((state) => state === "ready" || state === "error"),
      before,
      { timeout },
    );
    return ended.jsonValue();
  }

  async instances() {
    return this.hook("instance").evaluateAll((rows) =>
      rows.map((row) => ({ label: row.dataset.label, score: Number(row.dataset.score), area: Number(row.dataset.area) })),
    );
  }

  /** Returns the size of the overlay, and the number of its pixels that are not transparent. */
  async overlay() {
    return this.hook("overlay").evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let painted = 0;
      for (let at = 3; at < data.length; at += 4) painted += data[at] > 0;
      return { width: canvas.width, height: canvas.height, painted };
    });
  }

  /** Waits until the overlay is as expected, since painting takes a moment. */
  async painted(isWanted) {
    for (const end = Date.now() + 20_000; !isWanted(await this.overlay()); ) {
      assert.ok(Date.now() < end, `the overlay never got there: ${JSON.stringify(await this.overlay())}`);
      await this.page.waitForTimeout(50);
    }
  }

  /** Saves a file of a kind, for the picked objects or all shown ones; returns its name and bytes. */
  async download(kind, which) {
    await this.hook("save-what").selectOption(kind);
    if (which) await this.hook("save-which").selectOption(which);
    const [download] = await Promise.all([this.page.waitForEvent("download"), this.hook("save").click()]);
    return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
  }

  async threshold(value) {
    await this.hook("threshold").fill(String(value));
  }

  async error() {
    return (await this.hook("error").count()) ? this.hook("error").innerText() : undefined;
  }

  async backend() {
    return this.hook("backend").innerText();
  }

  assertCalm() {
    assert.deepEqual(this.errors, [], "no uncaught error on the page");
  }
}
