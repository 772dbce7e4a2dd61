// A browser that nobody listens to. Playwright has the page's process keep the bytes of every answer for its log of the
// network, which must not be measured as the page's.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromiumPath, flags, gpuFlags } from "./page.mjs";

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A headless Chromium, controlled over a pipe by the DevTools protocol; `gpu` adds its software WebGPU adapter. */
export class BareBrowser {
  static async launch({ gpu = false } = {}) {
    const it = new BareBrowser();
    it.profile = await mkdtemp(join(tmpdir(), "mae-seg-"));
    const args = ["--headless", "--remote-debugging-pipe", `--user-data-dir=${it.profile}`, ...flags, ...(gpu ? gpuFlags : []), "about:blank"];
    it.process = spawn(chromiumPath(), args, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    Object.assign(it, { asked: new Map(), events: [], rest: "" });
    it.process.stdio[4].setEncoding("utf8").on("data", (text) => it.#hear(text));
    return it;
  }

  #hear(text) {
    const messages = (this.rest + text).split("\0");
    this.rest = messages.pop();
    for (const message of messages.map((text) => JSON.parse(text))) {
      const { resolve, reject } = this.asked.get(message.id) ?? {};
      if (!message.id) this.#happened(message);
      else if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
    }
  }

  // Workers can have workers.
  #happened(event) {
    this.events.push(event);
    if (event.method === "Target.attachedToTarget") this.#attachBelow(event.params.sessionId);
  }

  #attachBelow(sessionId) {
    const how = { autoAttach: true, waitForDebuggerOnStart: false, flatten: true };
    return this.send("Target.setAutoAttach", how, sessionId);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.asked.size + 1;
    const answer = new Promise((resolve, reject) => this.asked.set(id, { resolve, reject }));
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return answer;
  }

  /** Opens a page; returns its session. */
  async open(url) {
    const { targetId } = await this.send("Target.createTarget", { url });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    await this.#attachBelow(sessionId);
    return sessionId;
  }

  /** Returns the sessions of the workers of all pages. */
  workers() {
    const named = (name) => this.events.filter(({ method }) => method === name).map(({ params }) => params);
    const gone = new Set(named("Target.detachedFromTarget").map(({ sessionId }) => sessionId));
    const workers = named("Target.attachedToTarget").filter(({ targetInfo }) => targetInfo.type === "worker");
    return workers.map(({ sessionId }) => sessionId).filter((sessionId) => !gone.has(sessionId));
  }

  /** Returns the session of the page's worker. */
  async worker() {
    while (!this.workers().length) await pause(50);
    return this.workers()[0];
  }

  /** Returns the value of a JavaScript expression. */
  async value(session, expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true }, session);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until an expression has a value; returns it. */
  async until(session, expression, timeout = 120_000) {
    for (const end = Date.now() + timeout; Date.now() < end; await pause(50)) {
      const value = await this.value(session, expression);
      if (value) return value;
    }
    throw new Error(`${expression} never came true`);
  }

  async close() {
    const gone = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill();
    await gone;
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
