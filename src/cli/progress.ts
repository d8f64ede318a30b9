import cliProgress from "cli-progress";
import { printable } from "../core/index.ts";

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

interface Line {
  readonly done: number;
  readonly rate: string;
  readonly eta: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What progress counts. */
type Unit = "epoch" | "analysis" | "step";

function describe(unit: Unit, total: number, { done, rate, eta, fields }: Line): string {
  const extra = Object.entries(fields).map(([name, value]) => ` · ${name} ${value}`);
  const units = unit === "analysis" ? "analyses" : `${unit}s`;
  return `${unit} ${done}/${total} · ${rate} ${units}/s · ETA ${eta}${extra.join("")}`;
}

/**
 * Progress over `total` units, `start` of them done before.
 *
 * @param unit - what is counted, singular.
 * @param quiet - show nothing where stderr is no terminal.
 */
export function createProgress(
  unit: Unit,
  total: number,
  { start = 0, quiet = false }: { start?: number; quiet?: boolean } = {},
): Progress {
  const stream = process.stderr;
  const terminal = stream.isTTY === true;
  const bar = terminal
    ? new cliProgress.SingleBar({
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
      })
    : undefined;
  const samples: { readonly at: number; readonly done: number }[] = [{ at: performance.now(), done: start }];
  let fields: Readonly<Record<string, string>> = {};
  let done = start;
  let lastPlain = performance.now();

  const line = (): Line => {
    const now = performance.now();
    samples.push({ at: now, done });
    while (samples.length > 2 && now - (samples[0]?.at ?? now) > RATE_WINDOW_MS) samples.shift();
    const first = samples[0] ?? { at: now, done };
    const rate = (done - first.done) / ((now - first.at) / 1000);
    return { done, rate: rate >= 10 ? rate.toFixed(0) : rate.toFixed(2), eta: duration((total - done) / rate), fields };
  };

  bar?.start(total, start, { line: `${unit} ${start}/${total}` });
  return {
    update(now, more) {
      done = now;
      if (more !== undefined) fields = { ...fields, ...more };
      if (bar !== undefined) bar.update(done, { line: printable(describe(unit, total, line())) });
      else if (!quiet && performance.now() - lastPlain >= PLAIN_INTERVAL_MS) {
        lastPlain = performance.now();
        stream.write(`${printable(describe(unit, total, line()))}\n`);
      }
    },
    stop() {
      bar?.stop();
      if (!quiet) stream.write(`${printable(describe(unit, total, line()))}\n`);
    },
  };
}

/** Shows the progress of long analyses, in a terminal only; each total begins a new bar. */
export function watcher(): { readonly onProgress: (done: number, total: number) => void; readonly stop: () => void } {
  let current: { readonly total: number; readonly progress: Progress } | undefined;
  const stop = () => {
    current?.progress.stop();
    current = undefined;
  };
  const onProgress = (done: number, total: number) => {
    if (current?.total !== total) {
      stop();
      current = { total, progress: createProgress("step", total, { quiet: true }) };
    }
    current.progress.update(done);
    if (done >= total) stop();
  };
  return { onProgress, stop };
}
