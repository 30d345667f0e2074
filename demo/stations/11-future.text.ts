import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "A hashing scheme is worth what it finds for what it costs. Up and to the left is better: more of exact attention for less arithmetic.",
    "Later work balances the buckets, learns the hash, samples instead of choosing, or drops the fixed chunks. The table keeps what runs here apart from what is known from papers.",
    "Equal buckets are measured here for comparison only: in a model that writes from left to right they would tell a token of its future (station 10).",
  ],
  tryThis: "Choose a family and a number of rounds, and add your own point.",
  caption:
    "Arithmetic of hashing one vector of a head (computed) against the share of exact attention that the candidates hold, in the model of station 8.",
  family: "Family",
  rounds: "Rounds",
  add: "Add this point",
  cost: "operations per token and head",
  quality: "coverage",
  learning: (step: string, steps: string) => `Training a tiny model first: step ${step} of ${steps}.`,
  names: {
    rotations: "Gaussian rotations",
    hadamard: "sign flips + Hadamard",
    "second-probe": "second probe",
    centred: "centred keys",
    balanced: "equal buckets",
  },
  point: (family: string, rounds: string) => `${family}, ${rounds} ${rounds === "1" ? "round" : "rounds"}`,
  columns: {
    method: "method",
    cost: "operations",
    coverage: "coverage",
    result: "reported",
    status: "status",
  },
  here: "runs here",
  compared: "comparison only",
  paper: "paper",
  how: {
    cost: "Multiplications and additions to hash one vector in all rounds, from the definition of the family and this model's sizes. Sorting by bucket, which all need, is not counted, nor is the ranking that makes equal buckets.",
    coverage: "As in station 10.",
    result: "As the named paper reports it; not measured by this project.",
  },
  papers: [
    ["SMYRF (NeurIPS 2020)", "clusters of equal size; the quality of BERT with half the memory"],
    [
      "Routing Transformer (TACL 2021)",
      "clusters that are learned; perplexity 15.8 on Wikitext-103, better than the 18.3 of the model compared",
    ],
    [
      "SCFA: sparse causal FlashAttention (NeurIPS 2023)",
      "all of a bucket attended to, without chunks; training 2.0 times as fast at 8k tokens and 3.3 times at 16k, and no worse in perplexity",
    ],
    [
      "HyperAttention (ICLR 2024)",
      "hashing for the large scores, sampling for the rest; answers of ChatGLM2 50% faster at 32k tokens, but worse: perplexity rises from 5.6 to 6.3",
    ],
    [
      "MagicPIG (ICLR 2025)",
      "keys drawn with the probability that their hashes meet, while writing; up to 5 times the throughput",
    ],
    [
      "RACE (arXiv 2025)",
      "running sums for each bucket in place of pairs, and each vector belongs a little to several buckets; as good as the models compared up to 64k tokens",
    ],
  ] as readonly (readonly [string, string])[],
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "哈希方案的价值，在于花多少运算、找到多少。越靠左上越好：用更少的运算，保住更多的精确注意力。",
    "后来的工作有的让桶等大，有的学习哈希函数，有的用采样代替挑选，有的不再用固定的块。表里把这里能跑的和论文里的分开。",
    "等大的桶在这里只作比较：在从左往右写的模型里，它会让词元预先知道未来（见第 10 站）。",
  ],
  tryThis: "选一种做法和轮数，加上你自己的点。",
  caption:
    "横轴：给一个头的一个向量算哈希的运算量（计算得出）；纵轴：候选所占精确注意力的份额，取第 8 站的模型。",
  family: "做法",
  rounds: "轮数",
  add: "加上这个点",
  cost: "每个词元、每个头的运算次数",
  quality: "覆盖率",
  learning: (step, steps) => `先训练一个很小的模型：第 ${step} 步，共 ${steps} 步。`,
  names: {
    rotations: "高斯旋转",
    hadamard: "符号翻转 + Hadamard",
    "second-probe": "第二探测",
    centred: "键居中",
    balanced: "等大的桶",
  },
  point: (family, rounds) => `${family}，${rounds} 轮`,
  columns: { method: "方法", cost: "运算次数", coverage: "覆盖率", result: "论文所报", status: "状态" },
  here: "这里能跑",
  compared: "只作比较",
  paper: "论文",
  how: {
    cost: "一个向量在所有轮里算哈希的乘法和加法次数，由做法的定义和这个模型的尺寸得出。各种做法都要的按桶排序不计在内，等大的桶所需的排名也不计。",
    coverage: "同第 10 站。",
    result: "所列论文的报告；本项目没有测量。",
  },
  papers: [
    ["SMYRF（NeurIPS 2020）", "等大的簇；用一半显存达到 BERT 的质量"],
    ["Routing Transformer（TACL 2021）", "学到的簇；Wikitext-103 困惑度 15.8，好于对照模型的 18.3"],
    [
      "SCFA：稀疏因果 FlashAttention（NeurIPS 2023）",
      "看同桶的所有词元，不分块；训练速度在 8 千词元时是原来的 2.0 倍，1.6 万时 3.3 倍，困惑度没有变差",
    ],
    [
      "HyperAttention（ICLR 2024）",
      "大的分数用哈希找，其余靠采样；3.2 万词元时 ChatGLM2 快 50%，但质量变差：困惑度从 5.6 升到 6.3",
    ],
    ["MagicPIG（ICLR 2025）", "写作时按哈希相遇的概率抽取键；吞吐量至多 5 倍"],
    [
      "RACE（arXiv 2025）",
      "每个桶只记累加和，不再计算词元对，每个向量按比例分属几个桶；到 6.4 万词元与对照模型相当",
    ],
  ],
};
