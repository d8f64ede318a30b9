import { ensure, quoted, sizeOf } from "../../core/index.ts";
import { PARAMETER_NAMES } from "../../model/index.ts";
import type { LazyTensor, TensorGroup, Unreadable } from "../formats/lazy.ts";
import { isMask, masksSomething, mayBeLearned, reorders } from "./buffers.ts";
import { fit } from "./candidates.ts";
import { joinLists } from "./lists.ts";
import { arrangeMapped, type ImportMapping } from "./mapping.ts";
import { type Placement, placementsOf } from "./numbering.ts";
import type { Assigned } from "./readings.ts";
import { biasOf, blockOf, isNormOrGate, isOptimizerState, isRecord, type Named, type Role, roleNamed } from "./roles.ts";

/** The tensors of a group sorted by what they are. */
export interface Sorted {
  readonly source: string;
  readonly assignment: ReadonlyMap<Role, Assigned>;
  /** Weights that the group lacks. */
  readonly missing: readonly Role[];
  /** Tensors that compute something and have no place in the model. */
  readonly surplus: readonly string[];
  /** Masks, counters, records of the training, second names of one tensor: what computes nothing. */
  readonly ignored: readonly string[];
  /** Tensors left out because the user said so. */
  readonly leftOut: readonly string[];
  /** Whether the read-out is the embedding, as the group has none of its own. */
  readonly tied: boolean;
  /** Numbers of the blocks that the tensors' names speak of. */
  readonly blocks: ReadonlySet<number>;
  /** Why the group cannot be used though nothing is missing, or why a weight is. */
  readonly problem?: string;
}

/** What the user says of a group's tensors. */
export interface AssignOptions {
  readonly mapping?: ImportMapping | undefined;
  /** Names of tensors, or of modules with all that they hold, to leave out. */
  readonly ignore?: readonly string[] | undefined;
  /** The file's name, for errors. */
  readonly where: string;
  /** What its config states that the model has not, where it states any. */
  readonly alien?: string | undefined;
}

const SEPARATE: readonly Role[] = ["blocks.0.attn.W_Q", "blocks.0.attn.W_K", "blocks.0.attn.W_V"];

/** Where a read-out may be attention's output: see {@link settle}. */
const MAX_READ_OUTS = 8;

const modulePath = (name: string) => name.replace(/[._/]?(?:weights?|kernel|bias|embeddings?)$|[./][wb]$/i, "");
const isBias = (name: string) => /[._/]?bias$|[./]b$/i.test(name);

/** Whether `ignored` names the tensor or a module that it belongs to. */
function covers(ignored: string, name: string): boolean {
  return name === ignored || (name.startsWith(ignored) && /^[./]/.test(name.slice(ignored.length)));
}

function sameTensor(a: LazyTensor, b: LazyTensor): boolean {
  if (a.shape.join() !== b.shape.join()) return false;
  const [x, y] = [a.read().data, b.read().data];
  return x.every((value, i) => value === y[i]);
}

class Sorter {
  readonly assignment = new Map<Role, Assigned>();
  readonly used = new Set<string>();
  readonly surplus: string[] = [];
  readonly ignored: string[] = [];
  readonly blocks = new Set<number>();
  problem: string | undefined;
  readonly #group: TensorGroup;
  readonly #nameOf: (name: string) => Named | undefined;

