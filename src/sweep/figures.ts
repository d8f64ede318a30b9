import type { TopLevelSpec } from "vega-lite";
import {
  barsWithNull,
  concatPanels,
  figure,
  linesWithBand,
  MAGNITUDE_SCHEME,
  type Panel,
  type Row,
  scatter,
  significant,
} from "../figures/index.ts";
import type { Choice } from "./space.ts";
import { objectiveText, rankedTrials, type SweepView, type TrialView } from "./view.ts";

type Complete = TrialView & { value: number };

/** A number to the few digits that an axis shows. */
function shortNumber(value: number): string {
  return String(significant(value, 3));
}

/**
 * How a parameter's values lie on an axis of [0, 1]: numbers by size, on a log scale where they span decades, others in order.
 */
export interface ParameterAxis {
  readonly name: string;
  readonly kind: "linear" | "log" | "names";
  place(value: Choice): number;
  /** Values at the lower and the upper end; every value of one that has names. */
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
}

/** The axis of one parameter over the trials that have it. */
export function parameterAxis(name: string, values: readonly Choice[]): ParameterAxis {
  const distinct = [...new Set(values)];
  const numbers = distinct.filter((value) => typeof value === "number");
  if (numbers.length < distinct.length) {
    const names = [...distinct].sort((a, b) => String(a).localeCompare(String(b)));
    const place = (value: Choice) => (names.length < 2 ? 0.5 : names.indexOf(value) / (names.length - 1));
    return { name, kind: "names", place, ticks: names.map((value) => ({ at: place(value), label: String(value) })) };
  }
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const log = low > 0 && high / low >= 20;
  const scale = log ? Math.log : (x: number) => x;
  const place = (value: Choice) => (high > low ? (scale(Number(value)) - scale(low)) / (scale(high) - scale(low)) : 0.5);
  const shown = distinct.length <= 6 ? numbers : [low, high];
  return {
    name,
    kind: log ? "log" : "linear",
    place,
    ticks: [...new Set(shown)].map((value) => ({ at: significant(place(value)), label: shortNumber(value) })),
  };
}

/** The objective of each trial in order, and the best so far. */
function history(view: SweepView, trials: readonly Complete[]): Panel {
  const better = view.direction === "maximize" ? Math.max : Math.min;
  const ordered = [...trials].sort((a, b) => a.number - b.number);
  let best = ordered[0]?.value ?? 0;
  const rows = ordered.flatMap(({ number, value }) => {
    best = better(best, value);
    return [
      { trial: number, value, line: "trial" },
      { trial: number, value: best, line: "best so far" },
    ];
  });
  const points = rows.filter(({ line }) => line === "trial");
  const lines = rows.filter(({ line }) => line === "best so far");
  const base = linesWithBand({ rows: lines, x: "trial", y: "value", yTitle: "objective", width: 420, height: 200 });
  const dots = scatter({ rows: points, x: "trial", y: "value", yTitle: "objective", size: 24 });
  return {
    ...base,
    title: { text: "History", subtitle: "points: trials; line: the best so far", fontSize: 12, fontWeight: 500 },
    layer: [...("layer" in base ? base.layer : []), ...("layer" in dots ? dots.layer : [])],
  } as Panel;
}

function importance(view: SweepView): Panel | undefined {
  const rows = Object.entries(view.importances).map(([parameter, share]) => ({ parameter, share }));
  if (rows.length === 0) return undefined;
  return barsWithNull({
    rows,
    x: "parameter",
    y: "share",
    yTitle: "importance",
    width: Math.max(160, 110 * rows.length),
    height: 200,
    title: "Importance of each parameter",
    subtitle: "PED-ANOVA (Watanabe et al. 2023): which parameters set the best tenth of trials apart",
  });
}

