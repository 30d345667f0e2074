import { describe, expect, it } from "vitest";
import {
  ACTIVATIONS,
  autoBuckets,
  bucketFactors,
  endTokens,
  fillToken,
  longestLength,
  paddedLength,
  type ReformerOptions,
  resolveConfig,
  runsFullAttention,
  startToken,
} from "../src/config/config.js";
import type { Hashing } from "../src/config/hashing.js";
import { configFromHuggingFace, configText, configToHuggingFace } from "../src/config/hugging-face.js";
import { ConfigError, ShapeError } from "../src/errors.js";
import { CRIME_AND_PUNISHMENT, ENWIK8 } from "./support/published-settings.js";

function failure(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

describe("resolveConfig", () => {
  it("defaults to a small byte-level language model of 4,096 tokens", () => {
    const config = resolveConfig();
    expect(config).toMatchObject({
      vocabSize: 256,
      hiddenSize: 256,
      layers: ["local", "lsh", "local", "lsh"],
      causal: true,
    });
    expect(config.positions).toEqual({ type: "axial", shape: [64, 64], dims: [64, 192] });
    expect(longestLength(config)).toBe(4096);
    expect(resolveConfig(config)).toEqual(config);
  });

  const positions: [why: string, given: ReformerOptions, expected: unknown, longest: number][] = [
    [
      "a length without a square root",
      { maxLength: 2048 },
      { type: "axial", shape: [32, 64], dims: [64, 192] },
      2048,
    ],
    [
      "a prime length gets a table with room",
      { maxLength: 4099 },
      { type: "axial", shape: [64, 65], dims: [64, 192] },
      4099,
    ],
    ["one token", { maxLength: 1 }, { type: "axial", shape: [1, 1], dims: [64, 192] }, 1],
    ["a narrow model", { hiddenSize: 6 }, { type: "axial", shape: [64, 64], dims: [3, 3] }, 4096],
    [
      "the shape sets the length",
      { positions: { type: "axial", shape: [8, 16] } },
      { type: "axial", shape: [8, 16], dims: [64, 192] },
      128,
    ],
    [
      "three axes",
      { positions: { type: "axial", shape: [4, 8, 16] } },
      { type: "axial", shape: [4, 8, 16], dims: [64, 64, 128] },
      512,
    ],
    [
      "learned, length from maxLength",
      { maxLength: 300, positions: { type: "learned" } },
      { type: "learned", maxLength: 300 },
      300,
    ],
    [
      "learned, maxLength from the table",
      { positions: { type: "learned", maxLength: 77 } },
      { type: "learned", maxLength: 77 },
      77,
    ],
  ];
  it.each(positions)("positions: %s", (_why, given, expected, longest) => {
    const config = resolveConfig(given);
    expect(config.positions).toEqual(expected);
    expect(longestLength(config)).toBe(longest);
  });

  const bad: [field: string, given: Record<string, unknown>][] = [
    ["layers", { layers: [] }],
    ["layers", { layers: null }],
    ["layers[1]", { layers: ["lsh", "global"] }],
    ["activation", { activation: "geglu" }],
    ["causal", { causal: 1 }],
    ["positions", { positions: { type: "rotary" } }],
    ["positions", { positions: null }],
    ["positions.shape", { positions: { type: "axial", shape: [8] } }],
    ["positions.shape", { positions: { type: "axial", shape: [2048, 1024] } }],
    ["positions.shape[1]", { positions: { type: "axial", shape: [8, 0.5] } }],
    ["positions.shape", { positions: { type: "axial", shape: [2, 2, 2, 2] } }],
    ["positions.shape", { positions: { type: "axial", shape: [1, 2 ** 20], dims: [1, 255] } }],
    ["positions.dims", { positions: { type: "axial", dims: [64, 64] } }],
    ["positions.dims", { positions: { type: "axial", dims: [64, 64, 128] } }],
    ["positions.dims[0]", { hiddenSize: 2, positions: { type: "axial", shape: [2, 2, 2] } }],
    ["positions.maxLength", { maxLength: 10, positions: { type: "learned", maxLength: 20 } }],
    ["numBuckets", { numBuckets: 7 }],
    ["numBuckets", { numBuckets: [4, 3] }],
    ["numBuckets", { numBuckets: [] }],
    ["numBuckets", { numBuckets: null }],
    ["numBuckets", { numBuckets: 2 ** 21 }],
    ["hashing", { hashing: "spherical" }],
    ["hashing", { hashing: "balanced" }],
    ["numBuckets", { hashing: "balanced", causal: false, head: "none", numBuckets: [2 ** 16, 2] }],
    ["duplicates", { duplicates: "never" }],
    ["padTokenId", { padTokenId: 256 }],
    ["padTokenId", { padTokenId: [0] }],
    ["eosTokenId", { eosTokenId: 256 }],
    ["eosTokenId", { eosTokenId: [] }],
    ["eosTokenId[1]", { eosTokenId: [2, 256] }],
    ["eosTokenId[0]", { eosTokenId: [null] }],
    ["hashSeed", { hashSeed: -1 }],
    ["lshChunksAfter", { lshChunksAfter: 1 }],
    ["localChunksAfter", { localChunksAfter: 1 }],
    ["hiddenDropout", { hiddenDropout: 1 }],
    ["headSize", { headSize: 30 }],
  ];
  it("says why a causal model cannot hash balanced, and lets others", () => {
    expect(() => resolveConfig({ hashing: "balanced" })).toThrow(
      /^hashing is "balanced", but must be one of rotations, .* where causal is true: balanced ranks a token among all/,
    );
    expect(resolveConfig({ hashing: "balanced", causal: false, head: "none" }).hashing).toBe("balanced");
    expect(resolveConfig({ hashing: "balanced", layers: ["local"] }).hashing).toBe("balanced"); // nothing hashes
  });

  it.each(bad)("refuses %s of %o, naming it", (field, given) => {
    const error = failure(() => resolveConfig(given as ReformerOptions));
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).details.field).toBe(field);
    expect(error.message).toMatch(/^\S+ is .*, but must be ./);
  });

  it("refuses a setting it does not know, and what is no object", () => {
    expect(failure(() => resolveConfig({ hiddensize: 64 } as ReformerOptions)).message).toContain(
      "no setting hiddensize",
    );
    for (const given of [null, "tiny", []]) {
      expect(failure(() => resolveConfig(given as ReformerOptions))).toBeInstanceOf(ConfigError);
    }
  });

  it("takes chunks after where causal is false, and ignores those of a kind not used", () => {
    expect(resolveConfig({ causal: false, lshChunksAfter: 1 }).lshChunksAfter).toBe(1);
    expect(resolveConfig({ layers: ["lsh"], localChunksAfter: 1 }).localChunksAfter).toBe(1);
  });
});

