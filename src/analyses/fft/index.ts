import { figure } from "../../figures/index.ts";
import { FFT_EFFORT, NOMINAL_NOISE_SHARE, NULL_DRAWS, OMEGA_NEURONS } from "../../math/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { listed, percent, perRun, short, stated } from "../kit/text.ts";
import { compute, EXPLAINED, type FftResult } from "./compute.ts";
import { fftPanel, fftParameters } from "./figure.ts";

function headline(entries: readonly Labelled<FftResult>[]): string {
  const clause = ({ result }: Labelled<FftResult>) => {
    const large = result.clusters.filter(({ explained }) => explained > 0);
    const where = large.length === 0 ? "" : ` at ${large.length} frequencies`;
    return (
      `${result.explained} of ${result.neurons} neurons have over ${percent(EXPLAINED)} of their variance at one frequency${where} ` +
      `(permuted tokens: below ${percent(result.null.share)}); ${short(result.active_mean.sound, 2)} active frequencies a neuron ` +
      `(null ${short(result.null.active_sound, 2)}), ${short(result.active_mean.nominal)} by μ+2σ (noise ${short(result.null.noise_nominal)})`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** The neurons' spectra over the whole p×p grid (section Neurons and Figure 4, Syrkis & Søgaard 2024; Nanda et al. 2023). */
export const fft = defineAnalysis({
  id: "fft",
  title: "2D Fourier spectra of the neurons",
  description: "Which frequencies each neuron reacts to, after the ReLU, over the whole grid of inputs.",
  definition: `Each neuron after the ReLU at the last position as a function of (x0, x1) on the whole p×p grid, its mean removed. F(ω0, ω1) is its 2D
DFT; conjugates are counted once, which leaves (p²−1)/2 = \`entries\` frequency pairs: the x0 axis (ω1 = 0), the x1 axis (ω0 = 0) and the interior.

- \`dominant\`: (ω0, ω1) of the largest |F|, ω0 from −(p−1)/2 to (p−1)/2 and ω1 from 0.
- \`best_k\`, \`share\`: the share of the neuron's variance in {const, cos k, sin k} ⊗ {const, cos k, sin k} without const ⊗ const, for the best
  k = 1..(p−1)/2. \`explained\`: neurons with share above ${EXPLAINED}. \`clusters\`: neurons by best k, with how many of them are explained.
- \`active.sound\`: entries whose power over the mean power of their part exceeds the part's threshold (\`thresholds\`, see the null). An addition
  neuron has 6 of them, one of a remainder modulo q 10 to 18.
- \`active.nominal\`: entries with |F| > μ+2σ of the neuron's own half-plane, the paper's stated rule. Its null is ${(100 * NOMINAL_NOISE_SHARE).toFixed(1)} % of the
  entries, so noise scores highest and an addition neuron 10: by itself this number says nothing.
- \`active_mean\`, \`mean_share\`: means over neurons. Neurons of zero variance are counted as \`dead\`: best_k 0, share 0, left out of all means.
- \`examples\`: activations of a few neurons, to 1/255 of their range (base64), for the figure.`,
  null: `Token permutations: one relabelling of the p tokens for both digits, which keeps all structure but periods. Pooled over ${OMEGA_NEURONS} seeded
neurons, each with permutations of its own: a limit is what 1 % of the pairs of neuron and permutation exceed, and so, on average over models,
1 % of the neurons of a model without structure. \`thresholds\`: such a limit of each part's largest power over its mean (null where no
neuron has power there); ${NULL_DRAWS} permutations of each neuron for the two axes, ${FFT_EFFORT.transforms} 2D transforms in all for the interior, at most ${NULL_DRAWS} of a neuron.
\`null.share\`: the same of the best share, ${NULL_DRAWS} permutations of each neuron. \`null.active_sound\` and \`null.active_nominal\`: mean counts of the same
neurons under ${FFT_EFFORT.fresh} more permutations each, which no limit has seen: by the sound rule 0.03 where entries pass one at a time (1 % for each of three parts), more where one relabelling
lets several pass together.
\`null.noise_nominal\`: what Gaussian noise scores by μ+2σ.`,
  citation:
    "Section Neurons and Figure 4, Syrkis & Søgaard 2024; best_k and share as in Nanda et al. 2023 (whose code omits the last k)",
  needs: ["blocks.0.mlp.hook_post", "matmul"],
  effort: 2,
  options: { examples: { type: "integer", default: 6, min: 0, max: 12, description: "neurons kept for the figure, 0 to 12" } },
  run: (input, options) => compute(input, Number(options.examples)),
  metrics: (result) => ({
    dead: result.dead,
    explained: result.explained,
    explained_share: result.explained / Math.max(1, result.neurons),
    mean_share: result.mean_share,
    share_null: result.null.share,
    clusters: result.clusters.filter(({ explained }) => explained > 0).length,
    active_sound: result.active_mean.sound,
    active_sound_null: result.null.active_sound,
    active_nominal: result.active_mean.nominal,
    active_nominal_null: result.null.active_nominal,
    active_nominal_noise: result.null.noise_nominal,
  }),
  summary: (result) =>
    [
      `neurons   ${result.neurons}, ${result.dead} dead`,
      `share     mean ${percent(result.mean_share)} at the best k; ${result.explained} above ${percent(EXPLAINED)}   (permuted tokens: below ${percent(result.null.share)})`,
      `clusters  ${result.clusters.length === 0 ? "none: no neuron varies" : listed(result.clusters.slice(0, 8).map(({ k, neurons, explained }) => `k=${k}: ${neurons} (${explained} explained)`))}${result.clusters.length > 8 ? `, ${result.clusters.length - 8} more` : ""}`,
      `active    sound ${short(result.active_mean.sound)} a neuron   (null ${short(result.null.active_sound)})`,
      `          nominal ${short(result.active_mean.nominal)} of ${result.entries}   (noise ${short(result.null.noise_nominal)}, permuted tokens ${short(result.null.active_nominal)})`,
    ].join("\n"),
  finding: (entries) =>
    stated(
      `Most neurons have over ${percent(EXPLAINED)} of their variance at one frequency k/p`,
      entries,
      ({ result }) => result.explained > (result.neurons - result.dead) / 2,
    ),
  headline,
  figure: (entries) =>
    figure(fftPanel(entries), {
      title: "2D Fourier spectra of the neurons",
      subtitle: "upper row: all runs on shared scales; below: each neuron over its own maximum",
      description: `Share of variance at the best frequency and numbers of active frequencies over all neurons, and example neurons with their spectra. ${headline(entries)}`,
      params: fftParameters(entries),
    }),
});
