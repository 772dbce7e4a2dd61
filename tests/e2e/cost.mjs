// What a photo costs on the page's CPU path: milliseconds from pixels to masks by the worker's clock, photo after photo.
// `node cost.mjs` after `make page`; a measurement, not a test.

import { launch } from "./page.mjs";
import { serve } from "./site.mjs";

// Runs in the page: what workers answer is read on its way.
function readClocks() {
  window.clocks = [];
  window.Worker = class extends Worker {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", ({ data }) => {
        const elapsed = data?.[0]?.Segmented?.elapsed_ms;
        if (elapsed !== undefined) window.clocks.push(elapsed);
      });
    }
  };
}

const site = await serve();
const browser = await launch();
const page = await browser.newPage();
await page.addInitScript(readClocks);
await page.goto(`${site.address}?backend=cpu`);
await page.waitForSelector("[data-testid=status][data-state=ready]");
for (let photo = 1; photo <= 16; photo += 1) {
  await page.click(`[data-sample="${photo % 2 ? "astronaut" : "photographer"}.jpg"]`);
  await page.waitForFunction((seen) => window.clocks.length >= seen, photo);
}
const times = (await page.evaluate(() => window.clocks)).map(Math.round).sort((a, b) => a - b);
console.log(`median ${times[8]} ms, least ${times[0]} ms: ${times.join(" ")}`);
await browser.close();
await site.close();
