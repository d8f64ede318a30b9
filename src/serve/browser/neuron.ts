import type { NeuronLook } from "../../api/explore/neuron.ts";
import { at } from "../../core/index.ts";
import { closedFormGrid, closedFormText } from "../../report/browser/closed-form.ts";
import { input } from "../../report/browser/dom.ts";
import { gridImages } from "../../report/browser/grids.ts";
import { elementById } from "../../report/browser/store.ts";
import { compute, Latest } from "./ask.ts";
import { type Bar, standing } from "./bars.ts";
import type { Pane } from "./pane.ts";
import { answered, say } from "./say.ts";
import { onWidth } from "./width.ts";

/** float32 numbers from text. */
function unpacked(text: string): Float64Array {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return Float64Array.from(new Float32Array(bytes.buffer));
}

/** The neuron that all models are looked at. */
export class NeuronCard {
  readonly #panes: readonly Pane[];
  readonly #latest = new Map<string, Latest>();
  readonly #looks = new Map<string, NeuronLook>();
  #resting = 0;
  /** Called when another neuron is chosen. */
  onChoice: () => void = () => undefined;

  constructor(panes: readonly Pane[]) {
    this.#panes = panes;
    for (const pane of panes) {
      this.#latest.set(pane.id, new Latest());
      onWidth(`${pane.id}-neuron-bars`, () => this.#bars(pane));
    }
    input("neuron-number").addEventListener("input", () => {
      clearTimeout(this.#resting);
      this.#resting = window.setTimeout(() => this.choose(this.neuron), 150);
    });
    elementById("neuron-before").addEventListener("click", () => this.#step(-1));
    elementById("neuron-after").addEventListener("click", () => this.#step(1));
  }

  get neuron(): number {
    return Math.min(this.#most, Math.max(0, Math.floor(Number(input("neuron-number").value) || 0)));
  }

  get #most(): number {
    return (this.#panes[0]?.picture?.config.d_mlp ?? 1) - 1;
  }

  /** Along the picture of the first model. */
  #step(by: number): void {
    const order = this.#panes[0]?.picture?.emergence?.order;
    const place = order?.indexOf(this.neuron) ?? this.neuron;
    const wanted = Math.min(this.#most, Math.max(0, place + by));
    this.choose(order?.[wanted] ?? wanted);
  }

  choose(neuron: number): void {
    input("neuron-number").value = String(neuron);
    for (const pane of this.#panes) {
      pane.choose(neuron);
      void this.show(pane);
    }
    this.onChoice();
  }

  /** The neuron to begin with, before any is shown. */
  place(neuron: number): void {
    input("neuron-number").value = String(Math.min(neuron, this.#most));
  }

  /** A model has come: its neuron is looked at. */
  start(pane: Pane): void {
    input("neuron-number").max = String(this.#most);
    pane.choose(this.neuron);
    void this.show(pane);
  }

  async show(pane: Pane): Promise<void> {
    const { picture, id } = pane;
    if (picture === undefined) return;
    const { neurons, config } = picture;
    const neuron = this.neuron;
    const [line, grids, bars] = [`${id}-neuron-said`, `${id}-neuron-grids`, `${id}-neuron-bars`];
    if (neuron >= config.d_mlp) {
      say(line, `this model has ${config.d_mlp} neurons`, "problem");
      return;
    }
    const latest = this.#latest.get(id) ?? new Latest();
    const look = await answered(latest, { line, what: `neuron ${neuron}`, drawings: [grids, bars] }, (signal, onNews) =>
      compute<NeuronLook>("neuron", { ...pane.wanted, neuron }, signal, onNews),
    );
    if (look === undefined) return;
    const u = unpacked(look.u);
    const images: [string, Float64Array][] = [
      ["u, before the ReLU (rows x₀, columns x₁)", u],
      ["|u|", u.map(Math.abs)],
    ];
    if (neurons !== null) {
      const written = closedFormGrid(neurons, neuron);
      images.push(["closed form", written], ["u less its closed form", u.map((value, i) => value - at(written, i))]);
    }
    elementById(grids).replaceChildren(...gridImages(images, look.p, `neuron ${neuron}`));
    const q = neurons === null ? 0 : at(neurons.m, neuron);
    say(line, `${neurons === null ? `Neuron ${neuron}.` : closedFormText(neurons, neuron)} ${this.#writes(pane, look, q)}`);
    this.#looks.set(id, look);
    this.#bars(pane);
  }

  #bars({ id, picture }: Pane): void {
    const look = this.#looks.get(id);
    if (look === undefined || picture === undefined) return;
    const { neurons } = picture;
    const [q, k] = neurons === null ? [0, 0] : [at(neurons.m, look.neuron), at(neurons.k, look.neuron)];
    const box = elementById(`${id}-neuron-bars`);
    const room = box.clientWidth - 4;
    // Two beside each other where both can be read.
    const width = room > 640 ? Math.floor(room / 2) - 8 : Math.max(260, room);
    box.innerHTML = barsOf(look, q, k, neurons?.null.R2, width).join("");
  }

  #writes({ picture }: Pane, { writes, neuron }: NeuronLook, q: number): string {
    const most = writes.reduce((best, entry) => (entry.share > best.share ? entry : best), { q: 0, share: -1 });
    const neurons = picture?.neurons ?? undefined;
    const own =
      neurons === undefined || q === 0
        ? ""
        : ` Own task: ${(100 * at(neurons.own_share, neuron)).toFixed(0)} % of its read-out's energy, strongest at k = ${at(neurons.output_k, neuron)}, phase error ${at(neurons.phase_error, neuron).toFixed(2)} (uniform: median 1.57).`;
    return writes.length === 1 ? own.trim() : `It writes most to task ${most.q} (${(100 * most.share).toFixed(0)} %).${own}`;
  }
}

/** What it reads and writes: by task, and by frequency within its own. */
function barsOf({ reads, writes }: NeuronLook, q: number, k: number, none: number | undefined, width: number): string[] {
  const largest = (bars: readonly Bar[]) => Math.max(0.01, ...bars.map(({ value }) => value));
  const out: string[] = [];
  const add = (title: string, bars: readonly Bar[], top = largest(bars)) => {
    if (bars.length > 0) out.push(standing(title, bars, width, top));
  };
  if (reads.length > 1) {
    const by = reads.map(({ q: task, R2 }) => ({ label: task, value: Math.max(0, ...R2), mark: none, own: task === q }));
    add("reads: R² of the best k of each task q", by, 1);
  }
  if (writes.length > 1)
    add(
      "writes: share of energy by task q",
      writes.map(({ q: task, share }) => ({ label: task, value: share, own: task === q })),
      1,
    );
  const [own, written] = [reads.find((entry) => entry.q === q), writes.find((entry) => entry.q === q)];
  if (own !== undefined)
    add(
      `reads mod ${q}: R² by frequency k`,
      own.R2.map((value, i) => ({ label: i + 1, value, mark: none, own: i + 1 === k })),
      1,
    );
  if (written !== undefined)
    add(
      `writes mod ${q}: share of energy by frequency k`,
      written.by_k.map((value, i) => ({ label: i + 1, value, own: i + 1 === k })),
    );
  return out;
}
