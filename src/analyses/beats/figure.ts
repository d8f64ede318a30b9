import type { TopLevelSpec } from "vega-lite";
import { figure, NULL_COLOR, type Panel, type Row, runEncoding } from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { ownColors } from "../kit/panels.ts";
import type { BeatsResult, BeatTask } from "./compute.ts";

type Entry = Labelled<BeatsResult>;

const round = (value: number) => Number(value.toPrecision(4));

/** How neurons serve a task, in the order in which bars pile up. */
const KINDS = ["own wave", "beats", "neither"] as const;

/** Each task's most-read neurons by how they serve it, as shares. */
function kinds({ label, result }: Entry): Panel {
  const rows = result.tasks.flatMap(({ q, neurons, own, beats }): Row[] => {
    const counts = { "own wave": own, beats, neither: neurons - own - beats };
    return KINDS.map((kind, order) => ({
      "task q": q,
      kind,
      order,
      neurons: counts[kind],
      share: neurons === 0 ? 0 : round(counts[kind] / neurons),
    }));
  });
  return {
    title: { text: label, fontSize: 12, fontWeight: 500, subtitle: "each task's most-read neurons" },
    width: 480,
    height: 130,
    layer: [
      {
        data: { values: rows },
        mark: { type: "bar" },
        encoding: {
          x: {
            field: "task q",
            type: "ordinal",
            sort: null,
            axis: { title: "task q", labelAngle: 0 },
            scale: { paddingInner: 0.15 },
          },
          y: {
            field: "share",
            type: "quantitative",
            stack: "zero",
            scale: { domain: [0, 1] },
            axis: { title: "share of them", tickCount: 3 },
          },
          color: runEncoding("kind", KINDS, 480, ["neither"]),
          order: { field: "order", type: "quantitative" },
          tooltip: ["task q", "kind", "neurons", "share"].map((field) => ({ field })),
        },
      },
    ],
  };
}

/** What a task's beating neurons answer, rung by rung, with controls by their largest draws. */
function rungs(label: string, { q, circuit, accuracy, circuit_of_beats: by }: BeatTask): Panel[] {
  if (by === null) return [];
  const [value, control] = ["accuracy", "control, largest draw"] as const;
  const rows: (readonly [rung: string, accuracy: number, is: string])[] = [
    ["model", accuracy, value],
    ["own circuit", circuit, value],
    ["f + g of beating neurons", by.additive, value],
    ["their carriers", by.carrier, value],
    ["their two waves", by.two_waves, value],
    ["read-outs permuted", by.permuted.largest, control],
    ["x1 exchanged", by.exchanged.largest, control],
    ...(by.other_modulus === null ? [] : [["other spacing", by.other_modulus.largest, control] as const]),
  ];
  const domain = [0, 1];
  return [
    {
      title: {
        text: `${label}: task ${q} by its ${by.neurons} beating neurons`,
        fontSize: 12,
        fontWeight: 500,
        subtitle: "all inputs; dashed: chance",
      },
      width: 340,
      height: 20 * rows.length,
      layer: [
        {
          data: { values: [{ chance: round(1 / q) }] },
          mark: { type: "rule", strokeDash: [4, 3], color: NULL_COLOR, strokeWidth: 1.3 },
          encoding: { x: { field: "chance", type: "quantitative", scale: { domain } } },
        },
        {
          data: { values: rows.map(([rung, own, is]): Row => ({ rung, accuracy: round(own), is })) },
          mark: { type: "point", filled: true, size: 70, opacity: 1 },
          encoding: {
            x: { field: "accuracy", type: "quantitative", scale: { domain }, axis: { title: "accuracy" } },
            y: {
              field: "rung",
              type: "nominal",
              sort: rows.map(([rung]) => rung),
              axis: { title: null, labelLimit: 260, grid: true },
            },
            color: runEncoding("is", [value, control], 340, [control]),
            tooltip: ["rung", "accuracy"].map((field) => ({ field })),
          },
        },
      ],
    },
  ];
}

/** How each task is read, and what beating neurons answer. */
export function beatsFigure(entries: readonly Entry[], headline: string): TopLevelSpec {
  const beating = entries.flatMap(({ label, result }) => result.tasks.flatMap((task) => rungs(label, task)));
  return figure(ownColors([...entries.map(kinds), ...beating], 1), {
    title: "How each task is read: by its own wave, or by beats",
    description: `Share of each task's most-read neurons with a wave of the task's own and of those that beat, and what beating neurons answer. ${headline}`,
  });
}
