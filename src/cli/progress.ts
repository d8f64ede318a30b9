import cliProgress from "cli-progress";
import { printable } from "../core/index.ts";
import { EXIT } from "./exit.ts";

/** Shows how far a long computation is: a bar in a terminal, now and again a plain line elsewhere. All of it on stderr. */
export interface Progress {
  /** `fields` are shown behind the count, such as `{ train: "0.98" }`. */
  update(done: number, fields?: Readonly<Record<string, string>>): void;
  /** Takes the bar away; a plain last line stays. */
  stop(): void;
}

/** Seconds as 1:02:03. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const s = Math.max(0, Math.round(seconds));
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  const tail = `${String(m).padStart(h > 0 ? 2 : 1, "0")}:${String(s % 60).padStart(2, "0")}`;
  return h > 0 ? `${h}:${tail}` : tail;
}

const PLAIN_INTERVAL_MS = 15_000;
const RATE_WINDOW_MS = 20_000;

/** What asks a command to stop: Ctrl-C, a scheduler, a terminal that is closed. */
export const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Calls `stop` when the command is asked to stop; returns what takes that back. */
export function onStopSignal(stop: () => void): () => void {
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, stop);
  };
}

let stopping = false;

/** Ends a command that was asked to stop, its threads first; asked again, at once. */
export async function exitStopped(): Promise<never> {
  if (!stopping) {
    stopping = true;
    const { closePools } = await import("../api/analysis-pool.ts");
    await closePools();
  }
  process.exit(EXIT.interrupted);
}

/** A bar in a terminal; undefined elsewhere. However the process ends, the terminal has its cursor and line wrap back. */
function terminalBar(total: number, start: number, line: string) {
  const stream = process.stderr;
  if (stream.isTTY !== true) return undefined;
  const bar = new cliProgress.SingleBar({
    stream,
    hideCursor: true,
    clearOnComplete: true,
    fps: 5,
    // A terminal in raw mode would swallow Ctrl-C.
    noTTYOutput: false,
    gracefulExit: false,
    barsize: 20,
    format: "{bar} {line}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
  });
  const stop = () => {
    bar.stop();
    process.off("exit", stop);
    free();
  };
  // Where the command does not look after signals itself, the process would end and leave the terminal as it is.
  const free = onStopSignal(() => {
    if (STOP_SIGNALS.every((signal) => process.listenerCount(signal) === 1)) void exitStopped();
  });
  process.on("exit", stop);
  bar.start(total, start, { line });
  return { update: (done: number, text: string) => bar.update(done, { line: text }), stop };
}

/** How far something is, and when. */
interface Sample {
  readonly at: number;
  readonly done: number;
}

/**
 * Units a second over the last 20 s, and seconds left: undefined until two successive halves of at least 3 s agree within a
 * third, since the first epochs of a run, which are logged most densely, say nothing of those to come.
 */
export function pace(samples: readonly Sample[], total: number): { readonly rate: number; readonly left: number | undefined } {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return { rate: 0, left: undefined };
  const rateOf = (from: Sample, to: Sample) => ((to.done - from.done) * 1000) / (to.at - from.at);
  const rate = rateOf(first, last);
  const middle = samples.find(({ at }) => at - first.at >= (last.at - first.at) / 2);
  if (middle === undefined || last.at - middle.at < 3000 || middle.at - first.at < 3000) return { rate, left: undefined };
  const [before, after] = [rateOf(first, middle), rateOf(middle, last)];
  const steady = before > 0 && after > 0 && Math.max(before, after) <= (4 / 3) * Math.min(before, after);
  return { rate, left: steady ? (total - last.done) / rate : undefined };
}

interface Line extends ReturnType<typeof pace> {
  readonly done: number;
  readonly fields: Readonly<Record<string, string>>;
}

/** What progress counts. */
type Unit = "epoch" | "step";

function progressLine(unit: Unit, total: number, { done, rate, left, fields }: Line): string {
  const speed = rate === 0 ? "" : ` · ${rate >= 10 ? rate.toFixed(0) : rate.toFixed(2)} ${unit}s/s`;
  const eta = left === undefined ? "" : ` · ETA ${duration(left)}`;
  const extra = Object.entries(fields).map(([name, value]) => ` · ${name} ${value}`);
  return `${unit} ${done}/${total}${speed}${eta}${extra.join("")}`;
}

/**
 * Progress over `total` units, `start` of them done before.
 *
 * @param unit - what is counted, singular.
 */
