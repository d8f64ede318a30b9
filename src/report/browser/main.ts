import { startClaims } from "./claims.ts";
import { startExplore } from "./explore.ts";
import { PageFigure, pageStyles, type Shared, swatch } from "./figures.ts";
import { startHero } from "./hero.ts";
import { startPrint } from "./print.ts";
import { RunStore, readIndex } from "./store.ts";
import { startTheme } from "./theme.ts";

const index = readIndex();
const store = new RunStore(index);
const boxes = new Map([...document.querySelectorAll<HTMLElement>("figure[data-figure]")].map((box) => [box.id, box]));

const shared: Shared = {
  store,
  styles: pageStyles(index),
  selected: index.runs.filter(({ selected }) => selected).map(({ label }) => label),
  focus: "",
  onFocus: (label) => {
    shared.focus = label;
    for (const figure of figures) void figure.focus();
  },
};

const figures = index.figures.flatMap(({ id, source }) => {
  const box = boxes.get(id);
  return box === undefined ? [] : [new PageFigure(box, source, shared)];
});
const byBox = new Map(figures.map((figure) => [figure.box, figure]));

const onView = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      onView.unobserve(target);
      if (target instanceof HTMLElement) void byBox.get(target)?.show();
    }
  },
  { rootMargin: "400px" },
);

/** The list of runs: a box for each, and what is chosen drawn in all figures. */
function startPicker(): void {
  const picker = document.getElementById("runs");
  if (picker === null) return;
  for (const box of picker.querySelectorAll<HTMLInputElement>("input[data-run]")) {
    const { run = "" } = box.dataset;
    box.checked = shared.selected.includes(run);
    box.parentElement?.insertBefore(swatch(shared.styles.get(run) ?? shared.styles.get(`${run}\u2060`)), box.nextSibling);
    box.addEventListener("change", () => {
      const chosen = [...picker.querySelectorAll<HTMLInputElement>("input[data-run]:checked")].map(
        ({ dataset }) => dataset.run ?? "",
      );
      if (chosen.length === 0) {
        box.checked = true;
        return;
      }
      shared.selected = store.labels.filter((label) => chosen.includes(label));
      const count = picker.querySelector(".count");
      if (count !== null) count.textContent = `${chosen.length} of ${store.labels.length} runs`;
      for (const figure of figures) void figure.refresh();
    });
  }
}

startTheme();
startClaims();
startPicker();
for (const { box } of figures) onView.observe(box);
startExplore(store, index);
if (index.hero.length > 0) void startHero(store, index.hero);

let waiting = 0;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = window.setTimeout(() => {
    for (const figure of figures) void figure.resize();
  }, 200);
});
startPrint();
