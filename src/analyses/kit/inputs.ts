import { dim, ensure, ensureFinite, float64, MiiiiError, type NdArray, rows, toFloat64 } from "../../core/index.ts";
import { matmul as plainMatmul } from "../../math/index.ts";
import type { Head } from "../../tasks/index.ts";
import type { ActivationName, AnalysisInput, Matmul, Series } from "./define.ts";

/** The token embedding without the '=' row, float64, [p, d_model]. */
export function tokenEmbedding(input: Pick<AnalysisInput, "config" | "parameters">): NdArray<"float64"> {
  const { p } = input.config;
  const W_E = input.parameters["embed.W_E"];
  ensure(dim(W_E, 0) >= p, "input", () => `embed.W_E: must have a row for each of ${p} tokens, got ${dim(W_E, 0)}`);
  const tokens = toFloat64(rows(W_E, 0, p));
  ensureFinite(tokens, "embed.W_E");
  return tokens;
}

/** Row `position` of W_pos, float64, [d_model]. */
export function positionEmbedding(input: Pick<AnalysisInput, "parameters">, position: 0 | 1): Float64Array {
  const W_pos = input.parameters["pos_embed.W_pos"];
  ensure(dim(W_pos, 0) >= 2, "input", () => `pos_embed.W_pos: must have a row for each digit, got ${dim(W_pos, 0)}`);
  ensureFinite(W_pos, "pos_embed.W_pos");
  return toFloat64(rows(W_pos, position, position + 1)).data;
}

/** An activation that the analysis named in its `needs`; over all p² samples and finite, or it throws. */
export function activationOf(input: Pick<AnalysisInput, "config" | "activations">, name: ActivationName): NdArray<"float64"> {
  const activation = input.activations[name];
  if (activation === undefined) throw new MiiiiError("input", `${name}: must be among the activations, got none`);
  const samples = input.config.p ** 2;
  ensure(dim(activation, 0) === samples, "input", () => `${name}: must cover ${samples} samples, got ${dim(activation, 0)}`);
  ensureFinite(activation, name);
  return activation;
}

/** Matrix products: a runtime's, or plain loops where the analysis was given none. */
export function matmulOf({ matmul }: Pick<AnalysisInput, "matmul">): Matmul {
  return (
    matmul ??
    (async (a, b, into) => {
      const made = plainMatmul(a, b);
      if (into === undefined) return made;
      into.set(made.data);
      return float64(into.subarray(0, made.data.length), made.shape);
    })
  );
}

/** The trained tasks, each with its number among all: analyses of output heads leave out those that nothing trains (`masked`). */
export function trainedHeads(heads: readonly Head[]): (Head & { readonly number: number })[] {
  return heads.map((head, number) => ({ ...head, number })).filter(({ active }) => active);
}

/** The time series of a run; a usage error for a lone checkpoint. */
export function seriesOf(input: Pick<AnalysisInput, "series">): Series {
  if (input.series === undefined) {
    throw new MiiiiError("usage", "series: this analysis reads a run over time; give it a run directory, not a lone checkpoint");
  }
  return input.series;
}
