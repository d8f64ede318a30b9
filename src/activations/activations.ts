import { ensure, type NdArray, toFloat64 } from "../core/index.ts";
import {
  BIAS_NAMES,
  type ForwardOutput,
  forwardProgram,
  type ModelConfig,
  PARAMETER_NAMES,
  type Parameters,
  tableRows,
} from "../model/index.ts";
import type { Program, Runtime } from "../runtimes/index.ts";
import { headsOf, logitsOf, type TaskConfig } from "../tasks/index.ts";

/** The digits of every sample in grid order, [p²] each. */
function gridDigits(p: number): { readonly x0: Int32Array; readonly x1: Int32Array; readonly p: number } {
  const samples = p * p;
  return {
    p,
    x0: Int32Array.from({ length: samples }, (_, i) => Math.floor(i / p)),
    x1: Int32Array.from({ length: samples }, (_, i) => i % p),
  };
}

/** All grid indices, 0..p²−1. */
export function everySample(p: number): Int32Array {
  return Int32Array.from({ length: p * p }, (_, i) => i);
}

/** Weights and biases in float64. */
export function inFloat64(parameters: Parameters): Parameters {
  const converted = [...PARAMETER_NAMES, ...BIAS_NAMES].flatMap((name) => {
    const array = parameters[name];
    return array === undefined ? [] : [[name, toFloat64(array)] as const];
  });
  return Object.fromEntries(converted) as unknown as Parameters;
}

/** The columns of a matrix that belong to the task: an extra '=' class, which imported models may have, is dropped. */
function dropExtraClass(logits: NdArray<"float64">, classes: number): NdArray<"float64"> {
  const [rows, columns] = [logits.shape[0] as number, logits.shape[1] as number];
  ensure(columns >= classes, "input", () => `unembed.W_U: must have at least ${classes} columns, got ${columns}`);
  if (columns === classes) return logits;
  const data = new Float64Array(rows * classes);
  for (let i = 0; i < rows; i++) data.set(logits.data.subarray(i * columns, i * columns + classes), i * classes);
  return { dtype: "float64", shape: [rows, classes], data };
}

/** A model that can be run on samples of the grid, in float64 and without dropout, as often as wanted. */
export interface GridModel {
  /**
   * The outputs asked for at the samples it was made for, in their order. `changes` replaces weights or biases by name, in the shape that
   * they have.
   */
  run(changes?: Partial<Parameters>): Promise<{ readonly [name in ForwardOutput]?: NdArray<"float64"> }>;
  dispose(): Promise<void>;
}

/** Prepares a model for the given samples (grid indices) and outputs; call `dispose` when done. */
export async function gridModel(
  runtime: Runtime,
  config: TaskConfig & ModelConfig,
  parameters: Parameters,
  outputs: readonly ForwardOutput[],
  samples: Int32Array = everySample(config.p),
): Promise<GridModel> {
  const classes = logitsOf(headsOf(config));
  const weights = inFloat64(parameters);
  const program: Program = await runtime.compile(forwardProgram(config, weights, samples.length, outputs, "float64"));
  const feeds = tableRows(samples, gridDigits(config.p));
  return {
    async run(changes = {}) {
      const results = await program.run({ ...weights, ...changes, ...feeds });
      const named = outputs.map((name) => {
        const array = results[name] as NdArray<"float64">;
        const own = { ...array, data: array.data.slice() };
        return [name, name === "logits" ? dropExtraClass(own, classes) : own] as const;
      });
      return Object.fromEntries(named);
    },
    dispose: () => program.dispose(),
  };
}

/** Activations of a model over all p² samples by name (see `ACTIVATION_NAMES`), float64. */
export async function activationsOf(
  runtime: Runtime,
  config: TaskConfig & ModelConfig,
  parameters: Parameters,
  names: readonly ForwardOutput[],
): Promise<{ readonly [name in ForwardOutput]?: NdArray<"float64"> }> {
  if (names.length === 0) return {};
  const model = await gridModel(runtime, config, parameters, names);
  try {
    return await model.run();
  } finally {
    await model.dispose();
  }
}
