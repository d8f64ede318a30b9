import type { TopLevelSpec } from "vega-lite";
import { at, formatPercent } from "../../core/index.ts";
import { barsWithNull, concatPanels, figure, heatmap, matrixImage, type Panel, type Row } from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { type Ablations, nullOf } from "./ablate.ts";
import type { CircuitsResult } from "./compute.ts";

type Which = "groups" | "embedding" | "attention";

const TITLES: Readonly<Record<Which, string>> = {
  groups: "neurons of one group",
  embedding: "one part of W_E",
  attention: "one attention head",
};

/** Parts × heads: accuracy lost, and beside it what random parts cost at most. */
function matrices({ label, result }: Labelled<CircuitsResult>, which: Which): Panel[] {
  const ablations = result[which];
  if (ablations.labels.length === 0) return [];
  const none = ablations.labels.map((_, i) => result.q.map((_q, h) => nullOf(ablations, i, h)?.accuracy));
  const name = which === "attention" ? "head" : "group";
  const rows = ablations.labels.flatMap((part, i) =>
    result.q.map(
      (q, h): Row => ({ [name]: part, task: q, lost: at(ablations.accuracy_lost[i] ?? [], h), random: none[i]?.[h] ?? null }),
    ),
  );
  const size = { width: 10 * result.q.length, height: Math.max(40, 10 * ablations.labels.length) };
  const lost = heatmap({
    ...size,
    title: `${label}: without ${TITLES[which]}`,
    rows,
    x: "task",
    y: name,
    value: "lost",
    coloring: "signed",
    domain: [-1, 1],
    xTitle: "task q",
    valueTitle: "accuracy lost",
    ...(which === "attention" ? {} : { also: ["random"] }),
  });
  if (which === "attention") return [lost];
  const random = matrixImage({
    ...size,
    title: "random parts of its size, at most",
    values: none.map((row) => row.map((value) => value ?? 0)),
    coloring: "signed",
    domain: [-1, 1],
    also: { run: label, null: "random" },
    x: { title: "task q", field: "task", labels: result.q },
    y: { title: name, field: name, labels: ablations.labels },
    legend: false,
  });
  return [lost, random];
}

/** Below this share of the samples, whether lost or right, bars are too low to be seen. */
const SEEN = 0.03;

/** The part of a subtitle that says which runs have no bars to be seen. */
function leftOut(entries: readonly Labelled<CircuitsResult>[]): string[] {
  const names = entries.map(({ label }) => label);
  return names.length === 0 ? [] : [`not drawn: ${names.join(", ")}, below ${formatPercent(SEEN)} everywhere`];
}

/** Accuracy lost by models of one output head, and across each bar what random parts cost at most. */
function bars(all: readonly Labelled<CircuitsResult>[], which: Which, seen = SEEN): Panel[] {
  const isSeen = ({ result }: Labelled<CircuitsResult>) =>
    result[which].accuracy_lost.some((_, i) => {
      const none = which === "attention" ? 0 : (nullOf(result[which], i, 0)?.accuracy ?? 0);
      return Math.max(Math.abs(at(result[which].accuracy_lost[i] ?? [], 0)), Math.abs(none)) >= seen;
    });
  const entries = all.filter(isSeen);
  if (entries.length === 0) return [];
  const grey = which === "attention" ? [] : ["grey: what random parts of its size cost at most"];
  const said = [...grey, ...leftOut(all.filter((entry) => !isSeen(entry)))].join("; ");
  const lost = (label: string, ablations: Ablations) =>
    ablations.labels.map((part, i) => ({
      run: label,
      part,
      lost: at(ablations.accuracy_lost[i] ?? [], 0),
      random: nullOf(ablations, i, 0)?.accuracy ?? null,
    }));
  const rows = entries.flatMap(({ label, result }) => lost(label, result[which]));
  const panel = barsWithNull({
    title: `Without ${TITLES[which]}`,
    ...(said === "" ? {} : { subtitle: said }),
    ...(which === "attention" ? {} : { ownNull: "random" }),
    rows: rows.sort((a, b) => a.part - b.part),
    x: "part",
    y: "lost",
    xTitle: which === "attention" ? "attention head" : "frequency k",
    yTitle: "accuracy lost",
    series: "run",
    runs: entries.map(({ label }) => label),
    width: which === "attention" ? 260 : 480,
    height: 150,
  });
  return [panel];
}

const ALONE = ["own neurons", "everything else", "another group's", "random, at most"] as const;

function sufficientSeries({ sufficiency }: CircuitsResult): readonly (readonly number[])[] {
  if (sufficiency === null) return [];
  const { own, others, other_group, random } = sufficiency.accuracy;
  return [own, others, other_group, random.largest];
}

/** What suffices for each task by interaction alone: a group's own neurons beside the rest and random ones. */
function sufficient(entries: readonly Labelled<CircuitsResult>[]): Panel[] {
  const able = entries.filter(({ result }) => result.sufficiency !== null && result.sufficiency.labels.length > 0);
  const isSeen = ({ result }: Labelled<CircuitsResult>) =>
    sufficientSeries(result)
      .flat()
      .some((accuracy) => accuracy >= SEEN);
  const absent = leftOut(able.filter((entry) => !isSeen(entry)));
  return able.filter(isSeen).flatMap((entry, i) => sufficientOf(entry, i === 0 ? absent : []));
}

function sufficientOf({ label, result }: Labelled<CircuitsResult>, absent: readonly string[]): Panel[] {
  const { sufficiency } = result;
  if (sufficiency === null) return [];
  const series = sufficientSeries(result);
  return [
    barsWithNull({
      title: `${label}: accuracy from interactions alone`,
      subtitle: [`${sufficiency.samples} ${sufficiency.held_out ? "held-out " : ""}inputs`, ...absent].join("; "),
      rows: sufficiency.labels.flatMap((group, g) =>
        ALONE.map((name, i) => ({ group, neurons: name, accuracy: at(series[i] ?? [], g) })),
      ),
      x: "group",
      y: "accuracy",
      series: "neurons",
      runs: ALONE,
      of: label,
      greys: ["another group's", "random, at most"],
      xTitle: result.parts === "prime" ? "task q" : "frequency k",
      yTitle: "accuracy",
      yDomain: [0, 1],
      width: 620,
      height: 130,
    }),
  ];
}

/**
 * The group × task matrix of accuracy lost, with its null beside it; bars where there is one task; and what suffices for each.
 */
export function circuitsFigure(entries: readonly Labelled<CircuitsResult>[], headline: string): TopLevelSpec {
  const single = entries.filter(({ result }) => result.q.length === 1);
  const many = entries.filter(({ result }) => result.q.length > 1);
  const kinds = ["groups", "embedding", "attention"] as const;
  // What may stand beside each other does so where the page is wide enough.
  const beside = (some: readonly Panel[]) => (some.length === 0 ? [] : [concatPanels(some, { scales: "mixed", columns: 2 })]);
  const panels = [
    ...beside(kinds.flatMap((which) => bars(single, which))),
    ...many
      .flatMap((entry) => kinds.map((which) => matrices(entry, which)))
      .filter((row) => row.length > 0)
      .map((row) => concatPanels(row, { scales: "mixed" })),
    ...beside(sufficient(entries)),
  ];
  // Where nothing costs anything, that is what the figure shows.
  if (panels.length === 0) panels.push(...bars(single, "groups", 0));
  return figure(concatPanels(panels, { scales: "mixed", columns: 1 }), {
    title: "Which ablations break which tasks",
    description: `Accuracy that each task loses when a group of neurons, a part of the embedding or an attention head is taken out. ${headline}`,
  });
}
