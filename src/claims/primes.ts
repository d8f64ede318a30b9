import { noResult } from "./absence.ts";
import { asNull, type Claim, defineClaim, derived, metric } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { atLeast, holds, times } from "./rule.ts";
import { resultOf } from "./run.ts";

const periods = defineClaim({
  id: "primes-miiii",
  paper: `${SYRKIS}, Fig. 12`,
  claim: "miiii's periodicity corresponds to its 29 primes.",
  printed: "“periodicity corresponding to 29 primes”",
  analysis: "primes",
  subject: { roles: ["miiii"], solved: true },
  values: {
    covered: metric(
      "primes",
      "primes_covered",
      "primes q for which some neuron has more than a tenth of its variance explained by n mod q, above the 99 % null of token permutations",
      "count",
    ),
    primes: derived("number of primes", "count", (run) => resultOf(run, "primes")?.primes.length ?? noResult(run, "primes")),
    served: derived(
      "primes q with a neuron whose best frequency k/q exceeds the 99 % null of token permutations",
      "count",
      (run) => {
        const result = resultOf(run, "neurons");
        return result === undefined ? noResult(run, "neurons") : new Set(result.clusters.map(({ m }) => m)).size;
      },
    ),
    one: metric("primes", "selective_one", "neurons selective for one prime", "count"),
    several: metric("primes", "selective_several", "neurons selective for several", "count"),
    best: metric("primes", "mean_best", "mean best ε²", "number"),
    none: asNull(metric("primes", "mean_best_null", "same under token permutations", "number")),
  },
  rule: holds(atLeast("covered", times(0.9, "primes")), atLeast("served", times(0.9, "primes"))).orPartly(
    atLeast("covered", times(0.5, "primes")),
    atLeast("served", times(0.5, "primes")),
  ),
  ours: "{served} of {primes} primes by frequency k/q; by ε² {covered}, in {one} neurons for one and {several} for several; mean best ε² {best}",
  none: "0 primes; mean best ε² {none}",
});

/** Claims about the primes behind the neurons' periods. */
export const PRIMES_CLAIMS: readonly Claim[] = [periods];
