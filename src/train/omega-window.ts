import type { NdArray } from "../core/index.ts";
import type { OmegaRow } from "../math/index.ts";
import type { PerParameter } from "../model/index.ts";
import type { Evaluator } from "./evaluate.ts";

/** Statistics under way: the first neuron's bins of the last epochs, and a row that waits for the next epoch's. */
export type OmegaWindowState = {
  readonly bins: readonly { readonly epoch: number; readonly bins: readonly number[] }[];
  readonly open: Omit<OmegaRow, "paper_bins"> | null;
};

/** The first neuron's statistics need the epochs before and after a tick: what is open until then. */
export class OmegaWindow {
  readonly #evaluator: Evaluator;
  readonly #ticks: ReadonlySet<number>;
  #bins: OmegaWindowState["bins"];
  #open: OmegaWindowState["open"];

  constructor(evaluator: Evaluator, ticks: ReadonlySet<number>, state?: OmegaWindowState) {
    this.#evaluator = evaluator;
    this.#ticks = ticks;
    this.#bins = state?.bins ?? [];
    this.#open = state?.open ?? null;
  }

  /** What going on from here needs; undefined where nothing is under way. */
  get state(): OmegaWindowState | undefined {
    return this.#bins.length === 0 && this.#open === null ? undefined : { bins: this.#bins, open: this.#open };
  }

  /** Whether the model after `epoch` must be evaluated. */
  wants(epoch: number): boolean {
    return this.#ticks.has(epoch) || this.#ticks.has(epoch + 1) || this.#ticks.has(epoch - 1);
  }

  /** Evaluates the model after `epoch`; gives the rows that this completes. */
  async advance(epoch: number, weights: () => Promise<PerParameter<NdArray>>): Promise<OmegaRow[]> {
    if (!this.wants(epoch)) {
      this.#bins = [];
      return [];
    }
    const now = await weights();
    this.#bins = [...this.#bins.slice(-2), { epoch, bins: await this.#evaluator.firstNeuron(now) }];
    const done = this.#open === null ? [] : [{ ...this.#open, paper_bins: this.#bins.map(({ bins }) => bins) }];
    this.#open = this.#ticks.has(epoch) ? await this.#evaluator.omega(epoch, now) : null;
    return done;
  }
}
