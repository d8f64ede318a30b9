import { formatNumber as text } from "../core/index.ts";
import { mean } from "../math/index.ts";
import {
  type Claim,
  eachShuffled,
  eachSolved,
  eachSpectral,
  isJudgement,
  type Judgement,
  metricsOf,
  noRun,
  notTested,
  onShuffled,
  runsOf,
  unsolvedWhy,
  verdictOf,
} from "./claim.ts";
import type { ClaimRun } from "./run.ts";
import { PAPER_P } from "./settings.ts";

const PAPER = "Syrkis & Søgaard 2024";

const fixed = (value: number, digits = 2) => value.toFixed(digits).replace("-", "−");

/** Where the paper's cumulative spectrum is read, and how far off still counts: five indices at 50 %, ten at 90 %. */
function spectrumClaim(role: "nanda" | "miiii", index50: number, index90: number): Claim {
  return {
    id: `svd-${role}`,
    source: `${PAPER}, Fig. 8`,
    statement: `Half of the token embedding of ${role} is in its first ${index50} singular values, 90 % in its first ${index90} (cumulative Σσ).`,
    paper: `${index50} / ${index90}`,
    rule: "Last index whose cumulative share of Σσ is below 50 % and 90 %: within 5 and within 10 of the paper's. Both: reproduced; one: partly. At p = 113 alone. The paper calls Σσ variance; by Σσ², which is the variance, see the figure.",
    analysis: "svd",
    judge: eachSolved(role, (run) => {
      if (run.run.config.p !== PAPER_P)
        return notTested(`${run.label}: indices of p = ${run.run.config.p} are not those of p = ${PAPER_P}`);
      const m = metricsOf(run, "svd", [
        "paper_index50",
        "paper_index90",
        "paper_index50_null",
        "paper_index90_null",
        "sound_index50",
        "sound_index90",
      ]);
      if (isJudgement(m)) return m;
      return {
        verdict: verdictOf([Math.abs(m.paper_index50 - index50) <= 5, Math.abs(m.paper_index90 - index90) <= 10]),
        ours: `${text(m.paper_index50)} / ${text(m.paper_index90)} (Σσ²: ${text(m.sound_index50)} / ${text(m.sound_index90)})`,
        none: `${text(m.paper_index50_null)} / ${text(m.paper_index90_null)} (Gaussian)`,
      };
    }),
  };
}

/** Judges each run of one role against those of another at the same p that have generalised. */
function against(
  role: "miiii" | "masked",
  other: "nanda" | "miiii",
  judge: (run: ClaimRun, reference: readonly ClaimRun[]) => Judgement,
): Claim["judge"] {
  return eachSpectral(role, (run, runs) => {
    const { p } = run.run.config;
    const reference = runsOf(runs, other).filter((known) => known.run.config.p === p && unsolvedWhy(known) === undefined);
    return reference.length === 0 ? noRun(`${other} at p = ${p} that has generalised`) : judge(run, reference);
  });
}

function meanOf(runs: readonly ClaimRun[], analysis: string, name: string): number | undefined {
  const values = runs.flatMap((run) => run.metric(analysis, name) ?? []);
  return values.length === 0 ? undefined : mean(values);
}

/** A metric of `positional` in words; undefined where it is not known. */
function textOf(run: ClaimRun, name: string, words: (value: number) => string): string | undefined {
  const value = run.metric("positional", name);
  return value === undefined ? undefined : words(value);
}

