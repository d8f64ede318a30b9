import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { fixed, perRun, short, stated } from "../kit/text.ts";
import { compute, correlationSpread, DRAWS, type PositionalResult } from "./compute.ts";
import { positionalFigure } from "./figure.ts";

function headline(entries: readonly Labelled<PositionalResult>[]): string {
  const clause = ({ result: { pearson: r, sound, null: none } }: Labelled<PositionalResult>) =>
    `r = ${fixed(r, 2)} (null ±${fixed(none.limit, 2)}), distance ${short(sound.distance, 2)} token norms, ` +
    `logit asymmetry ${short(sound.asymmetry, 2)} (null ${short(none.asymmetry, 2)})`;
  return `${perRun(entries, clause)}.${correlationSpread(entries)}`;
}

/**
 * How much the two digits' positions differ (Figure 7, Syrkis & Søgaard 2024), and what of that the model's function depends on.
 */
export const positional = defineAnalysis({
  id: "positional",
  title: "Positional embeddings",
  description: "Correlation of the two digits' position embeddings, and two measures that the function itself fixes.",
  definition: `- \`pearson\`, \`cosine\`: of \`W_pos[0]\` and \`W_pos[1]\` over the d_model dimensions. Neither is fixed by what the model
  computes: W_E + v with W_pos[0] − v and W_pos[1] − v is the same function for every v, with another r.
- \`sound.distance\`: ‖W_pos[0] − W_pos[1]‖ over the root mean square norm of the token embeddings about their mean; unchanged by v. 0
  for a model that cannot tell the digits apart.
- \`sound.asymmetry\`: mean |L(x0, x1) − L(x1, x0)| over mean |L| of all logits L over all p² samples; 0 for a commutative mechanism.
- \`sound.pearson\`: r of W_pos[0] + m and W_pos[1] + m, m being the mean token embedding: the one choice of v that centres the tokens, so
  that every equivalent model has the same value.
- \`W_pos\`: the two rows, [2, d_model].

Of several runs that agree in every setting but seed and epochs, each with a seed of its own, the range of r over seeds is reported.`,
  null: `\`null.limit\`: two independent directions have |r| and |cosine| below 1.96/√d_model in 95 % of cases. \`null.distance\` and
\`null.pearson\`: the 95 % range of the same statistics for two independent directions with the lengths of W_pos[0] + m and W_pos[1] + m
(${DRAWS} seeded draws); they do not change with v either. \`null.asymmetry\`: the same ratio with samples paired at random instead of with their mirror image.`,
  citation: "Section Embeddings and Figure 7, Syrkis & Søgaard 2024: r = 0.95 (nanda) and −0.64 (miiii)",
  needs: ["logits"],
  effort: 0.3,
  options: {},
  run: compute,
  metrics: (result) => ({
    pearson: result.pearson,
    cosine: result.cosine,
    null_limit: result.null.limit,
    distance: result.sound.distance,
    distance_null_low: result.null.distance[0],
    asymmetry: result.sound.asymmetry,
    asymmetry_null: result.null.asymmetry,
    sound_pearson: result.sound.pearson,
    sound_pearson_low: result.null.pearson[0],
    sound_pearson_high: result.null.pearson[1],
  }),
  summary: ({ pearson: r, cosine: c, sound, null: none }) =>
    [
      `pearson    ${short(r)}   cosine ${short(c)}   (null ±${short(none.limit)}; neither is fixed by the function)`,
      `sound      r with centred tokens ${short(sound.pearson)}   (null ${short(none.pearson[0])} to ${short(none.pearson[1])})`,
      `distance   ${short(sound.distance)} token norms   (null ${short(none.distance[0])} to ${short(none.distance[1])})`,
      `asymmetry  ${short(sound.asymmetry)} of the logits under x0 ↔ x1   (null ${short(none.asymmetry)})`,
    ].join("\n"),
  finding: (entries) =>
    stated(
      "The position embeddings of the two digits are correlated beyond chance",
      entries,
      ({ result }) => Math.abs(result.pearson) > result.null.limit,
    ),
  headline,
  figure: (entries) => positionalFigure(entries, headline(entries)),
});