export function createProgress(unit: Unit, total: number, { start = 0 }: { start?: number } = {}): Progress {
  const samples: Sample[] = [{ at: performance.now(), done: start }];
  let fields: Readonly<Record<string, string>> = {};
  let done = start;
  let lastPlain = performance.now();
  const line = (): string => {
    const now = performance.now();
    samples.push({ at: now, done });
    while (samples.length > 2 && now - (samples[0]?.at ?? now) > RATE_WINDOW_MS) samples.shift();
    return printable(progressLine(unit, total, { done, ...pace(samples, total), fields }));
  };
  const bar = terminalBar(total, start, `${unit} ${start}/${total}`);
  return {
    update(now, more) {
      done = now;
      if (more !== undefined) fields = { ...fields, ...more };
      if (bar !== undefined) bar.update(done, line());
      else if (performance.now() - lastPlain >= PLAIN_INTERVAL_MS) {
        lastPlain = performance.now();
        process.stderr.write(`${line()}\n`);
      }
    },
    stop() {
      bar?.stop();
      process.stderr.write(`${line()}\n`);
    },
  };
}

/** One computation among several, with its share of the work. */
export interface WorkItem {
  /** Such as "fft of nanda". */
  readonly name: string;
  /** In units that only compare it with the others. */
  readonly effort: number;
}

/** Progress over several computations of known effort, of which some may go on at once. */
export interface WorkProgress {
  begin(item: WorkItem): void;
  /** So much of an item is done, from 0 to 1. */
  advance(item: WorkItem, share: number): void;
  end(item: WorkItem): void;
  /** Takes an item out of the work: it was there already, or there is nothing to compute. */
  skip(item: WorkItem): void;
  /** How many items have been computed. */
  readonly computed: number;
  stop(): void;
}

/** The least share of the work that foretells the rest. */
const FORETELLS = 0.1;

/**
 * One bar over all of the items, weighed by their effort, with how many of how many are done and what is under way; no time left
 * is said before a tenth of the work and three seconds have passed.
 */
export function workProgress(items: readonly WorkItem[], noun: string, quiet = false): WorkProgress {
  const whole = items.reduce((sum, { effort }) => sum + effort, 0);
  const [running, ended, skipped] = [new Map<WorkItem, number>(), new Set<WorkItem>(), new Set<WorkItem>()];
  const begun = performance.now();
  let lastPlain = begun;
  const effortOf = (some: Iterable<WorkItem>) => [...some].reduce((sum, { effort }) => sum + effort, 0);
  const line = () => {
    const total = whole - effortOf(skipped);
    const done = effortOf(ended) + [...running].reduce((sum, [{ effort }, share]) => sum + effort * share, 0);
    const share = total === 0 ? 1 : done / total;
    const seconds = (performance.now() - begun) / 1000;
    const left = share >= FORETELLS && seconds >= 3 && share < 1 ? ` · ${duration((seconds * (1 - share)) / share)} left` : "";
    const now = [...running].map(([{ name, effort: _ }, part]) => (part > 0 ? `${name} ${Math.floor(100 * part)} %` : name));
    const count = `${ended.size + skipped.size} of ${items.length} ${noun}`;
    return {
      share,
      text: printable(`${Math.floor(100 * share)} % · ${count}${left}${now.length > 0 ? ` · ${now.join(", ")}` : ""}`),
    };
  };
  const bar = quiet && process.stderr.isTTY !== true ? undefined : terminalBar(1000, 0, `0 of ${items.length} ${noun}`);
  const show = () => {
    const { share, text } = line();
    if (bar !== undefined) bar.update(Math.floor(1000 * share), text);
    else if (!quiet && performance.now() - lastPlain >= PLAIN_INTERVAL_MS) {
      lastPlain = performance.now();
      process.stderr.write(`${text}\n`);
    }
  };
  return {
    begin(item) {
      running.set(item, 0);
      show();
    },
    advance(item, share) {
      running.set(item, Math.min(1, share));
      show();
    },
    end(item) {
      running.delete(item);
      ended.add(item);
      show();
    },
    skip(item) {
      running.delete(item);
      skipped.add(item);
      show();
    },
    get computed() {
      return ended.size;
    },
    stop() {
      bar?.stop();
      if (!quiet) {
        const kept = skipped.size === 0 ? "" : `, ${skipped.size} there already or without one`;
        process.stderr.write(
          `${ended.size} of ${items.length} ${noun} computed${kept} in ${duration((performance.now() - begun) / 1000)}\n`,
        );
      }
    },
  };
}
