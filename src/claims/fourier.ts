import { asNull, type Claim, defineClaim, metric, overOthers } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { above, atLeast, atMost, between, holds, of, times } from "./rule.ts";

const count = metric("fourier", "key_frequencies", "frequencies above the family-wise 99 % null of token permutations", "count");
const share = metric("fourier", "key_share", "share of the energy at these", "share");
const limit = asNull(metric("fourier", "null_share", "family-wise 99 % limit of a frequency's share", "share"));

const nanda = defineClaim({
  id: "fourier-nanda",
  paper: `${SYRKIS}, Fig. 11`,
  claim: "Only a few frequencies are active in nanda's token embedding.",
  printed: "5 frequencies",
  analysis: "fourier",
  subject: { roles: ["nanda"], solved: true, manyFrequencies: true },
  values: { count, share, limit },
  rule: holds(between("count", 3, 10)).orPartly(between("count", 1, 15)),
  ours: "{count} frequencies with {share} of the energy",
  none: "0; each below {limit}",
});

const miiii = defineClaim({
  id: "fourier-miiii",
  paper: `${SYRKIS}, Fig. 12`,
  claim: "A much broader spectrum is active in miiii's token embedding.",
  printed: "“broader”",
  analysis: "fourier",
  subject: { roles: ["miiii"], solved: true, manyFrequencies: true, beside: { role: "nanda", same: "p", solved: true } },
  values: { count, share, nanda: overOthers(count, "same of nanda") },
  rule: holds(atLeast("count", times(2, "nanda")), above("nanda", 0)).orPartly(above("count", of("nanda"))),
  ours: "{count} frequencies, against {nanda} in nanda",
  none: "0",
});

const shuffled = defineClaim({
  id: "fourier-shuffled",
  paper: `${SYRKIS}, Fig. 13`,
  claim: "With shuffled labels (basis, and nanda's twin) the token embedding has no periodicity.",
  printed: "none",
  analysis: "fourier",
  subject: { roles: ["basis", "nanda-shuffled"], memorised: true },
  values: { count, limit, memorised: metric("curves", "train_accuracy", "share of the labels memorised", "share") },
  rule: holds(atMost("count", 0)).orPartly(atMost("count", 2)),
  ours: "{count} ({memorised} of its labels memorised)",
  none: "0.01 expected by chance",
});

/** Claims about the spectrum of the token embedding. */
export const FOURIER_CLAIMS: readonly Claim[] = [nanda, miiii, shuffled];
