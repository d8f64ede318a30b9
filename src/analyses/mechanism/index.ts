import { figure } from "../../figures/index.ts";
import { mean, sum } from "../../math/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import { listed, perRun, short, stated } from "../kit/text.ts";
import { type AdditionResult, CLASS_PERMUTATIONS, FREQUENCY_SETS, noOthers, TOKEN_PERMUTATIONS } from "../logits/of-addition.ts";
import { HEAD_PERMUTATIONS, type HeadsResult } from "../logits/of-heads.ts";
import { compute, type MechanismResult } from "./compute.ts";
import { additionPanels, headPanels } from "./figure.ts";

/** A share as a percentage, with the digits that small ones need. */
const shortPercent = (share: number) => `${short(100 * share)} %`;

/** Up to ten names, and how many more there are. */
function some(names: readonly number[]): string {
  if (names.length === 0) return "none";
  return names.length <= 10 ? listed(names.map(String)) : `${names.slice(0, 10).join(", ")} and ${names.length - 10} more`;
}

const total = (weights: Readonly<Record<string, number>>) => sum(Object.values(weights));

/** What an output head's structure is a function of. */
const structureIn = ({ labels }: HeadsResult) => (labels === "divisibility" ? "n mod q" : "(n − c) mod q");

function headMeans({ heads }: HeadsResult) {
  return {
    /** So many output heads without the structure are above their own 99 % limits by chance. */
    expected: heads.length / 100,
    share: mean(heads.map((head) => head.logit_share)),
    none: mean(heads.map((head) => head.logit_share_null)),
    above: heads.filter((head) => head.logit_share > head.logit_share_null).length,
    loss: mean(heads.map((head) => head.loss.all)),
    restricted: mean(heads.map((head) => head.restricted_loss.all)),
    excluded: mean(heads.map((head) => head.excluded_loss.all)),
    chance: mean(heads.map((head) => head.chance_loss)),
  };
}

function metrics(result: MechanismResult) {
  const sum_sq_weights = total(result.sum_sq_weights);
  if (result.kind === "heads") {
    const { share, none, above, expected, loss, restricted, excluded, chance } = headMeans(result);
    return {
      heads: result.heads.length,
      heads_above_null: above,
      heads_above_null_expected: expected,
      logit_share: share,
      logit_share_null: none,
      loss,
      restricted_loss: restricted,
      excluded_loss: excluded,
      chance_loss: chance,
      sum_sq_weights,
    };
  }
  return {
    key_frequencies: result.key_frequencies.length,
    key_frequencies_above_null: result.key_frequencies_above_null.length,
    logit_share: result.logit_share,
    logit_share_null: result.logit_share_null,
    loss: result.loss.all,
    restricted_loss: result.restricted_loss.all,
    ...(result.restricted_loss_null === null ? {} : { restricted_loss_null: result.restricted_loss_null.lower }),
    excluded_loss: result.excluded_loss.train ?? result.excluded_loss.all,
    ...(result.excluded_loss_null === null ? {} : { excluded_loss_null: result.excluded_loss_null.upper }),
    W_L_gini: result.W_L_gini,
    W_L_gini_null: result.W_L_gini_null.upper,
    W_L_participation_ratio: result.W_L_participation_ratio,
    sum_sq_weights,
  };
}

const range = ({ lower, upper }: { lower: number; upper: number }) => `${short(lower)} to ${short(upper)}`;

