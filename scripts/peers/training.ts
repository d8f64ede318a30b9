import { type Json, MiiiiError, type NdArray } from "../../src/core/index.ts";
import { PARAMETER_NAMES, type ParameterName, type PerParameter, type RunConfig } from "../../src/model/index.ts";
import type { Runtime } from "../../src/runtimes/index.ts";
import { headsOf, makeSplit } from "../../src/tasks/index.ts";
import { initialState, presetConfig, type TrainState, train } from "../../src/train/index.ts";
import type { Check, Context } from "./check.ts";
import type { Answer } from "./environment.ts";
import { compare, normDifference, type Row, worstOf } from "./rows.ts";

const CONFIGS: Readonly<Record<string, RunConfig>> = {
  "nanda, p 31": presetConfig("nanda", { epochs: 20, grokfast_lambda: 0.5, p: 31, d_model: 32, train_fraction: 0.5 }),
  "miiii, p 31, 5 steps": presetConfig("miiii-fast", { epochs: 5, p: 31, d_model: 64, dropout: 0 }),
  // With seed 0 ours and PyTorch's float64 have one neuron's pre-activation on different sides of zero before step 20, with
  // seed 1 PyTorch's own two precisions have; with seed 2 all three agree to 6e-6 to the end.
  "miiii, p 31": presetConfig("miiii-fast", { epochs: 20, p: 31, d_model: 64, dropout: 0, seed: 2 }),
  "nanda, p 113, 1 step": presetConfig("nanda", { epochs: 1, grokfast_lambda: 0.5 }),
  "nanda, p 113": presetConfig("nanda", { epochs: 20, grokfast_lambda: 0.5 }),
};

async function ours(config: RunConfig, runtime: Runtime): Promise<{ state: TrainState; loss: readonly number[] }> {
  let state: TrainState | undefined;
  let loss: readonly number[] = [];
  for await (const event of train({ config, runtime, omega: false })) {
    if (event.type === "state") state = event.state;
    if (event.type === "tick" && event.row.epoch === config.epochs) loss = event.row.train.loss;
  }
  if (state?.epoch !== config.epochs)
    throw new MiiiiError("runtime", `peers: training must end after ${config.epochs} epochs, ended after ${state?.epoch}`);
  return { state, loss };
}

/** What training added to a tensor: differences are held against this, not against the weights that both began with. */
function change(after: NdArray | undefined, before: NdArray): Float64Array {
  return Float64Array.from(before.data, (value, i) => (after?.data[i] ?? Number.NaN) - value);
}

/** Relative differences below these pass in any case. */
const WEIGHTS = 1e-4;
const MOMENTS = 1e-3;
const LOSS = 1e-5;
/** How far beyond PyTorch's own float32 a difference may go. */
const FACTOR = 3;

/**
 * Our float32 against PyTorch's float64 and float32. A pre-activation within float32's rounding of zero makes a ReLU differ,
 * after which two runs part; so a difference up to a few times that of PyTorch's own two precisions is no fault of either.
 */
function rowsOf(
  name: string,
  before: PerParameter<NdArray>,
  { state, loss }: { readonly state: TrainState; readonly loss: readonly number[] },
  { tensors }: Answer,
): Row[] {
  const row = (
    what: string,
    find: (source: "ours" | "float32" | "float64") => ArrayLike<number>,
    against: "float32" | "float64",
    least: number,
  ) => {
    const own = normDifference(find("float32"), find("float64"));
    return compare(`${what}, ${name}, vs ${against}`, find("ours"), find(against), Math.max(least, FACTOR * own), "norm");
  };
  const held = (source: string, tensor: string) => tensors.get(`${source}/${tensor}`);
  const changes = (tensor: ParameterName, against: "float32" | "float64") => {
    const find = (source: string) => change(source === "ours" ? state.parameters[tensor] : held(source, tensor), before[tensor]);
    return row(`change of ${tensor}`, find, against, WEIGHTS);
  };
  const worst = (against: "float32" | "float64", prefix: "ema" | "m" | "v") =>
    worstOf(
      PARAMETER_NAMES.map((tensor) => {
        const find = (source: string) =>
          (source === "ours" ? state[prefix]?.[tensor] : held(source, `${prefix}/${tensor}`))?.data ?? [];
        return row(`worst ${prefix}: ${tensor}`, find, against, MOMENTS);
      }),
    );
  const losses = (against: "float32" | "float64") =>
    row("training loss", (source) => (source === "ours" ? loss : (held(source, "loss")?.data ?? [])), against, LOSS);
  return [
    ...PARAMETER_NAMES.map((tensor) => changes(tensor, "float64")),
    ...(["ema", "m", "v"] as const).map((prefix) => worst("float64", prefix)),
    losses("float64"),
    worstOf(PARAMETER_NAMES.map((tensor) => changes(tensor, "float32"))),
    losses("float32"),
  ];
}

/** The same weights, batch and settings through our trainer (float32) and through PyTorch's autograd and AdamW. */
export const training: Check = {
  id: "training, 20 steps",
  needs: ["torch"],
  run: async ({ models, ask }: Context) => {
    const found: Row[] = [];
    for (const [name, config] of Object.entries(CONFIGS)) {
      const before = initialState(config).parameters;
      const { train: samples } = makeSplit(config.p, config.train_fraction, config.seed);
      const tensors = new Map<string, NdArray>([["train", { dtype: "int32", shape: [samples.length], data: samples }]]);
      for (const tensor of PARAMETER_NAMES) tensors.set(`weight/${tensor}`, before[tensor]);
      const heads = headsOf(config).map(({ q }) => q);
      const settings: Json = { config: { ...config }, heads, steps: config.epochs };
      const answer = ask("training", { tensors, arguments: settings }, name);
      found.push(...rowsOf(name, before, await ours(config, models.runtime), answer));
    }
    return found;
  },
};
