// Serves the built page as a plain static host would, with faults on demand.

import { createServer } from "node:http";
import { readFile, stat } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export const types = {
  ".css": "text/css",
  ".html": "text/html",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

// `/fixtures/` is tests/fixtures, everything else is dist/.
function locate(path) {
  const clean = normalize(decodeURIComponent(path)).replace(/^(\.\.[/\\])+/, "");
  return clean.startsWith("/fixtures/") ? join(root, "tests", clean) : join(root, "dist", clean);
}

async function content(path) {
  const file = locate(path.endsWith("/") ? `${path}index.html` : path);
  return (await stat(file)).isFile() ? { file, bytes: await readFile(file) } : undefined;
}

/** Returns a fault that runs a script in the worker before its own. */
export const inWorker = (script) => (path, bytes) =>
  /worker_loader-\w+\.js$/.test(path) && { bytes: Buffer.concat([Buffer.from(script), bytes]) };

/**
 * Starts the site. `faults` are functions
 * `(path, bytes, request) => undefined | {status, bytes, name, type, headers, breakAt, noRanges, after}`;
 * `after` is a promise that the response waits for. `requests` counts the requests by path.
 */
export async function serve() {
  const site = { faults: [], requests: new Map() };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    site.requests.set(pathname, (site.requests.get(pathname) ?? 0) + 1);
    const found = await content(pathname).catch(() => undefined);
    const fault = site.faults.map((ask) => ask(pathname, found?.bytes, request)).find(Boolean) ?? {};
    await fault.after;
    let bytes = fault.bytes ?? found?.bytes;
    let status = fault.status ?? 200;
    if (!bytes || status === 404) {
      response.writeHead(404, { "content-type": "text/plain" }).end("not found");
      return;
    }
    const type = fault.type ?? types[extname(fault.name ?? found?.file ?? pathname)] ?? "application/octet-stream";
    const headers = { "content-type": type, "cache-control": "no-store", ...fault.headers };
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    if (range && !fault.noRanges) {
      const from = Number(range[1]);
      const end = range[2] ? Math.min(Number(range[2]) + 1, bytes.length) : bytes.length;
      status = from < bytes.length ? 206 : 416;
      headers["content-range"] = `bytes ${status === 206 ? `${from}-${end - 1}` : "*"}/${bytes.length}`;
      bytes = bytes.subarray(from, end);
    }
    response.writeHead(status, { ...headers, "content-length": bytes.length });
    if (fault.breakAt === undefined) {
      response.end(bytes);
    } else {
      response.write(bytes.subarray(0, fault.breakAt), () => setTimeout(() => response.destroy(), 300));
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  site.address = `http://127.0.0.1:${server.address().port}/`;
  site.close = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return site;
}
