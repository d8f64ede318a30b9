import type { SweepSpec } from "../sweep/spec.ts";
import type { Params } from "../sweep/study.ts";
import type { SweepEvent } from "../sweep/work.ts";
import { duration } from "./progress.ts";
import { table } from "./table.ts";

/** Parameters in a few words. */
export function paramsText(params: Params): string {
  const short = (value: unknown) => (typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value));
  return Object.entries(params)
    .map(([name, value]) => `${name} ${short(value)}`)
    .join(", ");
}

/** The objective as a table shows it. */
export function objectiveNumber(spec: Pick<SweepSpec, "objective">, value: number | null): string {
  if (value === null) return "-";
  return spec.objective.goal === "epochs_to" ? value.toFixed(0) : value.toFixed(4);
}

interface Running {
  readonly params: string;
  readonly since: number;
  seed: number;
  epoch: number;
  value?: number;
}

const PLAIN_MS = 30_000;
const REDRAW_MS = 500;

/** Shows a sweep at work on stderr: a line for each trial that ends, and a table of those under way, which a terminal redraws. */
export class SweepProgress {
  readonly #spec: SweepSpec;
  readonly #running = new Map<number, Running>();
  readonly #terminal = process.stderr.isTTY === true;
  #drawn = 0;
  #last = performance.now();
  #summary = "";

  constructor(spec: SweepSpec) {
    this.#spec = spec;
  }

  handle(event: SweepEvent): void {
    switch (event.type) {
      case "begun": {
        const { number, params, taken_up } = event.trial;
        const first = this.#spec.seeds[0] ?? 0;
        this.#running.set(number, { params: paramsText(params), since: performance.now(), seed: first, epoch: 0 });
        this.#line(`trial ${number}: ${taken_up ? "resumed" : "begun"}: ${paramsText(params)}`);
        break;
      }
      case "epoch": {
        const running = this.#running.get(event.number);
        if (running === undefined) break;
        running.seed = event.seed;
        running.epoch = event.epoch;
        if (event.value !== undefined) running.value = event.value;
        break;
      }
      case "held":
        this.#line(`trial ${event.number}: waits for its run: ${event.message}`);
        break;
      case "ended":
        this.#ended(event);
        break;
      default:
        event satisfies never;
    }
    this.#draw(this.#terminal && event.type === "ended");
  }

  #ended({ number, end, state }: Extract<SweepEvent, { type: "ended" }>): void {
    this.#running.delete(number);
    const { complete, pruned, fail } = state.counts;
    const best = state.best === null ? "" : `; best ${objectiveNumber(this.#spec, state.best[1])} (trial ${state.best[0]})`;
    this.#summary = `${complete + pruned + fail}/${this.#spec.budget.trials} trials: ${complete} complete, ${pruned} pruned, ${fail} failed${best}`;
    const said = () => {
      switch (end.type) {
        case "complete": {
          const seeds = end.results.map(({ value }) => objectiveNumber(this.#spec, value)).join(", ");
          return `complete: ${objectiveNumber(this.#spec, end.value)}${end.results.length > 1 ? ` (seeds ${seeds})` : ""}`;
        }
        case "pruned":
          return `pruned at epoch ${end.epoch} of seed ${end.seed}`;
        case "failed":
          return `failed: ${end.reason}`;
        case "stopped":
          return "stopped; it resumes from its last saved state";
        case "lost":
          return "taken up by another worker";
        case "died":
          return `${end.reason}; to be taken up again`;
        default:
          return end satisfies never;
      }
    };
    // Without a table that is redrawn, the count stands with what changed it.
    this.#line(`trial ${number}: ${said()}${this.#terminal ? "" : ` · ${this.#summary}`}`);
  }

  /** A line that stays, above the table. */
  #line(text: string): void {
    this.#clear();
    process.stderr.write(`${text}\n`);
  }

  #clear(): void {
    if (this.#drawn > 0) process.stderr.write(`\u001b[${this.#drawn}A\u001b[0J`);
    this.#drawn = 0;
  }

  #rows(): string {
    const total = this.#spec.budget.epochs;
    const head = ["trial", "seed", "epoch", "objective", "time", "parameters"];
    const rows = [...this.#running].map(([number, { seed, epoch, value, since, params }]) => [
      String(number),
      String(seed),
      `${epoch}/${total}`,
      objectiveNumber(this.#spec, value ?? null),
      duration((performance.now() - since) / 1000),
      params,
    ]);
    const width = (process.stderr.columns ?? 120) - 1;
    const lines = rows.length === 0 ? [] : table([head, ...rows]).split("\n");
    return [...lines, this.#terminal ? this.#summary : ""]
      .filter((line) => line !== "")
      .map((line) => (this.#terminal ? line.slice(0, width) : line))
      .join("\n");
  }

  #draw(now: boolean): void {
    const every = this.#terminal ? REDRAW_MS : PLAIN_MS;
    if (!now && performance.now() - this.#last < every) return;
    this.#last = performance.now();
    const text = this.#rows();
    if (text === "") return;
    this.#clear();
    process.stderr.write(`${text}\n`);
    if (this.#terminal) this.#drawn = text.split("\n").length;
  }
}
