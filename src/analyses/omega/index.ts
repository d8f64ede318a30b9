import { at, formatNumber } from "../../core/index.ts";
import { figure } from "../../figures/index.ts";
import { NOMINAL_NOISE_SHARE, NULL_DRAWS, OMEGA_EFFORT, OMEGA_NEURONS } from "../../math/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { perRun, short, stated } from "../kit/text.ts";
import { compute, EARLIER_NULL, last, type OmegaResult, type TableRow } from "./compute.ts";
import { omegaPanel } from "./figure.ts";

function headline(entries: readonly Labelled<OmegaResult>[]): string {
  const clause = ({ result: { sound, nominal, paper, null: none } }: Labelled<OmegaResult>) =>
    `active frequencies a neuron peak at ${short(sound.peak.value)} (epoch ${formatNumber(sound.peak.epoch)}) and end at ${short(sound.final)} ` +
    `(null ${short(none.sound, 2)}); by μ+2σ ${short(nominal.peak.value)} (epoch ${formatNumber(nominal.peak.epoch)}) and ${short(nominal.final)} ` +
    `(noise ${short(none.nominal)}); the paper's count peaks at ${paper.peak.value} of ${paper.bins_per_tick}, where a fixed spectrum with ` +
    `this run's amplitude gives ${none.paper_amplitude_peak} and an amplitude-only control ${none.paper_bump_peak}`;
  return `${perRun(entries, clause)}.`;
}

const printedTable = (table: readonly TableRow[]) =>
  table.map(({ epoch, printed, count }) => `${epoch}: ${printed} / ${count ?? "no tick"}`).join(", ");

/** The paper's own count at the epochs of its table, where the run has a tick near them. */
function tableMetrics(table: readonly TableRow[]): { readonly [name in `paper_${number}`]?: number } {
  return Object.fromEntries(table.flatMap(({ epoch, count }) => (count === null ? [] : [[`paper_${epoch}`, count] as const])));
}

