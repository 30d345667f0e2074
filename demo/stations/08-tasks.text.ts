import type { Phrases } from "../i18n/phrases.js";

export const en = {
  sentences: [
    "A language model gives every possible next token a probability. Summed up they measure how well a text is known, token by token they show where the model was surprised, and drawn from again and again they write.",
    "The same model answers questions that it was never trained for: a word is left out, and the one of ten with which the whole passage is most probable is the answer.",
    "Retrieval over thousands of tokens is where LSH attention earns its keep: a key has to be found wherever it stands. That is a task of its own, so a second, smaller model answers it, which was trained on nothing else.",
  ],
  tryThis:
    "Paste a sentence of your own, in English, the only language the model has read: a name or a foreign word lights up. Then let the model go on from it.",
  caption:
    "The darker, the more bits a piece of the text cost. The first piece was given: nothing comes before it that could predict it.",
  shipped: "The models that come with this page answer.",
  elsewhere:
    "Without a GPU nothing can be asked here: the numbers are those of the models that come with this page.",
  trained: "No model comes with this page, so a tiny one is trained here first, on the bundled book.",
  learning: (step: string, steps: string, bits: string) =>
    `Training a tiny model: step ${step} of ${steps}, ${bits} bits per character.`,
  text: "Your text",
  example: "It was the white whale that the captain had seen before the ship came near.",
  score: "Score it",
  goOn: "Let it go on",
  question: "A question: the words to choose from in brackets",
  askedFor: "The old captain stood upon the [deck/tea/always/sorrow] and looked at the whale.",
  answer: "Answer it",
  noGap:
    "The question has no gap to fill: write two words or more to choose from in brackets, as in [captain/whale].",
  sure: (chance: string) => `with ${chance}`,
  was: (answer: string) => `; the book has “${answer}”`,
  find: "Find keys",
  asked: (key: string, value: string, distance: string, answer: string, time: string) =>
    `key ${key} stood ${distance} tokens back with value ${value}; answer ${answer}, after ${time}`,
  bits: (bits: string) => `${bits} bits`,
  columns: { task: "task", metric: "measure", value: "here", reference: "recorded", length: "tokens" },
  rows: {
    heldOut: "language modelling, unseen end of the book",
    withoutLsh: "the same, LSH layers switched off",
    own: "your text",
    writing: "writing",
    gaps: "question answering: which of ten words is missing, unseen end of the book",
    commonest: "the same, always saying the commonest word",
    needle: "finding one key among many (second model)",
  },
  metrics: {
    bits: "bits per character",
    byte: "bits per byte",
    speed: "tokens per second",
    accuracy: "share right",
  },
  how: {
    value: "Asked of the model on this device, just now.",
    asked: (questions: string) => `Missing words: ${questions} questions here, the same at every visit.`,
    reference: (adapter: string, date: string, asked: string, questions: string) =>
      `Recorded with ${adapter} on ${date}, when these models had been trained: language modelling over the whole unseen tenth of the book, keys over texts of the longest length trained on. Missing words were asked for on ${asked}, in ${questions} questions about that tenth. docs/learning in the repository.`,
    off: "Switched off: what the LSH layers add is replaced by zero.",
  },
};

export const zh: Phrases<typeof en> = {
  sentences: [
    "语言模型给每个可能的下一个词元一个概率。把概率累计起来，就知道它对一段文本有多熟悉；逐个词元看，就知道它在哪里感到意外；一次次从中抽取，就是写作。",
    "同一个模型也能回答它从没训练过的问题：文中缺一个词，十个词里哪一个让整段文字最可能，哪一个就是答案。",
    "在几千个词元里检索，是 LSH 注意力真正用得上的地方：不管键在哪里，都要找到它。这是另一种任务，由另一个更小的模型回答，它只为此训练。",
  ],
  tryThis: "贴一句你自己的英文（模型只读过英文，所以例子也是英文）：人名或外来词会亮起来。再让模型接着写。",
  caption: "颜色越深，这一小块文本花的比特越多。第一块是给定的：它前面没有可供预测的内容。",
  shipped: "回答的是随页面提供的模型。",
  elsewhere: "没有显卡，这里什么也问不了：数字来自随页面提供的模型，在别处录制。",
  trained: "页面没有附带模型，所以先在这里用随页提供的书训练一个很小的。",
  learning: (step, steps, bits) =>
    `正在训练一个很小的模型：第 ${step} 步，共 ${steps} 步，${bits} 比特/字符。`,
  text: "你的文本",
  example: "It was the white whale that the captain had seen before the ship came near.",
  score: "打分",
  goOn: "让它接着写",
  question: "一个问题：备选的词放在方括号里（英文）",
  askedFor: "The old captain stood upon the [deck/tea/always/sorrow] and looked at the whale.",
  answer: "回答",
  noGap: "问题里没有空可填：请在方括号里写两个以上备选的词，例如 [captain/whale]。",
  sure: (chance) => `概率 ${chance}`,
  was: (answer) => `；原文是“${answer}”`,
  find: "找键",
  asked: (key, value, distance, answer, time) =>
    `键 ${key} 的值是 ${value}，出现在 ${distance} 个词元之前；模型回答 ${answer}，用时 ${time}`,
  bits: (bits) => `${bits} 比特`,
  columns: { task: "任务", metric: "度量", value: "这里", reference: "录制", length: "词元" },
  rows: {
    heldOut: "语言建模，没见过的书尾",
    withoutLsh: "同上，关闭 LSH 层（输出置零）",
    own: "你的文本",
    writing: "写作",
    gaps: "问答：没见过的书尾，缺的是十个词里的哪一个",
    commonest: "同上，总是选最常见的词",
    needle: "在许多键里找一个（另一个模型）",
  },
  metrics: { bits: "比特/字符", byte: "比特/字节", speed: "词元/秒", accuracy: "答对的比例" },
  how: {
    value: "刚刚在这台设备上问模型得到。",
    asked: (questions) => `缺词：这里问 ${questions} 个问题，每次访问都一样。`,
    reference: (adapter, date, asked, questions) =>
      `这些模型训练完成后录制，${adapter}，${date}：语言建模为全书未见过的十分之一，找键为训练过的最长文本。缺词问答录于 ${asked}，为这十分之一中的 ${questions} 个问题。见仓库的 docs/learning。`,
    off: "关闭：LSH 层加上的内容换成零。",
  },
};
