// What a photo costs on the page's CPU path: milliseconds from pixels to masks by the worker's clock, photo after photo.
// `node cost.mjs` after `make page`; a measurement, not a test.

import { launch, readClocks } from "./page.mjs";
import { serve } from "./site.mjs";

const site = await serve();
const browser = await launch();
const page = await browser.newPage();
await page.addInitScript(readClocks);
await page.goto(`${site.address}?backend=cpu`);
await page.waitForSelector("[data-testid=status][data-state=ready]");
for (let photo = 1; photo <= 16; photo += 1) {
  await page.click(`[data-sample="${photo % 2 ? "astronaut" : "photographer"}.jpg"]`);
  await page.waitForFunction((seen) => window.clocks.Segmented.length >= seen, photo);
}
const times = (await page.evaluate(() => window.clocks.Segmented)).map(Math.round).sort((a, b) => a - b);
console.log(`median ${times[8]} ms, least ${times[0]} ms: ${times.join(" ")}`);
await browser.close();
await site.close();
