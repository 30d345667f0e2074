import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "A writing model is judged twice: by the bits it needs for text it has never seen, where fewer is better, and by what it writes: does it repeat itself, does it copy?",
    "A compressor is a model too. The bars set it beside the writing model on the same unseen text, and beside tables that merely count which letter follows which. The model has read one English book and nothing else, so begin in English.",
  ],
  tryThis: "Write at temperature 0.2 and at 1.2, and compare repetition with distinct words.",
  caption:
    "Bits per character of text from the unseen end of the book; shorter is better. Bars with ● and ○ share one piece of it, those with ◇ take all of it. The counting models saw the whole of the rest, gzip only the piece itself; the recorded compressors read the rest first, and their bars are what the end adds.",
  prompt: "Begin with",
  example: "The whale ",
  temperature: "Temperature",
  write: "Write",
  learning: (step: string, steps: string, bits: string) =>
    `Training a tiny model first: step ${step} of ${steps}, ${bits} bits per character.`,
  bars: {
    model: "the model that writes here",
    recorded: "the model that comes with the page, whole end",
    order1: "counts of pairs",
    order2: "counts of triples",
    order3: "counts of fours",
    gzip: "gzip",
    compressor: (name: string) => `${name} after the rest, whole end`,
  },
  bits: (bits: string) => `${bits} bits`,
  columns: {
    sample: "text",
    temperature: "temperature",
    bits: "bits per character, unseen",
    perplexity: "perplexity per character",
    distinct1: "distinct words",
    distinct2: "distinct pairs",
    repetition: "repeated fours",
    copied: "copied from the book",
    longest: "longest copy",
    speed: "tokens per second",
  },
  sample: (n: string) => `sample ${n}`,
  how: {
    bits: "Mean over the unseen end of the book, of the model and in windows of its length.",
    perplexity: "Two to the power of the bits.",
    distinct: "Different words, or pairs of neighbouring words, over all of them in the sample.",
    repetition: "Share of runs of four words that had occurred before in the sample.",
    copied:
      "Share of runs of 16 characters, and the longest run, that stand word for word in the part of the book that models are trained on.",
    speed: "Tokens over the time from the first call, on this device.",
  },
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "写作的模型要评两次：没见过的文本要用多少比特，越少越好；写出来的东西怎样，是否重复，是否照抄。",
    "压缩程序也是一种模型。横条把它和写作模型放在同一段没见过的文本上比，也和只数“哪个字母跟在哪个后面”的表格比。这个模型只读过一本英文书，所以例子是英文，请用英文开头。",
  ],
  tryThis: "分别用温度 0.2 和 1.2 写一段，比较重复和不同词的比例。",
  caption:
    "没见过的书尾，每字符的比特数；越短越好。带 ● 和 ○ 的横条用其中同一段，带 ◇ 的用整个书尾。计数模型数过全书的其余部分，gzip 只见过这一段本身；录制的压缩程序先读过其余部分，横条是书尾增加的量。",
  prompt: "开头",
  example: "The whale ",
  temperature: "温度",
  write: "开始写",
  learning: (step, steps, bits) => `先训练一个很小的模型：第 ${step} 步，共 ${steps} 步，${bits} 比特/字符。`,
  bars: {
    model: "在这里写作的模型",
    recorded: "随页面提供的模型，整个书尾",
    order1: "二元组计数",
    order2: "三元组计数",
    order3: "四元组计数",
    gzip: "gzip",
    compressor: (name) => `${name}，先读其余部分，整个书尾`,
  },
  bits: (bits) => `${bits} 比特`,
  columns: {
    sample: "文本",
    temperature: "温度",
    bits: "没见过的文本，比特/字符",
    perplexity: "每字符困惑度",
    distinct1: "不同的词",
    distinct2: "不同的词对",
    repetition: "重复的四连词",
    copied: "照抄书的比例",
    longest: "最长照抄",
    speed: "词元/秒",
  },
  sample: (n) => `第 ${n} 段`,
  how: {
    bits: "对没见过的书尾取平均，窗口为模型的长度。",
    perplexity: "2 的“比特数”次方。",
    distinct: "样本里不同的词（或相邻词对）占全部的比例。",
    repetition: "样本里前面出现过的四连词的比例。",
    copied: "16 个字符的片段里，与训练用的书逐字相同的比例，以及最长的一段。",
    speed: "词元数除以从调用开始的时间，在这台设备上。",
  },
};
