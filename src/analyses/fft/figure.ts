import { at } from "../../core/index.ts";
import {
  gridWithDetail,
  linesWithBand,
  matrixImage,
  type NamedMatrix,
  type NullBand,
  type Panel,
  type Parameter,
  picker,
} from "../../figures/index.ts";
import { frequencyOf, halfPlanePower } from "../../math/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import { dequantised } from "../kit/quantised.ts";
import { percent } from "../kit/text.ts";
import type { FftResult } from "./compute.ts";

/** Example neurons in one figure: each costs some 30 kB of the page. */
const MAX_EXAMPLES = 12;

/** Decades below the largest |F| that the logarithmic view shows. */
const DECADES = 3;

const SCALES = ["linear", `log over ${DECADES} decades`] as const;

type Example = FftResult["examples"][number];

const nameOf = ({ neuron, chosen }: Example) => `${neuron} (${chosen === "share" ? "best share" : "random"})`;

/** The examples that are shown of each run, so that the figure holds at most twelve in all. */
function shownExamples(entries: readonly Labelled<FftResult>[]): { label: string; p: number; examples: readonly Example[] }[] {
  const each = Math.max(1, Math.floor(MAX_EXAMPLES / entries.length));
  return entries.slice(0, MAX_EXAMPLES).map(({ label, result: { p, examples } }) => {
    const [best, random] = [
      examples.filter(({ chosen }) => chosen === "share"),
      examples.filter(({ chosen }) => chosen === "random"),
    ];
    const kept = best.slice(0, Math.max(Math.ceil(each / 2), each - random.length));
    return { label, p, examples: [...kept, ...random.slice(0, each - kept.length)] };
  });
}

/** A neuron's |F| over the half-plane by its largest, rows ω0 from −m to m, columns ω1 from 0 to m; as it is and in decades. */
function spectra(example: Example, p: number): readonly NamedMatrix[] {
  const power = halfPlanePower(dequantised(example.activation), p);
  const m = (p - 1) / 2;
  const largest = Math.sqrt(power.reduce((a, b) => Math.max(a, b), 0));
  const relative = new Float64Array(p * (m + 1));
  power.forEach((value, i) => {
    const [omega0, omega1] = frequencyOf(i, p);
    const magnitude = largest === 0 ? 0 : Math.sqrt(value) / largest;
    relative[(omega0 + m) * (m + 1) + omega1] = magnitude;
    // The axis ω1 = 0 is its own mirror image.
    if (omega1 === 0) relative[(m - omega0) * (m + 1)] = magnitude;
  });
  const decades = relative.map((value) => (value === 0 ? 0 : Math.max(0, 1 + Math.log10(value) / DECADES)));
  return [
    { name: `${nameOf(example)} ${SCALES[0]}`, values: { data: relative, columns: m + 1 } },
    { name: `${nameOf(example)} ${SCALES[1]}`, values: { data: decades, columns: m + 1 } },
  ];
}

/** One picker of a neuron for each run, and one switch between linear and logarithmic |F|. */
export function fftParameters(entries: readonly Labelled<FftResult>[]): Parameter[] {
  const pickers = shownExamples(entries).flatMap(({ label, examples }, i) =>
    examples.length === 0 ? [] : [picker(`neuron${i}`, examples.map(nameOf), `${label}: neuron`)],
  );
  return pickers.length === 0 ? [] : [...pickers, picker("magnitude", SCALES, "|F|")];
}

function examplePanels(entries: readonly Labelled<FftResult>[]): Panel[] {
  return shownExamples(entries).flatMap(({ label, p, examples }, i) => {
    if (examples.length === 0) return [];
    const m = (p - 1) / 2;
    // Where there is nothing to choose from, no picker names it.
    const [only, ...others] = examples;
    const named = only === undefined || others.length > 0 ? {} : { subtitle: `neuron ${nameOf(only)}` };
    const relative = examples.map((example) => {
      const values = dequantised(example.activation);
      const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
      return { name: nameOf(example), values: { data: values.map((value) => value / largest), columns: p } };
    });
    return [
      gridWithDetail({
        title: `${label}: activation over the grid`,
        ...named,
        values: relative,
        picker: `neuron${i}`,
        pickField: "neuron",
        brush: `brush${i}`,
        domain: [0, 1],
        levels: 64,
        // That of the spectrum, on the same scale, moves no panel.
        legend: false,
      }),
      matrixImage({
        title: "its |F|, mean removed",
        values: examples.flatMap((example) => spectra(example, p)),
        picker: `neuron${i} + ' ' + magnitude`,
        pickField: "neuron",
        also: { run: label },
        domain: [0, 1],
        levels: 64,
        x: { title: "ω₁", field: "omega1" },
        y: { title: "ω₀", field: "omega0", from: -m },
        width: 150,
        height: 260,
        valueTitle: "of its maximum",
        legend: i === 0,
      }),
    ];
  });
}

interface Curve {
  readonly title: string;
  readonly subtitle: string;
  readonly yTitle: string;
  readonly values: (result: FftResult) => readonly number[];
  readonly nulls: readonly NullBand[];
}

/** Values of all neurons of each run in descending order, over the share of neurons. */
function sortedCurves(entries: readonly Labelled<FftResult>[], { values, ...options }: Curve): Panel {
  return linesWithBand({
    ...options,
    rows: entries.flatMap(({ label, result }) =>
      values(result)
        .slice()
        .sort((a, b) => b - a)
        .map((value, i, all) => ({ run: label, neurons: (i + 1) / all.length, value })),
    ),
    x: "neurons",
    y: "value",
    xTitle: "share of neurons, in descending order",
    series: "run",
    runs: entries.map(({ label }) => label),
    width: 250,
    height: 180,
  });
}

/** Over all neurons: share at the best frequency, sound and nominal counts; then example neurons with their spectra. */
export function fftPanel(entries: readonly Labelled<FftResult>[]): Panel {
  const worst = (value: (result: FftResult) => number) => Math.max(...entries.map(({ result }) => value(result)));
  const shareNull = worst((result) => result.null.share);
  const curves = [
    sortedCurves(entries, {
      title: "Variance at the best frequency",
      subtitle: `permuted tokens stay below ${percent(shareNull)} (99 %)`,
      yTitle: "share",
      values: (result) => result.share,
      nulls: [{ high: shareNull, label: "null 99 %" }],
    }),
    sortedCurves(entries, {
      title: "Active frequencies, sound",
      subtitle: "power above the 99 % null of its part",
      yTitle: "entries",
      values: (result) => result.active.sound,
      nulls: [{ high: worst((result) => result.null.active_sound), label: "null mean" }],
    }),
    sortedCurves(entries, {
      title: "Active frequencies, nominal (μ+2σ)",
      subtitle: "noise scores highest by this rule",
      yTitle: "entries",
      values: (result) => result.active.nominal,
      nulls: [
        {
          high: at(
            entries.map(({ result }) => result.null.noise_nominal),
            0,
          ),
          label: "noise",
        },
      ],
    }),
  ];
  const rows = [ownColors(curves)];
  const examples = examplePanels(entries);
  if (examples.length > 0) rows.push(ownColors(examples, 2));
  return ownColors(rows, 1);
}
