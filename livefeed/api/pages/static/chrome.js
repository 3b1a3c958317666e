// What surrounds the news on a page: the connection state, and the title of the tab.

/** @import { LiveFeedElement } from "./live-feed.js" */

const MARKS = /** @type {Record<string, string>} */ ({ live: "●", stale: "◐", connecting: "○", reconnecting: "◌", offline: "▲", closed: "■", stopped: "■" });

/** Keeps *chip* saying how it stands with *feed*, in words and shape as well as in colour. @param {LiveFeedElement} feed */
export function showState(feed, chip) {
  const show = () => {
    const { state } = feed;
    const named = feed.hasAttribute("closed") ? "closed" : state;
    const time = feed.words.clock(new Date(feed.live?.since ?? Date.now()).toISOString());
    chip.hidden = false;
    chip.dataset.state = named;
    chip.dataset.mark = MARKS[named];
    chip.textContent = feed.words.text(`state.${named}`, { time });
  };
  feed.addEventListener("state", show);
  show();
}

/** Puts the number of updates that wait before the title. @param {LiveFeedElement} feed */
export function countInTitle(feed) {
  const title = document.title;
  feed.addEventListener("pending", ({ detail }) => (document.title = detail ? `(${detail}) ${title}` : title));
}

/** The times that the server wrote in UTC, as the reader's clock has them. */
export function localTimes(words, root = document) {
  for (const time of root.querySelectorAll("time.stamp")) time.textContent = words.stamp(time.getAttribute("datetime"));
}
