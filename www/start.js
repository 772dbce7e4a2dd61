// Says so where the app cannot start, and lets the browser keep it for visits without a network.

(() => {
  const reasons = {
    file: [
      "Browsers do not run pages like this from a file. Serve the folder: npx serve, or python3 -m http.server.",
      "浏览器不能直接从文件运行这个页面。请用本地服务器打开此文件夹，例如 npx serve 或 python3 -m http.server。",
    ],
    missing: [
      "This browser has no WebAssembly, or it is switched off. The page needs it to compute on your device.",
      "这个浏览器没有 WebAssembly，或已将其关闭。页面需要它才能在您的设备上计算。",
    ],
    forbidden: [
      "This site's security policy forbids WebAssembly, which the page computes with. Whoever runs the site can allow it: script-src 'wasm-unsafe-eval'.",
      "本站的安全策略禁止 WebAssembly，页面无法计算。网站管理员可以允许它：script-src 'wasm-unsafe-eval'。",
    ],
    incomplete: [
      "The page could not be loaded completely. Check the connection, then reload the page.",
      "页面没有加载完整。请检查网络，然后刷新页面。",
    ],
  };
  // The same choice as the app makes once it runs.
  const speaksChinese = () => {
    let remembered;
    try {
      remembered = localStorage.getItem("mae-seg-language");
    } catch {
      // Some browsers have no storage.
    }
    const tags = [new URLSearchParams(location.search).get("lang"), remembered, ...navigator.languages];
    return /^zh\b/i.test(tags.find((tag) => /^(zh|en)\b/i.test(tag)));
  };
  const isChinese = speaksChinese();
  const translate = () => {
    if (!isChinese) return;
    document.documentElement.lang = "zh-CN";
    for (const element of document.querySelectorAll(":not(.stopped) > [data-zh]")) element.textContent = element.dataset.zh;
  };
  const known = location.protocol === "file:" ? "file" : typeof WebAssembly !== "object" && "missing";
  const stop = (error) => {
    const reason = known || (/Content Security Policy/i.test(error) ? "forbidden" : "incomplete");
    const words = document.getElementById("start-words");
    if (words) words.textContent = reasons[reason][isChinese ? 1 : 0];
    document.getElementById("start")?.classList.add("stopped");
  };
  const starting = new AbortController();
  const here = { signal: starting.signal };
  // Scripts that throw fire an event that bubbles to the window; those that fail to load need a capturing listener.
  const onError = ({ target, error }) => (target === window || target instanceof HTMLScriptElement) && stop(error);
  addEventListener("error", onError, { ...here, capture: true });
  addEventListener("DOMContentLoaded", () => {
    translate();
    if (known) stop();
    const photos = document.getElementById("start-photos");
    const given = () => {
      document.getElementById("start-words").textContent = isChinese ? "页面加载完成后会立即打开您的照片。" : "Your photo is opened as soon as the page is here.";
    };
    const take = (transfer) => {
      if (!transfer?.files.length) return;
      photos.files = transfer.files;
      given();
    };
    photos.addEventListener("change", given, here);
    // Without this, the browser would leave the page for a photo that is dropped.
    addEventListener("dragover", (event) => event.preventDefault(), here);
    addEventListener("drop", (event) => (event.preventDefault(), take(event.dataTransfer)), here);
    addEventListener("paste", (event) => take(event.clipboardData), here);
  }, here);
  addEventListener("TrunkApplicationStarted", () => {
    starting.abort();
    if ("serviceWorker" in navigator && isSecureContext) stay();
  }, here);

  // The page announces newer builds, and checks for them periodically and whenever it becomes visible.
  function stay() {
    navigator.serviceWorker.addEventListener("message", ({ data }) => {
      if (data.build && data.build !== document.documentElement.dataset.build) dispatchEvent(new CustomEvent("newversion"));
    });
    // Files that the first result needs take precedence.
    const keep = async () => {
      const registration = await navigator.serviceWorker.register("service-worker.js");
      const look = () => document.visibilityState === "visible" && registration.update().catch(() => {});
      document.addEventListener("visibilitychange", look);
      setInterval(look, 3_600_000);
    };
    addEventListener("modelready", () => keep().catch((error) => console.warn("This page is not kept for visits without a network:", error)), { once: true });
  }
})();
