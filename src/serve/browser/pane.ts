import type { ModelPicture } from "../../api/explore/explored-model.ts";
import { fillOptions, input, select } from "../../report/browser/dom.ts";
import { heroCell, showCell } from "../../report/browser/hero.ts";
import { elementById } from "../../report/browser/store.ts";
import { hideTip } from "../../report/browser/tip.ts";
import { type HeroRun, heroSvg } from "../../report/hero.ts";
import { formatNumber } from "../../report/html.ts";
import type { ListedRun } from "../runs.ts";
import { compute, Latest, type Query } from "./ask.ts";
import { mean } from "./average.ts";
import { answered, say } from "./say.ts";
import { accuracyTable } from "./scores.ts";
import { onWidth } from "./width.ts";

/** A checkpoint is asked for when the slider has rested so long. */
const REST_MS = 150;

/** One model of the page: which run, which checkpoint, and its neurons by task. */
export class Pane {
  readonly id: "a" | "b";
  picture: ModelPicture | undefined;
  #runs: readonly ListedRun[] = [];
  #checkpoints: readonly number[] = [];
  #chosen = 0;
  readonly #latest = new Latest();
  #resting = 0;
  /** Called when another run is chosen, before its model is there. */
  onRun: () => void = () => undefined;
  /** Called when another model is shown. */
  onModel: () => void = () => undefined;
  /** Called when a neuron is clicked. */
  onNeuron: (neuron: number) => void = () => undefined;

