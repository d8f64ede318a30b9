import { at } from "../../core/index.ts";
import {
  epochImageAxis,
  type Layer,
  linesWithBand,
  matrixImage,
  NULL_COLOR,
  type NullBand,
  type Panel,
  type Row,
} from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import type { OmegaResult } from "./compute.ts";

const WIDTH = 270;

interface Rule {
  readonly title: string;
  readonly subtitle: string;
  readonly valueTitle: string;
  /** By |ω0| over time, [ticks][bins]. */
  readonly bins: (result: OmegaResult) => readonly (readonly number[])[];
  readonly epochs: (result: OmegaResult) => readonly number[];
  readonly counts: (result: OmegaResult) => readonly number[];
  readonly countTitle: string;
  readonly nulls: (first: OmegaResult) => readonly NullBand[];
}

const RULES: readonly Rule[] = [
  {
    title: "sound",
    subtitle: "power above the permutation null",
    valueTitle: "active a neuron",
    bins: (result) => result.sound.by_omega0,
    epochs: (result) => result.epochs,
    counts: (result) => result.sound.mean,
    countTitle: "active entries a neuron",
    nulls: (first) => [
      { high: first.null.sound, label: "null" },
      { low: first.reference.sound, high: first.reference.sound, label: "one frequency a digit" },
    ],
  },
  {
    title: "nominal",
    subtitle: "|F| > μ+2σ; noise scores highest",
    valueTitle: "active a neuron",
    bins: (result) => result.nominal.by_omega0,
    epochs: (result) => result.epochs,
    counts: (result) => result.nominal.mean,
    countTitle: "active entries a neuron",
    nulls: (first) => [
      { high: first.null.nominal, label: "noise" },
      { low: first.reference.nominal, high: first.reference.nominal, label: "one frequency a digit" },
    ],
  },
  {
    title: "paper",
    subtitle: "first neuron, each ω over its sum over time",
    valueTitle: "share of its sum",
    bins: (result) => result.paper.bins,
    epochs: (result) => result.paper.epochs,
    counts: (result) => result.paper.count,
    countTitle: "bins above μ+1σ",
    nulls: (first) => [{ high: first.null.paper_bump_peak, label: "amplitude-only control" }],
  },
];

/** Frequencies from 1 on × log epochs, with a line at each output head's grok epoch. */
function overEpochs({ label, result }: Labelled<OmegaResult>, rule: Rule, top: number, legend: boolean): Panel {
  const epochs = rule.epochs(result);
  const bins = rule.bins(result);
  const width = bins[0]?.length ?? 0;
  const groks = result.grok.flatMap(({ q, epoch }) =>
    epoch === null || epoch > at(epochs, epochs.length - 1) ? [] : [{ epoch, q }],
  );
  const lines: Layer = {
    data: { values: groks },
    mark: { type: "rule", color: "white", opacity: 0.45, strokeWidth: 0.7 },
    encoding: { x: { field: "epoch", type: "quantitative", title: null }, tooltip: [{ field: "q" }, { field: "epoch" }] },
  };
  return matrixImage({
    title: `${label}: ${rule.title}`,
    subtitle: rule.subtitle,
    values: Array.from({ length: width - 1 }, (_, k) => bins.map((row) => at(row, k + 1))),
    domain: [0, top],
    x: epochImageAxis(epochs),
    y: { title: "|ω₀|", field: "omega0", from: 1 },
    width: WIDTH,
    height: 160,
    levels: 64,
    valueTitle: rule.valueTitle,
    legend,
    overlay: groks.length === 0 ? [] : [lines],
  });
}

/** Counts of all runs over epochs with their null; for the paper's count also what a fixed spectrum gives. */
function countsOverEpochs(entries: readonly Labelled<OmegaResult>[], rule: Rule): Panel {
  const isPaper = rule.title === "paper";
  const rows: Row[] = entries.flatMap(({ label, result }) =>
    rule.counts(result).map((count, i) => ({ run: label, epoch: at(rule.epochs(result), i), count })),
  );
  const first = entries[0]?.result;
  const panel = linesWithBand({
    title: `Count, ${rule.title}`,
    ...(isPaper ? { subtitle: "grey: a fixed spectrum with each run's own amplitude" } : {}),
    rows,
    x: "epoch",
    y: "count",
    yTitle: rule.countTitle,
    series: "run",
    runs: entries.map(({ label }) => label),
    xScale: "epochs",
    width: WIDTH,
    height: 150,
    nulls: first === undefined ? [] : rule.nulls(first),
  });
  return isPaper ? { ...panel, layer: [fixedSpectra(entries), ...panel.layer] } : panel;
}

/** What the paper's count gives of each run's first spectrum, grown as the run's own grows: a null, so grey. */
function fixedSpectra(entries: readonly Labelled<OmegaResult>[]): Layer {
  const values = entries.flatMap(({ label, result }) =>
    result.null.paper_amplitude.map((fixed, i) => ({ run: label, epoch: at(result.paper.epochs, i), "fixed spectrum": fixed })),
  );
  return {
    data: { values },
    mark: { type: "line", color: NULL_COLOR, strokeDash: [4, 3], strokeWidth: 1.2 },
    encoding: {
      x: { field: "epoch", type: "quantitative" },
      y: { field: "fixed spectrum", type: "quantitative" },
      detail: { field: "run", type: "nominal" },
      tooltip: ["run", "epoch", "fixed spectrum"].map((field) => ({ field })),
    },
  };
}

/** A row of three images per run, and below them the counts of all runs. */
export function omegaPanel(entries: readonly Labelled<OmegaResult>[]): Panel {
  // |ω₀| = 0 gathers a whole axis (for the paper the constant): with its row the others would have no colors.
  const tops = RULES.map((rule) =>
    Math.max(...entries.flatMap(({ result }) => rule.bins(result).flatMap((bins) => bins.slice(1))), 1e-12),
  );
  const images = entries.flatMap((entry, i) => RULES.map((rule, r) => overEpochs(entry, rule, at(tops, r), i === 0)));
  return ownColors([ownColors(images, RULES.length), ownColors(RULES.map((rule) => countsOverEpochs(entries, rule)))], 1);
}
