import { followingShare } from "../analyses/emergence/figure.ts";
import { settingsBetween } from "../claims/index.ts";
import { mean } from "../math/index.ts";
import { type Cast, resultIn } from "./cast.ts";
import { type HeroRun, heroEpochs, heroSvg } from "./hero.ts";
import { escapeHtml, formatNumber, plainPercent } from "./html.ts";
import type { ReportRun } from "./types.ts";

/** Width of the still drawing, in pixels. */
const WIDTH = 1100;

function heroRun(run: ReportRun | undefined, said: string): HeroRun[] {
  const emergence = resultIn(run, "emergence");
  if (run === undefined || emergence === undefined || emergence.epochs.length === 0) return [];
  return [{ label: run.label, said, emergence, curves: resultIn(run, "curves") }];
}

/**
 * The first figure of a report: neurons by task over training, with accuracy, and the twin's; undefined without a training
 * series.
 */
export function heroFigure({ main, twin }: Cast): { readonly html: string; readonly labels: readonly string[] } | undefined {
  const [first, ...others] = [...heroRun(main, "trained"), ...heroRun(twin, "labels shuffled")];
  if (first === undefined || first.label !== main.label) return undefined;
  const runs = [first, ...others];
  const last = heroEpochs(first).at(-1) ?? 0;
  const rows = first.emergence.rows === "q" ? "task q" : "frequency k";
  const none = first.emergence.null.R2.at(-1) ?? 0;
  const end = followingShare(first.emergence, -1);
  const grown = end > 0.5 ? "Training turns noise into blocks" : "Training grows no blocks";
  const says = `<b>${grown}: ${plainPercent(end)} of the ${formatNumber(first.emergence.neurons)} neurons end up following one ${rows === "task q" ? "prime q" : rows}.</b> Move the slider to see it.`;
  const memorised = resultIn(twin, "curves")?.final.train_accuracy;
  const share = memorised === undefined ? "" : `, ${plainPercent(mean(memorised))} of which it memorised`;
  const apart = twin === undefined ? undefined : settingsBetween(main.config, twin.config);
  const set = apart === undefined ? "" : ` (also set apart by ${escapeHtml(apart)})`;
  const [other] = others;
  const beside =
    other === undefined
      ? ""
      : ` Below, the twin trained on shuffled labels${share}${set}: ${plainPercent(followingShare(other.emergence, -1))}.`;
  const html = `<figure id="hero" data-width="${WIDTH}" aria-labelledby="hero-caption">
<div class="slide needs-js"><button type="button" id="hero-play">▶ play</button><label for="hero-epoch">epoch</label><input type="range" id="hero-epoch" min="0" max="1" value="1" step="1"><output id="hero-shown" for="hero-epoch">epoch ${formatNumber(last)}</output></div>
<div id="hero-drawing" role="img" aria-label="${escapeHtml(`${rows} by neuron, and accuracy, of ${runs.map(({ label }) => label).join(" and ")} at epoch ${last}`)}">${heroSvg(runs, last, WIDTH)}</div>
<figcaption id="hero-caption"><b>Figure 1.</b> ${says}${beside} Color: R² of the best frequency of each ${rows} in the neuron before the ReLU, from 0 (dark) to 1 (bright; null ${none.toFixed(2)}); following: R² above ½. Bars: validation accuracy, chance as a tick.</figcaption>
</figure>`;
  return { html, labels: runs.map(({ label }) => label) };
}
