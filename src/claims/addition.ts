import type { AdditionResult } from "../analyses/logits/of-addition.ts";
import { formatPercent as percent, formatNumber as text } from "../core/index.ts";
import { type Claim, eachSolved, eachSpectral, isJudgement, metricsOf } from "./claim.ts";
import type { ClaimRun } from "./run.ts";

const NANDA = "Nanda et al. 2023";

/** On which samples the excluded loss is taken: those of training, where they are known. */
function samplesOf(run: ClaimRun): "training" | "all" {
  const result = run.result("mechanism") as Partial<AdditionResult> | undefined;
  return result?.excluded_loss?.train === undefined ? "all" : "training";
}

/** Claims of Nanda et al. about modular addition, which the paper takes as its mechanism (Eq. 3–5). */
export const ADDITION_CLAIMS: readonly Claim[] = [
  {
    id: "nanda-key-frequencies",
    source: `${NANDA}, section 4`,
    statement: "The logits of modular addition are built from a handful of key frequencies.",
    paper: "5 frequencies",
    rule: "Frequencies whose coefficient exceeds a tenth of the largest: 3 to 10 of them, all above the family-wise 99 % null of token permutations: reproduced; only one of the two, with some above it: partly.",
    analysis: "mechanism",
    judge: eachSpectral("nanda", (run) => {
      const m = metricsOf(run, "mechanism", ["key_frequencies", "key_frequencies_above_null"]);
      if (isJudgement(m)) return m;
      const few = m.key_frequencies >= 3 && m.key_frequencies <= 10;
      const sound = m.key_frequencies_above_null === m.key_frequencies;
      return {
        verdict: few && sound ? "reproduced" : m.key_frequencies_above_null > 0 && (few || sound) ? "partly" : "not reproduced",
        ours: `${text(m.key_frequencies)}, ${text(m.key_frequencies_above_null)} of them above the null`,
        none: "0 above the null",
      };
    }),
  },
  {
    id: "nanda-logits",
    source: `${NANDA}, section 4; Eq. 5, Syrkis & Søgaard 2024`,
    statement: "The logits are a weighted sum of cos(w(x0 + x1 − c)) over the key frequencies.",
    paper: "95 % of the variance",
    rule: "Share of the centred logits at the key frequencies: at least 90 %: reproduced; at least half and above the 99 % null: partly; else not reproduced.",
    analysis: "mechanism",
    judge: eachSolved("nanda", (run) => {
      const m = metricsOf(run, "mechanism", ["logit_share", "logit_share_null"]);
      if (isJudgement(m)) return m;
      return {
        verdict:
          m.logit_share >= 0.9
            ? "reproduced"
            : m.logit_share >= 0.5 && m.logit_share > m.logit_share_null
              ? "partly"
              : "not reproduced",
        ours: percent(m.logit_share),
        none: `below ${percent(m.logit_share_null)}`,
      };
    }),
  },
  {
    id: "nanda-restricted",
    source: `${NANDA}, sections 4 and 5`,
    statement: "The key frequencies suffice: restricted to them, the loss is no higher.",
    paper: "loss falls by 70 %",
    rule: "Restricted loss at most the full loss: reproduced; below a tenth of what as many other frequencies reach at best: partly; else not reproduced.",
    analysis: "mechanism",
    judge: eachSolved("nanda", (run) => {
      const m = metricsOf(run, "mechanism", ["loss", "restricted_loss", "restricted_loss_null"]);
      if (isJudgement(m)) return m;
      return {
        verdict:
          m.restricted_loss <= m.loss
            ? "reproduced"
            : m.restricted_loss < 0.1 * m.restricted_loss_null
              ? "partly"
              : "not reproduced",
        ours: `${text(m.restricted_loss)} restricted, ${text(m.loss)} full`,
        none: `${text(m.restricted_loss_null)} or more (other frequencies)`,
      };
    }),
  },
  {
    id: "nanda-excluded",
    source: `${NANDA}, sections 4 and 5`,
    statement: "The key frequencies are needed: without them the model fails, even on its training samples.",
    paper: "loss rises far above its own",
    rule: "Excluded loss above that of as many other frequencies and above a tenth of a uniform guess, ln p: reproduced; above the former alone: partly; else not reproduced.",
    analysis: "mechanism",
    judge: eachSolved("nanda", (run) => {
      const m = metricsOf(run, "mechanism", ["loss", "excluded_loss", "excluded_loss_null"]);
      if (isJudgement(m)) return m;
      const needed = m.excluded_loss > m.excluded_loss_null;
      return {
        verdict:
          needed && m.excluded_loss > 0.1 * Math.log(run.run.config.p) ? "reproduced" : needed ? "partly" : "not reproduced",
        ours: `${text(m.excluded_loss)} excluded (${samplesOf(run)} samples), ${text(m.loss)} full (all samples)`,
        none: `at most ${text(m.excluded_loss_null)} (other frequencies)`,
      };
    }),
  },
  {
    id: "nanda-w-l",
    source: `${NANDA}, section 4`,
    statement: "The map from neurons to logits, W_L, is sparse in the Fourier basis over the classes.",
    paper: "10 directions: cos and sin of 5 frequencies",
    rule: "Participation ratio of the squared norms between 4 and 20, and Gini coefficient above its 99 % null: reproduced; the latter alone: partly; else not reproduced.",
    analysis: "mechanism",
    judge: eachSolved("nanda", (run) => {
      const m = metricsOf(run, "mechanism", ["W_L_gini", "W_L_gini_null", "W_L_participation_ratio"]);
      if (isJudgement(m)) return m;
      const sparse = m.W_L_gini > m.W_L_gini_null;
      const few = m.W_L_participation_ratio >= 4 && m.W_L_participation_ratio <= 20;
      return {
        verdict: sparse && few ? "reproduced" : sparse ? "partly" : "not reproduced",
        ours: `${text(m.W_L_participation_ratio)} directions, Gini ${text(m.W_L_gini)}`,
        none: `Gini below ${text(m.W_L_gini_null)}`,
      };
    }),
  },
  {
    id: "nanda-neurons",
    source: `${NANDA}, section 4`,
    statement: "Most neurons of the addition model are explained by one frequency each (over 85 % of their variance).",
    paper: "84.6 % of neurons",
    rule: "Share of neurons above 0.85 at one frequency: at least 70 %: reproduced; at least 20 %: partly; else not reproduced. The null is a neuron's best share under token permutations.",
    analysis: "fft",
    judge: eachSolved("nanda", (run) => {
      const m = metricsOf(run, "fft", ["explained_share", "share_null", "clusters"]);
      if (isJudgement(m)) return m;
      return {
        verdict: m.explained_share >= 0.7 ? "reproduced" : m.explained_share >= 0.2 ? "partly" : "not reproduced",
        ours: `${percent(m.explained_share)}, at ${text(m.clusters)} frequencies`,
        none: `0 %; shares below ${percent(m.share_null)}`,
      };
    }),
  },
];
