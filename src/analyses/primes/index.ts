import { at } from "../../core/index.ts";
import { mean } from "../../math/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { SELECTIVE } from "../kit/selectivity.ts";
import { listed, percent, perRun, short, stated } from "../kit/text.ts";
import { compute, type PrimesResult, TOKEN_DRAWS } from "./compute.ts";
import { primesFigure } from "./figure.ts";
import { NULL_DRAWS, NULL_NEURONS, TOGETHER } from "./null.ts";

/** Mean over live neurons of their best ε²; 0 where none is alive. */
function meanBest({ best_prime, best_selectivity }: Pick<PrimesResult, "best_prime" | "best_selectivity">): number {
  const values = best_selectivity.filter((_, j) => best_prime[j] !== 0);
  return values.length === 0 ? 0 : mean(values);
}

/** Primes that tell the tokens' embeddings apart by more than chance. */
function embeddedPrimes({ embedding }: PrimesResult): number[] {
  return embedding.primes.filter((_, m) => at(embedding.selectivity, m) > embedding.null_familywise);
}

function headline(entries: readonly Labelled<PrimesResult>[]): string {
  const clause = ({ result }: Labelled<PrimesResult>) => {
    const { one, several } = result.selective;
    const covered = result.selective_by_prime.filter((n) => n > 0).length;
    return (
      `${one + several} of ${result.neurons} neurons react to n mod q for some prime (${several} for several), ${covered} of ` +
      `${result.primes.length} primes are covered; mean best ε² ${short(meanBest(result), 2)} (null ${short(result.null.mean_best, 2)}; a perfect neuron 0.114), of the interaction ` +
      `${short(meanBest(result.interaction), 2)} (null ${short(result.interaction.null.mean_best, 2)}; 0.49)`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** Which primes each neuron reacts to: the periods that the tasks of `miiii` have, where a DFT modulo p smears them. */
export const primes = defineAnalysis({
  id: "primes",
  title: "Prime-period spectrum",
  description: "How much of each neuron's and of the embedding's variance n mod q explains, for every prime q < p.",
  definition: `n = x0 + x1·p mod q has period q, so the natural frequencies of remainders are k/q and not the DFT's k/p. For an activation a(x0, x1) and a
prime q: η² = Var(E[a | n mod q])/Var(a), and ε² = (η² − m)/(1 − m) with m = (q−1)/(p²−1), which is 0 on average for noise and at most 1.

- \`neuron_selectivity\`: ε² of each neuron (after the ReLU) for each of \`primes\`, [d_mlp][primes], five significant digits.
- \`best_prime\`, \`best_selectivity\`: the prime of the largest ε², and that ε². Neurons of zero variance (\`dead\`) have 0 for both and are left out of all
  counts and means.
- The addition head of \`joint\` has no column here, since no n mod q is its answer: \`neurons\` and \`algorithm\` have it among their moduli, as m = p.
- A neuron is selective for q when ε² > ${SELECTIVE} and ε² > \`null.band\`. \`selective\`: live neurons selective for one, several, no prime.
  \`selective_by_prime\`: live neurons selective for each prime; \`mean_by_prime\`: mean ε² over live neurons.
- \`interaction\`: the same of what no sum of a function of x0 and one of x1 explains, a(x0, x1) − row mean − column mean + grand mean, which has
  the \`share\` of the neuron's variance; ε² relative to the interaction's own variance. Neurons without one have best prime 0.
- How to read ε²: three quarters of a ReLU neuron's variance is additive in the digits and says nothing of n. The perfect neuron
  relu(cos α + cos β), α = 2πk·x0/q and β = 2πk·p·x1/q, has ε² = 0.114 for its prime, and 0.49 in its interaction. So 0.1 is close to the ceiling of
  the former, not weak structure, and the threshold ${SELECTIVE} cuts through neurons that all do the same: no conclusion rests on its count alone.
- An addition model's frequencies k/p may lie near some j/q and then share a little variance with n mod q: 18/113 is close to 3/19, and
  113 mod 19 = −1. It stays near the threshold and marks one or two primes, not all.
- \`embedding\`: the same for the rows of W_E by x mod q, primes below p/2 alone and m = (q−1)/(p−1). \`selectivity\`: over all dimensions
  together (sums of squares added up), \`dimension_selectivity\`: [d_model][primes].`,
  null: `${NULL_DRAWS} token permutations (one relabelling of the p tokens for both digits), each of ${TOGETHER} of ${NULL_NEURONS} seeded live neurons in turn: \`null.band\` is
the limit that a neuron's largest ε² over all primes exceeds in 1 % of the pairs of neuron and permutation, and so 1 % of the neurons of a
model without structure; \`null.band_by_prime\` the same of each prime by itself, \`null.mean_best\` the mean of the largest, \`interaction.null\` both for the
interactions (band 1, which nothing exceeds, where fewer than 99 pairs have one). For the embedding ${TOKEN_DRAWS} permutations of the
tokens: \`embedding.null\` by prime, \`embedding.null_familywise\` for the largest of all primes.`,
  citation: "This project's; ε² as in Kelley 1935. The question is that of section Neurons, Syrkis & Søgaard 2024",
  needs: ["blocks.0.mlp.hook_post"],
  effort: 2.5,
  options: {},
  run: compute,
  metrics: (result) => ({
    dead: result.dead,
    selective_one: result.selective.one,
    selective_several: result.selective.several,
    selective_none: result.selective.none,
    primes_covered: result.selective_by_prime.filter((n) => n > 0).length,
    mean_best: meanBest(result),
    mean_best_null: result.null.mean_best,
    interaction_mean_best: meanBest(result.interaction),
    interaction_mean_best_null: result.interaction.null.mean_best,
    interaction_selective: result.interaction.selective.one + result.interaction.selective.several,
    interaction_primes_covered: result.interaction.selective_by_prime.filter((n) => n > 0).length,
    band: result.null.band,
    embedding_primes: embeddedPrimes(result).length,
  }),
  summary(result) {
    const { one, several, none } = result.selective;
    const covered = result.primes.flatMap((q, m) =>
      at(result.selective_by_prime, m) > 0 ? [`${q} (${result.selective_by_prime[m]})`] : [],
    );
    const embedded = embeddedPrimes(result);
    return [
      `neurons    ${result.neurons}, ${result.dead} dead; selective for one prime ${one}, several ${several}, none ${none}`,
      `threshold  ε² > ${SELECTIVE} and above the null's ${short(result.null.band)}`,
      `best ε²    mean ${short(meanBest(result))}   (null ${short(result.null.mean_best)})`,
      `           of the interaction ${short(meanBest(result.interaction))}   (null ${short(result.interaction.null.mean_best)}); a perfect neuron: 0.114, and 0.49 of the interaction`,
      `primes     ${covered.length} of ${result.primes.length} covered${covered.length === 0 ? "" : `: ${listed(covered)}`}`,
      `embedding  x mod q above the null of ${percent(Math.max(0, result.embedding.null_familywise))} for ${embedded.length === 0 ? "no prime" : listed(embedded.map(String))}`,
    ].join("\n");
  },
  finding: (entries) =>
    stated(
      "More than a tenth of the neurons react to n mod q beyond the null",
      entries,
      ({ result }) => result.selective.one + result.selective.several > result.neurons / 10,
    ),
  headline,
  figure: (entries) => primesFigure(entries, headline(entries)),
});
