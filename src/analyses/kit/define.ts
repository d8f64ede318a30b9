import type { TopLevelSpec } from "vega-lite";
import { ensure, type Json, type NdArray } from "../../core/index.ts";
import type { HeadMetrics, OmegaRow } from "../../math/index.ts";
import type { Edits, MetricsRow, ModelConfig, Parameters, RunConfig } from "../../model/index.ts";
import type { Head, Split, TaskConfig } from "../../tasks/index.ts";

/**
 * The activations over all p² samples that an analysis may ask for, in grid order (index x0·p + x1), float64, at the last
 * position; TransformerLens's hook names.
 *
 * - `blocks.0.attn.hook_pattern`: attention from '=' to x0, x1 and '=', [p², heads, 3]; without '=', from x1 to x0 and x1, [p²,
 *   heads, 2].
 * - `blocks.0.hook_resid_mid`: the residual stream before the MLP, [p², d_model].
 * - `blocks.0.mlp.hook_pre`: the neurons before the ReLU, [p², d_mlp].
 * - `blocks.0.mlp.hook_post`: the neurons after the ReLU, [p², d_mlp].
 * - `logits`: raw logits of all heads, [p², classes] (an extra '=' class already dropped).
 */
export const ACTIVATION_NAMES = [
  "blocks.0.attn.hook_pattern",
  "blocks.0.hook_resid_mid",
  "blocks.0.mlp.hook_pre",
  "blocks.0.mlp.hook_post",
  "logits",
] as const;

/** The name of an activation. */
export type ActivationName = (typeof ACTIVATION_NAMES)[number];

export type { Edits, MetricsRow, OmegaRow };

/** Time series of a run. */
export interface Series {
  readonly metrics: readonly MetricsRow[];
  readonly omega: readonly OmegaRow[];
  /** Epochs at which checkpoints were kept, ascending. */
  readonly checkpoints: readonly number[];
  /**
   * The model at each kept checkpoint, or at those of the given epochs, one after the other, with the activations asked for: over
   * the grid, or of the given samples (grid indices) alone, [samples, …].
   */
  readonly models: (
    names: readonly ActivationName[],
    epochs?: readonly number[],
    samples?: Int32Array,
  ) => AsyncIterable<SeriesModel>;
}

/** A kept checkpoint of a run. */
export interface SeriesModel {
  readonly epoch: number;
  readonly parameters: Parameters;
  readonly activations: { readonly [name in ActivationName]?: NdArray<"float64"> };
}

/**
 * Logits, [samples, classes], of the given samples (grid indices; all p² where left out) under `edits`. They may be written to
 * the memory of `into`, which holds as many numbers or more.
 */
export type Forward = (edits: Edits, samples?: Int32Array, into?: Float64Array) => Promise<NdArray<"float64">>;

/** Samples (grid indices) that draws are scored on, and what scores logits [n, classes] of some of them. */
export interface ScoredSamples {
  readonly samples: Int32Array;
  readonly targets: NdArray<"int32">;
  readonly scoresOf: (logits: NdArray<"float64">, samples: Int32Array) => HeadMetrics;
}

/**
 * What the output heads score on some samples with another W_E or with some neurons at their means, for draws of a null: in
 * single precision, and so in a fraction of the time, but for the samples that this does not decide. Undefined where it decides
 * too few, see `editableModel`.
 */
export type ScoreDraw = (edits: Edits, scored: ScoredSamples) => Promise<HeadMetrics | undefined>;

/**
 * The product of two float64 matrices, [n, k] by [k, m]. It may be written to the memory of `into`, which holds n·m numbers or
 * more: for products of which only the last is needed.
 */
export type Matmul = (a: NdArray<"float64">, b: NdArray<"float64">, into?: Float64Array) => Promise<NdArray<"float64">>;

/**
 * For logits [n, classes] and their samples' targets [n, tasks]: whether each output head answers its target, 1 or 0, [n, tasks],
 * once values [n, g] times readout [g, classes] have been added to the logits.
 */
export type HitsAfter = (
  logits: NdArray<"float64">,
  targets: NdArray<"int32">,
) => Promise<(values: NdArray<"float64">, readout: NdArray<"float64">) => Promise<Uint8Array>>;

