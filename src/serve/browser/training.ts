import type { CurvesResult } from "../../analyses/curves/compute.ts";
import { curves } from "../../analyses/curves/index.ts";
import type { ModelPicture } from "../../api/explore/explored-model.ts";
import type { CurveRow } from "../../api/explore/run-state.ts";
import { runStyles } from "../../figures/index.ts";
import type { MetricsRow, Parameters } from "../../model/index.ts";
import { input } from "../../report/browser/dom.ts";
import { elementById } from "../../report/browser/store.ts";
import { formatNumber } from "../../report/html.ts";
import { figureLabel } from "../../report/labels.ts";
import { headsOf } from "../../tasks/index.ts";
import type { RunNews } from "../follower.ts";
import { compute, Latest } from "./ask.ts";
import { mean } from "./average.ts";
import { courseSpec, type Kept } from "./course.ts";
import { LiveFigure } from "./live-figure.ts";
import type { Pane } from "./pane.ts";

/** Seconds as a person says them. */
function spoken(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** How the first model's run goes: its curves as they grow, and its neurons over the kept checkpoints. */
export class TrainingCard {
  readonly #pane: Pane;
  readonly #curves = new LiveFigure("training-curves");
  readonly #neurons = new LiveFigure("training-neurons");
  readonly #latest = new Latest();
  #events: EventSource | undefined;
  #run = -1;
  #rows: CurveRow[] = [];
  #news: RunNews | undefined;
  #kept = new Map<number, Kept>();
  #wanted = false;
  #drawing = false;
  #dirty = false;

  constructor(pane: Pane, watching: boolean) {
    this.#pane = pane;
    this.#wanted = watching;
    input("training-follow").checked = watching;
    elementById("training-course").addEventListener("click", () => {
      this.#wanted = true;
      void this.#course();
    });
    // A browser holds six connections to a server: a page that nobody sees keeps none.
    document.addEventListener("visibilitychange", () => this.#connect());
  }

  /** The first model may be of another run. */
  follow(): void {
    const { run, listed } = this.#pane;
    if (run === this.#run) return;
    this.#run = run;
    this.#forget();
    this.#news = undefined;
    elementById("training").hidden = listed?.kind !== "run";
    this.#connect(true);
  }

  #forget(): void {
    this.#rows = [];
    this.#kept = new Map();
    this.#latest.leave();
    this.#neurons.clear();
  }

  #connect(anew = false): void {
    if (anew || document.hidden) {
      this.#events?.close();
      this.#events = undefined;
    }
    if (document.hidden || this.#events !== undefined || this.#pane.listed?.kind !== "run") return;
    const events = new EventSource(`events?run=${this.#run}`);
    this.#events = events;
    // Each connection is told everything first.
    events.addEventListener("open", () => {
      this.#rows = [];
    });
    events.addEventListener("message", ({ data }: MessageEvent<string>) => this.#hear(JSON.parse(data) as RunNews));
    events.addEventListener("error", () => {
      this.#say("The server does not answer: it has ended, or is out of reach. What is shown is what it told last.", "stopped");
    });
  }

  #hear(news: RunNews): void {
    const before = this.#news;
    this.#news = news;
    if (news.anew) this.#forget();
    this.#rows.push(...news.rows);
    this.#tell(news);
    if (news.rows.length > 0 || news.anew) void this.#drawCurves();
    const grown = JSON.stringify(before?.checkpoints) !== JSON.stringify(news.checkpoints);
    if (grown || news.anew) {
      for (const epoch of this.#kept.keys()) if (!news.checkpoints.includes(epoch)) this.#kept.delete(epoch);
      const follows = input("training-follow").checked && (this.#pane.isLast || news.anew);
      if (before !== undefined || this.#pane.picture === undefined) void this.#pane.grow(news.checkpoints, follows);
      if (this.#wanted) void this.#course();
    }
  }

  #say(text: string, state: string): void {
    const line = elementById("training-said");
    const [first = "", ...rest] = text.split(/(?<=[:.]) /);
    const word = Object.assign(document.createElement("span"), { textContent: first, className: `state ${state}` });
    line.replaceChildren(word, ` ${rest.join(" ")}`);
    elementById("training").dataset.state = state;
  }

  #tell({ status, remark, epoch, epochs, pace, eta, checkpoints }: RunNews): void {
    const last = this.#rows.at(-1);
    const accuracy =
      last === undefined
        ? ""
        : ` Accuracy at epoch ${formatNumber(last.epoch)}: train ${mean(last.train.accuracy).toFixed(3)}, validation ${mean(last.validation.accuracy).toFixed(3)}${last.train.accuracy.length > 1 ? `; ${last.validation.accuracy.filter((value) => value >= 0.99).length} of ${last.validation.accuracy.length} tasks at 0.99` : ""}.`;
    const kept = ` ${checkpoints.length} ${checkpoints.length === 1 ? "checkpoint is" : "checkpoints are"} kept.`;
    const of =
      epoch === null
        ? "no epoch logged yet"
        : `epoch ${formatNumber(epoch)} of ${epochs === null ? "an unknown number" : formatNumber(epochs)}`;
    const time =
      pace === null || eta === null
        ? "the time left is not known yet"
        : `about ${spoken(eta)} left at ${formatNumber(Number(pace.epochs_per_second.toPrecision(2)))} epochs/s (over the last ${spoken(pace.over_seconds)})`;
    const remarked = remark === null ? "" : ` ${remark}.`;
    switch (status) {
      case "training":
        this.#say(`In training: ${of}; ${time}.${accuracy}${kept}${remarked}`, status);
        break;
      case "stopped":
        this.#say(`Stopped: ${of}; nobody trains it now, miiii train --resume resumes it.${accuracy}${kept}${remarked}`, status);
        break;
      case "finished":
        this.#say(`Finished: ${of}.${accuracy}${kept}${remarked}`, status);
        break;
      case "imported":
        this.#say(`Imported: trained elsewhere.${accuracy}${kept}${remarked}`, status);
        break;
      case "unreadable":
        this.#say(`Not there: ${remark ?? "the run cannot be read"}. It is looked for every second.`, status);
        break;
      default:
        status satisfies never;
    }
  }

  /** The analysis `curves` of the rows so far; drawn again where rows came while it drew. */
  async #drawCurves(): Promise<void> {
    this.#dirty = true;
    if (this.#drawing) return;
    this.#drawing = true;
    try {
      while (this.#dirty) {
        this.#dirty = false;
        const config = this.#news?.config;
        if (this.#rows.length < 2 || config === undefined || config === null) {
          this.#curves.clear();
          continue;
        }
        const label = figureLabel(this.#pane.listed?.label ?? "run");
        const result = curvesOf(config, this.#rows);
        const entries = [{ label, config, result }];
        await this.#curves.show(curves.figure(entries), [label], runStyles(entries));
      }
    } finally {
      this.#drawing = false;
    }
  }

  /** Asks for every kept checkpoint that is not known yet, one after the other. */
  async #course(): Promise<void> {
    const run = this.#run;
    const epochs = this.#news?.checkpoints ?? this.#pane.listed?.checkpoints ?? [];
    try {
      await this.#latest.run(async (signal) => {
        for (const epoch of epochs) {
          if (this.#kept.has(epoch)) continue;
          const { neurons, evaluation } = await compute<ModelPicture>("picture", { run, epoch }, signal);
          this.#kept.set(epoch, { epoch, neurons, evaluation });
          await this.#drawCourse();
        }
        await this.#drawCourse();
      });
    } catch (error) {
      elementById("training-neurons")
        .querySelector(".says")
        ?.replaceChildren(error instanceof Error ? error.message : String(error));
    }
  }

  async #drawCourse(): Promise<void> {
    const kept = [...this.#kept.values()].sort((a, b) => a.epoch - b.epoch);
    const config = this.#news?.config;
    const label = figureLabel(this.#pane.listed?.label ?? "run");
    const spec = courseSpec(kept, label);
    const styles = config === undefined || config === null ? undefined : runStyles([{ label, config }]);
    if (spec !== undefined) await this.#neurons.show(spec, [], styles);
  }
}

/** What `curves` finds in rows of metrics. */
function curvesOf(config: NonNullable<RunNews["config"]>, rows: readonly CurveRow[]): CurvesResult {
  const none = { dtype: "int32" as const, shape: [0, 0], data: new Int32Array(0) };
  const models = () => {
    throw new Error("curves looks at no model");
  };
  // Norms are what the server leaves out, and curves does not ask for.
  const metrics: MetricsRow[] = rows.map((row) => ({ ...row, objective: 0, weight_norms: {} }));
  const series = { metrics, omega: [], checkpoints: [], models };
  const input = { config, heads: headsOf(config), targets: none, activations: {}, series, seed: 0, parameters: {} as Parameters };
  return curves.run(input, {}) as CurvesResult;
}
