import type { TopLevelSpec } from "vega-lite";
import { type Grid, gridOf } from "./grid.ts";
import { panelLetter, titleText } from "./letters.ts";
import type { Panel, Row } from "./panel.ts";
import { isTree, layersOf, leavesOf } from "./walk.ts";

/** A figure's data, one row a value: every column that any row has, in the order of appearance. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

function valuesOf(data: unknown, datasets: Readonly<Record<string, unknown>>): readonly Row[] {
  if (!isTree(data)) return [];
  const values = typeof data.name === "string" && !("values" in data) ? datasets[data.name] : data.values;
  return Array.isArray(values) ? values.filter(isTree as (row: unknown) => row is Row) : [];
}

/** Data of so many rows are compared by what they say. */
const SMALL = 8;

/** The names of the matrices that are drawn, by their grid. */
export type ShownMatrices = ReadonlyMap<Grid, ReadonlySet<string>>;

/** A row that says something: an empty one, or a helper of the drawing, does not. */
const isValue = (row: Row) => Object.keys(row).length > 0 && !("drawn_only" in row) && !("url" in row);

/**
 * All data of a figure as one long, tidy table: `panel` is the letter of its panel, `run` the run that the panel is of, or the
 * row's own, and `title` what else its title says; a `mark` tells several layers of one panel apart.
 *
 * @param labels - the runs whose names may begin a panel's title.
 * @param shown - leaves out the matrices that a picker or a slider does not choose; all are in the table where left out.
 */
export function tableOf(spec: TopLevelSpec, labels: readonly string[] = [], shown?: ShownMatrices): Table {
  const datasets = "datasets" in spec && isTree(spec.datasets) ? spec.datasets : {};
  const leaves = leavesOf(spec);
  const rows = leaves.flatMap((leaf, i) => {
    const letter = panelLetter(i);
    const title = titleText(leaf as Panel);
    const said = leaves.length > 1 && title.startsWith(letter) ? title.slice(letter.length).trim() : title;
    const run = labels.filter((label) => said === label || said.startsWith(`${label}: `)).sort((a, b) => b.length - a.length)[0];
    const rest = run === undefined ? said : said.slice(run.length).replace(/^: /, "");
    const common = {
      ...(leaves.length > 1 ? { panel: letter, ...(rest === "" ? {} : { title: rest }) } : {}),
      ...(run === undefined ? {} : { run }),
    };
    const layers = layersOf(leaf as Panel).map((layer) => ({ layer, data: layer.data ?? leaf.data }));
    const seen = new Set<unknown>();
    const filled = layers.flatMap(({ layer, data }) => {
      if (data === undefined || seen.has(data)) return [];
      seen.add(data);
      const grid = gridOf(data);
      const names = grid === undefined ? undefined : shown?.get(grid);
      const isShown = (row: Row) => grid === undefined || names === undefined || names.has(String(row[grid.pick] ?? ""));
      const values = valuesOf(data, datasets).filter((row) => isValue(row) && isShown(row));
      // A rule and its label have the same row; in a spec from a file they no longer share it.
      const text = values.length <= SMALL ? JSON.stringify(values) : data;
      if (text !== data && seen.has(text)) return [];
      seen.add(text);
      return values.length === 0 ? [] : [{ mark: markOf(layer), values }];
    });
    return filled.flatMap(({ mark, values }) =>
      values.map((row) => ({ ...common, ...(filled.length > 1 ? { mark } : {}), ...row })),
    );
  });
  const columns = new Set<string>();
  for (const row of rows) for (const column of Object.keys(row)) columns.add(column);
  return { columns: [...columns], rows };
}

function markOf(layer: object): string {
  const mark = "mark" in layer ? layer.mark : undefined;
  if (typeof mark === "string") return mark;
  return isTree(mark) && typeof mark.type === "string" ? mark.type : "mark";
}

// A spreadsheet takes a cell that begins so for a formula.
const FORMULA = /^[=+\-@\t\r]/;

function csvCell(value: Row[string] | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A table as CSV (RFC 4180, lines ended by \n); texts that a spreadsheet would run as formulas have an apostrophe before them.
 */
export function csvOf({ columns, rows }: Table): string {
  const lines = rows.map((row) => columns.map((column) => csvCell(row[column])).join(","));
  return `${[columns.map((column) => csvCell(column)).join(","), ...lines].join("\n")}\n`;
}
