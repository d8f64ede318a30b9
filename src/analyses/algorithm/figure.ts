import type { TopLevelSpec } from "vega-lite";
import { at, formatNumber } from "../../core/index.ts";
import { barsWithNull, figure, INK, NULL_COLOR, type Panel, type Row, runEncoding, scatter } from "../../figures/index.ts";
import { mean } from "../../math/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import type { AlgorithmResult } from "./compute.ts";
import { NAMES, RUNGS, type RungName, rungAccuracy } from "./rungs.ts";

type Entry = Labelled<AlgorithmResult>;

/** A margin over so many residuals is far beyond what accuracy can show. */
const WIDEST = 12;

const round = (value: number) => Number(value.toPrecision(4));

/** Each rung's accuracy by task as small dots, its mean as a large one, and chance as a rule: one column a run. */
function ladder({ label, result }: Entry): Panel {
  const rungs = RUNGS.filter((rung) => rungAccuracy(result, rung) !== undefined);
  const accuracies = (rung: RungName) => rungAccuracy(result, rung) ?? [];
  const names = rungs.map((rung) => NAMES[rung]);
  const rows = rungs.flatMap((rung) =>
    accuracies(rung).map(
      (accuracy, task): Row => ({ run: label, rung: NAMES[rung], "task q": at(result.tasks, task), accuracy: round(accuracy) }),
    ),
  );
  const means = rungs.map((rung): Row => ({ run: label, rung: NAMES[rung], accuracy: round(mean(accuracies(rung))) }));
  const y = { field: "rung", type: "nominal" as const, sort: names, axis: { title: null, labelLimit: 260 } };
  const color = runEncoding("run", [label]);
  const x = { field: "accuracy", type: "quantitative" as const, scale: { domain: [0, 1] }, axis: { title: "accuracy" } };
  return {
    title: {
      text: label,
      fontSize: 12,
      fontWeight: 500,
      subtitle: `all ${formatNumber(result.samples)} inputs; ${result.shuffled ? "its own shuffled labels" : "a tick a task"}`,
    },
    width: 340,
    height: 20 * rungs.length,
    layer: [
      {
        data: { values: [{ chance: round(mean(result.chance)) }] },
        mark: { type: "rule", strokeDash: [4, 3], color: NULL_COLOR, strokeWidth: 1.3 },
        encoding: { x: { field: "chance", type: "quantitative", scale: { domain: [0, 1] } } },
      },
      {
        data: { values: rows },
        mark: { type: "tick", opacity: 0.45, thickness: 2, size: 11 },
        encoding: { x, y, color, tooltip: ["rung", "task q", "accuracy"].map((field) => ({ field })) },
      },
      {
        data: { values: means },
        mark: { type: "point", filled: true, size: 70, opacity: 1, stroke: INK, strokeWidth: 0.6 },
        encoding: { x, y, color, tooltip: ["rung", "accuracy"].map((field) => ({ field })) },
      },
    ],
  };
}

/** Mean squares of the parts of the logits over those of the model's. */
function halves(entries: readonly Entry[]): Panel {
  const parts = { skip: "M·W_U", half: "½u·C", linear: "their sum", even: "½|u|·C" } as const;
  return barsWithNull({
    title: "Linear and even half of the logits",
    subtitle: "mean squares over the model's, centred",
    rows: entries.flatMap(({ label, result }) =>
      Object.entries(parts).map(([part, name]) => ({
        run: label,
        part: name,
        energy: result.energy.model === 0 ? 0 : result.energy[part as keyof typeof parts] / result.energy.model,
      })),
    ),
    x: "part",
    y: "energy",
    xTitle: "",
    yTitle: "of the model's",
    series: "run",
    runs: entries.map(({ label }) => label),
    yScale: "sqrt",
    width: 300,
    height: 180,
  });
}

/** Margin over residual against the accuracy that it is to explain. */
function margins(entries: readonly Entry[]): Panel[] {
  const shown = entries.filter(({ result }) => result.tasks.length > 1);
  if (shown.length === 0) return [];
  const rows = shown.flatMap(({ label, result }) => {
    const { model } = result.ladder;
    const accuracy = model.validation?.accuracy ?? model.accuracy;
    return result.tasks.flatMap((q, task): Row[] =>
      q > 7
        ? [
            {
              run: label,
              "task q": q,
              ratio: round(Math.max(1e-3, at(result.margin.ratio, task))),
              accuracy: round(at(accuracy, task)),
            },
          ]
        : [],
    );
  });
  return [
    scatter({
      title: "Margin over residual, and accuracy",
      subtitle: "tasks q > 7; validation where the split is known",
      rows,
      x: "ratio",
      y: "accuracy",
      xTitle: `margin over residual (at most ${WIDEST})`,
      yDomain: [0, 1],
      series: "run",
      runs: shown.map(({ label }) => label),
      also: ["task q"],
      size: 34,
      width: 300,
      height: 180,
    }),
  ];
}

/** Accuracy of the repaired tasks before, after, and with the shams. */
function repairs(entries: readonly Entry[]): Panel[] {
  return entries.flatMap(({ label, result }) => {
    // On shuffled labels there is nothing that could be repaired.
    if (result.repair.length === 0 || result.shuffled) return [];
    const kinds = {
      accuracy: "model",
      repaired: "one more frequency",
      sham_frequency: "sham: x1 at k/q",
      sham_phase: "sham: wrong phase",
    } as const;
    return [
      barsWithNull({
        title: `${label}: closed-form neurons of one more frequency added`,
        rows: result.repair.flatMap((one) =>
          Object.entries(kinds).map(([kind, name]) => ({ task: one.q, with: name, accuracy: one[kind as keyof typeof kinds] })),
        ),
        x: "task",
        y: "accuracy",
        xTitle: "task q",
        series: "with",
        runs: Object.values(kinds),
        of: label,
        greys: [kinds.sham_frequency, kinds.sham_phase],
        yDomain: [0, 1],
        width: 300,
        height: 150,
      }),
    ];
  });
}

/** The ladder of each run, then the halves and margins of all, then repairs. */
export function algorithmFigure(entries: readonly Entry[], headline: string): TopLevelSpec {
  const panels = [ownColors(entries.map(ladder), 2), ownColors([halves(entries), ...margins(entries)])];
  const repaired = repairs(entries);
  if (repaired.length > 0) panels.push(ownColors(repaired, 2));
  return figure(ownColors(panels, 1), {
    title: "From the model to its closed form, rung by rung",
    subtitle: "large dot: mean over tasks; ticks: tasks; dashed: chance; “ideal” solves the task by itself and is no evidence",
    description: `Accuracy of each rung between the model and its closed form, halves of the logits, margins and repairs. ${headline}`,
  });
}
