// Many photos and model switches in one tab: memory must not grow. node soak.mjs [photos] [switches] [webgpu]
//
// Prints the heap of the page after garbage collection, the memory of all WebAssembly, the number of canvases, the memory of the
// tab's process and that of all GPU buffers. Fails if one of them grows by more than a fifth after the twentieth photo or switch.
// With `webgpu`, the model is a tiny one that the software adapter computes in a moment, and is not switched.

import { execSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BareBrowser } from "./bare.mjs";
import { recordStates } from "./page.mjs";
import { inWorker, serve } from "./site.mjs";

const gpu = process.argv[4] === "webgpu";
const [photos, switches] = [process.argv[2] ?? 300, gpu ? 0 : (process.argv[3] ?? 100)].map(Number);
const EVERY = 20;
const GROWTH = 1.2;

// Runs in another tab: the sample at another size, as the base64 of a JPEG.
async function resized(width, height) {
  const photo = await createImageBitmap(await (await fetch("coffee.jpg")).blob());
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").drawImage(photo, 0, 0, width, height);
  const reader = new FileReader();
  reader.readAsDataURL(await canvas.convertToBlob({ type: "image/jpeg" }));
  await new Promise((resolve) => (reader.onload = resolve));
  return reader.result.split(",")[1];
}

/**
 * Megabytes of the largest renderer, which is the tab's. Its shared memory is not counted: Chromium keeps up to 512 MB of
 * drawn pictures there for as long as nobody else needs the memory.
 */
function processMegabytes() {
  const renderers = execSync("ps -eo pid,args").toString().split("\n").filter((row) => row.includes("type=renderer"));
  const own = renderers.map((row) => {
    const status = execSync(`cat /proc/${row.trim().split(" ")[0]}/status || true`, { stdio: "pipe" }).toString();
    return Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  });
  return Math.round(Math.max(...own) / 1024);
}

// Runs in the page and in the workers, before their own scripts: remembers the memory of WebAssembly.
function rememberMemory() {
  const instantiate = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...given) => {
    const result = await instantiate.apply(WebAssembly, given);
    self.memory = result.instance.exports.memory;
    return result;
  };
}

// Runs in the workers: adds up the buffers that were neither destroyed nor collected.
function rememberBuffers() {
  self.bufferBytes = 0;
  const gone = new FinalizationRegistry((size) => (self.bufferBytes -= size));
  const { createBuffer } = self.GPUDevice?.prototype ?? {};
  if (!createBuffer) return;
  const { destroy } = GPUBuffer.prototype;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    self.bufferBytes += descriptor.size;
    gone.register(buffer, descriptor.size, buffer);
    return buffer;
  };
  GPUBuffer.prototype.destroy = function () {
    if (gone.unregister(this)) self.bufferBytes -= this.size;
    destroy.call(this);
  };
}

const [site, browser] = [await serve(), await BareBrowser.launch({ gpu })];
site.faults = [inWorker(`(${rememberMemory})(); (${rememberBuffers})();`)];
const [tab, maker] = [await browser.open("about:blank"), await browser.open(`${site.address}samples/photographer.jpg`)];
const inTab = (code) => browser.value(tab, code);
await browser.send("Page.enable", {}, tab);
for (const script of [recordStates, rememberMemory]) {
  await browser.send("Page.addScriptToEvaluateOnNewDocument", { source: `(${script})();` }, tab);
}
await browser.send("Page.navigate", { url: `${site.address}?${gpu ? "backend=webgpu&weights=fixtures/eomt_tiny" : "backend=cpu&weights=weights/mae-tiny"}` }, tab);
await browser.until(tab, "window.states?.includes('ready')");

/** Performs an action, and waits until the page is ready again. */
async function answerTo(action) {
  const before = await inTab("window.states.length");
  await action();
  await browser.until(tab, `window.states.slice(${before}).includes("ready")`);
}

const click = (selector) => inTab(`document.querySelector(${JSON.stringify(selector)})?.click()`);

async function give(file) {
  const { result } = await browser.send("Runtime.evaluate", { expression: "document.querySelector('[data-testid=photo-input]')" }, tab);
  await browser.send("DOM.setFileInputFiles", { files: [file], objectId: result.objectId }, tab);
}

const megabytes = (bytes) => Math.round(bytes / 2 ** 20);

/** Megabytes of all WebAssembly, once the second worker has its weights and they no longer change. */
async function wasmMegabytes() {
  for (let before; ; await new Promise((resolve) => setTimeout(resolve, 4000))) {
    const scopes = [tab, ...browser.workers()];
    const sizes = await Promise.all(scopes.map((scope) => browser.until(scope, "self.memory?.buffer.byteLength")));
    const sum = megabytes(sizes.reduce((sum, size) => sum + size, 0));
    if (sum === before) return sum;
    before = sum;
  }
}

async function bufferBytes(worker) {
  await browser.send("HeapProfiler.collectGarbage", {}, worker);
  return browser.value(worker, "self.bufferBytes");
}

async function measured() {
  const wasm = await wasmMegabytes();
  await browser.send("HeapProfiler.collectGarbage", {}, tab);
  const { usedSize } = await browser.send("Runtime.getHeapUsage", {}, tab);
  const canvases = await inTab("document.querySelectorAll('canvas').length");
  const buffers = await Promise.all(browser.workers().map(bufferBytes));
  return { heap: megabytes(usedSize), wasm, canvases, process: processMegabytes(), buffers: megabytes(Math.max(...buffers)) };
}

const rows = [];
async function report(what, done) {
  const row = { what, done, ...(await measured()) };
  rows.push(row);
  const { heap, wasm, canvases, process, buffers } = row;
  console.log(`${String(done).padStart(4)} ${what}   heap ${heap} MB   wasm ${wasm} MB   ${canvases} canvases   process ${process} MB   GPU buffers ${buffers} MB`);
}

const folder = await mkdtemp(join(tmpdir(), "soak-"));
for (let done = 1; done <= photos; done++) {
  // The largest first, so that it does not count as growth.
  const [width, height] = done === 1 ? [2200, 1700] : [200 + ((done * 397) % 2000), 200 + ((done * 613) % 1500)];
  const file = join(folder, `${done}.jpg`);
  await writeFile(file, await browser.value(maker, `(${resized})(${width}, ${height})`), "base64");
  await click("[data-testid=start-fresh]");
  await answerTo(() => give(file));
  if (done % EVERY === 0) await report("photos", done);
}
for (let done = 1; done <= switches; done++) {
  await answerTo(async () => {
    await click("[data-testid=model-menu] summary");
    await click(`[data-testid=model-option][data-model=${done % 2 ? "mae-small" : "mae-tiny"}]`);
  });
  if (done % EVERY === 0) await report("switches", done);
}
await browser.close();
await site.close();
await rm(folder, { recursive: true });
for (const what of ["photos", "switches"]) {
  const [first, ...later] = rows.filter((row) => row.what === what);
  for (const of of ["heap", "wasm", "canvases", "process", "buffers"]) {
    const most = Math.max(0, ...later.map((row) => row[of]));
    if (!first || most <= GROWTH * first[of]) continue;
    console.error(`${what}: ${of} grew from ${first[of]} to ${most}`);
    process.exitCode = 1;
  }
}
