import { at, dim, type NdArray, randomStream } from "../../core/index.ts";
import { tokenPermutation } from "../../math/index.ts";
import type { Head } from "../../tasks/index.ts";
import type { AnalysisInput } from "../analysis.ts";
import { doubleCentred, groupKernel, headLogits, kernelShares, residues, sampleNumbers, splitByKernel } from "./groups.ts";
import { partition, type SplitLosses, splitLosses, tabledLosses } from "./losses.ts";
import { type MechanismLosses, sumSqWeights } from "./of-addition.ts";

/** Token permutations behind the null of a head's share. */
export const HEAD_PERMUTATIONS = 10;

/** What `mechanism` finds in one head: how far its logits are a function of (n − c) mod q. */
export type HeadMechanism = {
  q: number;
  /** Nats of a uniform guess: the restricted loss of a head without the structure. */
  chance_loss: number;
  g: number[];
  logit_share: number;
  logit_share_null: number;
  loss: SplitLosses;
  restricted_loss: SplitLosses;
  excluded_loss: SplitLosses;
};

/** What `mechanism` finds in a model of many heads, or of any task that is not addition. */
export type HeadsResult = {
  kind: "heads";
  heads: HeadMechanism[];
  sum_sq_weights: Record<string, number>;
  left_out: string[];
};

/** One head's classes of all samples, [p²]. */
function targetsOf({ targets }: Pick<AnalysisInput, "targets">, h: number): Int32Array {
  const heads = dim(targets, 1);
  return Int32Array.from({ length: dim(targets, 0) }, (_, i) => at(targets.data, i * heads + h));
}

/** The losses of head number `h`, whose own logits are [p², classes]: whole, without the rest, without the structure. */
export function headLosses(
  input: Pick<AnalysisInput, "config" | "heads" | "targets" | "split">,
  logits: NdArray<"float64">,
  h: number,
  residue: Int32Array,
  kernel: Float64Array = groupKernel(logits, residue),
): MechanismLosses {
  const { restricted, excluded } = splitByKernel(logits, residue, kernel);
  const parts = partition(input.split, residue.length);
  const targets = targetsOf(input, h);
  const lossOf = (array: NdArray<"float64">) => splitLosses(array, targets, parts);
  return {
    loss: lossOf(logits),
    restricted: tabledLosses(restricted, residue, targets, parts),
    excluded: lossOf(excluded),
  };
}

/** The mechanism of every head in its own group. */
export function analyseHeads(input: AnalysisInput, logits: NdArray<"float64">): HeadsResult {
  const random = randomStream(input.seed, "mechanism/permutations");
  const { labels } = input.config;
  const numbers = sampleNumbers(input.config);
  const permuted = Array.from({ length: HEAD_PERMUTATIONS }, () =>
    sampleNumbers(input.config, tokenPermutation(input.config.p, random)),
  );
  const analyse = (head: Head, h: number): HeadMechanism => {
    const own = headLogits(logits, head);
    const residue = residues(numbers, head, labels);
    const kernel = groupKernel(own, residue);
    const readings = [residue, ...permuted.map((other) => residues(other, head, labels))];
    const [share = 0, ...shares] = kernelShares(doubleCentred(own), readings);
    const { loss, restricted, excluded } = headLosses(input, own, h, residue, kernel);
    input.onProgress?.(h + 1, input.heads.length);
    return {
      q: head.q,
      chance_loss: Math.log(head.classes),
      g: Array.from(kernel),
      logit_share: share,
      logit_share_null: Math.max(...shares),
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
  return {
    kind: "heads",
    heads: input.heads.map(analyse),
    sum_sq_weights: sumSqWeights(input.parameters),
    left_out: input.split === undefined ? timed.map((name) => `heads[].${name}`) : [],
  };
}
