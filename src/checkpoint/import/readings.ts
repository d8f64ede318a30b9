import { dim, sizeOf } from "../../core/index.ts";
import type { LazyTensor } from "../formats/lazy.ts";
import { once, permute, reshape, sliceRows, squeeze } from "./arrange.ts";
import { type Group, LAYOUTS_OF, type Layout, type Orientation } from "./layout.ts";
import type { Role, Style } from "./roles.ts";

/** A tensor with what its name says; `mapped`: arranged by the user's mapping, so that no question is left. */
export interface Assigned {
  readonly name: string;
  readonly style: Style | "mapped";
  readonly tensor: LazyTensor;
}

/** The tensors of a model by role. */
export type Assignment = ReadonlyMap<Role, Assigned>;

const BLOCK_ROLE = /^blocks\.0\./;

const ATTENTION_ROLE = /^blocks\.0\.attn\./;

/**
 * A tensor without the axes of length 1 that are not its own: those in front and, of a table or a matrix, anywhere (a batch's in
 * a table of positions, a convolution's kernel of one); of a module's attention weights those at the end, since an axis in front
 * may be of a single head.
 */
function withoutUnits(role: Role, assigned: Assigned): Assigned {
  const { tensor, style } = assigned;
  const { shape } = tensor;
  const attention = ATTENTION_ROLE.test(role);
  if (style === "mapped" || shape.length < 3 || (attention && style !== "weight")) return assigned;
  const kept = attention ? [...shape] : shape.filter((n) => n !== 1);
  while (kept.length > 2 && kept.at(-1) === 1) kept.pop();
  return kept.length < 2 || kept.length === shape.length ? assigned : { ...assigned, tensor: reshape(tensor, kept) };
}

/**
 * The tensors without axes of length 1 that are not theirs: an axis for the depth, as JAX's scanned blocks have it in front, and
 * those of {@link withoutUnits}. That the MLP's matrices have it tells the depth's axis from one for a single attention head.
 */
export function withoutUnitAxes(assigned: Assignment): Assignment {
  const mlp = assigned.get("blocks.0.mlp.W_in")?.tensor.shape ?? [];
  const deep = mlp.length === 3 && mlp[0] === 1;
  const assignment = deep ? withoutDepth(assigned) : assigned;
  return new Map([...assignment].map(([role, one]): [Role, Assigned] => [role, withoutUnits(role, one)]));
}

function withoutDepth(assignment: Assignment): Assignment {
  return new Map(
    [...assignment].map(([role, assigned]): [Role, Assigned] => {
      const { shape } = assigned.tensor;
      if (!BLOCK_ROLE.test(role) || shape.length < 2 || shape[0] !== 1 || assigned.style === "mapped") return [role, assigned];
      return [role, { ...assigned, tensor: reshape(assigned.tensor, shape.slice(1)) }];
    }),
  );
}

/** One way to read the tensors of a group. */
export interface Reading {
  readonly group: Group;
  readonly orientation: Orientation;
  readonly layouts: readonly Layout[];
}

/** One way to read a matrix that has d_model on one side. */
export interface MatrixReading extends Reading {
  /** The length of its other side. */
  readonly other: number;
  /** In TransformerLens's orientation. */
  readonly tensor: LazyTensor;
}

/**
 * The ways to read a matrix whose TransformerLens form has d_model on `axis`: by its shape none, one, or both where it is square.
 */
export function matrixReadings(group: Group, assigned: Assigned, axis: 0 | 1, dModel: number): MatrixReading[] {
  const matrix = squeeze(assigned.tensor, 2);
  if (matrix.shape.length !== 2) return [];
  const readings: MatrixReading[] = [];
  if (dim(matrix, axis) === dModel) {
    const layouts = LAYOUTS_OF[group]["in-out"];
    readings.push({ group, orientation: "in-out", layouts, other: dim(matrix, 1 - axis), tensor: once(matrix) });
  }
  if (dim(matrix, 1 - axis) === dModel && assigned.style !== "mapped") {
    const layouts = LAYOUTS_OF[group]["out-in"];
    readings.push({ group, orientation: "out-in", layouts, other: dim(matrix, axis), tensor: once(permute(matrix, [1, 0])) });
  }
  return readings;
}

