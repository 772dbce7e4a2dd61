// Keeps the page for visits without a network. Every file but the page itself has a hash in its name, so files of two builds cannot
// be mixed up: the page comes from the network where that answers, and what it names comes from here. Weights are kept by the page's
// worker, by their digests.

// Both are filled in when the page is built: its name, and its files with their SHA-256.
const BUILD = "";
const FILES = {};

const OURS = `mae-seg-page ${new URL(registration.scope).pathname} `;
const SHARED = `mae-seg-shared ${new URL(registration.scope).pathname}`;
const PATIENCE_MS = 3000;

addEventListener("install", (event) => event.waitUntil(keep().then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(takeOver()));
addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (address.origin !== location.origin || !address.href.startsWith(registration.scope)) return;
  if (request.method === "POST" && address.searchParams.has("share")) {
    event.respondWith(receive(request));
  } else if (request.method !== "GET" || request.headers.has("range")) {
    return;
  } else if (request.mode === "navigate" && isPage(address)) {
    event.respondWith(page(request));
  } else if (address.href.startsWith(`${registration.scope}shared/`)) {
    event.respondWith(handOver(request));
  } else if (!address.pathname.includes("/weights/")) {
    event.respondWith(kept(request));
  }
});

const isPage = ({ pathname }) => [registration.scope, `${registration.scope}index.html`].some((page) => new URL(page).pathname === pathname);

/** Caches the whole build or nothing of it; files that an earlier build has are not fetched again. */
async function keep() {
  const name = OURS + BUILD;
  const cache = await caches.open(name);
  try {
    const page = await fetch("./", { cache: "reload" });
    if (!(await page.clone().text()).includes(`data-build="${BUILD}"`)) throw new Error("another build came");
    await cache.put("./", page);
    await Promise.all(Object.entries(FILES).map(async ([file, sha256]) => {
      const response = (await caches.match(file)) ?? (await fetch(file));
      if ((await digest(response.clone())) !== sha256) throw new Error(`${file}: other bytes came`);
      await cache.put(file, response);
    }));
  } catch (error) {
    await caches.delete(name);
    throw error;
  }
}

async function digest(response) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await response.arrayBuffer()));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Deletes all builds but this and the previous one, which may still be open somewhere, and notifies open pages. */
async function takeOver() {
  const others = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== OURS + BUILD);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
  await clients.claim();
  for (const client of await clients.matchAll({ type: "window" })) client.postMessage({ build: BUILD });
}

/** Returns the page from the network, or the cached one if the network is silent, slow or answers something else. */
async function page(request) {
  const known = await (await caches.open(OURS + BUILD)).match("./");
  const asked = fetch(request, { cache: "no-cache" }).then(async (response) => {
    const isOurs = response.ok && (await response.clone().text()).includes("data-build=");
    return isOurs || !known ? response : known;
  });
  if (!known) return asked;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, known));
  return Promise.race([asked.catch(() => known), late]);
}

async function kept(request) {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

/** Stores photos that another app shares; the page fetches their names from `shared/`, then one after another. */
async function receive(request) {
  const photos = (await request.formData()).getAll("photos");
  const cache = await caches.open(SHARED);
  await cache.put("shared/", new Response(photos.map(({ name }) => name.replaceAll("\n", " ")).join("\n")));
  await Promise.all(photos.map((photo, number) => cache.put(`shared/${number}`, new Response(photo))));
  return Response.redirect(`${registration.scope}?shared=${photos.length}`, 303);
}

async function handOver(request) {
  const cache = await caches.open(SHARED);
  const photo = await cache.match(request);
  await cache.delete(request);
  return photo ?? Response.error();
}
