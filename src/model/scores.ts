import { float64, type NdArray } from "../core/index.ts";
import { FREE, type Ops, type ProgramSource, type TensorSpec, type Tensors, tensor } from "../ops/index.ts";
import { type Head, headsOf, logitsOf, type TaskConfig } from "../tasks/index.ts";
import type { ModelConfig } from "./config.ts";
import type { Parameters } from "./parameters.ts";
import { forwardProgram } from "./program.ts";
import { headIndicator, targetShares } from "./step.ts";

/** What puts a class that equals the target ahead of it: less than any difference of two probabilities that matter. */
const NUDGE = 1e-30;

/** What the samples of a block are scored by, besides their logits. */
export interface ScoredBlock {
  /** The targets' columns of the logits, int32 [rows, tasks]. */
  readonly columns: NdArray<"int32">;
  /** Positive at the classes that are an output head's answer where they equal its target: those before it, [rows, classes]. */
  readonly earlier: NdArray<"float32">;
}

/** {@link ScoredBlock.earlier} from the targets' columns. */
export function earlierClasses(columns: NdArray<"int32">, heads: readonly Head[]): NdArray<"float32"> {
  const [rows, classes] = [columns.data.length / heads.length, logitsOf(heads)];
  const data = new Float32Array(rows * classes);
  for (let i = 0; i < rows; i++) {
    heads.forEach(({ offset }, h) => {
      data.fill(NUDGE, i * classes + offset, i * classes + (columns.data[i * heads.length + h] as number));
    });
  }
  return { dtype: "float32", shape: [rows, classes], data };
}

function scoredInputs(batch: number, heads: readonly Head[]): Record<keyof ScoredBlock, TensorSpec> {
  return {
    columns: { dtype: "int32", shape: [batch, heads.length] },
    earlier: { dtype: "float32", shape: [batch, logitsOf(heads)] },
  };
}

/**
 * The targets' probabilities, those of all other classes together, and how many classes come before the target, [rows, tasks]
 * each. Cross-entropy is log(1 + rest/target); the target is the answer where none comes before it.
 */
function scoresOf<T>(ops: Ops<T>, logits: T, given: Tensors<T>, heads: readonly Head[]): Record<"target" | "rest" | "ahead", T> {
  const { target, others, rest } = targetShares(ops, logits, tensor(given, "columns"), heads);
  const indicator = headIndicator(heads);
  const less = ops.constant(
    float64(
      indicator.data.map((value) => -value),
      indicator.shape,
    ),
  ); // [tasks, classes]
  // Differences first: beside a probability the nudge would be lost.
  const beyond = ops.relu(ops.add(ops.matmul(target, less, { add: others }), tensor(given, "earlier"))); // [rows, classes]
  const one = ops.constant(float64([1], [1]));
  const ahead = ops.matmul(ops.reluGrad(one, beyond), ops.constant(indicator), { transposeB: true }); // [rows, tasks]
  return { target, rest, ahead };
}

/**
 * A forward pass in single precision that ends in {@link ScoredBlock}'s scores: the weights by name, `rows0`, `rows1` (see
 * `tableRows`), `columns` and `earlier` in; `target`, `rest` and `ahead` out.
 */
export function passScoresProgram(config: TaskConfig & ModelConfig, parameters: Parameters, batch: number): ProgramSource {
  const heads = headsOf(config);
  const pass = forwardProgram(config, parameters, batch, ["logits"], "float32");
  return {
    dtype: "float32",
    inputs: { ...pass.inputs, ...scoredInputs(batch, heads) },
    build: (ops, given) => scoresOf(ops, tensor(pass.build(ops, given), "logits"), given, heads),
  };
}

/**
 * The same for logits that differ by a product from known ones: `base` [batch, classes] + `values` [batch, n]·`readout` [n,
 * classes], n free.
 */
export function changeScoresProgram(heads: readonly Head[], batch: number): ProgramSource {
  const classes = logitsOf(heads);
  const float = (shape: readonly number[]): TensorSpec => ({ dtype: "float32", shape });
  return {
    dtype: "float32",
    inputs: {
      base: float([batch, classes]),
      values: float([batch, FREE]),
      readout: float([FREE, classes]),
      ...scoredInputs(batch, heads),
    },
    build: (ops, given) => {
      const logits = ops.matmul(tensor(given, "values"), tensor(given, "readout"), { add: tensor(given, "base") }); // [batch, classes]
      return scoresOf(ops, logits, given, heads);
    },
  };
}
