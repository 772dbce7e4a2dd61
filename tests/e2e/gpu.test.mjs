// WebGPU on the software adapter, with a tiny model; and what happens where WebGPU fails.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, describe, test } from "node:test";
import { join } from "node:path";
import { SegmenterPage, launch } from "./page.mjs";
import { inWorker, root, serve } from "./site.mjs";
import { halved, unmasked } from "./synthetic.mjs";

const TINY = "weights=fixtures/eomt_tiny";

// How many kernels a photo may take here: 233, since layer norm, GELU and softmax are one each.
const MOST_STARTS = 240;

// Put in front of the worker's script: reports every shader that the browser refuses, and every kernel that is started.
const shaderGuard = `
const channel = new BroadcastChannel("shaders");
const create = GPUDevice.prototype.createShaderModule;
GPUDevice.prototype.createShaderModule = function (descriptor) {
  const shader = create.call(this, descriptor);
  shader.getCompilationInfo().then(({ messages }) => {
    channel.postMessage({ errors: messages.filter(({ type }) => type === "error").map(({ message }) => message) });
  });
  return shader;
};
const start = GPUComputePassEncoder.prototype.dispatchWorkgroups;
GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...size) {
  channel.postMessage({ errors: [], isStart: true });
  return start.apply(this, size);
};
`;

const brokenShaders = `
const create = GPUDevice.prototype.createShaderModule;
GPUDevice.prototype.createShaderModule = function (descriptor) {
  return create.call(this, { ...descriptor, code: "this is no shader" });
};
`;

const wrongNumbers = `
const create = GPUDevice.prototype.createShaderModule;
GPUDevice.prototype.createShaderModule = function (descriptor) {
  return create.call(this, { ...descriptor, code: descriptor.code.replaceAll("exp(", "sin(") });
};
`;

const noDevice = `
GPUAdapter.prototype.requestDevice = () => Promise.reject(new Error("the driver is asleep"));
`;

const neverReads = `
GPUBuffer.prototype.mapAsync = () => new Promise(() => {});
`;

const destroyable = `
self.devices = [];
const requestDevice = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (...given) {
  const device = await requestDevice.apply(this, given);
  self.devices.push(device);
  return device;
};
`;

