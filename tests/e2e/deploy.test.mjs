// The page as it is deployed: in any folder of any host, without a network, and with a new build under open tabs.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { fixture, serveHub } from "./hub.mjs";
import { launch, SegmenterPage } from "./page.mjs";
import { inWorker, root, serve as serveSite } from "./site.mjs";

const dist = join(root, "dist");
const html = readFileSync(join(dist, "index.html"), "utf8");
const [, build] = /data-build="(\w+)"/.exec(html);
let browser;

before(async () => {
  browser = await launch();
});
const sites = [];
after(() => Promise.all([browser.close(), ...sites.map((site) => site.close())]));

async function serve() {
  const site = await serveSite();
  sites.push(site);
  return site;
}

/** Opens the page in a new browser, and waits until its service worker has cached it. */
async function visit(site, path = "") {
  const context = await browser.newContext();
  const page = await SegmenterPage.open(context, `${site.address}${path}`);
  assert.equal(await page.settle(), "ready");
  await page.page.waitForFunction(() => navigator.serviceWorker.controller);
  return { context, page };
}

/** Simulates the deploy of another build: names of worker and style change, and the old files are gone. */
function rebuilt(path, bytes) {
  const names = readdirSync(dist).flatMap((name) => /^(?:worker|worker_loader|style)-(\w+)/.exec(name)?.[1] ?? []);
  const pairs = [build, ...names].map((hash) => [hash, [...hash].reverse().join("")]);
  if (pairs.some(([hash]) => path.includes(hash))) return { status: 404 };
  const renew = (text) => pairs.reduce((text, [old, fresh]) => text.replaceAll(old, fresh), text);
  const original = (name) => pairs.reduce((name, [old, fresh]) => name.replaceAll(fresh, old), name);
  const renewed = (name) => Buffer.from(renew(readFileSync(join(dist, original(name)), "latin1")), "latin1");
  if (original(path) !== path) return { bytes: renewed(path) };
  if (path.endsWith("service-worker.js")) {
    const sha256 = (name) => createHash("sha256").update(renewed(name)).digest("hex");
    return { bytes: Buffer.from(renew(bytes.toString()).replaceAll(/"(.+)": "\w{64}"/g, (_, name) => `"${name}": "${sha256(name)}"`)) };
  }
  if (/(\/|\.html)$/.test(path) && bytes) return { bytes: Buffer.from(renew(bytes.toString())) };
}

test("every file that changes has a hash in its name", () => {
  const fixed = readdirSync(dist).filter((name) => !/-[0-9a-f]{8,16}(_bg)?\.\w+$/.test(name));
  assert.deepEqual(fixed.sort(), ["README.md", "_headers", "index.html", "samples", "service-worker.js", "weights"]);
  assert.match(html, /<meta http-equiv="Content-Security-Policy"[^>]*script-src 'self' 'wasm-unsafe-eval';/);
  assert.doesNotMatch(html, /<script[^>]*>\s*[^<\s]/, "a script in the page");
});

test("without a network, the page opens and finds objects as before", async () => {
  const site = await serve();
  const { context, page } = await visit(site);
  await page.sample("coffee.jpg");
  const found = await page.instances();
  await site.close();
  await page.page.reload();
  assert.equal(await page.settle(), "ready");
  assert.match(await page.page.workers()[0].evaluate(() => self.name), /^weights=/, "told what to ask for early");
  await page.hook("start-fresh").click();
  await page.sample("coffee.jpg");
  assert.deepEqual(await page.instances(), found);
  assert.deepEqual(page.errors, []);
  await context.close();
});

test("without a network, a model of the Hub opens from what was kept of it", async () => {
  const site = await serve();
  const hub = await serveHub({ "owner/model": await fixture("eomt_tiny") });
  const { context, page } = await visit(site, `?backend=cpu&hub=${hub.address}&weights=hf:owner/model`);
  await page.sample("coffee.jpg");
  const found = await page.instances();
  await Promise.all([site.close(), hub.close()]);
  await page.page.reload();
  assert.equal(await page.settle(), "ready", await page.error());
  await page.hook("start-fresh").click();
  await page.sample("coffee.jpg");
  assert.deepEqual(await page.instances(), found);
  await context.close();
});

test("a new build under an open tab: the tab goes on, says so, and a reload brings it", async () => {
  const site = await serve();
  const { context, page } = await visit(site);
  site.faults.push(rebuilt);
  await page.page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
  await page.hook("new-version").waitFor({ timeout: 30_000 });
  // Files that it has not used yet are no longer on the server.
  await page.page.evaluate((script) => new Promise((resolve, reject) => {
    const worker = new Worker(script, { type: "module" });
    worker.onmessage = ({ data }) => data[0].Ready && resolve(worker.terminate());
    worker.onerror = reject;
  }), /data-worker="([^"]+)"/.exec(html)[1]);
  await page.sample("coffee.jpg");
  assert.ok((await page.instances()).length > 0);

  await page.hook("new-version").getByRole("button").first().click();
  await page.page.waitForFunction((old) => document.documentElement.dataset.build !== old, build);
  assert.equal(await page.settle(), "ready");
  assert.ok((await page.instances()).length > 0, "the photo stays");
  assert.equal(await page.hook("new-version").count(), 0);
  assert.deepEqual(page.errors, []);
  await context.close();
});