  constructor(id: "a" | "b") {
    this.id = id;
    select(`${id}-run`).addEventListener("change", () => void this.#chooseRun());
    const slider = input(`${id}-epoch`);
    slider.addEventListener("input", () => this.#rest());
    const step = (by: number) => () => {
      slider.value = String(Number(slider.value) + by);
      this.#rest();
    };
    elementById(`${id}-before`).addEventListener("click", step(-1));
    elementById(`${id}-after`).addEventListener("click", step(1));
    const drawing = elementById(`${id}-picture`);
    const cell = (event: Event) =>
      event.target instanceof SVGElement && event.target.classList.contains("hero-cells") ? event.target : undefined;
    drawing.addEventListener("pointermove", (event) => {
      const [image, run] = [cell(event), this.#heroRun()];
      if (image === undefined || run === undefined) hideTip();
      else showCell(run, image, event);
    });
    drawing.addEventListener("pointerleave", hideTip);
    drawing.addEventListener("click", (event) => {
      const [image, run] = [cell(event), this.#heroRun()];
      if (image !== undefined && run !== undefined) this.onNeuron(heroCell(run, image, event).neuron);
    });
    onWidth(`${id}-picture`, () => this.draw());
  }

  get run(): number {
    return Number(select(`${this.id}-run`).value);
  }

  /** The epoch on the slider; undefined for a file. */
  get epoch(): number | undefined {
    return this.#checkpoints[Number(input(`${this.id}-epoch`).value)];
  }

  /** What names the model to the server. */
  get wanted(): Query {
    return { run: this.run, epoch: this.epoch };
  }

  /** What names it to a reader. */
  get label(): string {
    const label = this.#runs[this.run]?.label ?? "";
    return this.epoch === undefined ? label : `${label}@${this.epoch}`;
  }

  /** Whether the last checkpoint is shown. */
  get isLast(): boolean {
    return Number(input(`${this.id}-epoch`).value) === this.#checkpoints.length - 1;
  }

  get listed(): ListedRun | undefined {
    return this.#runs[this.run];
  }

  /** Fills the list of runs, and shows one of them, at an epoch or the last. */
  async start(runs: readonly ListedRun[], run: number, epoch?: number): Promise<void> {
    this.#runs = runs;
    const target = select(`${this.id}-run`);
    fillOptions(
      target,
      runs.map(({ label }, i) => [String(i), label] as const),
    );
    target.value = String(Math.min(run, runs.length - 1));
    await this.#chooseRun(epoch);
  }

  async #chooseRun(epoch?: number): Promise<void> {
    const listed = this.listed;
    this.onRun();
    this.#setCheckpoints(listed?.checkpoints ?? [], epoch);
    if (listed?.problem !== null && listed !== undefined) say(`${this.id}-said`, listed.problem, "problem");
    else if (listed?.kind === "run" && listed.checkpoints.length === 0)
      say(`${this.id}-said`, "no checkpoint is kept yet", "waiting");
    else await this.show();
  }

  #setCheckpoints(checkpoints: readonly number[], epoch?: number): void {
    this.#checkpoints = checkpoints;
    const slider = input(`${this.id}-epoch`);
    const place = epoch === undefined ? -1 : checkpoints.indexOf(epoch);
    slider.max = String(Math.max(0, checkpoints.length - 1));
    slider.value = String(place < 0 ? checkpoints.length - 1 : place);
    slider.disabled = checkpoints.length < 2;
    this.#named();
  }

  #named(): void {
    const slider = input(`${this.id}-epoch`);
    const place = Number(slider.value);
    const text = this.epoch === undefined ? "one file" : `epoch ${formatNumber(this.epoch)}`;
    elementById(`${this.id}-shown`).textContent = text;
    slider.setAttribute("aria-valuetext", text);
    (elementById(`${this.id}-before`) as HTMLButtonElement).disabled = place <= 0;
    (elementById(`${this.id}-after`) as HTMLButtonElement).disabled = place >= this.#checkpoints.length - 1;
  }

  /** The run has other checkpoints than before; with `follow` the last is shown. */
  async grow(checkpoints: readonly number[], follow: boolean): Promise<void> {
    const before = this.epoch;
    const shown = this.picture;
    this.#setCheckpoints(checkpoints, follow ? undefined : before);
    if (checkpoints.length > 0 && (this.epoch !== before || shown === undefined)) await this.show();
  }

  #rest(): void {
    this.#named();
    clearTimeout(this.#resting);
    this.#resting = window.setTimeout(() => void this.show(), REST_MS);
  }

  /** Asks for the model and draws it. */
  async show(): Promise<void> {
    this.#named();
    const { wanted, id } = this;
    const found = await answered(
      this.#latest,
      { line: `${id}-said`, what: "running the model", drawings: [`${id}-picture`] },
      (signal, onNews) => compute<ModelPicture>("picture", wanted, signal, onNews),
    );
    if (found === undefined) return;
    this.picture = found;
    this.#chosen = Math.min(this.#chosen, found.config.d_mlp - 1);
    this.draw();
    this.#tell(found);
    this.onModel();
  }

  leave(): void {
    this.#latest.leave();
    this.picture = undefined;
  }

  #heroRun(): HeroRun | undefined {
    const picture = this.picture;
    if (picture === undefined || picture.emergence === null) return undefined;
    return { label: this.#runs[this.run]?.label ?? "", said: "", emergence: picture.emergence, curves: undefined };
  }

  /** Puts a mark at the chosen neuron. */
  choose(neuron: number): void {
    this.#chosen = neuron;
    this.draw();
  }

  draw(): void {
    const drawing = elementById(`${this.id}-picture`);
    const { picture } = this;
    const run = this.#heroRun();
    if (picture === undefined) return;
    if (run === undefined) {
      drawing.replaceChildren(accuracyTable(picture));
      return;
    }
    const parsed = new DOMParser().parseFromString(
      heroSvg([run], picture.epoch ?? 0, Math.max(300, drawing.clientWidth)),
      "image/svg+xml",
    );
    drawing.replaceChildren(document.importNode(parsed.documentElement, true));
    const image = drawing.querySelector(".hero-cells");
    if (image === null) return;
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(image.getAttribute(name))) as [
      number,
      number,
      number,
      number,
    ];
    const place = run.emergence.order.indexOf(this.#chosen);
    const mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const step = width / Math.max(1, run.emergence.neurons);
    const box = { x: x + place * step - 1.5, y: y - 1.5, width: step + 3, height: height + 3 };
    for (const [name, value] of Object.entries(box)) mark.setAttribute(name, value.toFixed(1));
    mark.setAttribute("class", "chosen");
    image.parentElement?.appendChild(mark);
  }

  #tell({ evaluation, neurons, refusal, sha256 }: ModelPicture): void {
    const meanOf = (set: "train" | "validation" | "test" | "all") => {
      const values = evaluation.flatMap(({ accuracy }) => accuracy[set] ?? []);
      return values.length === 0 ? [] : [`${set} ${mean(values).toFixed(3)}`];
    };
    const scores = (["train", "validation", "test", "all"] as const).flatMap(meanOf).join(", ");
    const tasks = evaluation.length === 1 ? "" : `, mean over ${evaluation.length} tasks`;
    const cells =
      neurons === null
        ? (refusal ?? "")
        : `${neurons.above_null} of ${neurons.neurons} neurons follow a wave above the null (R² ${neurons.null.R2.toFixed(2)}; by chance ${neurons.null.above.toFixed(1)}), ${neurons.above_half} with R² above ½; additive share ${neurons.additive_share.toFixed(3)}.`;
    say(`${this.id}-said`, `Accuracy: ${scores}${tasks}. ${cells} SHA-256 ${sha256.slice(0, 12)}.`);
  }
}
