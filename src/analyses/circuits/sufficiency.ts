import { at, dim, float64, type NdArray, randomStream, toFloat64 } from "../../core/index.ts";
import { headAccuracy, mean } from "../../math/index.ts";
import { type Columns, contribution, valuesOfGroups } from "../closed-form/contribution.ts";
import { drawn, liveNeurons, neuronGroups } from "../closed-form/groups.ts";
import { fitNeurons } from "../closed-form/neurons.ts";
import { unembedding } from "../closed-form/readout.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { activationOf, matmulOf, trainedHeads } from "../kit/inputs.ts";
import { rounded } from "../kit/text.ts";

/** Accuracy of each group's own task from interactions alone, [groups]. */
export type Sufficiency = {
  labels: number[];
  sizes: number[];
  samples: number;
  held_out: boolean;
  accuracy: {
    /** All of the model's interaction. */
    model: number[];
    own: number[];
    others: number[];
    other_group: number[];
    random: { mean: number[]; largest: number[] };
  };
};

/**
 * What is left of fields [p², n] at some samples without their means over either digit, [samples, n]: a − row mean − column mean
 * + grand mean.
 */
export function interactionAt(fields: NdArray<"float64">, p: number, samples: ArrayLike<number>): NdArray<"float64"> {
  const n = dim(fields, 1);
  const [rowMeans, columnMeans, grand] = [new Float64Array(p * n), new Float64Array(p * n), new Float64Array(n)];
  for (let i = 0; i < p * p; i++) {
    const [row, column] = [Math.floor(i / p) * n, (i % p) * n];
    for (let j = 0; j < n; j++) {
      const value = fields.data[i * n + j] as number;
      rowMeans[row + j] = (rowMeans[row + j] as number) + value;
      columnMeans[column + j] = (columnMeans[column + j] as number) + value;
    }
  }
  for (let i = 0; i < p * n; i++) {
    rowMeans[i] = (rowMeans[i] as number) / p;
    columnMeans[i] = (columnMeans[i] as number) / p;
    grand[i % n] = (grand[i % n] as number) + (rowMeans[i] as number) / p;
  }
  const out = new Float64Array(samples.length * n);
  for (let s = 0; s < samples.length; s++) {
    const i = at(samples, s);
    const [row, column] = [Math.floor(i / p) * n, (i % p) * n];
    for (let j = 0; j < n; j++) {
      const means = (rowMeans[row + j] as number) + (columnMeans[column + j] as number) - (grand[j] as number);
      out[s * n + j] = (fields.data[i * n + j] as number) - means;
    }
  }
  return float64(out, [samples.length, n]);
}

/** Samples that were not trained on, or all where that is not known, at most `limit` of them, seeded, ascending. */
function heldOut({ config, split, seed }: AnalysisInput, limit: number): Int32Array {
  const pool =
    split === undefined
      ? Int32Array.from({ length: config.p ** 2 }, (_, i) => i)
      : Int32Array.from([...split.validation, ...split.test]);
  if (pool.length <= limit) return pool.sort();
  const order = randomStream(seed, "circuits/held-out").permutation(pool.length).slice(0, limit);
  return order.map((i) => at(pool, i)).sort();
}

/**
 * Whether a group's neurons solve their task by themselves: accuracy of their interaction alone, beside that of everything else,
 * of random groups and of another group, on held-out samples. Null for divisibility labels, whose neurons have no dictionary of
 * pairs.
 */
export async function sufficiencyOf(input: AnalysisInput, limit: number, draws: number): Promise<Sufficiency | null> {
  const { config, heads, targets, parameters, split } = input;
  if (config.labels !== "remainder") return null;
  const matmul = matmulOf(input);
  const fitted = await fitNeurons("circuits", input, activationOf(input, "blocks.0.mlp.hook_pre"));
  const groups = neuronGroups(input, fitted).filter(({ neurons }) => neurons.length > 0);
  const trained = trainedHeads(heads);
  const live = liveNeurons(fitted);
  const samples = heldOut(input, limit);
  const neurons = interactionAt(activationOf(input, "blocks.0.mlp.hook_post"), config.p, samples); // [samples, d_mlp]
  const logits = interactionAt(activationOf(input, "logits"), config.p, samples); // [samples, classes]
  const readout = await matmul(toFloat64(parameters["blocks.0.mlp.W_out"]), unembedding(parameters, heads)); // [d_mlp, classes]
  const width = dim(logits, 1);

  const whole = (head: Columns) => {
    const out = new Float64Array(samples.length * head.classes);
    for (let i = 0; i < samples.length; i++)
      out.set(logits.data.subarray(i * width + head.offset, i * width + head.offset + head.classes), i * head.classes);
    return out;
  };
  const random = randomStream(input.seed, "circuits/sufficiency");
  const rows: { model: number; own: number; others: number; other_group: number; random: number[] }[] = [];
  for (const [g, group] of groups.entries()) {
    const head = at(trained, group.head);
    const classOf = Int32Array.from(samples, (i) => targets.data[i * heads.length + head.number] as number);
    const accuracyOf = (values: Float64Array) =>
      at(headAccuracy(float64(values, [samples.length, head.classes]), classOf, [{ ...head, offset: 0 }]), 0);
    const next = at(groups, (g + 1) % groups.length);
    const none = Array.from({ length: draws }, () => drawn(live, group.neurons.length, random.permutation));
    const chosen = valuesOfGroups(neurons, [group.neurons, next === group ? [] : next.neurons, ...none]);
    const parts: Float64Array[] = [];
    for (const one of chosen) parts.push(await contribution(one, readout, head, matmul));
    const [own = new Float64Array(), other = new Float64Array(), ...drawnParts] = parts;
    const all = whole(head);
    rows.push({
      model: accuracyOf(all),
      own: accuracyOf(own),
      others: accuracyOf(all.map((value, i) => value - (own[i] as number))),
      other_group: accuracyOf(other),
      random: drawnParts.map(accuracyOf),
    });
  }
  return {
    labels: groups.map(({ label }) => label),
    sizes: groups.map((group) => group.neurons.length),
    samples: samples.length,
    held_out: split !== undefined,
    accuracy: {
      model: rounded(rows.map((row) => row.model)),
      own: rounded(rows.map((row) => row.own)),
      others: rounded(rows.map((row) => row.others)),
      other_group: rounded(rows.map((row) => row.other_group)),
      random: {
        mean: rounded(rows.map((row) => mean(row.random))),
        largest: rounded(rows.map((row) => Math.max(...row.random))),
      },
    },
  };
}
