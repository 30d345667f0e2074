import type { quiz as enQuiz } from "./en-quiz.js";
import type { Phrases } from "./phrases.js";

/** 结尾的小测验。每题第一个选项是正确的，显示时另有顺序。 */
export const quiz: Phrases<typeof enQuiz> = {
  title: "四个问题",
  note: "凡是本页在你的设备上测过或算出的，都会写进答案。",
  right: "对。",
  wrong: "不太对。",
  missing: (station) => `第 ${station} 站还没有测量。`,
  questions: [
    {
      question: "为什么相近的向量会相遇？",
      options: [
        "因为旋转空间不会把它们拉开：除非边界恰好从中间穿过，它们就落进同一个桶。",
        "因为哈希函数是学出来的，相近的词得到同一个数。",
        "因为排序是按向量的长度进行的。",
      ],
      why: "每一轮随机取若干方向，向量归入它最接近的那个方向的桶。两个向量的夹角越小，边界从中间穿过的可能就越小。",
    },
    {
      question: "多一轮换来什么？",
      options: [
        "让被边界隔开的向量对再有一次相遇的机会，代价是多排序一次、多算一遍。",
        "模型更小，因为各轮共用权重。",
        "只要桶够小，就没有任何好处。",
      ],
      why: "各轮相互独立。一轮错过的概率是 p，R 轮全都错过的概率就是 p 的 R 次方。",
    },
    {
      question: "为什么训练显存不随层数增长？",
      options: [
        "因为可逆层能从输出还原输入，只需保留最后一层的输出。",
        "因为所有层共用一套权重。",
        "因为激活值被移到了处理器的内存里。",
      ],
      why: "反向传播要用到一层的输入时，先把这一层倒着算一遍就能得到。权重仍随层数增长，不再增长的是激活值占的显存。",
    },
    {
      question: "什么时候不该用 LSH 注意力？",
      options: [
        "文本短的时候：逐对全部比较，反而比哈希加排序更省。",
        "文本长度超过模型宽度的时候。",
        "显存很小的时候。",
      ],
      why: "全注意力随长度的平方增长，LSH 注意力随长度成比例增长，但起点更高。两条线在哪里相交，取决于硬件和轮数。",
    },
  ],
  evidence: {
    recall: (a, ra) => `在第 2 站的文本里，${ra} 轮合起来遇到了 ${a} 的最相近的词。`,
    one: (a) => `在第 2 站的文本里，一轮遇到了 ${a} 的最相近的词。`,
    unlike: (like, unlike, partners) =>
      `在第 2 站的文本里，每个词在一轮中遇到了最相近的 ${partners} 个词的 ${like}，而最不相近的 ${partners} 个词只遇到 ${unlike}。`,
    depth: (from, shallow, to, deep) => `${shallow} 层时 ${from}，${deep} 层时 ${to}（计划值）。`,
    exact: (difference) => `重算与存储激活值，损失相差 ${difference}。`,
    cross: (before, times, from, rounds) =>
      `${before} 个词元时，${rounds} LSH 的用时是全注意力的 ${times} 倍；从 ${from} 个词元起，LSH 更快。`,
    always: (shortest, longest, rounds) =>
      `从 ${shortest} 到 ${longest} 个词元，测过的每个长度上都是 ${rounds} LSH 更快：没有短到让全注意力胜出的文本。`,
    never: (shortest, longest, rounds) =>
      `从 ${shortest} 到 ${longest} 个词元，两者都测过的每个长度上，全注意力都比 ${rounds} LSH 快：没有找到交点。`,
    rounds: (n) => `${n} 轮`,
  },
};
