// The texts of a page, from the same catalogue as on the server, and times in the format of its language.

const DAY = 86_400_000;
const STEPS = /** @type {const} */ ([
  ["day", DAY],
  ["hour", 3_600_000],
  ["minute", 60_000],
]);

export class Words {
  /** @param {string} language @param {Record<string, any>} texts */
  constructor(language, texts) {
    this.texts = texts;
    // The reader's regional variant of the language determines the 12- or 24-hour clock.
    const locale = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? (language === "en" ? "en-GB" : language);
    this.plural = new Intl.PluralRules(language);
    this.hours = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit", timeZoneName: "short" });
    this.days = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
    this.stamps = new Intl.DateTimeFormat(locale, {
      day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short",
    });
    this.moments = new Intl.DateTimeFormat(locale, {
      weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit", timeZoneName: "short",
    });
    this.ages = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "short" });
  }

  /** @param {string} language */
  static async load(language) {
    const response = await fetch(new URL(`./words/${language}.json`, import.meta.url));
    if (!response.ok && language !== "en") return Words.load("en");
    return new Words(language, await response.json());
  }

  /** @param {string} key @param {Record<string, string | number>} [places] */
  text(key, places = {}) {
    return Object.entries(places).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, String(value)), this.texts[key]);
  }

  /** @param {string} key @param {number} n */
  count(key, n) {
    return this.text(`${key}.${this.plural.select(n)}`, { n });
  }

  clock(time) {
    return this.hours.format(new Date(time));
  }

  day(time) {
    return this.days.format(new Date(time));
  }

  stamp(time) {
    return this.stamps.format(new Date(time));
  }

  /** The time of day, and the day as well when it is not that of *now* (ms). */
  moment(time, now) {
    return this.day(time) === this.day(now) ? this.clock(time) : this.moments.format(new Date(time));
  }

  /** How long ago *time* was at *now* (ms); nothing when that is so long that the date says it better. */
  age(time, now) {
    const ago = now - Date.parse(time);
    if (ago < 60_000) return ago > -60_000 ? this.text("age.now") : "";
    if (ago > 7 * DAY) return "";
    const [unit, size] = STEPS.find(([, size]) => ago >= size) ?? STEPS[2];
    return this.ages.format(-Math.floor(ago / size), unit);
  }
}
