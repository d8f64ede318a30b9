import { type Analysis, defineAnalysis } from "../../src/analyses/kit/define.ts";
import { barsWithNull, figure, gridWithDetail, linesWithBand, matrixImage, picker } from "../../src/figures/index.ts";
import { type Bundles, loadBundles, type ReportInput, type ReportRun } from "../../src/report/index.ts";
import { presetConfig } from "../../src/train/presets.ts";

/** A made-up analysis whose figure has lines, a null and whatever label a run has. */
export const made = defineAnalysis<{ values: number[] }>({
  id: "made",
  title: "A made-up analysis",
  description: "For tests.",
  definition: "The `values` of a run, with <b>markup</b> that must stay text.\n\n- first\n- second: *x* and **y**",
  null: "0.5 for anything.",
  citation: "Nobody 2024",
  needs: [],
  options: {},
  run: () => ({ values: [] }),
  metrics: ({ values }) => ({ largest: Math.max(...values) }),
  summary: () => "",
  finding: (entries) => `Values reach ${Math.max(...entries.flatMap(({ result }) => result.values))} in ${entries.length} runs`,
  headline: (entries) => `${entries.map(({ label, result }) => `${label}: ${Math.max(...result.values)}`).join("; ")}.`,
  figure: (entries) =>
    figure(
      linesWithBand({
        rows: entries.flatMap(({ label, result }) => result.values.map((value, i) => ({ run: label, i, value }))),
        x: "i",
        y: "value",
        series: "run",
        runs: entries.map(({ label }) => label),
        nulls: [{ high: 0.5, label: "null" }],
      }),
      { title: "Lines", description: "Values over their index." },
    ),
});

const { finding: _finding, idle: _idle, ...plain } = made;

/** A made-up analysis whose figure has images, a picker, a brush and bars. */
export const pictures = defineAnalysis<{ p: number }>({
  ...plain,
  id: "pictures",
  title: "Images and bars",
  run: () => ({ p: 0 }),
  summary: () => "",
  metrics: () => ({}),
  headline: () => "What an image shows.",
  figure([first]) {
    const p = first?.result.p ?? 1;
    const grid = (scale: number) => ({ data: Float64Array.from({ length: p * p }, (_, i) => scale * Math.cos(i)), columns: p });
    const rows = [1, 2, 3].map((k) => ({ k, share: k / 6 }));
    return figure(
      {
        vconcat: [
          gridWithDetail({
            brush: "at",
            picker: "neuron",
            levels: 32,
            coloring: "signed",
            values: [
              { name: "first", values: grid(1) },
              { name: "second", values: grid(-1) },
            ],
          }),
          matrixImage({
            values: [
              [1, 2, 3],
              [4, 5, 6],
            ],
            y: { labels: ["a", "b"] },
            height: 40,
            width: 200,
          }),
          barsWithNull({ rows, x: "k", y: "share" }),
        ],
        resolve: { scale: { color: "independent" } },
      },
      { title: "Pictures", description: "Images and bars.", params: [picker("neuron", ["first", "second"])] },
    );
  },
});

/** A run with made-up results. */
export function madeRun(label: string, change: Partial<ReportRun> = {}): ReportRun {
  return {
    label,
    path: `runs/${label}`,
    sha256: "0".repeat(64),
    config: presetConfig("nanda"),
    provenance: { epochs: 10_000, runtime: "onnx", versions: { miiii: "0.1.0" } },
    results: {
      made: { result: { values: [0.25, 1, 0.75] }, metrics: { largest: 1 } },
      pictures: { result: { p: 41 }, metrics: {} },
    },
    missing: {},
    ...change,
  };
}

const BUNDLES = await loadBundles();

/** Scripts that do nothing: pages of tests that look at no live figure. */
export const NO_BUNDLES: Bundles = {
  vega: "var vega;",
  vegaLite: "var vegaLite;",
  vegaEmbed: "var vegaEmbed;",
  page: "var page;",
};

/** A report's input of made-up runs and the given analyses. */
export function madeInput(
  runs: readonly ReportRun[],
  analyses: readonly Analysis[] = [made as Analysis],
  real = false,
): ReportInput {
  return { runs, analyses, bundles: real ? BUNDLES : NO_BUNDLES, generator: { version: "0.1.0", command: "miiii report" } };
}