function summary(result: MechanismResult): string {
  const missing = result.left_out.length === 0 ? [] : [`left out, the split is not known: ${listed(result.left_out)}`];
  if (result.kind === "heads") {
    const { expected, share, none, above, loss, restricted, excluded, chance } = headMeans(result);
    const line = (head: HeadsResult["heads"][number]) =>
      `q = ${String(head.q).padEnd(4)} share ${shortPercent(head.logit_share)} (null ${shortPercent(head.logit_share_null)})   loss ${short(head.loss.all)}   ` +
      `restricted ${short(head.restricted_loss.all)} (chance ${short(head.chance_loss)})   excluded ${short(head.excluded_loss.all)}`;
    return [
      `logit share of functions of ${structureIn(result)}: mean ${shortPercent(share)} (null ${shortPercent(none)}); above its null in ${above} of ${result.heads.length} tasks (by chance ${short(expected, 2)})`,
      `mean loss ${short(loss)}, restricted ${short(restricted)} (chance ${short(chance)}), excluded ${short(excluded)} (null: the loss itself)`,
      ...result.heads.map(line),
      ...missing,
    ].join("\n");
  }
  const above = result.key_frequencies_above_null.length;
  const others = (limits: AdditionResult["restricted_loss_null"]) =>
    limits === null
      ? `other frequencies: ${noOthers(result.key_frequencies, result.cos_coefficients.length)}`
      : `other frequencies: ${range(limits)}`;
  return [
    `key frequencies   ${some(result.key_frequencies)}   (${above} of ${result.key_frequencies.length} above the null of token permutations)`,
    `logit share       ${shortPercent(result.logit_share)}   (null ${shortPercent(result.logit_share_null)}, p = ${short(result.logit_share_p, 2)})`,
    `loss              ${short(result.loss.all)}`,
    `restricted loss   ${short(result.restricted_loss.all)}   (${others(result.restricted_loss_null)})`,
    `excluded loss     ${short(result.excluded_loss.train ?? result.excluded_loss.all)}   (${others(result.excluded_loss_null)})`,
    `W_L gini          ${short(result.W_L_gini)}   (null ${range(result.W_L_gini_null)}), participation ratio ${short(result.W_L_participation_ratio)} (null ${range(result.W_L_participation_ratio_null)})`,
    `sum of squares    ${short(total(result.sum_sq_weights))}`,
    ...missing,
  ].join("\n");
}

function headline(entries: readonly Labelled<MechanismResult>[]): string {
  const clause = ({ result }: Labelled<MechanismResult>) => {
    if (result.kind === "heads") {
      const { expected, share, none, above } = headMeans(result);
      return `functions of ${structureIn(result)} carry ${shortPercent(share)} of the logits (null ${shortPercent(none)}), above the null in ${above} of ${result.heads.length} tasks (by chance ${short(expected, 2)})`;
    }
    const key = result.key_frequencies_above_null;
    return (
      `${key.length === 0 ? "no frequency" : `cosines at ${some(key)}`} above the null; the key frequencies carry ` +
      `${shortPercent(result.logit_share)} of the logits (null ${shortPercent(result.logit_share_null)}); restricted loss ${short(result.restricted_loss.all)}`
    );
  };
  return `${perRun(entries, clause)}.`;
}

function figureOf(entries: readonly Labelled<MechanismResult>[]) {
  const addition = entries.flatMap((entry) => (entry.result.kind === "addition" ? [{ ...entry, result: entry.result }] : []));
  const heads = entries.flatMap((entry) => (entry.result.kind === "heads" ? [{ ...entry, result: entry.result }] : []));
  // Of several runs, a panel that shows one alone has no legend to say which.
  const named = entries.length > 1;
  return figure(ownColors([...additionPanels(addition, named), ...headPanels(heads, named)], 1), {
    title: "Mechanism",
    description: `What the logits are made of: cosines of the key frequencies, or functions of n mod q in each task. ${headline(entries)}`,
  });
}

