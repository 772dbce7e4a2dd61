// A large model over a slow line that breaks: it arrives whole, and memory holds little besides it.
//
// The model is small for everyday; FULL=1 makes it the 96 MB of an EoMT-S.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { BareBrowser } from "./bare.mjs";
import { serveHub } from "./hub.mjs";
import { inWorker, serve } from "./site.mjs";
import { eomt } from "./synthetic.mjs";

const MIB = 2 ** 20;
const full = Boolean(process.env.FULL);
/** Memory allowed besides the model, in MiB. */
const MOST_EXTRA = 64;

// Put in front of the worker's script: lets the test look at the worker's memory.
const memoryGuard = `
const start = WebAssembly.instantiateStreaming;
WebAssembly.instantiateStreaming = async (...given) => {
  const started = await start(...given);
  self.memory = started.instance.exports.memory;
  return started;
};
`;

const state = `document.querySelector("[data-testid=status]")?.dataset.state`;
const text = (hook) => `document.querySelector("[data-testid=${hook}]")?.innerText`;

/** Returns the process that runs page and worker. */
async function rendererOf(browser) {
  const { processInfo } = await browser.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
  const sizes = await Promise.all(renderers.map(async (id) => [await status(id, "VmRSS"), id]));
  return sizes.sort((a, b) => b[0] - a[0])[0][1];
}

/** Returns a field of /proc/PID/status in MiB. */
async function status(id, name) {
  const text = await readFile(`/proc/${id}/status`, "utf8");
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)[1]) / 1024;
}

/** Requests a model of the Hub in the page, as a visitor would. */
function ask(name) {
  const menu = document.querySelector("[data-testid=model-menu]");
  menu.querySelector("summary").click();
  const field = menu.querySelector("[data-testid=hub-name]");
  field.value = name;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.form.requestSubmit();
}

test("a model streams into the page over a slow line that breaks twice", { timeout: 600_000, skip: process.platform !== "linux" }, async (context) => {
  const files = eomt(full ? {} : { depth: 3, side: 320, queries: 50 });
  const model = files["model.safetensors"].length / MIB;
  const hub = await serveHub({ "owner/large": files });
  const site = await serve();
  const browser = await BareBrowser.launch();
  try {
    // A service worker would share the process, and cache the page at the same time.
    site.faults = [inWorker(memoryGuard), (path) => path === "/service-worker.js" && { status: 404 }];
    const page = await browser.open(`${site.address}?backend=cpu&hub=${hub.address}`);
    await browser.until(page, `${state} === "ready"`);
    const worker = await browser.worker();
    const held = () => browser.value(worker, "self.memory.buffer.byteLength / 2 ** 20");

    const renderer = await rendererOf(browser);
    // Resets the peak memory.
    await writeFile(`/proc/${renderer}/clear_refs`, "5");
    const before = { wasm: await held(), all: await status(renderer, "VmRSS") };
    Object.assign(hub, { breaks: [3 * MIB, 2 * MIB], bytesPerSecond: full ? 12e6 : 20e6 });
    await browser.value(page, `(${ask})("owner/large")`);
    await browser.until(page, `${state} === "error" || /133 labels/.test(${text("model-facts")})`, 500_000);
    assert.equal(await browser.value(page, state), "ready", await browser.value(page, text("error")));
    const extra = { wasm: (await held()) - before.wasm - model, all: (await status(renderer, "VmHWM")) - before.all - model };
    context.diagnostic(`model ${model.toFixed(1)} MiB; besides it ${extra.wasm.toFixed(1)} in WebAssembly, ${extra.all.toFixed(1)} in the whole process`);
    assert.deepEqual(hub.breaks, [], "the line broke twice");
    assert.ok(extra.all < MOST_EXTRA, `${extra.all} MiB in the whole process`);
  } finally {
    await browser.close();
    await Promise.all([site.close(), hub.close()]);
  }
});
