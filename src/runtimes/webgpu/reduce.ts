import { sizeOf } from "../../core/index.ts";
import type { Group } from "./fuse.ts";
import type { Tensor } from "./graph.ts";
import { finish, type Light, overEntries, type Surroundings, shaderFor } from "./kernel.ts";
import { type Memory, type Shader, Writer } from "./shader.ts";
import { ENOUGH_OUTPUTS, TERMS_ALONE, TERMS_PER_THREAD, THREADS } from "./tuning.ts";

/** The largest power of two that is at most `n`, and at least 1. */
function powerBelow(n: number): number {
  return 2 ** Math.max(0, Math.floor(Math.log2(n)));
}

/** A sum: what is added up, and how its work is split. */
interface SumPlan {
  readonly core: Core;
  readonly root: Tensor;
  readonly source: Tensor;
  readonly outputs: number;
  readonly terms: number;
  /** Entries between one term of an output and the next. */
  readonly inner: number;
  /** Threads that share an output. */
  readonly lanes: number;
  /** Kernels' workgroups that share an output, each a part of its terms. */
  readonly parts: number;
}

type Core = NonNullable<Group["core"]>;

/** The product whose terms are summed, where it is one. */
function productOf({ operation }: Core) {
  return operation.kind === "matmul" ? operation : undefined;
}

function planSum({ core, roots: [root] }: Group): SumPlan {
  const [source] = core?.args ?? [];
  if (core === undefined || root === undefined || source === undefined) throw new Error("program: a sum needs an argument");
  const outputs = sizeOf(core.shape);
  const product = productOf(core);
  const byRow = core.operation.kind === "sumByRow";
  const axis = core.operation.kind === "sum" ? core.operation.axis : product !== undefined && !product.transposeA ? 1 : 0;
  const terms = byRow ? Math.ceil(sizeOf(source.shape.slice(0, 1)) / (core.shape[0] as number)) : (source.shape[axis] as number);
  const inner = product === undefined ? sizeOf(source.shape.slice(axis + 1)) : (core.shape[1] as number);
  const few = outputs < 1024;
  const most = inner > 1 ? (few ? 32 : product === undefined ? 8 : 1) : few ? THREADS : 32;
  const lanes = terms <= TERMS_ALONE ? 1 : Math.min(most, powerBelow(terms / 2));
  const wide = outputs * lanes < ENOUGH_OUTPUTS && !byRow;
  const parts = wide ? Math.max(1, Math.ceil(terms / (lanes * TERMS_PER_THREAD))) : 1;
  return { core, root, source, outputs, terms, inner, lanes, parts };
}

/** Expressions: from which term of output `o` to which (exclusive), and where term `t` stands. */
interface Terms {
  readonly from: string;
  readonly to: string;
  readonly element: string;
}

function termsOf({ core, terms, inner, parts }: SumPlan, surroundings: Surroundings, shader: Shader): Terms {
  const [, order, starts] = core.args;
  if (core.operation.kind === "sumByRow") {
    const memory = (tensor: Tensor | undefined) => shader.bind(surroundings.memoryOf(tensor as Tensor), "i32");
    const [samples, begins] = [memory(order), memory(starts)];
    return {
      from: `u32(${begins}[o / ${inner}u])`,
      to: `u32(${begins}[o / ${inner}u + 1u])`,
      element: `u32(${samples}[t]) * ${inner}u + o % ${inner}u`,
    };
  }
  const partTerms = Math.ceil(terms / parts);
  return {
    from: parts === 1 ? "0u" : `part * ${partTerms}u`,
    to: parts === 1 ? `${terms}u` : `min(part * ${partTerms}u + ${partTerms}u, ${terms}u)`,
    element: `(o / ${inner}u) * ${terms * inner}u + t * ${inner}u + o % ${inner}u`,
  };
}

