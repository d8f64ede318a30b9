import type { TopLevelSpec } from "vega-lite";
import { concatPanels, epochImageAxis, extent, figure, matrixImage, type Panel } from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import type { NormsResult } from "./compute.ts";

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
  const shared = {
    x: epochImageAxis(epochs),
    y: { labels: result.matrices.map(shortName), field: "matrix" },
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
      values: logarithms(result.gradient_norms),
      domain,
      valueTitle: "log₁₀ ‖g‖",
    }),
    matrixImage({
      ...shared,
      title: `${label}: over its maximum`,
      values: relative,
      domain: [0, 1],
      valueTitle: "share",
    }),
  ];
}

/** Matrix × log epoch: weight norms. */
function weights({ label, result }: Labelled<NormsResult>, domain: readonly [number, number]): Panel {
  return matrixImage({
    title: `${label}: weight norm`,
    values: logarithms(result.weight_norms),
    domain,
    x: epochImageAxis(result.epochs),
    y: { labels: result.matrices.map(shortName), field: "matrix" },
    valueTitle: "log₁₀ ‖W‖",
    width: 280,
    height: 16 * result.matrices.length,
  });
}

/** A color domain from the smallest to the largest logarithm of all runs. */
function domainOf(curves: readonly (readonly number[])[]): readonly [number, number] {
  const [low, high] = extent(logarithms(curves).flat());
  return [low, high > low ? high : low + 1];
}

/** One row a run: gradient norms on one scale, the same over each row's maximum, and weight norms. */
export function normsFigure(entries: readonly Labelled<NormsResult>[], headline: string): TopLevelSpec {
  const gradients = domainOf(entries.flatMap(({ result }) => result.gradient_norms));
  const all = domainOf(entries.flatMap(({ result }) => result.weight_norms));
  const rows = entries.map((entry) => concatPanels([...images(entry, gradients), weights(entry, all)], { scales: "mixed" }));
  return figure(concatPanels(rows, { scales: "mixed", columns: 1 }), {
    title: "Gradient and weight norms",
    subtitle: "gradient norms of all runs on one color scale, and so the weight norms",
    description: `L2 norms of each matrix's gradient and weights over log epochs. ${headline}`,
  });
}
