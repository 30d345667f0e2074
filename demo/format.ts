/** Numbers as people read them, in the page's language. */
import { language, phrases, TAGS } from "./i18n/language.js";

const cache = new Map<string, Intl.NumberFormat>();

function formatter(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const tag = TAGS[language()];
  const key = tag + JSON.stringify(options);
  const found = cache.get(key) ?? new Intl.NumberFormat(tag, options);
  cache.set(key, found);
  return found;
}

/** A whole number with separators. */
export const whole = (value: number): string => formatter({ maximumFractionDigits: 0 }).format(value);

/** A number with exactly so many decimals. */
export const decimals = (value: number, digits: number): string =>
  Number.isFinite(value)
    ? formatter({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)
    : "–";

/** A rate: whole above 100, otherwise three significant digits. */
export const rate = (value: number): string =>
  value >= 100 ? whole(value) : formatter({ maximumSignificantDigits: 3 }).format(value);

/** A small number such as a learning rate, to two significant digits. */
export const small = (value: number): string => formatter({ maximumSignificantDigits: 2 }).format(value);

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes in the unit that leaves three digits. */
export function bytes(count: number): string {
  let [value, unit] = [count, 0];
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  const options = unit === 0 ? {} : { minimumSignificantDigits: 3, maximumSignificantDigits: 3 };
  return `${Math.abs(value) >= 1000 ? whole(value) : formatter(options).format(value)} ${UNITS[unit]}`;
}

/** A duration in its two largest units. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const { second, minute, hour, join } = phrases().units;
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return second(whole(s));
  const m = Math.floor(s / 60);
  if (m < 10) return join(minute(whole(m)), second(whole(s % 60)));
  if (m < 60) return minute(whole(m));
  return join(hour(whole(Math.floor(m / 60))), minute(whole(m % 60)));
}

/** How long ago, such as "5 minutes ago". */
export function ago(milliseconds: number): string {
  const formatted = new Intl.RelativeTimeFormat(TAGS[language()], { numeric: "auto" });
  const minutes = (Date.now() - milliseconds) / 60_000;
  if (minutes < 60) return formatted.format(-Math.round(minutes), "minute");
  if (minutes < 60 * 36) return formatted.format(-Math.round(minutes / 60), "hour");
  return formatted.format(-Math.round(minutes / 60 / 24), "day");
}

/** Text with its control characters made visible; an untrained model writes many. */
export const visible = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, "·");

/** A share from 0 to 1 as a percentage. */
export const percent = (share: number): string =>
  Number.isFinite(share) ? formatter({ style: "percent", maximumFractionDigits: 0 }).format(share) : "–";

/** As `percent`, with a decimal: for shares that lie close together. */
export const finePercent = (share: number): string =>
  formatter({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(share);

/** Milliseconds in the unit that reads best. */
export function milliseconds(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 1000) return `${formatter({ maximumSignificantDigits: 3 }).format(value / 1000)} s`;
  if (value >= 1) return `${formatter({ maximumSignificantDigits: 3 }).format(value)} ms`;
  return `${formatter({ maximumSignificantDigits: 3 }).format(value * 1000)} µs`;
}

/** A large number in short, such as 16K or 1M, in powers of two where it is one. */
export function short(value: number): string {
  if (value >= 2 ** 20 && value % 2 ** 20 === 0) return `${whole(value / 2 ** 20)}M`;
  if (value >= 1024 && value % 1024 === 0) return `${whole(value / 1024)}K`;
  return formatter({ notation: "compact", maximumSignificantDigits: 3 }).format(value);
}
