import { describe, expect, test } from "vitest";
import { explain, parseTrainCommand, type TrainCommand, trainHelp } from "../../src/cli/train-options.js";
import { resolveConfig } from "../../src/config/config.js";
import { resolveTrainOptions } from "../../src/engine/options.js";
import { ConfigError } from "../../src/errors.js";

function parse(...args: string[]): TrainCommand {
  const command = parseTrainCommand(args);
  if (command === "help") throw new Error("help was not asked for");
  return command;
}

describe("parseTrainCommand", () => {
  test("without arguments asks for something the engine accepts", () => {
    const { file, config, training, checkpoints, milliseconds, out } = parse();
    const resolved = resolveConfig(config);
    expect({ file, checkpoints, milliseconds, out }).toEqual({
      file: undefined,
      checkpoints: "checkpoints",
      milliseconds: undefined,
      out: undefined,
    });
    expect(resolved.numHeads * resolved.headSize).toBe(resolved.hiddenSize);
    expect(resolveTrainOptions(resolved, training).checkpoint).toBe("moby-dick");
  });

  test("what a short model is not asked for does not exceed its length", () => {
    const { shape, sampleTokens } = resolveTrainOptions(resolveConfig({ maxLength: 64 }), { steps: 1 });
    expect([shape.length, sampleTokens]).toEqual([64, 64]);
  });

  test("passes every option on to the field it is for", () => {
    const { file, config, tokenizer, seed, training, checkpoints, milliseconds, out } = parse(
      "my/long book.txt",
      ..."--layers local,lsh,full --hidden 96 --heads 3 --head-size 16 --feed-forward 200".split(" "),
      ..."--hashes 4 --chunk 32 --max-length 8192 --dropout 0.25 --tokenizer bpe:1024".split(" "),
      ..."--steps 7 --length 160 --batch 3 --accumulate 5 --optimizer adafactor".split(" "),
      ..."--learning-rate 1e-4 --schedule linear --warmup 2 --weight-decay 0.5 --clip 2".split(" "),
      ..."--backward stored --streams f32 --precision mixed --seed 11 --held-out 0.2 --evaluate-every 9".split(
        " ",
      ),
      ..."--checkpoint night --checkpoints runs --checkpoint-every 4 --fresh --minutes 1.5".split(" "),
      ..."--sample-every 6 --sample-tokens 33 --out model --prompt".split(" "),
      "Call me",
    );
    expect(file).toBe("my/long book.txt");
    expect(config).toEqual({
      layers: ["local", "lsh", "full"],
      hiddenSize: 96,
      numHeads: 3,
      headSize: 16,
      feedForwardSize: 200,
      numHashes: 4,
      lshChunkLength: 32,
      localChunkLength: 32,
      maxLength: 8192,
      hiddenDropout: 0.25,
    });
    expect(training).toEqual({
      steps: 7,
      length: 160,
      batchSize: 3,
      accumulate: 5,
      optimizer: "adafactor",
      learningRate: 1e-4,
      schedule: "linear",
      warmupSteps: 2,
      weightDecay: 0.5,
      clipNorm: 2,
      backward: "stored",
      streams: "f32",
      precision: "mixed",
      heldOut: 0.2,
      evaluateEvery: 9,
      checkpoint: "night",
      checkpointEvery: 4,
      resume: false,
      sampleEvery: 6,
      samplePrompt: "Call me",
      sampleTokens: 33,
    });
    expect({ tokenizer, seed, checkpoints, milliseconds, out }).toEqual({
      tokenizer: { type: "bpe", vocabSize: 1024 },
      seed: 11,
      checkpoints: "runs",
      milliseconds: 90_000,
      out: "model",
    });
  });

  test("names the checkpoint after the file, and makes room for long sequences", () => {
    const { training, config } = parse("texts/War & Peace (1869).txt", "--length", "5000");
    expect(training.checkpoint).toBe("War-Peace-1869-");
    expect(config.maxLength).toBe(8192);
  });

  test.each([
    [["--stpes", "3"], /Unknown option '--stpes'; needed is one of --layers, .*--help/],
    [["--steps", "many"], /--steps is "many", but must be a whole number/],
    [["--steps", "1.5"], /--steps is "1.5", but must be a whole number/],
    [["--learning-rate", ""], /--learning-rate is "", but must be a number/],
    [["--steps"], /'--steps <value>' argument missing.*--help/],
    [["--fresh=yes"], /'--fresh' does not take an argument/],
    [["--tokenizer", "words"], /--tokenizer is "words", but must be bytes, characters or bpe:N/],
    [["a.txt", "b.txt"], /Several files were given \(a.txt, b.txt\), needed is one/],
  ])("refuses %j, saying what is needed", (args, message) => {
    expect(() => parseTrainCommand(args)).toThrow(ConfigError);
    expect(() => parseTrainCommand(args)).toThrow(message);
  });
});

describe("explain", () => {
  const errorOf = (...args: string[]): ConfigError => {
    const { config, training } = parse(...args);
    try {
      resolveTrainOptions(resolveConfig(config), training);
    } catch (error) {
      if (error instanceof ConfigError) return error;
    }
    throw new Error("the engine accepts this");
  };

  test.each([
    [
      ["--hidden", "1"],
      "hiddenSize is 1, but must be a whole number from 2 to 65536. It is set by --hidden.",
    ],
    [["--batch", "0"], /^batchSize is 0.*It is set by --batch\.$/],
    [["--layers", "local,dense"], /^layers\[1\] is "dense".*It is set by --layers\.$/],
    [["--learning-rate=-0.1"], /^learningRate is -0.1.*It is set by --learning-rate\.$/],
  ])("%j: the engine's message names the option", (args, message) => {
    expect(explain(errorOf(...args))).toMatch(message);
  });
});

test("the help names every option that parses, and the defaults", () => {
  const help = trainHelp();
  const names = [...help.matchAll(/--([\w-]+)/g)].map(([, name]) => name as string);
  for (const name of ["layers", "hidden", "tokenizer", "checkpoint", "held-out", "minutes", "out", "help"]) {
    expect(names).toContain(name);
  }
  expect(help).toMatch(/--schedule KIND .*\(cosine\)/);
  expect(parseTrainCommand(["-h"])).toBe("help");
});
