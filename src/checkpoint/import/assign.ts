import { ensure, MiiiiError, quoted } from "../../core/index.ts";
import { PARAMETER_NAMES } from "../../model/index.ts";
import type { TensorGroup } from "../formats/lazy.ts";
import { fits } from "./candidates.ts";
import { arrangeMapped, type ImportMapping } from "./mapping.ts";
import type { Assigned } from "./readings.ts";
import { blockOf, isBuffer, type Named, type Role, roleOf } from "./roles.ts";

/** The tensors of a group sorted by what they are. */
export interface Sorted {
  readonly source: string;
  readonly assignment: ReadonlyMap<Role, Assigned>;
  /** Weights that the group lacks. */
  readonly missing: readonly Role[];
  /** Tensors that have no place in the model. */
  readonly surplus: readonly string[];
  /** Masks and the like. */
  readonly ignored: readonly string[];
  /** Why the group cannot be used though nothing is missing, or why a weight is. */
  readonly problem?: string;
}

const SEPARATE = ["blocks.0.attn.W_Q", "blocks.0.attn.W_K", "blocks.0.attn.W_V"] as const;

function list(names: readonly string[]): string {
  const shown = names.slice(0, 8).map(quoted).join(", ");
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}

const moduleOf = (name: string) => name.replace(/[._/]?(?:weights?|kernel|bias)$/i, "");

/** What a tensor is by its name, where the module of `attention` is attention's output and not the read-out that its name says. */
function namedAs(name: string, attention: string | undefined): Named | undefined {
  const named = roleOf(name);
  if (named === undefined || attention === undefined || moduleOf(name) !== moduleOf(attention)) return named;
  if (named.role === "unembed.W_U") return { ...named, role: "blocks.0.attn.W_O" };
  return named.role === "unembed.b_U" ? { ...named, role: "blocks.0.attn.b_O" } : named;
}

/**
 * Sorts the tensors of a group by name and mapping.
 *
 * @param attention The name of a read-out's weight that is taken for attention's output.
 */
function sortTensors(group: TensorGroup, mapping: ImportMapping | undefined, where: string, attention?: string): Sorted {
  const assignment = new Map<Role, Assigned>();
  const used = new Set<string>();
  const surplus: string[] = [];
  const ignored: string[] = [];
  let problem: string | undefined;
  for (const [role, entry] of mapping?.tensors ?? []) {
    const found = group.tensors.get(entry.tensor);
    if (!found) problem ??= `the mapping of ${role} names ${quoted(entry.tensor)}, which is not there`;
    else if ("unreadable" in found) problem ??= `${role} must be a tensor, ${quoted(entry.tensor)} is ${found.unreadable}`;
    else {
      const { tensor, fixed } = arrangeMapped(found, entry, `${where}: mapping of ${role}`);
      assignment.set(role, { name: entry.tensor, style: fixed ? "mapped" : (roleOf(entry.tensor)?.style ?? "raw"), tensor });
    }
    used.add(entry.tensor);
  }
  const mapped = new Set(assignment.keys());
  const fused = SEPARATE.some((role) => [...group.tensors.keys()].some((name) => namedAs(name, attention)?.role === role));
  for (const [name, tensor] of group.tensors) {
    if (used.has(name)) continue;
    if (isBuffer(name)) {
      ignored.push(name);
      continue;
    }
    const named = namedAs(name, attention);
    const taken = named && (mapped.has(named.role) || (fused && named.role.endsWith("QKV")));
    if (!named || taken) {
      if (!("unreadable" in tensor)) surplus.push(name);
      continue;
    }
    const { role, style } = named;
    const other = assignment.get(role);
    if ((blockOf(name) ?? 0) > 0) problem ??= `the model must have one block, ${quoted(name)} is of another`;
    else if ("unreadable" in tensor) problem ??= `${role} must be a tensor, ${quoted(name)} is ${tensor.unreadable}`;
    else if (other)
      problem ??= `${role} must be one tensor, may be ${quoted(other.name)} or ${quoted(name)} (say which in a mapping)`;
    else assignment.set(role, { name, style, tensor });
  }
  const missing = PARAMETER_NAMES.filter(
    (role) => !assignment.has(role) && !((SEPARATE as readonly Role[]).includes(role) && assignment.has("blocks.0.attn.W_QKV")),
  );
  return { source: group.source, assignment, missing, surplus, ignored, ...(problem === undefined ? {} : { problem }) };
}

/**
 * Sorts the tensors of a group. A file may call attention's output `out_proj` outside of any block, as others do their read-out: where
 * two tensors may be the read-out and none is attention's output, their shapes tell them apart if they fit in one way alone.
 */
function settle(group: TensorGroup, mapping: ImportMapping | undefined, where: string): Sorted {
  const byName = sortTensors(group, mapping, where);
  if (byName.problem === undefined || byName.assignment.has("blocks.0.attn.W_O")) return byName;
  const fitting = [...group.tensors.keys()]
    .filter((name) => roleOf(name)?.role === "unembed.W_U")
    .map((name) => sortTensors(group, mapping, where, name))
    .filter(({ missing, problem, assignment }) => missing.length === 0 && problem === undefined && fits(assignment));
  return fitting.length === 1 ? (fitting[0] ?? byName) : byName;
}

/**
 * The first group that has every weight.
 *
 * @throws where none has, naming what the best lacks.
 */
export function chooseGroup(groups: readonly TensorGroup[], mapping: ImportMapping | undefined, where: string): Sorted {
  const sorted = groups.map((group) => settle(group, mapping, where));
  const whole = sorted.find(({ missing, problem }) => missing.length === 0 && problem === undefined);
  if (whole) return whole;
  const best = sorted.reduce<Sorted | undefined>(
    (a, b) => (a === undefined || b.missing.length < a.missing.length ? b : a),
    undefined,
  );
  ensure(best, "input", () => `${where}: must hold tensors, and holds none`);
  const here = best.source === "" ? where : `${where}: ${quoted(best.source)}`;
  if (best.problem !== undefined) throw new MiiiiError("input", `${here}: ${best.problem}`);
  const others = best.surplus.length === 0 ? "" : `; unknown are ${list(best.surplus)} (a mapping can name them)`;
  throw new MiiiiError("input", `${here}: must hold every weight, lacks ${best.missing.join(", ")}${others}`);
}

/** A group over plain arrays by name. */
export function groupOf(tensors: TensorGroup["tensors"]): TensorGroup {
  return { source: "", tensors };
}
