/** The browser client of Livefeed: follows a feed over SSE, WebSocket or long-poll, on one connection for all tabs. */

export type State = "connecting" | "live" | "stale" | "reconnecting" | "offline" | "stopped";

export interface Rendition {
  name: string;
  href: string;
  contentType?: string;
  width?: number;
  height?: number;
  /** The alternative text. */
  title?: string;
  caption?: string;
  credit?: string;
}

/** One piece of news, in the names of IPTC ninjs 3.1. Of a withheld or canceled one only the first seven members are there. */
export interface Item {
  id: string;
  uri: string;
  version: number;
  pubStatus: "usable" | "withheld" | "canceled";
  contentCreated: string;
  versionCreated: string;
  reason?: string;
  firstCreated?: string;
  type?: "text" | "picture" | "video" | "audio" | "event" | "composite";
  headline?: string;
  bodyText?: string;
  bodyHtml?: string;
  summary?: string;
  urgency?: number;
  language?: string;
  by?: string;
  authors?: { name: string; uri?: string; avatar?: string }[];
  infoSources?: { name: string; uri?: string; role?: string }[];
  located?: string;
  places?: { name: string; uri?: string; lat?: number; lon?: number }[];
  subjects?: { name?: string; uri?: string }[];
  tags?: string[];
  slugline?: string;
  link?: string;
  renditions?: Rendition[];
  associations?: { rel: string; uri: string }[];
  expires?: string;
  embargoedUntil?: string;
  correction?: string;
  pinned?: boolean;
  pinRank?: number;
  keyEvent?: boolean;
  highlight?: boolean;
}

/** A CloudEvents 1.0 object. `id` is the cursor of an event of the log; the stream's own events have a `cursor` when they move the reader. */
export interface FeedEvent<Data = Item> {
  specversion: "1.0";
  id: string;
  source: string;
  type: string;
  time: string;
  subject?: string;
  cursor?: string;
  data: Data;
}

export interface Page {
  items: Item[];
  /** The position that the page is true for: follow the feed from here. */
  cursor: string;
  /** For `before` of the next page; null at the end. */
  next: string | null;
}

export interface Truth {
  items: Item[];
  complete: boolean;
  next: string | null;
  reason?: "trimmed" | "lost" | "unknown";
  missed?: { first: number; last: number };
}

export interface Options {
  /** Begin after this cursor, exactly. */
  after?: string;
  /** Begin with the newest N items (a `snapshot`). */
  last?: number;
  /** Begin at a time: RFC 3339, or `15m`, `2h`. */
  since?: string;
  tags?: string[];
  urgency?: number;
  /** A key or JWT, for feeds that are not public. */
  token?: string;
  /** One connection for all tabs of this browser; true when not given. */
  share?: boolean;
  /** The address of the server, when it is not the one that this script came from. */
  server?: string;
}

export interface LiveFeedEvents {
  event: CustomEvent<FeedEvent>;
  snapshot: CustomEvent<FeedEvent<Truth>>;
  /** Discard everything shown: this is the truth. */
  reset: CustomEvent<FeedEvent<Truth>>;
  hello: CustomEvent<FeedEvent<{ feed: string; head: string; resumed: boolean | null; heartbeat: number; serverTime: string; version: string }>>;
  heartbeat: CustomEvent<FeedEvent<{ serverTime: string; head: string }>>;
  state: CustomEvent<{ state: State; since: number }>;
}

export class LiveFeed extends EventTarget {
  constructor(feed: string, options?: Options);
  /** By the clock, now: it is "live" only while something was heard lately. */
  readonly state: State;
  /** Since when the state is what it is, in ms since the epoch. */
  readonly since: number;
  readonly cursor: string | undefined;
  readonly head: string | undefined;
  /** The version of the server. */
  readonly version: string;
  /** How long ago, in ms, anything was heard from the server. */
  readonly age: number;
  /** The server's time, in ms since the epoch. */
  now(): number;
  close(): void;
  addEventListener<Name extends keyof LiveFeedEvents>(
    name: Name,
    listener: (event: LiveFeedEvents[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(name: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

/** Follows *feed*: a name on the server that this script came from, or an address (`https://feeds.example/v1/feeds/world`). */
export function connect(feed: string, options?: Options): LiveFeed;

/** One page of a feed's items, newest `contentCreated` first. */
export function readItems(
  feed: string,
  query?: {
    limit?: number;
    before?: string;
    tag?: string | string[];
    urgency?: number;
    uri?: string;
    q?: string;
    server?: string;
    token?: string;
    signal?: AbortSignal;
  },
): Promise<Page>;

/** The server that this script came from. */
export const ROOT: URL;

/** The address of *feed* on *server*. */
export function addressOf(feed: string, server?: string | URL): string;

/** Newest first by `contentCreated`; the id decides between equals. */
export function newestFirst(a: Item, b: Item): number;

export interface Change {
  kind: "added" | "changed" | "removed";
  item: Item;
  before?: Item;
}

/** A feed as one reader knows it: merged by (uri, version), ordered by `contentCreated`. No transport, no DOM, no clock. */
export class FeedModel {
  /** *accepts* says what is wanted of what comes, e.g. items with a tag. */
  constructor(accepts?: (item: Item) => boolean);
  /** Whether an item can be shown: it is usable and accepted. */
  shows(item: Item | undefined): boolean;
  /** One version of an item; null when it is no news. */
  put(item: Item): Change | null;
  load(items: Item[]): Change[];
  reset(items: Item[]): Change[];
  apply(event: FeedEvent<any>): Change[];
  get(uri: string): Item | undefined;
  /** What can be shown at *now* (ms since the epoch), newest first. */
  list(now?: number): Item[];
  pinned(now?: number): Item[];
  keyEvents(now?: number): Item[];
  highlights(now?: number): Item[];
}
