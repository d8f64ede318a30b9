import type { TopLevelSpec } from "vega-lite";
import { at } from "../../core/index.ts";
import {
  barsWithNull,
  concatPanels,
  extent,
  figure,
  INK,
  type Layer,
  matrixImage,
  type Panel,
  type Row,
  scatter,
} from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { dequantised } from "../kit/quantised.ts";
import { short } from "../kit/text.ts";
import { type ClockResult, randomResultant } from "./compute.ts";
import { PUBLISHED } from "./published.ts";

/** The two measures against each other, with the two published models as they were reported. */
function plane(entries: readonly Labelled<ClockResult>[]): Panel {
  const rows: Row[] = entries.map(({ label, result }) => ({
    model: label,
    Q: result.distance_irrelevance,
    S: result.gradient_symmetricity.mean,
  }));
  const panel = scatter({
    title: "Symmetricity against irrelevance",
    rows,
    x: "Q",
    y: "S",
    series: "model",
    runs: entries.map(({ label }) => label),
    xTitle: "distance irrelevance Q",
    yTitle: "gradient symmetricity S",
    xDomain: [0, 1.05],
    yDomain: [-0.1, 1.05],
    size: 60,
  });
  return { ...panel, layer: [...panel.layer, ...published()] };
}

/** The published models are no runs: hollow, in the color of the text, each with its name. */
function published(): Layer[] {
  const values = PUBLISHED.map(({ name, distance_irrelevance, gradient_symmetricity }) => ({
    model: name,
    Q: distance_irrelevance,
    S: gradient_symmetricity,
  }));
  const place = { x: { field: "Q", type: "quantitative" }, y: { field: "S", type: "quantitative" } } as const;
  const data = { values };
  const named = (test: string, align: "left" | "right", dx: number): Layer => ({
    data,
    transform: [{ filter: test }],
    mark: { type: "text", align, dx, baseline: "middle", color: INK, fontSize: 10, tooltip: null },
    encoding: { ...place, text: { field: "model" } },
  });
  return [
    {
      data,
      mark: { type: "point", shape: "diamond", size: 70, stroke: INK, filled: false },
      encoding: { ...place, tooltip: ["model", "Q", "S"].map((field) => ({ field })) },
    },
    named("datum.Q <= 0.5", "left", 8),
    named("datum.Q > 0.5", "right", -8),
  ];
}

/** How even the phases of each frequency's neurons are: a disc or a torus. */
function discs(entries: readonly Labelled<ClockResult>[]): Panel[] {
  const rows = entries.flatMap(({ label, result: { frequencies } }) =>
    frequencies.k.map((k, i) => ({
      run: label,
      k,
      disc: at(frequencies.disc, i),
      random: randomResultant(at(frequencies.neurons, i)),
    })),
  );
  if (rows.length === 0) return [];
  return [
    barsWithNull({
      title: "φ0 − φ1 of each frequency's neurons: disc 1, torus near 0",
      subtitle: "grey: as many random phases, 1 for a neuron alone",
      ownNull: "random",
      rows: rows.sort((a, b) => a.k - b.k),
      x: "k",
      y: "disc",
      series: "run",
      runs: entries.map(({ label }) => label),
      xTitle: "frequency k",
      yTitle: "resultant",
      yDomain: [0, 1],
      height: 150,
    }),
  ];
}

/** The right class's logit: vertical stripes depend on the difference, horizontal ones on the sum. */
function logitPanels(entries: readonly Labelled<ClockResult>[]): Panel[] {
  const matrices = entries.map(({ result }) => ({ data: dequantised(result.logit), columns: result.p }));
  return entries.map(({ label, result }, i) => {
    const values = at(matrices, i);
    return matrixImage({
      title: label,
      subtitle: `Q ${short(result.distance_irrelevance)}`,
      values,
      x: { title: "x₀ − x₁ mod p", field: "difference" },
      y: { title: "x₀ + x₁ mod p", field: "sum" },
      domain: extent(values.data),
      valueTitle: "logit",
      width: 200,
      height: 200,
    });
  });
}

/** The two measures in one plane, phases by frequency, and the right class's logit. */
export function clockFigure(entries: readonly Labelled<ClockResult>[], headline: string): TopLevelSpec {
  const panels = [
    concatPanels([plane(entries), ...discs(entries)], { scales: "mixed" }),
    concatPanels(logitPanels(entries), { scales: "own", columns: 3, title: "The right class's logit" }),
  ];
  return figure(concatPanels(panels, { scales: "mixed", columns: 1 }), {
    title: "Clock, pizza, or neither",
    description: `Gradient symmetricity against distance irrelevance, the resultant of each frequency's phases, and the right class's logit by sum and difference of the digits. ${headline}`,
  });
}
