import { MiiiiError, sizeOf } from "../../core/index.ts";
import { parameterShapes } from "../../model/index.ts";
import type { StoredConfig } from "../config.ts";
import {
  type Assigned,
  type Assignment,
  type InputReading,
  inputReadings,
  type MatrixReading,
  matrixReadings,
  type OutputReading,
  outputReadings,
  type Reading,
  sidesOf,
} from "./readings.ts";
import type { Role } from "./roles.ts";

/** Sizes that the matrices' shapes give. */
export interface Sizes {
  readonly d_model: number;
  readonly p: number;
  readonly d_mlp: number;
}

/** One way to read every weight, all shapes agreeing. */
export interface Read extends Sizes {
  /** Whether '=' is the last token: without it there are p tokens and two positions. */
  readonly equals: boolean;
  /** Rows of the embedding after that of '=', which no input reaches: a vocabulary padded to a rounder number. */
  readonly padding: number;
  readonly W_E: MatrixReading;
  readonly W_pos: MatrixReading;
  readonly W_QKV: InputReading;
  readonly W_O: OutputReading;
  readonly W_in: MatrixReading;
  readonly W_out: MatrixReading;
  readonly W_U: MatrixReading;
}

/** The number of logits that a task has. */
export function logits(task: StoredConfig["task"], labels: StoredConfig["labels"], sizes: Sizes): number {
  const config = { ...sizes, task, labels, shuffle_labels: false, n_heads: 1, d_head: 1 };
  return parameterShapes(config)["unembed.W_U"][1] as number;
}

/** Every pair, triple, … of one element from each list. */
function* product<T extends readonly unknown[]>(...lists: { readonly [i in keyof T]: readonly T[i][] }): Generator<T> {
  const [first, ...rest] = lists;
  if (first === undefined) {
    yield [] as unknown as T;
    return;
  }
  for (const head of first) for (const tail of product(...rest)) yield [head, ...tail] as unknown as T;
}

const shapeOf = (assignment: Assignment, role: Role) => {
  const assigned = assignment.get(role);
  return assigned ? `${assigned.name} [${assigned.tensor.shape.join(", ")}]` : `no ${role}`;
};

function validModulus(p: number): boolean {
  try {
    logits("nanda", "remainder", { p, d_model: 1, d_mlp: 1 });
    return true;
  } catch {
    return false;
  }
}

/** What is known of the modulus beside the shapes. */
export interface KnownModulus {
  readonly asked?: number | undefined;
  readonly stated?: number | undefined;
}

/** Vocabularies are padded to multiples of this. */
const PADDED_TO = 8;

/**
 * The modulus of a vocabulary: its tokens but '='; fewer where the user says so, or where the vocabulary may be padded and the
 * file's word or the number of classes says so. With more than three positions further tokens may be in use: an operator's.
 */
function modulusOf(rows: number, positions: number, classes: number, { asked, stated }: KnownModulus): number {
  if (positions === 2) return rows;
  if (asked !== undefined && asked < rows) return asked;
  const known = rows % PADDED_TO === 0 && positions === 3 ? [stated, classes, classes - 1] : [];
  return known.find((p) => p !== undefined && p < rows - 1 && validModulus(p)) ?? rows - 1;
}

/** Why no way of reading was found, as the caller will say it: the last question that every way failed at. */
export class Reasons {
  #stage = -1;
  #reasons = new Set<string>();

