import { at, dim, ensure, float64, type NdArray, rows, rowsAt, toFloat64 } from "../../core/index.ts";
import { mean } from "../../math/index.ts";
import type { Parameters } from "../../model/index.ts";
import type { AnalysisInput, Matmul } from "../kit/define.ts";
import { grokEpoch } from "../kit/epochs.ts";
import { matmulOf } from "../kit/inputs.ts";
import { agreement, allAnswersOf } from "../logits/answers.ts";
import type { Judge } from "../logits/score.ts";

/** The final model's accuracy, mean over tasks, under attention that is not its own. */
export type AttentionCourse = {
  /** With the attention of each checkpoint. */
  accuracy: number[];
  /** With its own, with its own averaged over the grid, and with the same for every key. */
  own: number;
  averaged: number;
  even: number;
  /** First checkpoint from which `accuracy` stays at 0.9 of `own` or above, and from which the model's own accuracy does. */
  epoch: number | null;
  model_epoch: number | null;
};

/**
 * What each key's token adds to the last position's stream for attention of one: [heads] of [tokens, d_model] for x0, x1 and '='.
 */
async function keyTables({ p }: { readonly p: number }, parameters: Parameters, matmul: Matmul): Promise<NdArray<"float64">[][]> {
  const [W_V, W_O] = [toFloat64(parameters["blocks.0.attn.W_V"]), toFloat64(parameters["blocks.0.attn.W_O"])];
  const [heads, d_model, d_head] = [dim(W_V, 0), dim(W_V, 1), dim(W_V, 2)];
  const b_V = parameters["blocks.0.attn.b_V"];
  const W_E = toFloat64(parameters["embed.W_E"]);
  const W_pos = toFloat64(parameters["pos_embed.W_pos"]).data;
  const inputs = [0, 1, 2].map((position) => {
    const tokens = position < 2 ? rows(W_E, 0, p) : rows(W_E, p, p + 1);
    return float64(
      tokens.data.map((value, i) => value + at(W_pos, position * d_model + (i % d_model))),
      tokens.shape,
    );
  });
  const slice = (tensor: NdArray<"float64">, h: number, shape: readonly [number, number]) =>
    float64(tensor.data.slice(h * shape[0] * shape[1], (h + 1) * shape[0] * shape[1]), shape);
  const table = async (x: NdArray<"float64">, h: number) => {
    const v = await matmul(x, slice(W_V, h, [d_model, d_head])); // [tokens, d_head]
    const biased = b_V === undefined ? v.data : v.data.map((value, i) => value + at(b_V.data, h * d_head + (i % d_head)));
    return matmul(float64(biased, v.shape), slice(W_O, h, [d_head, d_model])); // [tokens, d_model]
  };
  return Promise.all(inputs.map((x) => Promise.all(Array.from({ length: heads }, (_, h) => table(x, h)))));
}

/** Adds a bias to every row. */
function biased({ data, shape }: NdArray<"float64">, bias: NdArray | undefined): NdArray<"float64"> {
  const width = at(shape, shape.length - 1);
  return bias === undefined
    ? float64(data, shape)
    : float64(
        data.map((value, i) => value + at(bias.data, i % width)),
        shape,
      );
}

/** A model into which attention from elsewhere can be put. */
export interface Transplant {
  /** Logits of the samples under a pattern [samples, heads, 3], [samples, classes]. */
  logits(pattern: NdArray<"float64">): Promise<NdArray<"float64">>;
}

