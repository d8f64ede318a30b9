import { type DType, mix32, type NdArray } from "../core/index.ts";
import { type Ops, type ProgramSource, type TensorSpec, type Tensors, tensor } from "../ops/index.ts";
import { type Head, headsOf, type TaskConfig } from "../tasks/index.ts";
import { hasTaskSchedule, type ModelConfig, type RunConfig } from "./config.ts";
import { unembed } from "./forward.ts";
import { lastPosition } from "./forward-digits.ts";
import { BIAS_NAMES, PARAMETER_NAMES, type ParameterName } from "./names.ts";
import { type Parameters, parameterShapes } from "./parameters.ts";
import { type Batch, boundRows, eachParameter, lossAndGradients, moveAverage, sumOfSquares, update } from "./step.ts";

/** The training batch's columns of target logits: output head offset + class, int32 [samples, tasks]. */
export function targetColumns(targets: NdArray<"int32">, heads: readonly Head[], samples: ArrayLike<number>): NdArray<"int32"> {
  const width = heads.length;
  const data = new Int32Array(samples.length * width);
  for (let i = 0; i < samples.length; i++) {
    heads.forEach((head, h) => {
      data[i * width + h] = head.offset + (targets.data[(samples[i] as number) * width + h] as number);
    });
  }
  return { dtype: "int32", shape: [samples.length, width], data };
}

/** The tensors whose rows `max_row_norm` bounds. */
const BOUNDED: readonly ParameterName[] = ["blocks.0.mlp.W_out", "unembed.W_U"];

/** The prefixes of the state that a configuration's step has; that of the weights is empty. */
function prefixesOf({ grokfast_lambda, weight_ema }: RunConfig): readonly string[] {
  return ["", "m/", "v/", ...(grokfast_lambda === 0 ? [] : ["ema/"]), ...(weight_ema === 0 ? [] : ["average/"])];
}

/**
 * One full-batch training step as a program, in the configuration's precision. State: the weights under their names, and `m/…`,
 * `v/…` (AdamW) and, with Grokfast, `ema/…`, with an average of the weights `average/…`. Other inputs: `lr`, `correct1`,
 * `correct2`, [1] each; with a schedule of tasks `task_weights`, [tasks, 1], over the batch's size; with an average of the
 * weights `average_decay`, [1]; and with dropout `step`, int32 [1], from which the runtime makes the masks `drop_mid` and
 * `drop_post`, [1 or batch, d_model]. Other outputs: `loss`, [tasks], of the batch under dropout; `gradient_squares` and
 * `filtered_squares`, [9], sums of squares per weight tensor before and after Grokfast's filter.
 */
