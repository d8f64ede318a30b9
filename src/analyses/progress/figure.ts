import type { TopLevelSpec } from "vega-lite";
import { at } from "../../core/index.ts";
import { concatPanels, figure, linesWithBand, type Panel } from "../../figures/index.ts";
import { mean } from "../../math/index.ts";
import type { Labelled } from "../kit/define.ts";
import type { LossesOverTime, ProgressResult } from "./compute.ts";

const WIDTH = 300;

/** Restricted and excluded loss of one run beside its losses, means over output heads in units of chance. */
function losses({ label, result }: Labelled<ProgressResult>): Panel {
  const relative = (curves: readonly (readonly number[])[], tick: number) =>
    mean(curves.map((curve, h) => at(curve, tick) / at(result.chance_loss, h)));
  const trained = (name: LossesOverTime) => name.train ?? name.all;
  const held = (name: LossesOverTime) => name.test ?? name.all;
  const curves = {
    "train loss": trained(result.loss),
    "test loss": held(result.loss),
    "restricted (test)": held(result.restricted_loss),
    "excluded (train)": trained(result.excluded_loss),
    ...(result.null.restricted_loss === null ? {} : { "null of restricted": result.null.restricted_loss }),
    ...(result.null.excluded_loss === null ? {} : { "null of excluded": result.null.excluded_loss }),
  };
  const known = result.left_out.length === 0;
  return linesWithBand({
    title: label,
    ...(known ? {} : { subtitle: "the split is not known: all samples" }),
    rows: Object.entries(curves).flatMap(([measure, values]) =>
      result.epochs.map((epoch, tick) => ({ measure, epoch, loss: relative(values, tick) })),
    ),
    x: "epoch",
    y: "loss",
    yTitle: "loss / chance loss, mean over tasks",
    series: "measure",
    runs: Object.keys(curves),
    of: label,
    greys: Object.keys(curves).filter((name) => name.startsWith("null of ")),
    xScale: "epochs",
    yScale: "log",
    nulls: [{ high: 1, label: "chance" }],
    width: WIDTH,
    height: 200,
  });
}

/** One number a checkpoint, for all runs. */
function overTime(
  entries: readonly Labelled<ProgressResult>[],
  title: string,
  yTitle: string,
  value: (result: ProgressResult, tick: number) => number,
): Panel {
  return linesWithBand({
    title,
    rows: entries.flatMap(({ label, result }) =>
      result.epochs.map((epoch, tick) => ({ run: label, epoch, value: value(result, tick) })),
    ),
    x: "epoch",
    y: "value",
    yTitle,
    series: "run",
    runs: entries.map(({ label }) => label),
    xScale: "epochs",
    width: WIDTH,
    height: 140,
  });
}

/** Losses of each run, then the embedding's Gini coefficient above its null and the weights' sum of squares of all. */
export function progressFigure(entries: readonly Labelled<ProgressResult>[], headline: string): TopLevelSpec {
  const gini = overTime(
    entries,
    "Gini coefficient of W_E over its null",
    "ratio",
    (result, tick) => at(result.W_E_gini, tick) / (at(result.null.W_E_gini, tick) || 1),
  );
  const squares = overTime(entries, "Sum of squared weights", "Σw²", (result, tick) => at(result.sum_sq_weights, tick));
  const panels = [
    concatPanels(entries.map(losses), { scales: "mixed", columns: 2 }),
    concatPanels([gini, squares], { scales: "mixed" }),
  ];
  return figure(concatPanels(panels, { scales: "mixed", columns: 1 }), {
    title: "Progress measures",
    description: `Restricted and excluded loss, Gini coefficient and sum of squared weights over log epochs. ${headline}`,
  });
}
