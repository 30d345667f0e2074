/** What the words of the field mean, for readers who meet them for the first time. */
import { html, nothing, type TemplateResult } from "lit";
import type { Language } from "../i18n/language.js";
import type { Phrases } from "../i18n/phrases.js";

type Entry = readonly [name: string, meaning: string];

const en = {
  title: "What the words mean",
  terms: {
    token: [
      "token",
      "One piece of a text: a byte, a letter, a part of a word. A model reads and writes tokens, each as a vector, a list of numbers.",
    ],
    attention: [
      "query, key, value",
      "Three vectors of each token. Its query says what it looks for, its key what it can be found by, its value what it has to tell. Attention scores a query against keys, and mixes the values of those that score high.",
    ],
    lsh: [
      "LSH, locality-sensitive hashing",
      "A rule that gives vectors numbers so that similar vectors are likely to get the same one.",
    ],
    bucket: ["bucket", "All vectors that one round of hashing gave the same number."],
    round: ["round", "One hashing of all vectors, with random directions of its own."],
    chunk: [
      "chunk",
      "So many neighbours in the row that is sorted by bucket. Chunks have one length, so that they can be computed side by side.",
    ],
    residual: [
      "residual stream",
      "The vectors that run through the model; each part of a layer reads them and adds its result to them.",
    ],
    projection: [
      "projection",
      "A matrix of weights that turns a token's vector into its query, key or value.",
    ],
    feedForward: [
      "feed-forward network",
      "Two matrices with a bend between them, applied to each token alone.",
    ],
    activations: [
      "activations",
      "What the layers compute on the way forward, and training needs again on the way back.",
    ],
    backpropagation: [
      "backpropagation",
      "The way back through the layers, which finds for each weight how the loss would change with it.",
    ],
    gradient: [
      "gradient",
      "For each weight, how fast the loss grows when the weight does. A step moves all weights a little against it.",
    ],
    regularisation: [
      "regularisation",
      "What keeps a model from learning its text by heart. Dropout zeroes random activations in each step; weight decay pulls weights towards zero.",
    ],
    bits: [
      "bits",
      "How surprising something was: one bit for a probability of one half, two for a quarter, and so on.",
    ],
    coverage: [
      "coverage",
      "Of the attention that comparing all pairs would give, the share that lies on pairs that hashing lets meet.",
    ],
    rotation: [
      "random directions",
      "A vector's bucket is the one of so many random directions, and their opposites, that it points along the most.",
    ],
    perplexity: [
      "perplexity",
      "Among how many equally likely choices a model seems to waver; lower is better, and it rises when a model gets worse.",
    ],
    f1: [
      "macro F1",
      "Mean over the labels of how well one is both found and not said of others; 1 is perfect.",
    ],
    roc: [
      "area under ROC",
      "How likely a piece of junk is given a higher score than a good mail; one half is guessing.",
    ],
    calibration: ["calibration error", "How far a stated probability is from how often it comes true."],
  } satisfies Readonly<Record<string, Entry>>,
};

export type Term = keyof (typeof en)["terms"];

const zh: Phrases<typeof en> = {
  title: "这些词是什么意思",
  terms: {
    token: [
      "词元",
      "文本的一小块：一个字节、一个字母或词的一部分。模型读写的都是词元，每个词元是一个向量，即一列数。",
    ],
    attention: [
      "查询、键、值",
      "每个词元的三个向量：查询说明它要找什么，键说明凭什么找到它，值是它要说的内容。注意力用查询给各个键打分，再混合得分高的词元的值。",
    ],
    lsh: [
      "LSH，局部敏感哈希（locality-sensitive hashing）",
      "给向量编号的一种规则：相近的向量很可能得到同一个号。",
    ],
    bucket: ["桶", "在一轮哈希里得到同一个号的所有向量。"],
    round: ["轮", "用一组新的随机方向给所有向量算一次哈希。"],
    chunk: ["块", "按桶排好的一列中相邻的若干个词元。各块等长，便于同时计算。"],
    residual: ["残差流", "贯穿模型的向量；层的每个部分读取它，再把结果加上去。"],
    projection: ["投影", "一个权重矩阵，把词元的向量变成它的查询、键或值。"],
    feedForward: ["前馈网络", "两个矩阵，中间隔一个非线性函数，对每个词元单独计算。"],
    activations: ["激活值", "各层在前向时算出、训练在反向时还要用到的东西。"],
    backpropagation: ["反向传播", "从最后一层往回走，求出损失随每个权重怎样变化。"],
    gradient: ["梯度", "对每个权重而言，它增大时损失增大得有多快。每一步让所有权重逆着它移动一点。"],
    regularisation: [
      "正则化",
      "防止模型把文本死记下来的办法。丢弃（dropout）在每一步随机把一些激活值置零；权重衰减把权重拉向零。",
    ],
    bits: ["比特", "意外的程度：概率为二分之一是一比特，四分之一是两比特，依此类推。"],
    coverage: ["覆盖率", "比较所有的对所得的注意力中，落在哈希让其相遇的对上的份额。"],
    rotation: ["随机方向", "取若干随机方向及其反方向，向量归入它最接近的那个方向的桶。"],
    perplexity: ["困惑度", "模型好像在多少个同样可能的选择之间犹豫；越低越好，升高就是变差。"],
    f1: ["宏 F1", "对每个标签看它找得全不全、准不准，再取平均；1 为完美。"],
    roc: ["ROC 曲线下面积", "垃圾邮件的得分高于正常邮件的可能性；二分之一等于瞎猜。"],
    calibration: ["校准误差", "所说的概率与实际发生的比例相差多少。"],
  },
};

/** The terms' meanings, folded. */
export function termList(terms: readonly Term[], language: Language): TemplateResult | typeof nothing {
  if (terms.length === 0) return nothing;
  const t = { en, zh }[language];
  return html`<details class="terms">
    <summary>${t.title}</summary>
    <dl>
      ${terms.map((term) => {
        const [name, meaning] = t.terms[term];
        return html`<dt>${name}</dt><dd>${meaning}</dd>`;
      })}
    </dl>
  </details>`;
}
