import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { type ErrorCode, type Json, MiiiiError } from "../core/index.ts";
import { WORKER } from "./environment.ts";
import { directionOf } from "./objective.ts";
import type { Choice } from "./space.ts";
import { prunerOf, type SweepSpec } from "./spec.ts";

/** Parameters of a trial by name, as Optuna keeps them. */
export type Params = Readonly<Record<string, Choice>>;

/** A trial that this process has taken. */
export interface Claimed {
  readonly number: number;
  readonly params: Params;
  /** Whether another process had it before, or this one before it was stopped. */
  readonly taken_up: boolean;
  /** The last step that was reported of it. */
  readonly step: number | null;
}

/** How many trials are in each state, and the best of those that are complete as [number, value]. */
export interface Counts {
  readonly counts: Readonly<Record<"running" | "complete" | "pruned" | "fail" | "waiting", number>>;
  readonly best: readonly [number, number] | null;
}

/** A row of the study. */
export interface StoredTrial {
  readonly number: number;
  readonly state: "running" | "complete" | "pruned" | "fail" | "waiting";
  readonly value: number | null;
  readonly params: Params;
  readonly attrs: Readonly<Record<string, Json>>;
  readonly started: string | null;
  readonly ended: string | null;
  readonly step: number | null;
}

/** All of a study. */
export interface StoredStudy {
  readonly direction: "minimize" | "maximize";
  readonly trials: readonly StoredTrial[];
  /** PED-ANOVA importances (Watanabe et al. 2023) by parameter, the most important first; empty where they cannot be had. */
  readonly importances: Readonly<Record<string, number>>;
  readonly importances_missing?: string;
}

/** What each operation of the worker answers. */
interface Answers {
  readonly open: { readonly attrs: Readonly<Record<string, Json>>; readonly optuna: string };
  readonly begin: Readonly<Record<string, never>>;
  readonly claim: { readonly trial: Claimed } | ({ readonly trial: null } & Counts);
  readonly counts: Counts;
  readonly beat: { readonly lost: readonly number[] };
  readonly report: { readonly lost: boolean; readonly prune: boolean };
  readonly tell: { readonly lost: boolean };
  readonly release: Readonly<Record<string, never>>;
  readonly show: StoredStudy;
}

type Operation = keyof Answers;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

interface Line {
  readonly id?: number;
  readonly note?: string;
  readonly ok?: never;
  readonly error?: { readonly kind: ErrorCode; readonly message: string };
}

/** Where a study is kept. */
export interface StudyPlace {
  readonly storage: string;
  readonly study: string;
}

/** An address without its password, as it may be shown and kept. */
export function shownStorage(storage: string): string {
  return storage.replace(/^([\w+]+:\/\/[^:@/]*):.*@/, "$1@").replace(/([?&]password=)[^&]*/g, "$1…");
}

/** A study, held by a Python process that ends with this one. */
export class Study {
  readonly owner = `${hostname()}|${process.pid}|${randomBytes(6).toString("hex")}`;
  readonly #child: ChildProcess;
  readonly #place: StudyPlace;
  readonly #waiting = new Map<number, Waiting>();
  readonly #closed: Promise<void>;
  #next = 1;
  #failure: Error | undefined;

  /**
   * @param command - the worker: a Python with Optuna and {@link WORKER}, or what speaks as it does.
   * @param onNote - told what the worker has to say.
   */
  constructor(place: StudyPlace, command: readonly [string, ...string[]], onNote: (line: string) => void) {
    this.#place = place;
    const [program, ...words] = command;
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, PYTHONUNBUFFERED: "1" } });
    this.#child = child;
    let rest = "";
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line) as Line, onNote);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4000);
    });
    // A worker that has gone is reported once, by its end.
    child.stdin.on("error", () => undefined);
    this.#closed = new Promise((resolve) => {
      const end = (reason: string) => {
        this.#failure = new MiiiiError("runtime", `sweep: the process that holds the study ended: ${reason}`);
        for (const { reject } of this.#waiting.values()) reject(this.#failure);
        this.#waiting.clear();
        resolve();
      };
      child.on("error", (error) => end(error.message));
      child.on("close", (code, signal) => end(said.trim().split("\n").at(-1) || `${signal ?? `exit code ${code}`}`));
    });
  }

  #take({ id, note, ok, error }: Line, onNote: (line: string) => void): void {
    if (note !== undefined) onNote(`${shownStorage(this.#place.storage)}: ${note}`);
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return;
    this.#waiting.delete(id);
    if (error === undefined) waiting.resolve(ok as never);
    else waiting.reject(new MiiiiError(error.kind, `${shownStorage(this.#place.storage)}: ${error.message}`));
  }

  #ask<O extends Operation>(op: O, body: object = {}): Promise<Answers[O]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify({ id, op, ...body })}\n`);
    });
  }

  /** Opens the study; makes it of `spec` where it does not exist. Gives its attributes. */
  open(create?: { readonly spec: SweepSpec; readonly attrs: Readonly<Record<string, Json>> }): Promise<Answers["open"]> {
    const { storage, study } = this.#place;
    const made = create === undefined ? {} : { create: { direction: directionOf(create.spec.objective), attrs: create.attrs } };
    return this.#ask("open", { owner: this.owner, storage, study, heartbeat: create?.spec.heartbeat ?? 30, ...made });
  }

  /** Says what is searched and how; with `fill`, makes the rows of all trials. */
  async begin(spec: SweepSpec, fill: boolean): Promise<void> {
    const space = spec.space.map((dimension) => {
      if (dimension.kind !== "categorical") return dimension;
      const { kind, name, choices } = dimension;
      return { kind, name, choices };
    });
    const { sampler, sampler_seed: seed, heartbeat } = spec;
    await this.#ask("begin", { space, sampler, seed, heartbeat, pruner: prunerOf(spec), trials: spec.budget.trials, fill });
  }

  claim(): Promise<Answers["claim"]> {
    return this.#ask("claim");
  }

  counts(): Promise<Counts> {
    return this.#ask("counts");
  }

  /** Shows life for trials; gives those that another process has by now. */
  beat(numbers: readonly number[]): Promise<Answers["beat"]> {
    return this.#ask("beat", { numbers });
  }

  /** Reports [step, value] pairs of a trial; says whether it is still this process's, and whether to stop it. */
  report(number: number, values: readonly (readonly [number, number])[]): Promise<Answers["report"]> {
    return this.#ask("report", { number, values });
  }

  /** Ends a trial; `lost` where another process has it. */
  tell(
    number: number,
    end: {
      readonly state: "COMPLETE" | "PRUNED" | "FAIL";
      readonly value?: number;
      readonly attrs: Readonly<Record<string, Json>>;
    },
  ): Promise<Answers["tell"]> {
    return this.#ask("tell", { number, ...end });
  }

  /** Gives trials back; `died` where what trained them broke. */
  async release(numbers: readonly number[], died = false): Promise<void> {
    await this.#ask("release", { numbers, died });
  }

  show(): Promise<StoredStudy> {
    return this.#ask("show");
  }

  /** Ends the process. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.#closed;
  }
}

/** The command of the real worker under a Python that has Optuna. */
export function workerCommand(python: string): readonly [string, ...string[]] {
  return [python, WORKER];
}