/** How the logits are made: Nanda et al.'s cosines for addition, and their counterpart in every output head's own group. */
export const mechanism = defineAnalysis({
  id: "mechanism",
  title: "Mechanism",
  description:
    "Key frequencies of the logits, restricted and excluded loss, and how much of each task's logits its own group explains.",
  definition: `Addition models (\`kind: "addition"\`), with w_k = 2πk/p and L the raw logits over all p² samples, an extra '=' class left out:

- \`W_L_norms\`: norms over neurons of W_L = W_out·W_U in the real orthonormal Fourier basis over the p classes (const, cos 1, sin 1,
  cos 2, …), [p]; \`W_L_gini\`: their Gini coefficient; \`W_L_participation_ratio\`: (Σe)²/Σe² of their squares e.
- \`cos_coefficients\`: inner products of L with the unit-norm directions cos(w_k(x0 + x1 − c)), k = 1..(p−1)/2.
- \`key_frequencies\`: k with |coefficient| > 0.1 of the largest; there is always one. \`key_frequencies_above_null\`: those of them that
  also exceed \`cos_coefficients_null\`.
- \`logit_share\`: Σ (key coefficients²)/‖L‖², L centred over samples and over classes.
- \`loss\`, \`restricted_loss\`, \`excluded_loss\`: mean cross-entropy in nats over \`all\` samples, those of \`train\`, and all others
  (\`test\`). T is the projection of L, class by class, on cos and sin (w_k(x0 + x1)) of the key frequencies, fitted over all samples.
  Restricted: T + the mean over samples of L − T, per class. Excluded: L − T, nothing added back; \`per_k\`: one key frequency alone
  removed, on the training samples.

Every other model (\`kind: "heads"\`), \`heads[]\`, the trained tasks in order of q, each in its own group (\`joint\`'s addition head, q = p, in that of x0 + x1
in n's place; its key frequencies are left out):

- \`g\`: g(δ) = mean over samples of L_q[n, (n − δ) mod q]; the part g((n − c) mod q) is the output head's ideal logit. Labels that were
  shuffled do not enter: n is the sample's true number.
- \`logit_share\`: share of L_q, centred over samples and over classes, that functions of (n − c) mod q carry.
- \`restricted_loss\`: cross-entropy of the ideal part + class means of the rest; \`excluded_loss\`: of the rest; \`loss\`: of L_q.

For divisibility labels (\`labels\`), whose two classes do not turn with n, the structure is any function of n mod q: \`g\`(r) = mean over the
samples with n mod q = r of L_q[n, 1] − L_q[n, 0], [q]; the ideal part is the mean of L_q given n mod q less the class means, so that a
output head which says exactly whether q divides n has share 1, and its loss as restricted loss.

Both: \`sum_sq_weights\`: sum of squares per stored tensor, biases and the '=' entries included. \`left_out\`: what was left out because
the training samples are not known.`,
  null: `A limit at 99 % is the draw that one more without the structure exceeds in at most 1 % of cases: the second largest of 200. A token
permutation relabels the p tokens once, for both digits. \`W_L_gini_null\`, \`W_L_participation_ratio_null\`: 99 % range (0.5 % on either side) over ${CLASS_PERMUTATIONS} permutations of the classes.
\`cos_coefficients_null\`: family-wise 99 % limit of the largest |coefficient| over ${TOKEN_PERMUTATIONS} token permutations; \`logit_share_null\`: the share's
99 % limit over the same, key frequencies chosen anew each time; \`logit_share_p\` = (r + 1)/(${TOKEN_PERMUTATIONS} + 1), r of them having as large a share.
\`restricted_loss_null\`, \`excluded_loss_null\`: from the lowest to the highest loss with ${FREQUENCY_SETS} sets of as many other frequencies, a comparison
and no limit of any level, since key frequencies are chosen for their size; null where more than half of the frequencies are key, so
that fewer are left. Heads: \`heads[].logit_share_null\` is the 99 % limit of each output head by itself over ${HEAD_PERMUTATIONS} token permutations, so that of output heads
without the structure 1 % are above theirs (independent normal logits would have a share of 1/(p²−1) on average); \`heads[].logit_share_p\` as above;
\`heads[].chance_loss\`, what a guess costs that knows how often each class occurs (ln q; for divisibility labels the entropy of the two
classes), is the least restricted loss of an output head without the structure, and its whole \`loss\` the excluded one.`,
  citation:
    "Section 4 and 5, Nanda et al. 2023 (restricted and excluded loss, logits as cosines); Eq. 3–5, Syrkis & Søgaard 2024",
  needs: ["logits", "matmul"],
  effort: 4,
  options: {},
  run: compute,
  metrics,
  summary,
  finding: (entries) =>
    stated("Functions of the right answer carry most of the logits", entries, ({ result }) =>
      result.kind === "heads" ? headMeans(result).share > 0.5 : result.logit_share > 0.5,
    ),
  headline,
  figure: figureOf,
});
