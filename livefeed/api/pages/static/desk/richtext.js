// The body editor: a few kinds of elements and nothing else. Pasted content is converted to them.

import { bodyOf, make } from "../dom.js";

/** @import { Words } from "../words.js" */

const BLOCKS = new Set("P UL OL BLOCKQUOTE H2 H3 H4 PRE TABLE FIGURE HR DL".split(" "));
const LOOSE = new Set("DIV SECTION ARTICLE MAIN HEADER FOOTER ASIDE NAV FORM FIELDSET ADDRESS CENTER".split(" "));
const KNOWN = { STRONG: "strong", B: "strong", EM: "em", I: "em", H1: "h2", H2: "h2", H3: "h3", H4: "h4", H5: "h4", H6: "h4" };
const PASTED = new Set("P BR UL OL LI BLOCKQUOTE A PRE".split(" "));
const HIDDEN = new Set("SCRIPT STYLE TEMPLATE NOSCRIPT IFRAME OBJECT SVG MATH TEXTAREA TITLE META LINK HEAD BUTTON SELECT INPUT".split(" "));
const LINK = /^(https?:\/\/|mailto:)\S+$/i;

/** What of pasted HTML is text, with its bold, italic, links, lists and quotes: whatever it came from, and whatever it looked like. */
export function pasted(html) {
  const copy = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.data.replace(/\s+/g, " "))];
    if (node.nodeType !== Node.ELEMENT_NODE || HIDDEN.has(node.tagName.toUpperCase())) return [];
    const children = [...node.childNodes].flatMap(copy);
    const { tagName } = node;
    const name = KNOWN[tagName] ?? styled(node) ?? (PASTED.has(tagName) ? tagName.toLowerCase() : "");
    if (name === "a") return LINK.test(node.getAttribute("href") ?? "") ? [make("a", { href: node.getAttribute("href") }, ...children)] : children;
    if (name) return [make(name, {}, ...children)];
    return LOOSE.has(tagName) || tagName === "TR" ? [make("p", {}, ...children)] : children;
  };
  // Parsed without applying styles or running anything: the page's policy would report each attempt.
  const inert = html.replace(/<style\b.*?<\/style\s*>/gis, "").replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/[\s/](style|on\w+)\s*=/gi, " data-$1="));
  const body = new DOMParser().parseFromString(inert, "text/html").body;
  return inBlocks([...body.childNodes].flatMap(copy));
}

/** Word processors say bold with a style. */
function styled(node) {
  const style = node.dataset?.style ?? "";
  if (/font-weight:\s*(bold|[6-9]00)/i.test(style)) return "strong";
  return /font-style:\s*italic/i.test(style) ? "em" : undefined;
}

/** Puts what lies loose into paragraphs, and takes blocks out of paragraphs, which cannot hold any. */
function inBlocks(nodes) {
  const blocks = /** @type {HTMLElement[]} */ ([]);
  let loose = /** @type {HTMLElement?} */ (null);
  for (const node of nodes.flatMap(opened)) {
    if (BLOCKS.has(node.tagName)) {
      blocks.push(node);
      loose = null;
    } else if (loose || node.tagName || node.data?.trim()) {
      if (!loose) blocks.push((loose = make("p")));
      loose.append(node);
    }
  }
  return blocks.filter((block) => block.tagName === "HR" || block.textContent?.trim());
}

function opened(node) {
  if (node.tagName !== "P" || ![...node.children].some(({ tagName }) => BLOCKS.has(tagName))) return [node];
  return inBlocks([...node.childNodes]);
}

/** The HTML of what stands in *element*, in the one form that is sent. */
export function written(element) {
  const holder = make("div", {}, ...inBlocks(bodyOf(element.innerHTML.replace(/<(\/?)div\b/gi, "<$1p"))));
  for (const empty of holder.querySelectorAll("b, i, em, strong, a, span")) if (!empty.textContent) empty.remove();
  return holder.innerHTML.replace(/(&nbsp;|\u00a0)+/g, " ").replace(/<br>(?=<\/(p|li|h\d|blockquote)>)/g, "");
}

export class RichText extends EventTarget {
  /** @param {HTMLElement} element @param {HTMLElement} toolbar @param {() => Promise<string>} askLink */
  constructor(element, toolbar, askLink) {
    super();
    this.element = element;
    this.toolbar = toolbar;
    this.askLink = askLink;
    document.execCommand("defaultParagraphSeparator", false, "p");
    document.execCommand("styleWithCSS", false, "false");
    element.addEventListener("paste", (event) => this.#paste(event));
    element.addEventListener("drop", (event) => event.preventDefault()); // what is dropped would pass by the cleaning
    element.addEventListener("input", () => this.dispatchEvent(new Event("input")));
    element.addEventListener("keydown", (event) => this.#key(event));
    toolbar.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays where it is
    toolbar.addEventListener("click", ({ target }) => this.#press(/** @type {Element} */ (target).closest("button")));
    document.addEventListener("selectionchange", () => this.#mark());
  }

  get html() {
    return written(this.element);
  }

  set html(html) {
    this.element.replaceChildren(...bodyOf(html));
  }

  #paste(event) {
    event.preventDefault();
    const html = event.clipboardData.getData("text/html");
    if (!html) {
      document.execCommand("insertText", false, event.clipboardData.getData("text/plain"));
      return;
    }
    const blocks = pasted(html);
    const nodes = blocks.length === 1 && blocks[0].tagName === "P" ? [...blocks[0].childNodes] : blocks;
    document.execCommand("insertHTML", false, make("div", {}, ...nodes).innerHTML); // so that it can be undone
  }

  #key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    if (event.key.toLowerCase() !== "k" || event.shiftKey) return; // bold and italic are the browser's own
    event.preventDefault();
    this.#link();
  }

  #press(button) {
    if (!button) return;
    this.element.focus();
    const { command } = button.dataset;
    if (command === "link") this.#link();
    else if (command === "quote") document.execCommand("formatBlock", false, this.#inside("blockquote") ? "p" : "blockquote");
    else if (command) document.execCommand(command);
    this.#mark();
  }

  async #link() {
    const selection = getSelection();
    const range = selection?.rangeCount && this.element.contains(selection.anchorNode) ? selection.getRangeAt(0).cloneRange() : null;
    const href = await this.askLink();
    this.element.focus();
    if (range) {
      selection?.removeAllRanges();
      selection?.addRange(range);
    }
    if (!LINK.test(href)) return;
    if (range?.collapsed) document.execCommand("insertHTML", false, make("div", {}, make("a", { href }, href)).innerHTML);
    else document.execCommand("createLink", false, href);
  }

  #inside(name) {
    const node = getSelection()?.anchorNode;
    const element = node instanceof Element ? node : node?.parentElement;
    return this.element.contains(element ?? null) && Boolean(element?.closest(name));
  }

  /** The buttons show what is true where the cursor is. */
  #mark() {
    const names = { bold: "b, strong", italic: "i, em", insertUnorderedList: "ul", insertOrderedList: "ol", quote: "blockquote", link: "a" };
    for (const button of this.toolbar.querySelectorAll("button")) button.setAttribute("aria-pressed", String(this.#inside(names[button.dataset.command])));
  }
}
