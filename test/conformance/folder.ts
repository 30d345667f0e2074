// A folder of recorded cases: its index, and the files of each case.
import type { ReformerConfig } from "../../src/config/config.js";
import { configFromHuggingFace } from "../../src/config/hugging-face.js";
import { readSafetensors, type Tensor, tensorValues } from "../../src/io/safetensors.js";
import { authorCase, authorCaseNames } from "./author-cases.js";
import type { Case, CaseEntry, RecordedTensor, Tolerance } from "./case.js";
import { savedModel } from "./checkpoint.js";

/** Reads a file of the folder of cases by its relative path; undefined where there is none. */
export type ReadFile = (path: string) => Promise<ArrayBuffer | undefined>;

export interface CaseFolder {
  readonly cases: readonly CaseEntry[];
  readonly load: (entry: CaseEntry) => Promise<Case>;
}

interface RecordedCase extends Readonly<Record<string, unknown>> {
  readonly config: Record<string, unknown>;
  readonly call: Record<string, unknown>;
  readonly tolerances?: Record<string, Tolerance>;
  /** Of a saved model: its files by purpose. */
  readonly files?: Record<string, string>;
}

/**
 * Opens a folder of recorded cases: index.json lists them, in the folder or in its subfolder `cases`; or it is the folder
 * of the authors' own model, which lists them in cases_info.json.
 * @throws {Error} where there is no index or a file of a case is missing
 */
export async function openCases(read: ReadFile): Promise<CaseFolder> {
  for (const prefix of ["", "cases/"]) {
    const bytes = await read(`${prefix}index.json`);
    if (!bytes) continue;
    const index = json(bytes) as { readonly cases?: readonly { case: string; kind: string }[] };
    const file = async (name: string) => {
      const found = await read(prefix + name);
      if (!found) throw new Error(`${prefix}${name} is missing: the index lists its case`);
      return found;
    };
    if (!index.cases) return paperCases(index as Record<string, PaperCase>, file);
    return {
      cases: index.cases.map(({ case: name, kind }) => ({ name, kind })),
      load: async ({ name, kind }) => {
        const recorded = json(await file(`${name}.json`)) as RecordedCase;
        const tensors = tensorsIn(await file(`${name}.safetensors`), name);
        let config = configFromHuggingFace(settingsOf(kind, recorded.config));
        if (kind === "checkpoint") {
          const directory = String(recorded.call.directory);
          const model = await savedModel({ directory, files: recorded.files ?? {} }, file);
          config = model.config;
          for (const [key, tensor] of model.weights) tensors.set(`weight/${key}`, tensor);
        }
        return {
          name,
          kind,
          config: withCall(config, recorded.call),
          call: recorded.call,
          details: recorded,
          tensors,
          tolerances: recorded.tolerances ?? {},
        };
      },
    };
  }
  const authors = await authorFolder(read);
  if (authors) return authors;
  throw new Error("there is no index.json in this folder or in its subfolder cases: it must list the cases");
}

async function authorFolder(read: ReadFile): Promise<CaseFolder | undefined> {
  const listed = await read("cases_info.json");
  const [settings, weights, recorded] = await Promise.all(
    ["hf_layout/config.json", "hf_layout/model.safetensors", "cases.safetensors"].map(read),
  );
  if (!listed || !settings || !weights || !recorded) return undefined;
  const info = json(listed) as Parameters<typeof authorCaseNames>[0];
  return {
    cases: authorCaseNames(info).map((name) => ({ name, kind: "lm" })),
    load: async ({ name }) =>
      authorCase(name, info, json(settings), tensorsIn(recorded, "cases"), tensorsIn(weights, "model")),
  };
}

function tensorsIn(bytes: ArrayBuffer, name: string): Map<string, RecordedTensor> {
  const { tensors } = readSafetensors(new Uint8Array(bytes), name);
  const values = ({ dtype, ...rest }: Tensor): RecordedTensor["data"] => {
    if (dtype === "F32" || dtype === "F64" || dtype === "I32") return tensorValues({ dtype, ...rest });
    throw new Error(`${name} has a tensor of type ${dtype}: recorded cases hold F32, F64 and I32`);
  };
  return new Map([...tensors].map(([key, tensor]) => [key, { shape: tensor.shape, data: values(tensor) }]));
}

function json(bytes: ArrayBuffer): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** Classes of the public model that a kind was recorded with, where the settings do not say. */
const HEADS: Readonly<Record<string, string>> = {
  classification: "ReformerForSequenceClassification",
  qa: "ReformerForQuestionAnswering",
};

/** Modules without positions were recorded beside position settings of another width. */
function settingsOf(kind: string, config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const head = HEADS[kind];
  if (head !== undefined) return { ...config, architectures: [head] };
  const positions = !["lsh_attention", "local_attention", "feed_forward", "reversible_layer"].includes(kind);
  return positions ? { ...config } : { ...config, axial_pos_embds: false };
}

/** One forward may override the number of rounds. */
function withCall(config: ReformerConfig, call: Readonly<Record<string, unknown>>): ReformerConfig {
  return typeof call.num_hashes === "number" ? { ...config, numHashes: call.num_hashes } : config;
}

/** Options of a case of the paper's own LSH attention: one head without weights. */
interface PaperCase {
  readonly L: number;
  readonly chunk_len: number;
  readonly n_buckets: number;
  readonly n_hashes: number;
  readonly attend_across_buckets: boolean;
  readonly allow_duplicate_attention: boolean;
  readonly d: number;
  readonly causal: boolean;
}

/** Recorded in f64 and stored as f32: 10 f32 roundings of values near 1, as the other recordings set theirs. */
const PAPER_TOLERANCE: Tolerance = { atol: 5e-6, rtol: 1e-5 };

function paperCases(
  index: Readonly<Record<string, PaperCase>>,
  file: (name: string) => Promise<ArrayBuffer>,
): CaseFolder {
  return {
    cases: Object.keys(index).map((name) => ({ name, kind: "paper_lsh" })),
    load: async ({ name, kind }) => {
      const options = index[name] as PaperCase;
      const base = configFromHuggingFace({
        attn_layers: ["lsh"],
        is_decoder: options.causal,
        num_attention_heads: 1,
        attention_head_size: options.d,
        num_hashes: options.n_hashes,
        num_buckets: options.n_buckets,
        lsh_attn_chunk_length: options.chunk_len,
      });
      const config: ReformerConfig = {
        ...base,
        acrossBuckets: options.attend_across_buckets,
        duplicates: options.allow_duplicate_attention ? "count" : "once",
      };
      const call = { batch_size: 1, sequence_length: options.L, mode: "eval" };
      const names = ["out", "d_qk", "d_v"];
      return {
        name,
        kind,
        config,
        call,
        details: {},
        tensors: new Map(
          [...tensorsIn(await file(`${name}.safetensors`), name)].map(([key, tensor]) => [
            names.includes(key) ? `expect/${key}` : key,
            tensor,
          ]),
        ),
        tolerances: Object.fromEntries(names.map((key) => [`expect/${key}`, PAPER_TOLERANCE])),
      };
    },
  };
}
