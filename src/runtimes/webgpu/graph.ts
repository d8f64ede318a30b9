import type { NdArray } from "../../core/index.ts";
import { sizeOf } from "../../core/index.ts";
import type { DropoutSpec, MatmulOptions, Ops } from "../../ops/index.ts";

/** Element-wise operations, by WGSL expression of their arguments. */
export type Elementwise = "add" | "sub" | "mul" | "div" | "maximum" | "exp" | "log1p" | "sqrt" | "relu" | "reluGrad" | "copy";

/** What a tensor is, apart from its arguments. */
export type Operation =
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "constant"; readonly array: NdArray }
  /** A dropout mask; the argument is the step. */
  | { readonly kind: "mask"; readonly spec: DropoutSpec }
  | { readonly kind: "elementwise"; readonly op: Elementwise }
  | { readonly kind: "reshape" }
  | { readonly kind: "transpose"; readonly order: readonly number[] }
  | { readonly kind: "concat"; readonly axis: number }
  | { readonly kind: "slice"; readonly start: number }
  | { readonly kind: "gather" }
  | { readonly kind: "takeColumns" }
  | { readonly kind: "putColumns" }
  | { readonly kind: "matmul"; readonly transposeA: boolean; readonly transposeB: boolean }
  | { readonly kind: "sum"; readonly axis: number }
  | { readonly kind: "sumByRow"; readonly count: number }
  | { readonly kind: "softmax"; readonly widths: readonly number[] };

/** A tensor of the recorded program. */
export interface Tensor {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
  readonly operation: Operation;
  readonly args: readonly Tensor[];
}

/** Whether a tensor's entries are looked up elsewhere, without arithmetic. */
export function isView(tensor: Tensor): boolean {
  return ["reshape", "transpose", "concat", "slice", "gather", "takeColumns"].includes(tensor.operation.kind);
}

/** Whether a tensor's entries can be computed one by one where they are needed. */
export function isInline(tensor: Tensor): boolean {
  return isView(tensor) || tensor.operation.kind === "elementwise" || tensor.operation.kind === "mask" || isLiteral(tensor);
}

/** Whether a tensor is one number, written into the shaders. */
export function isLiteral(tensor: Tensor): boolean {
  return tensor.operation.kind === "constant" && tensor.dtype === "float32" && sizeOf(tensor.shape) === 1;
}

/** The tensor whose memory a chain of reshapes shows. */
export function unshaped(tensor: Tensor): Tensor {
  let held = tensor;
  while (held.operation.kind === "reshape") held = held.args[0] as Tensor;
  return held;
}

function broadcastShape(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (m !== n && m !== 1 && n !== 1) throw new Error(`program: shapes [${a.join(", ")}] and [${b.join(", ")}] must broadcast`);
    return m === 1 ? n : m;
  });
}

/** Samples sorted by row, and where each row's samples begin: sums in a fixed order, without atomic operations. */
function rowOrder(indices: NdArray<"int32">, count: number): [Int32Array, Int32Array] {
  const starts = new Int32Array(count + 1);
  for (const row of indices.data) starts[row + 1] = (starts[row + 1] as number) + 1;
  for (let row = 0; row < count; row++) starts[row + 1] = (starts[row + 1] as number) + (starts[row] as number);
  const next = starts.slice();
  const order = new Int32Array(indices.data.length);
  indices.data.forEach((row, i) => {
    const place = next[row] as number;
    order[place] = i;
    next[row] = place + 1;
  });
  return [order, starts];
}

/** Writes a program down as a graph of tensors with known shapes; equal tensors are one. */
export class GraphRecorder implements Ops<Tensor> {
  readonly #known = new Map<string, Tensor>();
  readonly #constants = new Map<NdArray["data"], number>();
  readonly #rowOrders = new Map<NdArray["data"], readonly [Tensor, Tensor]>();
  #count = 0;

  #make(operation: Operation, shape: readonly number[], args: readonly Tensor[], dtype: Tensor["dtype"] = "float32"): Tensor {
    const described = operation.kind === "constant" ? { constant: this.#constantKey(operation.array) } : operation;
    const key = JSON.stringify([described, shape, args.map((arg) => arg.id), dtype]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = { id: this.#count++, shape, dtype, operation, args };
    this.#known.set(key, made);
    return made;
  }

  #constantKey(array: NdArray): string {
    if (array.data.length === 1) return `${array.dtype} ${array.data[0]}`;
    const key = this.#constants.get(array.data) ?? this.#constants.size;
    this.#constants.set(array.data, key);
    return `#${key}`;
  }

  #elementwise(op: Elementwise, ...args: Tensor[]): Tensor {
    const shape = args.map((arg) => arg.shape).reduce(broadcastShape);
    return this.#make({ kind: "elementwise", op }, shape, args);
  }

  input(name: string, shape: readonly number[], dtype: Tensor["dtype"]): Tensor {
    return this.#make({ kind: "input", name }, shape, [], dtype);
  }

  mask(spec: DropoutSpec, shape: readonly number[], step: Tensor): Tensor {
    return this.#make({ kind: "mask", spec }, shape, [step]);
  }

  /** The same values in memory of their own. */
  copy(a: Tensor): Tensor {
    return this.#make({ kind: "elementwise", op: "copy" }, a.shape, [a]);
  }

