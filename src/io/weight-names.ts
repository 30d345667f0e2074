// From the tensor names of public checkpoints to a model's parameters. Parameters have the names of a model with a head
// (`reformer.` before those of the body); a bare body is saved without the prefix.
import { CheckpointError } from "../errors.js";
import type { StoredWeights } from "./model-files.js";
import type { Tensor } from "./safetensors.js";

const BODY = "reformer.";
const BARE_BODY = /^(embeddings|encoder)\./;
/** Constants that versions 4 of the public library save beside the weights. */
const BUFFER = /\.(self_)?mask_value_float(16|32)$/;
const HEAD = /^(lm_head|(mean_)?classifier|qa_outputs)\./;
const HEAD_BIAS = "lm_head.bias";
/** The same parameter under its other name. Where they differ, this one is right: the public library reads it last. */
const HEAD_BIAS_ALIAS = "lm_head.decoder.bias";
const SHOWN = 5;

/** Stored tensors by parameter. */
export interface MatchedWeights {
  /** To name in messages. */
  readonly file: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Parameters of a head that the files do not have at all: a body that gets a new head. */
  readonly newHead: readonly string[];
}

/**
 * Finds the stored tensor of every parameter. Heads that the model does not have are left out.
 * @throws {CheckpointError} naming tensors that are missing, that no parameter takes, or whose shape is another
 */
export function matchWeights(
  { file, tensors: stored }: StoredWeights,
  parameters: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): MatchedWeights {
  const refuse = (problem: string, tensor: string): never => {
    throw new CheckpointError(`${file}: ${problem}. Load the config.json that belongs to these weights.`, {
      file,
      tensor,
    });
  };
  const named = new Map<string, Tensor>();
  for (const [given, tensor] of stored) {
    const name = BARE_BODY.test(given) ? BODY + given : given;
    if (BUFFER.test(name) || name === HEAD_BIAS_ALIAS) continue;
    if (named.has(name)) refuse(`${name} is there with and without the prefix ${BODY}`, given);
    named.set(name, tensor);
  }
  const bias = stored.get(HEAD_BIAS_ALIAS);
  if (bias) named.set(HEAD_BIAS, bias);

  const isHead = (name: string) => HEAD.test(name);
  const wanted = [...parameters.keys()];
  const newHead = wanted.filter(isHead).some((name) => named.has(name)) ? [] : wanted.filter(isHead);
  const missing = wanted.filter((name) => !named.has(name) && !newHead.includes(name));
  if (missing.length > 0) refuse(`${list(missing)} missing`, missing[0] as string);
  const unexpected = [...named.keys()].filter((name) => !parameters.has(name) && !isHead(name));
  if (unexpected.length > 0) {
    refuse(`${list(unexpected)} not part of the model that config.json describes`, unexpected[0] as string);
  }
  const tensors = new Map<string, Tensor>();
  for (const [name, { shape }] of parameters) {
    const tensor = named.get(name);
    if (!tensor) continue;
    if (tensor.shape.join() !== shape.join()) {
      refuse(`${name} has shape [${tensor.shape.join(", ")}], needed is [${shape.join(", ")}]`, name);
    }
    tensors.set(name, tensor);
  }
  return { file, tensors, newHead };
}

/** Weights as the public library saves them: the head's bias under both of its names, a bare body without prefix. */
export function savedNames(tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  const bias = tensors.get(HEAD_BIAS);
  if (bias) return new Map([...tensors, [HEAD_BIAS_ALIAS, bias]]);
  const bare = [...tensors.keys()].every((name) => BARE_BODY.test(withoutPrefix(name)));
  return bare ? new Map([...tensors].map(([name, tensor]) => [withoutPrefix(name), tensor])) : tensors;
}

function withoutPrefix(name: string): string {
  return name.startsWith(BODY) ? name.slice(BODY.length) : name;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).join(", ");
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return `${shown}${more} ${names.length > 1 ? "are" : "is"}`;
}
