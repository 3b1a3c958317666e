// Signing in: the key is sent once and exchanged for a cookie that scripts cannot read.

const ROOT = new URL(import.meta.url.replace(/\/static\/.*$/, "/"));
const form = /** @type {HTMLFormElement} */ (document.querySelector(".signin form"));
const { key, name } = /** @type {Record<string, HTMLInputElement>} */ (/** @type {unknown} */ (form.elements));
const problem = /** @type {HTMLElement} */ (form.querySelector(".problem"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
const PROBLEMS = /** @type {Record<number, string | undefined>} */ ({ 401: form.dataset.failed, 400: form.dataset.failed, 429: form.dataset.many });

name.value = localStorage.getItem("livefeed.name") ?? "";
key.focus();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  problem.textContent = "";
  localStorage.setItem("livefeed.name", name.value.trim());
  try {
    const said = key.value.trim();
    if (!/^[\x21-\x7e]+$/.test(said)) throw Object.assign(new Error(), { status: 401 }); // no header could carry it
    const response = await fetch(new URL("v1/session", ROOT), { method: "POST", headers: { Authorization: `Bearer ${said}` } });
    if (!response.ok) throw Object.assign(new Error(), { status: response.status });
    location.reload();
  } catch (error) {
    problem.textContent = PROBLEMS[error.status] ?? form.dataset.lost ?? "";
    button.disabled = false;
    key.select();
  }
});
