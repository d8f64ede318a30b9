import type * as Tf from "@tensorflow/tfjs";
import { type DataOf, type DType, MiiiiError, messageOf, type NdArray, toFloat32 } from "../core/index.ts";
import type { MatmulOptions, Ops, ProgramSource } from "../ops/index.ts";
import { onnxRuntime } from "./onnx/onnx.ts";
import { type Arrays, dropoutFeeds, type Program, type Runtime } from "./runtime.ts";

type Api = typeof Tf;
type Tensor = Tf.Tensor;

/** TensorFlow's status code of a failed allocation. */
const RESOURCE_EXHAUSTED = "8";

function tensorFrom(tf: Api, array: NdArray): Tensor {
  // TensorFlow.js may keep the array that it is given, so it gets its own.
  const data = array.dtype === "int32" ? array.data.slice() : toFloat32(array).data.slice();
  return tf.tensor(data as Float32Array, [...array.shape], array.dtype === "int32" ? "int32" : "float32");
}

/** Runs each operation at once on TensorFlow.js. */
class TensorflowOps implements Ops<Tensor> {
  readonly #tf: Api;
  /** A program makes the same constants in the same order on every run; they are uploaded once. */
  readonly #constants: Tensor[] = [];
  readonly #places = new Map<Tensor, Tensor>();
  #next = 0;

  constructor(tf: Api) {
    this.#tf = tf;
  }

  /** Begins a run. */
  rewind(): void {
    this.#next = 0;
  }

  dispose(): void {
    for (const held of [...this.#constants, ...this.#places.values()]) held.dispose();
  }

  constant(array: NdArray): Tensor {
    const i = this.#next++;
    const known = this.#constants[i];
    if (known) return known;
    const made = this.#tf.keep(tensorFrom(this.#tf, array));
    this.#constants.push(made);
    return made;
  }

  matmul(a: Tensor, b: Tensor, options: MatmulOptions<Tensor> = {}): Tensor {
    const product = this.#tf.matMul(a, b, options.transposeA ?? false, options.transposeB ?? false);
    return options.add ? this.#tf.add(product, options.add) : product;
  }

  add(a: Tensor, b: Tensor): Tensor {
    return this.#tf.add(a, b);
  }

  sub(a: Tensor, b: Tensor): Tensor {
    return this.#tf.sub(a, b);
  }

  mul(a: Tensor, b: Tensor): Tensor {
    return this.#tf.mul(a, b);
  }

  div(a: Tensor, b: Tensor): Tensor {
    return this.#tf.div(a, b);
  }

  maximum(a: Tensor, b: Tensor): Tensor {
    return this.#tf.maximum(a, b);
  }

  exp(a: Tensor): Tensor {
    return this.#tf.exp(a);
  }

  log1p(a: Tensor): Tensor {
    return this.#tf.log1p(a);
  }

  sqrt(a: Tensor): Tensor {
    return this.#tf.sqrt(a);
  }

  relu(a: Tensor): Tensor {
    return this.#tf.relu(a);
  }

  reluGrad(dy: Tensor, y: Tensor): Tensor {
    return this.#tf.mul(dy, this.#tf.step(y));
  }

  sum(a: Tensor, axis: number, keepDims = false): Tensor {
    return this.#tf.sum(a, axis, keepDims);
  }

  gather(table: Tensor, indices: Tensor): Tensor {
    return this.#tf.gather(table, indices as Tf.Tensor1D);
  }

  sumByRow(a: Tensor, indices: NdArray<"int32">, count: number): Tensor {
    return this.#tf.unsortedSegmentSum(a, this.constant(indices) as Tf.Tensor1D, count);
  }

  softmax(a: Tensor, widths: readonly number[]): Tensor {
    if (widths.length === 1) return this.#tf.softmax(a);
    const parts = this.#tf.split(a, [...widths], 1);
    return this.#tf.concat(
      parts.map((part) => this.#tf.softmax(part)),
      1,
    );
  }

  /** (row, column) of each entry that `columns` names, [n·k, 2]; made once for each constant. */
  #placesOf(columns: Tensor): Tensor {
    const known = this.#places.get(columns);
    if (known) return known;
    const [n, k] = columns.shape as [number, number];
    const made = this.#tf.tidy(() => {
      const rows = this.#tf.range(0, n, 1, "int32").expandDims(1).tile([1, k]); // [n, k]
      return this.#tf.keep(this.#tf.stack([rows, columns], 2).reshape([n * k, 2])); // [n·k, 2]
    });
    this.#places.set(columns, made);
    return made;
  }

  takeColumns(a: Tensor, columns: Tensor): Tensor {
    return this.#tf.gatherND(a, this.#placesOf(columns)).reshape(columns.shape);
  }

  putColumns(a: Tensor, columns: Tensor, values: Tensor): Tensor {
    return this.#tf.tensorScatterUpdate(a, this.#placesOf(columns) as Tf.Tensor2D, values.flatten());
  }

  reshape(a: Tensor, shape: readonly number[]): Tensor {
    return this.#tf.reshape(a, [...shape]);
  }

  transpose(a: Tensor, order: readonly number[]): Tensor {
    return this.#tf.transpose(a, [...order]);
  }

  concat(parts: readonly Tensor[], axis: number): Tensor {
    return this.#tf.concat([...parts], axis);
  }

  slice(a: Tensor, start: number, end: number): Tensor {
    const rest = a.shape.slice(1);
    return this.#tf.slice(a, [start, ...rest.map(() => 0)], [end - start, ...rest]);
  }
}

