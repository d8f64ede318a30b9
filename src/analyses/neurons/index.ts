import { quantile } from "../../math/index.ts";
import { withoutResidues } from "../closed-form/dictionary.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { percent, perRun, short, stated } from "../kit/text.ts";
import { compute, type NeuronsResult } from "./compute.ts";
import { neuronsFigure } from "./figure.ts";
import { SECOND_SHARE } from "./sharing.ts";

/**
 * Median resultant of φ0 − φ1 over the pairs with several neurons, and of what as many random phases have; q = 2 has signs alone.
 */
function discOf({ clusters }: NeuronsResult): { disc: number; random: number } | undefined {
  const several = clusters.filter(({ m, neurons }) => m !== 2 && neurons >= 4);
  if (several.length === 0) return undefined;
  const median = (values: number[]) => quantile(values, 0.5);
  return { disc: median(several.map(({ disc }) => disc)), random: median(several.map(({ neurons }) => 1 / Math.sqrt(neurons))) };
}

function headline(entries: readonly Labelled<NeuronsResult>[]): string {
  const clause = ({ result }: Labelled<NeuronsResult>) => {
    const { median, neurons, dead, above_null, null: none } = result;
    if (dead === neurons) return "no neuron varies";
    return (
      `one frequency k/q a digit explains ${percent(median.R2)} of a neuron (median; permuted tokens below ${percent(none.R2)}, ` +
      `the best k/${result.p} of each digit ${percent(median.digit_grid_R2)}), ${above_null} of ${neurons - dead} neurons exceed that null (${short(none.above, 2)} by chance), ` +
      `and the phase of their read-out is φ0 + φ1 to ${short(median.phase_error, 2)} rad (uniform phases ${short(none.phase_error)})`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** What each neuron computes, in closed form: one frequency pair of one task's modulus. */
export const neurons = defineAnalysis({
  id: "neurons",
  title: "Neurons: what each one computes, in closed form",
  description: "Frequency k/q, amplitudes and phases of each neuron before the ReLU, and whether its read-out answers to them.",
  definition: `u(x0, x1) is a neuron before the ReLU at the last position, over all p² inputs; \`mu\` its grand mean, f(x0) and g(x1) its means over x1 and over x0 less
\`mu\`. \`additive_share\`: Σ (Var f + Var g) / Σ Var u over all neurons, 1 where attention does not mix the digits.

**Dictionary.** An output head of modulus m whose answer is (c0·x0 + c1·x1) mod m has the frequency pairs (k·c0/m, k·c1/m), k = 1 … ⌊(m−1)/2⌋; m = 2 has k = 1 with a
cosine alone. Tasks of n mod q: m = q, c = (1, p mod q). Addition, alone or as the last output head of \`joint\`: m = p, c = (1, 1). \`moduli\`, and \`pairs\` in all. For each pair f is fitted by
cos and sin of 2πk·c0·x/m and g by those of 2πk·c1·x/m, columns centred over the p tokens, by least squares. \`R2\` = explained / (Σf² + Σg²) of the
best pair, the neuron's \`m\` and \`k\`:

u ≈ \`constant\` + \`A\`·cos(2πk·c0·x0/m + \`phi0\`) + \`B\`·cos(2πk·c1·x1/m + \`phi1\`)

\`digit_grid_R2\`: the best with a k/p of its own for each digit, what the strongest bins of a DFT over the p tokens see; k/q lies between two of them. \`grid_R2\`: the best with one k/p for
both digits, which is the addition models' and no other task's: x0 at k/q and x1 at k·p/q have different frequencies. \`crossed_R2\`: the best with x0 at k and x1 at another k′ of the
neuron's own m (0 where there is none): the control of the pairing.

**Output.** b = the neuron's row of W_out·W_U, centred within each output head. \`own_share\`: share of its sum of squares in the output head of m; \`own_share_total\` over all
neurons, weighted by Var |u|. \`output_k\`: its strongest DFT bin over that output head's classes. At k, b(c) ≈ r·cos(2πk·c/m + ψ); \`phase_error\` = ψ − (φ0 + φ1), from −π to π.
|cos α + cos β| has the harmonic cos(α + β), so a neuron that computes the task has the error 0.

\`median\` over live neurons (\`phase_error\`: of its absolute value); \`above_null\`, \`above_half\`: live neurons with R² above \`null.R2\`, above 0.5;
\`output_matches\`: with output_k = k. Neurons that do not vary are \`dead\`: m and k 0, left out of medians and clusters.

\`clusters\`: neurons above the null by (m, k), with the median \`R2\`, \`disc\` = |mean e^{i(φ0−φ1)}| (1: both digits in phase, a disc, as one embedding under even
attention gives; about 1/√neurons: a torus), \`sum\` = |mean e^{ih(φ0+φ1)}| at h = 1, 2, 4 (small: phases cover the circle, and all but the wanted harmonic cancels), and the median |phase error|.

\`sharing\`: \`neurons\` above the null with more than ${percent(SECOND_SHARE)} of their read-out in a second output head, whose pair is that output head's strongest bin; \`coincide\`: both pairs have
one frequency in x0 or in x1, up to sign, within 0.5/p.

\`examples\`: u of a few neurons to 1/255 of its range (base64).`,
  null: `\`null.R2\`: 99 % quantile of the best R² of \`null.neurons\` seeded live neurons (at most 64) under \`null.draws\` (--draws, 200) permutations of the tokens, the same for both digits,
pooled; \`null.above\`: neurons above it by chance, 1 % of the live ones. \`null.phase_error\`: median of uniform phases, π/2; \`null.output_matches\`: matches of random bins, Σ 1/⌊(m−1)/2⌋ over live neurons. \`sharing.expected\`: the mean of \`coincide\` with the classes of each output head relabelled
c → a·c mod q, one random a for all neurons, as many draws; \`probability\` = (draws that reach \`coincide\` + 1) / (draws + 1). What neurons compute, which of them serve a second output head and which agree with each other stay as they are, and a
read-out that knows nothing of its neurons' frequencies is as likely after as before, so that p is exact; q = 2 and 3 have one frequency, which stays. \`expected_used\`, \`probability_used\`: against **random used pairs**, each neuron's second pair drawn by itself from
all pairs that the model uses of other moduli. Pairs drawn so are more evenly spread than those of neurons that read one embedding: in untrained models this probability was at most 0.05 in 15 %, and in half of those whose second pairs agree by chance. Claims therefore rest on the relabelling and print both. Models on shuffled
labels are the control of all of it.`,
  citation: "Ours; discs and tori as in McCracken et al. 2025 and Moisescu-Pareja et al. 2026",
  needs: ["blocks.0.mlp.hook_pre", "matmul"],
  effort: 0.7,
  options: {
    draws: { type: "integer", default: 200, min: 100, max: 2000, description: "permutations of the tokens, 100 to 2000" },
    examples: { type: "integer", default: 6, min: 0, max: 12, description: "neurons kept for the figure, 0 to 12" },
  },
  refuses: withoutResidues,
  run: (input, options) => compute(input, Number(options.draws), Number(options.examples)),
  metrics: (result) => {
    if (result.dead === result.neurons) return { dead: result.dead };
    const disc = discOf(result);
    return {
      dead: result.dead,
      additive_share: result.additive_share,
      R2: result.median.R2,
      R2_null: result.null.R2,
      grid_R2: result.median.grid_R2,
      digit_grid_R2: result.median.digit_grid_R2,
      crossed_R2: result.median.crossed_R2,
      above_null: result.above_null,
      above_null_expected: result.null.above,
      above_half: result.above_half,
      own_share: result.own_share_total,
      output_matches: result.output_matches,
      output_matches_expected: result.null.output_matches,
      phase_error: result.median.phase_error,
      phase_error_null: result.null.phase_error,
      clusters: result.clusters.length,
      ...(disc === undefined ? {} : { disc: disc.disc, disc_random: disc.random }),
      sharing_neurons: result.sharing.neurons,
      sharing_coincide: result.sharing.coincide,
      sharing_expected: result.sharing.expected,
      sharing_probability: result.sharing.probability,
      sharing_expected_used: result.sharing.expected_used,
      sharing_probability_used: result.sharing.probability_used,
    };
  },
  summary: (result) => {
    const { median, null: none, sharing, neurons: all, dead } = result;
    const live = all - dead;
    if (live === 0) return `neurons      ${all}, ${dead} dead: none varies`;
    const disc = discOf(result);
    const shape =
      disc === undefined ? "" : `; resultant of φ0 − φ1 ${short(disc.disc, 2)} (disc 1, random phases ${short(disc.random, 2)})`;
    return [
      `neurons      ${all}, ${dead} dead; ${(100 * result.additive_share).toFixed(2)} % of their variance is f(x0) + g(x1)`,
      `closed form  R² ${short(median.R2)} (median)   (permuted tokens: below ${short(none.R2, 2)}; k/${result.p} of each digit ${short(median.digit_grid_R2, 2)}, of both ${short(median.grid_R2, 2)}; crossed ${short(median.crossed_R2, 2)})`,
      `             ${result.above_null} of ${live} above the null (${short(none.above, 2)} by chance), ${result.above_half} above one half`,
      `read-out     strongest at the neuron's k in ${result.output_matches} of ${live} (${short(none.output_matches, 2)} by chance); ${percent(result.own_share_total)} in its own task; ` +
        `|phase error| ${short(median.phase_error, 2)} rad   (uniform phases: ${short(none.phase_error)})`,
      `clusters     ${result.clusters.length} pairs (q, k) of ${result.pairs}${shape}`,
      sharing.neurons === 0
        ? "sharing      no neuron serves a second task"
        : `sharing      ${sharing.neurons} neurons serve a second task; the pairs coincide in one digit in ${sharing.coincide}   (relabelled classes: ${short(sharing.expected, 3)}, p = ${short(sharing.probability, 2)}; random used pairs: ${short(sharing.expected_used, 3)}, p = ${short(sharing.probability_used, 2)})`,
    ].join("\n");
  },
  finding: (entries) =>
    stated(
      "One frequency of one task explains most of a neuron before its ReLU",
      entries,
      ({ result }) => result.median.R2 > Math.max(0.5, result.null.R2),
    ),
  headline,
  figure: (entries) => neuronsFigure(entries, headline(entries)),
});
