import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import * as ort from "onnxruntime-node";
import { type DataOf, type DType, MiiiiError, messageOf, type NdArray, sizeOf } from "../../core/index.ts";
import { FREE, type ProgramSource, type TensorSpec } from "../../ops/index.ts";
import { type Arrays, dropoutFeeds, type Program, type Runtime } from "../runtime.ts";
import { encodeModel } from "./proto.ts";
import { OnnxRecorder } from "./recorder.ts";

function emptyData<D extends DType>(dtype: D, size: number): DataOf[D] {
  const data: DataOf[DType] =
    dtype === "float32" ? new Float32Array(size) : dtype === "float64" ? new Float64Array(size) : new Int32Array(size);
  return data as DataOf[D];
}

/** Whether threads share the array's memory: ONNX Runtime refuses such. */
function isShared({ data }: NdArray): boolean {
  return data.buffer instanceof SharedArrayBuffer;
}

/** An ONNX Runtime tensor over the array's own memory; over a copy where threads share it. */
function view(array: NdArray): ort.Tensor {
  const { dtype, data, shape } = array;
  return new ort.Tensor(dtype, (isShared(array) ? data.slice() : data) as Float32Array, shape);
}

function arrayOf(value: ort.Tensor): NdArray {
  const { type, data, dims } = value;
  if (type !== "float32" && type !== "float64" && type !== "int32") {
    throw new MiiiiError("runtime", `onnx: outputs must be float32, float64 or int32, got ${type}`);
  }
  return { dtype: type, shape: dims, data: data as Float32Array } as NdArray;
}

/** The bytes of a program as an ONNX model file; output `x` is named `out:x`. */
export function recordModel(source: ProgramSource): { bytes: Uint8Array; outputs: readonly string[] } {
  const recorder = new OnnxRecorder(source.dtype);
  const inputs = Object.fromEntries(Object.entries(source.inputs).map(([name, spec]) => [name, { name, type: spec.dtype }]));
  const outputs = source.build(recorder, inputs);
  const named = Object.entries(source.inputs).map(([name, { dtype, shape }]) => {
    const lengths = shape.map((length, axis) => (length === FREE ? `${name}_${axis}` : length));
    return [name, { dtype, shape: lengths }] as const;
  });
  return { bytes: encodeModel(recorder.graph(Object.fromEntries(named), outputs)), outputs: Object.keys(outputs) };
}

class OnnxProgram implements Program {
  readonly #session: ort.InferenceSession;
  readonly #outputs: readonly string[];
  readonly #state: ReadonlyMap<string, TensorSpec>;
  /** Two sets of state: a run reads the one and writes the other, and then they change places. */
  #now: Record<string, ort.Tensor> = {};
  #next: Record<string, ort.Tensor> = {};
  readonly #held: Record<string, ort.Tensor> = {};
  readonly #source: ProgramSource;
  /** Whether outputs have the same shapes in every run, so that each can be written to the memory of the one before. */
  readonly #fixed: boolean;

  constructor(session: ort.InferenceSession, outputs: readonly string[], source: ProgramSource) {
    this.#session = session;
    this.#outputs = outputs;
    this.#source = source;
    this.#fixed = Object.values(source.inputs).every(({ shape }) => !shape.includes(FREE));
    this.#state = new Map(Object.entries(source.inputs).filter(([name]) => outputs.includes(name)));
    for (const [name, { dtype, shape }] of this.#state) {
      this.#now[name] = new ort.Tensor(dtype, emptyData(dtype, sizeOf(shape)) as Float32Array, shape);
      this.#next[name] = new ort.Tensor(dtype, emptyData(dtype, sizeOf(shape)) as Float32Array, shape);
    }
  }