/**
 * An error of a program, if it is libtensorflow's: `Invalid TF_Status: 8`, then `Message: OOM when allocating tensor …` on a line
 * of its own.
 */
function deviceError(error: unknown): unknown {
  const [, status, message] = /^Invalid TF_Status: (\d+)\s+Message: ([^\n]*)/.exec(messageOf(error)) ?? [];
  if (status === undefined) return error;
  const what = status === RESOURCE_EXHAUSTED ? "out of memory: " : "";
  return new MiiiiError("runtime", `tensorflow: ${what}${message}`, { cause: error });
}

async function download(value: Tensor): Promise<NdArray> {
  const dtype: DType = value.dtype === "int32" ? "int32" : "float32";
  const data = await value.data().catch((error: unknown) => {
    throw deviceError(error);
  });
  return { dtype, shape: value.shape, data: data as DataOf[DType] } as NdArray;
}

class TensorflowProgram implements Program {
  readonly #tf: Api;
  readonly #source: ProgramSource;
  readonly #ops: TensorflowOps;
  #state: Record<string, Tensor> = {};

  constructor(tf: Api, source: ProgramSource) {
    this.#tf = tf;
    this.#source = source;
    this.#ops = new TensorflowOps(tf);
  }

  setState(state: Arrays): void {
    for (const held of Object.values(this.#state)) held.dispose();
    this.#state = Object.fromEntries(
      Object.entries(state).map(([name, array]) => [name, this.#tf.keep(tensorFrom(this.#tf, array))]),
    );
  }

  async getState(): Promise<Record<string, NdArray>> {
    const entries = Object.entries(this.#state).map(async ([name, value]) => {
      const array = await download(value);
      return [name, { ...array, data: array.data.slice() } as NdArray] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  async run(feeds: readonly Arrays[]): Promise<readonly Record<string, NdArray>[]> {
    const results: Record<string, NdArray>[] = [];
    for (const each of feeds) results.push(await this.#runOnce(each));
    return results;
  }

  async #runOnce(feeds: Arrays): Promise<Record<string, NdArray>> {
    const outputs = this.#compute({ ...feeds, ...dropoutFeeds(this.#source, feeds) });
    const results: Record<string, NdArray> = {};
    for (const [name, value] of Object.entries(outputs)) {
      const before = this.#state[name];
      if (before) {
        before.dispose();
        this.#state[name] = value;
      } else {
        results[name] = await download(value);
        value.dispose();
      }
    }
    return results;
  }

  /** One run's outputs, state included, on the device; a run that fails leaves the state as it was. */
  #compute(fed: Arrays): Record<string, Tensor> {
    this.#ops.rewind();
    try {
      return this.#tf.tidy(() => {
        const given = Object.fromEntries(Object.entries(fed).map(([name, array]) => [name, tensorFrom(this.#tf, array)]));
        return { ...this.#source.build(this.#ops, { ...this.#state, ...given }) };
      });
    } catch (error) {
      throw deviceError(error);
    }
  }

  async dispose(): Promise<void> {
    for (const held of Object.values(this.#state)) held.dispose();
    this.#state = {};
    this.#ops.dispose();
  }
}

/**
 * A runtime over a loaded TensorFlow.js module. TensorFlow.js has no float64: programs that need it (statistics during training)
 * run on ONNX Runtime.
 */
export function tensorflowRuntimeOf(tf: Api, about: Pick<Runtime, "version" | "device" | "gpu">): Runtime {
  return {
    name: "tensorflow",
    version: about.version,
    device: about.device,
    gpu: about.gpu === true,
    runsAtOnce: 1,
    async compile(source) {
      return source.dtype === "float64" ? onnxRuntime().compile(source) : new TensorflowProgram(tf, source);
    },
  };
}
