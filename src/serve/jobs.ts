import { MiiiiError } from "../core/index.ts";
import type { ComputeTask } from "./compute-process.ts";

/** What a viewer is told while it waits: how many computations come before its own (0: it is under way), then how far that is. */
export type JobNews = { readonly waiting: number } | { readonly done: number; readonly total: number };

/** Who waits for a computation. */
export interface Viewer {
  readonly onNews: (news: JobNews) => void;
  /** Aborted when the viewer leaves. */
  readonly signal: AbortSignal;
}

/** What computes: one task at a time. */
export interface Computer {
  compute(task: ComputeTask, onProgress: (done: number, total: number) => void): Promise<string>;
  stop(): void;
}

/** Thrown where more is asked for than can wait. */
export class BusyError extends Error {
  constructor(most: number) {
    super(`the server must have at most ${most} computations waiting, and has; try again in a while`);
    this.name = "BusyError";
  }
}

interface Job {
  readonly key: string;
  readonly task: ComputeTask;
  readonly viewers: Set<Viewer>;
  readonly result: Promise<string>;
  readonly resolve: (json: string) => void;
  readonly reject: (error: unknown) => void;
  leaving?: NodeJS.Timeout | undefined;
  /** Whether it was ended for want of viewers: who comes now needs another. */
  ended?: boolean;
}

/** Computations that may wait. */
const MOST_WAITING = 24;

/**
 * A computation that nobody waits for any more goes on for so long: the next look often asks for it again, and ending it costs
 * the models.
 */
const GRACE_MS = 5000;

/** Results that are kept, in characters. */
const MOST_KEPT = 60e6;

/** One computation at a time, in the order of asking; the same one asked for twice is made once; results are kept for a while. */
export class Jobs {
  readonly #computer: Computer;
  readonly #graceMs: number;
  readonly #waiting: Job[] = [];
  readonly #kept = new Map<string, string>();
  #keptSize = 0;
  #running: Job | undefined;
  #closed = false;

  constructor(computer: Computer, graceMs = GRACE_MS) {
    this.#computer = computer;
    this.#graceMs = graceMs;
  }

  /**
   * The JSON of a task's result.
   *
   * @throws BusyError where too much waits already; what the computation threw; an `AbortError` where the viewer has left.
   */
  run(task: ComputeTask, viewer: Viewer): Promise<string> {
    const key = JSON.stringify(task);
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return Promise.resolve(kept);
    }
    if (this.#closed) return Promise.reject(new MiiiiError("runtime", "the server is closing"));
    const job = this.#find(key) ?? this.#add(key, task);
    if (job === undefined) return Promise.reject(new BusyError(MOST_WAITING));
    job.viewers.add(viewer);
    clearTimeout(job.leaving);
    job.leaving = undefined;
    this.#next();
    const place = this.#waiting.indexOf(job);
    if (place >= 0) viewer.onNews({ waiting: place + 1 });
    return new Promise((resolve, reject) => {
      const left = () => {
        this.#leave(job, viewer);
        reject(new DOMException("the viewer has left", "AbortError"));
      };
      if (viewer.signal.aborted) return left();
      viewer.signal.addEventListener("abort", left, { once: true });
      job.result.then(resolve, reject).finally(() => viewer.signal.removeEventListener("abort", left));
    });
  }

  #find(key: string): Job | undefined {
    const running = this.#running;
    return running?.key === key && running.ended !== true ? running : this.#waiting.find((job) => job.key === key);
  }

  #add(key: string, task: ComputeTask): Job | undefined {
    if (this.#waiting.length >= MOST_WAITING) return undefined;
    let [resolve, reject]: [Job["resolve"], Job["reject"]] = [() => undefined, () => undefined];
    const result = new Promise<string>((yes, no) => {
      [resolve, reject] = [yes, no];
    });
    // Every viewer that is still there hears of it.
    result.catch(() => undefined);
    const job: Job = { key, task, viewers: new Set(), result, resolve, reject };
    this.#waiting.push(job);
    return job;
  }

  #leave(job: Job, viewer: Viewer): void {
    job.viewers.delete(viewer);
    if (job.viewers.size > 0) return;
    const place = this.#waiting.indexOf(job);
    if (place >= 0) {
      this.#waiting.splice(place, 1);
      return;
    }
    if (job !== this.#running) return;
    job.leaving = setTimeout(() => {
      if (job !== this.#running || job.viewers.size > 0) return;
      job.ended = true;
      this.#computer.stop();
    }, this.#graceMs);
  }

  #next(): void {
    if (this.#running !== undefined) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    this.#running = job;
    for (const { onNews } of job.viewers) onNews({ waiting: 0 });
    this.#waiting.forEach((other, i) => {
      for (const { onNews } of other.viewers) onNews({ waiting: i + 1 });
    });
    const tell = (done: number, total: number) => {
      for (const { onNews } of job.viewers) onNews({ done, total });
    };
    void this.#computer
      .compute(job.task, tell)
      .then((json) => {
        this.#keep(job.key, json);
        job.resolve(json);
      }, job.reject)
      .finally(() => {
        clearTimeout(job.leaving);
        this.#running = undefined;
        if (!this.#closed) this.#next();
      });
  }

  #keep(key: string, json: string): void {
    if (json.length > MOST_KEPT) return;
    this.#kept.set(key, json);
    this.#keptSize += json.length;
    for (const [oldest, text] of this.#kept) {
      if (this.#keptSize <= MOST_KEPT) break;
      this.#kept.delete(oldest);
      this.#keptSize -= text.length;
    }
  }

  /** Ends what is computed; what waits is refused. */
  close(): void {
    this.#closed = true;
    for (const job of this.#waiting.splice(0)) job.reject(new MiiiiError("runtime", "the server is closing"));
    this.#computer.stop();
  }
}
