import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "A Reformer is a Transformer with two parts replaced. Attention by locality-sensitive hashing, LSH for short, compares each token with a few likely ones instead of all. Reversible layers compute their inputs again instead of keeping them.",
    "LSH attention saves time, and the more the longer the text. Reversible layers save memory, and the more the deeper the model; computing again costs them time. The four models here have the same width and the same number of layers.",
  ],
  tryThis:
    "Add layers and watch which bars grow. Then make the text longer, and watch the pairs that have to be scored.",
  paper: "Reformer: The Efficient Transformer",
  cited: ["The idea is Kitaev, Kaiser and Levskaya’s: ", " (ICLR 2020)."] as readonly [string, string],
  caption:
    "GPU memory of one training step, planned to the byte by the library for the length and depth chosen. Full attention here never stores its scores; a runtime that does would need the bytes in the table on top, in every layer.",
  length: "Length",
  depth: "Layers",
  tokens: (n: string) => `${n} tokens`,
  variants: {
    transformer: "Transformer",
    lsh: "with LSH attention",
    reversible: "with reversible layers",
    reformer: "Reformer: both",
  },
  parts: { parameters: "weights, gradients, optimiser", activations: "activations and working memory" },
  columns: {
    variant: "model",
    attention: "attention's time",
    activations: "activations",
    memory: "training memory",
    scores: "scores, if stored",
    ms: (length: string) => `a step at ${length} tokens`,
    pairs: "pairs scored per layer",
  },
  withLayers: (time: string, layers: string) =>
    `${time} with ${layers} ${layers === "1" ? "layer" : "layers"}`,
  complexity: {
    full: "n²",
    lsh: "n · rounds · chunk",
    stored: "grow with depth",
    reversible: "one layer's worth",
  },
  how: {
    memory:
      "planMemory of the library: every buffer that a training step will ask for at the length and depth chosen.",
    scores:
      "4 bytes for each pair of tokens, head and layer; what attention that keeps its scores would need.",
    ms: (most: string) =>
      `Median training step of models of the depth chosen, but of at most ${most} layers, on a short text; random weights.`,
    pairs: "Queries times keys, per head: all, or rounds times the two chunks that a token sees.",
  },
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "Reformer 是换了两个部件的 Transformer。局部敏感哈希（locality-sensitive hashing，简称 LSH）注意力让每个词元只与少数可能相关的词元比较，而不是全部；可逆层把输入重新算出来，而不是存下来。",
    "LSH 注意力省时间，文本越长省得越多。可逆层省显存，层数越多省得越多，代价是重算要花时间。这里的四个模型宽度相同，层数相同。",
  ],
  tryThis: "增加层数，看哪几条会变长。再加长文本，看要计算的词元对的数目怎样变化。",
  paper: "Reformer: The Efficient Transformer",
  cited: ["这个想法来自 Kitaev、Kaiser 和 Levskaya 的论文：", "（ICLR 2020）。"],
  caption:
    "一步训练的显存，由本库按所选长度和层数精确计划到字节。这里的全注意力从不存储分数；换成会存储分数的运行库，每一层还要另加表中的字节数。",
  length: "长度",
  depth: "层数",
  tokens: (n) => `${n} 个词元`,
  variants: {
    transformer: "Transformer",
    lsh: "换上 LSH 注意力",
    reversible: "换上可逆层",
    reformer: "Reformer：两者都换",
  },
  parts: { parameters: "权重、梯度、优化器", activations: "激活值与工作显存" },
  columns: {
    variant: "模型",
    attention: "注意力的时间",
    activations: "激活值",
    memory: "训练显存",
    scores: "分数（若存储）",
    ms: (length) => `一步用时（${length} 个词元）`,
    pairs: "每层计算的词元对",
  },
  withLayers: (time, layers) => `${time}（${layers} 层）`,
  complexity: { full: "n²", lsh: "n · 轮数 · 块长", stored: "随层数增长", reversible: "只需一层的量" },
  how: {
    memory: "本库的 planMemory：在所选长度和层数下，一步训练将申请的每一块缓冲区。",
    scores: "每对词元、每个头、每层 4 字节；保留分数的注意力需要这么多。",
    ms: (most) => `所选层数（但至多 ${most} 层）的模型在短文本上一步训练的中位数；权重随机。`,
    pairs: "每个头的查询数乘以键数：全部，或轮数乘以一个词元能看到的两块。",
  },
};