describe("configFromHuggingFace", () => {
  it.each([
    ["crime-and-punishment", CRIME_AND_PUNISHMENT],
    ["enwik8", ENWIK8],
  ])("reads %s and configToHuggingFace writes every key back", (_name, json) => {
    const config = configFromHuggingFace(JSON.parse(JSON.stringify(json)));
    expect(config).toMatchObject({
      vocabSize: json.vocab_size,
      maxLength: json.max_position_embeddings,
      causal: true,
    });
    expect(JSON.parse(JSON.stringify(configToHuggingFace(config)))).toEqual(json);
  });

  it("writes fractions with a decimal point where they are whole, for readers that tell them from counts", () => {
    const config = resolveConfig({
      head: "classification",
      labels: ['a\n  "hidden_dropout_prob": 1', "b"],
      classifierDropout: 0,
      localDropout: 0.25,
      axialInitStd: 2,
      initializerRange: 1e-7,
      extra: { more: { layer_norm_eps: 1 } },
    });
    const settings = configToHuggingFace(config);
    const text = configText(settings);
    expect(JSON.parse(text)).toEqual(settings);
    expect(text.split("\n").filter((line) => /^ {2}"\w+": -?\d[^,]*[.e]/.test(line))).toEqual([
      '  "axial_norm_std": 2.0,',
      '  "classifier_dropout": 0.0,',
      '  "hidden_dropout_prob": 0.0,',
      '  "initializer_range": 1e-7,',
      '  "layer_norm_eps": 1e-12,',
      '  "local_attention_probs_dropout_prob": 0.25,',
      '  "lsh_attention_probs_dropout_prob": 0.0,',
    ]);
  });

  it("gives keys left out the public class's defaults", () => {
    const config = configFromHuggingFace({});
    expect(config).toMatchObject({
      vocabSize: 320,
      numHeads: 12,
      activation: "relu",
      causal: false,
      numBuckets: "auto",
    });
    expect(config).toMatchObject({ numHashes: 1, hiddenDropout: 0.05, localDropout: 0.05, eosTokenId: 2 });
    expect(config.layers).toHaveLength(6);
  });

  it("round-trips our own settings", () => {
    const config = resolveConfig({
      layers: ["full", "lsh"],
      duplicates: "once",
      acrossBuckets: false,
      fullAttentionBelow: 128,
      positions: { type: "learned", maxLength: 512 },
      numBuckets: [4, 8],
      hashing: "second-probe",
      hashSeed: 3,
    });
    const back = configFromHuggingFace(JSON.parse(JSON.stringify(configToHuggingFace(config))));
    expect({ ...back, extra: {} }).toEqual(config);
  });

  it("writes the family of hashing only where it is not the public one, under our own key", () => {
    const written = (hashing: Hashing) => configToHuggingFace(resolveConfig({ hashing })).webgpu_reformer;
    expect(written("rotations")).toBeUndefined();
    expect(written("hadamard")).toEqual({ hashing: "hadamard" });
  });

  it.each<[string, string]>([
    ["gelu_python", "gelu"],
    ["gelu_pytorch_tanh", "gelu_new"],
    ["gelu_python_tanh", "gelu_new"],
    ["gelu_fast", "gelu_new"],
    ["gelu_accurate", "gelu_new"],
    ["swish", "silu"],
    ...ACTIVATIONS.map((name): [string, string] => [name, name]),
  ])("hidden_act %s is %s, and is written back under the name it came with", (theirs, ours) => {
    const config = configFromHuggingFace({ hidden_act: theirs });
    expect(config.activation).toBe(ours);
    expect(configToHuggingFace(config).hidden_act).toBe(theirs);
    expect(configToHuggingFace({ ...config, activation: "relu6" }).hidden_act).toBe("relu6");
  });

  it.each<[string, { eos_token_id?: unknown; pad_token_id?: number | null }, number[], number]>([
    ["several end tokens", { eos_token_id: [7, 2] }, [7, 2], 7],
    ["a list of one", { eos_token_id: [2] }, [2], 2],
    ["no end token", { eos_token_id: null, pad_token_id: 5 }, [], 5],
    ["neither end nor padding", { eos_token_id: null, pad_token_id: null }, [], 0],
    ["no padding", { pad_token_id: null }, [2], 2],
  ])("reads %s and writes it back as it came", (_why, json, ends, start) => {
    const config = configFromHuggingFace(json);
    expect([...endTokens(config)]).toEqual(ends);
    expect(startToken(config)).toBe(start);
    expect(fillToken(config)).toBe(json.pad_token_id ?? 0);
    expect(configToHuggingFace(config)).toMatchObject(json);
    expect(resolveConfig(config)).toEqual(config);
  });

  it("keeps a key named __proto__ as plain data", () => {
    const config = configFromHuggingFace(JSON.parse('{"__proto__": {"vocab_size": 5}, "constructor": 1}'));
    expect(config.vocabSize).toBe(320);
    expect(JSON.stringify(configToHuggingFace(config))).toContain('"__proto__":{"vocab_size":5}');
  });

  it.each([[null], [[]], ["{}"], [7]])("refuses %j as a whole", (json) => {
    expect(() => configFromHuggingFace(json)).toThrow(ConfigError);
  });

  const NUMERIC = Object.entries(CRIME_AND_PUNISHMENT)
    .filter(
      ([key, value]) =>
        typeof value === "number" && !/^(attention_probs|intermediate|num_chunks|num_hidden)/.test(key),
    )
    .map(([key]) => key);
  const VALID: Readonly<Record<string, readonly unknown[]>> = {
    // Zero chunks around, no chunking, no dropout, id 0, no spread and no end token are all meaningful.
    lsh_num_chunks_before: [0],
    lsh_num_chunks_after: [0],
    local_num_chunks_before: [0],
    local_num_chunks_after: [0],
    chunk_size_feed_forward: [0],
    chunk_size_lm_head: [0],
    hidden_dropout_prob: [0],
    local_attention_probs_dropout_prob: [0],
    lsh_attention_probs_dropout_prob: [0],
    layer_norm_eps: [0],
    initializer_range: [0],
    axial_norm_std: [0],
    pad_token_id: [0, null],
    eos_token_id: [0, null],
  };
  it.each(NUMERIC)(
    '%s of -1, 0, NaN, 1e9, "64" or null is refused by name unless it means something',
    (key) => {
      for (const value of [-1, 0, Number.NaN, 1e9, "64", null]) {
        const run = () => configFromHuggingFace({ ...CRIME_AND_PUNISHMENT, [key]: value });
        if (VALID[key]?.includes(value)) {
          expect(run).not.toThrow();
          continue;
        }
        const error = failure(run);
        expect(error, `${key} = ${value}`).toBeInstanceOf(ConfigError);
        expect(error.message, `${key} = ${value}`).toContain(key);
      }
    },
  );

  it.each([
    ["model_type", { model_type: "bert" }],
    ["tie_word_embeddings", { tie_word_embeddings: true }],
    ["axial_pos_embds", { axial_pos_embds: "yes" }],
    ["axial_pos_embds_dim", { axial_pos_embds_dim: [64, 64] }],
    ["axial_pos_shape[0]", { axial_pos_shape: [-4, 4] }],
    ["attn_layers[0]", { attn_layers: ["global"] }],
    ["num_buckets", { num_buckets: [3] }],
    ["hidden_act", { hidden_act: "maxout" }],
    ["hidden_act", { hidden_act: "prelu" }], // it learns its slope
    ["hidden_act", { hidden_act: "xielu" }],
    ["is_decoder", { is_decoder: null }],
    ["eos_token_id", { eos_token_id: [] }],
    ["eos_token_id[1]", { eos_token_id: [2, "</s>"] }],
    ["eos_token_id[0]", { eos_token_id: [[2]] }],
    ["pad_token_id", { pad_token_id: [0] }],
    ["lsh_num_chunks_after", { is_decoder: true, lsh_num_chunks_after: 1 }],
    ["webgpu_reformer", { webgpu_reformer: null }],
  ])("refuses %s of %j", (key, json) => {
    const error = failure(() => configFromHuggingFace(json));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain(key);
  });
});

