import type { AblationResult } from "../../api/explore/ablation.ts";
import { at } from "../../core/index.ts";
import { fillOptions, input, select, tableRow } from "../../report/browser/dom.ts";
import { elementById } from "../../report/browser/store.ts";
import { numberList } from "../request.ts";
import { compute, Latest, type Query } from "./ask.ts";
import { mean } from "./average.ts";
import { lying } from "./bars.ts";
import type { Pane } from "./pane.ts";
import { answered, say } from "./say.ts";
import { onWidth } from "./width.ts";

const SET_ORDER = ["validation", "test", "train", "all"] as const;

/** Labels of the circuits of a model: tasks, or frequencies of addition, each with its number of neurons. */
export function circuitChoices({ picture }: Pane): (readonly [label: number, neurons: number])[] {
  const neurons = picture?.neurons;
  if (neurons === undefined || neurons === null || picture === undefined) return [];
  const labels = picture.config.task === "nanda" ? neurons.k : neurons.m;
  const counts = new Map<number, number>();
  labels.forEach((label, j) => {
    if (neurons.m[j] !== 0) counts.set(label, (counts.get(label) ?? 0) + 1);
  });
  return [...counts].sort(([a], [b]) => a - b);
}

/** What a circuit is called. */
export function circuitName(pane: Pane, label: number): string {
  return pane.picture?.config.task === "nanda" ? `k = ${label}` : `task ${label}`;
}

/** What was switched off. */
function partsText({ what, neurons }: AblationResult): string {
  const { heads, digit, skip } = what;
  const parts = [
    ...(neurons.length === 0 ? [] : [neurons.length === 1 ? `neuron ${neurons[0]}` : `${neurons.length} neurons`]),
    ...(heads.length === 0 ? [] : [`attention ${heads.length === 1 ? "head" : "heads"} ${heads.join(", ")}`]),
    ...(digit === null ? [] : [digit === 0 ? "x₀" : "x₁"]),
    ...(skip ? ["the path past the MLP"] : []),
  ];
  return parts.length === 0 ? "with nothing switched off" : `without ${parts.join(" and ")}`;
}

/** Parts switched off, and what becomes of each task. */
export class BreakCard {
  readonly #panes: readonly Pane[];
  readonly #latest = new Map<string, Latest>();
  readonly #found = new Map<string, AblationResult>();
  #resting = 0;
  #seen = false;

  constructor(panes: readonly Pane[]) {
    this.#panes = panes;
    for (const pane of panes) {
      this.#latest.set(pane.id, new Latest());
      onWidth(`${pane.id}-break-bars`, () => this.#draw(pane));
    }
    for (const id of ["break-circuit", "break-digit", "break-skip", "break-control", "break-heads"])
      elementById(id).addEventListener("change", () => this.#all());
    input("break-neurons").addEventListener("input", () => {
      clearTimeout(this.#resting);
      this.#resting = window.setTimeout(() => this.#all(), 400);
    });
    select("break-set").addEventListener("change", () => {
      for (const pane of panes) this.#draw(pane);
    });
    const onView = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      onView.disconnect();
      this.#seen = true;
      this.#all();
    });
    onView.observe(elementById("break"));
  }

  #all(): void {
    for (const pane of this.#panes) void this.show(pane);
  }

  /** The first model is another: its circuits and heads are what can be chosen. */
  choices(pane: Pane): void {
    const circuit = select("break-circuit");
    const before = circuit.value;
    const circuits = circuitChoices(pane);
    fillOptions(circuit, [
      ["", "all work"],
      ...circuits.map(([label, count]) => [String(label), `without ${circuitName(pane, label)} (${count} neurons)`] as const),
    ]);
    circuit.value = circuits.some(([label]) => String(label) === before) ? before : "";
    const heads = elementById("break-heads");
    const count = pane.picture?.config.n_heads ?? 0;
    if (heads.childElementCount === count) return;
    heads.replaceChildren(
      ...Array.from({ length: count }, (_, head) => {
        const label = document.createElement("label");
        label.append(
          Object.assign(document.createElement("input"), { type: "checkbox", value: String(head) }),
          ` without head ${head}`,
        );
        return label;
      }),
    );
  }

  #query(): Query {
    const heads = [...elementById("break-heads").querySelectorAll<HTMLInputElement>("input:checked")].map(({ value }) => value);
    return {
      circuits: select("break-circuit").value,
      neurons: input("break-neurons").value.trim(),
      heads: heads.join(","),
      digit: select("break-digit").value,
      skip: input("break-skip").checked ? 1 : 0,
      control: input("break-control").checked ? 1 : 0,
    };
  }

