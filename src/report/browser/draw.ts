import type { Result } from "vega-embed";
import type { TopLevelSpec } from "vega-lite";
import { ANALYSES } from "../../analyses/registry.ts";
import {
  drawable,
  FOCUS,
  flowFigure,
  type Grid,
  type RunStyle,
  type ShownMatrices,
  shownCells,
  styleRuns,
  untitled,
} from "../../figures/index.ts";
import { backgroundFigures } from "../background.ts";
import { figureLabel, givenLabel } from "../labels.ts";
import type { FigureSource, RunData } from "../payload.ts";
import { unpackJson } from "./store.ts";
import { hideTip, showTip } from "./tip.ts";

/** Runs that an analysis's figure shows at most, unless it says otherwise. */
const DRAWN = 6;

/** The runs among the chosen ones that a figure can show; all of them for one that shows no run. */
export function drawnRuns(source: FigureSource, runs: readonly RunData[]): RunData[] {
  if (source.kind !== "analysis") return [];
  const most = ANALYSES.find(({ id }) => id === source.id)?.drawn ?? DRAWN;
  return runs.filter(({ results }) => results[source.id] !== undefined).slice(0, most);
}

/** The spec of a figure for the chosen runs, with the values as data; undefined where none of the runs has a result. */
export async function specOf(
  source: FigureSource,
  runs: readonly RunData[],
  styles: ReadonlyMap<string, RunStyle>,
): Promise<TopLevelSpec | undefined> {
  switch (source.kind) {
    case "analysis": {
      const analysis = ANALYSES.find(({ id }) => id === source.id);
      const entries = drawnRuns(source, runs).flatMap(({ label, config, results }) => {
        const result = results[source.id];
        return result === undefined ? [] : [{ label: figureLabel(label), config, result }];
      });
      return analysis === undefined || entries.length === 0 ? undefined : styleRuns(analysis.figure(entries), styles);
    }
    case "background":
      return backgroundFigures().find(({ id }) => id === source.id)?.spec;
    case "spec":
      return (await unpackJson(source.payload)) as TopLevelSpec;
    default:
      return source satisfies never;
  }
}

/** Where a pointer is over a grid that is drawn as an image: the names and the value of its cell. */
function cellAt(grid: Grid, name: string, fx: number, fy: number): readonly (readonly [string, string])[] {
  const matrix = grid.matrices.find((other) => other.name === name)?.matrix;
  if (matrix === undefined) return [];
  const cells = shownCells(grid.x);
  const column = cells[Math.min(cells.length - 1, Math.max(0, Math.floor(fx * cells.length)))] ?? 0;
  const row = Math.min(matrix.rows - 1, Math.max(0, Math.floor(fy * matrix.rows)));
  const value = matrix.data[row * matrix.columns + column] ?? 0;
  return [
    [grid.y.field, String(grid.y.names[row] ?? row)],
    [grid.x.field, String(grid.x.names[column] ?? column)],
    [grid.value, String(Number(value.toPrecision(4))).replace("-", "−")],
  ];
}

/** What a scenegraph's item tells of the datum that it draws. */
interface Drawn {
  readonly datum?: Readonly<Record<string, unknown>>;
  readonly mark?: { readonly marktype?: string };
}

/** Where and how a figure is drawn. */
interface Place {
  readonly target: HTMLElement;
  /** What takes the inputs that are bound to its parameters. */
  readonly controls: HTMLElement;
  /** Pixels. */
  readonly width: number;
  readonly styles: ReadonlyMap<string, RunStyle>;
  /** The run that is in focus; none for an empty string. */
  readonly focus: string;
}

/** A figure that is drawn, and the grids that are images in it. */
export interface DrawnFigure {
  readonly result: Result;
  readonly grids: ReadonlyMap<string, Grid>;
}

/** An item of a scenegraph, as far as it tells which images are drawn. */
interface SceneItem extends Drawn {
  readonly items?: readonly SceneItem[];
}

/** Which matrices of each grid are drawn: what pickers and sliders choose. */
export function shownMatrices({ result, grids }: DrawnFigure): ShownMatrices {
  const shown = new Map<Grid, Set<string>>();
  const visit = ({ datum, items = [] }: SceneItem): void => {
    const grid = typeof datum?.grid === "string" ? grids.get(datum.grid) : undefined;
    if (grid !== undefined) shown.set(grid, (shown.get(grid) ?? new Set()).add(String(datum?.[grid.pick] ?? "")));
    for (const item of items) visit(item);
  };
  visit((result.view.scenegraph() as unknown as { readonly root: SceneItem }).root);
  return shown;
}

/** Draws a figure into `target` and puts `focus` into focus. */
export async function drawLive(spec: TopLevelSpec, place: Place): Promise<DrawnFigure> {
  let width = place.width;
  for (let attempt = 1; ; attempt++) {
    const live = await drawOnce(spec, { ...place, width });
    // What stands beside a panel is estimated before it is drawn: where that was too little, the panels give way.
    const over = (place.target.querySelector("svg")?.width.baseVal.value ?? 0) - place.width - PADDING;
    if (over <= 0 || attempt === ATTEMPTS) return live;
    live.result.finalize();
    width -= 1.5 * over;
  }
}

/** Drawings of a figure at most, each narrower than the one before. */
const ATTEMPTS = 3;

/** Around a figure, in pixels; its box has it to spare. */
const PADDING = 12;

async function drawOnce(spec: TopLevelSpec, { target, controls, width, styles, focus }: Place): Promise<DrawnFigure> {
  const { spec: drawn, grids } = drawable(flowFigure(untitled(spec), width), { styles });
  const params = (drawn.params ?? []).map((param) => (param.name === FOCUS ? { ...param, value: focus } : param));
  controls.replaceChildren();
  const loader = vega.loader();
  loader.load = (uri: string) => Promise.reject(new Error(`figures hold their own data, asked for ${uri}`));
  const result = await vegaEmbed(
    target,
    { ...drawn, params },
    {
      mode: "vega-lite",
      renderer: "svg",
      ast: true,
      actions: false,
      hover: true,
      defaultStyle: false,
      loader,
      logLevel: vega.Error,
      bind: controls,
      tooltip: (_handler: unknown, event: MouseEvent, item: unknown, value: unknown) => {
        if (value === null || value === undefined || value === "") {
          if (!overGrid(event, item, grids)) hideTip();
          return;
        }
        const rows = typeof value === "object" ? Object.entries(value) : [["", String(value)] as const];
        showTip(
          event,
          rows.map(([key, entry]) => [givenLabel(key), givenLabel(String(entry))] as const),
        );
      },
    },
  );
  result.view.addEventListener("mousemove", (event, item) => {
    if (event instanceof MouseEvent) overGrid(event, item, grids);
  });
  target.addEventListener("pointerleave", hideTip);
  return { result, grids };
}

function overGrid(event: MouseEvent, item: unknown, grids: ReadonlyMap<string, Grid>): boolean {
  const { datum, mark } = (item ?? {}) as Drawn;
  const grid = mark?.marktype === "image" && typeof datum?.grid === "string" ? grids.get(datum.grid) : undefined;
  if (grid === undefined || !(event.target instanceof Element)) return false;
  const { left, top, width, height } = event.target.getBoundingClientRect();
  const rows = cellAt(grid, String(datum?.[grid.pick] ?? ""), (event.clientX - left) / width, (event.clientY - top) / height);
  showTip(event, rows);
  return true;
}