/** One line a trial across its parameters, colored by its objective. */
function parallel(view: SweepView, trials: readonly Complete[], axes: readonly ParameterAxis[]): Panel {
  const columns = axes.map(({ name }) => name);
  const rows: Row[] = trials.flatMap(({ number, value, params }) =>
    axes.map((axis) => ({
      trial: number,
      objective: significant(value),
      parameter: axis.name,
      place: significant(axis.place(params[axis.name] ?? "")),
      is: String(params[axis.name]),
    })),
  );
  const ticks = axes.flatMap(({ name, ticks: marks }) => marks.map(({ at, label }) => ({ parameter: name, place: at, label })));
  const x = {
    field: "parameter",
    type: "nominal" as const,
    sort: columns,
    scale: { padding: 0.3 },
    axis: { title: null, labelAngle: 0, grid: true },
  };
  const y = { field: "place", type: "quantitative" as const, axis: null, scale: { domain: [0, 1] } };
  const color = {
    field: "objective",
    type: "quantitative" as const,
    scale: { scheme: MAGNITUDE_SCHEME, reverse: view.direction === "minimize" },
    legend: { title: "objective", orient: "right" as const },
  };
  const lines = {
    data: { values: rows },
    mark: { type: "line" as const, opacity: 0.6 },
    encoding: {
      x,
      y,
      color,
      detail: { field: "trial", type: "nominal" as const },
      tooltip: ["trial", "parameter", "is", "objective"].map((field) => ({ field })),
    },
  };
  const labels = {
    data: { values: ticks },
    mark: { type: "text" as const, align: "left" as const, dx: 4, fontSize: 10 },
    encoding: { x, y, text: { field: "label" } },
  };
  const width = Math.min(760, Math.max(280, 110 * axes.length));
  const title = {
    text: "Parallel coordinates",
    subtitle: "a line a trial, colored by its objective",
    fontSize: 12,
    fontWeight: 500 as const,
  };
  return { title, width, height: 220, layer: [lines, labels] };
}

/** What each seed's run came to against one parameter. */
function against(axis: ParameterAxis, trials: readonly Complete[], field: "grok_epoch" | "value", title: string): Panel {
  const rows = trials.flatMap(({ number, params, seeds }) =>
    seeds.flatMap((result) => {
      const y = result[field];
      const value = params[axis.name];
      return y === null || value === undefined ? [] : [{ [axis.name]: value, y, trial: number, seed: result.seed }];
    }),
  );
  const common = { x: axis.name, y: "y", yTitle: title, width: 180, height: 160, also: ["trial", "seed"] };
  if (axis.kind !== "names") return scatter({ ...common, rows, xScale: axis.kind });
  const placed = rows.map((row) => ({ ...row, [axis.name]: String(row[axis.name]) }));
  return {
    width: 180,
    height: 160,
    data: { values: placed },
    mark: { type: "point", filled: true, opacity: 0.6, size: 18 },
    encoding: {
      x: { field: axis.name, type: "nominal", axis: { labelAngle: 0 } },
      y: { field: "y", type: "quantitative", axis: { title }, scale: { zero: false } },
      color: { value: "#0072b2" },
      tooltip: ["trial", "seed", "y"].map((name) => ({ field: name })),
    },
  };
}

/**
 * The sweep on one sheet: history, importances, parallel coordinates, and against each parameter the epoch from which the mean
 * validation accuracy stays at 0.99, a point a seed (the objective where no run got there).
 */
export function sweepFigure(view: SweepView): TopLevelSpec {
  const trials = rankedTrials(view);
  const names = [...new Set(trials.flatMap(({ params }) => Object.keys(params)))];
  const axes = names.map((name) =>
    parameterAxis(
      name,
      trials.flatMap(({ params }) => params[name] ?? []),
    ),
  );
  const seeds = trials.flatMap(({ seeds: results }) => results);
  const grokked = seeds.filter(({ grok_epoch }) => grok_epoch !== null).length;
  const field = grokked > 0 ? "grok_epoch" : "value";
  const said =
    grokked > 0
      ? `Epoch from which the mean validation accuracy stays at 0.99, against each parameter; ${grokked} of ${seeds.length} runs got there`
      : "Objective of each seed against each parameter; no run's mean validation accuracy stays at 0.99";
  const top = [history(view, trials), importance(view)].filter((panel) => panel !== undefined);
  const panels: Panel[] = [concatPanels(top, { scales: "mixed" })];
  if (axes.length > 0) {
    panels.push(parallel(view, trials, axes));
    const title = field === "grok_epoch" ? "epoch" : "objective";
    panels.push(
      concatPanels(
        axes.map((axis) => against(axis, trials, field, title)),
        { scales: "mixed", columns: 4, title: said },
      ),
    );
  }
  return figure(concatPanels(panels, { scales: "mixed", columns: 1 }), {
    title: `Sweep ${view.study}`,
    subtitle: `objective: ${objectiveText(view.objective)}, mean over ${view.seeds.length} seeds; ${trials.length} complete trials`,
    description: `Sweep ${view.study}: objective by trial, importance of parameters, parallel coordinates, and what each seed came to against each parameter.`,
  });
}