export function stepProgram(config: RunConfig, batch: Batch): ProgramSource {
  const heads = headsOf(config);
  const shapes = parameterShapes(config);
  const size = batch.rows0.data.length;
  const float = (shape: readonly number[]): TensorSpec => ({ dtype: config.precision, shape });
  const grokfast = config.grokfast_lambda !== 0;
  const inputs: Record<string, TensorSpec> = {};
  for (const prefix of prefixesOf(config)) for (const name of PARAMETER_NAMES) inputs[prefix + name] = float(shapes[name]);
  for (const name of ["lr", "correct1", "correct2"]) inputs[name] = float([1]);
  if (hasTaskSchedule(config)) inputs.task_weights = float([heads.length, 1]);
  if (config.weight_ema !== 0) inputs.average_decay = float([1]);
  if (config.dropout > 0) {
    const shape = [config.dropout_mask === "step" ? 1 : size, config.d_model];
    const seed = mix32(config.seed ^ 0x64726f70); // a stream apart from the other uses of the seed
    inputs.step = { dtype: "int32", shape: [1] };
    inputs.drop_mid = { ...float(shape), dropout: { seed, site: 0, rate: config.dropout } };
    inputs.drop_post = { ...float(shape), dropout: { seed, site: 1, rate: config.dropout } };
  }
  return {
    dtype: config.precision,
    inputs,
    build: (ops, given) => {
      const dropout = config.dropout > 0 ? { mid: tensor(given, "drop_mid"), post: tensor(given, "drop_post") } : undefined;
      const shape = { ...config, batch: size };
      const { loss, gradients } = lossAndGradients(ops, given, { batch, heads }, shape, dropout);
      const scalars = { lr: tensor(given, "lr"), correct1: tensor(given, "correct1"), correct2: tensor(given, "correct2") };
      const outputs: Record<string, typeof loss> = { loss };
      const filteredSquares = eachParameter((name) => {
        const moments = {
          m: tensor(given, `m/${name}`),
          v: tensor(given, `v/${name}`),
          ema: grokfast ? tensor(given, `ema/${name}`) : undefined,
        };
        const isBounded = config.max_row_norm > 0 && BOUNDED.includes(name);
        const own = isBounded || config.no_decay.includes(name) ? { ...config, weight_decay: 0 } : config;
        const before = { weight: tensor(given, name), gradient: gradients[name], state: moments };
        const { weight, filtered, state } = update(ops, before, scalars, own);
        const kept = isBounded ? boundRows(ops, weight, shapes[name], config.max_row_norm) : weight;
        outputs[name] = kept;
        if (config.weight_ema !== 0) {
          const average = tensor(given, `average/${name}`);
          outputs[`average/${name}`] = moveAverage(ops, average, kept, tensor(given, "average_decay"));
        }
        outputs[`m/${name}`] = state.m;
        outputs[`v/${name}`] = state.v;
        if (state.ema !== undefined) outputs[`ema/${name}`] = state.ema;
        return sumOfSquares(ops, filtered, shapes[name]);
      });
      const squares = eachParameter((name) => sumOfSquares(ops, gradients[name], shapes[name]));
      outputs.gradient_squares = ops.concat(
        squares.map(([, square]) => square),
        0,
      );
      outputs.filtered_squares = ops.concat(
        filteredSquares.map(([, square]) => square),
        0,
      );
      return outputs;
    },
  };
}

/** Values at the last position that a forward program can give, under TransformerLens's names. */
export type ForwardOutput =
  | "blocks.0.attn.hook_pattern"
  | "blocks.0.attn.hook_z"
  | "blocks.0.hook_resid_mid"
  | "blocks.0.mlp.hook_pre"
  | "blocks.0.mlp.hook_post"
  | "logits";

/**
 * A forward pass without dropout as a program: weights (and biases) by name and `rows0`, `rows1` (int32 [batch], see `tableRows`)
 * in; the outputs asked for out. Shapes come from the given weights.
 */
export function forwardProgram(
  config: TaskConfig & ModelConfig,
  parameters: Parameters,
  batch: number,
  outputs: readonly ForwardOutput[],
  dtype: Extract<DType, "float32" | "float64">,
): ProgramSource {
  const inputs: Record<string, TensorSpec> = {
    rows0: { dtype: "int32", shape: [batch] },
    rows1: { dtype: "int32", shape: [batch] },
  };
  for (const name of [...PARAMETER_NAMES, ...BIAS_NAMES]) {
    const array = parameters[name];
    if (array !== undefined) inputs[name] = { dtype, shape: array.shape };
  }
  return {
    dtype,
    inputs,
    build: <T>(ops: Ops<T>, given: Tensors<T>) => {
      const shape = { ...config, batch };
      const pass = lastPosition(ops, given, tensor(given, "rows0"), tensor(given, "rows1"), shape);
      const make = (output: ForwardOutput): T => {
        switch (output) {
          case "blocks.0.attn.hook_pattern":
            return ops.concat(
              pass.pattern.map((a) => ops.reshape(a, [batch, config.n_heads, 1])),
              2,
            ); // [batch, head, keys]
          case "blocks.0.attn.hook_z":
            return ops.reshape(pass.z, [batch, config.n_heads, config.d_head]); // [batch, head, d_head]
          case "blocks.0.hook_resid_mid":
            return pass.resid_mid; // [batch, d_model]
          case "blocks.0.mlp.hook_pre":
            return pass.mlp_pre; // [batch, d_mlp]
          case "blocks.0.mlp.hook_post":
            return pass.mlp_post; // [batch, d_mlp]
          case "logits":
            return unembed(ops, pass.resid_post, given); // [batch, classes]
          default:
            return output satisfies never;
        }
      };
      return Object.fromEntries(outputs.map((output) => [output, make(output)]));
    },
  };
}
