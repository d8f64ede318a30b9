import { linesWithBand, matrixImage, type Panel } from "../../figures/index.ts";
import { norm } from "../../math/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import { short } from "../kit/text.ts";
import type { SvdResult } from "./compute.ts";

/** Spectra of all runs, each σ over the root mean square of its matrix's, so that one Gaussian band per shape fits all. */
function spectrumPanel(entries: readonly Labelled<SvdResult>[]): Panel {
  const scaled = (values: readonly number[], by: readonly number[]) => {
    const scale = norm(by) / Math.sqrt(by.length);
    return values.map((value) => (scale === 0 ? 0 : value / scale));
  };
  const first = entries[0]?.result;
  return linesWithBand({
    title: "Singular values of W_E",
    subtitle: "over their root mean square; band: 95 % of Gaussian matrices",
    rows: entries.flatMap(({ label, result }) =>
      scaled(result.singular_values, result.singular_values).map((value, index) => ({ run: label, index, σ: value })),
    ),
    x: "index",
    y: "σ",
    series: "run",
    runs: entries.map(({ label }) => label),
    ...(first === undefined
      ? {}
      : {
          nullCurve: {
            x: first.singular_values.map((_, i) => i),
            low: scaled(first.null.singular_values.lower, first.singular_values),
            high: scaled(first.null.singular_values.upper, first.singular_values),
          },
        }),
  });
}

function cumulativePanel(entries: readonly Labelled<SvdResult>[], by: "paper" | "sound"): Panel {
  const first = entries[0]?.result;
  return linesWithBand({
    title: by === "paper" ? "Cumulative Σσ (paper)" : "Cumulative Σσ² (sound)",
    subtitle: "marks: 50 % and 90 %; band: Gaussian",
    rows: entries.flatMap(({ label, result }) => result[by].cumulative.map((share, index) => ({ run: label, index, share }))),
    x: "index",
    y: "share",
    series: "run",
    runs: entries.map(({ label }) => label),
    yDomain: [0, 1],
    width: 260,
    marks: entries.flatMap(({ label, result }) =>
      [result[by].index50, result[by].index90].map((x, i) => ({
        x,
        series: label,
        label: `${label}: ${i === 0 ? 50 : 90} % at ${x}`,
      })),
    ),
    ...(first === undefined
      ? {}
      : { nullCurve: { x: first.singular_values.map((_, i) => i), low: first.null[by].lower, high: first.null[by].upper } }),
  });
}

function vectorPanels(entries: readonly Labelled<SvdResult>[]): Panel[] {
  const all = entries.flatMap(({ result }) => result.vectors);
  const reach = Math.max(...all.flatMap(({ entries: values }) => values.map(Math.abs)), 1e-12);
  const largest = Math.max(...all.flatMap(({ periodogram }) => periodogram), 1e-12);
  return entries.flatMap(({ label, result }, i) => {
    if (result.vectors.length === 0) return [];
    const height = 14 * result.vectors.length;
    return [
      matrixImage({
        title: `${label}: top left singular vectors`,
        values: result.vectors.map((vector) => vector.entries),
        coloring: "signed",
        domain: [-reach, reach],
        x: { title: "token", field: "token" },
        y: { title: "vector", field: "vector" },
        width: 380,
        height,
        valueTitle: "entry",
        legend: i === 0,
      }),
      matrixImage({
        title: "and their periodograms",
        subtitle: `a random direction's largest share stays below ${short(result.null.peak_share, 2)} (99 %)`,
        values: result.vectors.map((vector) => vector.periodogram),
        domain: [0, largest],
        x: { title: "frequency k", field: "k" },
        y: { title: "vector", field: "vector", labels: result.vectors.map(({ peak }, j) => `${j}: k=${peak.k}`) },
        width: 260,
        height,
        valueTitle: "share",
        legend: i === 0,
      }),
    ];
  });
}

/** Spectra, cumulative curves and leading vectors of all runs. */
export function svdPanel(entries: readonly Labelled<SvdResult>[]): Panel {
  const curves = [spectrumPanel(entries), cumulativePanel(entries, "paper"), cumulativePanel(entries, "sound")];
  return ownColors([ownColors(curves), ownColors(vectorPanels(entries), 2)], 1);
}
