import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "A training step runs forward, then backward from the last layer to the first, then updates the weights. A reversible model computes each layer again on the way back, so its backward pass contains a second forward pass.",
    "Hashing and sorting are what LSH adds. How much they weigh depends on the length and on the hardware: here is where the time goes on yours.",
  ],
  tryThis: "Switch to stored activations and see the backward part shrink. Then make the sequence longer.",
  caption:
    "Every GPU program of one training step, timed alone by the GPU's own clock and added up by what it is for.",
  captionWork: "This adapter has no clock for single programs, so the bars show arithmetic instead of time.",
  backward: "Activations",
  modes: { reversible: "recomputed", stored: "stored" },
  length: "Tokens",
  parts: {
    embedding: "embedding",
    projection: "projections and norms",
    hash: "hashing",
    sort: "sorting",
    attend: "attending",
    feedForward: "feed-forward",
    back: "backward: attention",
    backFeedForward: "backward: feed-forward",
    head: "head and loss",
    optimizer: "optimiser",
  },
  columns: {
    part: "part",
    dispatches: "dispatches",
    time: "time",
    share: "share",
    flops: "arithmetic",
    rate: "GFLOP/s",
  },
  units: (n: string) => `${n} MFLOP`,
  step: (time: string) => `one step: ${time}`,
  bar: (part: string, share: string) => `${part}, ${share}`,
  how: {
    dispatches: "GPU programs that the part starts.",
    time: (length: string, width: string) =>
      `Median time of the part's programs, each run alone, in a step of ${length} tokens: one local and one LSH layer of width ${width}.`,
    flops: "Multiplications and additions of the part's programs, from the sizes they were given.",
    rate: "Arithmetic over time.",
  },
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "一步训练先前向，再从最后一层反向到第一层，然后更新权重。可逆模型在回来的路上重算每一层，所以它的反向里包含第二次前向。",
    "哈希和排序是 LSH 额外的开销，份量多大取决于长度和硬件：这里是你的设备上时间的去向。",
  ],
  tryThis: "改为存储激活值，看反向的部分缩短。再把序列加长。",
  caption: "一步训练的每个显卡程序，由显卡自己的时钟单独计时，再按用途相加。",
  captionWork: "这块适配器没有可给单个程序计时的时钟，所以横条显示运算量，而不是时间。",
  backward: "激活值",
  modes: { reversible: "重算", stored: "存储" },
  length: "词元",
  parts: {
    embedding: "嵌入",
    projection: "投影与归一化",
    hash: "哈希",
    sort: "排序",
    attend: "注意力",
    feedForward: "前馈",
    back: "反向：注意力",
    backFeedForward: "反向：前馈",
    head: "输出头与损失",
    optimizer: "优化器",
  },
  columns: {
    part: "部分",
    dispatches: "调度数",
    time: "时间",
    share: "份额",
    flops: "运算量",
    rate: "GFLOP/s",
  },
  units: (n) => `${n} MFLOP`,
  step: (time) => `一步：${time}`,
  bar: (part, share) => `${part}，${share}`,
  how: {
    dispatches: "这一部分启动的显卡程序数。",
    time: (length, width) =>
      `${length} 个词元的一步里，这部分的程序逐个单独运行的时间中位数：宽 ${width} 的局部层和 LSH 层各一层。`,
    flops: "这部分程序的乘法和加法次数，由它们的尺寸算出。",
    rate: "运算量除以时间。",
  },
};
