import type { TopLevelSpec } from "vega-lite";
import { at } from "../../core/index.ts";
import {
  figure,
  gridImage,
  linesWithBand,
  matrixImage,
  type Panel,
  type Parameter,
  picker,
  type Row,
  scatter,
} from "../../figures/index.ts";
import { harmonicsOf } from "../closed-form/dictionary.ts";
import { wavesOf, wrapped } from "../closed-form/fit.ts";
import type { Labelled } from "../kit/define.ts";
import { nullRules } from "../kit/null-rules.ts";
import { ownColors } from "../kit/panels.ts";
import { dequantised } from "../kit/quantised.ts";
import type { NeuronsResult } from "./compute.ts";

type Entry = Labelled<NeuronsResult>;

/** Example neurons in one figure: each is three images. */
const MAX_EXAMPLES = 6;

const round = (value: number, digits = 4) => Number(value.toPrecision(digits));

/** ψ of the read-out against φ0 + φ1, a point a neuron. */
function phases({ label, result }: Entry): Panel {
  const rows = result.m.flatMap((m, j): Row[] => {
    if (m === 0) return [];
    const sum = wrapped(at(result.phi0, j) + at(result.phi1, j));
    return [
      {
        run: label,
        neuron: j,
        "task q": m,
        k: at(result.k, j),
        "R²": round(at(result.R2, j)),
        "φ0 + φ1": round(sum),
        ψ: round(wrapped(sum + at(result.phase_error, j))),
      },
    ];
  });
  return scatter({
    title: `${label}: phase of the read-out`,
    subtitle: `median |ψ − φ0 − φ1| ${round(result.median.phase_error, 2)} rad (uniform phases ${round(result.null.phase_error, 3)})`,
    rows,
    x: "φ0 + φ1",
    y: "ψ",
    xDomain: [-Math.PI, Math.PI],
    yDomain: [-Math.PI, Math.PI],
    diagonal: true,
    series: "run",
    runs: [label],
    also: ["neuron", "task q", "k", "R²"],
    width: 230,
    height: 230,
  });
}

/** How many neurons each pair (q, k) has. */
function pairMap({ label, result }: Entry): Panel {
  const most = Math.max(1, ...result.moduli.map(harmonicsOf));
  const counts = result.moduli.map(() => new Array<number>(most).fill(0));
  for (const { m, k, neurons } of result.clusters) {
    const row = counts[result.moduli.indexOf(m)];
    if (row !== undefined) row[k - 1] = neurons;
  }
  return matrixImage({
    title: `${label}: neurons per (q, k) above the null`,
    values: counts,
    x: { title: "k", field: "k", from: 1 },
    y: { title: "q", field: "q", labels: result.moduli },
    valueTitle: "neurons",
    width: 300,
    height: result.moduli.length === 1 ? 40 : 230,
  });
}

/** R² of all neurons of each run in descending order, above its null. */
function sortedR2(entries: readonly Entry[]): Panel {
  const curve = ({ label, result }: Entry) => {
    const live = result.R2.filter((_, j) => at(result.m, j) !== 0).sort((a, b) => b - a);
    return live.map((R2, i): Row => ({ run: label, neurons: (i + 1) / live.length, "R²": R2 }));
  };
  return linesWithBand({
    title: "What the closed form explains",
    rows: entries.flatMap(curve),
    x: "neurons",
    y: "R²",
    xTitle: "share of live neurons, in descending order",
    yDomain: [0, 1],
    series: "run",
    runs: entries.map(({ label }) => label),
    nulls: nullRules(
      entries.map(({ label, result }) => ({ label, value: result.null.R2 })),
      1,
    ),
    width: 300,
    height: 190,
  });
}

/** Disc or torus: the resultant of φ0 − φ1 of each pair's neurons over their number. */
function discs(entries: readonly Entry[]): Panel[] {
  const rows = entries.flatMap(({ label, result }) =>
    result.clusters
      .filter(({ m, neurons }) => m !== 2 && neurons > 1)
      .map(({ m, k, neurons, disc }): Row => ({ run: label, "task q": m, k, neurons, resultant: round(disc) })),
  );
  if (rows.length === 0) return [];
  return [
    scatter({
      title: "Disc (1) or torus (about 1/√neurons)",
      subtitle: "resultant of φ0 − φ1 over the neurons of a pair (q, k)",
      rows,
      x: "neurons",
      y: "resultant",
      xScale: "log",
      yDomain: [0, 1],
      series: "run",
      runs: entries.map(({ label }) => label),
      also: ["task q", "k"],
      size: 30,
      width: 300,
      height: 190,
    }),
  ];
}

