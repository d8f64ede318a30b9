import type { TopLevelSpec } from "vega-lite";
import { ANALYSES } from "../../analyses/registry.ts";
import { FOCUS, type RunStyle, runStyles, type Table, tableOf } from "../../figures/index.ts";
import { figureLabel, givenLabel } from "../labels.ts";
import type { FigureSource, PageIndex, RunData } from "../payload.ts";
import { saysHtml } from "../says.ts";
import { type DrawnFigure, drawLive, drawnRuns, shownMatrices, specOf } from "./draw.ts";
import { saveCsv, savePng, saveSpec, saveSvg } from "./save.ts";
import type { RunStore } from "./store.ts";

/** Rows of a figure's table that are shown; the CSV has all. */
const TABLE_ROWS = 1000;

/** What all figures have in common. */
export interface Shared {
  readonly store: RunStore;
  /** By the labels that figures use. */
  readonly styles: ReadonlyMap<string, RunStyle>;
  /** Labels of the chosen runs, in the page's order. */
  selected: readonly string[];
  /** The run in focus, by its label in figures; empty for none. */
  focus: string;
  /** Called when a legend puts a run into focus. */
  onFocus: (label: string) => void;
}

/** The styles of the page's runs by the labels that figures use. */
export function pageStyles({ runs }: PageIndex): ReadonlyMap<string, RunStyle> {
  return runStyles(runs.map(({ label, config }) => ({ label: figureLabel(label), config })));
}

const drawing = (box: HTMLElement) => box.querySelector<HTMLElement>(".drawing");

/** One figure of the page: drawn on view, and anew for other runs or another width. */
export class PageFigure {
  readonly box: HTMLElement;
  readonly #source: FigureSource;
  readonly #shared: Shared;
  #live: DrawnFigure | undefined;
  #spec: TopLevelSpec | undefined;
  #width = 0;
  #seen = false;
  /** Drawings that were asked for later make earlier ones void. */
  #turn = 0;

  constructor(box: HTMLElement, source: FigureSource, shared: Shared) {
    this.box = box;
    this.#source = source;
    this.#shared = shared;
    for (const button of box.querySelectorAll<HTMLButtonElement>("[data-get]"))
      button.addEventListener("click", () => void this.#get(button.dataset.get ?? ""));
    const table = box.querySelector<HTMLDetailsElement>("details.data");
    table?.addEventListener("toggle", () => {
      if (table.open) void this.#fillTable(table);
    });
  }

  async #runs(): Promise<RunData[]> {
    return this.#source.kind === "analysis" ? this.#shared.store.runs(this.#shared.selected) : [];
  }

