import type { NeuronsResult } from "../../analyses/neurons/compute.ts";
import { at, formatNumber } from "../../core/index.ts";
import { unbroken } from "../../figures/index.ts";
import { mean } from "../../math/statistics.ts";
import { formatPercent } from "../html.ts";
import { answerOf, PageModel, type Pass, type Switches, spreadInputs } from "../page-model.ts";
import type { PageIndex } from "../payload.ts";
import { clocksSvg, cosinesOf, logitsSvg } from "./ask-drawing.ts";
import { closedFormGrid, closedFormText } from "./closed-form.ts";
import { decimals, fillOptions, fixed, input, select, svg, tableRow } from "./dom.ts";
import { gridImages } from "./grids.ts";
import { elementById, type RunStore, unpack } from "./store.ts";

/** Inputs on which a broken model is tried. */
const TRIED = 300;

/** From which loss of accuracy a task is named. */
const LOST = 0.05;

const VOTERS = 8;

/** A model that runs, and what is known of its neurons. */
interface Explored {
  readonly label: string;
  readonly model: PageModel;
  readonly neurons: NeuronsResult | undefined;
}

/** The circuits that can be switched off: one a task, or one a frequency where all neurons are of one task. */
function circuitsOf(neurons: NeuronsResult | undefined): (readonly [string, string])[] {
  if (neurons === undefined) return [];
  const counts = new Map<string, number>();
  const tasks = new Set(neurons.m.filter((m) => m > 0));
  neurons.m.forEach((m, j) => {
    const key = tasks.size > 1 ? `${m}` : `${m},${at(neurons.k, j)}`;
    if (m > 0 && at(neurons.R2, j) > neurons.null.R2) counts.set(key, (counts.get(key) ?? 0) + 1);
  });
  const order = (key: string) => Number(key.split(",").at(-1));
  return [...counts]
    .sort(([a], [b]) => order(a) - order(b))
    .map(
      ([key, count]) => [key, `without the ${count} neurons of ${tasks.size > 1 ? `task ${key}` : `k = ${order(key)}`}`] as const,
    );
}

/** The neurons of a circuit by its name among {@link circuitsOf}. */
function neuronsOf(neurons: NeuronsResult, circuit: string): Set<number> {
  const [task, k] = circuit.split(",").map(Number);
  const isOf = (m: number, j: number) =>
    m === task && (k === undefined || at(neurons.k, j) === k) && at(neurons.R2, j) > neurons.null.R2;
  return new Set(neurons.m.flatMap((m, j) => (isOf(m, j) ? [j] : [])));
}

/** The readers' part of the page. */
class Explorer {
  readonly #store: RunStore;
  readonly #index: PageIndex;
  readonly #known = new Map<string, Promise<Explored>>();
  #task = 0;
  #turn = 0;

  constructor(store: RunStore, index: PageIndex) {
    this.#store = store;
    this.#index = index;
  }

