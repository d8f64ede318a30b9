import { at, dim, type NdArray, randomStream } from "../../core/index.ts";
import { rankP, type TokenPermutation, tokenPermutation, upperLimit } from "../../math/index.ts";
import type { Head, Labels } from "../../tasks/index.ts";
import { chanceOf } from "../kit/chance.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { matmulOf, trainedHeads } from "../kit/inputs.ts";
import { doubleCentred, energyOf, headLogits, residues, sampleNumbers } from "./groups.ts";
import { type KernelLosses, kernelLosses } from "./kernel-losses.ts";
import { partition, type SplitLosses, splitLosses, tabledLosses } from "./losses.ts";
import { sumSqWeights } from "./of-addition.ts";
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

/** The losses of an output head with two classes, by what n mod q explains of its logits. */
function divisibilityLosses(
  input: Pick<AnalysisInput, "config" | "targets" | "split">,
  logits: NdArray<"float64">,
  head: Head & { readonly number: number },
): KernelLosses {
  const own = headLogits(logits, head);
  const residue = residues(sampleNumbers(input.config), head);
  const parts = partition(input.split, residue.length);
  const targets = targetsOf(input, head.number);
  const { g, restricted, excluded } = splitByResidue(own, residue, head.q);
  return {
    g,
    loss: splitLosses(own, targets, parts),
    restricted: tabledLosses(restricted, residue, targets, parts),
    excluded: splitLosses(excluded, targets, parts),
  };
}

/** The losses of some output heads: whole, as a function of their group, and without it. */
export function headLosses(
  input: Pick<AnalysisInput, "config" | "targets" | "split">,
  logits: NdArray<"float64">,
  heads: readonly (Head & { readonly number: number })[],
): KernelLosses[] {
  return input.config.labels === "divisibility"
    ? heads.map((head) => divisibilityLosses(input, logits, head))
    : kernelLosses(input, logits, heads);
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
  const { p } = input.config;
  const orders = [inOrder(p), ...Array.from({ length: HEAD_PERMUTATIONS }, () => tokenPermutation(p, random))];
  const heads = trainedHeads(input.heads);
  const losses = headLosses(input, logits, heads);
  const analyze = async (head: (typeof heads)[number], done: number): Promise<HeadMechanism> => {
    const own = headLogits(logits, head);
    const centred = doubleCentred(own);
    const [share = 0, ...shares] =
      labels === "divisibility"
        ? residueShares(
            centred,
            orders.map((order) => residues(sampleNumbers(input.config, order), head)),
            head.q,
          )
        : await kernelShares(centred, head, orders, input);
    const { g, loss, restricted, excluded } = at(losses, done);
    input.onProgress?.(done + 1, heads.length);
    return {
      q: head.q,
      chance_loss: chanceOf(head, labels).loss,
      g: Array.from(g),
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
