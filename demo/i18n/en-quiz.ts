/** The closing quiz. The first option of each question is the right one; they are shown in an order of their own. */
export const quiz = {
  title: "Four questions",
  note: "Each answer comes with what this page has measured on your device, or computed, where it has.",
  right: "Right.",
  wrong: "Not quite.",
  missing: (station: string) => `Station ${station} has not been measured yet.`,
  questions: [
    {
      question: "Why do similar vectors meet?",
      options: [
        "Because turning the space does not pull them apart: they fall into the same bucket unless a border happens to run between them.",
        "Because the hash is learned so that similar words get the same number.",
        "Because sorting puts vectors in the order of their lengths.",
      ],
      why: "Each round draws directions at random and gives a vector the bucket of the direction it points along the most. The smaller the angle between two vectors, the less likely a border runs between them.",
    },
    {
      question: "What does another round buy?",
      options: [
        "Another chance to meet for pairs that a border had separated, at the price of one more sort and one more pass.",
        "A smaller model, since rounds share their weights.",
        "Nothing, if the buckets are small enough.",
      ],
      why: "Rounds are independent. A pair that is missed with probability p in one round is missed in all of R rounds with probability p to the power of R.",
    },
    {
      question: "Why does training memory stay flat with depth?",
      options: [
        "Because a reversible layer gives its inputs back from its outputs, so only the last layer's have to be kept.",
        "Because all layers share one set of weights.",
        "Because the activations are moved to the processor's memory.",
      ],
      why: "Backpropagation runs each layer backwards before it needs what the layer saw. Weights still grow with depth; what grows no more is the memory for activations.",
    },
    {
      question: "When should you not use LSH attention?",
      options: [
        "On short texts, where comparing all pairs is cheaper than hashing and sorting.",
        "On texts longer than the model's width.",
        "When the GPU has little memory.",
      ],
      why: "Full attention grows with the square of the length, LSH attention in step with it, but from a higher start. Where the lines cross depends on your hardware and on the number of rounds.",
    },
  ] as readonly { readonly question: string; readonly options: readonly string[]; readonly why: string }[],
  evidence: {
    recall: (a: string, ra: string) =>
      `${ra} rounds met ${a} of the most similar words in the text of station 2.`,
    one: (a: string) => `One round met ${a} of the most similar words in the text of station 2.`,
    unlike: (like: string, unlike: string, partners: string) =>
      `In one round each word of station 2’s text met ${like} of the ${partners} words most similar to it, and ${unlike} of the ${partners} least similar.`,
    depth: (from: string, shallow: string, to: string, deep: string) =>
      `${from} with ${shallow} layers, ${to} with ${deep} (planned).`,
    exact: (difference: string) =>
      `Recomputed and stored activations gave losses that differ by ${difference}.`,
    cross: (before: string, times: string, from: string, rounds: string) =>
      `At ${before} tokens LSH with ${rounds} took ${times} times as long as full attention; from ${from} tokens on it was the faster one.`,
    always: (shortest: string, longest: string, rounds: string) =>
      `LSH with ${rounds} was the faster one at every length measured, from ${shortest} to ${longest} tokens: no text was short enough for full attention to win.`,
    never: (shortest: string, longest: string, rounds: string) =>
      `Full attention was the faster one at every length that both were measured at, from ${shortest} to ${longest} tokens, against LSH with ${rounds}: no crossing was found.`,
    rounds: (n: string) => `${n} ${n === "1" ? "round" : "rounds"}`,
  },
};