/** Number and width of the attention heads. */
export interface Heads {
  readonly n_heads: number;
  readonly d_head: number;
}

/** One way to read the attention's tensors. */
export interface HeadsReading extends Reading {
  /** Attention heads × their width. */
  readonly width: number;
  /** Known where the attention heads have an axis to themselves. */
  readonly heads?: Heads;
}

/**
 * How query, key and value lie in one axis: one after the other, or each attention head's together, as GPT-NeoX and Megatron
 * write them.
 */
export type FusedOrder = "stacked" | "by head";

/** One way to read query, key and value. */
export interface InputReading extends HeadsReading {
  /** Where they are fused in one axis. */
  readonly fused?: FusedOrder;
  /** As [heads, d_model, d_head]. */
  readonly tensors: (heads: Heads) => readonly [LazyTensor, LazyTensor, LazyTensor];
}

/** The orders of the axes of a three-dimensional W_Q: attention heads, d_model and d_head, with the layouts that have them so. */
const INPUT_AXES = [
  { head: 0, model: 1, width: 2, orientation: "in-out", layouts: ["transformerlens"] },
  { head: 0, model: 2, width: 1, orientation: "out-in", layouts: ["transposed"] },
  { head: 1, model: 0, width: 2, orientation: "in-out", layouts: [] },
] as const;

/** The same for W_O, whose TransformerLens form is [heads, d_head, d_model]. */
const OUTPUT_AXES = [
  { head: 0, width: 1, model: 2, orientation: "in-out", layouts: ["transformerlens"] },
  { head: 0, width: 2, model: 1, orientation: "out-in", layouts: [] },
  { head: 1, width: 2, model: 0, orientation: "out-in", layouts: [] },
] as const;

function separateInputs(triple: readonly Assigned[], dModel: number): InputReading[] {
  const group = "W_Q|K|V";
  const tensors = triple.map(({ tensor }) => squeeze(tensor, 3));
  const [first] = tensors;
  const mapped = triple.some(({ style }) => style === "mapped");
  const shape = first?.shape ?? [];
  if (tensors.length !== 3 || tensors.some((tensor) => tensor.shape.join() !== shape.join())) return [];
  const each = (arrange: (tensor: LazyTensor, heads: Heads) => LazyTensor) => {
    return (heads: Heads) =>
      tensors.map((tensor) => once(arrange(tensor, heads))) as unknown as [LazyTensor, LazyTensor, LazyTensor];
  };
  if (shape.length === 3) {
    return INPUT_AXES.slice(0, mapped ? 1 : undefined).flatMap((axes) => {
      if (shape[axes.model] !== dModel) return [];
      const heads = { n_heads: shape[axes.head] as number, d_head: shape[axes.width] as number };
      const arrange = (tensor: LazyTensor) => permute(tensor, [axes.head, axes.model, axes.width]);
      return [
        {
          group,
          orientation: axes.orientation,
          layouts: axes.layouts,
          width: heads.n_heads * heads.d_head,
          heads,
          tensors: each(arrange),
        },
      ];
    });
  }
  const [matrix] = triple;
  return (matrix ? matrixReadings(group, matrix, 0, dModel) : []).map(({ orientation, layouts, other: width }) => ({
    group,
    orientation,
    layouts,
    width,
    tensors: each((tensor, heads) => splitInput(orientation === "in-out" ? tensor : permute(tensor, [1, 0]), heads)),
  }));
}

/** [d_model, heads·d_head] as [heads, d_model, d_head]. */
function splitInput(matrix: LazyTensor, { n_heads, d_head }: Heads): LazyTensor {
  return permute(reshape(matrix, [dim(matrix, 0), n_heads, d_head]), [1, 0, 2]);
}

