// Three transports for the same events. Each takes a request, a callback for events, and one for the end, which is called once, and
// never after an abort. Each returns the function that aborts it.

/**
 * @typedef {{url: string, query: URLSearchParams, token?: string}} Request
 * @typedef {{status?: number, retryAfter?: number}} Ending
 * @typedef {(request: Request, receive: (event: any) => void, closed: (ending: Ending) => void) => () => void} Transport
 */

const WAIT = 10; // seconds: a long-poll's answer is its heartbeat

/** @param {Request} request @param {string} accept @param {AbortSignal} signal */
function get({ url, query, token }, accept, signal) {
  const headers = token ? { Accept: accept, Authorization: `Bearer ${token}` } : { Accept: accept };
  return fetch(`${url}?${query}`, { headers, signal, cache: "no-store" });
}

/** @param {Response} response @returns {Ending} */
function refusal(response) {
  response.body?.cancel();
  return { status: response.status, retryAfter: 1000 * Number(response.headers.get("Retry-After")) || undefined };
}

/** Runs *body* until it returns its ending; whatever breaks on the way is an ending too. */
function attempt(closed, body) {
  const controller = new AbortController();
  body(controller.signal)
    .catch(() => ({}))
    .then((ending) => controller.signal.aborted || closed(ending));
  return () => controller.abort();
}

/** Splits text that comes in pieces into the `data` of events (WHATWG HTML, 9.2.6). Names and ids are inside our JSON as well. */
export class EventParser {
  #rest = "";
  /** @type {string[]} */ #data = [];

  /** @param {string} text */
  *feed(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/); // a last CR may be half of a CRLF
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("data:")) this.#data.push(line.slice(line[5] === " " ? 6 : 5));
      else if (line === "" && this.#data.length) yield this.#data.splice(0).join("\n");
    }
  }
}

/** @type {Transport} */
export function sse(request, receive, closed) {
  return attempt(closed, async (signal) => {
    const response = await get(request, "text/event-stream", signal);
    if (response.status !== 200 || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) return refusal(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return {};
      for (const data of parser.feed(value)) if (!signal.aborted) receive(JSON.parse(data));
    }
  });
}

/** @type {Transport} */
export function websocket(request, receive, closed) {
  /** @type {WebSocket?} */ let socket = null;
  const abort = attempt(closed, async (signal) => {
    const query = new URLSearchParams(request.query);
    if (request.token) {
      const headers = { Authorization: `Bearer ${request.token}` }; // a handshake can carry none
      const response = await fetch(new URL("../../tickets", request.url), { method: "POST", headers, signal });
      if (!response.ok) return refusal(response);
      query.set("ticket", (await response.json()).ticket);
    }
    return new Promise((resolve) => {
      socket = new WebSocket(`${request.url.replace(/^http/, "ws")}?${query}`, "cloudevents.json");
      socket.onmessage = ({ data }) => signal.aborted || receive(JSON.parse(data));
      socket.onclose = () => resolve({});
    });
  });
  return () => {
    abort();
    socket?.close();
  };
}

/** @type {Transport} */
export function longpoll(request, receive, closed) {
  return attempt(closed, async (signal) => {
    const query = new URLSearchParams(request.query);
    for (let first = true; ; first = false) {
      const response = await get({ ...request, query }, "application/json", signal);
      if (response.status !== 200) return refusal(response);
      const date = response.headers.get("Date");
      const page = await response.json();
      const data = { serverTime: date && new Date(date).toISOString(), heartbeat: WAIT, resumed: page.resumed };
      if (signal.aborted) return {};
      if (first) receive({ type: "live.stream.hello", data });
      for (const event of page.events) receive(event);
      receive({ type: "live.stream.heartbeat", cursor: page.cursor, data });
      query.delete("since");
      query.set("after", page.cursor);
      query.set("wait", page.more ? "0" : String(WAIT));
    }
  });
}
