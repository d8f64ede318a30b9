import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ImportedModel, type ImportRequest, importModel, type StoredConfig, tensorsOf } from "../../src/checkpoint/index.ts";
import { float32, type NdArray, randomStream, rows, sizeOf, transpose } from "../../src/core/index.ts";
import { initParameters, type ParameterName, type Parameters, type PerParameter } from "../../src/model/index.ts";
import { type Py, stateDictArchive } from "./torch-archive.ts";

export type Tensor = NdArray<"float32">;
export type Tensors = Record<string, Tensor>;

/** Every size is different, but for head·d_head = d_model: the usual square matrices. */
export const config: StoredConfig = {
  task: "nanda",
  p: 11,
  labels: "remainder",
  shuffle_labels: false,
  d_model: 8,
  n_heads: 2,
  d_head: 4,
  d_mlp: 20,
};
export const weightsOf = (of: StoredConfig): PerParameter<Tensor> => initParameters({ ...of, init: "he" }, 1);
export const truth = weightsOf(config);
/** The same by name, as files hold it. */
export const arrays = new Map<string, NdArray>(Object.entries(truth));
const random = randomStream(9, "biases");
export const draw = (...shape: number[]): Tensor => float32(Float32Array.from({ length: sizeOf(shape) }, random.normal), shape);
export const as = (array: Tensor, ...shape: number[]): Tensor => float32(array.data, shape);
/** A causal mask over the three positions. */
export const causal: Tensor = float32([1, 0, 0, 1, 1, 0, 1, 1, 1], [3, 3]);
/** [heads, d_model, d_head] as [heads·d_head, d_model]. */
const fuse = (array: Tensor): Tensor => {
  const [n, d, k] = array.shape as [number, number, number];
  const parts = Array.from({ length: n }, (_, h) => transpose(as(rows(array, h, h + 1), d, k)));
  return float32(
    parts.flatMap(({ data }) => [...data]),
    [n * k, d],
  );
};
export const stack = (...arrays: Tensor[]): Tensor =>
  float32(
    arrays.flatMap(({ data }) => [...data]),
    [arrays.reduce((sum, { shape }) => sum + (shape[0] as number), 0), ...(arrays[0]?.shape.slice(1) ?? [])],
  );

export const short = {
  E: "embed.W_E",
  pos: "pos_embed.W_pos",
  Q: "blocks.0.attn.W_Q",
  K: "blocks.0.attn.W_K",
  V: "blocks.0.attn.W_V",
  O: "blocks.0.attn.W_O",
  in: "blocks.0.mlp.W_in",
  out: "blocks.0.mlp.W_out",
  U: "unembed.W_U",
} as const satisfies Record<string, ParameterName>;

/** A model in the style of `nn.Linear`. */
export function linear(of: PerParameter<Tensor> = truth): Tensors {
  return {
    "embed.weight": of[short.E],
    pos: of[short.pos],
    "Wq.weight": fuse(of[short.Q]),
    "Wk.weight": fuse(of[short.K]),
    "Wv.weight": fuse(of[short.V]),
    "Wo.weight": transpose(as(of[short.O], 8, 8)),
    "mlp_in.weight": transpose(of[short.in]),
    "mlp_out.weight": transpose(of[short.out]),
    "unembed.weight": transpose(of[short.U]),
  };
}

/** Science.md's transposed layout: [out, in] but for the read-out. */
export function transposed(): Tensors {
  const heads = (name: ParameterName) => as(fuse(truth[name]), 2, 4, 8);
  return {
    [short.E]: transpose(truth[short.E]),
    [short.pos]: truth[short.pos],
    [short.Q]: heads(short.Q),
    [short.K]: heads(short.K),
    [short.V]: heads(short.V),
    [short.O]: transpose(as(truth[short.O], 8, 8)),
    [short.in]: transpose(truth[short.in]),
    [short.out]: transpose(truth[short.out]),
    [short.U]: truth[short.U],
  };
}

export const folder = mkdtempSync(join(tmpdir(), "miiii-import-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
let files = 0;
export function save(bytes: Uint8Array | string, ending = "pth"): string {
  files++;
  const path = join(folder, `${files}.${ending}`);
  writeFileSync(path, bytes);
  return path;
}
let folders = 0;
/** A new folder with these files. */
export function newFolder(content: Readonly<Record<string, Uint8Array | string>>): string {
  folders++;
  const path = join(folder, `folder-${folders}`);
  mkdirSync(path);
  for (const [name, bytes] of Object.entries(content)) writeFileSync(join(path, name), bytes);
  return path;
}
/** The one reading that a file has. */
export function only(path: string, request: ImportRequest = {}) {
  const result = importModel(path, request);
  assert.equal(result.candidates.length, 1);
  const [model] = result.candidates;
  return { ...result, model, record: model && result.recordOf(model) };
}
export const load = (tensors: Tensors, options: Options = {}, wrap?: (dict: Py) => Py) =>
  importModel(save(stateDictArchive(tensors, wrap)), options);
export type Options = ImportRequest;

const equal = (a: Parameters, b: Parameters) => {
  const [x, y] = [tensorsOf(a), tensorsOf(b)];
  return (
    x.size === y.size &&
    [...x].every(([name, array]) => {
      const other = y.get(name);
      return other?.shape.join() === array.shape.join() && array.data.every((value, i) => value === other.data[i]);
    })
  );
};
/** Stands in for an evaluation: only the true weights compute the task. */
export const oracle = (parameters: Parameters) => async (model: ImportedModel) => (equal(model.parameters, parameters) ? 1 : 0.2);
