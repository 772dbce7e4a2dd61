// What page.mjs has the two pages do.

/** Runs first in both pages and in our worker: tells how many GPU kernels were started so far. */
export const counter = `if (self.GPUQueue) {
  let count = 0;
  const channel = new BroadcastChannel("dispatches");
  const before = (object, name, action) => {
    const run = object[name];
    object[name] = function (...given) { action(); return run.apply(this, given); };
  };
  const kernels = ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"];
  for (const name of kernels) before(GPUComputePassEncoder.prototype, name, () => (count += 1));
  before(GPUQueue.prototype, "submit", () => channel.postMessage(count));
}
`;

/** Keeps the number that the counter told. */
export function listen() {
  window.dispatches = 0;
  new BroadcastChannel("dispatches").onmessage = ({ data }) => (window.dispatches = data);
}

/** Notes each photo's milliseconds in our page, and the class logits that the worker is asked for. */
export function watch() {
  window.photos = [];
  let given;
  addEventListener("change", () => (given = performance.now()), true);
  window.Worker = class extends Worker {
    constructor(...how) {
      super(...how);
      window.worker = this;
      let segmented;
      this.addEventListener("message", ({ data: [message, buffers] }) => {
        if (message.Logits) window.logits = [...new Float32Array(buffers[0])];
        segmented = message.Segmented?.elapsed_ms ?? segmented;
        if (!message.Painted || !segmented) return;
        const wall = segmented;
        segmented = undefined;
        // Once the page has drawn the masks, in the same event.
        setTimeout(() => window.photos.push({ wall, total: performance.now() - given }));
      });
    }
  };
}

/** Gives the other page a function that runs a graph once, and returns milliseconds and class logits. */
export async function start({ bundle, provider, threads, model }) {
  const bytes = async (name) => (await fetch(`/bench/models/${model}/${name}`)).arrayBuffer();
  const ort = await import(`/bench/ort/${bundle}`);
  Object.assign(ort.env.wasm, { numThreads: threads, wasmPaths: "/bench/ort/" });
  const pixels = new Float32Array(await bytes("input.f32"));
  const side = Math.sqrt(pixels.length / 3);
  const sessions = {};
  window.run = async (graph) => {
    const how = { executionProviders: [provider], freeDimensionOverrides: { batch: 1 } };
    sessions[graph] ??= await ort.InferenceSession.create(await bytes(`${graph}.onnx`), how);
    const began = performance.now();
    const outputs = await sessions[graph].run({ images: new ort.Tensor("float32", pixels, [1, 3, side, side]) });
    for (const output of Object.values(outputs)) await output.getData();
    return { wall: performance.now() - began, logits: outputs.class_logits && [...outputs.class_logits.data] };
  };
}
