import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "Attention looks for the few keys that point the same way as a query. LSH finds them without comparing all pairs: it hashes every vector, sorts by bucket, cuts the sorted row into chunks, and lets each chunk attend to itself and the one before. The one before is needed because a bucket may lie across the border of two chunks.",
    "One round can miss a partner that falls just across the border of a bucket. Every further round is another chance, at the price of one more sort and one more pass.",
  ],
  tryThis:
    "Write a sentence with words that look alike, follow one of them through the four steps, then add rounds until it meets all its partners.",
  caption: (partners: string) =>
    `Vectors here are made of each word's letters, so that words that look alike are alike. Blue: pairs that meet in some round. Orange rings: the ${partners} partners that full attention would favour.`,
  textLabel: "Your text",
  text: "The whale and the whaling ship: the captain saw the white whale, the ship sailed, the sailor saw the captain, and the sea was white where the whales were.",
  steps: ["1 Hash", "2 Sort", "3 Chunk", "4 Attend"],
  stepNote: [
    "Reading order; the colour is the bucket of the first round.",
    "Sorted by bucket; words of one bucket stand together.",
    "Cut into chunks of equal length, whatever the buckets.",
    "Each chunk sees itself and the one before: who meets whom, over all rounds.",
  ],
  rounds: "Rounds",
  buckets: "Buckets",
  word: "Follow",
  redraw: "New rotations",
  columns: {
    rounds: "rounds",
    recall: "partners met",
    pairs: "pairs scored",
    share: "of all pairs",
    time: (length: string) => `time at ${length} tokens`,
  },
  full: "full",
  how: {
    recall: (partners: string) =>
      `Share of each word's ${partners} most similar words that it meets in some round; counted on your text, on the CPU.`,
    pairs: "Pairs of query and key that are scored for your text; full attention scores every pair.",
    share:
      "Pairs scored over those of full attention. For a text this short rounds cost more than they save.",
    ms: (length: string, heads: string, size: string) =>
      `Median of up to five runs of the library's kernel on random vectors: ${length} tokens, ${heads} heads of ${size}, from submission to the GPU being done.`,
  },
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "注意力要找的，是与查询方向相同的少数几个键。LSH 不必比较所有的对就能找到它们：给每个向量算哈希，按桶排序，把排好的一列切成块，每块只看自己和前一块。要看前一块，是因为一个桶可能跨在两块的分界上。",
    "只哈希一轮，可能错过刚好隔着桶的边界的同伴。每多一轮就多一次机会，代价是多排序一次、多算一遍。",
  ],
  tryThis: "写一句含有相像的词的话，跟着其中一个词走完四步，再增加轮数，直到它遇到所有同伴。",
  caption: (partners) =>
    `这里的向量由每个词的字母（中文每个字算一个词）组成，样子相像的词，向量也相近。蓝色：在某一轮相遇的对。橙色圆圈：全注意力最看重的 ${partners} 个同伴。`,
  textLabel: "你的文本",
  text: "白鲸与捕鲸船：船长看见白鲸，捕鲸船起航，水手看见船长，鲸群所在之处，海是白的。",
  steps: ["1 哈希", "2 排序", "3 分块", "4 注意力"],
  stepNote: [
    "按阅读顺序；颜色是第一轮的桶。",
    "按桶排序；同一个桶的词站在一起。",
    "切成等长的块，不管桶在哪里分界。",
    "每块看自己和前一块：各轮合起来，谁遇到了谁。",
  ],
  rounds: "轮数",
  buckets: "桶数",
  word: "跟踪",
  redraw: "换一组旋转",
  columns: {
    rounds: "轮数",
    recall: "遇到的同伴",
    pairs: "计算的词元对",
    share: "占全部词元对",
    time: (length) => `用时（${length} 个词元）`,
  },
  full: "全注意力",
  how: {
    recall: (partners) =>
      `每个词最相近的 ${partners} 个词里，有多大比例在某一轮与它相遇；在 CPU 上用你的文本数出。`,
    pairs: "你的文本里要计算的查询与键的对；全注意力计算所有的对。",
    share: "计算的对与全注意力之比。文本这么短时，多轮的花费比省下的还多。",
    ms: (length, heads, size) =>
      `用本库的内核在随机向量上运行至多五次的中位数：${length} 个词元，${heads} 个头，每头 ${size} 维，从提交到显卡完成。`,
  },
};
