import { at } from "../../core/index.ts";
import { figure } from "../../figures/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { listed, percent, perRun, short, stated } from "../kit/text.ts";
import { compute, type FourierResult } from "./compute.ts";
import { fourierPanel } from "./figure.ts";

function headline(entries: readonly Labelled<FourierResult>[]): string {
  const clause = ({ result }: Labelled<FourierResult>) => {
    const { key_frequencies: keys, share_by_k: shares, p } = result;
    const strongest = keys
      .slice()
      .sort((a, b) => at(shares, b) - at(shares, a))
      .slice(0, 5);
    const led = keys.length === 0 ? "" : `, led by ${listed(strongest.map((k) => `k=${k} (${percent(at(shares, k))})`))}`;
    return (
      `${keys.length} of ${(p - 1) / 2} frequencies above the 99 % null hold ${percent(result.key_share)} of the energy${led}; ` +
      `Gini ${short(result.gini)} (null ${short(result.null.gini[0])} to ${short(result.null.gini[1])})`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** Which frequencies over the p tokens the embedding uses (Figures 11 to 13, Syrkis & Søgaard 2024; Nanda et al. 2023). */
export const fourier = defineAnalysis({
  id: "fourier",
  title: "Token embeddings in a Fourier basis",
  description: "Energy of W_E at each frequency over the tokens, and which of them exceed the null.",
  definition: `W_E without the '=' row, [p, d_model], in the real orthonormal basis over the tokens: constant/√p, then √(2/p)·cos(2πkx/p) and
√(2/p)·sin(2πkx/p), k = 1..(p−1)/2.

- \`norms\`: norm of each of the p rows of basis·W_E, named by \`labels\` (const, cos 1, sin 1, …).
- \`energy_by_k\`: const², then cos² + sin² for each k. \`share_by_k\`: over the total, the constant included.
- \`gini\`: Gini coefficient of the p norms; 0 = all equal.
- \`key_frequencies\`: every k whose energy exceeds \`null.energy\`; \`key_share\`: their share of the total energy.
- \`paper\`: the published figure's recipe: 2D rfft of the transpose, fftshift over both axes, row norms, \`active\` above μ+1σ (\`threshold\`). The
  shift puts frequency (r+29) mod 57 into row r (for p = 113), which the paper labels const, cos ⌊r/2⌋ (odd r) and sin (even r): each
  row is given with that \`label\` and with the \`frequency\` that it holds. Kept for comparison.
- \`coefficients\`: basis·W_E, [p, d_model], to 1/255 of its range (base64), for the figure.`,
  null: `The rows of W_E permuted over the tokens, which keeps the embeddings and destroys all periods: \`null.energy\` (and \`null.share\`) is the family-wise 99 %
limit of the largest energy among all k ≥ 1, \`null.gini\` the 95 % range, \`null.paper_active\` the mean number of rows that the paper's
μ+1σ calls active without any structure; \`draws\` seeded permutations.`,
  citation:
    "Figures 11 to 13, Syrkis & Søgaard 2024: few frequencies (nanda), many (miiii), none (basis); Gini as in Nanda et al. 2023",
  needs: [],
  effort: 0.2,
  options: {
    draws: { type: "integer", default: 1000, min: 200, max: 10_000, description: "row permutations of the null, 200 to 10000" },
  },
  run: compute,
  metrics: (result) => ({
    key_frequencies: result.key_frequencies.length,
    key_share: result.key_share,
    null_share: result.null.share,
    gini: result.gini,
    gini_null: (result.null.gini[0] + result.null.gini[1]) / 2,
    paper_active: result.paper.active.length,
    paper_active_null: result.null.paper_active,
  }),
  summary: (result) =>
    [
      `key frequencies  ${result.key_frequencies.length === 0 ? "none" : result.key_frequencies.map((k) => `${k} (${percent(at(result.share_by_k, k))})`).join(", ")}`,
      `                 ${percent(result.key_share)} of the energy; each above ${percent(result.null.share)}, the 99 % null of permuted tokens`,
      `gini             ${short(result.gini)}   (null ${short(result.null.gini[0])} to ${short(result.null.gini[1])})`,
      `paper (μ+1σ)     ${result.paper.active.length} of ${result.paper.norms.length} rows   (null ${short(result.null.paper_active)}): ${result.paper.active.map(({ label, frequency }) => `"${label}" holds k=${frequency}`).join(", ")}`,
    ].join("\n"),
  finding: (entries) =>
    stated(
      "A few frequencies k/p hold most of the token embedding",
      entries,
      ({ result }) => result.key_share > 0.5 && result.key_frequencies.length < (result.p - 1) / 10,
    ),
  headline,
  figure: (entries) =>
    figure(fourierPanel(entries), {
      title: "Token embeddings in a Fourier basis",
      subtitle: "all runs on shared scales; dashed: 99 % null of permuted tokens",
      description: `Coefficients of the token embedding over the Fourier basis with the energy of each frequency. ${headline(entries)}`,
    }),
});
