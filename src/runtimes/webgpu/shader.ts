import { sizeOf } from "../../core/index.ts";
import { isLiteral, type Tensor, unshaped } from "./graph.ts";
import { elementwise, float, functionsFor, maskEntry } from "./wgsl.ts";

/** A piece of the device's memory that kernels read and write. */
export interface Memory {
  readonly label: string;
  readonly bytes: number;
}

/** Where a stored tensor's entries are: memory of its own, or a place in the table of what is fed. */
export type Location = { readonly memory: Memory } | { readonly feed: number };

/** The table of small feeds, a row for each run, and the number of the run that is executed. */
export interface FeedTable {
  readonly table: Memory;
  readonly counter: Memory;
  /** Numbers in a row. */
  readonly width: number;
}

/** Element types of bound memory. */
export type ElementType = "f32" | "vec4f" | "i32" | "u32";

/** One compute shader being written, and what it is bound to. */
export class Shader {
  readonly #bindings: { memory: Memory; type: ElementType; written: boolean }[] = [];

  /** The name under which the shader sees the memory. */
  bind(memory: Memory, type: ElementType, written = false): string {
    let place = this.#bindings.findIndex((each) => each.memory === memory && each.type === type);
    if (place < 0) place = this.#bindings.push({ memory, type, written }) - 1;
    const binding = this.#bindings[place];
    if (binding !== undefined && written) binding.written = true;
    return `b${place}`;
  }

  get bound(): readonly { readonly memory: Memory; readonly type: ElementType; readonly written: boolean }[] {
    return this.#bindings;
  }

  /** The shader's text: declarations, functions of our own, then `body`. */
  text(body: string): string {
    const declared = this.#bindings.map(
      ({ type, written }, i) =>
        `@group(0) @binding(${i}) var<storage, ${written ? "read_write" : "read"}> b${i}: array<${type}>;\n`,
    );
    return declared.join("") + functionsFor(body) + body;
  }
}

/** How tensors are found while a kernel is written. */
export interface Scope {
  readonly shader: Shader;
  readonly feeds: FeedTable;
  /** Where a tensor is stored; undefined where its entries are computed on the way. */
  readonly locate: (tensor: Tensor) => Location | undefined;
}

/** Index of an operand's entry, from the flat index of an entry of `shape`: Σ coordinate · stride. */
function stridedIndex(shape: readonly number[], strides: readonly number[], index: string): string {
  // Neighbouring axes that are stepped through alike count as one.
  const axes: { length: number; stride: number; step: number }[] = [];
  let step = 1;
  for (let k = shape.length - 1; k >= 0; k--) {
    const [length, stride] = [shape[k] as number, strides[k] as number];
    const inner = axes.at(-1);
    if (length === 1) continue;
    if (inner !== undefined && stride === inner.stride * inner.length) inner.length *= length;
    else axes.push({ length, stride, step });
    step *= length;
  }
  const terms = axes.flatMap(({ length, stride, step: every }) => {
    if (stride === 0) return [];
    const outer = every === 1 ? index : `(${index} / ${every}u)`;
    const coordinate = every * length === step ? outer : `(${outer} % ${length}u)`;
    return [stride === 1 ? coordinate : `${coordinate} * ${stride}u`];
  });
  return terms.length === 0 ? "0u" : terms.join(" + ");
}

/** Strides of an array in row-major order. */
function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

/** Strides by which an operand is read while its broadcast to `shape` is stepped through. */
function broadcastStrides(shape: readonly number[], operand: readonly number[]): number[] {
  const own = stridesOf(operand);
  const lead = shape.length - operand.length;
  return shape.map((_, axis) => (axis < lead || operand[axis - lead] === 1 ? 0 : (own[axis - lead] as number)));
}

/** Whether an argument's entry has its user's flat index. */
export function isAligned(user: Tensor, arg: Tensor): boolean {
  const kind = user.operation.kind;
  return (kind === "elementwise" || kind === "reshape") && sizeOf(user.shape) === sizeOf(arg.shape);
}

/** Writes statements that compute entries of tensors, each value once. */
export class Writer {
  readonly lines: string[] = [];
  readonly #scope: Scope;
  readonly #known: Map<string, string>;
  readonly #counter: { next: number };

  constructor(scope: Scope, known: ReadonlyMap<string, string> = new Map(), counter = { next: 0 }) {
    this.#scope = scope;
    this.#known = new Map(known);
    this.#counter = counter;
  }