  setState(state: Arrays): void {
    for (const [name, spec] of this.#state) {
      const array = state[name];
      const target = this.#now[name];
      if (array === undefined || target === undefined || array.dtype !== spec.dtype || array.data.length !== sizeOf(spec.shape)) {
        throw new MiiiiError("input", `onnx: state ${name} must be ${spec.dtype} [${spec.shape.join(", ")}]`);
      }
      (target.data as Float32Array).set(array.data);
    }
  }

  async getState(): Promise<Record<string, NdArray>> {
    const copy = (value: ort.Tensor) => {
      const array = arrayOf(value);
      return { ...array, data: array.data.slice() } as NdArray;
    };
    return Object.fromEntries(Object.entries(this.#now).map(([name, value]) => [name, copy(value)]));
  }

  async run(feeds: readonly Arrays[], into: Arrays = {}): Promise<readonly Record<string, NdArray>[]> {
    const results: Record<string, NdArray>[] = [];
    for (const each of feeds) {
      const outputs = await this.#runOnce(each, feeds.length === 1 ? into : {});
      // The next run writes to the same memory.
      const copy = ([name, array]: [string, NdArray]) => [name, { ...array, data: array.data.slice() } as NdArray] as const;
      results.push(feeds.length === 1 ? outputs : Object.fromEntries(Object.entries(outputs).map(copy)));
    }
    return results;
  }

  async #runOnce(feeds: Arrays, into: Arrays): Promise<Record<string, NdArray>> {
    const inputs: Record<string, ort.Tensor> = { ...this.#now };
    for (const [name, array] of Object.entries({ ...feeds, ...dropoutFeeds(this.#source, feeds) })) {
      if (name in this.#source.inputs) inputs[name] = view(array);
    }
    const fetches: Record<string, ort.Tensor | null> = {};
    const given = (name: string): NdArray | undefined => {
      const array = into[name];
      return array === undefined || isShared(array) ? undefined : array;
    };
    for (const name of this.#outputs) {
      const array = given(name);
      fetches[`out:${name}`] = this.#next[name] ?? (array === undefined ? this.#held[name] : view(array)) ?? null;
    }
    let results: ort.InferenceSession.OnnxValueMapType;
    try {
      results = await this.#session.run(inputs, fetches);
    } catch (error) {
      throw new MiiiiError("runtime", `onnx: the program failed: ${messageOf(error).split("\n")[0]}`, { cause: error });
    }
    [this.#now, this.#next] = [this.#next, this.#now];
    const named: Record<string, NdArray> = {};
    for (const name of this.#outputs) {
      if (this.#state.has(name)) continue;
      const value = results[`out:${name}`] as ort.Tensor;
      // Written into the memory that was given; `value` is a copy of it.
      const array = given(name);
      if (this.#fixed && array === undefined) this.#held[name] = value;
      named[name] = array ?? arrayOf(value);
    }
    return named;
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }
}

/** ONNX Runtime on the CPU: a program is recorded once into one graph. `threads` defaults to the cores available. */
export function onnxRuntime(options: { readonly threads?: number } = {}): Runtime {
  const threads = options.threads ?? availableParallelism();
  const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
  return {
    name: "onnx",
    version: `onnxruntime-node ${version}`,
    device: `${cpus()[0]?.model.trim() ?? "CPU"}, ${threads} thread${threads === 1 ? "" : "s"}`,
    runsAtOnce: 1,
    async compile(source) {
      const { bytes, outputs } = recordModel(source);
      const refused = (error: unknown) => {
        // An operation without a kernel for the program's type is named here.
        throw new MiiiiError("runtime", `onnx: the program was refused: ${messageOf(error).split("\n")[0]}`, { cause: error });
      };
      const session = await ort.InferenceSession.create(bytes, {
        executionProviders: ["cpu"],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: "sequential",
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        // A thread that waits for work looks for it in a loop, by default for so long that two programs on the same cores keep
        // each other from working.
        extra: { session: { intra_op: { spin_duration_us: "100" } } },
      }).catch(refused);
      return new OnnxProgram(session, outputs, source);
    },
  };
}
