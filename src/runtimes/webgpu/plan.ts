import { MiiiiError, type NdArray, sizeOf, toFloat32 } from "../../core/index.ts";
import type { ProgramSource } from "../../ops/index.ts";
import type { Field } from "./field.ts";
import { fuse, type Group } from "./fuse.ts";
import { GraphRecorder, isInline, type Tensor, unshaped } from "./graph.ts";
import {
  copyKernel,
  dispatches,
  elementwiseKernel,
  type Kernel,
  type Light,
  putColumnsKernel,
  type Surroundings,
} from "./kernel.ts";
import { matmulKernels } from "./matmul.ts";
import { recordKernel } from "./record.ts";
import { sumKernels } from "./reduce.ts";
import { type StateChange, schedule } from "./schedule.ts";
import type { FeedTable, Location, Memory } from "./shader.ts";
import { softmaxKernel } from "./softmax.ts";
import { RUNS_KEPT, SMALL_FEED, SMALL_OUTPUTS, type Tile } from "./tuning.ts";

/** What a device allows. */
export interface DeviceLimits {
  readonly storageBuffers: number;
  readonly workgroupBytes: number;
}

/** Everything about a program that does not depend on a device being at hand. */
export interface Plan {
  /** One run, in order. */
  readonly kernels: readonly Kernel[];
  /** Memory whose content must last, and what it holds at first. */
  readonly constants: ReadonlyMap<Memory, NdArray>;
  readonly state: ReadonlyMap<string, { readonly memory: Memory; readonly shape: readonly number[] }>;
  /** Inputs too large for the table, uploaded before a run. */
  readonly uploads: ReadonlyMap<string, { readonly memory: Memory; readonly field: Field }>;
  readonly feeds: FeedTable & { readonly fields: ReadonlyMap<string, Field> };
  readonly outputs: ReadonlyMap<string, { readonly memory: Memory; readonly field: Field }>;
  /** Outputs of each run, one row each; absent where runs are read back one by one. */
  readonly record: Memory | undefined;
  /** Runs that the table of feeds and the record have rows for. */
  readonly runsKept: number;
  /** Numbers in a row of the record. */
  readonly recordWidth: number;
  /** Memory that holds something between kernels alone, and from which to which step of a run. */
  readonly temporary: ReadonlyMap<Memory, { first: number; last: number }>;
}

function fieldsOf(entries: readonly (readonly [string, Tensor])[]): { fields: Map<string, Field>; width: number } {
  let offset = 0;
  const fields = new Map<string, Field>();
  for (const [name, { dtype, shape }] of entries) {
    fields.set(name, { dtype, shape, size: sizeOf(shape), offset });
    offset += sizeOf(shape);
  }
  return { fields, width: Math.max(1, offset) };
}

/** The recorded program: inputs, outputs that have memory of their own, and state. */
function recordProgram(source: ProgramSource) {
  const recorder = new GraphRecorder();
  const inputs: Record<string, Tensor> = {};
  for (const [name, { dtype, shape, dropout }] of Object.entries(source.inputs)) {
    if (dropout !== undefined) inputs[name] = recorder.mask(dropout, shape, recorder.input("step", [1], "int32"));
    else inputs[name] = recorder.input(name, shape, dtype === "int32" ? "int32" : "float32");
  }
  const built = source.build(recorder, inputs);
  const outputs = new Map<string, Tensor>();
  const shapes = new Map<string, readonly number[]>();
  const changes: StateChange[] = [];
  for (const [name, given] of Object.entries(built)) {
    const before = source.inputs[name]?.dropout === undefined ? inputs[name] : undefined;
    const base = unshaped(given);
    if (base.dtype !== "float32") throw new MiiiiError("runtime", `webgpu: output ${name} must be float32, got ${base.dtype}`);
    const kept = isInline(base) || base.operation.kind === "putColumns" || base.args.length > 0;
    const after = kept && base.operation.kind !== "constant" && base.operation.kind !== "mask" ? base : recorder.copy(base);
    if (before === undefined) outputs.set(name, after);
    else changes.push({ name, before, after: base === before ? before : after });
    shapes.set(name, given.shape);
  }
  return { inputs, outputs, shapes, changes };
}

