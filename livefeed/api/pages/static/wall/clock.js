// The clock of a screen: the time with zone and date, and whether the screen is dimmed now.

/** @import { Words } from "../words.js" */

const minutesOf = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

/** Whether the time of day *at* ("14:05") lies in *hours* ("22:00-06:00", also across midnight). */
export function isDim(hours, at) {
  if (!hours) return false;
  const [begin, end] = hours.split("-").map(minutesOf);
  const now = minutesOf(at);
  return begin <= end ? begin <= now && now < end : now >= begin || now < end;
}

export class WallClock {
  /** @param {string} locale @param {string} zone an IANA name; "" and what the browser does not know is its own */
  constructor(locale, zone) {
    this.known = !zone || isZone(zone);
    const timeZone = zone && this.known ? zone : undefined;
    this.hours = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone });
    this.dates = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", timeZone });
    this.zones = new Intl.DateTimeFormat(locale, { timeZoneName: "short", timeZone });
    this.minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
  }

  /** @param {number} now */
  read(now) {
    const zone = this.zones.formatToParts(now).find(({ type }) => type === "timeZoneName")?.value ?? "";
    return { hour: this.hours.format(now), date: this.dates.format(now), zone, minute: this.minutes.format(now) };
  }
}

function isZone(name) {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false; // RangeError: the browser's list of zones is the only one there is
  }
}
