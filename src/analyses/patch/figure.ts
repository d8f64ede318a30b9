import type { TopLevelSpec } from "vega-lite";
import { at } from "../../core/index.ts";
import { barsWithNull, concatPanels, figure, heatmap, type Panel, type Row } from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { percent } from "../kit/text.ts";
import type { PatchResult } from "./compute.ts";

const KINDS = { post: "hook_post", even: "|u|/2" } as const;
type Kind = keyof typeof KINDS;
const KIND_NAMES = ["post", "even"] as const satisfies readonly Kind[];

/** Group × head: share of pairs where the output head answers as the source does, and beside it one draw of random groups. */
function matrices({ label, result }: Labelled<PatchResult>, kind: Kind): Panel {
  const { labels } = result.groups;
  const size = { width: Math.max(120, 10 * result.q.length), height: Math.max(40, 10 * labels.length) };
  const panel = (title: string, answers: readonly (readonly number[])[], kept: readonly (readonly number[])[]) =>
    heatmap({
      ...size,
      title,
      rows: labels.flatMap((group, g) =>
        result.q.map(
          (task, h): Row => ({
            group,
            task,
            source: at(answers[g] ?? [], h),
            base: at(kept[g] ?? [], h),
            agree: at(result.agree, h),
          }),
        ),
      ),
      x: "task",
      y: "group",
      value: "source",
      domain: [0, 1],
      xTitle: "task q",
      yTitle: "patched group",
      valueTitle: "answers the source",
      also: ["base", "agree"],
    });
  const own = result[kind];
  const none = result.random[kind];
  return concatPanels(
    [
      panel(`${label}: ${KINDS[kind]} patched`, own.answers, own.kept),
      panel("random groups of its size", none.answers, none.kept),
    ],
    { scales: "mixed" },
  );
}

const MEASURES = {
  answers: { says: "answers the source", title: "the source's answer" },
  kept: { says: "answers the base", title: "the base's answer" },
} as const;

/**
 * One bar a group for a model of one task: the share of pairs where it answers as the source, or still as the base, random groups
 * across it.
 */
function bars(entries: readonly Labelled<PatchResult>[], kind: Kind, measure: keyof typeof MEASURES): Panel {
  const share = (matrix: readonly (readonly number[])[], g: number) => at(matrix[g] ?? [], 0);
  const rows = entries.flatMap(({ label, result }) =>
    result.groups.labels.map((group, g) => ({
      run: label,
      group,
      share: share(result[kind][measure], g),
      random: share(result.random[kind][measure], g),
    })),
  );
  const together = entries.map(({ label, result }) => `${label} ${percent(at(result[kind].together, 0))}`);
  return barsWithNull({
    title: `${KINDS[kind]} of one frequency patched: ${MEASURES[measure].title}`,
    subtitle: `grey: random groups of its size${measure === "answers" ? `; all frequencies at once: ${together.join(", ")}` : ""}`,
    rows: rows.sort((a, b) => a.group - b.group),
    x: "group",
    y: "share",
    series: "run",
    runs: entries.map(({ label }) => label),
    ownNull: "random",
    xTitle: "frequency k",
    yTitle: MEASURES[measure].says,
    yDomain: [0, 1],
    width: 400,
    height: 150,
  });
}

/**
 * Which tasks a patched group of neurons carries over: a matrix for many tasks, bars for one, both kinds, random groups beside.
 */
export function patchFigure(entries: readonly Labelled<PatchResult>[], headline: string): TopLevelSpec {
  const single = entries.filter(({ result }) => result.q.length === 1 && result.groups.labels.length > 0);
  const many = entries.filter(({ result }) => result.q.length > 1);
  const panels = [
    ...(single.length === 0
      ? []
      : KIND_NAMES.map((kind) => concatPanels([bars(single, kind, "answers"), bars(single, kind, "kept")], { scales: "mixed" }))),
    ...many.flatMap((entry) => KIND_NAMES.map((kind) => matrices(entry, kind))),
  ];
  return figure(concatPanels(panels, { scales: "mixed", columns: 1 }), {
    title: "Interchange: whose answer does a task give?",
    description: `Share of pairs of inputs where a task answers as the source does after one group's neurons take the source's values, beside random groups. ${headline}`,
  });
}
