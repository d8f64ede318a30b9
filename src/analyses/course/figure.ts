import type { TopLevelSpec } from "vega-lite";
import { at } from "../../core/index.ts";
import { figure, linesWithBand, matrixImage, type Panel, type Row } from "../../figures/index.ts";
import { mean } from "../../math/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import type { CourseResult } from "./compute.ts";

type Entry = Labelled<CourseResult>;

/** Additive share, circuit, û and the model's accuracy of one run on one axis. */
function measures({ label, result }: Entry): Panel {
  const { accuracy, epochs } = result;
  const over = (values: readonly (readonly number[])[]) => epochs.map((_, tick) => mean(values.map((row) => at(row, tick))));
  const held = accuracy.validation;
  const lines: Readonly<Record<string, readonly number[]>> = {
    circuit: over(accuracy.circuit),
    [held === undefined ? "model" : "model, validation"]: over(held ?? accuracy.model),
    û: over(accuracy.u_hat),
    "read-out permuted": result.null.circuit_permuted,
    "additive share": result.additive_share,
    "R² (median)": result.R2,
  };
  return linesWithBand({
    title: label,
    subtitle: "means over tasks, at the checkpoints kept",
    rows: Object.entries(lines).flatMap(([measure, values]) =>
      epochs.map((epoch, tick): Row => ({ measure, epoch, value: at(values, tick) })),
    ),
    x: "epoch",
    y: "value",
    yTitle: "accuracy, or share",
    yDomain: [0, 1],
    series: "measure",
    runs: Object.keys(lines),
    of: label,
    greys: ["read-out permuted"],
    xScale: "epochs",
    nulls: [{ high: mean(result.chance), label: "chance" }],
    width: 320,
    height: 220,
  });
}

/** Neurons of each pair (q, k) in use, over the checkpoints. */
function pairs({ label, result }: Entry): Panel[] {
  if (result.pairs.length === 0) return [];
  return [
    matrixImage({
      title: `${label}: √neurons of each pair (q, k)`,
      subtitle: "those in use at some checkpoint",
      values: result.pairs.map(({ neurons }) => neurons.map(Math.sqrt)),
      x: { title: "epoch", field: "epoch", labels: result.epochs },
      y: { title: "q, k", field: "pair", labels: result.pairs.map(({ m, k }) => `${m}, ${k}`) },
      valueTitle: "√neurons",
      width: Math.max(120, 34 * result.epochs.length),
      height: 260,
    }),
  ];
}

/** The measures of each run over epochs, with the births and deaths of its pairs beside them. */
export function courseFigure(entries: readonly Entry[], headline: string): TopLevelSpec {
  const rows = entries.map((entry) => ownColors([measures(entry), ...pairs(entry)]));
  return figure(ownColors(rows, 1), {
    title: "The closed form over training",
    description: `Circuit, closed form, additive share and the model's accuracy over epochs, and the pairs (q, k) in use. ${headline}`,
  });
}
