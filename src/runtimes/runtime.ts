import type { NdArray } from "../core/index.ts";
import type { ProgramSource } from "../ops/index.ts";

/** The runtimes that execute programs. */
export type RuntimeName = "onnx" | "tensorflow";

/** The runtimes by name, best default first. */
export const RUNTIME_NAMES = ["onnx", "tensorflow"] as const satisfies readonly RuntimeName[];

/** Arrays by name. */
export type Arrays = Readonly<Record<string, NdArray>>;

/**
 * A program ready to run. Names that are inputs and outputs at once are its state: set once, carried by the runtime from run to run,
 * and read back when asked.
 */
export interface Program {
  /** Sets state by name, copied. */
  setState(state: Arrays): void;
  /** The state, copied to fresh arrays. */
  getState(): Promise<Record<string, NdArray>>;
  /** Runs once with the other inputs; the arrays returned belong to the program and hold until its next run. */
  run(feeds: Arrays): Promise<Record<string, NdArray>>;
  /** Frees what the program holds. */
  dispose(): Promise<void>;
}

/** What executes programs written over `Ops`. */
export interface Runtime {
  readonly name: RuntimeName;
  /** Package and version that computes, e.g. `onnxruntime-node 1.30.0`. */
  readonly version: string;
  /** The device it computes on, in words. */
  readonly device: string;
  compile(source: ProgramSource): Promise<Program>;
}
