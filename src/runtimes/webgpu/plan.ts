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

type Recorded = ReturnType<typeof recordProgram>;

const memory = (label: string, bytes: number): Memory => ({ label, bytes: Math.max(16, Math.ceil(bytes / 16) * 16) });
const memoryFor = (label: string, tensor: Tensor) => memory(label, 4 * sizeOf(tensor.shape));

/** The tensors that matrix products read: they must lie in memory of their own. */
function productOperands(roots: readonly Tensor[]): ReadonlySet<Tensor> {
  const [operands, seen] = [new Set<Tensor>(), new Set<Tensor>()];
  const collect = (tensor: Tensor): void => {
    if (seen.has(tensor)) return;
    seen.add(tensor);
    if (tensor.operation.kind === "matmul") for (const arg of tensor.args) operands.add(unshaped(arg));
    tensor.args.forEach(collect);
  };
  roots.forEach(collect);
  return operands;
}

/**
 * What comes in with each run and what goes out: small inputs in a table of many runs, large ones uploaded, outputs recorded
 * where that fits.
 */
function planTraffic({ inputs, outputs, shapes, changes }: Recorded, roots: readonly Tensor[], limits: DeviceLimits) {
  const stateNames = new Set(changes.map(({ name }) => name));
  const fed = Object.entries(inputs).filter(([name, { operation }]) => operation.kind === "input" && !stateNames.has(name));
  const operands = productOperands(roots);
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
  return { small, large, results, recorded, runsKept, feeds };
}

/** Where each tensor lies. Memory is given out when it is first asked for. */
class Homes {
  readonly constants = new Map<Memory, NdArray>();
  readonly state = new Map<string, { memory: Memory; shape: readonly number[] }>();
  readonly uploads = new Map<string, { memory: Memory; field: Field }>();
  readonly #homes = new Map<Tensor, Memory>();

  constructor(changes: readonly StateChange[], large: readonly (readonly [string, Tensor])[]) {
    for (const { name, before } of changes) {
      const own = memoryFor(name, before);
      this.#homes.set(before, own);
      this.state.set(name, { memory: own, shape: before.shape });
    }
    for (const [name, tensor] of large) {
      const { dtype, shape } = tensor;
      const own = memoryFor(name, tensor);
      this.#homes.set(tensor, own);
      this.uploads.set(name, { memory: own, field: { dtype, shape, size: sizeOf(shape), offset: 0 } });
    }
  }

  has(tensor: Tensor): boolean {
    return this.#homes.has(tensor);
  }

  /** State that is written over where it is read. */
  share({ before, after }: StateChange): void {
    this.#homes.set(after, this.#homes.get(before) as Memory);
  }

  of(tensor: Tensor): Memory {
    const base = unshaped(tensor);
    const { operation } = base;
    const known = this.#homes.get(base);
    if (known !== undefined) return known;
    // What replaces some entries of a matrix takes its memory over.
    const own =
      operation.kind === "putColumns" ? this.of(base.args[0] as Tensor) : memoryFor(`${operation.kind} ${base.id}`, base);
    if (operation.kind === "constant")
      this.constants.set(own, operation.array.dtype === "int32" ? operation.array : toFloat32(operation.array));
    this.#homes.set(base, own);
    return own;
  }
}

function kernelsOf(group: Group, surroundings: Surroundings): (Kernel | Light)[] {
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
}

/** A kernel and the step of a run that it belongs to. */
interface Placed {
  readonly kernel: Kernel;
  readonly place: number;
}

/** Every group's kernels in the order of the schedule, with the copies of state that end a run; light ones share dispatches. */
function placeKernels(
  groups: readonly Group[],
  { steps, awaited, inPlace }: ReturnType<typeof schedule>,
  changes: readonly StateChange[],
  surroundings: Surroundings,
  storageBuffers: number,
): { readonly placed: Placed[]; readonly places: number } {
  const { memoryOf } = surroundings;
  // The second kernels of cut sums run between steps, as late as they can: there they share dispatches.
  const places: (Kernel | Light)[][] = [];
  for (const group of groups) {
    kernelsOf(group, surroundings).forEach((kernel, i) => {
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
    return [...dispatches(light, storageBuffers), ...own].map((kernel) => ({ kernel, place }));
  }).flat();
  return { placed, places: places.length };
}

/** From which to which step each memory holds something that need not last. */
function lifetimes(placed: readonly Placed[], lasting: ReadonlySet<Memory>, storageBuffers: number) {
  const temporary = new Map<Memory, { first: number; last: number }>();
  for (const { kernel, place } of placed) {
    const { bound, label } = kernel;
    if (bound.length > storageBuffers)
      throw new MiiiiError(
        "runtime",
        `webgpu: a shader (${label}) needs ${bound.length} storage buffers, the device has ${storageBuffers}`,
      );
    for (const { memory: each } of bound) {
      if (lasting.has(each)) continue;
      const span = temporary.get(each) ?? { first: place, last: place };
      span.last = place;
      temporary.set(each, span);
    }
  }
  return temporary;
}

/**
 * Cuts a program into kernels, writes their shaders, and lays out the memory that they need.
 *
 * @param tile - of every matrix product, instead of the one that suits it.
 */
export function planProgram(source: ProgramSource, limits: DeviceLimits, tile?: Tile): Plan {
  const recording = recordProgram(source);
  const { inputs, outputs } = recording;
  const changes = recording.changes.filter(({ before, after }) => before !== after);
  const roots = [...outputs.values(), ...changes.map(({ after }) => after)];
  const { small, large, results, recorded, runsKept, feeds } = planTraffic(recording, roots, limits);
  const homes = new Homes(recording.changes, large);

  const placeInTable = new Map([...small.fields].map(([name, { offset }]) => [inputs[name], offset] as const));
  const becomes = new Map(changes.map(({ before, after }) => [after, before]));
  const fusion = fuse(roots, {
    limit: limits.storageBuffers - 1,
    key: (tensor) => (placeInTable.has(tensor) ? feeds : (becomes.get(tensor) ?? tensor)),
  });
  const order = schedule(fusion, changes);
  for (const change of order.inPlace) homes.share(change);
  const memoryOf = (tensor: Tensor) => homes.of(tensor);
  const locate = (tensor: Tensor): Location | undefined => {
    const feed = placeInTable.get(tensor);
    if (feed !== undefined) return { feed };
    return fusion.stored.has(tensor) || homes.has(tensor) ? { memory: memoryOf(tensor) } : undefined;
  };
  const { workgroupBytes, storageBuffers } = limits;
  const surroundings: Surroundings = { feeds, memoryOf, scratch: memory, workgroupBytes, tile, locate };
  const { placed, places } = placeKernels(fusion.groups, order, changes, surroundings, storageBuffers);

  const named = new Map(
    [...outputs].map(([name, tensor]) => [name, { memory: memoryOf(tensor), field: results.fields.get(name) as Field }]),
  );
  const record = recorded ? memory("outputs of each run", 4 * results.width * runsKept) : undefined;
  if (record !== undefined)
    placed.push({ kernel: recordKernel([...named.values()], record, results.width, feeds.counter), place: places });
  const { constants, state, uploads } = homes;
  const lasting = new Set<Memory>([
    ...constants.keys(),
    ...[...state.values(), ...uploads.values()].map((each) => each.memory),
    feeds.table,
    feeds.counter,
    ...(record === undefined ? [...named.values()].map((each) => each.memory) : [record]),
  ]);
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
    temporary: lifetimes(placed, lasting, storageBuffers),
  };
}
