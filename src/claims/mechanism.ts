import { asNull, type Claim, defineClaim, derived, metric } from "./claim.ts";
import { NANDA, SYRKIS } from "./papers.ts";
import { above, all, any, atLeast, atMost, below, between, holds, of, times } from "./rule.ts";
import { resultOf } from "./run.ts";

const loss = metric("mechanism", "loss", "full loss");

const keyFrequencies = defineClaim({
  id: "nanda-key-frequencies",
  paper: `${NANDA}, section 4`,
  claim: "The logits of modular addition are built from a handful of key frequencies.",
  printed: "5 frequencies",
  analysis: "mechanism",
  subject: { roles: ["nanda"], solved: true, manyFrequencies: true },
  values: {
    count: metric("mechanism", "key_frequencies", "frequencies whose coefficient exceeds a tenth of the largest", "count"),
    sound: metric(
      "mechanism",
      "key_frequencies_above_null",
      "number of these above the family-wise 99 % null of token permutations",
      "count",
    ),
  },
  rule: holds(between("count", 3, 10), atLeast("sound", of("count"))).orPartly(
    atLeast("sound", 1),
    any(between("count", 3, 10), atLeast("sound", of("count"))),
  ),
  ours: "{count}, {sound} of them above the null",
  none: "0 above the null",
});

const logits = defineClaim({
  id: "nanda-logits",
  paper: `${NANDA}, section 4; Eq. 5, ${SYRKIS}`,
  claim: "The logits are a weighted sum of cos(w(x0 + x1 − c)) over the key frequencies.",
  printed: "95 % of the variance",
  analysis: "mechanism",
  subject: { roles: ["nanda"], solved: true },
  values: {
    share: metric("mechanism", "logit_share", "share of the centred logits at the key frequencies", "share"),
    none: asNull(metric("mechanism", "logit_share_null", "99 % null of that share", "share")),
  },
  rule: holds(atLeast("share", 0.9)).orPartly(atLeast("share", 0.5), above("share", of("none"))),
  ours: "{share}",
  none: "below {none}",
});

const restricted = defineClaim({
  id: "nanda-restricted",
  paper: `${NANDA}, sections 4 and 5`,
  claim: "The key frequencies suffice: restricted to them, the loss is no higher.",
  printed: "loss falls by 70 %",
  analysis: "mechanism",
  subject: { roles: ["nanda"], solved: true },
  values: {
    restricted: metric("mechanism", "restricted_loss", "restricted loss"),
    loss,
    others: asNull(metric("mechanism", "restricted_loss_null", "lowest restricted loss of as many other frequencies")),
  },
  rule: holds(atMost("restricted", of("loss"))).orPartly(below("restricted", times(0.1, "others"))),
  ours: "{restricted} restricted, {loss} full",
  none: "{others} or more (other frequencies)",
});

const excluded = defineClaim({
  id: "nanda-excluded",
  paper: `${NANDA}, sections 4 and 5`,
  claim: "The key frequencies are needed: without them the model fails, even on its training samples.",
  printed: "loss rises far above its own",
  analysis: "mechanism",
  subject: { roles: ["nanda"], solved: true },
  values: {
    excluded: metric("mechanism", "excluded_loss", "excluded loss"),
    loss,
    others: asNull(metric("mechanism", "excluded_loss_null", "largest excluded loss of as many other frequencies")),
    guess: derived("loss of a uniform guess, ln p", "number", ({ config: { p } }) => Math.log(p)),
  },
  texts: {
    samples: (run) => {
      const result = resultOf(run, "mechanism");
      return result?.kind === "addition" && result.excluded_loss.train !== undefined ? "training samples" : "all samples";
    },
  },
  rule: holds(above("excluded", of("others")), above("excluded", times(0.1, "guess"))).orPartly(above("excluded", of("others"))),
  ours: "{excluded} excluded ({samples}), {loss} full (all samples)",
  none: "at most {others} (other frequencies)",
});

const readout = defineClaim({
  id: "nanda-w-l",
  paper: `${NANDA}, section 4`,
  claim: "The map from neurons to logits, W_L, is sparse in the Fourier basis over the classes.",
  printed: "10 directions: cos and sin of 5 frequencies",
  analysis: "mechanism",
  subject: { roles: ["nanda"], solved: true },
  values: {
    directions: metric("mechanism", "W_L_participation_ratio", "participation ratio of the squared norms"),
    gini: metric("mechanism", "W_L_gini", "Gini coefficient of the norms"),
    none: asNull(metric("mechanism", "W_L_gini_null", "99 % null of that coefficient")),
  },
  rule: holds(all(atLeast("directions", 4), atMost("directions", 20)), above("gini", of("none"))).orPartly(
    above("gini", of("none")),
  ),
  ours: "{directions} directions, Gini {gini}",
  none: "Gini below {none}",
});

/** Claims of Nanda et al. about modular addition, which the paper takes as its mechanism (Eq. 3–5). */
export const MECHANISM_CLAIMS: readonly Claim[] = [keyFrequencies, logits, restricted, excluded, readout];