  /** Makes a value known that was computed elsewhere. */
  know(tensor: Tensor, index: string, name: string): void {
    this.#known.set(`${tensor.id}@${index}`, name);
  }

  #named(key: string, expression: () => string): string {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = expression();
    const name = `v${this.#counter.next++}`;
    this.lines.push(`let ${name} = ${value};`);
    this.#known.set(key, name);
    return name;
  }

  /** A name for an index expression. */
  #index(expression: string): string {
    return /^\w+$/.test(expression) ? expression : this.#named(`index ${expression}`, () => expression);
  }

  /** A name for the tensor's entry at a flat index, which must be a name or a literal. */
  value(tensor: Tensor, index: string): string {
    const base = unshaped(tensor);
    if (isLiteral(base) && base.operation.kind === "constant") return float(base.operation.array.data[0] as number);
    return this.#named(`${base.id}@${index}`, () => {
      const location = this.#scope.locate(base);
      if (location === undefined) return this.#expression(base, index);
      const { shader, feeds } = this.#scope;
      if ("memory" in location) return `${shader.bind(location.memory, base.dtype === "int32" ? "i32" : "f32")}[${index}]`;
      const [table, counter] = [shader.bind(feeds.table, "u32"), shader.bind(feeds.counter, "u32")];
      const type = base.dtype === "int32" ? "i32" : "f32";
      return `bitcast<${type}>(${table}[${counter}[0] * ${feeds.width}u + ${location.feed}u + ${index}])`;
    });
  }

  /** A name for the tensor's entry, computed here even where it is stored too. */
  compute(tensor: Tensor, index: string): string {
    return this.#named(`${tensor.id}@${index}`, () => this.#expression(tensor, index));
  }

  #expression(tensor: Tensor, index: string): string {
    const { operation, args, shape } = tensor;
    const [first, second] = args as readonly [Tensor, Tensor];
    switch (operation.kind) {
      case "elementwise": {
        const values = args.map((arg) => this.value(arg, this.#operandIndex(tensor, arg, index)));
        return elementwise(operation.op, values);
      }
      case "mask":
        return maskEntry(operation.spec, this.value(first, "0u"), index);
      case "transpose": {
        const strides = stridesOf(first.shape);
        const permuted = operation.order.map((axis) => strides[axis] as number);
        return this.value(first, this.#index(stridedIndex(shape, permuted, index)));
      }
      case "slice": {
        const offset = operation.start * sizeOf(shape.slice(1));
        return this.value(first, this.#index(`${index} + ${offset}u`));
      }
      case "gather": {
        const width = sizeOf(shape.slice(1));
        const row = this.value(second, this.#index(`${index} / ${width}u`));
        return this.value(first, this.#index(`u32(${row}) * ${width}u + ${index} % ${width}u`));
      }
      case "takeColumns": {
        const [width, count] = [first.shape[1] as number, shape[1] as number];
        const column = this.value(second, index);
        return this.value(first, this.#index(`(${index} / ${count}u) * ${width}u + u32(${column})`));
      }
      case "concat":
        return this.#concat(tensor, operation.axis, index);
      default:
        throw new Error(`program: ${operation.kind} must be stored`);
    }
  }

  #operandIndex(user: Tensor, arg: Tensor, index: string): string {
    if (isAligned(user, arg)) return index;
    return this.#index(stridedIndex(user.shape, broadcastStrides(user.shape, arg.shape), index));
  }

  #concat({ args, shape }: Tensor, axis: number, index: string): string {
    const inner = sizeOf(shape.slice(axis + 1));
    const total = shape[axis] as number;
    const along = this.#index(`(${index} / ${inner}u) % ${total}u`);
    const outer = this.#index(`${index} / ${inner * total}u`);
    const within = this.#index(`${index} % ${inner}u`);
    const result = `v${this.#counter.next++}`;
    this.lines.push(`var ${result}: f32;`);
    let start = 0;
    args.forEach((part, i) => {
      const length = part.shape[axis] as number;
      const branch = new Writer(this.#scope, this.#known, this.#counter);
      const place = branch.#index(`(${outer} * ${length}u + (${along} - ${start}u)) * ${inner}u + ${within}`);
      const value = branch.value(part, place);
      start += length;
      const condition = i === args.length - 1 ? "" : ` if (${along} < ${start}u)`;
      this.lines.push(`${i === 0 ? "" : "else"}${condition} { ${branch.lines.join(" ")} ${result} = ${value}; }`);
    });
    return result;
  }
}
