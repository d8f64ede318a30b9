import { sizeOf } from "../../core/index.ts";
import type { Group } from "./fuse.ts";
import type { Tensor } from "./graph.ts";
import { type Memory, type Scope, Shader, Writer } from "./shader.ts";
import { THREADS, type Tile } from "./tuning.ts";

/** One dispatch: a shader, what it is bound to, and over how many workgroups it runs. */
export interface Kernel {
  readonly label: string;
  readonly code: string;
  readonly bound: readonly { readonly memory: Memory; readonly written: boolean }[];
  readonly workgroups: readonly [number, number, number];
  /** Floating-point operations, of matrix products alone. */
  readonly work: number;
}

/** What writing a kernel needs to know of its surroundings. */
export interface Surroundings extends Omit<Scope, "shader"> {
  /** The memory of a stored tensor. */
  readonly memoryOf: (tensor: Tensor) => Memory;
  /** Memory for what one kernel hands to the next. */
  readonly scratch: (label: string, bytes: number) => Memory;
  /** Bytes of workgroup memory that the device has. */
  readonly workgroupBytes: number;
  /** The tile of every matrix product, instead of the one that suits it. */
  readonly tile: Tile | undefined;
}

/** Most workgroups along one axis of a dispatch. */
const MOST_WORKGROUPS = 65535;

/** `count` workgroups spread over two axes, and the expression for the number of a workgroup. */
export function spread(count: number): { workgroups: [number, number, number]; number: string } {
  const rows = Math.ceil(count / MOST_WORKGROUPS);
  const columns = Math.ceil(count / rows);
  return { workgroups: [columns, rows, 1], number: rows === 1 ? "group.x" : `(group.y * ${columns}u + group.x)` };
}

/** The beginning of an entry point. */
export function entry(threads: number): string {
  return `@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
`;
}

export function shaderFor(surroundings: Surroundings): { shader: Shader; scope: Scope } {
  const shader = new Shader();
  return { shader, scope: { ...surroundings, shader } };
}

/** Statements that finish entry `i` of a group's only root, once its core's entry has the name `core`; and the name of the result. */
export function finish(group: Group, scope: Scope, core: string): { lines: string; result: string } {
  const [root] = group.roots;
  if (root === undefined || group.core === undefined) throw new Error("program: a group must have a root and a core");
  const writer = new Writer(scope);
  writer.know(group.core, "i", core);
  const result = writer.compute(root, "i");
  return { lines: writer.lines.join("\n  "), result };
}

/** A kernel over all entries of some tensors of one size; `body` writes the statements for entry `i`. */
export function overEntries(
  label: string,
  count: number,
  surroundings: Surroundings,
  body: (shader: Shader, scope: Scope) => string,
): Kernel {
  const { shader, scope } = shaderFor(surroundings);
  const { workgroups, number } = spread(Math.ceil(count / THREADS));
  const statements = body(shader, scope);
  const code = shader.text(`${entry(THREADS)}  let i = ${number} * ${THREADS}u + local;
  if (i >= ${count}u) { return; }
  ${statements}
}
`);
  return { label, code, bound: shader.bound, workgroups, work: 0 };
}

/** Element-wise chains that end in one or more stored tensors. */
export function elementwiseKernel(group: Group, surroundings: Surroundings): Kernel {
  const [first] = group.roots;
  if (first === undefined) throw new Error("program: a group must have a root");
  return overEntries(`elementwise ${group.roots.length}`, sizeOf(first.shape), surroundings, (shader, scope) => {
    const writer = new Writer(scope);
    const results = group.roots.map((root) => [root, writer.compute(root, "i")] as const);
    const stores = results.map(([root, value]) => `${shader.bind(surroundings.memoryOf(root), "f32", true)}[i] = ${value};`);
    return [...writer.lines, ...stores].join("\n  ");
  });
}

/** Replaces the entries of a matrix at the given columns, in place. */
export function putColumnsKernel(group: Group, surroundings: Surroundings): Kernel {
  const [root] = group.roots;
  const [, columns, values] = root?.args ?? [];
  if (root === undefined || columns === undefined || values === undefined) throw new Error("program: putColumns needs arguments");
  return overEntries("put columns", sizeOf(values.shape), surroundings, (shader, scope) => {
    const writer = new Writer(scope);
    const [column, value] = [writer.value(columns, "i"), writer.value(values, "i")];
    const target = shader.bind(surroundings.memoryOf(root), "f32", true);
    const row = `(i / ${columns.shape[1]}u) * ${root.shape[1]}u`;
    return [...writer.lines, `${target}[${row} + u32(${column})] = ${value};`].join("\n  ");
  });
}

/** Copies a tensor's memory into another. */
export function copyKernel(from: Memory, to: Memory, surroundings: Surroundings): Kernel {
  return overEntries(`copy to ${to.label}`, from.bytes / 4, surroundings, (shader) => {
    return `${shader.bind(to, "u32", true)}[i] = ${shader.bind(from, "u32")}[i];`;
  });
}
