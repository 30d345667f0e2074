import type { Phrases } from "../i18n/phrases.js";

export const en = {
  schedule:
    "The learning rate decides more than most other settings. A warm-up keeps the first, roughest steps small; a schedule lowers the rate towards the end. Where a text is unlike the others the gradient can be many times longer than usual, and a step along it would throw the weights far off: clipping scales it down to a set length.",
  regularisation: (dropout: string) =>
    `Regularisation keeps a model from learning its text by heart: dropout zeroes ${dropout} of the activations of each step, weight decay pulls the weights towards zero. What it costs shows on the text trained on, what it gains on text held out; a run as short as this has little to learn by heart yet.`,
  compared:
    "All runs start from the same weights and read the same text in the same order, so the difference is the setting alone.",
  tryThis:
    "Raise the learning rate and measure again, or press the button that makes one diverge: the runtime notices, and stops it.",
  caption: "Bits per character on the text trained on, each point the mean of a few steps.",
  captionRate: "The learning rate that each run was given, step by step.",
  what: "Show",
  curves: "Learning curves",
  rates: "Learning rates",
  rate: "Highest learning rate",
  diverge: "Make one diverge",
  axis: "bits per character",
  rateAxis: "learning rate",
  step: "step",
  runs: {
    cosine: "cosine, clipped",
    constant: "constant, no warm-up",
    root: "inverse square root",
    free: "cosine, no clipping",
    dropout: (dropout: string) => `cosine, dropout ${dropout}`,
    decay: (decay: string) => `cosine, decay ${decay}`,
    wild: "200 × the rate, no clipping",
  },
  columns: {
    run: "run",
    steps: "steps",
    first: "first step",
    last: "last steps",
    heldOut: "held out",
    norm: "largest gradient norm",
    ms: "a step",
    problem: "what happened",
  },
  fine: "took all its steps",
  late: "left early: time was up",
  diverged: "diverged, stopped",
  how: {
    bits: "Bits per character of the text in that step, or the mean of the last eight.",
    heldOut: (characters: string) =>
      `Bits per character after the last step, on ${characters} characters of the end of the book, which no run reads; without dropout.`,
    norm: "Length of the gradient of all weights, before clipping; the largest of the run.",
    ms: "Median time of a step.",
  },
};

export const zh: Phrases<typeof en> = {
  schedule:
    "学习率比大多数设置都重要。预热让最初、最颠簸的几步小一些；学习率调度在后期把它降下来。遇到与众不同的文本，梯度可能比平时长很多倍，照它走一步会把权重带得很远：裁剪把它缩到规定的长度。",
  regularisation: (dropout) =>
    `正则化防止模型死记文本：丢弃在每一步把 ${dropout} 的激活值置零，权重衰减把权重拉向零。代价看训练文本，收益看留出文本；这里的训练很短，还没有多少可死记的。`,
  compared: "各次训练从同样的权重开始，按同样的顺序读同样的文本，所以差别只来自设置。",
  tryThis: "提高学习率，重新测量；或者按下按钮让一次训练发散：运行库会发现，并停下它。",
  caption: "训练文本上的每字符比特数，每个点是若干步的平均。",
  captionRate: "每次训练逐步得到的学习率。",
  what: "显示",
  curves: "学习曲线",
  rates: "学习率",
  rate: "最高学习率",
  diverge: "让一次训练发散",
  axis: "比特/字符",
  rateAxis: "学习率",
  step: "步",
  runs: {
    cosine: "余弦，裁剪",
    constant: "恒定，无预热",
    root: "平方根倒数",
    free: "余弦，不裁剪",
    dropout: (dropout) => `余弦，丢弃 ${dropout}`,
    decay: (decay) => `余弦，衰减 ${decay}`,
    wild: "200 倍学习率，不裁剪",
  },
  columns: {
    run: "训练",
    steps: "步数",
    first: "第一步",
    last: "最后几步",
    heldOut: "留出文本",
    norm: "最大梯度范数",
    ms: "一步",
    problem: "结果",
  },
  fine: "走完所有步",
  late: "时间到，提前停止",
  diverged: "发散，已停止",
  how: {
    bits: "那一步文本的每字符比特数，或最后八步的平均。",
    heldOut: (characters) =>
      `最后一步之后，书尾 ${characters} 个字符的每字符比特数，训练都没有读过；不用丢弃。`,
    norm: "裁剪之前全部权重梯度的长度；全程最大的一次。",
    ms: "一步时间的中位数。",
  },
};