/** The final model with its attention open, on some samples (grid indices). */
export async function transplant(
  { config, parameters }: Pick<AnalysisInput, "config" | "parameters">,
  samples: Int32Array,
  matmul: Matmul,
): Promise<Transplant> {
  const { p, d_model, n_heads } = config;
  const tables = await keyTables(config, parameters, matmul);
  const start = rows(toFloat64(parameters["embed.W_E"]), p, p + 1).data.map(
    (value, i) =>
      value + at(parameters["pos_embed.W_pos"].data, 2 * d_model + i) + (parameters["blocks.0.attn.b_O"]?.data[i] ?? 0),
  ); // [d_model]
  return {
    async logits(pattern) {
      ensure(dim(pattern, 1) === n_heads, "input", () => `attention: must have ${n_heads} heads, got ${dim(pattern, 1)}`);
      const mid = new Float64Array(samples.length * d_model);
      for (let s = 0; s < samples.length; s++) {
        const i = at(samples, s);
        const tokens = [Math.floor(i / p), i % p, 0];
        mid.set(start, s * d_model);
        for (let h = 0; h < n_heads; h++) {
          for (let key = 0; key < 3; key++) {
            const weight = at(pattern.data, (s * n_heads + h) * 3 + key);
            const { data } = at(at(tables, key), h);
            const from = at(tokens, key) * d_model;
            for (let j = 0; j < d_model; j++)
              mid[s * d_model + j] = (mid[s * d_model + j] as number) + weight * (data[from + j] as number);
          }
        }
      }
      const stream = float64(mid, [samples.length, d_model]); // [samples, d_model]
      const pre = biased(await matmul(stream, toFloat64(parameters["blocks.0.mlp.W_in"])), parameters["blocks.0.mlp.b_in"]); // [samples, d_mlp]
      const post = float64(
        pre.data.map((u) => Math.max(0, u)),
        pre.shape,
      );
      const out = biased(await matmul(post, toFloat64(parameters["blocks.0.mlp.W_out"])), parameters["blocks.0.mlp.b_out"]); // [samples, d_model]
      const last = float64(
        out.data.map((value, i) => value + (mid[i] as number)),
        out.shape,
      );
      return biased(await matmul(last, toFloat64(parameters["unembed.W_U"])), parameters["unembed.b_U"]); // [samples, classes]
    },
  };
}

/** The pattern at some samples, [samples, heads, 3]. */
export function patternAt(pattern: NdArray<"float64">, samples: Int32Array): NdArray<"float64"> {
  const [n, heads, keys] = [dim(pattern, 0), dim(pattern, 1), dim(pattern, 2)];
  return float64(rowsAt(float64(pattern.data, [n, heads * keys]), samples).data, [samples.length, heads, keys]);
}

/** A pattern's mean over the grid, for every sample alike. */
export function averagedPattern(pattern: NdArray<"float64">, samples: number): NdArray<"float64"> {
  const [n, heads, keys] = [dim(pattern, 0), dim(pattern, 1), dim(pattern, 2)];
  const means = new Float64Array(heads * keys);
  for (let i = 0; i < n * means.length; i++) {
    const place = i % means.length;
    means[place] = (means[place] as number) + (pattern.data[i] as number) / n;
  }
  return float64(
    Float64Array.from({ length: samples * means.length }, (_, i) => at(means, i % means.length)),
    [samples, heads, keys],
  );
}

/** Share of the final accuracy from which attention, or the model, counts as doing what it does in the end. */
const MOST_OF_IT = 0.9;

/** The first epoch from which on an accuracy stays at nine tenths of its last value; null where there is none. */
export function mostOfItEpoch(epochs: readonly number[], accuracy: readonly number[]): number | null {
  return grokEpoch(epochs, accuracy, MOST_OF_IT * at(accuracy, accuracy.length - 1));
}

/** One checkpoint's attention at the samples that are looked at, and its model's mean accuracy. */
export interface AttentionTick {
  readonly epoch: number;
  readonly pattern: NdArray<"float64">;
  readonly accuracy: number;
}

/** Attention of a run at some samples: at each checkpoint, and the last one's average over all inputs. */
export interface AttentionSeries {
  readonly samples: Int32Array;
  readonly ticks: readonly AttentionTick[];
  readonly averaged: NdArray<"float64">;
}

/** Puts each checkpoint's attention into the final model; null for a model without '='. */
export async function attentionCourse(
  input: AnalysisInput,
  judge: Judge,
  { samples, ticks, averaged }: AttentionSeries,
): Promise<AttentionCourse | null> {
  const last = ticks[ticks.length - 1];
  if (input.config.equals === false || last === undefined) return null;
  const model = await transplant(input, samples, matmulOf(input));
  const targets = judge.targets.map((own) => samples.map((i) => at(own, i)));
  const under = async (pattern: NdArray<"float64">) => {
    const logits = await model.logits(pattern);
    return mean(allAnswersOf(logits, judge.heads).map((own, task) => agreement(own, at(targets, task))));
  };
  const accuracy: number[] = [];
  for (const { pattern } of ticks) accuracy.push(await under(pattern));
  const own = at(accuracy, accuracy.length - 1);
  const epochs = ticks.map(({ epoch }) => epoch);
  return {
    accuracy,
    own,
    averaged: await under(averaged),
    even: await under(float64(new Float64Array(last.pattern.data.length).fill(1 / 3), last.pattern.shape)),
    epoch: mostOfItEpoch(epochs, accuracy),
    model_epoch: mostOfItEpoch(
      epochs,
      ticks.map((tick) => tick.accuracy),
    ),
  };
}
