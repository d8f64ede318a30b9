import { noResult } from "./absence.ts";
import { asNull, type Claim, defineClaim, derived, metric } from "./claim.ts";
import { BEYOND, NOT_PRINTED } from "./papers.ts";
import { above, atLeast, atMost, holds, of, times } from "./rule.ts";
import { resultOf } from "./run.ts";

const live = derived("live neurons", "count", (run) => {
  const result = resultOf(run, "neurons");
  return result === undefined ? noResult(run, "neurons") : result.neurons - result.dead;
});

const singleFrequency = defineClaim({
  id: "single-frequency",
  paper: BEYOND,
  claim: "Each neuron of miiii computes one frequency k/q of one task, the same in both digits.",
  printed: NOT_PRINTED,
  analysis: "neurons",
  subject: { roles: ["miiii"], solved: true },
  values: {
    R2: metric("neurons", "R2", "median share of a neuron's variance at its best frequency k/q", "share"),
    limit: asNull(metric("neurons", "R2_null", "99 % limit of that share under token permutations", "share")),
    grid: metric(
      "neurons",
      "digit_grid_R2",
      "median share at the best k/p of each digit, what the strongest bins of a DFT see",
      "share",
    ),
    crossed: asNull(metric("neurons", "crossed_R2", "median share with another k of the same q for x1", "share")),
    half: metric("neurons", "above_half", "neurons above one half", "count"),
    live,
  },
  rule: holds(atLeast("R2", 0.85), above("R2", of("limit")), above("R2", of("grid"))).orPartly(
    atLeast("R2", 0.5),
    above("R2", of("limit")),
  ),
  ours: "{R2} of a neuron's variance, above one half in {half} of {live}; at the best k/p of each digit {grid}",
  none: "below {limit} (permuted tokens); {crossed} with crossed frequencies",
  twin: "{R2}",
});

const phaseSums = defineClaim({
  id: "phase-sums",
  paper: BEYOND,
  claim:
    "A neuron's read-out answers at the neuron's own frequency, with the sum of its two phases: the harmonic cos(α + β) of |cos α + cos β|.",
  printed: NOT_PRINTED,
  analysis: "neurons",
  subject: { roles: ["miiii"], solved: true },
  values: {
    error: metric("neurons", "phase_error", "median |ψ − (φ0 + φ1)| in radians", "number"),
    uniform: asNull(metric("neurons", "phase_error_null", "same of uniform phases", "number")),
    matches: metric("neurons", "output_matches", "neurons whose read-out is strongest at their own k", "count"),
    live,
    by_chance: asNull(metric("neurons", "output_matches_expected", "number of these by chance", "number")),
  },
  rule: holds(atMost("error", times(0.1, "uniform")), atLeast("matches", times(0.8, "live"))).orPartly(
    atMost("error", times(0.5, "uniform")),
    atLeast("matches", times(2, "by_chance")),
  ),
  ours: "{error} rad; strongest at the own k in {matches} of {live} neurons",
  none: "{uniform} rad; {by_chance} neurons",
  twin: "{error} rad",
});

/** Claims of this toolkit about what single neurons compute. */
export const CLOSED_FORM_CLAIMS: readonly Claim[] = [singleFrequency, phaseSums];
