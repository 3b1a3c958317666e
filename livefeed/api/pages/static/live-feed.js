// <live-feed feed="world">: a feed on any page, live.
//
// Around a list that the server has rendered (one of our `ol.feed`), it takes over the list and uses the style of the page. Anywhere
// else it displays its content until the items have loaded, then renders them in a shadow root, which can be styled from outside by
// custom properties (`--live-feed-accent` …) and parts (`::part(headline)` …).

import { Board } from "./board.js";
import { make } from "./dom.js";
import { canShare } from "./entry.js";
import { FeedModel, ROOT, connect, readItems } from "./livefeed.js";
import { SHADOW } from "./live-feed.css.js";
import { Words } from "./words.js";

const ANNOUNCED = 5_000; // a screen reader that is told of each item reads out nothing else
const TICK = 10_000;

export class LiveFeedElement extends HTMLElement {
  model = new FeedModel((item) => this.#accepts(item));
  /** @type {import("./livefeed.js").LiveFeed | undefined} */ live;
  /** @type {Board} */ board;
  /** @type {Words} */ words;
  #next = /** @type {string | null} */ (null);
  /** Where the list begins. */ #mark = make("span.mark", { "aria-hidden": "true" });
  #queue = /** @type {any[]} */ ([]);
  #announced = 0;
  #unsaid = 0;
  #renewing = /** @type {object | null} */ (null);
  #timers = /** @type {number[]} */ ([]);
  #root = /** @type {HTMLElement | ShadowRoot} */ (this);

  async connectedCallback() {
    if (this.board) {
      this.#run(); // it was only moved
      return;
    }
    this.words = await Words.load(this.lang || document.documentElement.lang.split("-")[0] || "en");
    if (!this.isConnected) return;
    const list = /** @type {HTMLElement | null} */ (this.querySelector("ol.feed"));
    if (list) this.#begin(list);
    else await this.#beginAfresh();
  }

  disconnectedCallback() {
    this.live?.close();
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    document.removeEventListener("visibilitychange", this.#seen);
  }

  /** What the page that holds it may know: `connecting`, `live` … */
  get state() {
    return this.live?.state ?? "connecting";
  }

  get pending() {
    return this.board?.pending.length ?? 0;
  }

  /** Shows what waits, and goes to it. */
  reveal() {
    if (this.hasAttribute("older")) {
      location.assign(this.#page);
      return;
    }
    this.board.reveal();
    this.#count();
    this.board.focus(0); // the sign, and with it the keyboard's place, is gone
    this.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
  }

  get #page() {
    return this.getAttribute("page") ?? new URL(`read/${this.getAttribute("feed")}`, this.#server ?? ROOT).href;
  }

  get #tags() {
    return this.getAttribute("tag") ? [this.getAttribute("tag") ?? ""] : [];
  }

  get #limit() {
    return Number(this.getAttribute("limit")) || 20;
  }

  get #server() {
    return this.getAttribute("server") ?? undefined;
  }

