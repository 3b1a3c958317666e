// Presence: who else is at the desk, and which item they have open. Each desk reports every few seconds; one that stops is dropped.

const PERIOD = 3_000;

export class Presence extends EventTarget {
  /** @type {{desk: string, name?: string, subject?: string, item?: string}[]} the others */ others = [];
  #item = "";
  #timer = 0;

  /** @param {string} address @param {string} desk this tab @param {() => string} name */
  constructor(address, desk, name) {
    super();
    this.address = address;
    this.desk = desk;
    this.name = name;
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", () => this.tell());
  }

  /** This desk has *id* open now; "" is none. */
  open(id) {
    if (id === this.#item) return;
    this.#item = id;
    this.tell();
  }

  /** Those who have the item open as well. */
  at(id) {
    return id ? this.others.filter(({ item }) => item === id) : [];
  }

  async tell() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.tell(), PERIOD);
    const body = JSON.stringify({ desk: this.desk, name: this.name(), item: this.#item });
    const headers = { "Content-Type": "application/json" };
    try {
      const response = await fetch(this.address, { method: "POST", headers, body, signal: AbortSignal.timeout(PERIOD) });
      if (!response.ok) response.body?.cancel();
      const { desks } = response.ok ? await response.json() : { desks: [] };
      this.#others(desks.filter(({ desk }) => desk !== this.desk));
    } catch {
      this.#others([]); // it is not known who is there
    }
  }

  #others(others) {
    const changed = JSON.stringify(others.map(({ age, ...rest }) => rest)) !== JSON.stringify(this.others.map(({ age, ...rest }) => rest));
    this.others = others;
    if (changed) this.dispatchEvent(new Event("change"));
  }

  #leave() {
    clearTimeout(this.#timer);
    fetch(`${this.address}/${this.desk}`, { method: "DELETE", keepalive: true }).catch(() => {});
  }
}
