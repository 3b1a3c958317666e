// A screen that follows a new version of the server: it loads itself anew, once, when nobody is in the middle of a headline.

const IDLE = 30_000;
const REST = 10 * 60_000; // two versions behind one address must not make a loop
const SPREAD = 20_000; // not all screens of a house in the same second
const NAME = "livefeed.wall.reloaded";

export class Renewal {
  #at = 0;

  /**
   * @param {string} version of the server that made this page
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
   * Looks whether it is time, at *now* (ms). @param {number} now @param {string} version of the server that is heard
   * @param {number} quiet since when (ms) nothing has changed on the screen
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
