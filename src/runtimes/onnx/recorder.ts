import { float64, type NdArray, toFloat32, toFloat64 } from "../../core/index.ts";
import type { MatmulOptions, Ops } from "../../ops/index.ts";
import type { AttributeValue, Initializer, OnnxGraph, OnnxNode, OnnxType } from "./proto.ts";

/** ONNX's number for int32. */
const INT32 = 6;

/** A tensor of the graph being recorded. */
export interface Recorded {
  readonly name: string;
  readonly type: OnnxType;
}

/** Writes a program down as an ONNX graph, node by node. */
export class OnnxRecorder implements Ops<Recorded> {
  /**
   * Eight such arrays are read and written in turn for the loss; a core's share of the last cache holds a few. Counted as
   * float32: numbers of twice the size come in blocks of half as many.
   */
  readonly blockBytes: number;
  readonly #dtype: "float32" | "float64";
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #scalars = new Map<number, Recorded>();
  readonly #rowsOf = new Map<NdArray, Recorded>();
  #count = 0;

  constructor(dtype: "float32" | "float64") {
    this.#dtype = dtype;
    this.blockBytes = (dtype === "float64" ? 2 : 4) * 2 ** 20;
  }

  /** The graph with the given inputs and outputs, less what the outputs do not depend on; the output `x` is named `out:x`. */
  graph(inputs: OnnxGraph["inputs"], outputs: Readonly<Record<string, Recorded>>): OnnxGraph {
    const renamed = new Map<string, string>();
    const copies: OnnxNode[] = [];
    const made = new Set(this.#nodes.flatMap((node) => node.output));
    for (const [name, { name: from }] of Object.entries(outputs)) {
      const to = `out:${name}`;
      if (made.has(from) && !renamed.has(from)) renamed.set(from, to);
      else copies.push({ opType: "Identity", input: [renamed.get(from) ?? from], output: [to], attributes: {} });
    }
    const rename = (names: readonly string[]) => names.map((name) => renamed.get(name) ?? name);
    const nodes = this.#nodes.map((node) => ({ ...node, input: rename(node.input), output: rename(node.output) }));
    const needed = new Set([...renamed.values(), ...copies.flatMap((node) => node.input)]);
    const used = nodes.toReversed().filter((node) => {
      const wanted = node.output.some((name) => needed.has(name));
      if (wanted) for (const name of node.input) needed.add(name);
      return wanted;
    });
    return {
      nodes: [...used.toReversed(), ...copies],
      initializers: this.#initializers.filter((each) => needed.has(each.name)),
      inputs,
      outputs: Object.fromEntries(Object.entries(outputs).map(([name, from]) => [`out:${name}`, from.type])),
    };
  }

  #fresh(): string {
    this.#count += 1;
    return `t${this.#count}`;
  }

  #node(
    opType: string,
    input: readonly Recorded[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    type: OnnxType = this.#dtype,
  ): Recorded {
    const name = this.#fresh();
    this.#nodes.push({ opType, input: input.map((each) => each.name), output: [name], attributes });
    return { name, type };
  }

