// Times the page against onnxruntime-web in one Chromium, a photo and forward passes in turn; prints JSON.
//
// `node page.mjs FOLDER ROUNDS [webgpu]`: FOLDER has what export.py wrote of each model, and dist/ the built page.

import { readFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { launch } from "../e2e/page.mjs";
import { inWorker, root, serve, types } from "../e2e/site.mjs";
import { counter, listen, start, watch } from "./inside.mjs";

const [folder, rounds, gpu] = process.argv.slice(2);
const LONGEST_MS = 900_000;
const PEER = join(root, "tests/bench/node_modules/onnxruntime-web");
const ISOLATION = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** Processor milliseconds of all processes below this one, as Linux tells them; 0 elsewhere. */
function processorMs() {
  const stat = (pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
      return [{ pid, parent: fields[1], ms: 10 * (Number(fields[11]) + Number(fields[12])) }];
    } catch {
      return [];
    }
  };
  const all = process.platform === "linux" ? readdirSync("/proc").filter(Number).flatMap(stat) : [];
  const below = (parent) =>
    all.filter((one) => one.parent === parent).reduce((sum, { pid, ms }) => sum + ms + below(pid), 0);
  return below(String(process.pid));
}

async function timed(action) {
  const before = processorMs();
  const result = await action();
  return { ...result, processor: processorMs() - before };
}

let headers = {};
const site = await serve();
const counting = inWorker(counter);
site.faults.push((path, bytes) => {
  if (path === "/bench/") return { bytes: Buffer.from("<!doctype html>"), type: "text/html", headers };
  const [, kind, name] = /^\/bench\/(ort|models)\/(.+)$/.exec(path) ?? [];
  if (!kind) return { ...(gpu && counting(path, bytes)), headers };
  const file = kind === "ort" ? join(PEER, "dist", basename(name)) : join(folder, name);
  return { bytes: readFileSync(file), type: name.endsWith(".mjs") ? types[".js"] : undefined, headers };
});

async function open(browser, address, ...scripts) {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(LONGEST_MS);
  for (const script of [listen, ...scripts]) await page.addInitScript(script);
  await page.goto(site.address + address);
  return page;
}

async function compare(browser, model, isolated, threads) {
  headers = isolated ? ISOLATION : {};
  const began = performance.now();
  const alone = threads > 1 ? "" : "&threads=1";
  const ours = await open(browser, `?backend=${gpu ?? "cpu"}&weights=weights/${model}${alone}`, watch);
  await ours.waitForSelector("[data-testid=status][data-state=ready]");
  const isReady = performance.now();
  const peer = await open(browser, "bench/", { content: counter });
  const bundle = gpu ? "ort.webgpu.min.mjs" : "ort.wasm.min.mjs";
  await peer.evaluate(start, { bundle, provider: gpu ?? "wasm", threads, model });
  const { logits } = await peer.evaluate(() => window.run("segmenter"));
  const ready = [isReady - began, performance.now() - isReady];
  await peer.evaluate(() => window.run("encoder"));
  const largestDifference = await difference(ours, model, logits);

  // The page has met no photo yet, where the peer is warm.
  await photoOf(ours, 0);
  // After which a second worker starts, and loads the model.
  if (!alone && !gpu) await new Promise((resolve) => setTimeout(resolve, 10_000));
  const series = { ours: [], segmenter: [], encoder: [] };
  for (let round = 1; round <= Number(rounds); round += 1) {
    series.ours.push(await counted(ours, () => photoOf(ours, round)));
    for (const graph of ["segmenter", "encoder"]) {
      series[graph].push(await counted(peer, () => peer.evaluate((graph) => window.run(graph), graph)));
    }
  }
  const isIsolated = await ours.evaluate(() => crossOriginIsolated);
  for (const page of [ours, peer]) await page.context().close();
  return { model, isolated: isIsolated, threads, largestDifference, ready, series };
}

/** The largest difference of our class logits from `logits`, for the input of the graphs as a photo. */
async function difference(ours, model, logits) {
  await ours.evaluate(async (address) => {
    const photo = await (await fetch(address)).arrayBuffer();
    window.worker.postMessage([{ Logits: { id: 1e6 } }, [photo]]);
  }, `/bench/models/${model}/photo.png`);
  const own = await (await ours.waitForFunction(() => window.logits, undefined, { polling: 20 })).jsonValue();
  if (own.length !== logits.length) throw new Error(`${own.length} logits, not ${logits.length}`);
  return Math.max(...own.map((logit, at) => Math.abs(logit - logits[at])));
}

async function photoOf(ours, index) {
  const name = index % 2 ? "photographer.jpg" : "astronaut.jpg";
  await ours.getByTestId("photo-input").setInputFiles(join(root, "www/samples", name));
  return (await ours.waitForFunction((at) => window.photos[at], index, { polling: 20 })).jsonValue();
}

async function counted(page, action) {
  const dispatches = () => page.evaluate(() => new Promise((done) => setTimeout(() => done(window.dispatches), 100)));
  const before = await dispatches();
  const { wall, total, processor } = await timed(action);
  return { wall, total, processor, dispatches: (await dispatches()) - before };
}

/** Bytes of a folder's files, packed. */
const packed = (place, pattern) =>
  readdirSync(place)
    .filter((name) => pattern.test(name))
    .reduce((sum, name) => sum + brotliCompressSync(readFileSync(join(place, name))).length, 0);

function sizes() {
  const peer = packed(join(PEER, "dist"), /^ort(\.wasm\.min|-wasm-simd-threaded)\.(mjs|wasm)$/);
  const ours = (pattern) => packed(join(root, "dist"), pattern);
  return [["the app's code", ours(/^(app|start).*\.(js|wasm)$/), peer], ["the worker's code", ours(/^worker.*\.(js|wasm)$/), peer]];
}

const browser = await launch({ gpu: Boolean(gpu) });
try {
  const cases = [];
  for (const model of gpu ? ["mae-tiny"] : ["mae-tiny", "mae-small"]) {
    cases.push(await compare(browser, model, false, 1));
    if (!gpu) cases.push(await compare(browser, model, true, availableParallelism()));
  }
  const { version } = JSON.parse(readFileSync(join(PEER, "package.json")));
  const versions = { Chromium: browser.version(), "onnxruntime-web": version };
  console.log(JSON.stringify({ cases, sizes: gpu ? [] : sizes(), versions }));
} finally {
  await browser.close();
  await site.close();
}