  async show(pane: Pane): Promise<void> {
    const { id, picture, wanted } = pane;
    if (picture === undefined || !this.#seen) return;
    const names = { line: `${id}-break-said`, what: "without these parts", drawings: [`${id}-break-bars`, `${id}-break-table`] };
    const found = await answered(this.#latest.get(id) ?? new Latest(), names, async (signal, onNews) => {
      // Read here first: what is mistyped is said at once.
      numberList("neurons", input("break-neurons").value);
      return compute<AblationResult>("ablation", { ...wanted, ...this.#query() }, signal, onNews);
    });
    if (found === undefined) return;
    this.#found.set(id, found);
    this.#sets(found);
    this.#draw(pane);
  }

  #sets({ sets }: AblationResult): void {
    const choice = select("break-set");
    const names = SET_ORDER.filter((name) => sets.some((set) => set.name === name));
    if (names.length === choice.options.length) return;
    fillOptions(
      choice,
      names.map((name) => [name, name] as const),
    );
  }

  #draw({ id }: Pane): void {
    const found = this.#found.get(id);
    if (found === undefined) return;
    const { q, chance, sets, control } = found;
    const set = sets.find(({ name }) => name === select("break-set").value) ?? sets.at(-1);
    if (set === undefined) return;
    const { whole, ablated, name, samples } = set;
    const beside = control !== null && control.name === name ? control : undefined;
    const most = whole.accuracy
      .map((value, i) => ({ task: at(q, i), lost: value - at(ablated.accuracy, i) }))
      .reduce((a, b) => (b.lost > a.lost ? b : a));
    const random =
      beside === undefined
        ? ""
        : ` ${beside.draws} random groups of as many: ${mean(beside.mean).toFixed(3)} (no null of "no structure": they break what cancels in the logits).`;
    const worst =
      q.length === 1
        ? ""
        : most.lost < 0.0005
          ? " No task loses anything."
          : ` Most lost: task ${most.task}, ${most.lost.toFixed(3)}.`;
    say(
      `${id}-break-said`,
      `Accuracy on ${samples} ${name === "all" ? "inputs, all of them" : `${name} inputs`}: ${mean(whole.accuracy).toFixed(3)} whole (grey), ${mean(ablated.accuracy).toFixed(3)} ${partsText(found)} (color)${q.length === 1 ? "" : ", mean over tasks"}; ticks are chance.${worst}${random}`,
    );
    const bars = q.map((label, i) => ({
      label,
      value: at(ablated.accuracy, i),
      behind: at(whole.accuracy, i),
      mark: at(chance, i),
    }));
    const box = elementById(`${id}-break-bars`);
    box.innerHTML = lying(bars, Math.max(260, box.clientWidth - 4));
    const number = (value: number | undefined) => (value === undefined ? "–" : value.toFixed(4));
    elementById(`${id}-break-table`).replaceChildren(
      tableRow(["task", "whole", "broken", "loss whole", "loss broken", "random groups", "chance"], "th"),
      ...q.map((task, i) =>
        tableRow(
          [
            String(task),
            ...[whole.accuracy[i], ablated.accuracy[i], whole.loss[i], ablated.loss[i], beside?.mean[i], chance[i]].map(number),
          ],
          "td",
        ),
      ),
    );
  }
}