/** Active frequencies through training: the ω-spike of Syrkis & Søgaard 2024 by three definitions. */
export const omega = defineAnalysis({
  id: "omega",
  title: "Active frequencies through training",
  description:
    "Whether the neurons' active frequencies rise and fall as the tasks generalise, by a sound rule and by the paper's two.",
  definition: `Per logged tick, over 64 seeded neurons after the ReLU on the whole p×p grid (dead ones left out); frequency pairs as in \`fft\`.

- \`sound\`: \`mean\` number of active entries of a neuron: power over its part's mean above the 99 % limit of that part's maximum under token
  permutations, pooled over the same neurons at the same tick. \`by_omega0\`, \`by_omega1\`: the same by |ω0| and |ω1|, [ticks][0..(p−1)/2].
  \`peak\` and \`final\` value.
- \`nominal\`: the same by |F| > μ+2σ of the neuron's own half-plane, the paper's stated rule.
- \`paper\`: what its figure plots: the first neuron alone; the grid without its first row and column; |rfft2| averaged over the high digit's
  frequency, (p+1)/2 bins with the constant; the mean over the epochs before, at and after each tick; each frequency divided by its own sum
  over time (\`bins\`); \`count\` of bins above μ+1σ of everything (\`threshold\`). The original has 168 log-spaced epochs, this run those of
  \`epochs\`. \`table\`: the paper's printed counts beside ours (which it may have read off tick labels that print int(count^0.75)).
- \`reference\`: \`sound\` and \`nominal\` of ${OMEGA_NEURONS} neurons relu(cos(2πk·x0/m + φ0) + cos(2πk·c1·x1/m + φ1)) that have one frequency a digit and no more, (m, k) drawn evenly from the
  trained tasks' dictionary (as in \`neurons\`). For n mod q such a frequency lies between those of the DFT and is counted as several (about 14.5 at p = 113; an addition neuron has 6): a count
  near it says that a neuron has one frequency a digit, not many.
- \`grok\`: per output head the first logged epoch from which validation accuracy stays at 0.99 or above; null if none.`,
  null: `\`null.sound\`: the mean number of active entries of the same neurons under one more token permutation each, which the limits have not
seen, averaged over ticks: 0.03 where entries pass one at a time (1 % for each of three parts), more where one relabelling lets several pass. One relabelling of the p tokens
serves both digits; each neuron has ${NULL_DRAWS} of its own for the axes, and all of them ${OMEGA_EFFORT.transforms} for the interior. Runs logged when the null
relabelled each digit on its own cannot be counted anew: their limits are too low, and \`null.sound\` is ${EARLIER_NULL}, what untrained models score
with those. \`null.nominal\`: noise has
${(100 * NOMINAL_NOISE_SHARE).toFixed(1)} % of all entries above μ+2σ, more than any structured neuron. For \`paper\`: a spectrum of fixed form, so with no circuit that appears or
vanishes, whose amplitude alone has a bump (\`paper_bump\`): all bins exceed μ+1σ at once, a "spike" of (p+1)/2 of (p+1)/2. \`paper_amplitude\`:
the same with this run's own amplitude (the sum of \`bins\` at each tick) in place of the bump. The paper's count means something only where it departs from this.`,
  citation:
    "Section on frequencies through training, Syrkis & Søgaard 2024: 0, 0, 10, 18, 10 at epochs 256, 1024, 4096, 16384, 65536",
  needs: ["series", "matmul"],
  effort: 0.1,
  options: {},
  run: compute,
  metrics: ({ sound, nominal, paper, reference, null: none }) => ({
    sound_peak: sound.peak.value,
    sound_peak_epoch: sound.peak.epoch,
    sound_final: sound.final,
    sound_null: none.sound,
    sound_reference: reference.sound,
    nominal_peak: nominal.peak.value,
    nominal_peak_epoch: nominal.peak.epoch,
    nominal_final: nominal.final,
    nominal_null: none.nominal,
    paper_peak: paper.peak.value,
    paper_peak_epoch: paper.peak.epoch,
    paper_final: paper.final,
    paper_bump_peak: none.paper_bump_peak,
    paper_amplitude_peak: none.paper_amplitude_peak,
    ...tableMetrics(paper.table),
  }),
  summary: ({ sound, nominal, paper, reference, null: none, epochs }) =>
    [
      `ticks    ${epochs.length}, epochs ${at(epochs, 0)} to ${last(epochs)}`,
      `sound    peak ${short(sound.peak.value)} at epoch ${sound.peak.epoch}, final ${short(sound.final)}   (null ${short(none.sound, 2)}; neurons of one frequency a digit ${short(reference.sound)})`,
      `nominal  peak ${short(nominal.peak.value)} at epoch ${nominal.peak.epoch}, final ${short(nominal.final)}   (noise ${short(none.nominal)})`,
      `paper    peak ${paper.peak.value} of ${paper.bins_per_tick} at epoch ${paper.peak.epoch}, final ${paper.final}   (fixed spectrum: ${none.paper_amplitude_peak} with this run's amplitude, ${none.paper_bump_peak} for the amplitude-only control)`,
      `         printed / ours at ${printedTable(paper.table)}`,
    ].join("\n"),
  finding: (entries) =>
    stated(
      "The paper's count of active frequencies spikes no higher than a fixed spectrum's that only grows",
      entries,
      ({ result }) => result.paper.peak.value <= result.null.paper_amplitude_peak,
    ),
  headline,
  drawn: 8,
  figure: (entries) =>
    figure(omegaPanel(entries), {
      title: "Active frequencies through training",
      subtitle:
        "colors shared by all runs; |ω₀| = 0, which gathers a whole axis, is left out; vertical lines: grok epochs of the tasks",
      description: `Active frequencies over epochs by the sound rule, by μ+2σ and by the paper's figure, each with its null. ${headline(entries)}`,
    }),
});
