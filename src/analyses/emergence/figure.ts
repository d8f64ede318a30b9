import type { TopLevelSpec } from "vega-lite";
import { at } from "../../core/index.ts";
import { epochSlider, figure, INK, keptAt, type Layer, linesWithBand, matrixImage, type Panel } from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import { dequantised } from "../kit/quantised.ts";
import type { EmergenceResult } from "./compute.ts";

type Entry = Labelled<EmergenceResult>;

/** Row × neuron at one checkpoint, neurons in the order of their last best row, [labels, neurons]. */
export function orderedR2({ R2, order, labels, neurons }: EmergenceResult, checkpoint: number): Float64Array {
  const stored = R2[checkpoint];
  const values = stored === undefined ? new Float64Array(labels.length * neurons) : dequantised(stored);
  const out = new Float64Array(values.length);
  labels.forEach((_, row) => {
    order.forEach((neuron, place) => {
      out[row * neurons + place] = at(values, row * neurons + neuron);
    });
  });
  return out;
}

/** Share of the neurons of which one row explains more than half, at a checkpoint; −1 is the last one. */
export function followingShare({ above_half, neurons }: EmergenceResult, checkpoint: number): number {
  return (above_half.at(checkpoint) ?? 0) / Math.max(1, neurons);
}

/** The parameter that holds the epoch of all runs. */
const SHOWN = "shown_epoch";

/** Says above the image whose weights it shows. */
function epochText({ epochs }: EmergenceResult): Layer {
  return {
    data: { values: [{ drawn_only: 1 }] },
    transform: [{ calculate: `'checkpoint of epoch ' + ${keptAt(SHOWN, epochs)}`, as: "epoch" }],
    mark: { type: "text", align: "right", baseline: "bottom", dy: -4, fontSize: 11, tooltip: null },
    encoding: { x: { value: "width" }, y: { value: 0 }, text: { field: "epoch" } },
  };
}

/** A line over the curves at the slider's epoch. */
const AT_EPOCH: Layer = {
  data: { values: [{ drawn_only: 1 }] },
  transform: [{ calculate: SHOWN, as: "epoch" }],
  mark: { type: "rule", color: INK, opacity: 0.6, tooltip: null },
  encoding: { x: { field: "epoch", type: "quantitative" } },
};

/** The matrices of one run, one a checkpoint, the last one shown at first. */
function images({ label, result }: Entry): Panel {
  return matrixImage({
    title: `${label}: what explains each neuron`,
    subtitle: `R² of ${result.rows === "q" ? "each task's best frequency" : "each frequency k"}; null ${result.null.R2.at(-1)?.toFixed(2) ?? "unknown"} (99 %)`,
    values: result.epochs.map((epoch, t) => ({
      name: String(epoch),
      values: { data: orderedR2(result, t), columns: result.neurons },
    })),
    picker: keptAt(SHOWN, result.epochs),
    pickField: "epoch",
    overlay: result.epochs.length < 2 ? [] : [epochText(result)],
    domain: [0, 1],
    x: { title: "neuron, by its best row at the end", field: "neuron", ids: result.order },
    y: { title: result.rows === "q" ? "task q" : "frequency k", labels: result.labels, field: result.rows },
    width: 640,
    height: Math.max(120, Math.min(300, 9 * result.labels.length)),
    valueTitle: "R²",
  });
}

/** The matrices of every run by checkpoint, and how many neurons one frequency explains. */
export function emergenceFigure(entries: readonly Entry[], headline: string): TopLevelSpec {
  const lines = linesWithBand({
    title: "Neurons that one frequency explains by more than half",
    rows: entries.flatMap(({ label, result }) =>
      result.epochs.map((epoch, t) => ({
        run: label,
        epoch,
        neurons: followingShare(result, t),
        above_null: at(result.above_null, t) / Math.max(1, result.neurons),
      })),
    ),
    x: "epoch",
    y: "neurons",
    yTitle: "share of neurons",
    yDomain: [0, 1],
    series: "run",
    runs: entries.map(({ label }) => label),
    xScale: "epochs",
    width: 420,
    height: 160,
  });
  const curves = { ...lines, layer: [...lines.layer, AT_EPOCH] };
  return figure(ownColors([...entries.map(images), curves], 1), {
    title: "Neurons find their tasks",
    description: `For every task and neuron, how much of the neuron before the ReLU the task's best frequency explains, checkpoint by checkpoint. ${headline}`,
    params: [epochSlider(SHOWN, Math.max(0, ...entries.map(({ result }) => result.epochs.at(-1) ?? 0)))],
  });
}
