import { type NdArray, sizeOf, toFloat32, toFloat64 } from "../../core/index.ts";
import type { BiasName, Parameters } from "../../model/index.ts";
import { biasShapes, checkParameters } from "../check-parameters.ts";
import type { StoredConfig } from "../config.ts";
import type { LazyTensor } from "../formats/lazy.ts";
import { permute, reshape, sliceRows } from "./arrange.ts";
import { type Assignment, biasAs, fusedParts } from "./readings.ts";
import type { Read } from "./solve.ts";

/** The rows of the two digits' positions exchanged: the same model with its operands in the other order. */
function swapDigits(positions: LazyTensor): LazyTensor {
  const read = () => {
    const array = positions.read();
    const width = positions.shape[1] as number;
    const data = array.data.slice();
    data.copyWithin(0, width, 2 * width);
    data.set(array.data.subarray(0, width), width);
    return { ...array, data } as typeof array;
  };
  return { shape: positions.shape, read };
}

/** The first columns of a matrix. */
function columns(matrix: LazyTensor, count: number): LazyTensor {
  return permute(sliceRows(permute(matrix, [1, 0]), 0, count), [1, 0]);
}

/** Weights that were stored as integers, as quantised ones are, in the smallest floats that hold them exactly. */
function asFloats(array: NdArray): NdArray {
  if (array.dtype !== "int32") return array;
  return array.data.every((value) => Math.abs(value) <= 2 ** 24) ? toFloat32(array) : toFloat64(array);
}

/**
 * The weights and biases as one way of reading has them, under TransformerLens's names and in its shapes.
 *
 * @param swapped - exchange the first two positions, for models whose first token is the high digit.
 */
export function parametersOf(
  assignment: Assignment,
  read: Read,
  swapped: boolean,
  config: StoredConfig,
  where: string,
): Parameters {
  const [W_Q, W_K, W_V] = read.W_QKV.tensors(config);
  // A padded vocabulary's read-out has the padding's classes as well, which no sample has.
  const padded = read.padding > 0 && read.W_U.other > read.p + 1 && config.task === "nanda";
  const classes = padded ? read.p : read.W_U.other;
  const positions = sliceRows(read.W_pos.tensor, 0, read.equals ? 3 : 2);
  const tensors = new Map<string, LazyTensor>([
    ["embed.W_E", read.padding === 0 ? read.W_E.tensor : sliceRows(read.W_E.tensor, 0, read.p + 1)],
    ["pos_embed.W_pos", swapped ? swapDigits(positions) : positions],
    ["blocks.0.attn.W_Q", W_Q],
    ["blocks.0.attn.W_K", W_K],
    ["blocks.0.attn.W_V", W_V],
    ["blocks.0.attn.W_O", read.W_O.tensor(config)],
    ["blocks.0.mlp.W_in", read.W_in.tensor],
    ["blocks.0.mlp.W_out", read.W_out.tensor],
    ["unembed.W_U", classes === read.W_U.other ? read.W_U.tensor : columns(read.W_U.tensor, classes)],
  ]);
  const shapes = biasShapes(config, classes);
  for (const name of Object.keys(shapes) as BiasName[]) {
    const bias = assignment.get(name)?.tensor;
    const cut = bias && padded && name === "unembed.b_U" ? sliceRows(bias, 0, classes) : bias;
    if (cut) tensors.set(name, biasAs(cut, shapes[name]));
  }
  const fused = assignment.get("blocks.0.attn.b_QKV")?.tensor;
  if (fused) {
    const parts = fusedParts(reshape(fused, [sizeOf(fused.shape)]), read.W_QKV.fused ?? "stacked", config);
    const names = ["blocks.0.attn.b_Q", "blocks.0.attn.b_K", "blocks.0.attn.b_V"] as const;
    for (const [i, part] of parts.entries()) {
      const name = names[i] as BiasName;
      tensors.set(name, biasAs(part, shapes[name]));
    }
  }
  return checkParameters(new Map([...tensors].map(([name, tensor]) => [name, asFloats(tensor.read())])), config, where);
}