describe("WebGPU", { timeout: 600_000 }, () => {
  let site, browser, page;

  before(async () => {
    site = await serve();
    browser = await launch({ gpu: true });
  });

  afterEach(async () => {
    site.faults = [];
    await page?.page.context().close();
  });

  after(async () => {
    await browser?.close();
    await site?.close();
  });

  async function visit(query, beforeWorker) {
    site.faults = [inWorker(beforeWorker)];
    const context = await browser.newContext();
    await context.addInitScript(() => {
      window.shaders = [];
      new BroadcastChannel("shaders").onmessage = ({ data }) => window.shaders.push(data);
    });
    page = await SegmenterPage.open(context, `${site.address}?${TINY}${query}`);
  }

  async function open(query, beforeWorker = "") {
    await visit(query, beforeWorker);
    return page.settle(["ready", "error"], 300_000);
  }

  test("finds objects, and the browser accepts every shader", async () => {
    assert.equal(await open("&backend=webgpu", shaderGuard), "ready", await page.error());
    assert.match(await page.backend(), /WebGPU/);
    assert.doesNotMatch(await page.backend(), /CPU/);
    const started = () => page.page.evaluate(() => window.shaders.filter(({ isStart }) => isStart).length);
    const before = await started();
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
    const starts = (await started()) - before;
    assert.ok(starts > 0 && starts <= MOST_STARTS, `${starts} kernels`);
    assert.match(await page.backend(), /^Using the graphics processor/, "still on the GPU");
    await page.threshold(0.05);
    assert.ok((await page.instances()).length > 0);
    const shaders = await page.page.evaluate(() => window.shaders);
    assert.ok(shaders.length > 0, "the guard saw shaders");
    assert.deepEqual(shaders.flatMap(({ errors }) => errors), []);
    page.assertCalm();
  });

  test("a device that is lost gives no empty answer, and the next photo works", async () => {
    assert.equal(await open("&backend=webgpu", destroyable), "ready", await page.error());
    const lose = () => Promise.all(page.page.workers().map((worker) => worker.evaluate(() => self.devices.forEach((device) => device.destroy()))));
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
    const found = await page.instances();
    await lose();
    assert.equal(await page.sample("astronaut.jpg"), "ready", await page.error());
    assert.ok((await page.instances()).length > 0);
    const answer = page.sample("coffee.jpg");
    await lose();
    assert.equal(await answer, "ready", await page.error());
    assert.equal((await page.instances()).length, found.length);
  });

  test("a GPU process that is killed gives no empty answer, and the next photo works", async () => {
    const devtools = await browser.newBrowserCDPSession();
    const gpuProcess = async () => (await devtools.send("SystemInfo.getProcessInfo")).processInfo.find(({ type }) => type === "GPU")?.id;
    assert.equal(await open("&backend=webgpu"), "ready", await page.error());
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
    const found = await page.instances();
    const killed = await gpuProcess();
    process.kill(killed, "SIGKILL");
    assert.equal(await page.sample("astronaut.jpg"), "ready", await page.error());
    assert.notEqual(await gpuProcess(), killed);
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
    assert.equal((await page.instances()).length, found.length);
    page.assertCalm();
  });

  const failures = {
    "a driver that gives no device": noDevice,
    "shaders that the driver refuses": brokenShaders,
    "a driver that computes wrong numbers": wrongNumbers,
  };
  for (const [what, script] of Object.entries(failures)) {
    test(`${what} means the CPU, in words`, async () => {
      assert.equal(await open("&backend=webgpu", script), "ready", await page.error());
      assert.match(await page.backend(), /WebGPU.*using the CPU/);
      assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
      page.assertCalm();
    });
  }

  test("a GPU that warms up for ever can be left for the CPU", async () => {
    await visit("&backend=webgpu", neverReads);
    await page.hook("use-cpu").click({ timeout: 300_000 });
    assert.equal(await page.settle(["ready", "error"], 300_000), "ready", await page.error());
    assert.match(await page.backend(), /CPU/);
    assert.equal(await page.sample("coffee.jpg"), "ready", await page.error());
    page.assertCalm();
  });

  const photographer = () => readFile(join(root, "www/samples/photographer.jpg"));
  const logitsOf = async (backend) => {
    const asked = { backend, photo: [...(await photographer())], folder: `${site.address}fixtures/eomt_tiny/` };
    const logits = await page.page.evaluate(askForLogits, asked);
    assert.equal(logits.backend, backend);
    return logits;
  };
  const worst = (actual, expected) => {
    assert.equal(actual.length, expected.length);
    return Math.max(...actual.map((value, at) => Math.abs(value - expected[at])));
  };

  for (const [backend, tolerance] of [["Cpu", 1e-4], ["WebGpu", 1e-3]]) {
    test(`${backend} in the browser computes the native numbers`, async () => {
      await open("&backend=cpu");
      const golden = JSON.parse(await readFile(join(root, "tests/fixtures/golden_logits.json")));
      const logits = await logitsOf(backend);
      for (const kind of ["class_logits", "mask_logits"]) {
        const off = worst(logits[kind].filter((_, at) => at % golden.stride[kind] === 0), golden[kind]);
        assert.ok(off <= tolerance, `${kind}: ${off}`);
      }
    });
  }

  // Weights in f16 differ from f32 themselves, and the CPU also rounds the activations. Masked attention is left
  // out, since it depends on the sign of a logit, which rounding may change.
  test("Cpu in the browser computes the same numbers, rounded, where weights are", async () => {
    await open("&backend=cpu");
    const answers = [];
    for (const form of [unmasked, (bytes) => halved(unmasked(bytes))]) {
      site.faults = [(path, bytes) => path.endsWith("eomt_tiny/model.safetensors") && { bytes: form(bytes) }];
      answers.push(await logitsOf("Cpu"));
    }
    for (const kind of ["class_logits", "mask_logits"]) {
      const off = worst(answers[1][kind], answers[0][kind]);
      assert.ok(off > 0 && off <= 2e-2, `${kind}: ${off}`);
    }
  });
});

// Runs in the page: talks to a worker of its own, in the words of src/web/protocol.rs.
async function askForLogits({ backend, photo, folder }) {
  const worker = new Worker(document.documentElement.dataset.worker, { type: "module" });
  const replies = [];
  let heard = () => {};
  worker.onmessage = ({ data }) => (replies.push(data), heard());
  const reply = async (kind) => {
    for (;;) {
      const at = replies.findIndex(([message]) => kind in message || "Failed" in message || "Crashed" in message);
      if (at >= 0) {
        const [[message, buffers]] = replies.splice(at, 1);
        if (!(kind in message)) throw new Error(JSON.stringify(message));
        return { ...message[kind], buffers };
      }
      await new Promise((resolve) => (heard = resolve));
    }
  };
  await reply("Ready");
  worker.postMessage([{ Load: { id: 1, place: { Site: folder }, hub: "", backend } }, []]);
  const { model } = await reply("Loaded");
  worker.postMessage([{ Logits: { id: 2 } }, [new Uint8Array(photo).buffer]]);
  const { buffers } = await reply("Logits");
  worker.terminate();
  const [class_logits, mask_logits] = buffers.map((buffer) => [...new Float32Array(buffer)]);
  return { backend: model.backend, class_logits, mask_logits };
}