describe("paddedLength", () => {
  const mixed = resolveConfig({
    layers: ["local", "lsh"],
    localChunkLength: 8,
    lshChunkLength: 32,
    maxLength: 256,
  });
  const short = resolveConfig({ ...mixed, fullAttentionBelow: 100 });
  const local = resolveConfig({
    layers: ["local", "full"],
    localChunkLength: 16,
    lshChunkLength: 7,
    maxLength: 100,
  });
  const full = resolveConfig({ layers: ["full"], maxLength: 100 });
  it.each([
    ["no longer than the shortest chunk: as it is", mixed, 8, 8],
    ["longer: the next common multiple", mixed, 20, 32],
    ["a common multiple: as it is", mixed, 64, 64],
    ["the last multiple that fits", mixed, 225, 256],
    ["short sequences run full attention: as they are", short, 99, 99],
    ["at the threshold: padded", short, 100, 128],
    ["only the chunk lengths in use count", local, 20, 32],
    ["full layers only: never padded", full, 97, 97],
    ["one token", mixed, 1, 1],
  ])("%s", (_why, config, length, expected) => {
    expect(paddedLength(config, length)).toBe(expected);
  });

  it.each([
    ["zero", mixed, 0],
    ["not whole", mixed, 2.5],
    ["beyond the position table", mixed, 257],
    ["padding leaves the table", local, 97],
  ])("refuses a length that is %s", (_why, config, length) => {
    expect(() => paddedLength(config, length)).toThrow(ShapeError);
  });

  it("runsFullAttention at or below the chunk, below the threshold, and in full layers", () => {
    expect(runsFullAttention(mixed, "lsh", 32)).toBe(true);
    expect(runsFullAttention(mixed, "lsh", 64)).toBe(false);
    expect(runsFullAttention(mixed, "local", 32)).toBe(false);
    expect(runsFullAttention(short, "local", 99)).toBe(true);
    expect(runsFullAttention(mixed, "full", 256)).toBe(true);
  });
});

describe("autoBuckets", () => {
  it.each([
    [4096, 64, 4096, 128],
    [4096, 16, 4096, [16, 32]],
    [65536, 64, 65536, [32, 64]],
    [524288, 64, 524288, [128, 128]],
    [64, 64, 4096, 2],
    [192, 64, 4096, 4],
  ])("%i tokens in chunks of %i of a model of %i", (length, chunk, max, expected) => {
    expect(autoBuckets(length, chunk, max)).toEqual(expected);
  });

  it("refuses a length without a whole chunk", () => {
    expect(() => autoBuckets(63, 64, 4096)).toThrow(ShapeError);
  });

  it("bucketFactors lists the configured or the automatic factors", () => {
    expect(bucketFactors(resolveConfig(), 4096)).toEqual([128]);
    expect(bucketFactors(resolveConfig({ numBuckets: [4, 8] }), 4096)).toEqual([4, 8]);
    expect(bucketFactors(resolveConfig({ numBuckets: 6 }), 4096)).toEqual([6]);
  });
});
