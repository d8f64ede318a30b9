import type { TopLevelSpec } from "vega-lite";
import { panelLetter, titleText } from "./letters.ts";
import { type RunStyle, runsOfColor } from "./run-styles.ts";
import type { Layer, Panel } from "./view.ts";
import { isTree, layersOf, panelsOf, type Tree, withPanels } from "./walk.ts";

/** The parameter that names the run in focus; empty where none is. */
export const FOCUS = "run_focus";

const FADED = 0.12;

const opacityOf = (mark: unknown) => (isTree(mark) && typeof mark.opacity === "number" ? mark.opacity : 1);

/** A layer that steps back while another run is in focus, without the legend that stands in the page. */
export function focused(layer: Tree, styles: ReadonlyMap<string, RunStyle>): Tree {
  if (!isTree(layer.encoding)) return layer;
  const { encoding, mark } = layer;
  const runs = runsOfColor(encoding.color, styles);
  if (runs === undefined || !isTree(encoding.color)) return layer;
  const color = { ...encoding.color, legend: null };
  const strokeDash =
    isTree(encoding.strokeDash) && encoding.strokeDash.field === runs.field
      ? { strokeDash: { ...encoding.strokeDash, legend: null } }
      : {};
  const test = `${FOCUS} !== '' && datum[${JSON.stringify(runs.field)}] !== ${FOCUS}`;
  const opacity = "opacity" in encoding ? {} : { opacity: { condition: { test, value: FADED }, value: opacityOf(mark) } };
  return { ...layer, encoding: { ...encoding, color, ...strokeDash, ...opacity } };
}

/** The run that a title begins with. */
function runOf(panel: Panel, letter: string, labels: readonly string[]): string | undefined {
  const text = titleText(panel);
  const said = text.startsWith(`${letter}  `) ? text.slice(letter.length).trim() : text;
  return labels.filter((label) => said === label || said.startsWith(`${label}: `)).sort((a, b) => b.length - a.length)[0];
}

/** A panel of one run, all of which steps back while another is in focus. */
function panelOf(panel: Panel, run: string): Panel {
  const test = `${FOCUS} !== '' && ${FOCUS} !== ${JSON.stringify(run)}`;
  const faded = <T extends Panel | Layer>(part: T): T => {
    const { encoding, mark } = part as { readonly encoding?: unknown; readonly mark?: unknown };
    if (!isTree(encoding) || "opacity" in encoding || opacityOf(mark) === 0) return part;
    return { ...part, encoding: { ...encoding, opacity: { condition: { test, value: FADED }, value: opacityOf(mark) } } };
  };
  return "layer" in panel ? ({ ...panel, layer: panel.layer.map(faded) } as Panel) : faded(panel);
}

/**
 * A figure whose panels of one run each, known by their titles, step back while another run is in focus. A panel without a run in
 * its title that shows no runs by color is of the run of the panel before it.
 */
export function focusPanels(spec: TopLevelSpec, styles: ReadonlyMap<string, RunStyle>): TopLevelSpec {
  const labels = [...styles.keys()];
  let letters = 0;
  let last: string | undefined;
  const walk = (panel: Panel, outer: string | undefined): Panel => {
    if (panelsOf(panel) !== undefined) {
      const own = runOf(panel, "", labels) ?? outer;
      last = own ?? last;
      return withPanels(panel, (child) => walk(child, own));
    }
    const named = runOf(panel, panelLetter(letters++), labels) ?? outer;
    const colored = layersOf(panel).some(
      (layer) => "encoding" in layer && isTree(layer.encoding) && runsOfColor(layer.encoding.color, styles) !== undefined,
    );
    if (named === undefined && colored) last = undefined;
    else last = named ?? last;
    return last === undefined || (colored && named === undefined) ? panel : panelOf(panel, last);
  };
  return walk(spec as Panel, undefined) as TopLevelSpec;
}
