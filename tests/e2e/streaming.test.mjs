// A large model over a slow line that breaks: it arrives whole, and memory holds little besides it.
//
// The model is small for everyday; FULL=1 makes it the 96 MB of an EoMT-S.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { serveHub } from "./hub.mjs";
import { SegmenterPage, launch } from "./page.mjs";
import { serve } from "./site.mjs";
import { eomt } from "./synthetic.mjs";

const MIB = 2 ** 20;
const full = Boolean(process.env.FULL);
/** WebAssembly's memory besides the model, in MiB. */
const MOST_EXTRA = full ? 64 : 40;

// Put in front of the worker's script: lets the test look at the worker's memory.
const memoryGuard = `
const start = WebAssembly.instantiateStreaming;
WebAssembly.instantiateStreaming = async (...given) => {
  const started = await start(...given);
  self.memory = started.instance.exports.memory;
  return started;
};
`;

/** The process that holds page and worker. */
async function rendererOf(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
  const sizes = await Promise.all(renderers.map(async (id) => [await status(id, "VmRSS"), id]));
  return sizes.sort((a, b) => b[0] - a[0])[0][1];
}

/** A line of /proc/PID/status, in MiB. */
async function status(id, name) {
  const text = await readFile(`/proc/${id}/status`, "utf8");
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)[1]) / 1024;
}

test("a model streams into the page over a slow line that breaks twice", { timeout: 600_000, skip: process.platform !== "linux" }, async (context) => {
  const files = eomt(full ? {} : { depth: 3, side: 320, queries: 50 });
  const model = files["model.safetensors"].length / MIB;
  const hub = await serveHub({ "owner/large": files });
  const site = await serve();
  const browser = await launch();
  try {
    site.faults = [
      (path, bytes) => path === "/worker_loader.js" && { bytes: Buffer.concat([Buffer.from(memoryGuard), bytes]) },
    ];
    const page = await SegmenterPage.open(await browser.newContext(), `${site.address}?backend=cpu&hub=${hub.address}`);
    assert.equal(await page.settle(), "ready", await page.error());
    const [worker] = page.page.workers();
    const held = () => worker.evaluate(() => self.memory.buffer.byteLength / 2 ** 20);

    const renderer = await rendererOf(browser);
    // From here on, the largest memory is counted anew.
    await writeFile(`/proc/${renderer}/clear_refs`, "5");
    const before = { wasm: await held(), all: await status(renderer, "VmRSS") };
    Object.assign(hub, { breaks: [3 * MIB, 2 * MIB], bytesPerSecond: full ? 12e6 : 20e6 });
    const loaded = await page.answerTo(async () => {
      await page.hook("model-menu").locator("summary").first().click();
      await page.hook("hub-name").fill("owner/large");
      await page.hook("hub-name").press("Enter");
    }, 500_000);
    assert.equal(loaded, "ready", await page.error());
    const extra = { wasm: (await held()) - before.wasm - model, all: (await status(renderer, "VmHWM")) - before.all - model };
    context.diagnostic(`model ${model.toFixed(1)} MiB; besides it ${extra.wasm.toFixed(1)} in WebAssembly, ${extra.all.toFixed(1)} in the whole process`);
    assert.deepEqual(hub.breaks, [], "the line broke twice");
    assert.match(await page.hook("model-facts").innerText(), /133 labels/);
    assert.ok(extra.wasm < MOST_EXTRA, `${extra.wasm} MiB in WebAssembly`);
    // What the process holds beside that is the browser's: buffers that passed and that it has yet to collect.
    page.assertCalm();
  } finally {
    await browser.close();
    await Promise.all([site.close(), hub.close()]);
  }
});
