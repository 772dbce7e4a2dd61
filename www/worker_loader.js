// Starts the worker, and tells the page meanwhile how much of it has come. The weights come beside it: the page names their folder
// in the worker's name, as `weights`, or as `gpu` where they are wanted on graphics processors only.

import init from "./worker.js";

// What it is unpacked, which is what the browser lets us count.
const total_bytes = 0;

async function tell(body) {
  let [done_bytes, told] = [0, 0];
  for (const reader = body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    done_bytes += value.length;
    if (performance.now() - told > 100) {
      told = performance.now();
      postMessage([{ Starting: { done_bytes, total_bytes } }, []]);
    }
  }
}

/** Answers asked for before the worker was there, by address; it takes each of them once, and asks for everything else itself. */
const early = (self.early = new Map());
let isHere = false;

function promise(address, answer) {
  // Whoever takes it finds out what went wrong.
  answer.catch(() => {});
  early.set(address, answer);
}

async function ask(address) {
  const response = await fetch(address, { cache: "no-cache", priority: "low" });
  return response.ok && response.body ? new Response(ahead(response.body.getReader()), response) : response;
}

/** Reads on while nobody takes what is here, where browsers would stop; a line that breaks loses nothing of it. */
function ahead(reader) {
  const parts = [];
  let [isOver, failure, wake] = [false, undefined, () => {}];
  const read = async () => {
    for (let part; !(part = await reader.read()).done; wake()) parts.push(part.value);
  };
  const end = (error) => ([isOver, failure] = [true, error], wake());
  read().then(end, end);
  const pull = async (body) => {
    while (!parts.length && !isOver) await new Promise((resolve) => (wake = resolve));
    if (parts.length) body.enqueue(parts.shift());
    else if (failure) body.error(failure);
    else body.close();
  };
  return new ReadableStream({ pull }, { highWaterMark: 0 });
}

/** The folder's manifest, once what it lists and this browser does not keep is on its way. */
async function askForFolder(at) {
  const manifest = await ask(at("manifest.json"));
  if (!manifest.ok) return manifest;
  const { files } = await manifest.clone().json();
  // Larger ones are read bit by bit, and are not held here beside that.
  if (files.reduce((sum, { bytes }) => sum + bytes, 0) > 64e6) return manifest;
  const kept = await self.caches?.open("mae-seg-weights").then((cache) => cache.keys());
  const isKept = ({ sha256 }) => kept?.some(({ url }) => url.includes(sha256));
  for (const { name } of files.filter((file) => !isKept(file))) promise(at(name), ask(at(name)));
  return manifest;
}

async function askForWeights() {
  const wanted = new URLSearchParams(self.name);
  let folder = wanted.get("weights");
  if (!folder && wanted.has("gpu")) {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
    if (adapter && !(adapter.info ?? adapter).isFallbackAdapter) folder = wanted.get("gpu");
  }
  if (!folder || isHere) return;
  const at = (file) => new URL(`${folder.replace(/\/+$/, "")}/${file}`, location.href).href;
  promise(at("manifest.json"), askForFolder(at));
}

async function load(attempts) {
  try {
    const response = await fetch(new URL("worker_bg.wasm", import.meta.url));
    if (!response.ok) throw new Error(`status ${response.status}`);
    tell(response.clone().body).catch(() => {});
    await init({ module_or_path: response });
  } catch (error) {
    // A broken connection may be back; the browser continues with what it has.
    if (attempts === 1 || error instanceof WebAssembly.CompileError || error instanceof WebAssembly.LinkError) throw error;
    await new Promise((resolve) => setTimeout(resolve, 500));
    await load(attempts - 1);
  }
}

/** Holds the lock on which the page waits: the browser releases it when this worker ends, however it does. */
async function hold(lock) {
  const forever = new Promise(() => {});
  await new Promise((held) => navigator.locks?.request(lock, () => (held(), forever)).catch(held) ?? held());
}

// Where this goes wrong, the worker asks again and says what is wrong.
askForWeights().catch(() => {});
await hold(self.name);
await load(4);
isHere = true;