  async #currentSpec(): Promise<TopLevelSpec | undefined> {
    this.#spec ??= await specOf(this.#source, await this.#runs(), this.#shared.styles);
    return this.#spec;
  }

  /** Draws where it has come into view. */
  async show(): Promise<void> {
    this.#seen = true;
    await this.#draw();
  }

  /** Other runs were chosen. */
  async refresh(): Promise<void> {
    if (this.#source.kind !== "analysis") return;
    this.#spec = undefined;
    this.#width = 0;
    const table = this.box.querySelector<HTMLDetailsElement>("details.data");
    if (table !== null) table.open = false;
    if (this.#seen) await this.#draw();
  }

  /** The page has another width. */
  async resize(): Promise<void> {
    if (this.#seen && this.#live !== undefined && this.#available() !== this.#width) await this.#draw();
  }

  /** Another run is in focus, or none. */
  async focus(): Promise<void> {
    this.#legendStates();
    if (this.#live !== undefined) await this.#live.result.view.signal(FOCUS, this.#shared.focus).runAsync();
  }

  #available(): number {
    return Math.max(280, Math.floor(drawing(this.box)?.clientWidth ?? 900) - 12);
  }

  async #draw(): Promise<void> {
    const turn = ++this.#turn;
    const target = drawing(this.box);
    const controls = this.box.querySelector<HTMLElement>(".controls");
    if (target === null || controls === null) return;
    try {
      const runs = await this.#runs();
      const spec = await this.#currentSpec();
      if (turn !== this.#turn) return;
      if (spec === undefined) {
        target.replaceChildren(
          Object.assign(document.createElement("p"), {
            className: "missing",
            textContent: "None of the chosen runs has a result here.",
          }),
        );
        this.#legend([]);
        this.box.dataset.live = "empty";
        return;
      }
      this.#width = this.#available();
      const fresh = document.createElement("div");
      fresh.className = "live";
      // The region around it says what it shows; its marks one by one would say nothing to a listener.
      fresh.setAttribute("aria-hidden", "true");
      const { styles, focus } = this.#shared;
      const live = await drawLive(spec, { target: fresh, controls, width: this.#width, styles, focus });
      if (turn !== this.#turn) {
        live.result.finalize();
        return;
      }
      this.#live?.result.finalize();
      this.#live = live;
      target.replaceChildren(fresh);
      this.#legend(this.#source.kind === "spec" ? this.#source.labels : drawnRuns(this.#source, runs).map(({ label }) => label));
      this.box.dataset.live = "yes";
      this.#caption(runs);
    } catch (error) {
      this.box.dataset.live = "failed";
      controls.textContent = `This figure stays still: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** What the figure states, of the runs that it shows. */
  #caption(runs: readonly RunData[]): void {
    const said = this.box.querySelector(".says");
    const { id, kind } = this.#source.kind === "analysis" ? this.#source : { id: "", kind: "" };
    const analysis = kind === "" ? undefined : ANALYSES.find((other) => other.id === id);
    if (said === null || analysis === undefined) return;
    const entries = drawnRuns(this.#source, runs).flatMap(({ label, config, results }) => {
      const result = results[id];
      return result === undefined ? [] : [{ label, config, result }];
    });
    if (entries.length === 0) return;
    const labels = entries.map(({ label }) => label);
    said.innerHTML = saysHtml(analysis.headline(entries), labels);
    const title = this.box.querySelector("figcaption .title");
    if (title !== null) title.textContent = analysis.finding?.(entries) ?? analysis.title;
  }

  #legend(labels: readonly string[]): void {
    const legend = this.box.querySelector<HTMLElement>(".legend");
    if (legend === null) return;
    legend.replaceChildren(
      ...labels.map((label) => {
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.run = label;
        const style = this.#shared.styles.get(figureLabel(label));
        button.append(swatch(style), label);
        button.addEventListener("click", () =>
          this.#shared.onFocus(this.#shared.focus === figureLabel(label) ? "" : figureLabel(label)),
        );
        return button;
      }),
    );
    this.#legendStates();
  }

  #legendStates(): void {
    for (const button of this.box.querySelectorAll<HTMLButtonElement>(".legend button"))
      button.setAttribute(
        "aria-pressed",
        String(button.dataset.run === givenLabel(this.#shared.focus) && this.#shared.focus !== ""),
      );
  }

  async #get(what: string): Promise<void> {
    const { id } = this.box;
    if (what === "svg" || what === "png") {
      await this.show();
      const svg = this.box.querySelector<SVGSVGElement>(".drawing svg");
      if (svg !== null) (what === "svg" ? saveSvg : savePng)(svg, id);
      return;
    }
    if (what === "csv") {
      const table = await this.#table();
      if (table !== undefined) saveCsv(table, id);
      return;
    }
    const spec = await this.#currentSpec();
    if (spec !== undefined) saveSpec(spec, id);
  }

  /** The data of what is drawn: of several matrices, those that pickers and sliders choose. */
  async #table(): Promise<Table | undefined> {
    if (!this.#seen) await this.show();
    const spec = await this.#currentSpec();
    const shown = this.#live === undefined ? undefined : shownMatrices(this.#live);
    return spec === undefined ? undefined : tableOf(spec, this.#shared.store.labels, shown);
  }

  async #fillTable(table: HTMLDetailsElement): Promise<void> {
    const data = await this.#table();
    const target = table.querySelector("table");
    if (data === undefined || target === null) return;
    const { columns, rows } = data;
    const head = document.createElement("tr");
    for (const column of columns)
      head.appendChild(Object.assign(document.createElement("th"), { scope: "col", textContent: column }));
    const body = rows.slice(0, TABLE_ROWS).map((row) => {
      const line = document.createElement("tr");
      for (const column of columns)
        line.appendChild(document.createElement("td")).textContent = givenLabel(String(row[column] ?? ""));
      return line;
    });
    target.replaceChildren(head, ...body);
    const note = table.querySelector(".count");
    const chosen = [...(this.#live?.grids.values() ?? [])].some(({ matrices }) => matrices.length > 1);
    const of = chosen ? ", of what is drawn now; the Vega-Lite spec has all that the controls choose from" : "";
    if (note !== null)
      note.textContent =
        rows.length > TABLE_ROWS
          ? `the first ${TABLE_ROWS} of ${rows.length} rows${of}; all rows are in the CSV`
          : `${rows.length} rows${of}`;
  }
}

/** A stroke in a run's color and dash. */
export function swatch(style: RunStyle | undefined): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ width: "22", height: "8", "aria-hidden": "true" })) svg.setAttribute(name, value);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  const attributes = {
    x1: "0",
    x2: "22",
    y1: "4",
    y2: "4",
    stroke: style?.color ?? "currentColor",
    "stroke-width": "3.5",
    "stroke-dasharray": style?.dash.join(" ") ?? "",
  };
  for (const [name, value] of Object.entries(attributes)) if (value !== "") line.setAttribute(name, value);
  svg.appendChild(line);
  return svg;
}
