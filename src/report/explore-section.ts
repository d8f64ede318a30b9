import { escapeHtml } from "./html.ts";

/** A model that the page can run. */
export interface ExploredModel {
  readonly label: string;
  readonly p: number;
  readonly neurons: number;
}

/**
 * The part of the page in which a reader runs the model: asks it a number, switches parts off, looks at any neuron. Needs
 * JavaScript.
 */
export function exploreSection(models: readonly ExploredModel[]): string {
  const [first] = models;
  if (first === undefined) return "";
  const options = models.map(({ label }) => `<option value="${escapeHtml(label)}">${escapeHtml(label)}</option>`);
  const number = (id: string, name: string, max: number, value: number) =>
    `<label>${name} <input type="number" id="${id}" min="0" max="${max}" step="1" value="${value}" required></label>`;
  return `<section id="explore" class="needs-js"><h2>Run the model here</h2>
<p class="lead">The weights stand in this page, in 16 bits each; nothing leaves it.</p>
<div class="filters"><label>model <select id="explore-model">${options.join("")}</select></label></div>
<div class="cards">
<article class="finding" id="ask"><h3>Ask a number</h3>
<div class="filters">${number("ask-x0", "x₀", first.p - 1, 17)}${number("ask-x1", "x₁", first.p - 1, 42)}${number("ask-n", "n", first.p ** 2 - 1, 17 + 42 * first.p)}<label>task <select id="ask-task"></select></label></div>
<p id="ask-said" aria-live="polite"></p>
<div id="ask-tasks" class="chips" role="group" aria-label="answers by task: choose one"></div>
<p id="ask-logits-said" class="note"></p>
<div id="ask-logits" role="img" aria-label="logits of the chosen task"></div>
<p id="ask-clocks-said" class="note"></p>
<div id="ask-clocks" role="img" aria-label="a clock for each cosine of the logits"></div>
<div class="scroll" role="region" tabindex="0" aria-label="neurons that voted"><table id="ask-votes"></table></div></article>
<article class="finding" id="break"><h3>Break it</h3>
<div class="filters"><label>circuit <select id="break-circuit"></select></label><label>attention head <select id="break-head"></select></label><label>digit <select id="break-digit"><option value="">both read</option><option value="0">without x₀</option><option value="1">without x₁</option></select></label>
<label><input type="checkbox" id="break-skip"> without the path past the MLP</label></div>
<p class="note">What is switched off is held at its mean over inputs.</p>
<p id="break-said" aria-live="polite"></p>
<div id="break-bars" role="img" aria-label="accuracy of each task, before and after"></div></article>
</div>
<article class="finding" id="learned"><h3>Learned beside written</h3>
<div class="filters">${number("learned-neuron", "neuron", first.neurons - 1, 0)}<button type="button" id="learned-next">next</button></div>
<p id="learned-said" aria-live="polite"></p>
<p id="learned-scale" class="note"></p>
<div id="learned-grids" class="grids" role="img" aria-label="the neuron over all inputs: before the ReLU, its magnitude, its closed form, the difference"></div></article>
<article class="finding" id="head"><h3>Any attention head</h3>
<div class="filters"><label>attention head <select id="head-number"></select></label></div>
<p id="head-said" aria-live="polite"></p>
<div id="head-grids" class="grids" role="img" aria-label="attention of the head to x₀, to x₁ and to the equals sign, over all inputs"></div></article>
</section>`;
}
