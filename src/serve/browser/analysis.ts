import { ANALYSES } from "../../analyses/registry.ts";
import type { Json } from "../../core/index.ts";
import { runStyles } from "../../figures/index.ts";
import { select } from "../../report/browser/dom.ts";
import { elementById } from "../../report/browser/store.ts";
import { figureLabel } from "../../report/labels.ts";
import { saysHtml } from "../../report/says.ts";
import { compute, Latest } from "./ask.ts";
import { LiveFigure } from "./live-figure.ts";
import type { Pane } from "./pane.ts";
import { answered, say } from "./say.ts";

/** Any analysis of the models shown. */
export class AnalysisCard {
  readonly #panes: readonly Pane[];
  readonly #latest = new Latest();
  readonly #figure = new LiveFigure("analysis-figure");

  constructor(panes: readonly Pane[]) {
    this.#panes = panes;
    elementById("analysis-run").addEventListener("click", () => void this.#run());
    select("analysis-id").addEventListener("change", () => this.changed());
  }

  /** Other models are shown, or another analysis is chosen. */
  changed(): void {
    this.#latest.leave();
    this.#figure.clear();
    elementById("analysis-figure").querySelector(".says")?.replaceChildren();
    say("analysis-said", "");
  }

  async #run(): Promise<void> {
    const analysis = ANALYSES.find(({ id }) => id === select("analysis-id").value);
    const shown = this.#panes.filter(({ picture }) => picture !== undefined);
    if (analysis === undefined || shown.length === 0) return;
    const entries = await answered(
      this.#latest,
      { line: "analysis-said", what: analysis.title, drawings: [] },
      (signal, onNews) =>
        Promise.all(
          shown.map(async (pane) => ({
            label: pane.label,
            config: (pane.picture as NonNullable<Pane["picture"]>).config,
            result: await compute<Json>("analysis", { ...pane.wanted, id: analysis.id }, signal, onNews),
          })),
        ),
    );
    if (entries === undefined) return;
    const different = entries.filter(({ label }, i) => entries.findIndex((other) => other.label === label) === i);
    const safe = different.map((entry) => ({ ...entry, label: figureLabel(entry.label) }));
    const says = elementById("analysis-figure").querySelector(".says");
    const labels = different.map(({ label }) => label);
    if (says !== null) says.innerHTML = saysHtml(analysis.headline(different), labels);
    say("analysis-said", `${analysis.title}: ${labels.join(" and ")}.`);
    await this.#figure.show(analysis.figure(safe), labels, runStyles(safe));
  }
}