/** The ways to read query, key and value, be they three tensors or one. */
export function inputReadings(assignment: Assignment, dModel: number): InputReading[] {
  const fused = assignment.get("blocks.0.attn.W_QKV");
  if (!fused) {
    const roles = ["blocks.0.attn.W_Q", "blocks.0.attn.W_K", "blocks.0.attn.W_V"] as const;
    return separateInputs(
      roles.flatMap((role) => assignment.get(role) ?? []),
      dModel,
    );
  }
  // Stacked along an axis of their own, [3, …].
  const stack = squeeze(fused.tensor, 3);
  if (stack.shape.length >= 3 && stack.shape[0] === 3) {
    const parts = [0, 1, 2].map((i) => reshape(sliceRows(stack, i, i + 1), stack.shape.slice(1)));
    return separateInputs(
      parts.map((tensor) => ({ ...fused, tensor })),
      dModel,
    );
  }
  return matrixReadings("W_Q|K|V", fused, 0, dModel)
    .filter(({ other }) => other % 3 === 0)
    .flatMap(({ group, orientation, layouts, other, tensor }) =>
      (["stacked", "by head"] as const).map((order) => ({
        group,
        orientation,
        layouts,
        width: other / 3,
        fused: order,
        tensors: (heads: Heads) => {
          const parts = fusedParts(permute(tensor, [1, 0]), order, heads);
          return parts.map((part) => once(splitInput(permute(part, [1, 0]), heads))) as unknown as Three;
        },
      })),
    );
}

type Three = readonly [LazyTensor, LazyTensor, LazyTensor];

/** Query's, key's and value's rows, [head·d_head, …] each, of those of all three. */
export function fusedParts(rows: LazyTensor, order: FusedOrder, { n_heads, d_head }: Heads): readonly LazyTensor[] {
  const [, ...rest] = rows.shape;
  const width = n_heads * d_head;
  const stacked =
    order === "stacked"
      ? rows
      : reshape(permute(reshape(rows, [n_heads, 3, d_head * sizeOf(rest)]), [1, 0, 2]), [3 * width, ...rest]);
  return [0, 1, 2].map((i) => sliceRows(stacked, i * width, (i + 1) * width));
}

/** One way to read W_O. */
export interface OutputReading extends HeadsReading {
  /** As [heads, d_head, d_model]. */
  readonly tensor: (heads: Heads) => LazyTensor;
}

/** The ways to read W_O. */
export function outputReadings(assigned: Assigned, dModel: number): OutputReading[] {
  const group = "W_O";
  const tensor = squeeze(assigned.tensor, 3);
  const { shape } = tensor;
  if (shape.length === 3) {
    return OUTPUT_AXES.slice(0, assigned.style === "mapped" ? 1 : undefined).flatMap((axes) => {
      if (shape[axes.model] !== dModel) return [];
      const heads = { n_heads: shape[axes.head] as number, d_head: shape[axes.width] as number };
      const arranged = once(permute(tensor, [axes.head, axes.width, axes.model]));
      return [
        {
          group,
          orientation: axes.orientation,
          layouts: axes.layouts,
          width: heads.n_heads * heads.d_head,
          heads,
          tensor: () => arranged,
        },
      ];
    });
  }
  return matrixReadings(group, assigned, 1, dModel).map(({ orientation, layouts, other: width, tensor: matrix }) => ({
    group,
    orientation,
    layouts,
    width,
    tensor: ({ n_heads, d_head }) => once(reshape(matrix, [n_heads, d_head, dModel])),
  }));
}

/** Sides of a matrix, in any order, that may be d_model. */
export function sidesOf(assigned: Assigned | undefined): number[] {
  return assigned ? squeeze(assigned.tensor, 2).shape.slice() : [];
}

/** A bias in the shape asked for, where it has as many elements; as it is otherwise, for the check of shapes to name. */
export function biasAs(tensor: LazyTensor, shape: readonly number[]): LazyTensor {
  return sizeOf(tensor.shape) === sizeOf(shape) ? reshape(tensor, shape) : tensor;
}
