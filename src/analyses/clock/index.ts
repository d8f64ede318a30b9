import { withoutReLU } from "../kit/activation.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { perRun, short, stated } from "../kit/text.ts";
import { type ClockResult, compute, type NullOf } from "./compute.ts";
import { clockFigure } from "./figure.ts";
import { PUBLISHED } from "./published.ts";

const range = ({ low, high }: NullOf) => `${short(low, 2)} to ${short(high, 2)}`;

function headline(entries: readonly Labelled<ClockResult>[]): string {
  const clause = ({ result }: Labelled<ClockResult>) => {
    const { gradient_symmetricity: S, distance_irrelevance: Q, circularity, disc, null: none } = result;
    const phases =
      disc === undefined
        ? "no neuron has one frequency beyond its null"
        : `resultant of φ0 − φ1 ${short(disc.mean, 2)} (disc 1, random phases ${short(disc.random, 2)})`;
    return (
      `gradient symmetricity ${short(S.mean, 2)} (gradients of different inputs ${range(none.gradient_symmetricity)}), ` +
      `distance irrelevance ${short(Q, 2)} (tokens relabelled ${range(none.distance_irrelevance)}), ` +
      `circularity ${short(circularity, 2)} (${range(none.circularity)}), ${phases}`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** Zhong et al.'s measures of how a model adds, beside the phases of its neurons. */
export const clock = defineAnalysis<ClockResult>({
  id: "clock",
  title: "Clock, pizza, or neither",
  description:
    "Addition models: gradient symmetricity, distance irrelevance, circularity, and whether neurons form discs or tori.",
  definition: `Addition models alone, with '=' or without; the addition head of \`joint\` is left out. L_c is the logit of class c, E_x0 and E_x1 are the inputs of the two positions (token and position embedding).

- \`gradient_symmetricity\`: mean and standard deviation over \`triples\` random (x0, x1, c) of cos(∂L_c/∂E_x0, ∂L_c/∂E_x1); exact gradients in float64.
- \`distance_irrelevance\`: with o[x0 + x1 mod p][x0 − x1 mod p] the right class's logit (\`logit\`, to 1/255 of its range, base64), the mean over the differences
  of the standard deviation over the sums, divided by the standard deviation of all of o. Near 1: how far the digits are apart does not matter.
- \`circularity\`: mean over the first four principal components of W_E's p tokens of the largest share of one's energy at one frequency.
- \`frequencies\`: neurons above the null of \`neurons\` by frequency \`k\`: how many, and \`disc\` = |mean e^{i(φ0−φ1)}|: 1 where both digits enter in phase (a disc), about
  1/√neurons where phases are independent (a torus). \`disc\`: mean over those neurons.

A clock multiplies the digits' waves: low symmetricity, high irrelevance. A pizza takes |cos| of half their difference: high symmetricity, low irrelevance. The two published models have
${PUBLISHED.map(({ name, distance_irrelevance: Q, gradient_symmetricity: S }) => `irrelevance ${Q} and symmetricity ${S} (${name.replace("Zhong et al., ", "attention ")})`).join(", ")}. Neither measure decides alone: symmetricity is high in any model whose
attention weighs both digits alike, trained or not, and discs and tori differ in their phases.`,
  null: `\`null.gradient_symmetricity\`: the cosine between the gradient at x0 of one triple and that at x1 of another: what the model's gradients have in common whatever the input.
\`null.distance_irrelevance\`, \`null.circularity\`: the same statistic with the tokens relabelled by one random permutation, the classes not. Each as \`mean\` and the 1 % and 99 % limits (\`low\`, \`high\`) of
\`null.draws\` draws (--draws, 200). \`disc.random\`: the mean length of as many random unit vectors.`,
  citation: "Zhong et al. 2023 (The Clock and the Pizza); discs and tori: McCracken et al. 2025, Moisescu-Pareja et al. 2026",
  needs: ["blocks.0.attn.hook_pattern", "blocks.0.mlp.hook_pre", "blocks.0.mlp.hook_post", "logits", "matmul"],
  effort: 0.8,
  options: {
    triples: {
      type: "integer",
      default: 100,
      min: 2,
      max: 10_000,
      description: "inputs and classes whose gradients are compared",
    },
    draws: { type: "integer", default: 200, min: 100, max: 2000, description: "draws of each null, 100 to 2000" },
  },
  refuses: (config) =>
    config.task === "nanda" && config.labels === "remainder"
      ? withoutReLU("takes gradients through the neurons that are on", config)
      : `needs an addition model (task nanda, labels remainder), got task ${config.task}, labels ${config.labels}${config.task === "joint" ? "; its addition head is left out, see neurons and mechanism" : ""}`,
  run: (input, options) => compute(input, Number(options.triples), Number(options.draws)),
  metrics: ({ gradient_symmetricity: S, distance_irrelevance, circularity, disc, frequencies, null: none }) => ({
    gradient_symmetricity: S.mean,
    gradient_symmetricity_null: none.gradient_symmetricity.mean,
    distance_irrelevance,
    distance_irrelevance_null: none.distance_irrelevance.mean,
    circularity,
    circularity_null: none.circularity.mean,
    frequencies: frequencies.k.length,
    ...(disc === undefined ? {} : { disc: disc.mean, disc_random: disc.random }),
  }),
  summary: (result) => {
    const { gradient_symmetricity: S, distance_irrelevance, circularity, disc, frequencies, triples, null: none } = result;
    return [
      `gradient symmetricity  ${short(S.mean)} ± ${short(S.std, 2)} over ${triples} triples   (different inputs: ${range(none.gradient_symmetricity)})`,
      `distance irrelevance   ${short(distance_irrelevance)}   (relabelled tokens: ${range(none.distance_irrelevance)})`,
      `circularity            ${short(circularity)}   (relabelled tokens: ${range(none.circularity)})`,
      disc === undefined
        ? "phases                 no neuron has one frequency beyond its null"
        : `phases                 resultant of φ0 − φ1 ${short(disc.mean)} over ${disc.neurons} neurons at ${frequencies.k.length} frequencies   (disc 1; random phases ${short(disc.random, 2)})`,
    ].join("\n");
  },
  finding: (entries) =>
    // A single neuron is in phase with itself.
    stated(
      "Both digits turn in phase (a disc, not a torus)",
      entries,
      ({ result: { disc } }) => disc !== undefined && disc.mean > (1 + disc.random) / 2,
    ),
  headline,
  figure: (entries) => clockFigure(entries, headline(entries)),
});
