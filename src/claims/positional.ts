import { type Absence, noResult } from "./absence.ts";
import { asNull, type Claim, defineClaim, derived, metric } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { above, atLeast, atMost, below, holds, of, times } from "./rule.ts";
import { type AnalyzedRun, metricOf, resultOf } from "./run.ts";
import { standingAt, trainingOf } from "./training.ts";

const r = metric("positional", "pearson", "r of the two digits' position embeddings", "r");
const limit = asNull(metric("positional", "null_limit", "95 % limit of |r|", "r"));
const distance = metric("positional", "distance", "their distance in token norms");
const asymmetry = metric("positional", "asymmetry", "mean |L(x0, x1) − L(x1, x0)| over mean |L| of the logits L");
const pairs = asNull(metric("positional", "asymmetry_null", "same of samples paired at random"));

/** r at the checkpoints from whose epoch on the mean validation accuracy is known to be at least 0.99, and at the last. */
function overRun(run: AnalyzedRun): readonly number[] | Absence {
  const last = metricOf(run, "positional", "pearson");
  if (last === undefined) return noResult(run, "positional");
  const [progress, training] = [resultOf(run, "progress"), trainingOf(run)];
  if (progress === undefined || training === undefined) return [last];
  const solved = (epoch: number) => (standingAt(run, epoch, () => true)?.accuracy ?? 0) >= 0.99;
  return [...progress.W_pos_pearson.filter((_, i) => solved(progress.epochs[i] ?? 0)), last];
}

const overCheckpoints = (words: string, value: (r: readonly number[]) => number) =>
  derived(words, "r", (run) => {
    const known = overRun(run);
    return "kind" in known ? known : value(known);
  });

const range = {
  lowest: overCheckpoints("lowest r over checkpoints with a validation accuracy of at least 0.99", (values) =>
    Math.min(...values),
  ),
  highest: overCheckpoints("highest r over these", (values) => Math.max(...values)),
};

const nanda = defineClaim({
  id: "positional-nanda",
  paper: `${SYRKIS}, Fig. 7`,
  claim: "For nanda the two digits' positional embeddings are virtually identical.",
  printed: "r = 0.95",
  analysis: "positional",
  subject: { roles: ["nanda"], solved: true },
  values: { r, limit, distance, ...range },
  rule: holds(atLeast("lowest", 0.9)).orPartly(above("lowest", of("limit"))),
  ours: "r = {r} at the end, {lowest} to {highest} over the checkpoints of validation accuracy ≥ 0.99; distance {distance} token norms",
  none: "|r| < {limit}",
  notes: { always: "r says nothing: moving a vector from W_E to W_pos changes r and no logit" },
});

const miiii = defineClaim({
  id: "positional-miiii",
  paper: `${SYRKIS}, Fig. 7`,
  claim: "For miiii the two digits' positional embeddings differ: they are negatively correlated.",
  printed: "r = −0.64",
  analysis: "positional",
  subject: { roles: ["miiii"], solved: true },
  values: {
    r,
    limit,
    sound: metric("positional", "sound_pearson", "r with centred tokens, which every equivalent model has", "r"),
    sound_low: asNull(metric("positional", "sound_pearson_low", "2.5 % limit of that r for independent directions", "r")),
    sound_high: asNull(metric("positional", "sound_pearson_high", "97.5 % limit", "r")),
    distance,
  },
  rule: holds(below("r", times(-1, "limit")), below("sound", of("sound_low"))).orPartly(atMost("r", of("limit"))),
  ours: "r = {r}; with centred tokens {sound}; distance {distance} token norms",
  none: "|r| < {limit}; with centred tokens {sound_low} to {sound_high}",
  twin: "r = {r}",
  notes: { partly: "the two differ, but r is no evidence: with centred tokens it is not below its null" },
});

const commutative = defineClaim({
  id: "commutative-nanda",
  paper: `${SYRKIS}, Embeddings`,
  claim: "The order of the digits does not matter to nanda's computation.",
  printed: "“commutative”",
  analysis: "positional",
  subject: { roles: ["nanda"], solved: true },
  values: { asymmetry, pairs },
  rule: holds(below("asymmetry", times(0.1, "pairs"))).orPartly(below("asymmetry", times(0.5, "pairs"))),
  ours: "asymmetry {asymmetry}",
  none: "{pairs} (random pairs)",
  notes: { always: "follows from the accuracy" },
});

const ordered = defineClaim({
  id: "ordered-miiii",
  paper: `${SYRKIS}, Embeddings`,
  claim: "The order of the digits matters to miiii's computation.",
  printed: "“non-commutative”",
  analysis: "positional",
  subject: { roles: ["miiii"], solved: true },
  values: { asymmetry, pairs },
  rule: holds(atLeast("asymmetry", times(0.5, "pairs"))).orPartly(atLeast("asymmetry", times(0.1, "pairs"))),
  ours: "asymmetry {asymmetry}",
  none: "{pairs} (random pairs)",
  twin: "{asymmetry}",
  notes: { always: "follows from the accuracy" },
});

/** Claims about the two digits' positions. */
export const POSITIONAL_CLAIMS: readonly Claim[] = [nanda, miiii, commutative, ordered];