/** Expressions of a product's term `t`: where it stands in the left factor, and its value. */
function productTerm({ core, terms, source }: SumPlan, surroundings: Surroundings, shader: Shader) {
  const product = productOf(core);
  const [, other] = core.args;
  if (product === undefined || other === undefined) return undefined;
  const [m, n] = core.shape as [number, number];
  const [left, right] = [source, other].map((operand) => shader.bind(surroundings.memoryOf(operand), "f32"));
  const row = `(o / ${n}u)`;
  const column = `(o % ${n}u)`;
  return {
    element: product.transposeA ? `t * ${m}u + ${row}` : `${row} * ${terms}u + t`,
    term: `${left}[e] * ${right}[${product.transposeB ? `${column} * ${terms}u + t` : `t * ${n}u + ${column}`}]`,
  };
}

/** Statements that add up the threads' sums of an output, pairwise. */
function halvings(lanes: number, slots: number): string {
  return lanes === 1
    ? ""
    : `for (var step = ${lanes / 2}u; step > 0u; step >>= 1u) {
    workgroupBarrier();
    if (lane < step) { sums[place] += sums[place + step * ${slots}u]; }
  }`;
}

/**
 * Sums whose terms are computed on the way: along one axis, over the rows that share an index, or of a small matrix product.
 * Several threads add up one output's terms, each every so many, and then their sums pairwise; long sums for few outputs are cut
 * into parts that a second kernel adds up. The order is fixed, so results repeat bit for bit.
 */
export function sumKernels(group: Group, surroundings: Surroundings): Light[] {
  const plan = planSum(group);
  const { core, root, source, outputs, inner, lanes, parts } = plan;
  const slots = THREADS / lanes;
  const { shader, scope } = shaderFor(surroundings);
  const writer = new Writer(scope);
  const range = termsOf(plan, surroundings, shader);
  const { term, element } = productTerm(plan, surroundings, shader) ?? {
    term: writer.value(source, "e"),
    element: range.element,
  };
  const [slot, lane] = inner > 1 ? [`local % ${slots}u`, `local / ${slots}u`] : [`local / ${lanes}u`, `local % ${lanes}u`];
  let store: string;
  let partials: Memory | undefined;
  if (parts === 1) {
    const { lines, result } = finish(group, scope, "total");
    store = `let i = o;\n  ${lines}\n  ${shader.bind(surroundings.memoryOf(root), "f32", true)}[i] = ${result};`;
  } else {
    partials = surroundings.scratch(`parts of sum ${core.id}`, 4 * parts * outputs);
    store = `${shader.bind(partials, "f32", true)}[part * ${outputs}u + o] = total;`;
  }
  const across = Math.ceil(outputs / slots);
  const body = `let slot = ${slot};
  let lane = ${lane};
  let place = lane * ${slots}u + slot;
  let part = number / ${across}u;
  let o = (number % ${across}u) * ${slots}u + slot;
  let valid = o < ${outputs}u && part < ${parts}u;
  var sum = 0f;
  if (valid) {
    let end = ${range.to};
    for (var t = ${range.from} + lane; t < end; t += ${lanes}u) {
      let e = ${element};
      ${writer.lines.join("\n      ")}
      sum += ${term};
    }
  }
  ${lanes === 1 ? "" : "sums[place] = sum;"}
  ${halvings(lanes, slots)}
  if (!valid || lane > 0u) { return; }
  let total = ${lanes === 1 ? "sum" : "sums[place]"};
  ${store}`;
  const first: Light = { label: `${core.operation.kind} ${core.id}`, shader, body, workgroups: across * parts };
  return partials === undefined ? [first] : [first, partsKernel(group, partials, parts, outputs, surroundings)];
}

/** Adds up the parts of sums that were cut, and finishes them. */
export function partsKernel(group: Group, partials: Memory, parts: number, outputs: number, surroundings: Surroundings): Light {
  return overEntries(`parts of ${group.core?.id}`, outputs, surroundings, (shader, scope) => {
    const [root] = group.roots;
    if (root === undefined) throw new Error("program: a group must have a root");
    const { lines, result } = finish(group, scope, "total");
    return `var total = 0f;
  for (var part = 0u; part < ${parts}u; part++) { total += ${shader.bind(partials, "f32")}[part * ${outputs}u + i]; }
  ${lines}
  ${shader.bind(surroundings.memoryOf(root), "f32", true)}[i] = ${result};`;
  });
}
