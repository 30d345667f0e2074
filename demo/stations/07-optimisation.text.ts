import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "The learning rate decides more than most other settings. A warm-up keeps the first, roughest steps small; a schedule lowers the rate towards the end; clipping shortens a gradient that is suddenly long.",
    "All runs here start from the same weights and read the same text in the same order, so the difference is the setting alone.",
  ],
  tryThis:
    "Raise the learning rate until the run without clipping falls behind, or press the button that makes one diverge: the runtime stops it and says at which step.",
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
    decay: "weight decay 0.3",
    wild: "200 × the rate, no clipping",
  },
  columns: {
    run: "run",
    first: "first step",
    last: "last steps",
    norm: "largest gradient norm",
    ms: "a step",
    problem: "what happened",
  },
  fine: "ended well",
  diverged: "diverged, stopped",
  how: {
    bits: "Bits per character of the text in that step, or the mean of the last eight.",
    norm: "Length of the gradient of all weights, before clipping; the largest of the run.",
    ms: "Median time of a step.",
  },
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "学习率比大多数设置都重要。预热让最初、最颠簸的几步小一些；调度在后期把学习率降下来；裁剪把突然变长的梯度缩短。",
    "这里的各次训练从同样的权重开始，按同样的顺序读同样的文本，所以差别只来自设置。",
  ],
  tryThis: "提高学习率，直到不裁剪的那次落后；或者按下按钮让一次训练发散：运行库会停下它，并说明在哪一步。",
  caption: "训练文本上的每字符比特数，每个点是若干步的平均。",
  captionRate: "每次训练逐步得到的学习率。",
  what: "显示",
  curves: "学习曲线",
  rates: "学习率",
  rate: "最高学习率",
  diverge: "让一次发散",
  axis: "比特／字符",
  rateAxis: "学习率",
  step: "步",
  runs: {
    cosine: "余弦，裁剪",
    constant: "恒定，无预热",
    root: "平方根倒数",
    free: "余弦，不裁剪",
    decay: "权重衰减 0.3",
    wild: "200 倍学习率，不裁剪",
  },
  columns: {
    run: "训练",
    first: "第一步",
    last: "最后几步",
    norm: "最大梯度范数",
    ms: "一步",
    problem: "结果",
  },
  fine: "顺利结束",
  diverged: "发散，已停止",
  how: {
    bits: "那一步文本的每字符比特数，或最后八步的平均。",
    norm: "裁剪之前全部权重梯度的长度；全程最大的一次。",
    ms: "一步时间的中位数。",
  },
};
