import type { TopLevelSpec } from "vega-lite";
import { at } from "../../core/index.ts";
import {
  concatPanels,
  epochImageAxis,
  figure,
  type Layer,
  linesWithBand,
  matrixImage,
  type Panel,
  picker,
} from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import type { CurvesResult } from "./compute.ts";

const WIDTH = 300;

/** What the picker of the images chooses from: both on the range from 0 to 1. */
const MEASURES = [
  { name: "accuracy", field: "accuracy" },
  { name: "accuracy beyond chance", field: "corrected_accuracy" },
] as const;

const PICKER = "measure";

const GROK = "#e4572e";

/** Relative losses above this are drawn alike: memorising runs are far above chance on validation samples. */
const MOST_LOSS = 1.5;

/** Tasks × log epochs of one run and split, with a mark where each task groks. */
function image({ label, result }: Labelled<CurvesResult>, split: "train" | "validation", legend: boolean): Panel {
  const marks = result.q.flatMap((q, row) =>
    result.grok_epoch[row] === null
      ? []
      : [{ task_index: row, q, grok_epoch: at(result.grok_epoch as number[], row), kind: "grok epoch" }],
  );
  const overlay: Layer = {
    data: { values: marks },
    mark: { type: "point", filled: true, size: 16, opacity: 1 },
    encoding: {
      x: { field: "grok_epoch", type: "quantitative" },
      y: { field: "task_index", type: "quantitative" },
      shape: {
        field: "kind",
        type: "nominal",
        scale: { range: ["circle"] },
        legend: { title: null, orient: "bottom", symbolFillColor: GROK },
      },
      color: { value: GROK },
      tooltip: [
        { field: "q", title: "task q" },
        { field: "grok_epoch", title: "grok epoch" },
      ],
    },
  };
  return matrixImage({
    title: `${label}: ${split}`,
    values: MEASURES.map(({ name, field }) => ({ name, values: result[split][field] })),
    picker: PICKER,
    pickField: "measure",
    also: { split },
    domain: [0, 1],
    x: epochImageAxis(result.epochs),
    y: { title: "task q", labels: result.q, field: "q" },
    valueTitle: "accuracy",
    width: WIDTH,
    height: Math.max(60, 8 * result.q.length),
    overlay: marks.length === 0 ? [] : [overlay],
    legend,
  });
}

/** Validation loss of each task over its loss by chance. */
function lossImage({ label, result }: Labelled<CurvesResult>): Panel {
  return matrixImage({
    title: `${label}: validation loss`,
    subtitle: `over the loss of a guess; ${MOST_LOSS} and above alike`,
    values: result.validation.relative_loss,
    domain: [0, MOST_LOSS],
    x: epochImageAxis(result.epochs),
    y: { title: "task q", labels: result.q, field: "q" },
    valueTitle: "loss / chance",
    width: WIDTH,
    height: Math.max(60, 8 * result.q.length),
  });
}

/** Mean over output heads against epochs, train and validation, of several runs. */
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
    title: accuracy ? "Accuracy, mean over tasks" : "Loss over its chance level, mean over tasks",
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

/** Means over tasks for all runs, and for runs of many tasks an image of every one: training, validation, and loss. */
export function curvesFigure(entries: readonly Labelled<CurvesResult>[], headline: string): TopLevelSpec {
  const many = entries.filter(({ result }) => result.q.length > 1);
  const means = concatPanels([lines(entries, "accuracy"), lines(entries, "relative_loss")], { scales: "mixed" });
  const images = many.flatMap((entry) => [image(entry, "train", false), image(entry, "validation", true), lossImage(entry)]);
  const names = MEASURES.map(({ name }) => name);
  return figure(images.length === 0 ? means : ownColors([means, ownColors(images, 3)], 1), {
    title: "Learning curves",
    description: `Accuracy and loss over log epochs on training and validation samples; dots mark where tasks grok. ${headline}`,
    ...(images.length === 0 ? {} : { params: [picker(PICKER, names)] }),
  });
}
