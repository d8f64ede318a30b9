import { ANALYSES } from "../analyses/registry.ts";
import { escapeHtml } from "../report/html.ts";
import { loadBundles } from "../report/index.ts";
import { htmlPage, pagePolicy } from "../report/page.ts";
import { SERVE_STYLE } from "./page-style.ts";

/** What the page is for: looking at runs, or at one in training first of all. */
export type PageKind = "explore" | "watch";

/** The page, and the policy that a browser is to hold it to. */
export interface ServedPage {
  readonly html: string;
  readonly policy: string;
}

const PANES = ["a", "b"] as const;

/** The same once for each model beside each other; the second is hidden until two are compared. */
function panes(className: string, content: (pane: (typeof PANES)[number]) => string): string {
  const boxes = PANES.map(
    (pane) => `<div class="pane ${className}" data-pane="${pane}"${pane === "b" ? " hidden" : ""}>${content(pane)}</div>`,
  );
  return `<div class="panes">${boxes.join("")}</div>`;
}

const said = (id: string) => `<p id="${id}" class="said" aria-live="polite"></p>`;

/** What tells the two models' parts apart to a listener. */
const ofModel = (id: string, name: string) => `${name}, model ${id.slice(0, 1).toUpperCase()}`;

const drawing = (id: string, name: string) =>
  `<div id="${id}" class="scroll bars" role="img" aria-label="${ofModel(id, name)}"></div>`;

const numbersTable = (id: string, name: string) =>
  `<details><summary>numbers</summary><div class="scroll" role="region" tabindex="0" aria-label="${ofModel(id, `numbers: ${name}`)}"><table id="${id}"></table></div></details>`;

function modelSection(title: string): string {
  const pane = (id: string) => `<h2 class="pane-name">Model ${id.toUpperCase()}</h2>
<div class="filters"><label>run <select id="${id}-run"></select></label>
<button type="button" id="${id}-before" aria-label="the checkpoint before, model ${id.toUpperCase()}">◀</button>
<label class="slide">checkpoint <input type="range" id="${id}-epoch" min="0" max="0" value="0" step="1"><output id="${id}-shown" for="${id}-epoch"></output></label>
<button type="button" id="${id}-after" aria-label="the next checkpoint, model ${id.toUpperCase()}">▶</button></div>
${said(`${id}-said`)}
${drawing(`${id}-picture`, "task by neuron, and accuracy of each task")}`;
  return `<section id="models"><h1>${escapeHtml(title)}</h1>
<p class="lead">Rows: task q (for addition, frequency k). Columns: neurons, by the row that explains most of each before the ReLU; bright: R² near 1. Bars: validation accuracy, chance as a tick.
Click a neuron to look at it. <button type="button" id="compare" aria-pressed="false">compare two models</button></p>
<p id="trouble" class="problem" role="alert" hidden></p>
${panes("finding", pane)}
</section>`;
}

const NEURON = `<section id="neuron"><h2>One neuron</h2>
<div class="filters"><label>neuron <input type="number" id="neuron-number" min="0" max="0" step="1" value="0"></label>
<button type="button" id="neuron-before">◀ the one before</button><button type="button" id="neuron-after">the next ▶</button><span class="soft">in the order of model A's picture</span></div>
${panes(
  "finding",
  (id) => `<h3 class="pane-name">Model ${id.toUpperCase()}</h3>
${said(`${id}-neuron-said`)}
<div id="${id}-neuron-grids" class="grids"></div>
${drawing(`${id}-neuron-bars`, "what the neuron reads, and what it writes to, by task and by frequency")}`,
)}
</section>`;

const BREAK = `<section id="break"><h2>Break it</h2>
<p class="lead">What is switched off is held at its mean over all inputs, in float64; accuracy is that of every input of the set.</p>
<div class="filters"><label>circuit <select id="break-circuit"></select></label>
<label>further neurons <input type="text" id="break-neurons" placeholder="3, 10-12" size="12" autocomplete="off" spellcheck="false"></label>
<span id="break-heads" role="group" aria-label="attention heads"></span>
<label>digit <select id="break-digit"><option value="">both read</option><option value="0">without x₀</option><option value="1">without x₁</option></select></label>
<label><input type="checkbox" id="break-skip"> without the path past the MLP</label>
<label><input type="checkbox" id="break-control"> beside 20 random groups of as many neurons</label>
<label>samples <select id="break-set"></select></label></div>
${panes(
  "finding",
  (id) => `<h3 class="pane-name">Model ${id.toUpperCase()}</h3>