test("a visitor without a service worker gets no old file, however long the browser keeps them", async () => {
  const site = await serve();
  site.faults.push((path, bytes) => bytes && path.endsWith(".js") && { headers: { "cache-control": "max-age=86400" } });
  const context = await browser.newContext({ serviceWorkers: "block" });
  const before = await SegmenterPage.open(context, site.address);
  assert.equal(await before.settle(), "ready");
  site.faults.push(rebuilt);
  const after = await SegmenterPage.open(context, site.address);
  assert.equal(await after.settle(), "ready");
  assert.deepEqual(after.errors, []);
  await context.close();
});

test("in a folder of the site, everything is found, and offline, too", async () => {
  const site = await serve();
  const outside = [];
  site.faults.push((path) => {
    if (!path.startsWith("/some/where/")) return outside.push(path), { status: 404 };
    const name = path.slice("/some/where/".length) || "index.html";
    try {
      return { bytes: readFileSync(join(dist, name)), name };
    } catch {
      return { status: 404 };
    }
  });
  const { context, page } = await visit(site, "some/where/");
  await page.sample("coffee.jpg");
  assert.ok((await page.instances()).length > 0);
  await site.close();
  await page.page.reload();
  assert.equal(await page.settle(), "ready");
  assert.deepEqual(outside, []);
  assert.deepEqual(page.errors, []);
  await context.close();
});

test("a photo that another app shares arrives", async () => {
  const site = await serve();
  const { context, page } = await visit(site);
  const photo = readFileSync(join(root, "www/samples/coffee.jpg")).toString("base64");
  // As the system's share sheet posts it.
  await Promise.all([page.page.waitForURL(/\?/), page.page.evaluate((photo) => {
    const form = Object.assign(document.createElement("form"), { method: "POST", action: "./?share", enctype: "multipart/form-data" });
    const input = Object.assign(document.createElement("input"), { type: "file", name: "photos" });
    const files = new DataTransfer();
    files.items.add(new File([Uint8Array.from(atob(photo), (letter) => letter.charCodeAt(0))], "from a friend.jpg", { type: "image/jpeg" }));
    input.files = files.files;
    form.append(input);
    document.body.append(form);
    form.submit();
  }, photo)]);
  await page.page.getByTestId("instance").first().waitFor({ timeout: 60_000 });
  assert.equal(new URL(page.page.url()).searchParams.get("shared"), null);
  assert.deepEqual(page.errors, []);
  await context.close();
});

test("where it cannot start, the page says why", async () => {
  const site = await serve();
  const start = async (fault, script = () => {}) => {
    site.faults.splice(0, site.faults.length, fault);
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript(script);
    await page.goto(site.address);
    await page.locator("#start.stopped").waitFor({ timeout: 20_000 });
    const words = await page.locator("#start-words").innerText();
    await context.close();
    return words;
  };
  for (const lost of [/app-\w+\.js$/, /app-\w+_bg\.wasm$/, /app_start-\w+\.js$/]) {
    assert.match(await start((path) => lost.test(path) && { status: 404 }), /could not be loaded completely/, String(lost));
  }
  assert.match(await start(() => undefined, () => delete globalThis.WebAssembly), /no WebAssembly/);
  const strict = { headers: { "content-security-policy": "script-src 'self'" } };
  assert.match(await start((path) => path === "/" && strict), /security policy forbids WebAssembly/);
  // Without scripts, the page shows its static text.
  site.faults.splice(0, 1, (path) => path === "/" && { headers: { "content-security-policy": "script-src 'none'" } });
  const page = await browser.newPage();
  await page.goto(site.address);
  assert.match(await page.locator("#start").innerText(), /every object in your photo/);
  await page.getByText("Still nothing?").waitFor({ timeout: 15_000 });
  await page.close();

  const context = await browser.newContext();
  const file = await context.newPage();
  await file.goto(`file://${join(dist, "index.html")}`);
  await file.locator("#start.stopped").waitFor();
  assert.match(await file.locator("#start-words").innerText(), /do not run pages like this from a file/);
  await context.close();
});

test("a graphics processor that never answers is given up", async () => {
  const site = await serve();
  const silent = `Object.defineProperty(navigator, "gpu", { value: { requestAdapter: () => new Promise(() => {}), getPreferredCanvasFormat: () => "rgba8unorm", wgslLanguageFeatures: new Set() } });\n`;
  site.faults.push(inWorker(silent));
  const page = await SegmenterPage.open(browser, site.address);
  assert.equal(await page.settle(["ready", "error"], 60_000), "ready");
  assert.equal(await page.hook("backend").getAttribute("data-backend"), "cpu");
  await page.page.close();
});
