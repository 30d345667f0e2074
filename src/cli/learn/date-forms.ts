// Dates as people write them, and what all of them mean: 2021-03-03. No form is ambiguous: days and months in figures
// alone are only used where one of them cannot be a month, or where both are the same.
import type { Random } from "../../random.js";

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"] as const;
const ORDINALS = [
  ..."first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth".split(
    " ",
  ),
  ..."fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(" "),
] as const;
const FIRST_YEAR = 1900;
const YEARS = 200;

interface Day {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
}

const two = (n: number) => String(n).padStart(2, "0");
const monthOf = ({ month }: Day) => MONTHS[month - 1] ?? "";
const short = (word: string) => word.slice(0, 3);
const weekdayOf = ({ year, month, day }: Day) =>
  WEEKDAYS[new Date(Date.UTC(year, month - 1, day)).getUTCDay()] ?? "";

function suffixed({ day }: Day): string {
  const teen = day > 10 && day < 14;
  return `${day}${(!teen && ["th", "st", "nd", "rd"][day % 10]) || "th"}`;
}

function ordinal({ day }: Day): string {
  if (day <= 20) return ORDINALS[day - 1] ?? "";
  if (day === 30) return "thirtieth";
  return `${day > 30 ? "thirty" : "twenty"}-${ORDINALS[(day % 10) - 1] ?? ""}`;
}

type Form = readonly [name: string, write: (date: Day) => string];
const FORMS: readonly Form[] = [
  ["2021-03-03", (d) => iso(d)],
  ["2021/3/3", (d) => `${d.year}/${d.month}/${d.day}`],
  ["20210303", (d) => iso(d).replaceAll("-", "")],
  ["3 Mar 2021", (d) => `${d.day} ${short(monthOf(d))} ${d.year}`],
  ["03-MAR-2021", (d) => `${two(d.day)}-${short(monthOf(d)).toUpperCase()}-${d.year}`],
  ["3 March 2021", (d) => `${d.day} ${monthOf(d)} ${d.year}`],
  ["Mar 3, 2021", (d) => `${short(monthOf(d))} ${d.day}, ${d.year}`],
  ["March 3, 2021", (d) => `${monthOf(d)} ${d.day}, ${d.year}`],
  ["march 3rd 2021", (d) => `${monthOf(d).toLowerCase()} ${suffixed(d)} ${d.year}`],
  ["March the 3rd, 2021", (d) => `${monthOf(d)} the ${suffixed(d)}, ${d.year}`],
  ["3rd of March 2021", (d) => `${suffixed(d)} of ${monthOf(d)} ${d.year}`],
  ["the third of March, 2021", (d) => `the ${ordinal(d)} of ${monthOf(d)}, ${d.year}`],
  ["March the third, 2021", (d) => `${monthOf(d)} the ${ordinal(d)}, ${d.year}`],
  ["Wed, 3 Mar 2021", (d) => `${short(weekdayOf(d))}, ${d.day} ${short(monthOf(d))} ${d.year}`],
  ["Wednesday, March 3, 2021", (d) => `${weekdayOf(d)}, ${monthOf(d)} ${d.day}, ${d.year}`],
  ["Wednesday the 3rd of March 2021", (d) => `${weekdayOf(d)} the ${suffixed(d)} of ${monthOf(d)} ${d.year}`],
  ["3. III. 2021", (d) => `${d.day}. ${ROMAN[d.month - 1]}. ${d.year}`],
];
/** Only where no month is mistaken for a day. */
const FIGURES: readonly Form[] = [
  ["23/03/2021", (d) => `${two(d.day)}/${two(d.month)}/${d.year}`],
  ["03/23/2021", (d) => `${two(d.month)}/${two(d.day)}/${d.year}`],
  ["23.3.2021", (d) => `${d.day}.${d.month}.${d.year}`],
];

function iso({ year, month, day }: Day): string {
  return `${year}-${two(month)}-${two(day)}`;
}

export interface WrittenDate {
  readonly form: string;
  readonly text: string;
  /** ISO 8601. */
  readonly date: string;
}

/** A day of 1900 to 2099 in one of all forms that it can be written in. */
export function drawDate(random: Random): WrittenDate {
  const year = FIRST_YEAR + random.below(YEARS);
  const month = 1 + random.below(12);
  const day = 1 + random.below(new Date(Date.UTC(year, month, 0)).getUTCDate());
  const date = { year, month, day };
  const forms = day > 12 || day === month ? [...FORMS, ...FIGURES] : FORMS;
  const [form, write] = forms[random.below(forms.length)] as Form;
  return { form, text: write(date), date: iso(date) };
}

/** Letters of the longest form: "the twenty-seventh of September, 2021". */
export const LONGEST_DATE = 37;