/**
 * Cuts a program into kernels, writes their shaders, and lays out the memory that they need.
 *
 * @param tile - of every matrix product, instead of the one that suits it.
 */
export function planProgram(source: ProgramSource, limits: DeviceLimits, tile?: Tile): Plan {
  const { inputs, outputs, shapes, changes: all } = recordProgram(source);
  const changes = all.filter(({ before, after }) => before !== after);
  const memory = (label: string, bytes: number): Memory => ({ label, bytes: Math.max(16, Math.ceil(bytes / 16) * 16) });
  const memoryFor = (label: string, tensor: Tensor) => memory(label, 4 * sizeOf(tensor.shape));

  const stateNames = new Set(all.map(({ name }) => name));
  const fed = Object.entries(inputs).filter(([name, { operation }]) => operation.kind === "input" && !stateNames.has(name));
  const operands = new Set<Tensor>();
  const collect = (tensor: Tensor, seen: Set<Tensor>): void => {
    if (seen.has(tensor)) return;
    seen.add(tensor);
    if (tensor.operation.kind === "matmul") for (const arg of tensor.args) operands.add(unshaped(arg));
    for (const arg of tensor.args) collect(arg, seen);
  };
  const seen = new Set<Tensor>();
  for (const tensor of [...outputs.values(), ...changes.map(({ after }) => after)]) collect(tensor, seen);
  const isSmall = (tensor: Tensor) => sizeOf(tensor.shape) <= SMALL_FEED && !operands.has(tensor);
  const small = fieldsOf(fed.filter(([, tensor]) => isSmall(tensor)));
  const large = fed.filter(([, tensor]) => !isSmall(tensor));
  const results = fieldsOf([...outputs].map(([name, tensor]) => [name, { ...tensor, shape: shapes.get(name) ?? tensor.shape }]));
  const recorded =
    outputs.size > 0 && large.length === 0 && 4 * results.width <= SMALL_OUTPUTS && outputs.size + 2 <= limits.storageBuffers;
  const runsKept = recorded ? RUNS_KEPT : 1;
  const feeds: FeedTable = {
    table: memory("feeds", 4 * small.width * runsKept),
    counter: memory("number of the run", 4),
    width: small.width,
  };

  const homes = new Map<Tensor, Memory>();
  const constants = new Map<Memory, NdArray>();
  const state = new Map<string, { memory: Memory; shape: readonly number[] }>();
  const uploads = new Map<string, { memory: Memory; field: Field }>();
  for (const { name, before } of all) {
    const own = memoryFor(name, before);
    homes.set(before, own);
    state.set(name, { memory: own, shape: before.shape });
  }
  for (const [name, tensor] of large) {
    const own = memoryFor(name, tensor);
    homes.set(tensor, own);
    uploads.set(name, {
      memory: own,
      field: { dtype: tensor.dtype, shape: tensor.shape, size: sizeOf(tensor.shape), offset: 0 },
    });
  }
  const placeInTable = new Map([...small.fields].map(([name, { offset }]) => [inputs[name], offset] as const));
  const becomes = new Map(changes.map(({ before, after }) => [after, before]));
  const fusion = fuse([...outputs.values(), ...changes.map(({ after }) => after)], {
    limit: limits.storageBuffers - 1,
    key: (tensor) => (placeInTable.has(tensor) ? feeds : (becomes.get(tensor) ?? tensor)),
  });
  const { steps, awaited, inPlace } = schedule(fusion, changes);
  for (const { before, after } of inPlace) homes.set(after, homes.get(before) as Memory);

  const memoryOf = (tensor: Tensor): Memory => {
    const base = unshaped(tensor);
    const { operation } = base;
    const known = homes.get(base);
    if (known !== undefined) return known;
    // What replaces some entries of a matrix takes its memory over.
    const own =
      operation.kind === "putColumns" ? memoryOf(base.args[0] as Tensor) : memoryFor(`${operation.kind} ${base.id}`, base);
    if (operation.kind === "constant")
      constants.set(own, operation.array.dtype === "int32" ? operation.array : toFloat32(operation.array));
    homes.set(base, own);
    return own;
  };
  const surroundings: Surroundings = {
    feeds,
    memoryOf,
    scratch: memory,
    workgroupBytes: limits.workgroupBytes,
    tile,
    locate: (tensor): Location | undefined => {
      const feed = placeInTable.get(tensor);
      if (feed !== undefined) return { feed };
      return fusion.stored.has(tensor) || homes.has(tensor) ? { memory: memoryOf(tensor) } : undefined;
    },
  };
  const kernelsOf = (group: Group): (Kernel | Light)[] => {
    switch (group.core?.operation.kind) {
      case "matmul":
        return matmulKernels(group, surroundings);
      case "sum":
      case "sumByRow":
        return sumKernels(group, surroundings);
      case "softmax":
        return [softmaxKernel(group, surroundings)];
      case "putColumns":
        return [putColumnsKernel(group, surroundings)];
      default:
        return [elementwiseKernel(group, surroundings)];
    }
  };
  // The second kernels of cut sums run between steps, as late as they can: there they share dispatches.
  const places: (Kernel | Light)[][] = [];
  for (const group of fusion.groups) {
    kernelsOf(group).forEach((kernel, i) => {
      const place = i === 0 ? 2 * (steps.get(group) ?? 0) : 2 * (awaited.get(group) ?? 0) - 1;
      places[place] = [...(places[place] ?? []), kernel];
    });
  }
  places.push(
    changes
      .filter((change) => !inPlace.has(change))
      .map((change) => copyKernel(memoryOf(change.after), memoryOf(change.before), surroundings)),
  );
  const placed = Array.from(places, (kernels = [], place) => {
    const light = kernels.filter((kernel) => "shader" in kernel);
    const own = kernels.filter((kernel) => "code" in kernel);
    return [...dispatches(light, limits.storageBuffers), ...own].map((kernel) => ({ kernel, place }));
  }).flat();
  const named = new Map(
    [...outputs].map(([name, tensor]) => [name, { memory: memoryOf(tensor), field: results.fields.get(name) as Field }]),
  );
  const record = recorded ? memory("outputs of each run", 4 * results.width * runsKept) : undefined;
  if (record !== undefined) {
    placed.push({ kernel: recordKernel([...named.values()], record, results.width, feeds.counter), place: places.length });
  }

  const lasting = new Set<Memory>([
    ...constants.keys(),
    ...[...state.values(), ...uploads.values()].map((each) => each.memory),
    feeds.table,
    feeds.counter,
    ...(record === undefined ? [...named.values()].map((each) => each.memory) : [record]),
  ]);
  const temporary = new Map<Memory, { first: number; last: number }>();
  for (const { kernel, place } of placed) {
    const { bound, label } = kernel;
    if (bound.length > limits.storageBuffers)
      throw new MiiiiError(
        "runtime",
        `webgpu: a shader (${label}) needs ${bound.length} storage buffers, the device has ${limits.storageBuffers}`,
      );
    for (const { memory: each } of bound) {
      if (lasting.has(each)) continue;
      const span = temporary.get(each) ?? { first: place, last: place };
      span.last = place;
      temporary.set(each, span);
    }
  }
  return {
    kernels: placed.map(({ kernel }) => kernel),
    constants,
    state,
    uploads,
    feeds: { ...feeds, fields: small.fields },
    outputs: named,
    record,
    runsKept,
    recordWidth: results.width,
    temporary,
  };
}
