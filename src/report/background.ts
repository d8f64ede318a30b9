import type { TopLevelSpec } from "vega-lite";
import { float64 } from "../core/index.ts";
import {
  concatPanels,
  figure,
  hinton,
  hoverLink,
  type Matrix,
  matrixImage,
  type Panel,
  type Parameter,
  runColor,
} from "../figures/index.ts";
import { basisLabels, realFourier } from "../math/index.ts";
import { primesBelow } from "../tasks/index.ts";

/** A figure that needs no run: what the tasks and the transform look like. */
export interface BackgroundFigure {
  readonly id: string;
  readonly title: string;
  /** What it states, in a sentence without a full stop. */
  readonly finding: string;
  /** Markdown: what to see. */
  readonly headline: string;
  readonly citation: string;
  readonly spec: TopLevelSpec;
}

const PAPER = "Syrkis & Søgaard 2024";

const grid = (p: number, value: (x0: number, x1: number) => number): number[][] =>
  Array.from({ length: p }, (_, x0) => Array.from({ length: p }, (_, x1) => value(x0, x1)));

/** Where the numbers stand: their data have the places at a multiplier of 1. */
function polarPanel(title: string, color: string, end: number, numbers: readonly number[], keep?: string): Panel {
  const side = { type: "quantitative" as const, scale: { domain: [-end, end], nice: false }, axis: null };
  return {
    title: { text: title, fontSize: 12, fontWeight: 500 },
    width: 320,
    height: 320,
    data: { values: numbers.map((n) => ({ n, x: n * Math.cos(n), y: n * Math.sin(n) })) },
    transform: [
      ...(keep === undefined ? [] : [{ filter: keep }]),
      { calculate: "datum.n * cos(angle * datum.n)", as: "turned_x" },
      { calculate: "datum.n * sin(angle * datum.n)", as: "turned_y" },
    ],
    mark: { type: "circle", size: 5, color, opacity: 1 },
    encoding: { x: { field: "turned_x", ...side }, y: { field: "turned_y", ...side }, tooltip: { field: "n" } },
  };
}

/** Points n·cos(a·n), n·sin(a·n) for multiples of a modulus and for primes; modulus and a can be turned. */
function polar(p: number): TopLevelSpec {
  const end = p * p;
  const naturals = Array.from({ length: end - 1 }, (_, i) => i + 1);
  const slider = (name: string, label: string, value: number, range: { min: number; max: number; step: number }): Parameter => ({
    name,
    value,
    bind: { input: "range", ...range, name: `${label} ` },
  });
  const panels = [
    polarPanel("multiples of the modulus", runColor(0), end, naturals, "datum.n % modulus === 0"),
    polarPanel("primes", runColor(3), end, primesBelow(end)),
  ];
  return figure(concatPanels(panels, { scales: "mixed" }), {
    title: `Natural numbers below ${end} in polar coordinates`,
    subtitle: "radius n, angle n times the multiplier; at 2π over the modulus its multiples stand in straight lines",
    description: `Natural numbers below ${end}, radius n and angle n times the multiplier: multiples of the modulus beside primes.`,
    params: [
      slider("modulus", "modulus", 17, { min: 2, max: p, step: 1 }),
      slider("angle", "angle multiplier", 1, { min: 0, max: 2, step: 0.001 }),
    ],
  });
}

/** Inputs and targets as Hinton diagrams at a small p. */
function data(p: number): TopLevelSpec {
  const panel = (title: string, value: (x0: number, x1: number) => number) =>
    hinton({ title, values: grid(p, value), xTitle: "x₁", yTitle: "x₀", linked: "cell", cell: 17 });
  const panels = [
    panel("n = x₀ + x₁·p", (x0, x1) => x0 + x1 * p),
    ...primesBelow(p).map((q) => panel(`n mod ${q}`, (x0, x1) => (x0 + x1 * p) % q)),
    panel(`(x₀ + x₁) mod ${p}`, (x0, x1) => (x0 + x1) % p),
  ];
  return figure(concatPanels(panels, { scales: "own", columns: 3 }), {
    title: `Inputs and targets for p = ${p}`,
    description:
      "Squares of area proportional to the value: the number itself, its remainder by each prime, and modular addition.",
    params: [hoverLink("cell")],
  });
}

/** The real orthonormal Fourier basis, one row a wave: what it makes of the unit vectors. */
function basis(p: number): Matrix {
  const unit = float64(
    Float64Array.from({ length: p * p }, (_, i) => (i % (p + 1) === 0 ? 1 : 0)),
    [p, p],
  );
  return { data: realFourier(unit).data, columns: p };
}

function basisFigure(p: number): TopLevelSpec {
  const labels = basisLabels(p);
  const image = matrixImage({
    values: basis(p),
    coloring: "signed",
    x: { title: "token", field: "token" },
    y: { field: "wave", labels },
    valueTitle: "entry",
    width: 340,
    height: 340,
  });
  return figure(image, {
    title: `Fourier basis over ${p} tokens`,
    description: "Rows are waves: the constant, then cosine and sine of each frequency.",
  });
}

/** The paper's figures that show no model: numbers in polar coordinates, the data, the Fourier basis. */
export function backgroundFigures(p = 113, small = 11): BackgroundFigure[] {
  return [
    {
      id: "polar",
      title: "Numbers in polar coordinates",
      finding: "Multiples of a modulus stand on few spirals, primes on many broken ones",
      headline: "Remainders are periodic: turn the angle multiplier until the multiples of the modulus stand in straight lines.",
      citation: `Figure 1, ${PAPER}`,
      spec: polar(p),
    },
    {
      id: "data",
      title: "Data and targets",
      finding: "Remainders repeat along n, addition along both digits alike",
      headline: `Every input (x₀, x₁) for p = ${small} and its targets. The remainders repeat along n = x₀ + x₁·p; addition alone looks the same with the digits exchanged.`,
      citation: `Figures 2 and 3, ${PAPER}`,
      spec: data(small),
    },
    {
      id: "dft",
      title: "Fourier basis",
      finding: "Every function of a token is a sum of these waves",
      headline: "The basis in which the token embeddings are looked at: one row a wave.",
      citation: `Appendix, ${PAPER}`,
      spec: basisFigure(p),
    },
  ];
}
