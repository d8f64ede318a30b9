import { type Observation, type Pace, paceOf, recent } from "../api/explore/pace.ts";
import { type CurveRow, RowsReader, type RunState, type RunStatus, readRunState } from "../api/explore/run-state.ts";
import type { StoredConfig } from "../checkpoint/index.ts";

/** What a page is told of a run: at first everything, then what is new. */
export type RunNews = {
  status: RunStatus;
  remark: string | null;
  config: StoredConfig | null;
  epoch: number | null;
  epochs: number | null;
  checkpoints: readonly number[];
  pace: Pace | null;
  /** Seconds to the last epoch at that pace; null where it is not known or nobody trains. */
  eta: number | null;
  /** Whether the rows that the page has are void: the run was resumed from an earlier state, or began anew. */
  anew: boolean;
  /** Rows that the page does not have. */
  rows: readonly CurveRow[];
};

type Listener = (news: RunNews) => void;

interface Subscriber {
  readonly listener: Listener;
  /** Rows that it has, and the last of them as text. */
  sent: number;
  last: string;
  /** The rest of what it was told, as text. */
  told: string;
}

/** How often a run's folder is looked at while somebody watches. */
const LOOK_MS = 1000;

/** Follows a run's folder for as long as somebody watches it. */
export class Follower {
  readonly #path: string;
  readonly #everyMs: number;
  readonly #reader: RowsReader;
  readonly #subscribers = new Set<Subscriber>();
  #observations: Observation[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, everyMs = LOOK_MS) {
    this.#path = path;
    this.#everyMs = everyMs;
    this.#reader = new RowsReader(path);
  }

  /** Tells `listener` how the run stands, and of every change until the function that is returned is called. */
  follow(listener: Listener): () => void {
    const subscriber: Subscriber = { listener, sent: 0, last: "", told: "" };
    this.#subscribers.add(subscriber);
    this.#tell(subscriber, this.#look());
    this.#timer ??= setInterval(() => {
      const state = this.#look();
      for (const other of this.#subscribers) this.#tell(other, state);
    }, this.#everyMs);
    return () => {
      this.#subscribers.delete(subscriber);
      if (this.#subscribers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
      // Nobody looks meanwhile: what was seen before says nothing of the pace after.
      this.#observations = [];
    };
  }

  #look(): RunState {
    const state = readRunState(this.#path, this.#reader);
    const epoch = state.rows.at(-1)?.epoch;
    const before = this.#observations.at(-1);
    if (epoch === undefined || state.written === null || (before !== undefined && epoch < before.epoch)) this.#observations = [];
    if (epoch !== undefined && state.written !== null && epoch !== this.#observations.at(-1)?.epoch)
      this.#observations = recent([...this.#observations, { at: state.written, epoch }]);
    return state;
  }

  #tell(subscriber: Subscriber, { rows, written: _, stretch, ...rest }: RunState): void {
    const pace = rest.status === "training" ? paceOf(this.#observations, stretch) : null;
    const left =
      pace === null || rest.epochs === null || rest.epoch === null ? null : (rest.epochs - rest.epoch) / pace.epochs_per_second;
    const known = rows[subscriber.sent - 1];
    const anew = subscriber.sent > 0 && (known === undefined || JSON.stringify(known) !== subscriber.last);
    const fresh = rows.slice(anew ? 0 : subscriber.sent);
    const told = JSON.stringify([rest, pace]);
    if (fresh.length === 0 && !anew && told === subscriber.told) return;
    subscriber.sent = rows.length;
    subscriber.last = JSON.stringify(rows.at(-1) ?? null);
    subscriber.told = told;
    subscriber.listener({ ...rest, pace, eta: left, anew, rows: fresh });
  }

  /** Stops looking. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#subscribers.clear();
  }
}
