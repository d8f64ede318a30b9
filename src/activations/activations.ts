import { ensure, float64, type NdArray, rows, sizeOf } from "../core/index.ts";
import { type ForwardOutput, forwardProgram, inFloat64, type ModelConfig, type Parameters, tableRows } from "../model/index.ts";
import type { Program, Runtime } from "../runtimes/index.ts";
import { headsOf, logitsOf, type TaskConfig } from "../tasks/index.ts";

/** The digits of every sample in grid order, [p²] each. */
export function gridDigits(p: number): { readonly x0: Int32Array; readonly x1: Int32Array; readonly p: number } {
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

/**
 * Samples that one pass takes: of so many what is computed stays near the processor until it has been used, while of 256 or fewer
 * the weights are read too often.
 */
const BLOCK = 512;

/**
 * What one activation over the grid may take: five times that of the largest p and the largest preset. A small file can ask for
 * far more.
 */
const MAX_BYTES = 4 * 2 ** 30;

/**
 * Writes rows into an array of all samples, less the columns beyond `width` (an extra '=' class, which imported models may have).
 */
function putRows(into: Float64Array, start: number, made: NdArray, width: number, count: number): void {
  const stride = sizeOf(made.shape.slice(1));
  ensure(stride >= width, "input", () => `unembed.W_U: must have at least ${width} columns, got ${stride}`);
  if (stride === width) {
    into.set(made.data.subarray(0, count * width), start * width);
    return;
  }
  for (let i = 0; i < count; i++) into.set(made.data.subarray(i * stride, i * stride + width), (start + i) * width);
}

/** Zeros; `shared` ones are read by threads in common, without a copy each, and freed less promptly. */
function zeros(length: number, shared: boolean): Float64Array {
  return shared ? new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT)) : new Float64Array(length);
}

/** Outputs by name. */
type Outputs = { readonly [name in ForwardOutput]?: NdArray<"float64"> };

/** A model that can be run on samples of the grid, in float64 and without dropout, as often as wanted. */
export interface GridModel {
  /**
   * The outputs asked for at the samples it was made for, or at others where given, in their order; with `reuse`, in the arrays
   * of the run before.
   * `changes` replaces weights or biases by name, in the shape that they have. Outputs that `into` names are written to its
   * arrays over the samples, which are given back.
   */
  run(changes?: Partial<Parameters>, into?: Outputs, others?: Int32Array): Promise<Outputs>;
  dispose(): Promise<void>;
}

/**
 * Prepares a model for the given samples (grid indices) and outputs, which are put into `shared` memory if so wanted; call
 * `dispose` when done.
 */
export async function gridModel(
  runtime: Runtime,
  config: TaskConfig & ModelConfig,
  parameters: Parameters,
  outputs: readonly ForwardOutput[],
  {
    samples = everySample(config.p),
    shared = false,
    reuse = false,
  }: { readonly samples?: Int32Array; readonly shared?: boolean; readonly reuse?: boolean } = {},
): Promise<GridModel> {
  const classes = logitsOf(headsOf(config));
  const weights = inFloat64(parameters);
  const block = Math.min(samples.length, BLOCK);
  const program: Program = await runtime.compile(forwardProgram(config, weights, block, outputs, "float64"));
  const digits = gridDigits(config.p);
  const before: Record<string, NdArray<"float64">> = {};
  /**
   * Where the runtime may write a block itself: whole blocks, in memory of this thread, once it is known that all of a row is
   * kept.
   */
  const direct = new Set<ForwardOutput>();
  const placesOf = (whole: typeof before, start: number, count: number) =>
    Object.fromEntries(
      outputs.flatMap((name) => {
        const array = whole[name];
        return array !== undefined && direct.has(name) && count === block ? [[name, rows(array, start, start + count)]] : [];
      }),
    );
  return {
    async run(changes = {}, into = {}, others = samples) {
      const whole: typeof before = reuse ? before : { ...into };
      for (let start = 0; start < others.length; start += block) {
        const count = Math.min(block, others.length - start);
        const places = placesOf(whole, start, count);
        // The last block is filled up with its last sample, whose further rows are not kept.
        const part = Int32Array.from({ length: block }, (_, i) => others[start + Math.min(i, count - 1)] as number);
        const [results = {}] = await program.run([{ ...weights, ...changes, ...tableRows(part, digits) }], places);
        for (const name of outputs) {
          const made = results[name] as NdArray;
          if (made.data === places[name]?.data) continue;
          const shape = name === "logits" ? [classes] : made.shape.slice(1);
          const width = sizeOf(shape);
          const bytes = others.length * width * Float64Array.BYTES_PER_ELEMENT;
          ensure(bytes <= MAX_BYTES, "input", () => {
            const gigabytes = (n: number) => `${(n / 1e9).toFixed(1)} GB`;
            return `${name}: [${[others.length, ...shape].join(", ")}] over the grid needs ${gigabytes(bytes)} of memory, at most ${gigabytes(MAX_BYTES)} are taken`;
          });
          whole[name] ??= float64(zeros(others.length * width, shared), [others.length, ...shape]);
          putRows(whole[name].data, start, made, width, count);
          if (!shared && sizeOf(made.shape) === block * width) direct.add(name);
        }
      }
      return whole;
    },
    dispose: () => program.dispose(),
  };
}

/**
 * Activations of a model over all p² samples, float64, by TransformerLens's names; in memory that threads can share if so
 * wanted.
 *
 * @example
 * const { config, parameters } = (await load("nanda")).checkpoint;
 * const { logits } = await activationsOf(onnxRuntime(), config, parameters, ["logits", "blocks.0.mlp.hook_post"]);
 */
export async function activationsOf(
  runtime: Runtime,
  config: TaskConfig & ModelConfig,
  parameters: Parameters,
  names: readonly ForwardOutput[],
  { shared = false }: { readonly shared?: boolean } = {},
): Promise<{ readonly [name in ForwardOutput]?: NdArray<"float64"> }> {
  if (names.length === 0) return {};
  const model = await gridModel(runtime, config, parameters, names, { shared });
  try {
    return await model.run();
  } finally {
    await model.dispose();
  }
}