  add(stage: number, reason: string): void {
    if (stage > this.#stage) this.#reasons.clear();
    this.#stage = Math.max(stage, this.#stage);
    if (stage === this.#stage) this.#reasons.add(reason);
  }

  toString(): string {
    return [...this.#reasons].slice(0, 3).join("; or ");
  }
}

function get(assignment: Assignment, role: Role): Assigned {
  const assigned = assignment.get(role);
  if (!assigned) throw new MiiiiError("input", `import: must have ${role}, and has not`);
  return assigned;
}

/** Every way in which the shapes agree with each other. */
export function readingsOf(assignment: Assignment, reasons: Reasons, modulus: KnownModulus = {}): Read[] {
  const [embed, pos, output, mlpIn, mlpOut, unembed] = [
    get(assignment, "embed.W_E"),
    get(assignment, "pos_embed.W_pos"),
    get(assignment, "blocks.0.attn.W_O"),
    get(assignment, "blocks.0.mlp.W_in"),
    get(assignment, "blocks.0.mlp.W_out"),
    get(assignment, "unembed.W_U"),
  ];
  const others = [mlpIn, mlpOut, pos, unembed].map(sidesOf);
  const widths = new Set(sidesOf(embed).filter((side) => others.every((sides) => sides.includes(side))));
  const shapes = (roles: readonly Role[]) => roles.map((role) => shapeOf(assignment, role)).join(", ");
  const tables = ["embed.W_E", "pos_embed.W_pos", "blocks.0.mlp.W_in", "blocks.0.mlp.W_out", "unembed.W_U"] as const;
  reasons.add(0, `matrices must share one side, d_model, got ${shapes(tables)}`);
  const found: Read[] = [];
  for (const d_model of widths) {
    const inputs = inputReadings(assignment, d_model);
    const outputs = outputReadings(output, d_model);
    if (inputs.length === 0 || outputs.length === 0) {
      const roles = assignment.has("blocks.0.attn.W_QKV")
        ? (["blocks.0.attn.W_QKV", "blocks.0.attn.W_O"] as const)
        : (["blocks.0.attn.W_Q", "blocks.0.attn.W_K", "blocks.0.attn.W_V", "blocks.0.attn.W_O"] as const);
      const queries = assignment.get("blocks.0.attn.W_Q")?.tensor.shape ?? [];
      const keys = assignment.get("blocks.0.attn.W_K")?.tensor.shape ?? [];
      const grouped = queries.length === keys.length && sizeOf(keys) > 0 && sizeOf(keys) < sizeOf(queries);
      const help = grouped ? " (of grouped queries: repeat_interleave each key and value head over its group)" : "";
      reasons.add(1, `attention must have d_model = ${d_model} on one side, W_Q|K|V of one shape, got ${shapes(roles)}${help}`);
    }
    const ways = product<
      [MatrixReading, MatrixReading, InputReading, OutputReading, MatrixReading, MatrixReading, MatrixReading]
    >(
      matrixReadings("embed.W_E", embed, 1, d_model),
      // A position table whose rows are as many as its columns is taken as it is.
      matrixReadings("pos_embed.W_pos", pos, 1, d_model).slice(0, 1),
      inputs,
      outputs,
      matrixReadings("W_in", mlpIn, 0, d_model),
      matrixReadings("W_out", mlpOut, 1, d_model),
      matrixReadings("unembed.W_U", unembed, 0, d_model),
    );
    for (const [W_E, W_pos, W_QKV, W_O, W_in, W_out, W_U] of ways) {
      const equals = W_pos.other !== 2;
      const p = modulusOf(W_E.other, W_pos.other, W_U.other, modulus);
      const padding = equals ? W_E.other - p - 1 : 0;
      if (modulus.asked !== undefined && p !== modulus.asked) {
        reasons.add(2, `the vocabulary must be of ${modulus.asked} digits and '=', has ${W_E.other} tokens`);
      } else if (!validModulus(p) && !(W_pos.other === 2 && validModulus(p - 1))) {
        const tokens = equals ? "p + 1 tokens, '=' the last," : "p tokens (two positions: no '=')";
        reasons.add(
          2,
          `the vocabulary must be ${tokens} for a prime p from 5 to 251, got ${W_E.other} (further tokens, such as an operator's, have no place; where they are padding, --modulus says p)`,
        );
      } else if (W_pos.other < 2 || !validModulus(p)) {
        const got = `${W_pos.other} for ${W_E.other} tokens`;
        reasons.add(3, `pos_embed.W_pos must have 3 positions or more, or 2 for p tokens without '=', got ${got}`);
      } else if (W_in.other !== W_out.other) {
        reasons.add(3, `W_in and W_out must share d_mlp, got ${shapes(["blocks.0.mlp.W_in", "blocks.0.mlp.W_out"])}`);
      } else if (W_QKV.width !== W_O.width) {
        reasons.add(3, `W_Q|K|V and W_O must agree on head·d_head, got ${W_QKV.width} and ${W_O.width}`);
      } else if (W_QKV.heads && W_O.heads && W_QKV.heads.n_heads !== W_O.heads.n_heads) {
        reasons.add(3, `W_Q|K|V and W_O must agree on the number of heads, got ${W_QKV.heads.n_heads} and ${W_O.heads.n_heads}`);
      } else found.push({ d_model, p, d_mlp: W_in.other, equals, padding, W_E, W_pos, W_QKV, W_O, W_in, W_out, W_U });
    }
  }
  return found;
}

/** The readings of a model's groups, always in the same order. */
export const tensorReadings = (read: Read): Reading[] => [
  read.W_E,
  read.W_pos,
  read.W_QKV,
  read.W_O,
  read.W_in,
  read.W_out,
  read.W_U,
];
