import type { TopLevelSpec } from "vega-lite";
import { type RunStyle, styleRuns, tableOf } from "../../figures/index.ts";
import { type DrawnFigure, drawLive, shownMatrices } from "../../report/browser/draw.ts";
import { swatch } from "../../report/browser/figures.ts";
import { saveCsv, savePng, saveSpec, saveSvg } from "../../report/browser/save.ts";
import { elementById } from "../../report/browser/store.ts";
import { givenLabel } from "../../report/labels.ts";

/** A figure whose spec changes while the page is open. */
export class LiveFigure {
  readonly #box: HTMLElement;
  readonly #id: string;
  #spec: TopLevelSpec | undefined;
  #styles: ReadonlyMap<string, RunStyle> = new Map();
  #labels: readonly string[] = [];
  #live: DrawnFigure | undefined;
  #turn = 0;
  #width = 0;

  constructor(id: string) {
    this.#id = id;
    this.#box = elementById(id);
    for (const button of this.#box.querySelectorAll<HTMLButtonElement>("[data-get]"))
      button.addEventListener("click", () => this.#get(button.dataset.get ?? ""));
    new ResizeObserver(() => {
      if (this.#spec !== undefined && this.#available() !== this.#width) void this.#draw();
    }).observe(this.#drawing);
  }

  get #drawing(): HTMLElement {
    return this.#part(".drawing");
  }

  #part(selector: string): HTMLElement {
    const part = this.#box.querySelector<HTMLElement>(selector);
    if (part === null) throw new Error(`${this.#id} has no ${selector}`);
    return part;
  }

  #available(): number {
    return Math.max(280, Math.floor(this.#drawing.clientWidth) - 12);
  }

  /** Draws another spec in the place of the one before. */
  async show(spec: TopLevelSpec, labels: readonly string[], styles: ReadonlyMap<string, RunStyle> = new Map()): Promise<void> {
    this.#spec = styles.size === 0 ? spec : styleRuns(spec, styles);
    this.#labels = labels;
    this.#styles = styles;
    this.#part(".legend").replaceChildren(
      ...[...styles].map(([label, style]) => {
        const entry = document.createElement("span");
        entry.append(swatch(style), givenLabel(label));
        return entry;
      }),
    );
    await this.#draw();
  }

  clear(): void {
    this.#turn += 1;
    this.#spec = undefined;
    this.#live?.result.finalize();
    this.#live = undefined;
    this.#drawing.replaceChildren();
    for (const part of [".controls", ".legend"]) this.#part(part).replaceChildren();
    this.#part(".tools").hidden = true;
  }

  async #draw(): Promise<void> {
    const turn = ++this.#turn;
    const spec = this.#spec;
    if (spec === undefined) return;
    this.#width = this.#available();
    const fresh = document.createElement("div");
    fresh.className = "live";
    fresh.setAttribute("aria-hidden", "true");
    const live = await drawLive(spec, {
      target: fresh,
      controls: this.#part(".controls"),
      width: this.#width,
      styles: this.#styles,
      focus: "",
    });
    if (turn !== this.#turn) {
      live.result.finalize();
      return;
    }
    this.#live?.result.finalize();
    this.#live = live;
    this.#drawing.replaceChildren(fresh);
    this.#part(".tools").hidden = false;
    this.#box.dataset.live = "yes";
  }

  #get(what: string): void {
    const spec = this.#spec;
    const svg = this.#box.querySelector<SVGSVGElement>(".drawing svg");
    if (spec === undefined || svg === null) return;
    if (what === "svg") saveSvg(svg, this.#id);
    else if (what === "png") savePng(svg, this.#id);
    else if (what === "csv") saveCsv(tableOf(spec, this.#labels, this.#live && shownMatrices(this.#live)), this.#id);
    else saveSpec(spec, this.#id);
  }
}
