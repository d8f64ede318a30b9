import { asNull, type Claim, defineClaim, metric } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { above, atLeast, atMost, below, holds, of, times } from "./rule.ts";

const r = metric("positional", "pearson", "r of the two digits' position embeddings", "r");
const limit = asNull(metric("positional", "null_limit", "95 % limit of |r|", "r"));
const distance = metric("positional", "distance", "their distance in token norms");
const asymmetry = metric("positional", "asymmetry", "mean |L(x0, x1) − L(x1, x0)| over mean |L| of the logits L");
const pairs = asNull(metric("positional", "asymmetry_null", "same of samples paired at random"));

const nanda = defineClaim({
  id: "positional-nanda",
  paper: `${SYRKIS}, Fig. 7`,
  claim: "For nanda the two digits' positional embeddings are virtually identical.",
  printed: "r = 0.95",
  analysis: "positional",
  subject: { roles: ["nanda"], solved: true },
  values: { r, limit, distance },
  rule: holds(atLeast("r", 0.9)).orPartly(above("r", of("limit"))),
  ours: "r = {r}; distance {distance} token norms",
  none: "|r| < {limit}",
  notes: { always: "r is not fixed by what a model computes: moving a vector from W_E to W_pos changes r and no logit" },
});

const miiii = defineClaim({
  id: "positional-miiii",
  paper: `${SYRKIS}, Fig. 7`,
  claim: "For miiii the two digits' positional embeddings differ: they are negatively correlated.",
  printed: "r = −0.64",
  analysis: "positional",
  subject: { roles: ["miiii"], solved: true },
  values: { r, limit, distance },
  rule: holds(below("r", times(-1, "limit"))).orPartly(atMost("r", of("limit"))),
  ours: "r = {r}; distance {distance} token norms",
  none: "|r| < {limit}",
  twin: "{r}",
  notes: { partly: "the two differ, though without a negative correlation" },
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
});

/** Claims about the two digits' positions. */
export const POSITIONAL_CLAIMS: readonly Claim[] = [nanda, miiii, commutative, ordered];
