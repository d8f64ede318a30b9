import { formatNumber as text } from "../core/index.ts";
import { type Claim, eachShuffled, eachSpectral, isJudgement, metricsOf } from "./claim.ts";

const PAPER = "Syrkis & Søgaard 2024";

/** Entries of the half-plane: what "very few frequencies" is a share of. */
const entries = (p: number) => (p * p - 1) / 2;

/** Claims about the neurons after the ReLU. */
export const NEURON_CLAIMS: readonly Claim[] = [
  ...(["nanda", "miiii"] as const).map(
    (role): Claim => ({
      id: `neurons-${role}`,
      source: `${PAPER}, Neurons`,
      statement: `Each neuron of ${role} reacts to a very small set of frequencies.`,
      paper: "“very small set”",
      rule: "Active frequency pairs a neuron by the sound rule: above ten times the null, at least 2, and at most 1 % of all pairs: reproduced; above the null, at least 1, and at most 5 %: partly; else not reproduced.",
      analysis: "fft",
      judge: eachSpectral(role, (run) => {
        const m = metricsOf(run, "fft", ["active_sound", "active_sound_null", "active_nominal", "active_nominal_noise"]);
        if (isJudgement(m)) return m;
        const all = entries(run.run.config.p);
        const share = m.active_sound / all;
        const clear = m.active_sound >= Math.max(2, 10 * m.active_sound_null);
        const verdict =
          clear && share <= 0.01
            ? "reproduced"
            : m.active_sound > m.active_sound_null && m.active_sound >= 1 && share <= 0.05
              ? "partly"
              : "not reproduced";
        return {
          verdict,
          ours: `${text(m.active_sound)} of ${text(all)} a neuron (μ+2σ: ${text(m.active_nominal)})`,
          none: `${text(m.active_sound_null)} (μ+2σ of noise: ${text(m.active_nominal_noise)})`,
        };
      }),
    }),
  ),
  {
    id: "neurons-shuffled",
    source: `${PAPER}, Neurons`,
    statement: "With shuffled labels (basis, and nanda's twin) neurons have no frequencies: periodicity comes from the tasks.",
    paper: "none",
    rule: "Active frequency pairs a neuron by the sound rule, in runs that have memorised 90 % of their labels: below 0.5: reproduced; below 2: partly; else not reproduced.",
    analysis: "fft",
    judge: eachShuffled((run) => {
      const m = metricsOf(run, "fft", ["active_sound", "active_sound_null"]);
      if (isJudgement(m)) return m;
      return {
        verdict: m.active_sound < 0.5 ? "reproduced" : m.active_sound < 2 ? "partly" : "not reproduced",
        ours: `${text(m.active_sound)} a neuron`,
        none: `${text(m.active_sound_null)} a neuron`,
      };
    }),
  },
];