type Example = NeuronsResult["examples"][number];

const nameOf = ({ result }: Entry, { neuron, chosen }: Example) =>
  `${neuron}: q = ${result.m[neuron]}, k = ${result.k[neuron]} (${chosen === "R2" ? "best R²" : "random"})`;

/** The examples shown of each run, so that the figure holds few in all. */
function shownExamples(entries: readonly Entry[]): { entry: Entry; examples: readonly Example[] }[] {
  const each = Math.max(1, Math.floor(MAX_EXAMPLES / entries.length));
  return entries.slice(0, MAX_EXAMPLES).map((entry) => {
    const { examples } = entry.result;
    const best = examples.filter(({ chosen }) => chosen === "R2").slice(0, Math.ceil(each / 2));
    return { entry, examples: [...best, ...examples.filter(({ chosen }) => chosen === "random").slice(0, each - best.length)] };
  });
}

function parameters(entries: readonly Entry[]): Parameter[] {
  return shownExamples(entries).flatMap(({ entry, examples }, i) =>
    examples.length === 0
      ? []
      : [
          picker(
            `example${i}`,
            examples.map((example) => nameOf(entry, example)),
            `${entry.label}: neuron`,
          ),
        ],
  );
}

/** The closed form of a neuron over the grid. */
function formulaGrid(result: NeuronsResult, j: number): Float64Array {
  const { p } = result;
  const m = at(result.m, j);
  // Addition has one modulus, p, and its high digit counts once; otherwise x1 counts p-fold.
  const c1 = m === p ? 1 : p % m;
  const { low, high } = wavesOf({
    modulus: { m, c0: 1, c1, head: 0 },
    k: at(result.k, j),
    constant: at(result.constant, j),
    A: at(result.A, j),
    B: at(result.B, j),
    phi0: at(result.phi0, j),
    phi1: at(result.phi1, j),
  });
  return Float64Array.from({ length: p * p }, (_, i) => at(low, Math.floor(i / p) % m) + at(high, (i % p) % m));
}

function exampleRow(entry: Entry, examples: readonly Example[], i: number): Panel[] {
  const { label, result } = entry;
  const grids = examples.map((example) => {
    const u = dequantised(example.pre);
    const closed = formulaGrid(result, example.neuron);
    const largest = u.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
    const scaled = (values: Float64Array) => ({ data: values.map((value) => value / largest), columns: result.p });
    return {
      name: nameOf(entry, example),
      u: scaled(u),
      closed: scaled(closed),
      rest: scaled(u.map((v, n) => v - at(closed, n))),
    };
  });
  // Where there is nothing to choose from, no picker names it.
  const [only, ...others] = grids;
  const named = only === undefined || others.length > 0 ? {} : { subtitle: `neuron ${only.name}` };
  return (["u", "closed", "rest"] as const).map((which) =>
    gridImage({
      title: { u: `${label}: u before the ReLU`, closed: "its closed form", rest: "u less the closed form" }[which],
      ...(which === "u" ? named : {}),
      values: grids.map((grid) => ({ name: grid.name, values: grid[which] })),
      picker: `example${i}`,
      pickField: "neuron",
      also: { run: label, part: which },
      coloring: "signed",
      domain: [-1, 1],
      valueTitle: "of its largest |u|",
      legend: which === "rest",
      width: 190,
      height: 190,
    }),
  );
}

/** Phases of the read-out and the pairs of each run, then R² and discs of all, then examples with their closed forms. */
export function neuronsFigure(entries: readonly Entry[], headline: string): TopLevelSpec {
  const live = entries.filter(({ result }) => result.dead < result.neurons);
  const panels = live.map((entry) => ownColors([phases(entry), pairMap(entry)]));
  panels.push(ownColors([sortedR2(entries), ...discs(entries)]));
  for (const [i, { entry, examples }] of shownExamples(live).entries()) {
    if (examples.length > 0) panels.push(ownColors(exampleRow(entry, examples, i)));
  }
  return figure(ownColors(panels, 1), {
    title: "What each neuron computes",
    description: `Closed form of each neuron before the ReLU: phase of its read-out against the sum of its phases, frequencies by task, R² above its null, and examples. ${headline}`,
    params: parameters(live),
  });
}
