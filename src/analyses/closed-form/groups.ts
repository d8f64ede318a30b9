import { at } from "../../core/index.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { trainedHeads } from "../kit/inputs.ts";
import type { FittedNeurons } from "./neurons.ts";

/** What neurons are grouped by: the modulus of their best pair, or for addition, which has one modulus, its frequency. */
export type GroupedBy = "prime" | "frequency";

/** Neurons whose best pair serves one task, or one frequency of the only task. */
export interface NeuronGroup {
  /** q, or k. */
  readonly label: number;
  /** Its output head's place among the trained tasks. */
  readonly head: number;
  readonly neurons: readonly number[];
}

/** How the neurons of a model are grouped. */
export function groupedBy({ config }: Pick<AnalysisInput, "config">): GroupedBy {
  return config.task === "nanda" ? "frequency" : "prime";
}

/**
 * The neurons by their best dictionary pair (4.10 of the definitions): one group for each trained task, empty where no neuron's
 * pair has its modulus; for addition one for each frequency that some neuron has. However small R² is: no threshold.
 */
export function neuronGroups(input: Pick<AnalysisInput, "config" | "heads">, fitted: FittedNeurons): NeuronGroup[] {
  const pairs = fitted.forms.map((form) => (form === undefined ? undefined : { m: form.modulus.m, k: form.k }));
  const those = (belongs: (pair: { m: number; k: number }) => boolean) =>
    pairs.flatMap((pair, j) => (pair !== undefined && belongs(pair) ? [j] : []));
  if (groupedBy(input) === "frequency") {
    const frequencies = [...new Set(pairs.flatMap((pair) => (pair === undefined ? [] : [pair.k])))].sort((a, b) => a - b);
    return frequencies.map((label) => ({ label, head: 0, neurons: those(({ k }) => k === label) }));
  }
  return trainedHeads(input.heads).map(({ q }, head) => ({ label: q, head, neurons: those(({ m }) => m === q) }));
}

/** The neurons that vary, whatever their pair. */
export function liveNeurons(fitted: FittedNeurons): number[] {
  return fitted.forms.flatMap((form, j) => (form === undefined ? [] : [j]));
}

/** A seeded draw of `size` of the given neurons. */
export function drawn(neurons: readonly number[], size: number, permutation: (n: number) => Int32Array): number[] {
  return Array.from(permutation(neurons.length).slice(0, size), (i) => at(neurons, i));
}
