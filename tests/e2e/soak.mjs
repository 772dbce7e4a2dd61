// Many photos and model switches in one tab: memory must not grow. node soak.mjs [photos] [switches]
//
// Prints the memory of the tab's process, which has the page, the worker's WebAssembly and all canvases, and the heap of
// the page after garbage collection. Fails if the process grows by more than a fifth after the twentieth photo.

import { execSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SegmenterPage, launch } from "./page.mjs";
import { root, serve } from "./site.mjs";

const [photos, switches] = [process.argv[2] ?? 300, process.argv[3] ?? 100].map(Number);
const EVERY = 20;
const GROWTH = 1.2;

// Runs in the page: the photo at another size, as a JPEG.
async function resized([bytes, width, height]) {
  const photo = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").drawImage(photo, 0, 0, width, height);
  const blob = await canvas.convertToBlob({ type: "image/jpeg" });
  return [...new Uint8Array(await blob.arrayBuffer())];
}

/** Megabytes of the largest renderer, which is the tab's. */
function processMegabytes() {
  const rows = execSync("ps -eo rss,args").toString().split("\n").filter((row) => row.includes("type=renderer"));
  return Math.round(Math.max(...rows.map((row) => Number(row.trim().split(" ")[0]))) / 1024);
}

async function measured(page, session) {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const canvases = await page.page.evaluate(() => document.querySelectorAll("canvas").length);
  return { process: processMegabytes(), heap: Math.round(usedSize / 2 ** 20), canvases };
}

const [site, browser] = [await serve(), await launch()];
const page = await SegmenterPage.open(browser, `${site.address}?backend=cpu`);
await page.settle();
const session = await page.page.context().newCDPSession(page.page);
const original = [...(await readFile(join(root, "www/samples/coffee.jpg")))];
const rows = [];
const startFresh = async () => (await page.hook("start-fresh").isVisible()) && page.hook("start-fresh").click();
const report = async (what, done) => {
  const row = { what, done, ...(await measured(page, session)) };
  rows.push(row);
  console.log(`${String(done).padStart(4)} ${what}   process ${row.process} MB   heap ${row.heap} MB   ${row.canvases} canvases`);
};
for (let done = 1; done <= photos; done++) {
  const [width, height] = [200 + ((done * 397) % 2000), 200 + ((done * 613) % 1500)];
  const buffer = Buffer.from(await page.page.evaluate(resized, [original, width, height]));
  await startFresh();
  await page.give({ name: `${done}.jpg`, mimeType: "image/jpeg", buffer });
  if (done % EVERY === 0) await report("photos", done);
}
for (let done = 1; done <= switches; done++) {
  await startFresh();
  await page.answerTo(async () => {
    await page.hook("model-menu").locator("summary").first().click();
    await page.hook("model-option").nth(done % 2).click();
  });
  if (done % EVERY === 0) await report("switches", done);
}
await browser.close();
await site.close();
for (const what of ["photos", "switches"]) {
  const [first, ...later] = rows.filter((row) => row.what === what);
  const most = Math.max(0, ...later.map((row) => row.process));
  if (first && most > GROWTH * first.process) {
    console.error(`${what}: ${first.process} MB became ${most} MB`);
    process.exitCode = 1;
  }
}
