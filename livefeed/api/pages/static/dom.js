// Creates elements without any HTML strings.

/**
 * @param {string} name `p` or `p.when`
 * @param {Record<string, any>} [attributes] null, undefined and false are omitted
 * @param {(Node | string | null | undefined | false)[]} children
 */
export function make(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) {
    element.className = classes.join(" ");
    element.setAttribute("part", classes.join(" ")); // what a site that embeds the element can style
  }
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child) => Boolean(child)).map((child) => /** @type {Node | string} */ (child)));
  return element;
}

const KEPT = new Set(
  ("P BR HR H2 H3 H4 BLOCKQUOTE PRE UL OL LI DL DT DD FIGURE FIGCAPTION A ABBR B BDI CITE CODE DEL EM I INS KBD MARK Q S SMALL " +
    "SPAN STRONG SUB SUP TIME U WBR RUBY RT RP TABLE CAPTION THEAD TBODY TFOOT TR TH TD").split(" "),
);
const DROPPED = new Set("SCRIPT STYLE TEMPLATE NOSCRIPT IFRAME OBJECT SVG MATH TEXTAREA TITLE".split(" "));
const ATTRIBUTES = ["lang", "dir", "title", "datetime", "start", "reversed", "colspan", "rowspan", "scope"];

/** The nodes of *html*. It was cleaned when it was published; here only what is known to be harmless is made at all. */
export function bodyOf(html) {
  const copy = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.data)];
    if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(node.tagName.toUpperCase())) return [];
    const children = [...node.childNodes].flatMap(copy);
    if (!KEPT.has(node.tagName)) return children;
    const given = ATTRIBUTES.filter((name) => node.hasAttribute(name)).map((name) => [name, node.getAttribute(name)]);
    const made = make(node.tagName, Object.fromEntries(given), ...children);
    if (node.tagName === "A" && /^(https?|mailto):/i.test(node.getAttribute("href") ?? "")) {
      made.setAttribute("href", node.getAttribute("href"));
      made.setAttribute("rel", "noopener noreferrer");
    }
    return [made];
  };
  return [...new DOMParser().parseFromString(html, "text/html").body.childNodes].flatMap(copy);
}

/** Paragraphs of plain text; one line break stays one. @param {string} text */
export function paragraphs(text) {
  const lines = (part) => part.split("\n").flatMap((line, i) => (i ? [make("br"), line] : [line]));
  return text.split(/\n\s*\n/).filter((part) => part.trim()).map((part) => make("p", {}, ...lines(part.trim())));
}
