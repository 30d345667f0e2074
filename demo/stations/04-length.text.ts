import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "Full attention scores every pair, so twice the length takes four times as long. LSH attention scores each token against a fixed number of others in each round: twice the length, twice the time.",
    "On short texts hashing and sorting are not worth their price. The table shows from which length on they are, here. A curve ends where a run would take too long, or where the memory planned for it is more than the adapter allows of one block.",
  ],
  tryThis:
    "Change the number of rounds and measure again: the blue line moves up, its slope stays: it still takes twice as long for twice the length. Then look at the memory that scores would take if they were stored.",
  captionTime:
    "Both axes are logarithmic. A line of slope 1, one doubling up for each doubling to the right, means time in proportion to length; slope 2 means time that grows with the square. Dashed: expected, because it would take too long to wait for.",
  captionMemory:
    "Scores of all heads, if they were kept for the backward pass as plain attention does. This runtime never stores them.",
  captionLimit: (length: string) =>
    `Stored, those of full attention would not fit one block from ${length} tokens on.`,
  captionEnd: (what: string, length: string) =>
    `${what}: its memory, as planned, does not fit this adapter from ${length} tokens on. There the curve ends.`,
  noRoom: "does not fit",
  rounds: "Rounds",
  what: "Show",
  time: "Time",
  memory: "Memory of scores",
  lsh: (rounds: string) => `LSH, ${rounds} ${rounds === "1" ? "round" : "rounds"}`,
  full: "full attention",
  length: "tokens",
  limit: (bytes: string) => `largest block here, ${bytes}`,
  limitDefault: (bytes: string) => `largest block by WebGPU's default, ${bytes}`,
  columns: {
    length: "tokens",
    full: "full attention",
    lsh: (rounds: string) => `LSH, ${rounds} ${rounds === "1" ? "round" : "rounds"}`,
    ratio: "full over LSH",
    fullScores: "scores, full",
    lshScores: "scores, LSH",
    work: "LSH's memory",
    planFull: "planned, full",
    planLsh: "planned, LSH",
  },
  how: {
    time: (heads: string, size: string) =>
      `Median of up to five runs of the library's kernel on random vectors, ${heads} heads of ${size}, from submission to the GPU being done. Lengths whose run would take too long are not run; “expected” follows from the length before.`,
    ratio: "Time of full attention over that of LSH attention; above 1, LSH is the faster one.",
    fullScores: "4 bytes for each pair of tokens and each head.",
    lshScores: "4 bytes for each token, round and head, times the keys of two chunks.",
    work: "GPU memory that the kernel took besides queries, values and result: rotations, buckets and sorting.",
    plan: (width: string) =>
      `planMemory of the library: all GPU memory of a training step of one such layer of width ${width}, weights included.`,
  },
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "全注意力计算所有的对，所以长度加倍，时间变成四倍。LSH 注意力的每一轮里，每个词元只与固定数量的词元计算：长度加倍，时间也只加倍。",
    "文本短时，哈希和排序得不偿失。从多长开始划算，表里是这台设备的答案。曲线在两种情况下终止：再长就要等太久，或者计划的显存超过适配器允许的单块上限。",
  ],
  tryThis:
    "改变轮数，重新测量：蓝线上移，斜率不变：长度加倍，时间仍只加倍。再看看，如果把分数都存下来，要占多少显存。",
  captionTime:
    "两条轴都是对数刻度。斜率为 1，即长度每加倍时间也加倍，就是与长度成正比；斜率为 2 就是按平方增长。虚线：预计值，真跑要等太久。",
  captionMemory: "如果像普通注意力那样为反向传播保留所有头的分数。本运行库从不存储它们。",
  captionLimit: (length) => `若存储，从 ${length} 个词元起，全注意力的分数就放不进一个单块。`,
  captionEnd: (what, length) =>
    `${what}：按计划，从 ${length} 个词元起，显存超过这块适配器的上限，曲线到此为止。`,
  noRoom: "放不下",
  rounds: "轮数",
  what: "显示",
  time: "时间",
  memory: "分数占的显存",
  lsh: (rounds) => `LSH，${rounds} 轮`,
  full: "全注意力",
  length: "词元",
  limit: (bytes) => `这里最大的单块，${bytes}`,
  limitDefault: (bytes) => `WebGPU 默认的最大单块，${bytes}`,
  columns: {
    length: "词元",
    full: "全注意力",
    lsh: (rounds) => `LSH，${rounds} 轮`,
    ratio: "全注意力/LSH",
    fullScores: "分数，全注意力",
    lshScores: "分数，LSH",
    work: "LSH 占的显存",
    planFull: "计划，全注意力",
    planLsh: "计划，LSH",
  },
  how: {
    time: (heads, size) =>
      `用本库的内核在随机向量上运行至多五次的中位数，${heads} 个头，每头 ${size} 维，从提交到显卡完成。会太久的长度不跑，“预计”由前一个长度推出。`,
    ratio: "全注意力的时间除以 LSH 注意力的时间；大于 1 时 LSH 更快。",
    fullScores: "每对词元、每个头 4 字节。",
    lshScores: "每个词元、每轮、每个头，乘以两块的键数，各 4 字节。",
    work: "除查询、值和结果以外，内核占用的显存：旋转、桶和排序。",
    plan: (width) => `本库的 planMemory：宽 ${width} 的这样一层训练一步所需的全部显存，包括权重。`,
  },
};
