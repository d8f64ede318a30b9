/**
 * `npm run trace`: twenty training steps of a tiny model by PyTorch's autograd and AdamW in float64, written to
 * test/data/torch-trace.json, which `npm test` holds the step against. Makes a virtual environment with PyTorch, shared with
 * `npm run check:peers`; `--no-install` takes the one that is there.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Json, NdArray } from "../src/core/index.ts";
import { PARAMETER_NAMES } from "../src/model/index.ts";
import { headsOf, makeSplit } from "../src/tasks/index.ts";
import { initialState, presetConfig } from "../src/train/index.ts";
import { preparePeers } from "./peers/environment.ts";

const STEPS = 20;

const config = presetConfig("joint", {
  p: 5,
  d_model: 4,
  n_heads: 2,
  d_mlp: 6,
  init: "he",
  lr: 0.02,
  warmup: 4,
  dropout: 0,
  train_fraction: 0.7,
  epochs: STEPS,
  seed: 2,
});

/** Nine digits: what float32 can hold. */
const digits = (values: ArrayLike<number>) => Array.from(values, (value) => Number(value.toPrecision(9)));

const say = (line: string) => process.stderr.write(`${line}\n`);
const peers = preparePeers(!process.argv.includes("--no-install"), say, ["numpy", "safetensors", "torch"]);
const folder = mkdtempSync(join(tmpdir(), "miiii-trace-"));
try {
  const initial = initialState(config).parameters;
  const { train } = makeSplit(config.p, config.train_fraction, config.seed);
  const tensors = new Map<string, NdArray>([["train", { dtype: "int32", shape: [train.length], data: train }]]);
  for (const name of PARAMETER_NAMES) tensors.set(`weight/${name}`, initial[name]);
  const settings: Json = { config: { ...config }, heads: headsOf(config).map(({ q }) => q), steps: STEPS };
  const { tensors: found, values } = peers.ask("trace", folder, { tensors, arguments: settings });
  const names = values.names as string[];
  const perTensor = (prefix: string) =>
    Object.fromEntries(PARAMETER_NAMES.map((name) => [name, digits(found.get(`${prefix}/${name}`)?.data ?? [])]));
  /** [steps][…], the columns in the order of the parameters' names. */
  const perStep = (name: string, order?: readonly string[]) => {
    const { data = [], shape = [] } = found.get(name) ?? {};
    const width = shape[1] ?? 1;
    return Array.from({ length: STEPS }, (_, step) =>
      digits(
        Array.from({ length: width }, (_, i) => {
          const column = order === undefined ? i : names.indexOf(order[i] ?? "");
          return data[step * width + column] ?? Number.NaN;
        }),
      ),
    );
  };
  const trace = {
    made_by: `npm run trace; torch ${String(values.torch).split("+")[0]}, float64`,
    config,
    train: Array.from(train),
    loss: perStep("loss"),
    gradient_norms: perStep("norms", PARAMETER_NAMES),
    filtered_gradient_norms: perStep("filtered", PARAMETER_NAMES),
    initial: Object.fromEntries(PARAMETER_NAMES.map((name) => [name, digits(initial[name].data)])),
    first_gradient: perTensor("gradient"),
    after: { weights: perTensor("weight"), m: perTensor("m"), v: perTensor("v"), ema: perTensor("ema") },
  };
  const path = join(dirname(dirname(fileURLToPath(import.meta.url))), "test", "data", "torch-trace.json");
  mkdirSync(dirname(path), { recursive: true });
  // A line a list, so that a difference is seen where it is.
  const text = JSON.stringify(
    trace,
    (_, value) => (Array.isArray(value) && typeof value[0] === "number" ? `[${value.join(",")}]` : value),
    1,
  );
  writeFileSync(path, `${text.replaceAll(/"(\[[^"\]]*\])"/g, "$1")}\n`);
  console.log(path);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