  #integers(values: readonly number[]): Recorded {
    const name = this.#fresh();
    this.#initializers.push({ name, type: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) });
    return { name, type: "int64" };
  }

  constant(array: NdArray): Recorded {
    const scalar = array.dtype !== "int32" && array.data.length === 1 && array.shape.length === 1 ? array.data[0] : undefined;
    const known = scalar === undefined ? undefined : this.#scalars.get(scalar);
    if (known) return known;
    const name = this.#fresh();
    const stored = array.dtype === "int32" ? array : this.#dtype === "float32" ? toFloat32(array) : toFloat64(array);
    this.#initializers.push({ name, type: stored.dtype, shape: stored.shape, data: stored.data });
    const recorded = { name, type: stored.dtype };
    if (scalar !== undefined) this.#scalars.set(scalar, recorded);
    return recorded;
  }

  matmul(a: Recorded, b: Recorded, options: MatmulOptions<Recorded> = {}): Recorded {
    const attributes = { transA: options.transposeA ? 1 : 0, transB: options.transposeB ? 1 : 0 };
    return this.#node("Gemm", options.add ? [a, b, options.add] : [a, b], attributes);
  }

  add(a: Recorded, b: Recorded): Recorded {
    return this.#node("Add", [a, b]);
  }

  sub(a: Recorded, b: Recorded): Recorded {
    return this.#node("Sub", [a, b]);
  }

  mul(a: Recorded, b: Recorded): Recorded {
    return this.#node("Mul", [a, b]);
  }

  div(a: Recorded, b: Recorded): Recorded {
    return this.#node("Div", [a, b]);
  }

  maximum(a: Recorded, b: Recorded): Recorded {
    return this.#node("Max", [a, b]);
  }

  exp(a: Recorded): Recorded {
    return this.#node("Exp", [a]);
  }

  log1p(a: Recorded): Recorded {
    // ONNX has no log1p. With u = 1 + a as rounded, log(u)·a/(u−1) is accurate wherever u ≠ 1, and a itself where u = 1 (Kahan).
    const one = this.constant(float64([1], [1]));
    const tiny = this.constant(float64([this.#dtype === "float32" ? 2 ** -126 : 2 ** -1022], [1]));
    const u = this.add(a, one);
    const below = this.sub(u, one);
    const ratio = this.div(a, this.maximum(below, tiny));
    const product = this.mul(this.#node("Log", [u]), ratio);
    const exact = this.#node("Greater", [below, this.constant(float64([0], [1]))], {}, "bool");
    return this.#node("Where", [exact, product, a]);
  }

  sqrt(a: Recorded): Recorded {
    return this.#node("Sqrt", [a]);
  }

  /** A column of an int64 matrix as an int32 index, plus an offset: [n, m] → [n]. */
  indexColumn(a: Recorded, column: number, offset: number): Recorded {
    const picked = this.#node("Gather", [a, this.#integers([column])], { axis: 1 }, "int64");
    const flat = this.#node("Reshape", [picked, this.#integers([-1])], {}, "int64");
    const shifted = this.#node("Add", [flat, this.#integers([offset])], {}, "int64");
    return this.#node("Cast", [shifted], { to: INT32 }, "int32");
  }

  relu(a: Recorded): Recorded {
    return this.#node("Relu", [a]);
  }

  reluGrad(dy: Recorded, y: Recorded): Recorded {
    // min(1, y·3.4e38) is 1 for every positive normal float32 (every float64 above 3e-39), and faster in ONNX Runtime than Sign
    // or a comparison.
    return this.mul(dy, this.#node("HardSigmoid", [y], { alpha: { float: 3.4e38 }, beta: { float: 0 } }));
  }

  sum(a: Recorded, axis: number, keepDims = false): Recorded {
    return this.#node("ReduceSum", [a, this.#integers([axis])], { keepdims: keepDims ? 1 : 0 });
  }

  gather(table: Recorded, indices: Recorded): Recorded {
    return this.#node("Gather", [table, indices], { axis: 0 });
  }

  sumByRow(a: Recorded, indices: NdArray<"int32">, count: number): Recorded {
    // Each sum's rows side by side, short ones filled up with a row of zeros, then one sum: ONNX Runtime's scatter-add runs on
    // one thread, and a product with the indices' one-hot rows takes about twice as long.
    const padded = this.#node("Pad", [a, this.#integers([0, 0, 1, 0])]); // [n + 1, m]
    let places = this.#rowsOf.get(indices);
    if (places === undefined) {
      const { length } = indices.data;
      const rows: number[][] = Array.from({ length: count }, () => []);
      indices.data.forEach((row, i) => {
        rows[row]?.push(i);
      });
      const width = Math.max(1, ...rows.map((each) => each.length));
      const data = new Int32Array(count * width).fill(length);
      rows.forEach((each, row) => {
        data.set(each, row * width);
      });
      places = this.constant({ dtype: "int32", shape: [count, width], data });
      this.#rowsOf.set(indices, places);
    }
    return this.sum(this.gather(padded, places), 1);
  }

  softmax(a: Recorded, widths: readonly number[]): Recorded {
    if (widths.length === 1) return this.#node("Softmax", [a], { axis: -1 });
    const output = widths.map(() => this.#fresh());
    this.#nodes.push({ opType: "Split", input: [a.name, this.#integers(widths).name], output, attributes: { axis: -1 } });
    const parts = output.map((name) => this.#node("Softmax", [{ name, type: a.type }], { axis: -1 }));
    return this.concat(parts, -1);
  }

  takeColumns(a: Recorded, columns: Recorded): Recorded {
    return this.#node("GatherElements", [a, columns], { axis: 1 });
  }

  putColumns(a: Recorded, columns: Recorded, values: Recorded): Recorded {
    return this.#node("ScatterElements", [a, columns, values], { axis: 1 });
  }

  reshape(a: Recorded, shape: readonly number[]): Recorded {
    return this.#node("Reshape", [a, this.#integers(shape)]);
  }

  transpose(a: Recorded, order: readonly number[]): Recorded {
    return this.#node("Transpose", [a], { perm: order });
  }

  concat(parts: readonly Recorded[], axis: number): Recorded {
    return this.#node("Concat", parts, { axis });
  }

  slice(a: Recorded, start: number, end: number): Recorded {
    return this.#node("Slice", [a, this.#integers([start]), this.#integers([end]), this.#integers([0])]);
  }
}
