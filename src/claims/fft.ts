import { asNull, type Claim, defineClaim, derived, metric } from "./claim.ts";
import { NANDA, SYRKIS } from "./papers.ts";
import { above, atLeast, atMost, below, holds, of, times } from "./rule.ts";

const active = metric("fft", "active_sound", "active frequency pairs a neuron (sound rule)", "number");
const none = asNull(metric("fft", "active_sound_null", "active pairs of a neuron under token permutations", "number"));
const nominal = metric("fft", "active_nominal", "entries a neuron above μ+2σ", "number");
const noise = asNull(metric("fft", "active_nominal_noise", "entries of noise above μ+2σ", "number"));
const entries = derived("number of frequency pairs", "count", ({ config: { p } }) => (p * p - 1) / 2);

const few = (["nanda", "miiii"] as const).map((role) =>
  defineClaim({
    id: `neurons-${role}`,
    paper: `${SYRKIS}, Neurons`,
    claim: `Each neuron of ${role} reacts to a very small set of frequencies.`,
    printed: "“very small set”",
    analysis: "fft",
    subject: { roles: [role], solved: true, manyFrequencies: true },
    values: { active, entries, none, nominal, noise },
    rule: holds(atLeast("active", 2), atLeast("active", times(10, "none")), atMost("active", times(0.01, "entries"))).orPartly(
      atLeast("active", 1),
      above("active", of("none")),
      atMost("active", times(0.05, "entries")),
    ),
    ours: "{active} of {entries} a neuron (μ+2σ: {nominal})",
    none: "{none} (μ+2σ of noise: {noise})",
  }),
);

const shuffled = defineClaim({
  id: "neurons-shuffled",
  paper: `${SYRKIS}, Neurons`,
  claim: "With shuffled labels (basis, and nanda's twin) neurons have no frequencies: periodicity comes from the tasks.",
  printed: "none",
  analysis: "fft",
  subject: { roles: ["basis", "nanda-shuffled"], memorised: true },
  values: { active, none, memorised: metric("curves", "train_accuracy", "share of the labels memorised", "share") },
  rule: holds(below("active", 0.5)).orPartly(below("active", 2)),
  ours: "{active} a neuron ({memorised} of its labels memorised)",
  none: "{none} a neuron",
});

const explained = defineClaim({
  id: "nanda-neurons",
  paper: `${NANDA}, section 4`,
  claim: "Most neurons of the addition model are explained by one frequency each (over 85 % of their variance).",
  printed: "84.6 % of neurons",
  analysis: "fft",
  subject: { roles: ["nanda"], solved: true },
  values: {
    share: metric("fft", "explained_share", "share of neurons with over 85 % of their variance at one frequency", "share"),
    clusters: metric("fft", "clusters", "frequencies of these", "count"),
    none: asNull(metric("fft", "share_null", "99 % limit of a neuron's best share under token permutations", "share")),
  },
  rule: holds(atLeast("share", 0.7)).orPartly(atLeast("share", 0.2)),
  ours: "{share}, at {clusters} frequencies",
  none: "0 %; shares below {none}",
});

/** Claims about the frequencies of neurons after the ReLU. */
export const FFT_CLAIMS: readonly Claim[] = [...few, shuffled];

/** The same of Nanda et al. */
export const NANDA_NEURON_CLAIMS: readonly Claim[] = [explained];
