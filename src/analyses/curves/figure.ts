import type { TopLevelSpec } from "vega-lite";
import { at } from "../../core/index.ts";
import {
  concatPanels,
  epochImageAxis,
  figure,
  linesWithBand,
  matrixImage,
  type Panel,
  picker,
  resampleLogEpochs,
} from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import type { CurvesResult } from "./compute.ts";

/** Columns of the images over log epochs. */
const COLUMNS = 200;
const WIDTH = 300;

/** What the picker of the images chooses from, with the range of its colors. */
const MEASURES = [
  { name: "accuracy", field: "accuracy", domain: [0, 1] },
  { name: "accuracy beyond chance", field: "corrected_accuracy", domain: [0, 1] },
  { name: "loss / chance loss", field: "relative_loss", domain: [0, 1.5] },
] as const;

const PICKER = "measure";

/** Heads × log epochs of one run and split, with a mark where each head groks. */
function image({ label, result }: Labelled<CurvesResult>, split: "train" | "validation"): Panel {
  const marks = result.q.flatMap((q, row) =>
    result.grok_epoch[row] === null ? [] : [{ row, q, epoch: at(result.grok_epoch as number[], row) }],
  );
  const overlay = {
    data: { values: marks },
    mark: { type: "point", shape: "circle", filled: true, size: 14, color: "#d55e00", opacity: 1 },
    encoding: {
      x: { field: "epoch", type: "quantitative" },
      y: { field: "row", type: "quantitative" },
      tooltip: [
        { field: "q", title: "q" },
        { field: "epoch", title: "grok epoch" },
      ],
    },
  } as unknown as Panel;
  // One color scale for three measures: each is shown as its place in its own range, accuracy's own.
  const values = MEASURES.map(({ name, field, domain }) => ({
    name,
    values: result[split][field].map((curve) =>
      resampleLogEpochs(result.epochs, curve, COLUMNS).map((value) => value / domain[1]),
    ),
  }));
  return matrixImage({
    title: `${label}: ${split}`,
    values,
    picker: PICKER,
    domain: [0, 1],
    levels: 64,
    x: epochImageAxis(result.epochs),
    y: { title: "head q", labels: result.q },
    valueTitle: "accuracy, or loss / 1.5",
    width: WIDTH,
    height: Math.max(60, 8 * result.q.length),
    overlay: [overlay],
  });
}

/** Mean over heads against epochs, train and validation, of several runs. */
function lines(entries: readonly Labelled<CurvesResult>[], field: "accuracy" | "relative_loss"): Panel {
  const average = (curves: readonly (readonly number[])[], tick: number) =>
    curves.reduce((total, curve) => total + at(curve, tick), 0) / curves.length;
  const rows = entries.flatMap(({ label, result }) =>
    (["train", "validation"] as const).flatMap((split) =>
      result.epochs.map((epoch, tick) => ({ run: label, split, epoch, value: average(result[split][field], tick) })),
    ),
  );
  const accuracy = field === "accuracy";
  const chance = entries.map(({ result }) =>
    accuracy
      ? average(
          result.chance_accuracy.map((value) => [value]),
          0,
        )
      : 1,
  );
  return linesWithBand({
    title: accuracy ? "Accuracy, mean over heads" : "Loss / chance loss, mean over heads",
    rows,
    x: "epoch",
    y: "value",
    yTitle: accuracy ? "accuracy" : "loss / chance loss",
    series: "run",
    runs: entries.map(({ label }) => label),
    dash: "split",
    xScale: "epochs",
    ...(accuracy ? { yDomain: [0, 1] as const } : { yScale: "log" as const }),
    nulls: [...new Set(chance)].map((high) => ({ high, label: "chance" })),
    width: WIDTH,
    height: 180,
  });
}

/** Means over heads for all runs, and for runs of many heads an image of every head, train and validation. */
export function curvesFigure(entries: readonly Labelled<CurvesResult>[], headline: string): TopLevelSpec {
  const many = entries.filter(({ result }) => result.q.length > 1);
  const means = concatPanels([lines(entries, "accuracy"), lines(entries, "relative_loss")], { scales: "mixed" });
  const images = many.flatMap((entry) => [image(entry, "train"), image(entry, "validation")]);
  const names = MEASURES.map(({ name }) => name);
  return figure(images.length === 0 ? means : ownColors([means, ownColors(images, 2)], 1), {
    title: "Learning curves",
    description: `Accuracy and loss over log epochs on training and validation samples; dots mark where heads grok. ${headline}`,
    ...(images.length === 0 ? {} : { params: [picker(PICKER, names)] }),
  });
}
