import type { PatchResult } from "../../analyses/patch/compute.ts";
import { at } from "../../core/index.ts";
import { fillOptions, select, tableRow } from "../../report/browser/dom.ts";
import { elementById } from "../../report/browser/store.ts";
import { compute, Latest } from "./ask.ts";
import { mean } from "./average.ts";
import { lying } from "./bars.ts";
import type { Pane } from "./pane.ts";
import { answered, say } from "./say.ts";
import { onWidth } from "./width.ts";

/** Circuits exchanged between inputs: the analysis `patch`, one circuit at a time. */
export class PatchCard {
  readonly #latest = new Map<string, Latest>();
  readonly #found = new Map<string, PatchResult>();

  constructor(panes: readonly Pane[]) {
    for (const pane of panes) {
      this.#latest.set(pane.id, new Latest());
      onWidth(`${pane.id}-patch-bars`, () => this.#draw(pane));
    }
    elementById("patch-run").addEventListener("click", () => {
      for (const pane of panes) void this.#run(pane);
    });
    for (const id of ["patch-circuit", "patch-kind"])
      select(id).addEventListener("change", () => {
        for (const pane of panes) this.#draw(pane);
      });
  }

  /** Another model is shown: what was found is of the one before. */
  changed({ id }: Pane): void {
    this.#latest.get(id)?.leave();
    this.#found.delete(id);
    for (const part of ["bars", "table"]) elementById(`${id}-patch-${part}`).replaceChildren();
    say(`${id}-patch-said`, "Nothing is patched yet: the button does it for every circuit, of which one is then chosen.");
    select("patch-circuit").disabled = this.#found.size === 0;
  }

  async #run(pane: Pane): Promise<void> {
    const { id, picture, wanted } = pane;
    if (picture === undefined) return;
    const names = {
      line: `${id}-patch-said`,
      what: "patching every circuit",
      drawings: [`${id}-patch-bars`, `${id}-patch-table`],
    };
    const found = await answered(this.#latest.get(id) ?? new Latest(), names, (signal, onNews) =>
      compute<PatchResult>("analysis", { ...wanted, id: "patch" }, signal, onNews),
    );
    if (found === undefined) return;
    this.#found.set(id, found);
    this.#choices();
    this.#draw(pane);
  }

  #choices(): void {
    const choice = select("patch-circuit");
    const before = choice.value;
    const labels = [...new Set([...this.#found.values()].flatMap(({ groups }) => groups.labels))].sort((a, b) => a - b);
    const first = [...this.#found.values()][0];
    fillOptions(
      choice,
      labels.map((label) => [String(label), first?.parts === "frequency" ? `k = ${label}` : `task ${label}`] as const),
    );
    if (labels.some((label) => String(label) === before)) choice.value = before;
    choice.disabled = false;
  }

  #draw({ id }: Pane): void {
    const found = this.#found.get(id);
    if (found === undefined) return;
    const label = Number(select("patch-circuit").value);
    const g = found.groups.labels.indexOf(label);
    if (g < 0) {
      say(`${id}-patch-said`, `this model has no circuit ${label}`);
      return;
    }
    const kind = select("patch-kind").value === "even" ? "even" : "post";
    const { q, agree, pairs, groups, random } = found;
    const own = at(groups.heads, g);
    const [answers, none, kept] = [found[kind].answers[g] ?? [], random[kind].answers[g] ?? [], found[kind].kept[g] ?? []];
    const others = kept.filter((_, h) => h !== own);
    const rest = kind === "post" ? found.sufficient : found.sufficient_even;
    say(
      `${id}-patch-said`,
      `The ${at(groups.sizes, g)} neurons of ${found.parts === "frequency" ? `k = ${label}` : `task ${label}`} from the source: task ${at(q, own)} answers as the source in ${at(answers, own).toFixed(3)} of ${pairs} pairs (random group ${at(random[kind].iia, g).toFixed(3)}, at most ${at(random[kind].iia_largest, g).toFixed(3)}; the two agree anyway in ${at(agree, own).toFixed(3)}).` +
        `${others.length === 0 ? "" : ` The other tasks keep the base's answer in ${mean(others).toFixed(3)}.`} All but them from the source: it still answers the base in ${at(rest, g).toFixed(3)}. Grey: one random group of as many; ticks: agreement anyway.`,
    );
    const box = elementById(`${id}-patch-bars`);
    const bars = q.map((task, h) => ({
      label: task,
      value: at(answers, h),
      behind: at(none, h),
      mark: at(agree, h),
      own: h === own,
    }));
    box.innerHTML = lying(bars, Math.max(260, box.clientWidth - 4));
    elementById(`${id}-patch-table`).replaceChildren(
      tableRow(["task", "answers as the source", "keeps the base's answer", "random group", "agree anyway"], "th"),
      ...q.map((task, h) =>
        tableRow([String(task), ...[answers[h], kept[h], none[h], agree[h]].map((value) => (value ?? 0).toFixed(4))], "td"),
      ),
    );
  }
}
