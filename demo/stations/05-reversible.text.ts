import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "Backpropagation needs what every layer saw on the way forward. A reversible layer, y₁ = x₁ + f(x₂) and y₂ = x₂ + g(y₁), can be run backwards: x₂ = y₂ − g(y₁), then x₁ = y₁ − f(x₂). So only the last layer's output is kept, and memory stays flat with depth.",
    "Adding and then subtracting in floating point loses bits. This runtime keeps the streams as 32-bit integers, and gets back exactly what went in.",
  ],
  tryThis:
    "Make the text longer: both lines move up, but only the orange one climbs with depth. Then look at what floating point would have lost on the way back.",
  captionMemory: "Memory of a training step besides weights, gradients and optimiser.",
  captionError:
    "Streams are run forward and back through layers on the CPU, with the same f and g, in single precision and in the fixed point of this runtime. The fixed-point line lies on zero and is drawn at the bottom.",
  what: "Show",
  memory: "Memory",
  error: "What comes back",
  depth: "layers",
  length: "Tokens",
  reversible: "reversible",
  stored: "stored",
  float: "floating point",
  fixed: "fixed point: 0 exactly",
  errorAxis: "largest error of the input",
  columns: {
    depth: "layers",
    reversible: "activations, reversible",
    stored: "activations, stored",
    saved: "saved",
    plannedReversible: "small model planned, reversible",
    allocatedReversible: "allocated, reversible",
    plannedStored: "small model planned, stored",
    allocatedStored: "allocated, stored",
    msReversible: "a step, reversible",
    msStored: "a step, stored",
    difference: "losses differ by",
  },
  how: {
    memory: (length: string, width: string) =>
      `planMemory of the library for ${length} tokens and width ${width}, less weights, gradients and optimiser.`,
    saved: "Stored over reversible.",
    small: (length: string, width: string) =>
      `planMemory of the library for all that the small model that is timed takes: ${length} tokens, width ${width}.`,
    allocated: "Bytes of all GPU buffers that the small model held while it trained.",
    ms: "Median training step of a small model of this depth; recomputing costs about one more forward pass.",
    difference:
      "The same model trained twice from one seed, once recomputing its activations and once storing them: the largest difference of their losses over all steps. Zero means bit by bit the same.",
  },
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "反向传播需要每一层在前向时见到的东西。可逆层 y₁ = x₁ + f(x₂)、y₂ = x₂ + g(y₁) 可以倒着算：x₂ = y₂ − g(y₁)，再 x₁ = y₁ − f(x₂)。所以只保留最后一层的输出，显存不随层数增长。",
    "浮点数加了再减会丢掉几位。本运行库把两股数据流存为 32 位整数，拿回来的与放进去的分毫不差。",
  ],
  tryThis: "加长文本：两条线都上移，但只有橙线随层数爬升。再看看用浮点数往回算会丢掉什么。",
  captionMemory: "一步训练除权重、梯度、优化器以外的显存。",
  captionError:
    "在 CPU 上用同样的 f 和 g 把数据流正着、再倒着算过各层：一次用单精度浮点数，一次用本运行库的定点数。定点数那条线恒为零，画在最底下。",
  what: "显示",
  memory: "显存",
  error: "拿回了什么",
  depth: "层",
  length: "词元",
  reversible: "可逆",
  stored: "存储",
  float: "浮点数",
  fixed: "定点数：恰好为 0",
  errorAxis: "输入的最大误差",
  columns: {
    depth: "层数",
    reversible: "激活值，可逆",
    stored: "激活值，存储",
    saved: "节省倍数",
    plannedReversible: "小模型计划，可逆",
    allocatedReversible: "实际分配，可逆",
    plannedStored: "小模型计划，存储",
    allocatedStored: "实际分配，存储",
    msReversible: "一步，可逆",
    msStored: "一步，存储",
    difference: "损失之差",
  },
  how: {
    memory: (length, width) => `本库的 planMemory，${length} 个词元，宽 ${width}，减去权重、梯度和优化器。`,
    saved: "存储除以可逆。",
    small: (length, width) => `本库的 planMemory，计时所用小模型的全部显存：${length} 个词元，宽 ${width}。`,
    allocated: "小模型训练时占有的全部显存缓冲区的字节数。",
    ms: "同样层数的小模型一步训练的中位数；重算大约多花一次前向。",
    difference:
      "同一个模型、同一个种子训练两次，一次重算激活值，一次存储：各步损失的最大差。零表示逐位相同。",
  },
};
