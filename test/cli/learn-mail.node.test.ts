// Text classification: how mails are split and stripped, the baseline, and the report.
import { describe, expect, test } from "vitest";
import { labelReport, percentile } from "../../src/cli/learn/label-report.js";
import { bodyOf, splitMails, stripHeaders } from "../../src/cli/learn/mail-corpus.js";
import { fitNaiveBayes, words } from "../../src/cli/learn/naive-bayes.js";

describe("stripHeaders(mail)", () => {
  const mail = [
    "From someone@example.org  Thu Aug 22 14:44:07 2002",
    "Return-Path: <someone@example.org>",
    "X-Spam-Status: Yes, hits=12",
    "\ttests=CALL_NOW",
    "Subject: spam, and viruses",
    "X-MailScanner: Found to be clean",
    "Status: RO",
    "Status-Report: stays",
    "",
    "X-Spam-Flag: this is the body",
    "From here on nothing is a header",
  ];
  const stripped = [mail[1], mail[4], mail[7], ...mail.slice(8)].join("\n");

  test("leaves out verdicts of filters with their further lines, mailbox notes and the mailbox's line alone", () => {
    expect(stripHeaders(mail.join("\n"))).toBe(stripped);
  });

  test("takes Windows line ends, and leaves what is stripped as it is", () => {
    expect(stripHeaders(mail.join("\r\n"))).toBe(stripped);
    expect(stripHeaders(stripped)).toBe(stripped);
  });

  test("takes a mail without a body", () => {
    expect(stripHeaders("Subject: a\nX-Spam: b")).toBe("Subject: a");
    expect(bodyOf("Subject: a")).toBe("");
    expect(bodyOf("Subject: a\n\n b \n")).toBe("b");
  });
});

describe("splitMails(mails, seed)", () => {
  const mails = Array.from({ length: 200 }, (_, i) => ({
    text: `Subject: ${i}\n\nbody ${i % 4 === 0 ? "of several" : i} ${i % 8 === 0 ? "a" : ""}`,
  }));

  test("gives every mail to one part, a tenth each to validation and test", () => {
    const { train, validation, test: tested } = splitMails(mails, 1);
    expect([train.length, validation.length, tested.length]).toEqual([160, 20, 20]);
    expect(new Set([...train, ...validation, ...tested]).size).toBe(200);
  });

  test("keeps mails of the same body on one side", () => {
    const { train, validation, test: tested } = splitMails(mails, 2);
    const parts = [train, validation, tested].map((part) => new Set(part.map(({ text }) => bodyOf(text))));
    const bodies = parts.flatMap((part) => [...part]);
    expect(new Set(bodies).size).toBe(bodies.length);
  });

  test("is a function of the seed", () => {
    expect(splitMails(mails, 1)).toEqual(splitMails(mails, 1));
    expect(splitMails(mails, 1).test).not.toEqual(splitMails(mails, 2).test);
  });
});

describe("fitNaiveBayes(texts, positive)", () => {
  test("counts words of at least two letters, in lower case", () => {
    expect(words("Äpfel für a 10 EUR!")).toEqual(["äpfel", "für", "eur"]);
  });

  test("gives the probability that counting by hand gives", () => {
    const bayes = fitNaiveBayes(["buy now", "hello there", "hello now"], [true, false, false]);
    // 4 different words; spam: 2 words, ham: 4 words. "now now new": "new" was never seen and says nothing.
    const spam = (1 / 3) * ((1 + 1) / (2 + 4)) ** 2;
    const ham = (2 / 3) * ((1 + 1) / (4 + 4)) ** 2;
    // A handful of logarithms and one exponential in f64, each right to 2^-52 of numbers below 4.
    expect(Math.abs(bayes.probability("now now new") - spam / (spam + ham))).toBeLessThan(2 ** -46);
    expect(bayes.probability("")).toBeCloseTo(1 / 3, 12);
  });

  test("needs both labels", () => {
    expect(() => fitNaiveBayes(["a"], [true])).toThrow("1 positive and 0 negative texts");
  });
});

describe("labelReport(predictions)", () => {
  test("measures by quarters of length, and the latency where there is one", () => {
    const predictions = Array.from({ length: 8 }, (_, i) => ({
      positive: i % 2 === 0,
      probability: i % 2 === 0 || i === 7 ? 0.9 : 0.1, // the longest is wrong
      tokens: 10 * (i + 1),
      milliseconds: i + 1,
    }));
    const report = labelReport([...predictions].reverse());
    expect(report.accuracy).toBe(7 / 8);
    expect(report.quartiles).toEqual([
      { longest: 20, accuracy: 1 },
      { longest: 40, accuracy: 1 },
      { longest: 60, accuracy: 1 },
      { longest: 80, accuracy: 0.5 },
    ]);
    expect(report.latency).toEqual({ p50: 4, p95: 8 });
    expect(report.calibrationError).toBeCloseTo(0.9 - 7 / 8, 12);
    expect(labelReport(predictions.map((p) => ({ ...p, milliseconds: undefined }))).latency).toBeUndefined();
  });

  test("percentile: the smallest value that the share does not exceed", () => {
    expect(percentile([3, 1, 2], 0.5)).toBe(2);
    expect(percentile([3, 1, 2], 1)).toBe(3);
    expect(percentile([5], 0.95)).toBe(5);
  });
});
