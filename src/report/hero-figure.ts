import { followingShare } from "../analyses/emergence/figure.ts";
import { settingsBetween } from "../claims/index.ts";
import { mean, quantile } from "../math/index.ts";
import { type Cast, resultIn, saidOf } from "./cast.ts";
import { followingCount, type HeroRun, heroEpochs, heroSvg } from "./hero.ts";
import { escapeHtml, formatNumber, plainPercent } from "./html.ts";
import type { ReportRun } from "./types.ts";

/** Width of the still drawing, in pixels. */
const WIDTH = 1100;

function heroRun(run: ReportRun | undefined): HeroRun[] {
  const emergence = resultIn(run, "emergence");
  if (run === undefined || emergence === undefined || emergence.epochs.length === 0) return [];
  return [{ label: run.label, said: saidOf(run), emergence, curves: resultIn(run, "curves") }];
}

/** What the twin under it is, and how many of its neurons follow anything. */
function twinText({ main, twin }: Cast, drawn: HeroRun | undefined): string {
  if (drawn === undefined || twin === undefined) return "";
  const memorised = resultIn(twin, "curves")?.final.train_accuracy;
  const share = memorised === undefined ? "" : ` (${plainPercent(mean(memorised))} were)`;
  const [end, own] = [drawn.emergence.epochs.at(-1) ?? 0, resultIn(main, "emergence")?.epochs.at(-1) ?? 0];
  // Its last checkpoint is shown from there on: without a word the slider would seem to be stuck.
  const stays = end < 0.99 * own ? `, to epoch ${formatNumber(end)} alone, where the slider leaves it` : "";
  const apart = settingsBetween(main.config, twin.config);
  const set = apart === undefined ? "" : ` (also set apart by ${escapeHtml(apart)})`;
  return ` Below, its twin${set}: trained on shuffled labels, which can only be learned by heart${share}${stays}; ${followingCount(drawn.emergence, -1)} neurons follow anything.`;
}

/** How far below the median task a task is left behind, in accuracy. */
const BEHIND = 0.2;

/** Tasks on either side with which a task's frequencies are compared. */
const BESIDE = 3;

/** Which tasks are far below the others, and whether they have fewer frequencies than those beside them. */
export function laggards(run: ReportRun): string {
  const curves = resultIn(run, "curves");
  const clusters = resultIn(run, "neurons")?.clusters ?? [];
  if (curves === undefined || curves.q.length < 3) return "";
  const { validation_accuracy: accuracy } = curves.final;
  const usual = quantile(accuracy, 0.5);
  const frequencies = curves.q.map((q) => clusters.filter(({ m }) => m === q).length);
  const said = curves.q.flatMap((q, i) => {
    const own = accuracy[i] ?? 0;
    if (usual - own < BEHIND) return [];
    const count = frequencies[i] ?? 0;
    const others = [...frequencies.slice(Math.max(0, i - BESIDE), i), ...frequencies.slice(i + 1, i + 1 + BESIDE)];
    const typical = quantile(others, 0.5);
    const few =
      count > 0 && count <= typical / 2
        ? `, with ${count} ${count === 1 ? "frequency" : "frequencies"} where the primes beside it have ${formatNumber(typical)}`
        : "";
    return [`q = ${q} (${plainPercent(own)}${few})`];
  });
  // Where many are, the bars say it better.
  return said.length === 0 || said.length > 3 ? "" : ` Left behind: ${said.join("; ")}.`;
}

/**
 * The first figure of a report: neurons by task over training, with accuracy, and the twin's; undefined without a training
 * series.
 */
export function heroFigure(cast: Cast): { readonly html: string; readonly labels: readonly string[] } | undefined {
  const { main, twin } = cast;
  const [first, ...others] = [...heroRun(main), ...heroRun(twin)];
  if (first === undefined || first.label !== main.label) return undefined;
  const runs = [first, ...others];
  const last = heroEpochs(first).at(-1) ?? 0;
  const { emergence } = first;
  const isTasks = emergence.rows === "q";
  const rows = isTasks ? "task q" : "frequency k";
  const none = emergence.null.R2.at(-1) ?? 0;
  const grown = followingShare(emergence, -1) > 0.5 ? "Training turns noise into blocks" : "Training grows no blocks";
  const says = `<b>${grown}: ${followingCount(emergence, -1)} neurons end up following one ${isTasks ? "prime q" : rows} each.</b> Move the slider.`;
  const reads = isTasks
    ? "Row: a prime q; column: a neuron, before its ReLU; bright: a wave that comes round every q numbers explains all of it; dark: half or less"
    : "Row: a frequency k; column: a neuron, before its ReLU; bright: a wave of k turns over the tokens explains all of it; dark: half or less";
  const color = `(chance alone: below ${plainPercent(none)})`;
  const specks = isTasks
    ? " Specks: another prime's wave that fits one digit alone, in neurons that read this digit more than the other."
    : "";
  const beside = twinText(cast, others[0]);
  const html = `<figure id="hero" data-width="${WIDTH}" aria-labelledby="hero-caption">
<div class="slide needs-js"><button type="button" id="hero-play">▶ play</button><label for="hero-epoch">epoch</label><input type="range" id="hero-epoch" min="0" max="1" value="1" step="1"><output id="hero-shown" for="hero-epoch">epoch ${formatNumber(last)}</output></div>
<div id="hero-drawing" role="img" aria-label="${escapeHtml(`${rows} by neuron, and accuracy, of ${runs.map(({ label }) => label).join(" and ")} at epoch ${last}`)}">${heroSvg(runs, last, WIDTH)}</div>
<figcaption id="hero-caption"><b>Figure 1.</b> ${says} ${reads} ${color}.${specks}${beside}${laggards(main)} Bars: accuracy on new inputs.</figcaption>
</figure>`;
  return { html, labels: runs.map(({ label }) => label) };
}
