import { figure } from "../../figures/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { perRun, short, stated } from "../kit/text.ts";
import { compute, type Range, type SvdResult } from "./compute.ts";
import { svdPanel } from "./figure.ts";
import { TIE } from "./vectors.ts";

const rangeText = ([low, high]: Range) => `${short(low)} to ${short(high)}`;

function headline(entries: readonly Labelled<SvdResult>[]): string {
  const clause = ({ result: { paper, sound, null: none } }: Labelled<SvdResult>) =>
    `half of Σσ by index ${paper.index50} and 90 % by ${paper.index90} (Gaussian ${rangeText(none.paper.index50)}, ` +
    `${rangeText(none.paper.index90)}); of the variance Σσ² by ${sound.index50} and ${sound.index90} ` +
    `(Gaussian ${rangeText(none.sound.index50)}, ${rangeText(none.sound.index90)})`;
  return `${perRun(entries, clause)}.`;
}

/** How many directions the token embedding fills, and what its main ones look like (Figures 8 to 10, Syrkis & Søgaard 2024). */
export const svd = defineAnalysis({
  id: "svd",
  title: "Singular values of the token embedding",
  description: "How many directions W_E fills, by Σσ and by Σσ², and the frequencies of its main singular vectors.",
  definition: `W_E without the '=' row, [p, d_model] = \`shape\`, is U·diag(σ)·Vᵀ.

- \`singular_values\`: σ, descending, min(p, d_model) of them.
- \`paper\`: \`cumulative\` shares of Σσ, which the paper's text calls variance. \`sound\`: shares of Σσ², which is the variance. In each
  \`index50\` and \`index90\` are the last index, from 0, whose cumulative share is still below 50 % and 90 % (−1 if none).
- \`stable_rank\`: ‖W_E‖²_F/σ₁². \`participation_ratio\`: (Σσ²)²/Σσ⁴.
- \`vectors\`: the leading columns of U: \`entries\` over the tokens, with the sign that makes the entry of largest magnitude positive;
  \`periodogram\`: share of the vector's energy at k = 0..(p−1)/2; \`peak\`: the k ≥ 1 with the largest share.
- \`subspaces\`: neighbours whose σ lie within ${100 * TIE} % of the first of them have no directions of their own; their mean periodogram, which does not
  depend on the choice, has its own \`peak\`.`,
  null: `\`null\`: the 95 % band of the same numbers over Gaussian matrices of the same shape and Frobenius norm (\`draws\` of them; a Gaussian
113 × 256 matrix has \`paper\` indices of about 39 and 90). \`null.peak_share\` and each subspace's \`null_share\`: the 99 % limit of the largest
share that a random direction, or as many random directions as the subspace has, puts on one frequency.`,
  citation: "Figures 8 to 10, Syrkis & Søgaard 2024: spectra that read about 5/49 (nanda) and 35/73 (miiii) by Σσ",
  needs: [],
  effort: 0.8,
  options: {
    vectors: { type: "integer", default: 12, min: 1, max: 40, description: "leading singular vectors to report, 1 to 40" },
    draws: { type: "integer", default: 40, min: 39, max: 1000, description: "Gaussian matrices of the null, 39 to 1000" },
  },
  run: compute,
  metrics: ({ paper, sound, stable_rank, participation_ratio, vectors, null: none }) => ({
    paper_index50: paper.index50,
    paper_index90: paper.index90,
    paper_index50_null: (none.paper.index50[0] + none.paper.index50[1]) / 2,
    paper_index90_null: (none.paper.index90[0] + none.paper.index90[1]) / 2,
    sound_index50: sound.index50,
    sound_index90: sound.index90,
    sound_index50_null: (none.sound.index50[0] + none.sound.index50[1]) / 2,
    sound_index90_null: (none.sound.index90[0] + none.sound.index90[1]) / 2,
    stable_rank,
    participation_ratio,
    participation_ratio_null: (none.participation_ratio[0] + none.participation_ratio[1]) / 2,
    periodic_vectors: vectors.filter(({ peak }) => peak.share > none.peak_share).length,
  }),
  summary: ({ paper, sound, stable_rank, participation_ratio, vectors, subspaces, null: none }) =>
    [
      `paper (Σσ)    50 % at ${paper.index50}, 90 % at ${paper.index90}   (Gaussian ${rangeText(none.paper.index50)}, ${rangeText(none.paper.index90)})`,
      `sound (Σσ²)   50 % at ${sound.index50}, 90 % at ${sound.index90}   (Gaussian ${rangeText(none.sound.index50)}, ${rangeText(none.sound.index90)})`,
      `stable rank   ${short(stable_rank)}   (${rangeText(none.stable_rank)})`,
      `participation ${short(participation_ratio)}   (${rangeText(none.participation_ratio)})`,
      `vectors       ${vectors.map(({ peak }) => `k=${peak.k} ${short(peak.share, 2)}`).join(", ")}   (null ${short(none.peak_share, 2)})`,
      `subspaces     ${subspaces.map(({ first, last, peak }) => `${first === last ? first : `${first}–${last}`}: k=${peak.k} ${short(peak.share, 2)}`).join(", ")}`,
    ].join("\n"),
  finding: (entries) =>
    stated(
      "The token embedding fills fewer directions than a random matrix",
      entries,
      ({ result }) => result.sound.index90 < result.null.sound.index90[0],
    ),
  headline,
  figure: (entries) =>
    figure(svdPanel(entries), {
      title: "Singular values of the token embedding",
      subtitle: "all runs on shared scales",
      description: `Singular values, both cumulative curves, and the leading singular vectors with their periodograms. ${headline(entries)}`,
    }),
});
