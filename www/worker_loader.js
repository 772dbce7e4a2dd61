// Starts the worker, and tells the page meanwhile how much of it has come.

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

await load(4);
