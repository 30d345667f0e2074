import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "Hashing is good where it finds what exact attention looks for. Coverage says how much: the share of exact attention's weight that lies on the candidates hashing proposes, for the same queries and keys.",
    "Two families save arithmetic: sign flips and Hadamard transforms in place of random directions, once there are many buckets, and a second guess of the same directions. Two try to find more: centring the keys first, which costs a little more arithmetic, and buckets of equal size.",
    "Equal buckets are here for comparison only. To fill them evenly every token is ranked among all, later ones too, so a model that writes from left to right, as this one does, would learn of its own future; the library refuses to train or write with them.",
  ],
  tryThis:
    "Compare the families at one round and at eight. Then ask why the model expects what it expects next; it has read English only.",
  captionCoverage:
    "Mean over the heads of the LSH layers and over all tokens of a passage the model never saw.",
  captionWhy: (target: string, probability: string) =>
    `Why “${target}” next, with probability ${probability}? Blue pieces of the text speak for it, orange ones against it.`,
  captionWhyFirst: "Ask, and the pieces of the text are tinted by how much they speak for the next one.",
  what: "Show",
  coverage: "Coverage",
  why: "Why this piece",
  ask: "Ask",
  text: "Text so far",
  example: "The captain saw the white wh",
  rounds: "rounds",
  axis: "coverage",
  names: {
    rotations: "Gaussian rotations",
    hadamard: "sign flips + Hadamard",
    "second-probe": "second probe",
    centred: "centred keys",
    balanced: "equal buckets",
  },
  compared: (name: string) => `${name} (comparison only)`,
  learning: (step: string, steps: string) => `Training a tiny model first: step ${step} of ${steps}.`,
  columns: { family: "family", rounds: (n: string) => `rounds: ${n}` },
  how: {
    coverage: (tokens: string) =>
      `Coverage of the trained model's LSH heads with so many rounds, over ${tokens} tokens of the unseen end of the book.`,
  },
  evidence: (value: string) => `${value} nats`,
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "哈希好不好，要看它能否找到精确注意力要找的东西。覆盖率说的就是这个：在同样的查询和键上，精确注意力的权重有多大份额落在哈希提出的候选上。",
    "省运算的做法有两种：用符号翻转和 Hadamard 变换代替随机方向（桶多时才省），或在同样的方向里再取第二接近的一个。想找到更多的也有两种：先把键居中（要多花一点运算），或让所有桶一样大。",
    "等大的桶在这里只作比较。要装得一样满，每个词元就得在全部词元（包括后面的）中排名次；像这里从左往右写的模型，就会预先知道未来的内容，所以本库拒绝用它训练或写作。",
  ],
  tryThis:
    "比较各种做法在一轮和八轮时的差别。再问问模型，为什么它期待接下来的那一块；它只读过英文，所以例子是英文。",
  captionCoverage: "对 LSH 层的各个头、对模型没见过的一段文字的所有词元取平均。",
  captionWhy: (target, probability) =>
    `为什么下一个是“${target}”，概率 ${probability}？文本中蓝色的小块支持它，橙色的反对它。`,
  captionWhyFirst: "提问之后，文本的各小块按它们支持下一块的程度着色。",
  what: "显示",
  coverage: "覆盖率",
  why: "为什么是这一块",
  ask: "提问",
  text: "已有的文本",
  example: "The captain saw the white wh",
  rounds: "轮数",
  axis: "覆盖率",
  names: {
    rotations: "高斯旋转",
    hadamard: "符号翻转 + Hadamard",
    "second-probe": "第二探测",
    centred: "键居中",
    balanced: "等大的桶",
  },
  compared: (name) => `${name}（只作比较）`,
  learning: (step, steps) => `先训练一个很小的模型：第 ${step} 步，共 ${steps} 步。`,
  columns: { family: "做法", rounds: (n) => `${n} 轮` },
  how: {
    coverage: (tokens) => `训练好的模型的 LSH 头在这么多轮下的覆盖率，取书尾没见过的 ${tokens} 个词元。`,
  },
  evidence: (value) => `${value} 奈特`,
};