  #inMemory(a: Tensor): Tensor {
    return isLiteral(unshaped(a)) ? this.copy(a) : a;
  }

  constant(array: NdArray): Tensor {
    return this.#make({ kind: "constant", array }, array.shape, [], array.dtype === "int32" ? "int32" : "float32");
  }

  matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false, add }: MatmulOptions<Tensor> = {}): Tensor {
    const [[m = 0, k = 0], [k2 = 0, n = 0]] = [
      transposeA ? a.shape.toReversed() : a.shape,
      transposeB ? b.shape.toReversed() : b.shape,
    ];
    if (k !== k2) throw new Error(`program: matmul's inner lengths must agree, got ${k} and ${k2}`);
    const product = this.#make({ kind: "matmul", transposeA, transposeB }, [m, n], [this.#inMemory(a), this.#inMemory(b)]);
    return add === undefined ? product : this.add(product, add);
  }

  add(a: Tensor, b: Tensor): Tensor {
    return this.#elementwise("add", a, b);
  }

  sub(a: Tensor, b: Tensor): Tensor {
    return this.#elementwise("sub", a, b);
  }

  mul(a: Tensor, b: Tensor): Tensor {
    return this.#elementwise("mul", a, b);
  }

  div(a: Tensor, b: Tensor): Tensor {
    return this.#elementwise("div", a, b);
  }

  maximum(a: Tensor, b: Tensor): Tensor {
    return this.#elementwise("maximum", a, b);
  }

  exp(a: Tensor): Tensor {
    return this.#elementwise("exp", a);
  }

  log1p(a: Tensor): Tensor {
    return this.#elementwise("log1p", a);
  }

  sqrt(a: Tensor): Tensor {
    return this.#elementwise("sqrt", a);
  }

  relu(a: Tensor): Tensor {
    return this.#elementwise("relu", a);
  }

  reluGrad(dy: Tensor, y: Tensor): Tensor {
    return this.#elementwise("reluGrad", dy, y);
  }

  sum(a: Tensor, axis: number, keepDims = false): Tensor {
    const at = axis < 0 ? axis + a.shape.length : axis;
    const kept = this.#make({ kind: "sum", axis: at }, a.shape.with(at, 1), [a]);
    return keepDims ? kept : this.reshape(kept, a.shape.toSpliced(at, 1));
  }

  gather(table: Tensor, indices: Tensor): Tensor {
    return this.#make({ kind: "gather" }, [sizeOf(indices.shape), ...table.shape.slice(1)], [table, indices]);
  }

  sumByRow(a: Tensor, indices: NdArray<"int32">, count: number): Tensor {
    const known = this.#rowOrders.get(indices.data);
    const [order, starts] =
      known ?? rowOrder(indices, count).map((data) => this.constant({ dtype: "int32", shape: [data.length], data }));
    if (order === undefined || starts === undefined) throw new Error("program: sumByRow needs indices");
    this.#rowOrders.set(indices.data, [order, starts]);
    return this.#make({ kind: "sumByRow", count }, [count, ...a.shape.slice(1)], [a, order, starts]);
  }

  softmax(a: Tensor, widths: readonly number[]): Tensor {
    return this.#make({ kind: "softmax", widths }, a.shape, [a]);
  }

  takeColumns(a: Tensor, columns: Tensor): Tensor {
    return this.#make({ kind: "takeColumns" }, columns.shape, [a, columns]);
  }

  putColumns(a: Tensor, columns: Tensor, values: Tensor): Tensor {
    // It is written in place: what is not the program's own is copied first.
    const own = ["input", "constant", "mask"].includes(unshaped(a).operation.kind) ? this.copy(a) : a;
    return this.#make({ kind: "putColumns" }, a.shape, [own, columns, values]);
  }

  reshape(a: Tensor, shape: readonly number[]): Tensor {
    if (sizeOf(shape) !== sizeOf(a.shape))
      throw new Error(`program: cannot reshape [${a.shape.join(", ")}] to [${shape.join(", ")}]`);
    return this.#make({ kind: "reshape" }, shape, [unshaped(a)]);
  }

  transpose(a: Tensor, order: readonly number[]): Tensor {
    return this.#make(
      { kind: "transpose", order },
      order.map((axis) => a.shape[axis] as number),
      [a],
    );
  }

  concat(parts: readonly Tensor[], axis: number): Tensor {
    const [first] = parts;
    if (first === undefined) throw new Error("program: concat needs parts");
    if (parts.length > 4) {
      // In halves, which can have memory of their own where a kernel cannot be bound to all parts.
      const half = Math.ceil(parts.length / 2);
      return this.concat([this.concat(parts.slice(0, half), axis), this.concat(parts.slice(half), axis)], axis);
    }
    const at = axis < 0 ? axis + first.shape.length : axis;
    const length = parts.reduce((sum, part) => sum + (part.shape[at] as number), 0);
    return this.#make({ kind: "concat", axis: at }, first.shape.with(at, length), parts);
  }

  slice(a: Tensor, start: number, end: number): Tensor {
    return this.#make({ kind: "slice", start }, [end - start, ...a.shape.slice(1)], [a]);
  }
}
