// Reloads a screen when the server has a new version: once, and at a quiet moment.

const IDLE = 30_000;
const REST = 10 * 60_000; // two versions behind one address must not make a loop
const SPREAD = 20_000; // not all screens of a house in the same second
const NAME = "livefeed.wall.reloaded";

export class Renewal {
  #at = 0;

  /**
   * @param {string} version of the server that rendered this page
   * @param {{storage?: Storage, reload?: () => void, fetch?: typeof fetch, random?: () => number}} [world]
   */
  constructor(version, { storage = sessionStorage, reload = () => location.reload(), fetch: get = (...of) => fetch(...of), random = Math.random } = {}) {
    this.version = version;
    this.storage = storage;
    this.reload = reload;
    this.get = get;
    this.random = random;
  }

  /**
   * Reloads if it is time. @param {number} now in ms @param {string} version of the server that is connected
   * @param {number} quiet the time (ms) of the last change on the screen
   */
  async look(now, version, quiet) {
    if (!version || !this.version || version === this.version) return;
    const last = JSON.parse(this.storage.getItem(NAME) ?? "null");
    if (last && (last.version === version || now - last.at < REST)) return;
    if (now - quiet < IDLE) return;
    this.#at ||= now + this.random() * SPREAD;
    if (now < this.#at) return;
    this.#at = now + REST;
    if (!(await this.#reachable())) return;
    this.storage.setItem(NAME, JSON.stringify({ version, at: now }));
    this.reload();
  }

  /** A screen full of yesterday's news is better than the browser's page for errors. */
  async #reachable() {
    try {
      const response = await this.get(location.href, { cache: "no-store" });
      response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }
}
