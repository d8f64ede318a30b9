import type { TopLevelSpec } from "vega-lite";
import { at } from "../../core/index.ts";
import { barsWithNull, concatPanels, figure, linesWithBand, matrixImage, type Panel } from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { nullRules } from "../kit/null-rules.ts";
import { ownColors } from "../kit/panels.ts";
import { SELECTIVE } from "../kit/selectivity.ts";
import type { PrimesResult } from "./compute.ts";

/** Classes of the histogram of best ε². */
const BINS = 20;

/** Where images and histogram end: the largest ε² of all runs, or what counts as selective where nothing is. */
function reachOf(entries: readonly Labelled<PrimesResult>[]): number {
  return Math.max(SELECTIVE, ...entries.flatMap(({ result }) => result.best_selectivity));
}

/** Live neurons sorted by best prime, and by falling ε² within one. */
function sortedNeurons(result: PrimesResult): number[] {
  return result.best_prime
    .map((_, j) => j)
    .filter((j) => at(result.best_prime, j) !== 0)
    .sort(
      (a, b) =>
        at(result.best_prime, a) - at(result.best_prime, b) || at(result.best_selectivity, b) - at(result.best_selectivity, a),
    );
}

/** One image a run with live neurons, from 0 to the largest ε² of all. */
function images(entries: readonly Labelled<PrimesResult>[]): Panel[] {
  const drawn = entries
    .map(({ label, result }) => ({ label, result, neurons: sortedNeurons(result) }))
    .filter(({ neurons }) => neurons.length > 0);
  const largest = reachOf(entries);
  return drawn.map(({ label, result, neurons }) =>
    matrixImage({
      title: label,
      values: neurons.map((j) => result.neuron_selectivity[j] ?? []),
      domain: [0, largest],
      x: { title: "prime q", field: "q", labels: result.primes },
      y: { title: "neuron, by best prime", field: "neuron", ids: neurons },
      valueTitle: "ε²",
      width: 300,
      height: 320,
    }),
  );
}

function histogram(entries: readonly Labelled<PrimesResult>[]): Panel {
  const width = reachOf(entries) / BINS;
  const rows = entries.flatMap(({ label, result }) => {
    const counts = new Array<number>(BINS).fill(0);
    const live = result.best_selectivity.filter((_, j) => at(result.best_prime, j) !== 0);
    for (const value of live) {
      const bin = Math.min(BINS - 1, Math.max(0, Math.floor(value / width)));
      counts[bin] = at(counts, bin) + 1;
    }
    return counts.map((n, bin) => ({ run: label, best: (bin + 0.5) * width, share: live.length === 0 ? 0 : n / live.length }));
  });
  return linesWithBand({
    title: "Best ε² of the neurons",
    rows,
    x: "best",
    y: "share",
    xTitle: "best ε²",
    yTitle: "share of live neurons",
    series: "run",
    runs: entries.map(({ label }) => label),
    width: 300,
    height: 160,
  });
}

/** Neuron × prime images, neurons per prime, the distribution of the best ε², and the embedding, with nulls. */
export function primesFigure(entries: readonly Labelled<PrimesResult>[], headline: string): TopLevelSpec {
  const runs = entries.map(({ label }) => label);
  const perPrime = barsWithNull({
    title: "Neurons selective for n mod q",
    rows: entries.flatMap(({ label, result }) =>
      result.primes.map((q, m) => ({ run: label, q, neurons: at(result.selective_by_prime, m) })),
    ),
    x: "q",
    y: "neurons",
    xTitle: "prime q",
    series: "run",
    runs,
    width: 480,
    height: 160,
  });
  const shown = entries.flatMap(({ result }) => result.embedding.selectivity);
  const embedding = barsWithNull({
    title: "Token embedding by x mod q",
    rows: entries.flatMap(({ label, result }) =>
      result.embedding.primes.map((q, m) => ({ run: label, q, "ε²": at(result.embedding.selectivity, m) })),
    ),
    x: "q",
    y: "ε²",
    xTitle: "prime q",
    series: "run",
    runs,
    nulls: nullRules(
      entries.map(({ label, result }) => ({ label, value: result.embedding.null_familywise })),
      Math.max(...shown) - Math.min(...shown, 0),
    ),
    width: 480,
    height: 160,
  });
  const panels = [ownColors(images(entries), 4), concatPanels([perPrime, histogram(entries)], { scales: "mixed" }), embedding];
  const drawn = entries.some(({ result }) => result.dead < result.neurons) ? panels : panels.slice(1);
  return figure(ownColors(drawn, 1), {
    title: "Prime-period spectrum",
    description: `Share of variance that n mod q explains: each neuron by each prime, neurons per prime, and the token embedding. ${headline}`,
  });
}
