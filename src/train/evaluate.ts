import { at, float32, float64, type NdArray } from "../core/index.ts";
import {
  type HeadMetrics,
  headMetrics,
  norm,
  OMEGA_NEURONS,
  type OmegaRow,
  omegaRow,
  paperBins,
  sampleNeurons,
} from "../math/index.ts";
import {
  forwardProgram,
  inFloat64,
  type MetricsRow,
  PARAMETER_NAMES,
  type PerParameter,
  type RunConfig,
  tableRows,
  zeroParameters,
} from "../model/index.ts";
import { type Program, type Runtime, runOnce } from "../runtimes/index.ts";
import type { Dataset, Split } from "../tasks/index.ts";

/** The weights, in the precision that they are trained in. */
export type Weights = PerParameter<NdArray>;

/** Measures a model in training: without dropout, on fixed sets of samples. */
export interface Evaluator {
  /**
   * Loss and accuracy on both sets, and norms; `taskWeights` weigh the tasks in the objective, `squares` are those of the last
   * step, absent before the first.
   */
  metrics(epoch: number, weights: Weights, taskWeights: Float64Array, squares?: Squares): Promise<MetricsRow>;
  /** Loss and accuracy on both sets. */
  scores(weights: Weights): Promise<{ readonly train: HeadMetrics; readonly validation: HeadMetrics }>;
  /** Loss and accuracy on the validation samples alone. */
  validation(weights: Weights): Promise<HeadMetrics>;
  /** The first neuron's frequency bins, [(p+1)/2]; see `paperBins`. */
  firstNeuron(weights: Weights): Promise<number[]>;
  /** Frequency statistics of {@link OMEGA_NEURONS} seeded neurons, without those of the first one. */
  omega(epoch: number, weights: Weights): Promise<Omit<OmegaRow, "paper_bins">>;
  dispose(): Promise<void>;
}

/** Sums of squares per weight tensor of a step's gradient, before and after the filter. */
export interface Squares {
  readonly raw: NdArray;
  readonly filtered: NdArray;
}

function norms(squares: NdArray): Record<string, number> {
  return Object.fromEntries(PARAMETER_NAMES.map((name, i) => [name, Math.sqrt(at(squares.data, i))]));
}

const arrayOf = (data: Float32Array | Float64Array, shape: readonly number[]) =>
  data instanceof Float64Array ? float64(data, shape) : float32(data, shape);

/** The model with the given neurons alone; the others' outputs are not computed. */
function withNeurons(config: RunConfig, weights: Weights, neurons: ArrayLike<number>): { config: RunConfig; weights: Weights } {
  const { d_model, d_mlp } = config;
  const count = neurons.length;
  const floats = (size: number) => (config.precision === "float64" ? new Float64Array(size) : new Float32Array(size));
  const [W_in, W_out] = [floats(d_model * count), floats(count * d_model)];
  const [fullIn, fullOut] = [weights["blocks.0.mlp.W_in"].data, weights["blocks.0.mlp.W_out"].data];
  for (let j = 0; j < count; j++) {
    const neuron = neurons[j] as number;
    for (let i = 0; i < d_model; i++) {
      W_in[i * count + j] = fullIn[i * d_mlp + neuron] as number;
      W_out[j * d_model + i] = fullOut[neuron * d_model + i] as number;
    }
  }
  return {
    config: { ...config, d_mlp: count },
    weights: {
      ...weights,
      "blocks.0.mlp.W_in": arrayOf(W_in, [d_model, count]),
      "blocks.0.mlp.W_out": arrayOf(W_out, [count, d_model]),
    },
  };
}

/**
 * An evaluator of models of this configuration. Metrics are computed from logits in the precision of training, statistics of
 * frequencies in float64.
 */
export async function makeEvaluator(runtime: Runtime, config: RunConfig, dataset: Dataset, split: Split): Promise<Evaluator> {
  const shapes = zeroParameters(config);
  const programs: Program[] = [];
  const compile = async (...args: Parameters<typeof forwardProgram>) => {
    const program = await runtime.compile(forwardProgram(...args));
    programs.push(program);
    return program;
  };
  const scorer = async (samples: Int32Array): Promise<(weights: Weights) => Promise<HeadMetrics>> => {
    const program = await compile(config, shapes, samples.length, ["logits"], config.precision);
    const feeds = tableRows(samples, dataset);
    return async (weights) => {
      const { logits } = await runOnce(program, { ...weights, ...feeds });
      return headMetrics(logits as NdArray, dataset.targets, dataset.heads, samples);
    };
  };
  const scoreTrain = await scorer(split.train);
  const scoreValidation = await scorer(split.validation);
  const scores = async (weights: Weights) => ({
    train: await scoreTrain(weights),
    validation: await scoreValidation(weights),
  });

  const everySample = tableRows(Int32Array.from(dataset.x0.keys()), dataset);
  const watch = async (neurons: ArrayLike<number>) => {
    const sized = withNeurons(config, shapes, neurons);
    const program = await compile(sized.config, sized.weights, dataset.x0.length, ["blocks.0.mlp.hook_post"], "float64");
    return async (weights: Weights) => {
      const reduced = inFloat64(withNeurons(config, weights, neurons).weights);
      const { "blocks.0.mlp.hook_post": post } = await runOnce(program, { ...reduced, ...everySample });
      return post as NdArray<"float64">; // [p², neurons]
    };
  };
  const watchFirst = await watch([0]);
  const watchSample = await watch(sampleNeurons(config.d_mlp, OMEGA_NEURONS, config.seed));

  return {
    validation: scoreValidation,
    scores,
    async metrics(epoch, weights, taskWeights, squares) {
      const { train, validation } = await scores(weights);
      const objective = train.loss.reduce((sum, loss, h) => sum + loss * at(taskWeights, h), 0);
      const norms2 = squares && {
        gradient_norms: norms(squares.raw),
        filtered_gradient_norms: norms(squares.filtered),
      };
      const weight_norms = Object.fromEntries(PARAMETER_NAMES.map((name) => [name, norm(weights[name].data)]));
      return { epoch, train, validation, objective, ...norms2, weight_norms };
    },
    async firstNeuron(weights) {
      return paperBins((await watchFirst(weights)).data, config.p);
    },
    async omega(epoch, weights) {
      const { paper_bins: _, ...row } = await omegaRow(epoch, await watchSample(weights), config, [], config.seed);
      return row;
    },
    async dispose() {
      for (const program of programs) await program.dispose();
    },
  };
}
