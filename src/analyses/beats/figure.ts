import type { TopLevelSpec } from "vega-lite";
import { barsWithNull, figure, type Panel } from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import type { BeatsResult, BeatTask } from "./compute.ts";

type Entry = Labelled<BeatsResult>;

/** Share of each task's most-read neurons by how they serve it. */
function kinds({ label, result }: Entry): Panel {
  const names = { own: "own wave", beats: "beats" } as const;
  return barsWithNull({
    title: label,
    subtitle: "share of each task's most-read neurons",
    rows: result.tasks.flatMap((task) =>
      (["own", "beats"] as const).map((kind) => ({
        "task q": task.q,
        kind: names[kind],
        share: task.neurons === 0 ? 0 : task[kind] / task.neurons,
        neurons: task.neurons,
      })),
    ),
    x: "task q",
    y: "share",
    series: "kind",
    runs: Object.values(names),
    yDomain: [0, 1],
    width: 480,
    height: 150,
  });
}

/** What a task's beating neurons answer, rung by rung, with controls. */
function rungs(label: string, { q, circuit, accuracy, circuit_of_beats: by }: BeatTask): Panel[] {
  if (by === null) return [];
  const rows = [
    { rung: "model", accuracy },
    { rung: "f + g", accuracy: by.additive },
    { rung: "carriers", accuracy: by.carrier },
    { rung: "two waves", accuracy: by.two_waves },
    { rung: "own circuit", accuracy: circuit },
    { rung: "read-out permuted", accuracy: by.permuted.largest },
    { rung: "x1 exchanged", accuracy: by.exchanged.largest },
    ...(by.other_modulus === null ? [] : [{ rung: "other spacing", accuracy: by.other_modulus.largest }]),
  ];
  const control = (rung: string) => ["read-out permuted", "x1 exchanged", "other spacing"].includes(rung);
  return [
    barsWithNull({
      title: `${label}: task ${q} by its ${by.neurons} beating neurons`,
      subtitle: "controls: the largest of their draws; dashed: chance",
      rows: rows.map((row) => ({ ...row, is: control(row.rung) ? "control" : "accuracy" })),
      x: "rung",
      y: "accuracy",
      xTitle: "",
      series: "is",
      runs: ["accuracy", "control"],
      greys: ["control"],
      yDomain: [0, 1],
      nulls: [{ high: 1 / q, label: "chance" }],
      width: 480,
      height: 150,
    }),
  ];
}

/** How each task is read, and what beating neurons answer. */
export function beatsFigure(entries: readonly Entry[], headline: string): TopLevelSpec {
  const beating = entries.flatMap(({ label, result }) =>
    result.tasks.filter(({ q }) => result.without_circuit.includes(q)).flatMap((task) => rungs(label, task)),
  );
  return figure(ownColors([...entries.map(kinds), ...beating], 1), {
    title: "How each task is read: by its own wave, or by beats",
    description: `Share of each task's most-read neurons with a wave of the task's own and of those that beat, and what beating neurons answer. ${headline}`,
  });
}
