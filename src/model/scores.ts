import { float64, type NdArray } from "../core/index.ts";
import { FREE, type Ops, type ProgramSource, type TensorSpec, type Tensors, tensor } from "../ops/index.ts";
import { type Head, headsOf, logitsOf, type TaskConfig } from "../tasks/index.ts";
import type { ModelConfig } from "./config.ts";
import type { Parameters } from "./parameters.ts";
import { forwardProgram } from "./program.ts";
import { headIndicator, targetShares } from "./step.ts";

/** What puts a class that equals the target ahead of it: less than any difference of two probabilities that matter. */
const NUDGE = 1e-30;

type Precision = "float32" | "float64";

/**
 * Probabilities nearer to the target's than this share of it may stand on its other side in double precision. Differences of
 * logits, some of them 200, were seen to be off by 1.5e-4 at most in single precision (`miiii-fast`, 3 million of them).
 */
const NEAR = 2e-3;

/** What counts more in `ahead` than all classes that are not clearly ahead. */
export const CLEARLY = 2 ** 12;

/** What the samples of a block are scored by, besides their logits. */
export interface ScoredBlock {
  /** The targets' columns of the logits, int32 [rows, tasks]. */
  readonly columns: NdArray<"int32">;
  /** Positive at the classes that are an output head's answer where they equal its target: those before it, [rows, classes]. */
  readonly earlier: NdArray<"float64">;
}

/** {@link ScoredBlock.earlier} from the targets' columns. */
export function earlierClasses(columns: NdArray<"int32">, heads: readonly Head[]): NdArray<"float64"> {
  const [rows, classes] = [columns.data.length / heads.length, logitsOf(heads)];
  const data = new Float64Array(rows * classes);
  for (let i = 0; i < rows; i++) {
    heads.forEach(({ offset }, h) => {
      data.fill(NUDGE, i * classes + offset, i * classes + (columns.data[i * heads.length + h] as number));
    });
  }
  return float64(data, [rows, classes]);
}

function columnsInput(batch: number, heads: readonly Head[]): TensorSpec {
  return { dtype: "int32", shape: [batch, heads.length] };
}

/** How many classes have a larger value than the target, or as large a one and come before it, [rows, tasks]. */
function classesAhead<T>(ops: Ops<T>, values: T, target: T, given: Tensors<T>, heads: readonly Head[]): T {
  const indicator = headIndicator(heads);
  const less = ops.constant(
    float64(
      indicator.data.map((value) => -value),
      indicator.shape,
    ),
  ); // [tasks, classes]
  // Differences first: beside a probability the nudge would be lost.
  const beyond = ops.relu(ops.add(ops.matmul(target, less, { add: values }), tensor(given, "earlier"))); // [rows, classes]
  const one = ops.constant(float64([1], [1]));
  return ops.matmul(ops.reluGrad(one, beyond), ops.constant(indicator), { transposeB: true }); // [rows, tasks]
}

/**
 * The targets' probabilities, those of all other classes together, and `ahead`: how many classes are not clearly below the
 * target, plus {@link CLEARLY} for each that is clearly above it, [rows, tasks] each. Cross-entropy is log(1 + rest/target); the
 * target is the answer where `ahead` is 0, and another class where it is CLEARLY or more.
 */
function scoresOf<T>(ops: Ops<T>, logits: T, given: Tensors<T>, heads: readonly Head[]): Record<"target" | "rest" | "ahead", T> {
  const { target, others, rest } = targetShares(ops, logits, tensor(given, "columns"), heads);
  const indicator = headIndicator(heads);
  const scaled = (by: number) =>
    ops.constant(
      float64(
        indicator.data.map((value) => by * value),
        indicator.shape,
      ),
    ); // [tasks, classes]
  const constant = (value: number) => ops.constant(float64([value], [1]));
  const beyond = (factor: number, weight: number) =>
    ops.reluGrad(constant(weight), ops.relu(ops.matmul(target, scaled(-factor), { add: others }))); // [rows, classes]
  const counted = ops.add(beyond(1 - NEAR, 1), beyond(1 + NEAR, CLEARLY));
  return { target, rest, ahead: ops.matmul(counted, scaled(1), { transposeB: true }) };
}

/**
 * A forward pass in single precision that ends in scores: the weights by name, `rows0`, `rows1` (see `tableRows`) and `columns`
 * in; `target`, `rest` and `ahead` out, see {@link scoresOf}.
 */
export function passScoresProgram(config: TaskConfig & ModelConfig, parameters: Parameters, batch: number): ProgramSource {
  const heads = headsOf(config);
  const pass = forwardProgram(config, parameters, batch, ["logits"], "float32");
  return {
    dtype: "float32",
    inputs: { ...pass.inputs, columns: columnsInput(batch, heads) },
    build: (ops, given) => scoresOf(ops, tensor(pass.build(ops, given), "logits"), given, heads),
  };
}

/**
 * Logits that differ by a product from known ones: `base` [batch, classes] + `values` [batch, n]·`readout` [n, classes], n free.
 */
function changedInputs(batch: number, heads: readonly Head[], dtype: Precision): Record<string, TensorSpec> {
  const float = (shape: readonly number[]): TensorSpec => ({ dtype, shape });
  const classes = logitsOf(heads);
  const changed = { base: float([batch, classes]), values: float([batch, FREE]), readout: float([FREE, classes]) };
  return { ...changed, columns: columnsInput(batch, heads) };
}

function changedLogits<T>(ops: Ops<T>, given: Tensors<T>): T {
  return ops.matmul(tensor(given, "values"), tensor(given, "readout"), { add: tensor(given, "base") }); // [batch, classes]
}

/** The scores of {@link passScoresProgram} for logits `base` + `values`·`readout`, in single precision. */
export function changeScoresProgram(heads: readonly Head[], batch: number): ProgramSource {
  return {
    dtype: "float32",
    inputs: changedInputs(batch, heads, "float32"),
    build: (ops, given) => scoresOf(ops, changedLogits(ops, given), given, heads),
  };
}

/** Of the same logits `ahead` alone, in double precision. */
export function changeAnswersProgram(heads: readonly Head[], batch: number): ProgramSource {
  return {
    dtype: "float64",
    inputs: { ...changedInputs(batch, heads, "float64"), earlier: { dtype: "float64", shape: [batch, logitsOf(heads)] } },
    build: (ops, given) => {
      const logits = changedLogits(ops, given); // [batch, classes]
      const target = ops.takeColumns(logits, tensor(given, "columns")); // [batch, tasks]
      return { ahead: classesAhead(ops, logits, target, given, heads) };
    },
  };
}
