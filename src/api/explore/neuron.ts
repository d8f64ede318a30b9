import { sharesByPair } from "../../analyses/closed-form/fit.ts";
import type { FittedNeurons } from "../../analyses/closed-form/neurons.ts";
import { readoutEnergies, readoutPowers } from "../../analyses/closed-form/readout.ts";
import type { Matmul } from "../../analyses/kit/define.ts";
import { rounded } from "../../analyses/kit/text.ts";
import { at, dim, type NdArray } from "../../core/index.ts";
import { sum } from "../../math/index.ts";
import type { Head } from "../../tasks/index.ts";

/** One neuron: what it is over the inputs, which frequencies it reads, and to which it writes. */
export type NeuronLook = {
  neuron: number;
  p: number;
  /** Before the ReLU over the grid, [p²], index x0·p + x1: float32, little endian, base64. */
  u: string;
  /** By task: what each frequency k/q of the dictionary explains of u's additive part, k = 1 …. */
  reads: { q: number; R2: number[] }[];
  /** By task: the share of the read-out's energy that goes to it at each k (its read-out centred within the task). */
  writes: { q: number; share: number; by_k: number[] }[];
};

/** float32 numbers as text. */
function packed(values: Float64Array): string {
  return Buffer.from(Float32Array.from(values).buffer).toString("base64");
}

/** What each frequency of each task explains of neuron `j`. */
async function readsOf({ parts, dictionary }: FittedNeurons, j: number, matmul: Matmul): Promise<NeuronLook["reads"]> {
  const { p } = parts;
  const own = { neurons: 1, digits: parts.digits.slice(2 * j * p, 2 * (j + 1) * p), energy: parts.energy.slice(j, j + 1) };
  const shares = await sharesByPair(dictionary, own, matmul);
  return dictionary.pairings.map(({ modulus }, number) => ({
    q: modulus.m,
    R2: rounded(Array.from(shares.filter((_, pair) => dictionary.pairing[pair] === number))),
  }));
}

/** What a look at a neuron needs. */
export interface NeuronInput {
  /** The neurons before the ReLU, [p², d_mlp]. */
  readonly pre: NdArray<"float64">;
  /** W_out·W_U centred within each output head, [d_mlp, classes]. */
  readonly readout: NdArray<"float64">;
  readonly fitted: FittedNeurons | undefined;
  readonly heads: readonly Head[];
  readonly matmul: Matmul;
}

/** Looks at neuron `j`. */
export async function neuronLook(j: number, { pre, readout, fitted, heads, matmul }: NeuronInput): Promise<NeuronLook> {
  const [samples, width] = [dim(pre, 0), dim(pre, 1)];
  const energies = readoutEnergies(readout, j, heads);
  const all = sum(energies);
  const shareOf = (energy: number) => (all === 0 ? 0 : energy / all);
  return {
    neuron: j,
    p: Math.round(Math.sqrt(samples)),
    u: packed(Float64Array.from({ length: samples }, (_, i) => at(pre.data, i * width + j))),
    reads: fitted === undefined ? [] : await readsOf(fitted, j, matmul),
    writes: heads.map((head, h) => ({
      q: head.q,
      share: shareOf(at(energies, h)),
      by_k: fitted === undefined ? [] : rounded(readoutPowers(readout, j, head).map(shareOf)),
    })),
  };
}