  #accepts(item) {
    const wanted = this.#tags.map(fold);
    return wanted.length === 0 || (item.tags ?? []).some((tag) => wanted.includes(fold(tag)));
  }

  /** In a shadow of its own, from the server's list. */
  async #beginAfresh() {
    const query = { limit: this.#limit, tag: this.#tags, server: this.#server };
    const page = await readItems(this.getAttribute("feed") ?? "", query).catch(() => null);
    if (!page) {
      this.#timers.push(setTimeout(() => this.#beginAfresh(), 1_000 + Math.random() * TICK)); // what is inside it stays
      return;
    }
    const list = make("ol.feed");
    this.#root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(SHADOW);
    /** @type {ShadowRoot} */ (this.#root).adoptedStyleSheets = [sheet];
    this.#root.replaceChildren(list, make("p.more", {}, page.next && make("a", { href: this.#page }, this.words.text("feed.more"))));
    this.setAttribute("cursor", page.cursor);
    this.setAttribute("next", page.next ?? "");
    this.#begin(list);
    this.model.load(page.items);
    this.board.extend(page.items, !page.next);
  }

  #begin(list) {
    this.#next = this.getAttribute("next") || null;
    this.board = new Board(list, this.model, {
      words: this.words,
      page: this.#page,
      now: () => this.live?.now() ?? Date.now(),
      editor: this.hasAttribute("editor"),
      compact: this.hasAttribute("compact"),
      limit: this.hasAttribute("compact") ? this.#limit : undefined,
    });
    this.board.adopt();
    if (!this.#next && !this.hasAttribute("compact")) this.board.floor = null;
    this.#furnish(list);
    this.#run();
    this.dispatchEvent(new CustomEvent("ready"));
  }

  #run() {
    this.#follow();
    this.#timers.push(setInterval(() => this.board.tick(), TICK));
    document.addEventListener("visibilitychange", this.#seen);
  }

  /** What only a page with scripts needs: the sign of new updates, its announcement, and a mark for where the list begins. */
  #furnish(list) {
    this.toast = make("button.toast", { type: "button", hidden: true });
    this.toast.addEventListener("click", () => this.reveal());
    this.status = make("p.announcement", { role: "status" });
    list.before(this.status, this.toast, this.#mark);
    new IntersectionObserver(() => this.#seen()).observe(this.#mark);
    this.#root.addEventListener("error", ({ target }) => target instanceof HTMLImageElement && this.#miss(target), true);
    for (const image of list.querySelectorAll("img")) if (image.complete && !image.naturalWidth) this.#miss(image);
    this.#root.addEventListener("click", (event) => this.#clicked(/** @type {MouseEvent} */ (event)));
    for (const button of list.querySelectorAll("button.share")) button.hidden = !canShare();
  }

  /** A picture that does not come: its place goes, unless somebody looks at it. */
  #miss(image) {
    const figure = image.closest("figure") ?? image;
    const { top, bottom } = figure.getBoundingClientRect();
    if (top < innerHeight && bottom > 0) image.classList.add("missing");
    else this.board.holding(() => (figure.hidden = true));
  }

  #follow() {
    const after = this.live?.cursor ?? (this.getAttribute("cursor") || undefined);
    this.live = connect(this.getAttribute("feed") ?? "", { after, last: 200, tags: this.#tags, server: this.#server });
    this.live.addEventListener("event", ({ detail }) => this.#receive(detail));
    this.live.addEventListener("reset", ({ detail }) => this.#renew(detail.data));
    this.live.addEventListener("state", ({ detail }) => this.dispatchEvent(new CustomEvent("state", { detail })));
  }

  /** One change of the page for all that came since the last picture. */
  #receive(event) {
    if (event.type === "live.feed.closed" || event.type === "live.feed.opened") {
      this.toggleAttribute("closed", event.type === "live.feed.closed");
      this.dispatchEvent(new CustomEvent("state", { detail: { state: this.state } }));
    }
    this.#queue.push(event);
    if (this.#queue.length > 1) return;
    const flush = () => this.#flush();
    if (document.visibilityState === "visible") requestAnimationFrame(flush);
    else setTimeout(flush); // nobody draws a hidden page
  }

  #flush() {
    if (this.#renewing) return;
    const changes = this.#queue.splice(0).flatMap((event) => this.model.apply(event));
    if (!changes.length) return;
    const open = this.#open;
    this.board.apply(changes, open);
    if (open) this.#unsaid += changes.filter(({ kind }) => kind === "added").length;
    this.#count();
    this.dispatchEvent(new CustomEvent("change", { detail: changes }));
  }

  /** Whether new items may go in by themselves. */
  get #open() {
    const focus = (this.shadowRoot ?? document).activeElement;
    const reading = focus?.matches(":focus-visible") && focus.closest(".entry") && this.#root.contains(focus);
    const atTop = this.#mark.getBoundingClientRect().bottom >= 0; // now: an observer tells it a picture later
    return atTop && !reading && document.visibilityState === "visible" && !this.hasAttribute("older");
  }

  #seen = () => {
    if (!this.#open || !this.board?.pending.length) return;
    this.board.reveal();
    this.#count();
  };

  /** The truth came in place of what was missed; older pages that are shown are read again. */
  async #renew({ items, next }) {
    this.#queue = [];
    const renewal = (this.#renewing = {}); // what comes meanwhile is newer than the truth and waits for it
    const oldest = this.board.floor;
    const truth = [...items];
    while (next && (!oldest || Date.parse(truth.at(-1)?.contentCreated) > Date.parse(oldest.contentCreated))) {
      const page = await readItems(this.getAttribute("feed") ?? "", { before: next, limit: 200, tag: this.#tags, server: this.#server })
        .catch(() => null);
      if (this.#renewing !== renewal) return; // there is a newer truth
      if (!page) break;
      truth.push(...page.items);
      next = page.next;
    }
    const changes = this.model.reset(truth);
    this.#next = next;
    this.board.renew(next ? (truth.at(-1) ?? null) : null);
    this.#count();
    this.dispatchEvent(new CustomEvent("change", { detail: changes }));
    this.#renewing = null;
    this.#flush();
  }

  #count() {
    const n = this.pending;
    const text = n ? this.words.count("feed.updates", n) : "";
    this.toast.hidden = !n;
    this.toast.textContent = text;
    const empty = this.querySelector(".empty");
    if (empty) /** @type {HTMLElement} */ (empty).hidden = this.board.size > 0;
    this.dispatchEvent(new CustomEvent("pending", { detail: n }));
    this.#announce();
  }

  /** Says the count, never the posts, and not more often than it can be listened to. */
  #announce() {
    if (this.#announced) return;
    const n = this.pending || this.#unsaid;
    this.#unsaid = 0;
    const text = n ? this.words.count("feed.updates", n) : "";
    if (this.status.textContent === text) return;
    this.status.textContent = text;
    this.#announced = setTimeout(() => {
      this.#announced = 0;
      this.#announce();
    }, ANNOUNCED);
  }

  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    const entry = target.closest(".entry");
    if (target.matches("button.share") && entry) share(target, entry, this.words);
    const more = target.closest(".more a");
    if (more && this.#next && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.#more(/** @type {HTMLAnchorElement} */ (more));
    }
  }

  async #more(link) {
    link.setAttribute("aria-busy", "true");
    try {
      const before = this.#next ?? undefined;
      const page = await readItems(this.getAttribute("feed") ?? "", { before, limit: 20, tag: this.#tags, server: this.#server });
      const first = this.board.size;
      this.model.load(page.items);
      this.board.extend(page.items, !page.next);
      this.#next = page.next;
      if (page.next) link.href = link.href.replace(/before=[^&]*/, `before=${encodeURIComponent(page.next)}`);
      else link.replaceWith(this.words.text("feed.end"));
      if (document.activeElement === link || !link.isConnected) this.board.focus(first);
    } catch {
      link.textContent = this.words.text("feed.more.failed");
    }
    link.removeAttribute("aria-busy");
  }
}

/** As the server compares tags: NFC, stripped, case-folded, as near as a browser comes to it. */
const fold = (tag) => tag.normalize("NFC").trim().toLowerCase().normalize("NFC");

/** Hands an entry's address to the system's own sheet, or to the clipboard. */
export async function share(button, entry, words) {
  const link = entry.querySelector("h3 a") ?? entry.querySelector(".permalink") ?? location;
  const title = entry.querySelector("h3, h1")?.textContent ?? document.title;
  if (navigator.share) {
    await navigator.share({ url: link.href, title }).catch(() => {}); // the reader thought better of it
    return;
  }
  await navigator.clipboard.writeText(link.href);
  const before = button.textContent;
  button.textContent = words.text("item.shared");
  setTimeout(() => (button.textContent = before), 2_000);
}

customElements.define("live-feed", LiveFeedElement);
