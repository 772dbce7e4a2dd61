// A Hub on this machine: resolve addresses, redirects to a second server, CORS, ETags, ranges, packed answers, and
// whatever goes wrong with those.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { root } from "./site.mjs";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Returns the files of a folder in tests/fixtures, by name. */
export async function fixture(name) {
  const folder = join(root, "tests/fixtures", name);
  const files = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
  const read = async ({ name: file }) => [file, await readFile(join(folder, file))];
  return Object.fromEntries(await Promise.all(files.map(read)));
}

async function listen(answer) {
  const server = createServer((request, response) => answer(request, response).catch(() => response.destroy()));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return { address: `http://127.0.0.1:${server.address().port}`, close };
}

/**
 * Starts a Hub with `models`, which maps `owner/name` to files by name. Properties that can be set later: `refuse`
 * (`{status, code}` of every response), `cors` (of the two servers), `ranges` (of the second server), `breaks`
 * (numbers of bytes after which its next responses end), `bytesPerSecond`. `asked` lists the requests as
 * `{path, range}`.
 */
export async function serveHub(models) {
  const hub = { models, refuse: undefined, cors: true, ranges: true, breaks: [], bytesPerSecond: Infinity, asked: [] };
  const storage = await listen((request, response) => answerStorage(hub, request, response));
  const front = await listen((request, response) => answerHub(hub, storage.address, request, response));
  hub.address = front.address;
  hub.close = () => Promise.all([front.close(), storage.close()]);
  return hub;
}

function headers(hub, more = {}) {
  const cors = { "access-control-allow-origin": "*", "access-control-expose-headers": "ETag, Content-Range, X-Error-Code, X-Repo-Commit" };
  return { ...(hub.cors && cors), ...more };
}

async function answerHub(hub, storage, request, response) {
  const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
  hub.asked.push({ path, range: request.headers.range });
  const refuse = (status, code) => response.writeHead(status, headers(hub, { "x-error-code": code })).end("refused");
  if (request.method === "OPTIONS") return response.writeHead(404).end();
  if (hub.refuse) return refuse(hub.refuse.status, hub.refuse.code);
  const [, model, revision, file] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const files = hub.models[model];
  // Without a token, the Hub does not distinguish a missing model from a private one.
  if (!files) return refuse(401, "RepoNotFound");
  if (!["main", "v2"].includes(revision)) return refuse(404, "RevisionNotFound");
  const bytes = files[file];
  if (!bytes) return refuse(404, "EntryNotFound");
  if (!file.endsWith(".json")) {
    const location = `${storage}/${model}/${file}?Signature=1`;
    return response.writeHead(302, headers(hub, { location, "x-linked-size": bytes.length })).end();
  }
  const body = gzipSync(bytes);
  const about = { "content-type": "text/plain; charset=utf-8", "content-encoding": "gzip", etag: `W/"${sha256(bytes).slice(0, 40)}"` };
  response.writeHead(200, headers(hub, { ...about, "content-length": body.length })).end(body);
}

async function answerStorage(hub, request, response) {
  const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
  hub.asked.push({ path, range: request.headers.range });
  // The real one does not answer preflight requests either.
  if (request.method === "OPTIONS") return response.writeHead(403).end();
  const [, owner, name, file] = path.split("/");
  const whole = hub.models[`${owner}/${name}`][file];
  const range = hub.ranges && /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const from = range ? Number(range[1]) : 0;
  const end = range?.[2] ? Math.min(Number(range[2]) + 1, whole.length) : whole.length;
  hub.etags ??= new Map();
  if (!hub.etags.has(whole)) hub.etags.set(whole, `"${sha256(whole)}"`);
  const about = { "content-type": "application/octet-stream", etag: hub.etags.get(whole), "accept-ranges": "bytes" };
  if (from >= whole.length) {
    return response.writeHead(416, headers(hub, { ...about, "content-range": `bytes */${whole.length}` })).end();
  }
  const content = range ? { "content-range": `bytes ${from}-${end - 1}/${whole.length}` } : {};
  response.writeHead(range ? 206 : 200, headers(hub, { ...about, ...content, "content-length": end - from }));
  const breakAt = end - from > 4096 ? (hub.breaks.shift() ?? Infinity) : Infinity;
  for (let at = from; at < end && !response.destroyed; at += 65536) {
    if (at - from >= breakAt) {
      await pause(200);
      return response.destroy();
    }
    const piece = whole.subarray(at, Math.min(at + 65536, end));
    if (!response.write(piece)) await new Promise((resolve) => (response.once("drain", resolve), response.once("close", resolve)));
    if (hub.bytesPerSecond < Infinity) await pause((1000 * piece.length) / hub.bytesPerSecond);
  }
  response.end();
}
