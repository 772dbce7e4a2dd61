// A cold visit over a slow line: when the page can be used. node cold.mjs [kbit/s] [query]
//
// Serves dist/ as hosts do, packed by gzip.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { launch } from "./page.mjs";
import { root, types } from "./site.mjs";

const [rate = 1500, query = "?backend=cpu&weights=weights/mae-tiny"] = process.argv.slice(2);
const packed = new Map();
const asked = [];
let start = 0;

/** A file, packed where that helps. */
async function content(path) {
  const bytes = await readFile(join(root, "dist", path.endsWith("/") ? `${path}index.html` : path));
  if (!/\.(wasm|js|css|html|svg|json|webmanifest)$|\/$/.test(path)) return { bytes };
  if (!packed.has(path)) packed.set(path, gzipSync(bytes, { level: 9 }));
  return { bytes: packed.get(path), encoding: "gzip" };
}

// Runs in the page: milliseconds until each of these was there.
function watch() {
  const marks = (window.marks = {});
  const mark = (name) => (marks[name] ??= Math.round(performance.now()));
  const look = () => {
    if (document.getElementById("start-photos")) mark("a photo can be chosen");
    const state = document.querySelector("[data-testid=status]")?.dataset.state;
    if (state) mark("the app is there");
    if (state === "ready") mark("the model is ready");
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  const found = await content(pathname).catch(() => undefined);
  if (!found) return response.writeHead(404).end();
  let { bytes } = found;
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const headers = { "content-type": types[extname(pathname)] ?? (pathname.endsWith("/") ? "text/html" : "application/octet-stream") };
  if (found.encoding) headers["content-encoding"] = found.encoding;
  else if (range) {
    headers["content-range"] = `bytes ${range[1]}-${range[2]}/${bytes.length}`;
    bytes = bytes.subarray(Number(range[1]), Number(range[2]) + 1);
  }
  asked.push(`${String(Math.round(performance.now() - start)).padStart(6)} ms  ${pathname}  ${bytes.length} bytes`);
  response.writeHead(headers["content-range"] ? 206 : 200, { ...headers, "content-length": bytes.length }).end(bytes);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await launch();
try {
  const page = await browser.newPage();
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  const throughput = (Number(rate) * 1000) / 8;
  const line = { offline: false, latency: 40, downloadThroughput: throughput, uploadThroughput: throughput };
  await network.send("Network.emulateNetworkConditions", line);
  await page.addInitScript(watch);
  start = performance.now();
  await page.goto(`http://127.0.0.1:${server.address().port}/${query}`, { waitUntil: "commit" });
  await page.waitForSelector("[data-testid=status][data-state=ready]", { timeout: 600_000 });
  console.log(asked.join("\n"));
  console.log(await page.evaluate(() => window.marks));
} finally {
  await browser.close();
  server.close();
}
