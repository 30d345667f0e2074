import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "Two residual streams run through the model side by side. Each layer adds attention of one stream to the other, then the result of a feed-forward network back to the first; that is what makes it reversible.",
    "Layers are of three kinds: LSH, local (a window along the text) and full. A projection is a matrix that turns a token’s vector into a query, a key or a value. An LSH layer uses one vector as query and as key, so it has one projection less.",
  ],
  tryThis:
    "Click a block to see its weights and the GPU programs it runs. Change the kind of a layer and see which come and go.",
  caption:
    "The model as the library lays it out. Heights are equal; the bar in each block is its share of the time of a training step.",
  planned: (tokens: string, bytes: string) =>
    `A training step of this model on ${tokens} tokens takes ${bytes} of GPU memory, planned before anything is allocated.`,
  kinds: { lsh: "LSH", local: "local", full: "full" },
  layers: "Layers, in order",
  select: "Block",
  blocks: {
    embedding: "embedding",
    attention: (layer: string, kind: string) => `layer ${layer}: ${kind} attention`,
    feedForward: (layer: string) => `layer ${layer}: feed-forward`,
    head: "head and loss",
    optimizer: "optimiser",
  },
  streams: ["x₁", "x₂"] as readonly string[],
  tensors: "Weights",
  none: "none of its own",
  kernels: "GPU programs, forward",
  kernelsBackward: "GPU programs, backward",
  columns: {
    block: "block",
    parameters: "parameters",
    forward: "dispatches forward",
    backward: "dispatches backward",
    time: "time",
    share: "of the step",
  },
  how: {
    parameters: "Counted from the shapes of the weights, which follow from the configuration.",
    dispatches: (length: string) => `GPU programs that a training step of ${length} tokens starts.`,
    time: "Sum of the block's dispatches, each timed alone by the GPU's own clock; “–” where the adapter has none.",
  },
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "两股残差流并排穿过模型。每一层把一股流的注意力加到另一股上，再把前馈网络的结果加回第一股；正因如此，它才可逆。",
    "层有三种：LSH、局部（沿文本的窗口）和全注意力。投影是一个矩阵，把词元的向量变成查询、键或值。LSH 层用同一个向量兼作查询和键，所以少一个投影。",
  ],
  tryThis: "点一个模块，看它的权重和它运行的显卡程序。换一层的种类，看哪些程序出现、哪些消失。",
  caption: "本库所建的模型。各模块等高；模块里的横条是它在一步训练时间中的份额。",
  planned: (tokens, bytes) => `这个模型在 ${tokens} 个词元上训练一步要占 ${bytes} 显存，分配之前就已算出。`,
  kinds: { lsh: "LSH", local: "局部", full: "全" },
  layers: "各层，按顺序",
  select: "模块",
  blocks: {
    embedding: "嵌入",
    attention: (layer, kind) => `第 ${layer} 层：${kind === "LSH" ? "LSH " : kind}注意力`,
    feedForward: (layer) => `第 ${layer} 层：前馈`,
    head: "输出头与损失",
    optimizer: "优化器",
  },
  streams: ["x₁", "x₂"],
  tensors: "权重",
  none: "没有自己的权重",
  kernels: "显卡程序，前向",
  kernelsBackward: "显卡程序，反向",
  columns: {
    block: "模块",
    parameters: "参数",
    forward: "前向调度",
    backward: "反向调度",
    time: "时间",
    share: "占一步的比例",
  },
  how: {
    parameters: "由权重的形状数出，形状由配置决定。",
    dispatches: (length) => `${length} 个词元的一步训练启动的显卡程序。`,
    time: "模块各次调度的总和，每次都由显卡自己的时钟单独计时；适配器没有时钟时显示“–”。",
  },
};