${said(`${id}-break-said`)}
${drawing(`${id}-break-bars`, "accuracy of each task, whole and broken")}
${numbersTable(`${id}-break-table`, "accuracy of each task, whole and broken")}`,
)}
</section>`;

const PATCH = `<section id="patch"><h2>Patch it</h2>
<p class="lead">A circuit's neurons are taken from another input (600 seeded pairs, as <code>miiii analyze patch</code>): which tasks then answer as that other input asks?</p>
<div class="filters"><button type="button" id="patch-run">patch</button><label>circuit <select id="patch-circuit" disabled></select></label>
<label>of the neurons <select id="patch-kind"><option value="post">the whole output</option><option value="even">|u|/2 alone</option></select></label></div>
${panes(
  "finding",
  (id) => `<h3 class="pane-name">Model ${id.toUpperCase()}</h3>
${said(`${id}-patch-said`)}
${drawing(`${id}-patch-bars`, "share of pairs in which each task answers as the source")}
${numbersTable(`${id}-patch-table`, "share of pairs in which each task answers as the source")}`,
)}
</section>`;

/** A live figure: drawn by the page's script, with its downloads. */
function figureCard(id: string, name: string): string {
  const get = (what: string, text: string) =>
    `<button type="button" data-get="${what}" aria-label="${name} as ${text}">${text}</button>`;
  return `<figure id="${id}" aria-label="${name}"><div class="says"></div><div class="legend"></div><div class="controls"></div><div class="drawing" role="region" tabindex="0" aria-label="${name}"></div>
<div class="tools" hidden>${get("csv", "CSV")}${get("spec", "Vega-Lite")}${get("svg", "SVG")}${get("png", "PNG")}</div></figure>`;
}

function analysisCard(): string {
  const options = ANALYSES.map(({ id, title }) => `<option value="${id}">${escapeHtml(`${id}: ${title}`)}</option>`);
  return `<section id="analysis"><h2>Any analysis, here</h2>
<p class="lead">With its defaults, at the checkpoints shown above; what reads the whole training reads it all. Results are kept with those of <code>miiii analyze</code>.</p>
<div class="filters"><label>analysis <select id="analysis-id">${options.join("")}</select></label><button type="button" id="analysis-run">run it</button></div>
${said("analysis-said")}
${figureCard("analysis-figure", "figure of the analysis")}
</section>`;
}

const TRAINING = `<section id="training"><h2>Training</h2>
${said("training-said")}
<div class="filters"><label><input type="checkbox" id="training-follow"> show each new checkpoint of model A as it comes</label>
<button type="button" id="training-course">neurons over all checkpoints</button></div>
${figureCard("training-curves", "learning curves")}
${figureCard("training-neurons", "neurons over the kept checkpoints")}
</section>`;

/** Makes the page. Everything that it shows is asked for once it runs. */
export async function servedPage(kind: PageKind, title: string): Promise<ServedPage> {
  const bundles = await loadBundles(new URL("./", import.meta.url));
  const sections = [modelSection(title), NEURON, BREAK, PATCH, analysisCard()];
  const main = kind === "watch" ? [sections[0], TRAINING, ...sections.slice(1)] : [...sections, TRAINING];
  const contents = [
    { id: "models", name: "Model" },
    { id: "neuron", name: "Neuron" },
    { id: "break", name: "Break" },
    { id: "patch", name: "Patch" },
    { id: "analysis", name: "Analyses" },
    { id: "training", name: "Training" },
  ];
  const parts = {
    title,
    contents,
    main: `<div id="page" data-kind="${kind}">${main.join("\n")}</div>`,
    index: { runs: [], figures: [], hero: [], models: [] },
    payloads: new Map<string, string>(),
    bundles,
    connects: true,
    style: SERVE_STYLE,
  };
  return { html: htmlPage(parts), policy: `${pagePolicy(parts)}; frame-ancestors 'none'` };
}
