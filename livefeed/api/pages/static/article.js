// The article page: listening, sharing, and changes to the article while it is read.

import { localTimes, showState } from "./chrome.js";
import { bodyOf, make, paragraphs } from "./dom.js";
import { canShare } from "./entry.js";
import { share } from "./live-feed.js";

/** @type {import("./live-feed.js").LiveFeedElement} */
const feed = document.querySelector("live-feed");
const story = /** @type {HTMLElement} */ (document.querySelector(".story"));
const shown = JSON.parse(story.dataset.item);

feed.addEventListener("ready", () => {
  showState(feed, document.querySelector(".panel .state"));
  localTimes(feed.words);
  offerSharing();
  if ("speechSynthesis" in window) offerListening();
  feed.addEventListener("change", ({ detail }) => {
    const own = detail.find(({ item }) => item.uri === shown.uri && item.version > shown.version);
    if (own) follow(own.item);
  });
});

function offerSharing() {
  const button = /** @type {HTMLButtonElement} */ (story.querySelector("button.share"));
  button.hidden = !canShare();
  button.addEventListener("click", () => share(button, story, feed.words));
}

/** Reads the article aloud with the voice that the browser has for its language. */
function offerListening() {
  const button = /** @type {HTMLButtonElement} */ (story.querySelector("button.listen"));
  const say = (key, pressed) => {
    button.textContent = feed.words.text(key);
    button.setAttribute("aria-pressed", String(pressed));
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    if (speechSynthesis.speaking) {
      speechSynthesis.cancel();
      return;
    }
    const parts = [story.querySelector("h1"), ...story.querySelectorAll(".body > *")];
    // One utterance per paragraph: some engines stop in the middle of a long one.
    const utterances = parts.map((part) => Object.assign(new SpeechSynthesisUtterance(part.textContent), { lang: story.lang }));
    const last = utterances[utterances.length - 1];
    last.onend = last.onerror = () => say("article.listen", false);
    for (const utterance of utterances) {
      utterance.onerror = last.onerror;
      speechSynthesis.speak(utterance);
    }
    say("article.listen.stop", true);
  });
  addEventListener("pagehide", () => speechSynthesis.cancel());
}

/** A killed article goes at once; a changed one says so, and keeps the line that is being read where it is. */
function follow(item) {
  shown.version = item.version;
  if (item.pubStatus !== "usable") {
    speechSynthesis?.cancel();
    const text = feed.words.text(`item.${item.pubStatus}`);
    story.replaceChildren(make("h1", {}, text));
    for (const said of document.head.querySelectorAll("meta[name=description], meta[property], script:not([src])")) said.remove();
    document.title = text;
    return;
  }
  const body = story.querySelector(".body");
  const held = [...body.children].find((part) => part.getBoundingClientRect().bottom > 0);
  const [place, top] = [[...body.children].indexOf(held), held?.getBoundingClientRect().top];
  story.querySelector("h1").textContent = item.headline || story.querySelector("h1").textContent;
  body.replaceChildren(...(item.bodyHtml ? bodyOf(item.bodyHtml) : paragraphs(item.bodyText ?? "")));
  correct(item);
  const now = body.children[place]?.getBoundingClientRect().top;
  if (scrollY && now !== undefined && top !== undefined) scrollBy({ top: now - top, behavior: "instant" });
}

function correct({ correction }) {
  story.querySelector(".changed")?.remove();
  story.querySelector(".byline").append(make("p.changed", { role: "status" }, feed.words.text("article.changed")));
  if (!correction) return;
  story.querySelector("p.correction")?.remove();
  const label = make("strong", {}, feed.words.text("item.correction"));
  story.querySelector(".byline").after(make("p.correction", { dir: "auto" }, label, " ", correction));
}