  #explored(): Promise<Explored> {
    const label = select("explore-model").value;
    const found = this.#known.get(label) ?? this.#load(label);
    this.#known.set(label, found);
    return found;
  }

  async #load(label: string): Promise<Explored> {
    const entry = this.#index.models.find((model) => model.label === label);
    if (entry === undefined) throw new Error(`the page has no model ${label}`);
    const [run, bytes] = await Promise.all([this.#store.run(label), unpack(entry.payload)]);
    return { label, model: new PageModel(run.config, bytes), neurons: run.results.neurons as NeuronsResult | undefined };
  }

  /** Another model: its sizes, its tasks, its circuits. */
  async choose(): Promise<void> {
    const { model } = await this.#explored();
    const { p, d_mlp } = model.config;
    input("ask-x0").max = input("ask-x1").max = String(p - 1);
    input("ask-n").max = String(p * p - 1);
    input("learned-neuron").max = String(d_mlp - 1);
    for (const id of ["ask-x0", "ask-x1"]) input(id).value = String(Math.min(Number(input(id).value), p - 1));
    this.#task = Math.min(model.heads.length - 1, Math.floor(model.heads.length / 2));
    fillOptions(
      select("ask-task"),
      model.heads.map(({ q }, i) => [String(i), `mod ${q}`] as const),
    );
    fillOptions(select("break-circuit"), [["", "all neurons"], ...circuitsOf((await this.#explored()).neurons)]);
    const heads = Array.from({ length: model.config.n_heads }, (_, head) => [String(head), `head ${head}`] as const);
    fillOptions(select("head-number"), heads);
    fillOptions(select("break-head"), [["", "all"], ...heads.map(([value, name]) => [value, `without ${name}`] as const)]);
    this.#fromDigits();
    await Promise.all([this.ask(), this.break(), this.learned(), this.head()]);
  }

  #fromDigits(): void {
    const { p } = this.#index.runs.find(({ label }) => label === select("explore-model").value)?.config ?? { p: 113 };
    input("ask-n").value = String(Number(input("ask-x0").value) + Number(input("ask-x1").value) * p);
  }

  async asked(what: "digits" | "number" | "task"): Promise<void> {
    const { model } = await this.#explored();
    const { p } = model.config;
    if (what === "task") this.#task = Number(select("ask-task").value);
    if (what === "digits") this.#fromDigits();
    if (what === "number") {
      const n = Math.min(p * p - 1, Math.max(0, Math.floor(Number(input("ask-n").value))));
      input("ask-x0").value = String(n % p);
      input("ask-x1").value = String(Math.floor(n / p));
    }
    await this.ask();
  }

  async ask(): Promise<void> {
    const explored = await this.#explored();
    const { model } = explored;
    const { p } = model.config;
    const [x0, x1] = ["ask-x0", "ask-x1"].map((id) => Math.min(p - 1, Math.max(0, Math.floor(Number(input(id).value))))) as [
      number,
      number,
    ];
    const pass = model.run(x0, x1);
    const answers = model.heads.map((head) => ({
      head,
      answer: answerOf(pass.logits, head),
      target: model.target(head, x0, x1),
    }));
    const right = answers.filter(({ answer, target }) => answer === target).length;
    select("ask-task").value = String(this.#task);
    const chosen = answers[this.#task];
    if (chosen === undefined) return;
    const { head, answer, target } = chosen;
    const what = head.adds ? `(${x0} + ${x1})` : `${x0 + x1 * p}`;
    elementById("ask-said").textContent =
      `${right} of ${answers.length} ${answers.length === 1 ? "task" : "tasks"} right. ${what} mod ${head.q}: the model says ${answer}${answer === target ? ", which is right." : `; right is ${target}.`}`;
    elementById("ask-tasks").replaceChildren(
      ...(answers.length === 1 ? [] : answers).map((entry, i) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = `${entry.head.q}: ${entry.answer}${entry.answer === entry.target ? "" : ` ≠ ${entry.target}`}`;
        button.className = entry.answer === entry.target ? "right" : "wrong";
        button.setAttribute("aria-pressed", String(i === this.#task));
        button.addEventListener("click", () => {
          this.#task = i;
          void this.ask();
        });
        return button;
      }),
    );
    const box = elementById("ask-logits");
    const task = { logits: pass.logits, classes: head.classes, offset: head.offset, target };
    box.innerHTML = logitsSvg(task, Math.max(260, box.clientWidth - 4));
    elementById("ask-clocks").innerHTML = clocksSvg(task);
    const { count, share } = cosinesOf(task);
    const several = count === 1 ? "its only cosine" : `the sum of ${count} cosines, ${formatPercent(share)} of their variance`;
    elementById("ask-logits-said").textContent = unbroken(
      `Its ${head.classes} logits, the right class in color; line: ${several}.`,
    );
    elementById("ask-clocks-said").textContent =
      `${count === 1 ? "That cosine" : "Each cosine"} as a clock: class c stands at k·c/${head.classes} of a turn; the hand, as long as the cosine is large, points at the class it votes for, the tick is the right one.`;
    this.#votes(explored, pass, answer);
  }

  /** Neurons by what they add to the answered class over the mean of the classes. */
  #votes({ model, neurons }: Explored, { post }: Pass, answer: number): void {
    const head = model.heads[this.#task];
    if (head === undefined) return;
    const readout = model.readout(head);
    const votes = Array.from(post, (value, j) => {
      const row = readout.subarray(j * head.classes, (j + 1) * head.classes);
      return { j, value: value * (at(row, answer) - mean(row)) };
    });
    votes.sort((a, b) => b.value - a.value);
    const own = votes.filter(({ j }) => neurons?.m[j] === head.q).reduce((sum, { value }) => sum + value, 0);
    const all = votes.reduce((sum, { value }) => sum + value, 0);
    const lines = votes
      .slice(0, VOTERS)
      .map(({ j, value }) =>
        tableRow([String(j), neurons === undefined ? "–" : `${neurons.m[j]}, ${neurons.k[j]}`, decimals(value, 2)], "td"),
      );
    const total =
      neurons === undefined
        ? []
        : [tableRow([`all of task ${head.q}`, "", `${decimals(own, 2)} of ${decimals(all, 2)} by all neurons`], "td")];
    elementById("ask-votes").replaceChildren(
      tableRow(["neuron", "follows task, k", `adds to class ${answer} over the mean class`], "th"),
      ...lines,
      ...total,
    );
  }

  /** Accuracy of each task with what is switched off, beside that of the whole model. */
  async break(): Promise<void> {
    const turn = ++this.#turn;
    const { model, neurons } = await this.#explored();
    const [circuit, digit, head] = ["break-circuit", "break-digit", "break-head"].map((id) => select(id).value) as [
      string,
      string,
      string,
    ];
    const off = circuit === "" || neurons === undefined ? undefined : neuronsOf(neurons, circuit);
    const switches: Switches = {
      ...(off === undefined ? {} : { neurons: off }),
      ...(head === "" ? {} : { heads: new Set([Number(head)]) }),
      ...(digit === "" ? {} : { digit: digit === "0" ? (0 as const) : (1 as const) }),
      skip: input("break-skip").checked,
    };
    const anything = off !== undefined || head !== "" || digit !== "" || switches.skip === true;
    const inputs = spreadInputs(model.config.p, TRIED);
    const [whole, broken] = [model.heads.map(() => 0), model.heads.map(() => 0)];
    const said = elementById("break-said");
    for (const [i, [x0, x1]] of inputs.entries()) {
      const count = (counts: number[], { logits }: Pass) => {
        model.heads.forEach((head, task) => {
          if (answerOf(logits, head) === model.target(head, x0, x1)) counts[task] = at(counts, task) + 1;
        });
      };
      count(whole, model.run(x0, x1));
      count(broken, model.run(x0, x1, switches));
      if (i % 10 === 9) {
        said.textContent = `${i + 1} of ${TRIED} inputs`;
        await new Promise((resolve) => setTimeout(resolve));
        if (turn !== this.#turn) return;
      }
    }
    const share = (counts: readonly number[]) => mean(counts) / TRIED;
    const lost = model.heads
      .map(({ q }, i) => ({ q, from: at(whole, i) / TRIED, to: at(broken, i) / TRIED }))
      .filter(({ from, to }) => from - to >= LOST)
      .sort((a, b) => b.from - b.to - (a.from - a.to));
    const named = lost.slice(0, 3).map(({ q, from, to }) => `${q} (${from.toFixed(2)} to ${to.toFixed(2)})`);
    const most =
      model.heads.length === 1
        ? ""
        : lost.length === 0
          ? " No task loses much."
          : ` ${lost.length} ${lost.length === 1 ? "task loses" : "tasks lose"} ${LOST} or more, ${lost.length > named.length ? "most of all " : ""}q = ${named.join(", ")}.`;
    said.textContent = unbroken(
      `Accuracy on ${TRIED} inputs, trained on or not: ${share(whole).toFixed(2)} whole (grey), ${share(broken).toFixed(2)} ${off === undefined ? "with these switches" : `without ${off.size} neurons`} (color), mean over tasks.${anything ? most : " Nothing is switched off yet."}`,
    );
    const box = elementById("break-bars");
    const width = Math.max(260, box.clientWidth - 4);
    const row = model.heads.length === 1 ? 20 : 11;
    const bars = model.heads.map(({ q }, i) => {
      const bar = (counts: readonly number[], className: string, y: number, height: number) =>
        `<rect x="30" y="${fixed(y)}" width="${fixed((at(counts, i) / TRIED) * (width - 34))}" height="${height}" class="${className}"/>`;
      return `<text x="26" y="${i * row + 9}" text-anchor="end">${q}</text>${bar(whole, "hero-track dark", i * row + 1, row - 2)}${bar(broken, "hero-bar", i * row + 2.5, row - 5)}`;
    });
    box.innerHTML = svg(width, model.heads.length * row + 2, bars.join(""));
  }

  /** One neuron over the grid beside its closed form. */
  async learned(): Promise<void> {
    const { model, neurons } = await this.#explored();
    const { p, d_mlp } = model.config;
    const j = Math.min(d_mlp - 1, Math.max(0, Math.floor(Number(input("learned-neuron").value))));
    const u = model.grid(j);
    const grids: [string, Float64Array][] = [
      ["u: before the ReLU, as learned", u],
      ["|u|", u.map(Math.abs)],
    ];
    const reach = u.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    elementById("learned-scale").textContent =
      `Over all ${formatNumber(p * p)} inputs: rows x₀ from the top, columns x₁ from the left; blue −${reach.toFixed(1)}, white 0, orange ${reach.toFixed(1)}, in all four alike.`;
    const said = elementById("learned-said");
    if (neurons !== undefined) {
      const written = closedFormGrid(neurons, j);
      grids.push(
        ["its closed form, as written above", written],
        ["u less its closed form", u.map((value, i) => value - at(written, i))],
      );
      said.textContent = closedFormText(neurons, j);
    } else said.textContent = `Neuron ${j}; the analysis neurons was not run, so there is no closed form beside it.`;
    elementById("learned-grids").replaceChildren(...gridImages(grids, p, `neuron ${j}`));
  }

  /** What one attention head attends to, over all inputs. */
  async head(): Promise<void> {
    const { model } = await this.#explored();
    const h = Number(select("head-number").value);
    const [x0, x1, equals] = model.attentionGrids(h);
    const names = [
      ["x₀", x0],
      ["x₁", x1],
      ["'='", equals],
    ] as const;
    const shares = names.map(([name, grid]) => `${(100 * mean(grid)).toFixed(0)} % to ${name}`);
    elementById("head-said").textContent =
      `Head ${h} gives on average ${shares.join(", ")}. Rows x₀ from the top, columns x₁ from the left; dark 0, bright 1.`;
    const grids = names.map(([name, grid]) => [`attention to ${name}`, grid] as const);
    elementById("head-grids").replaceChildren(...gridImages(grids, model.config.p, `head ${h}`, true));
  }
}

/** Makes the reader's part of the page run, once it comes into view. */
export function startExplore(store: RunStore, index: PageIndex): void {
  const section = document.getElementById("explore");
  if (section === null || index.models.length === 0) return;
  const explorer = new Explorer(store, index);
  const on = (id: string, event: string, act: () => Promise<void>) => elementById(id).addEventListener(event, () => void act());
  on("explore-model", "change", () => explorer.choose());
  for (const id of ["ask-x0", "ask-x1"]) on(id, "input", () => explorer.asked("digits"));
  on("ask-n", "input", () => explorer.asked("number"));
  on("ask-task", "change", () => explorer.asked("task"));
  for (const id of ["break-circuit", "break-head", "break-digit", "break-skip"]) on(id, "change", () => explorer.break());
  on("head-number", "change", () => explorer.head());
  on("learned-neuron", "input", () => explorer.learned());
  on("learned-next", "click", () => {
    const neuron = input("learned-neuron");
    neuron.value = String((Number(neuron.value) + 1) % (Number(neuron.max) + 1));
    return explorer.learned();
  });
  const onView = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      onView.disconnect();
      void explorer.choose().then(() => {
        section.dataset.live = "yes";
      });
    },
    { rootMargin: "100px" },
  );
  onView.observe(section);
}