/** Claims about the positional and the token embeddings. */
export const EMBEDDING_CLAIMS: readonly Claim[] = [
  {
    id: "positional-nanda",
    source: `${PAPER}, Fig. 7`,
    statement: "For nanda the two digits' positional embeddings are virtually identical.",
    paper: "r = 0.95",
    rule: "r ≥ 0.9: reproduced; r above the null limit 1.96/√d: partly; else not reproduced.",
    analysis: "positional",
    judge: eachSolved("nanda", (run) => {
      const m = metricsOf(run, "positional", ["pearson", "null_limit", "distance"]);
      if (isJudgement(m)) return m;
      const verdict = m.pearson >= 0.9 ? "reproduced" : m.pearson > m.null_limit ? "partly" : "not reproduced";
      const why = "r is not fixed by what a model computes: moving a vector from W_E to W_pos changes r and no logit";
      return {
        verdict,
        ours: `r = ${fixed(m.pearson)}; distance ${text(m.distance)} token norms`,
        none: `|r| < ${fixed(m.null_limit)}`,
        ...(verdict === "reproduced" ? {} : { why }),
      };
    }),
  },
  {
    id: "positional-miiii",
    source: `${PAPER}, Fig. 7`,
    statement: "For miiii the two digits' positional embeddings differ: they are negatively correlated.",
    paper: "r = −0.64",
    rule: "r below the null limit −1.96/√d: reproduced; within the limits, so unrelated: partly; else not reproduced.",
    analysis: "positional",
    judge: eachSolved("miiii", (run, runs) => {
      const m = metricsOf(run, "positional", ["pearson", "null_limit", "distance"]);
      if (isJudgement(m)) return m;
      const verdict = m.pearson < -m.null_limit ? "reproduced" : m.pearson <= m.null_limit ? "partly" : "not reproduced";
      return {
        verdict,
        ours: `r = ${fixed(m.pearson)}; distance ${text(m.distance)} token norms`,
        none: `|r| < ${fixed(m.null_limit)}${onShuffled(runs, run, (twin) => textOf(twin, "pearson", fixed))}`,
        ...(verdict === "partly" ? { why: "the two differ, though without a negative correlation" } : {}),
      };
    }),
  },
  {
    id: "commutative-nanda",
    source: `${PAPER}, Embeddings`,
    statement: "The order of the digits does not matter to nanda's computation.",
    paper: "“commutative”",
    rule: "Asymmetry, the mean |L(x0, x1) − L(x1, x0)| over mean |L|, below a tenth of that of random pairs: reproduced; below half: partly; else not reproduced.",
    analysis: "positional",
    judge: eachSolved("nanda", (run) => {
      const m = metricsOf(run, "positional", ["asymmetry", "asymmetry_null"]);
      if (isJudgement(m)) return m;
      const share = m.asymmetry / m.asymmetry_null;
      return {
        verdict: share < 0.1 ? "reproduced" : share < 0.5 ? "partly" : "not reproduced",
        ours: `asymmetry ${text(m.asymmetry)}`,
        none: `${text(m.asymmetry_null)} (random pairs)`,
      };
    }),
  },
  {
    id: "ordered-miiii",
    source: `${PAPER}, Embeddings`,
    statement: "The order of the digits matters to miiii's computation.",
    paper: "“non-commutative”",
    rule: "Asymmetry, as above, at least half of that of random pairs: reproduced; at least a tenth: partly; else not reproduced.",
    analysis: "positional",
    judge: eachSolved("miiii", (run, runs) => {
      const m = metricsOf(run, "positional", ["asymmetry", "asymmetry_null"]);
      if (isJudgement(m)) return m;
      const share = m.asymmetry / m.asymmetry_null;
      return {
        verdict: share >= 0.5 ? "reproduced" : share >= 0.1 ? "partly" : "not reproduced",
        ours: `asymmetry ${text(m.asymmetry)}`,
        none: `${text(m.asymmetry_null)} (random pairs)${onShuffled(runs, run, (twin) => textOf(twin, "asymmetry", text))}`,
      };
    }),
  },
  spectrumClaim("nanda", 5, 49),
  spectrumClaim("miiii", 35, 73),
  {
    id: "svd-diffuse",
    source: `${PAPER}, Fig. 8`,
    statement: "The singular values of miiii's token embedding are more diffuse than those of nanda's.",
    paper: "35 / 73 against 5 / 49",
    rule: "Both indices, each over that of a Gaussian matrix of its own shape, larger than nanda's: reproduced; one: partly.",
    analysis: "svd",
    judge: against("miiii", "nanda", (run, reference) => {
      const m = metricsOf(run, "svd", ["paper_index50", "paper_index90", "paper_index50_null", "paper_index90_null"]);
      if (isJudgement(m)) return m;
      const [mean50, mean90, null50, null90] = ["paper_index50", "paper_index90", "paper_index50_null", "paper_index90_null"].map(
        (name) => meanOf(reference, "svd", name),
      );
      if (mean50 === undefined || mean90 === undefined || null50 === undefined || null90 === undefined)
        return notTested("nanda: svd was not run");
      const [ours50, ours90] = [m.paper_index50 / m.paper_index50_null, m.paper_index90 / m.paper_index90_null];
      const [other50, other90] = [mean50 / null50, mean90 / null90];
      return {
        verdict: verdictOf([ours50 > other50, ours90 > other90]),
        ours: `${fixed(ours50)} / ${fixed(ours90)} of Gaussian, against ${fixed(other50)} / ${fixed(other90)}`,
        none: "1 / 1 of Gaussian",
      };
    }),
  },
  ...(["nanda", "miiii"] as const).map(
    (role): Claim => ({
      id: `vectors-${role}`,
      source: `${PAPER}, Fig. ${role === "nanda" ? 9 : 10}`,
      statement: `The most significant left singular vectors of ${role}'s token embedding look periodic.`,
      paper: "“looks periodic”",
      rule: "Of the leading 12 vectors, those whose largest share at one frequency exceeds the 99 % quantile of random directions: at least half: reproduced; at least 2: partly.",
      analysis: "svd",
      judge: eachSolved(role, (run) => {
        const m = metricsOf(run, "svd", ["periodic_vectors"]);
        if (isJudgement(m)) return m;
        return {
          verdict: m.periodic_vectors >= 6 ? "reproduced" : m.periodic_vectors >= 2 ? "partly" : "not reproduced",
          ours: `${text(m.periodic_vectors)} of 12`,
          none: "0.12 of 12",
        };
      }),
    }),
  ),
  {
    id: "fourier-nanda",
    source: `${PAPER}, Fig. 11`,
    statement: "Only a few frequencies are active in nanda's token embedding.",
    paper: "5 frequencies",
    rule: "Frequencies above the family-wise 99 % null of token permutations: 3 to 10: reproduced; 1 to 15: partly; else not reproduced.",
    analysis: "fourier",
    judge: eachSpectral("nanda", (run) => {
      const m = metricsOf(run, "fourier", ["key_frequencies", "key_share", "null_share"]);
      if (isJudgement(m)) return m;
      const count = m.key_frequencies;
      return {
        verdict: count >= 3 && count <= 10 ? "reproduced" : count >= 1 && count <= 15 ? "partly" : "not reproduced",
        ours: `${text(count)} frequencies with ${fixed(100 * m.key_share, 0)} % of the energy`,
        none: `0; each below ${fixed(100 * m.null_share, 1)} %`,
      };
    }),
  },
  {
    id: "fourier-miiii",
    source: `${PAPER}, Fig. 12`,
    statement: "A much broader spectrum is active in miiii's token embedding.",
    paper: "“broader”",
    rule: "Frequencies above the family-wise 99 % null: at least twice as many as in nanda: reproduced; more: partly; else not reproduced.",
    analysis: "fourier",
    judge: against("miiii", "nanda", (run, reference) => {
      const m = metricsOf(run, "fourier", ["key_frequencies", "key_share"]);
      if (isJudgement(m)) return m;
      const other = meanOf(reference, "fourier", "key_frequencies");
      if (other === undefined) return notTested("nanda: fourier was not run");
      return {
        verdict:
          m.key_frequencies >= 2 * other && other > 0 ? "reproduced" : m.key_frequencies > other ? "partly" : "not reproduced",
        ours: `${text(m.key_frequencies)} frequencies, against ${text(other)} in nanda`,
        none: "0",
      };
    }),
  },
  {
    id: "fourier-shuffled",
    source: `${PAPER}, Fig. 13`,
    statement: "With shuffled labels (basis, and nanda's twin) the token embedding has no periodicity.",
    paper: "none",
    rule: "Frequencies above the family-wise 99 % null, in runs that have memorised 90 % of their labels: none: reproduced; 1 or 2: partly; more: not reproduced.",
    analysis: "fourier",
    judge: eachShuffled((run) => {
      const m = metricsOf(run, "fourier", ["key_frequencies", "null_share"]);
      if (isJudgement(m)) return m;
      return {
        verdict: m.key_frequencies === 0 ? "reproduced" : m.key_frequencies <= 2 ? "partly" : "not reproduced",
        ours: text(m.key_frequencies),
        none: "0.01 expected by chance",
      };
    }),
  },
];
