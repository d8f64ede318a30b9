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

/** Work of THREADS threads a workgroup, written for any number of workgroups: such work of one step shares a dispatch. */
export interface Light {
  readonly label: string;
  readonly shader: Shader;
  /** Statements of the thread `local` of the workgroup `number`. */
  readonly body: string;
  readonly workgroups: number;
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
export function dispatchGrid(count: number): { workgroups: [number, number, number]; number: string } {
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

/**
 * Statements that finish entry `i` of a group's only root, once its core's entry has the name `core`; and the name of the result.
 */
export function finish(group: Group, scope: Scope, core: string): { lines: string; result: string } {
  const [root] = group.roots;
  if (root === undefined || group.core === undefined) throw new Error("program: a group must have a root and a core");
  const writer = new Writer(scope);
  writer.know(group.core, "i", core);
  const result = writer.compute(root, "i");
  return { lines: writer.lines.join("\n  "), result };
}

/** Work over all entries of some tensors of one size; `body` writes the statements for entry `i`. */
export function overEntries(
  label: string,
  count: number,
  surroundings: Surroundings,
  body: (shader: Shader, scope: Scope) => string,
): Light {
  const { shader, scope } = shaderFor(surroundings);
  const statements = `let i = number * ${THREADS}u + local;
  if (i >= ${count}u) { return; }
  ${body(shader, scope)}`;
  return { label, shader, body: statements, workgroups: Math.ceil(count / THREADS) };
}

/** How many buffers it takes to do some work in one dispatch. */
function buffersOf(lights: readonly Light[]): number {
  return new Set(lights.flatMap(({ shader }) => shader.bound.map(({ memory }) => memory))).size;
}

/** One dispatch that does all of the given work, none of which waits for any other: each workgroup some of one. */
function together(lights: readonly Light[]): Kernel {
  const shader = new Shader();
  const total = lights.reduce((sum, { workgroups }) => sum + workgroups, 0);
  const { workgroups, number } = dispatchGrid(total);
  let first = 0;
  const calls: string[] = [];
  const functions = lights.map((light, i) => {
    const names = light.shader.bound.map(({ memory, type, written }) => shader.bind(memory, type, written));
    const body = light.body.replace(/\bb(\d+)\b/g, (_, place) => names[Number(place)] as string);
    calls.push(`if (number < ${first + light.workgroups}u) { light${i}(number - ${first}u, local); }`);
    first += light.workgroups;
    return `fn light${i}(number: u32, local: u32) {\n  ${body}\n}\n`;
  });
  // A workgroup does one thing alone, so that they can share its memory.
  const sums = functions.some((text) => text.includes("sums[")) ? `var<workgroup> sums: array<f32, ${THREADS}>;\n` : "";
  const code = shader.text(`${sums}${functions.join("")}${entry(THREADS)}  let number = ${number};
  ${calls.join("\n  else ")}
}
`);
  return { label: lights.map(({ label }) => label).join(", "), code, bound: shader.bound, workgroups, work: 0 };
}

/** As few dispatches as the number of buffers that a dispatch may have allows. */
export function dispatches(lights: readonly Light[], storageBuffers: number): Kernel[] {
  const shared: Light[][] = [];
  for (const light of lights) {
    const room = shared.find((others) => buffersOf([...others, light]) <= storageBuffers);
    if (room === undefined) shared.push([light]);
    else room.push(light);
  }
  return shared.map(together);
}

/** Element-wise chains that end in one or more stored tensors. */
export function elementwiseKernel(group: Group, surroundings: Surroundings): Light {
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
export function putColumnsKernel(group: Group, surroundings: Surroundings): Light {
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
export function copyKernel(from: Memory, to: Memory, surroundings: Surroundings): Light {
  return overEntries(`copy to ${to.label}`, from.bytes / 4, surroundings, (shader) => {
    return `${shader.bind(to, "u32", true)}[i] = ${shader.bind(from, "u32")}[i];`;
  });
}
