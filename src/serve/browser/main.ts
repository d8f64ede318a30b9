import { elementById } from "../../report/browser/store.ts";
import { startTheme } from "../../report/browser/theme.ts";
import type { ListedRun } from "../runs.ts";
import { AnalysisCard } from "./analysis.ts";
import { ask } from "./ask.ts";
import { BreakCard } from "./break.ts";
import { NeuronCard } from "./neuron.ts";
import { Pane } from "./pane.ts";
import { PatchCard } from "./patch.ts";
import { readPlace, writePlace } from "./place.ts";
import { TrainingCard } from "./training.ts";

/** Makes the page run. */
async function start(): Promise<void> {
  startTheme();
  const { runs } = await ask<{ runs: readonly ListedRun[] }>("runs");
  const watching = elementById("page").dataset.kind === "watch";
  const place = readPlace();
  const [a, b] = [new Pane("a"), new Pane("b")];
  const panes = [a, b];
  const neuron = new NeuronCard(panes);
  const broken = new BreakCard(panes);
  const patch = new PatchCard(panes);
  const analysis = new AnalysisCard(panes);
  const training = new TrainingCard(a, watching);
  let placed = false;
  const remember = () =>
    writePlace({
      a: { run: a.run, epoch: a.epoch },
      ...(b.picture === undefined ? {} : { b: { run: b.run, epoch: b.epoch } }),
      neuron: neuron.neuron,
    });
  neuron.onChoice = remember;
  a.onRun = () => training.follow();
  for (const pane of panes) {
    pane.onNeuron = (chosen) => neuron.choose(chosen);
    pane.onModel = () => {
      if (pane === a) {
        broken.choices(a);
        const order = a.picture?.emergence?.order ?? [0];
        // At first one from the midst of the picture.
        if (!placed) neuron.place(place.neuron ?? order[Math.floor(order.length / 2)] ?? 0);
        placed = true;
      }
      neuron.start(pane);
      void broken.show(pane);
      patch.changed(pane);
      analysis.changed();
      remember();
    };
  }
  const compare = elementById("compare");
  const shown = (two: boolean) => {
    compare.setAttribute("aria-pressed", String(two));
    for (const box of document.querySelectorAll<HTMLElement>(".panes")) box.classList.toggle("two", two);
    for (const box of document.querySelectorAll<HTMLElement>('[data-pane="b"]')) box.hidden = !two;
  };
  const open = async (run: number, epoch: number | undefined) => {
    shown(true);
    await b.start(runs, run, epoch);
  };
  compare.addEventListener("click", () => {
    if (compare.getAttribute("aria-pressed") === "true") {
      b.leave();
      shown(false);
      a.draw();
      analysis.changed();
      remember();
      return;
    }
    // Beside a run the next one, or its own first checkpoint.
    const other = runs.length > 1 ? (a.run + 1) % runs.length : a.run;
    void open(other, other === a.run ? runs[other]?.checkpoints[0] : undefined);
  });
  await a.start(runs, place.a?.run ?? 0, place.a?.epoch);
  if (place.b !== undefined) await open(place.b.run, place.b.epoch);
  elementById("page").dataset.live = "yes";
}

start().catch((error: unknown) => {
  const trouble = elementById("trouble");
  trouble.hidden = false;
  trouble.textContent = error instanceof Error ? error.message : String(error);
});
