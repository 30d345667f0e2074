import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "A hashing scheme is worth what it finds for what it costs. Up and to the left is better: more of exact attention for less arithmetic.",
    "Later work balances the buckets, learns the hash, samples instead of choosing, or drops the fixed chunks. The table keeps what runs here apart from what is known from papers.",
  ],
  tryThis: "Choose a family and a number of rounds, and add your own point.",
  caption:
    "Arithmetic of hashing one vector of a head (computed) against the share of exact attention that the candidates hold (measured on this device's model).",
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
    balanced: "balanced buckets",
  },
  point: (family: string, rounds: string) => `${family}, ${rounds} rounds`,
  columns: {
    method: "method",
    cost: "operations",
    coverage: "coverage",
    result: "reported",
    status: "status",
  },
  here: "runs here",
  paper: "paper",
  how: {
    cost: "Multiplications and additions to hash one vector in all rounds, from the definition of the family and this model's sizes.",
    coverage: "As in station 10.",
    result: "As the named paper reports it; not measured by this project.",
  },
  papers: [
    ["SMYRF, 2020", "balanced clusters; BERT's quality with half the memory"],
    ["Routing Transformer, 2020", "learned clusters; perplexity 15.8 against 18.3 on Wikitext-103"],
    [
      "SCFA, 2023",
      "same-bucket attention without chunks; training 2.0 to 3.3 times faster at equal perplexity",
    ],
    ["HyperAttention, 2023", "sorted hashing and sampling; 50 % faster at 32k tokens, perplexity 5.6 to 6.3"],
    ["MagicPIG, 2025", "sampling by hashes while decoding; up to 5 times the throughput"],
    ["RACE, 2025", "soft sketches; matches baselines to 64k tokens"],
  ] as readonly (readonly [string, string])[],
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "哈希方案的价值，在于花多少、找到多少。越靠左上越好：用更少的运算，保住更多的精确注意力。",
    "后来的工作有的让桶等大，有的学习哈希函数，有的用采样代替挑选，有的不再用固定的块。表里把这里能跑的和论文里的分开。",
  ],
  tryThis: "选一种做法和轮数，加上你自己的点。",
  caption:
    "横轴：给一个头的一个向量算哈希的运算量（计算得出）；纵轴：候选所占精确注意力的份额（用这台设备上的模型测得）。",
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
  here: "这里可跑",
  paper: "论文",
  how: {
    cost: "一个向量在所有轮里算哈希的乘法和加法次数，由做法的定义和这个模型的尺寸得出。",
    coverage: "同第 10 站。",
    result: "所列论文的报告；本项目没有测量。",
  },
  papers: [
    ["SMYRF，2020", "等大的簇；用一半内存达到 BERT 的质量"],
    ["Routing Transformer，2020", "学到的簇；Wikitext-103 困惑度 15.8，对照为 18.3"],
    ["SCFA，2023", "同桶注意力，不分块；困惑度相同，训练快 2.0 到 3.3 倍"],
    ["HyperAttention，2023", "排序哈希加采样；3.2 万词元时快 50%，困惑度从 5.6 到 6.3"],
    ["MagicPIG，2025", "解码时按哈希采样；吞吐至多 5 倍"],
    ["RACE，2025", "软草图；到 6.4 万词元与基线相当"],
  ],
};