  constructor(group: TensorGroup, placement: Placement, attention: string | undefined) {
    this.#group = group;
    this.#nameOf = (name) => {
      const named = placement.get(name) ?? roleNamed(name);
      if (named === undefined || attention === undefined || modulePath(name) !== modulePath(attention)) return named;
      // The module of `attention` is attention's output and not the read-out that its name says.
      if (named.role === "unembed.W_U") return { ...named, role: "blocks.0.attn.W_O" };
      return named.role === "unembed.b_U" ? { ...named, role: "blocks.0.attn.b_O" } : named;
    };
  }

  #readable(role: Role, name: string): LazyTensor | undefined {
    const found = this.#group.tensors.get(name);
    if (!found) this.problem ??= `the mapping of ${role} names ${quoted(name)}, which is not there`;
    else if ("unreadable" in found) this.problem ??= `${role} must be a tensor, ${quoted(name)} is ${found.unreadable}`;
    else return found;
    return undefined;
  }

  map(mapping: ImportMapping, where: string): void {
    for (const [role, entry] of mapping.tensors) {
      const found = this.#readable(role, entry.tensor);
      this.used.add(entry.tensor);
      if (!found) continue;
      const { tensor, fixed } = arrangeMapped(found, entry, `${where}: mapping of ${role}`);
      const style = fixed ? "mapped" : (roleNamed(entry.tensor)?.style ?? "raw");
      this.assignment.set(role, { name: entry.tensor, style, tensor });
    }
    // A weight's bias goes where the weight does, whatever else its name would say.
    for (const [role, { tensor: weight }] of mapping.tensors) {
      const bias = biasOf(role);
      if (bias === undefined || mapping.tensors.has(bias)) continue;
      const name = [...this.#group.tensors.keys()].find((other) => isBias(other) && modulePath(other) === modulePath(weight));
      if (name === undefined || name === weight || this.used.has(name)) continue;
      const tensor = this.#readable(bias, name);
      this.used.add(name);
      if (tensor) this.assignment.set(bias, { name, style: "weight", tensor });
    }
  }

  sort(): void {
    const mapped = new Set(this.assignment.keys());
    const { tensors } = this.#group;
    const separate = [...tensors.keys()].some((name) => SEPARATE.includes(this.#nameOf(name)?.role as Role));
    for (const [name, tensor] of tensors) {
      if (this.used.has(name)) continue;
      if (isOptimizerState(name)) {
        this.ignored.push(name);
        continue;
      }
      const block = blockOf(name);
      if (block !== undefined && !isMask(name, tensor)) this.blocks.add(block);
      const named = this.#nameOf(name);
      if (isMask(name, tensor)) (this.#computes(name, tensor) ? this.surplus : this.ignored).push(name);
      else if (!named || mapped.has(named.role) || (separate && named.role.endsWith("QKV"))) this.#unplaced(name, tensor);
      else this.#place(named, name, tensor);
    }
  }

  #computes(name: string, tensor: LazyTensor | Unreadable): boolean {
    return masksSomething(name, tensor, this.#group) || reorders(name, tensor, this.#group);
  }

  #unplaced(name: string, tensor: LazyTensor | Unreadable): void {
    const unread = "unreadable" in tensor && tensor.tensor !== true;
    const flag = !("unreadable" in tensor) && tensor.boolean === true && sizeOf(tensor.shape) === 1;
    const counts = !("unreadable" in tensor) && tensor.integral === true && !isNormOrGate(name);
    const record = isRecord(name) && !mayBeLearned(name, tensor, this.#group);
    const harmless = unread || flag || record || (counts && !reorders(name, tensor, this.#group));
    (harmless ? this.ignored : this.surplus).push(name);
  }

  #place({ role, style }: Named, name: string, tensor: LazyTensor | Unreadable): void {
    const other = this.assignment.get(role);
    if ((blockOf(name) ?? 0) > 0 && this.blocks.size > 1) this.surplus.push(name);
    else if ("unreadable" in tensor) this.problem ??= `${role} must be a tensor, ${quoted(name)} is ${tensor.unreadable}`;
    else if (other === undefined) this.assignment.set(role, { name, style, tensor });
    else if (sameTensor(other.tensor, tensor)) this.ignored.push(name);
    else
      this.problem ??= `${role} must be one tensor, may be ${quoted(other.name)} or ${quoted(name)} (--mapping says which, --ignore leaves one out)`;
  }
}

function sortTensors(group: TensorGroup, options: AssignOptions, placement: Placement, attention?: string): Sorted {
  const { mapping, ignore = [], where } = options;
  const leftOut = new Set([...group.tensors.keys()].filter((name) => ignore.some((given) => covers(given, name))));
  const kept = new Map([...group.tensors].filter(([name]) => !leftOut.has(name)));
  const sorter = new Sorter({ source: group.source, tensors: kept }, placement, attention);
  if (mapping) sorter.map(mapping, where);
  sorter.sort();
  const { assignment, surplus, ignored, blocks, problem } = sorter;
  const lacks = (role: Role) => !assignment.has(role) && !(SEPARATE.includes(role) && assignment.has("blocks.0.attn.W_QKV"));
  const missing = PARAMETER_NAMES.filter(lacks);
  const embedding = assignment.get("embed.W_E");
  const tied = missing.length === 1 && missing[0] === "unembed.W_U" && embedding !== undefined;
  if (tied) assignment.set("unembed.W_U", { ...embedding, style: "weight" });
  return {
    source: group.source,
    assignment,
    missing: tied ? [] : missing,
    surplus,
    ignored,
    leftOut: [...leftOut],
    tied,
    blocks,
    ...(problem === undefined ? {} : { problem }),
  };
}

/**
 * Sorts the tensors of a group by name, number and mapping. Where names leave two ways, the shapes tell them apart: numbered
 * tensors, and a file that calls attention's output `out_proj` outside of any block, as others do their read-out.
 */
export function settle(group: TensorGroup, options: AssignOptions): Sorted {
  const plain = settleAsIs(group, options);
  if (whole(plain) && !plain.tied && plain.surplus.length === 0) return plain;
  // Names that the user gives are the file's own.
  const { mapping, ignore = [] } = options;
  const joined = mapping === undefined && ignore.length === 0 ? joinLists(group) : undefined;
  const sorted = joined === undefined ? plain : settleAsIs(joined, options);
  return whole(sorted) && sorted.surplus.length <= plain.surplus.length ? sorted : plain;
}

const whole = ({ missing, problem }: Sorted) => missing.length === 0 && problem === undefined;

function settleAsIs(group: TensorGroup, options: AssignOptions): Sorted {
  const names = [...group.tensors.keys()];
  const ways = placementsOf(names).map((placement) => sortTensors(group, options, placement));
  let fitting: Sorted | undefined;
  for (const sorted of ways) {
    const degree = whole(sorted) && !sorted.tied ? fit(sorted.assignment) : 0;
    if (degree === 2) return sorted;
    if (degree === 1) fitting ??= sorted;
  }
  if (fitting) return fitting;
  const best = ways.reduce((a, b) => (b.missing.length < a.missing.length ? b : a));
  if (best.assignment.has("blocks.0.attn.W_O")) return best;
  const readOuts = names.filter((name) => roleNamed(name)?.role === "unembed.W_U");
  if (readOuts.length > MAX_READ_OUTS) return best;
  const turned = placementsOf(names)
    .flatMap((placement) => readOuts.map((name) => sortTensors(group, options, placement, name)))
    .filter((sorted) => whole(sorted) && fit(sorted.assignment) > 0);
  const certain = turned.filter(({ tied }) => !tied);
  const [only, ...others] = certain.length > 0 ? certain : turned;
  return only !== undefined &&
    others.every((other) => other.assignment.get("blocks.0.attn.W_O")?.name === only.assignment.get("blocks.0.attn.W_O")?.name)
    ? only
    : best;
}

/** Throws unless each name to ignore names something in the file. */
export function ensureIgnored(groups: readonly TensorGroup[], ignore: readonly string[], where: string): void {
  for (const given of ignore) {
    const known = groups.some(
      ({ source, tensors }) => source === given || [...tensors.keys()].some((name) => covers(given, name)),
    );
    ensure(known, "usage", () => `${where}: --ignore ${quoted(given)}: must name a tensor of the file or a module of it`);
  }
}

/** A group over plain arrays by name. */
export function groupOf(tensors: TensorGroup["tensors"], source = ""): TensorGroup {
  return { source, tensors };
}
