import { inPrecision, type NdArray } from "../core/index.ts";
import { dropoutMask, type ProgramSource } from "../ops/index.ts";

export { FREE } from "../ops/index.ts";

/** The runtimes that execute programs. */
export type RuntimeName = "onnx" | "webgpu" | "tensorflow";

/** The runtimes by name. */
export const RUNTIME_NAMES = ["onnx", "webgpu", "tensorflow"] as const satisfies readonly RuntimeName[];

/** Arrays by name. */
export type Arrays = Readonly<Record<string, NdArray>>;

/**
 * A program ready to run. Names that are inputs and outputs at once are its state: set once, carried by the runtime from run to
 * run, and read back when asked.
 */
export interface Program {
  /** Sets state by name, copied. */
  setState(state: Arrays): void;
  /** The state, copied to fresh arrays. */
  getState(): Promise<Record<string, NdArray>>;
  /**
   * Runs once for each of the feeds, in order, and gives each run's other outputs. The arrays belong to the program and hold
   * until the next call. A runtime may leave all of the runs to its device and read back only at the end. Where it can, the
   * outputs of a single run are written into the arrays of `into` by name, and these are what it gives; see {@link runInto}.
   */
  run(feeds: readonly Arrays[], into?: Arrays): Promise<readonly Record<string, NdArray>[]>;
  /** Frees what the program holds. */
  dispose(): Promise<void>;
}

/** Runs a program once. */
export async function runOnce(program: Program, feeds: Arrays): Promise<Record<string, NdArray>> {
  const [outputs = {}] = await program.run([feeds]);
  return outputs;
}

/** Runs a program once; the outputs named by `into` are in its arrays afterwards. */
export async function runInto(program: Program, feeds: Arrays, into: Arrays): Promise<void> {
  const [outputs = {}] = await program.run([feeds], into);
  for (const [name, { data }] of Object.entries(into)) {
    const made = outputs[name]?.data;
    if (made !== undefined && made !== data) data.set(made);
  }
}

/** The masks that a program is to be fed where the runtime has no better way to make them. */
export function dropoutFeeds(source: ProgramSource, feeds: Arrays): Record<string, NdArray> {
  const masks: Record<string, NdArray> = {};
  for (const [name, { dropout, shape }] of Object.entries(source.inputs)) {
    if (dropout === undefined) continue;
    const step = feeds.step?.data[0];
    if (step === undefined) throw new Error(`program: dropout mask ${name} needs the feed step`);
    masks[name] = inPrecision(dropoutMask(dropout, step, shape), source.dtype);
  }
  return masks;
}

/** What executes programs written over `Ops`. */
export interface Runtime {
  readonly name: RuntimeName;
  /** Package and version that computes, e.g. `onnxruntime-node 1.30.0`. */
  readonly version: string;
  /** The device it computes on, in words. */
  readonly device: string;
  /** Whether that device is a GPU, rather than the CPU or software that stands in for a GPU. */
  readonly gpu?: boolean;
  /** How many runs of a small program it is best given at once: 1 where each run waits for the one before anyway. */
  readonly runsAtOnce: number;
  compile(source: ProgramSource): Promise<Program>;
}
