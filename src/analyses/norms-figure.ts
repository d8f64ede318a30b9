import type { TopLevelSpec } from "vega-lite";
import {
  concatPanels,
  epochImageAxis,
  extent,
  figure,
  linesWithBand,
  matrixImage,
  type Panel,
  resampleLogEpochs,
} from "../figures/index.ts";
import type { Labelled } from "./analysis.ts";
import type { NormsResult } from "./norms.ts";

/** Columns of the images over log epochs. */
const COLUMNS = 200;

/** `attn.W_Q` of `blocks.0.attn.W_Q`. */
export function shortName(name: string): string {
  return name.replace(/^blocks\.0\./, "");
}

/** log10 of positive norms; a zero norm is drawn as the smallest positive one. */
function logarithms(curves: readonly (readonly number[])[]): number[][] {
  const positive = curves.flat().filter((value) => value > 0);
  const least = positive.length === 0 ? 1 : positive.reduce((a, b) => Math.min(a, b));
  return curves.map((curve) => curve.map((value) => Math.log10(Math.max(value, least))));
}

/** Matrix × log epoch: gradient norms as they are, and each row over its maximum. */
function images({ label, result }: Labelled<NormsResult>, domain: readonly [number, number]): Panel[] {
  const epochs = result.gradient_epochs;
  if (epochs.length === 0) return [];
  const overEpochs = (curves: readonly (readonly number[])[]) => curves.map((curve) => resampleLogEpochs(epochs, curve, COLUMNS));
  const shared = {
    x: epochImageAxis(epochs),
    y: { labels: result.matrices.map(shortName) },
    width: 280,
    height: 16 * result.matrices.length,
  };
  const relative = result.gradient_norms.map((curve) => {
    const largest = curve.reduce((a, b) => Math.max(a, b), 0) || 1;
    return curve.map((value) => value / largest);
  });
  return [
    matrixImage({
      ...shared,
      title: `${label}: gradient norm`,
      values: overEpochs(logarithms(result.gradient_norms)),
      domain,
      valueTitle: "log₁₀ ‖g‖",
    }),
    matrixImage({
      ...shared,
      title: `${label}: over its maximum`,
      values: overEpochs(relative),
      domain: [0, 1],
      valueTitle: "share",
    }),
  ];
}

/** Each matrix's weight norm over log epochs. */
function weights({ label, result }: Labelled<NormsResult>): Panel {
  return linesWithBand({
    title: `${label}: weight norms`,
    rows: result.matrices.flatMap((name, i) =>
      (result.weight_norms[i] ?? []).map((value, tick) => ({
        matrix: shortName(name),
        epoch: result.epochs[tick] ?? 0,
        norm: value,
      })),
    ),
    x: "epoch",
    y: "norm",
    series: "matrix",
    runs: result.matrices.map(shortName),
    xScale: "epochs",
    yScale: "log",
    width: 280,
    height: 16 * result.matrices.length,
  });
}

/** One row a run: gradient norms on one scale, the same over each row's maximum, and weight norms. */
export function normsFigure(entries: readonly Labelled<NormsResult>[], headline: string): TopLevelSpec {
  const [low, high] = extent(entries.flatMap(({ result }) => logarithms(result.gradient_norms).flat()));
  const domain = [low, high > low ? high : low + 1] as const;
  const rows = entries.map((entry) => concatPanels([...images(entry, domain), weights(entry)], { scales: "mixed" }));
  return figure(concatPanels(rows, { scales: "mixed", columns: 1 }), {
    title: "Gradient and weight norms",
    subtitle: "gradient norms of all runs on one colour scale",
    description: `L2 norms of each matrix's gradient and weights over log epochs. ${headline}`,
  });
}