/** Everything an analysis may look at. Analyses are pure: they touch no file, no clock and no unseeded randomness. */
export interface AnalysisInput {
  /** Known settings; imported models know only their task and sizes. */
  readonly config: TaskConfig & ModelConfig & Partial<RunConfig>;
  readonly heads: readonly Head[];
  /** Weights as stored: W_E has the '=' row, W_U may have an extra '=' class. */
  readonly parameters: Parameters;
  /** Classes per sample and head over the grid, [p², heads]. */
  readonly targets: NdArray<"int32">;
  /** Absent where the training indices are not known. */
  readonly split?: Split;
  /** The activations named in `needs`. */
  readonly activations: { readonly [name in ActivationName]?: NdArray<"float64"> };
  /** Present where `needs` has `series`. */
  readonly series?: Series;
  /** Present where `needs` has `forward`. */
  readonly forward?: Forward;
  /** Present where a runtime gives `forward`. */
  readonly scoreDraw?: ScoreDraw;
  /** Present where `needs` has `matmul`: large products at a runtime's speed. */
  readonly matmul?: Matmul;
  /** Present where a runtime gives `matmul`. */
  readonly hitsAfter?: HitsAfter;
  /** Seeds the nulls. */
  readonly seed: number;
  /** Called with (done, total). */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * What an analysis needs beyond the weights. `series` makes it an analysis over time: a lone checkpoint file is a usage error;
 * `models` says that it goes through the series' models, which those that do share.
 */
export type Need = ActivationName | "series" | "models" | "forward" | "matmul";

/** An option of an analysis, as shown by `--help` and checked before `run`. */
export type OptionSpec =
  | {
      readonly type: "integer";
      readonly default: number;
      readonly min: number;
      readonly max: number;
      readonly description: string;
    }
  | { readonly type: "boolean"; readonly default: boolean; readonly description: string };

/** The values of an analysis's options by name. */
export type OptionValues = Readonly<Record<string, number | boolean>>;

/** A result with the run's label. */
export interface Labelled<R> {
  readonly label: string;
  readonly result: R;
  readonly config: AnalysisInput["config"];
}

/**
 * An analysis, defined once: from this come `miiii analyze <id>`, its section of the report and its page in the docs. Declare the
 * result as a `type`, not an `interface`, so that it is plain JSON to the type checker too.
 */
export interface Analysis<R = Json, M extends string = string> {
  /** The file's name. */
  readonly id: string;
  readonly title: string;
  /** One line, for lists. */
  readonly description: string;
  /** Markdown: what is computed, with formulas, shapes and units; each result name is explained. */
  readonly definition: string;
  /** Markdown: the value expected without the structure, and how that is computed. */
  readonly null: string;
  readonly citation: string;
  readonly needs: readonly Need[];
  /**
   * How long it takes beside the others, in seconds of one core at p = 113 with many tasks: for progress, and to begin with the
   * longest; 1 where left out.
   */
  readonly effort?: number;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Why it has nothing to say of models with these settings; undefined, or left out, where it has. */
  refuses?(config: AnalysisInput["config"]): string | undefined;
  run(input: AnalysisInput, options: OptionValues): R | Promise<R>;
  /** Named numbers for tables and claims; a claim that asks for a name that is not among them does not compile. */
  metrics(result: R): { readonly [name in M]?: number };
  /** What must be said of a metric beside its name, wherever metrics are listed for a reader: that it is no evidence. */
  readonly remarks?: Readonly<Record<string, string>>;
  /** A readable summary for the terminal: a few lines, nulls beside the values. */
  summary(result: R): string;
  /**
   * What the figure states of the runs that it shows, as its title: a short sentence by a fixed rule, without a full stop;
   * `title` where left out.
   */
  finding?(entries: readonly Labelled<R>[]): string;
  /** One sentence on what to see in the figure, made from the numbers. */
  headline(entries: readonly Labelled<R>[]): string;
  /**
   * Why a report says a line of this result in place of drawing it; undefined, or left out, where there is something to see.
   */
  idle?(result: R): string | undefined;
  /** Most runs that a report draws in its figure; 6 where left out. */
  readonly drawn?: number;
  /** One figure for one or many labelled results. */
  figure(entries: readonly Labelled<R>[]): TopLevelSpec;
}

/**
 * An analysis's options, those that are not given by their defaults.
 *
 * @throws kind `usage` naming the first that is not of its type or out of its range.
 */
export function completeOptions({ id, options }: Pick<Analysis, "id" | "options">, given: OptionValues): OptionValues {
  const entries = Object.entries(options).map(([name, spec]) => {
    const value = given[name] ?? spec.default;
    if (spec.type === "boolean")
      ensure(typeof value === "boolean", "usage", () => `${id}: ${name} must be true or false, got ${value}`);
    else
      ensure(
        Number.isInteger(value) && Number(value) >= spec.min && Number(value) <= spec.max,
        "usage",
        () => `${id}: ${name} must be an integer from ${spec.min} to ${spec.max}, got ${value}`,
      );
    return [name, value] as const;
  });
  return Object.fromEntries(entries);
}

/** Checks a definition's type where it is written, and its options and the model's settings wherever it is run. */
export function defineAnalysis<R extends Json, M extends string = string>(analysis: Analysis<R, M>): Analysis<R, M> {
  return {
    ...analysis,
    run: (input, options) => {
      const complete = completeOptions(analysis, options);
      const refusal = analysis.refuses?.(input.config);
      ensure(refusal === undefined, "input", () => `${analysis.id}: ${refusal}`);
      return analysis.run(input, complete);
    },
  };
}

/** The metrics of a result: those that it has. */
export function metricsOf(analysis: Pick<Analysis, "metrics">, result: Json): Record<string, number> {
  const entries = Object.entries(analysis.metrics(result));
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}
