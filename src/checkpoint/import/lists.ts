import { dim, type NdArray, sizeOf } from "../../core/index.ts";
import type { LazyTensor, TensorGroup, Unreadable } from "../formats/lazy.ts";
import { once, permute, reshape } from "./arrange.ts";

/** A tensor of a list of modules: `blocks.0.sa.heads.2.key.weight`, `heads.7.bias`, `head_13.weight`. */
const MEMBER = /^(.*?)((?:att(?:n|ention)_)?heads?|unembeds?|readouts?|classifiers?|outputs?)[._/](\d{1,6})(?:([./])(.+))?$/i;

interface Member {
  readonly name: string;
  readonly number: number;
  readonly tensor: LazyTensor;
}

/** Tensors one after the other along the first axis. */
function concatenated(tensors: readonly LazyTensor[]): LazyTensor {
  const [, ...rest] = tensors[0]?.shape ?? [];
  const length = tensors.reduce((sum, tensor) => sum + dim(tensor, 0), 0);
  return once({
    shape: [length, ...rest],
    read: () => {
      const arrays = tensors.map((tensor) => tensor.read());
      const wide = arrays.some(({ dtype }) => dtype === "float64");
      const data = wide ? new Float64Array(length * sizeOf(rest)) : new Float32Array(length * sizeOf(rest));
      let place = 0;
      for (const array of arrays) {
        data.set(array.data, place);
        place += array.data.length;
      }
      return { dtype: wide ? "float64" : "float32", shape: [length, ...rest], data } as NdArray;
    },
  });
}

const alike = (lists: readonly (readonly number[])[]) => lists.every((list) => list.join() === lists[0]?.join());

/** Output heads of tasks, each of its own number of classes, in order of that; undefined where they are none. */
function readOut(members: readonly Member[]): LazyTensor | undefined {
  const shapes = members.map(({ tensor }) => tensor.shape);
  // [classes, d_model] as nn.Linear has it, [d_model, classes], or a bias [classes].
  const axis = alike(shapes.map((shape) => shape.slice(1))) ? 0 : alike(shapes.map((shape) => shape.slice(0, 1))) ? 1 : undefined;
  if (axis === undefined || shapes.some((shape) => shape.length !== shapes[0]?.length || shape.length > 2)) return undefined;
  const sizes = members.map(({ tensor }) => dim(tensor, axis));
  if (new Set(sizes).size !== sizes.length) return undefined;
  const ordered = [...members].sort((a, b) => dim(a.tensor, axis) - dim(b.tensor, axis)).map(({ tensor }) => tensor);
  return axis === 0 ? concatenated(ordered) : permute(concatenated(ordered.map((tensor) => permute(tensor, [1, 0]))), [1, 0]);
}

/** Attention heads of one shape, in order, along an axis in front; undefined where they are none. */
function attentionHeads(members: readonly Member[]): LazyTensor | undefined {
  const ordered = [...members].sort((a, b) => a.number - b.number);
  if (!alike(ordered.map(({ tensor }) => tensor.shape)) || ordered.some(({ number }, i) => number !== i)) return undefined;
  return concatenated(ordered.map(({ tensor }) => reshape(tensor, [1, ...tensor.shape])));
}

/**
 * A group in which lists of modules are one tensor each: an attention whose heads are modules of their own
 * (`heads.0.key.weight`, …) stacked under the name of the attention's own (`key.weight`), and read-outs of several tasks
 * (`heads.0.weight` of two classes, `heads.1.weight` of three, …) one after the other, by their numbers of classes, under
 * `head.weight`. Undefined where there are none.
 */
export function joinLists(group: TensorGroup): TensorGroup | undefined {
  const families = new Map<string, Member[]>();
  const kept = new Map<string, LazyTensor | Unreadable>();
  for (const [name, tensor] of group.tensors) {
    const [, before = "", , number, , rest = ""] = MEMBER.exec(name) ?? [];
    if (number === undefined || "unreadable" in tensor) kept.set(name, tensor);
    else {
      const key = `${before}\0${rest}`;
      families.set(key, [...(families.get(key) ?? []), { name, number: Number(number), tensor }]);
    }
  }
  let joined = 0;
  for (const [key, members] of families) {
    const [before = "", rest = ""] = key.split("\0");
    const inAttention = /key|query|value|(?:^|[./_])[qkv](?:[./_]|$)|tril|mask/i.test(rest);
    const tensor = members.length < 2 ? undefined : inAttention ? attentionHeads(members) : readOut(members);
    const name = inAttention ? `${before}${rest}` : `${before}head${rest === "" ? "" : `.${rest}`}`;
    if (tensor === undefined || kept.has(name)) for (const member of members) kept.set(member.name, member.tensor);
    else {
      joined++;
      // Of masks that are the same for each head, one.
      kept.set(name, /tril|mask/i.test(rest) ? (members[0] as Member).tensor : tensor);
    }
  }
  return joined === 0 ? undefined : { source: group.source, tensors: kept };
}
