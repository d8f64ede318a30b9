import { at, dim, type NdArray, randomStream } from "../../core/index.ts";
import { rankP, type TokenPermutation, tokenPermutation, upperLimit } from "../../math/index.ts";
import type { Head, Labels } from "../../tasks/index.ts";
import { chanceOf } from "../kit/chance.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { matmulOf, trainedHeads } from "../kit/inputs.ts";
import { doubleCentred, energyOf, groupKernel, headLogits, residues, sampleNumbers, splitByKernel } from "./groups.ts";
import { partition, type SplitLosses, splitLosses, tabledLosses } from "./losses.ts";
import { type MechanismLosses, sumSqWeights } from "./of-addition.ts";
import { permutedSums, sharesOf } from "./permuted-sums.ts";
import { residueShares, splitByResidue } from "./residue-means.ts";

/** Token permutations behind the null of an output head's share. */
export const HEAD_PERMUTATIONS = 200;

/**
 * What `mechanism` finds in one head: how far its logits are a function of (n − c) mod q, or of n mod q for divisibility labels.
 */
export type HeadMechanism = {
  q: number;
  /** Nats of a guess that knows how often each class occurs. */
  chance_loss: number;
  g: number[];
  logit_share: number;
  logit_share_null: number;
  logit_share_p: number;
  loss: SplitLosses;
  restricted_loss: SplitLosses;
  excluded_loss: SplitLosses;
};

/** What `mechanism` finds in a model of many output heads, or of any task that is not addition. */
export type HeadsResult = {
  kind: "heads";
  labels: Labels;
  heads: HeadMechanism[];
  sum_sq_weights: Record<string, number>;
  left_out: string[];
};

/** One output head's classes of all samples, [p²]. */
function targetsOf({ targets }: Pick<AnalysisInput, "targets">, h: number): Int32Array {
  const heads = dim(targets, 1);
  return Int32Array.from({ length: dim(targets, 0) }, (_, i) => at(targets.data, i * heads + h));
}

/**
 * An output head's logits in two parts, as a function of its group: a table [q, classes] by residue, and the rest, [samples,
 * classes].
 */
interface Structure {
  readonly g: Float64Array;
  readonly restricted: NdArray<"float64">;
  readonly excluded: NdArray<"float64">;
}

function structureOf(logits: NdArray<"float64">, residue: Int32Array, { q }: Head, labels: Labels): Structure {
  if (labels === "divisibility") return splitByResidue(logits, residue, q);
  const g = groupKernel(logits, residue);
  return { g, ...splitByKernel(logits, residue, g) };
}

/** The losses of output head number `h`, whose own logits are [p², classes]: whole, without the rest, without the structure. */
export function headLosses(
  input: Pick<AnalysisInput, "config" | "heads" | "targets" | "split">,
  logits: NdArray<"float64">,
  h: number,
  residue: Int32Array,
  { restricted, excluded }: Structure = structureOf(logits, residue, input.heads[h] as Head, input.config.labels),
): MechanismLosses {
  const parts = partition(input.split, residue.length);
  const targets = targetsOf(input, h);
  const lossOf = (array: NdArray<"float64">) => splitLosses(array, targets, parts);
  return {
    loss: lossOf(logits),
    restricted: tabledLosses(restricted, residue, targets, parts),
    excluded: lossOf(excluded),
  };
}

/** The tokens in their own order. */
const inOrder = (p: number) => Int32Array.from({ length: p }, (_, x) => x);

/**
 * Shares of double-centred logits' energy along functions of (n − c) mod q, one for each relabelling of the tokens; 0 for
 * constant logits.
 */
async function kernelShares(
  centred: NdArray<"float64">,
  head: Head,
  orders: readonly TokenPermutation[],
  input: AnalysisInput,
): Promise<number[]> {
  const { q: m, adds } = head;
  const energy = energyOf(centred);
  if (energy === 0) return orders.map(() => 0);
  const sums = await permutedSums(centred, { m, c0: 1, c1: adds ? 1 : input.config.p % m }, orders, matmulOf(input));
  return sharesOf(sums, m, dim(centred, 0), energy);
}

/** The mechanism of every trained task in its own group. */
export async function analyzeHeads(input: AnalysisInput, logits: NdArray<"float64">): Promise<HeadsResult> {
  const random = randomStream(input.seed, "mechanism/permutations");
  const { labels } = input.config;
  const numbers = sampleNumbers(input.config);
  const { p } = input.config;
  const orders = [inOrder(p), ...Array.from({ length: HEAD_PERMUTATIONS }, () => tokenPermutation(p, random))];
  const heads = trainedHeads(input.heads);
  const analyze = async (head: (typeof heads)[number], done: number): Promise<HeadMechanism> => {
    const own = headLogits(logits, head);
    const residue = residues(numbers, head);
    const centred = doubleCentred(own);
    const [share = 0, ...shares] =
      labels === "divisibility"
        ? residueShares(
            centred,
            orders.map((order) => residues(sampleNumbers(input.config, order), head)),
            head.q,
          )
        : await kernelShares(centred, head, orders, input);
    const structure = structureOf(own, residue, head, labels);
    const { loss, restricted, excluded } = headLosses(input, own, head.number, residue, structure);
    input.onProgress?.(done + 1, heads.length);
    return {
      q: head.q,
      chance_loss: chanceOf(head, labels).loss,
      g: Array.from(structure.g),
      logit_share: share,
      logit_share_null: upperLimit(shares, 0.99),
      logit_share_p: rankP(share, shares),
      loss,
      restricted_loss: restricted,
      excluded_loss: excluded,
    };
  };
  const timed = [
    "loss.train",
    "loss.test",
    "restricted_loss.train",
    "restricted_loss.test",
    "excluded_loss.train",
    "excluded_loss.test",
  ];
  const analyzed: HeadMechanism[] = [];
  for (const [done, head] of heads.entries()) analyzed.push(await analyze(head, done));
  return {
    kind: "heads",
    labels,
    heads: analyzed,
    sum_sq_weights: sumSqWeights(input.parameters),
    left_out: input.split === undefined ? timed.map((name) => `heads[].${name}`) : [],
  };
}
