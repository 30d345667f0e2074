import type { Phrases } from "../i18n/phrases.js";

const counted = (rounds: string) => `${rounds} ${rounds === "1" ? "round" : "rounds"}`;

export const en = {
  sentences: [
    "A Reformer is for long texts on hardware with little memory. On short texts it is a Transformer with extra work, and with too few rounds it misses what it should have found.",
    "The claims below are not quoted: each is held against what this page has measured on your device, or computed, so far.",
  ],
  tryThis:
    "Set the length you have in mind and measure. Then visit the stations whose evidence is still missing.",
  caption: (verdict: string) => verdict,
  length: "Your length",
  verdicts: {
    none: "Not measured yet: press Measure.",
    noGpu: "Without WebGPU nothing can be timed here.",
    lsh: (length: string, times: string) =>
      `At ${length} tokens LSH attention is ${times} times as fast as full attention here: use it.`,
    full: (length: string, times: string) =>
      `At ${length} tokens full attention is ${times} times as fast as LSH attention here: leave LSH out.`,
  },
  bars: { full: "full attention", lsh: (rounds: string) => `LSH attention, ${counted(rounds)}` },
  expected: (time: string) => `${time} (expected)`,
  columns: {
    claim: "claim",
    evidence: "evidence from your device",
    values: ["value", "where", "second value", "where, second"] as readonly string[],
    holds: "holds here?",
    station: "station",
  },
  claims: {
    chosen: "LSH attention pays at the length you chose",
    long: "the longer the text, the more LSH saves",
    short: "on short texts full attention is faster",
    depth: "memory stays flat with depth",
    exact: "recomputing changes nothing",
    rounds: "more rounds find more",
    missed: "one round misses partners",
  },
  evidence: {
    times: (length: string, times: string, rounds: string) =>
      `${times}× at ${length} tokens with ${counted(rounds)}`,
    twice: (a: string, atA: string, b: string, atB: string, rounds: string) =>
      `${a}× at ${atA} tokens, ${b}× at ${atB}, with ${counted(rounds)}`,
    depth: (shallow: string, deep: string, from: string, to: string) =>
      `${from} with ${shallow} layers, ${to} with ${deep}`,
    exact: (difference: string, steps: string) => `losses differ by ${difference} over ${steps} steps`,
    rounds: (a: string, ra: string, b: string, rb: string) => `${a} with ${counted(ra)}, ${b} with ${rb}`,
    one: (share: string, rounds: string) => `${share} found with ${counted(rounds)}`,
    missing: "not measured yet",
  },
  yes: "yes",
  no: "no",
  how: {
    evidence:
      "Taken from the stations named in the last column, as they were measured on this device in this visit; memory and the shares of partners found are computed.",
    times: "Time of full attention over that of LSH attention.",
  },
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "Reformer 适合长文本和显存不多的硬件。文本短时，它只是多干了活的 Transformer；轮数太少时，它会错过本该找到的东西。",
    "下面的说法不是照搬来的：每一条都与本页目前在你的设备上测到或算出的结果对照。",
  ],
  tryThis: "设定你想用的长度，测一测。再去证据还空缺的那几站看看。",
  caption: (verdict) => verdict,
  length: "你的长度",
  verdicts: {
    none: "还没有测量：请按“开始测量”。",
    noGpu: "没有 WebGPU，这里无法计时。",
    lsh: (length, times) => `${length} 个词元时，这里的 LSH 注意力速度是全注意力的 ${times} 倍：用它。`,
    full: (length, times) =>
      `${length} 个词元时，这里的全注意力速度是 LSH 注意力的 ${times} 倍：不必用 LSH。`,
  },
  bars: { full: "全注意力", lsh: (rounds) => `LSH 注意力，${rounds} 轮` },
  expected: (time) => `${time}（预计）`,
  columns: {
    claim: "说法",
    evidence: "你的设备上的证据",
    values: ["值", "在何处", "第二个值", "第二个在何处"],
    holds: "在这里成立吗？",
    station: "站",
  },
  claims: {
    chosen: "在你选的长度上，LSH 注意力划算",
    long: "文本越长，LSH 省得越多",
    short: "文本短时全注意力更快",
    depth: "显存不随层数增长",
    exact: "重算不改变任何结果",
    rounds: "轮数越多，找到越多",
    missed: "只用一轮会错过同伴",
  },
  evidence: {
    times: (length, times, rounds) => `${rounds} 轮，${length} 个词元时 ${times} 倍`,
    twice: (a, atA, b, atB, rounds) => `${rounds} 轮，${atA} 个词元时 ${a} 倍，${atB} 个时 ${b} 倍`,
    depth: (shallow, deep, from, to) => `${shallow} 层时 ${from}，${deep} 层时 ${to}`,
    exact: (difference, steps) => `${steps} 步里损失相差 ${difference}`,
    rounds: (a, ra, b, rb) => `${ra} 轮时 ${a}，${rb} 轮时 ${b}`,
    one: (share, rounds) => `${rounds} 轮找到 ${share}`,
    missing: "还没有测量",
  },
  yes: "是",
  no: "否",
  how: {
    evidence: "取自最后一列所列的站，都是这次访问在这台设备上测得的；显存和找到同伴的比例为计算值。",
    times: "全注意力的时间除以 LSH 注意力的时间。",
  },
};
