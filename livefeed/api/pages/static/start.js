// The start page: copy buttons, times in the reader's time zone, and whether the server is ready.

import { localTimes } from "./chrome.js";
import { Words } from "./words.js";

const CHECK = 15_000;

localTimes(await Words.load(document.documentElement.lang));

for (const button of document.querySelectorAll("button.copy")) {
  const before = button.textContent;
  button.hidden = !navigator.clipboard; // an insecure context has none
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = button.dataset.done;
    setTimeout(() => (button.textContent = before), 2_000);
  });
}

const health = document.querySelector(".health");
const root = new URL(import.meta.url.replace(/\/static\/.*$/, "/"));

async function check() {
  const response = await fetch(new URL("readyz", root), { cache: "no-store" }).catch(() => null);
  health.dataset.health = response?.ok ? "ok" : "down";
  health.querySelector("span").textContent = health.dataset[health.dataset.health];
}

setInterval(() => document.visibilityState === "visible" && check(), CHECK);
