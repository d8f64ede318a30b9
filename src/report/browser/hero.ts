import type { CurvesResult } from "../../analyses/curves/compute.ts";
import type { EmergenceResult } from "../../analyses/emergence/compute.ts";
import { orderedR2 } from "../../analyses/emergence/figure.ts";
import { saidOf } from "../cast.ts";
import { type HeroRun, heroEpochs, heroSvg } from "../hero.ts";
import { formatNumber } from "../html.ts";
import type { RunData } from "../payload.ts";
import { elementById, type RunStore } from "./store.ts";
import { hideTip, showTip } from "./tip.ts";

function heroRun({ label, config, results }: RunData): HeroRun {
  return {
    label,
    said: saidOf({ config }),
    emergence: results.emergence as EmergenceResult,
    curves: results.curves as CurvesResult | undefined,
  };
}

/** Where a pointer is over the cells of a run: the neuron, its row, and what that explains. */
export function heroCell({ emergence }: HeroRun, image: Element, event: { readonly clientX: number; readonly clientY: number }) {
  const checkpoint = image instanceof SVGElement ? Number(image.dataset.checkpoint) : 0;
  const { left, top, width, height } = image.getBoundingClientRect();
  const part = (offset: number, size: number, of: number) => Math.min(of - 1, Math.max(0, Math.floor((offset / size) * of)));
  const place = part(event.clientX - left, width, emergence.neurons);
  const row = part(event.clientY - top, height, emergence.labels.length);
  return {
    neuron: emergence.order[place] ?? 0,
    label: emergence.labels[row] ?? 0,
    R2: orderedR2(emergence, checkpoint)[row * emergence.neurons + place] ?? 0,
    none: emergence.null.R2[checkpoint] ?? 0,
  };
}

/** Says beside the pointer what a cell is. */
export function showCell(run: HeroRun, image: Element, event: PointerEvent): void {
  const { neuron, label, R2, none } = heroCell(run, image, event);
  showTip(event, [
    ["run", run.label],
    ["neuron", String(neuron)],
    [run.emergence.rows === "q" ? "task q" : "frequency k", String(label)],
    ["R²", `${R2.toFixed(3)} (null ${none.toFixed(2)})`],
  ]);
}

/** Makes the first figure move: the slider chooses an epoch, play runs through them, a cell says what it is. */
export async function startHero(store: RunStore, labels: readonly string[]): Promise<void> {
  const box = elementById("hero");
  const [slider, drawing, shown, play] = ["hero-epoch", "hero-drawing", "hero-shown", "hero-play"].map(elementById);
  if (!(slider instanceof HTMLInputElement) || drawing === undefined || shown === undefined || play === undefined) return;
  const data = await store.runs(labels);
  const runs = data.map(heroRun);
  const [first] = runs;
  if (first === undefined) return;
  const epochs = heroEpochs(first);
  slider.max = String(epochs.length - 1);
  slider.value = slider.max;
  const width = () => Math.max(300, Math.floor(drawing.clientWidth));
  const draw = () => {
    const epoch = epochs[Number(slider.value)] ?? 0;
    const parsed = new DOMParser().parseFromString(heroSvg(runs, epoch, width()), "image/svg+xml");
    drawing.replaceChildren(document.importNode(parsed.documentElement, true));
    shown.textContent = `epoch ${formatNumber(epoch)}`;
    slider.setAttribute("aria-valuetext", `epoch ${epoch}`);
  };
  slider.addEventListener("input", draw);
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶ play";
  };
  play.addEventListener("click", () => {
    if (timer !== 0) {
      stop();
      return;
    }
    if (slider.value === slider.max) slider.value = "0";
    play.textContent = "❚❚ pause";
    timer = window.setInterval(() => {
      slider.value = String(Number(slider.value) + 1);
      draw();
      if (slider.value === slider.max) stop();
    }, 60);
  });
  drawing.addEventListener("pointermove", (event) => {
    const image = event.target;
    if (!(image instanceof SVGElement) || !image.classList.contains("hero-cells")) {
      hideTip();
      return;
    }
    const run = runs.find(({ label }) => label === image.dataset.run);
    if (run !== undefined) showCell(run, image, event);
  });
  drawing.addEventListener("pointerleave", hideTip);
  let last = width();
  new ResizeObserver(() => {
    if (width() === last) return;
    last = width();
    draw();
  }).observe(drawing);
  if (width() !== Number(box.dataset.width)) draw();
  box.dataset.live = "yes";
}
