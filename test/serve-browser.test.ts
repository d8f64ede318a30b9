import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import type { CircuitsResult } from "../src/analyses/circuits/compute.ts";
import { analyze, load } from "../src/api/front.ts";
import { resumeRun, trainRun } from "../src/api/train-run.ts";
import { formatNumber } from "../src/core/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import type { LocalServer } from "../src/serve/server.ts";
import { findChromium, launchChromium, watched } from "./helpers/chromium.ts";
import { keptEpochs, SMALL, served, trainSmall } from "./helpers/served.ts";

const chromium = findChromium();
const options = { skip: chromium === undefined ? "no Chromium on this machine" : false };
const runtime = onnxRuntime({ threads: 1 });
const PATIENCE = 120_000;

let folder = "";
let path = "";
let browser: Browser;
let explore: LocalServer;

before(async () => {
  if (chromium === undefined) return;
  folder = mkdtempSync(join(tmpdir(), "miiii-serve-browser-"));
  path = await trainSmall(folder, "small");
  explore = await served([path, `<i>other=${path}`], "explore");
  browser = await launchChromium(chromium);
});

after(async () => {
  if (chromium === undefined) return;
  await browser.close();
  await explore.close();
  rmSync(folder, { recursive: true });
});

async function opened(address: string, settings: Parameters<typeof watched>[2] = {}) {
  const found = await watched(browser, address, settings);
  found.page.setDefaultTimeout(PATIENCE);
  await found.page.locator('#page[data-live="yes"]').waitFor();
  return found;
}

/** Waits until an expression holds in the page; looked at from outside, since the page's policy lets no text become code. */
async function until(page: Page, expression: string): Promise<void> {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await page.waitForTimeout(100))
    if ((await page.evaluate(expression)) === true) return;
  assert.fail(`it never held: ${expression}`);
}

/** Waits until a line says something that matches. */
async function said(page: Page, id: string, pattern: RegExp): Promise<string> {
  const line = page.locator(`#${id}`).filter({ hasText: pattern });
  await line.waitFor();
  return (await line.textContent()) ?? "";
}

test("a run and a checkpoint are chosen, neurons change the picture, the address keeps the place", options, async () => {
  const { page, complaints, requests } = await opened(explore.address);
  const epochs = keptEpochs(path);
  await said(page, "a-said", /^Accuracy: train 0\.\d+/);
  await page.locator("#a-picture .hero-cells").waitFor();
  await said(page, "a-neuron-said", /^Neuron \d+ .*mod \d+ at k = \d+: u ≈/);
  const first = await page.locator("#a-neuron-grids img").first().getAttribute("src");
  const mark = () => page.locator("#a-picture .chosen").getAttribute("x");
  const before = await mark();
  await page.locator("#neuron-after").click();
  await until(
    page,
    `document.querySelector("#a-neuron-grids img").src !== ${JSON.stringify(first)} && document.querySelector("#a-neuron-grids").dataset.stale === "no"`,
  );
  assert.notEqual(await mark(), before);
  assert.ok((await page.locator("#a-neuron-bars svg").count()) >= 3);
  const cells = (await page.locator("#a-picture .hero-cells").boundingBox()) ?? assert.fail("no cells");
  await page.mouse.click(cells.x + 2, cells.y + 2);
  const order = Number(await page.locator("#neuron-number").inputValue());
  await said(page, "a-neuron-said", new RegExp(`^Neuron ${order} `));
  const image = await page.locator("#a-picture .hero-cells").getAttribute("href");
  await page.locator("#a-before").click();
  await page.locator("#a-shown", { hasText: `epoch ${epochs.at(-2)}` }).waitFor();
  await until(page, `document.querySelector("#a-picture .hero-cells").getAttribute("href") !== ${JSON.stringify(image)}`);
  await until(page, `location.hash === "#a=0@${epochs.at(-2)}&neuron=${order}"`);
  await page.reload();
  await page.locator("#a-shown", { hasText: `epoch ${epochs.at(-2)}` }).waitFor();
  await said(page, "a-neuron-said", new RegExp(`^Neuron ${order} `));
  assert.equal(await page.locator("#a-run option").nth(1).textContent(), "<i>other");
  const { origin } = new URL(explore.address);
  assert.ok(
    requests.every((url) => url.startsWith(origin)),
    "nothing but its own server is asked",
  );
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("an ablation moves the numbers, by as much as the analysis says; two models stand beside each other", options, async () => {
  const { page, complaints } = await opened(explore.address);
  const epochs = keptEpochs(path);
  const model = await load(join(path, `step-${String(epochs.at(-1)).padStart(9, "0")}.safetensors`));
  const circuits = (await analyze(model, ["circuits"], { runtime })).circuits as CircuitsResult;
  await said(page, "a-said", /^Accuracy/);
  await page.locator("#break").scrollIntoViewIfNeeded();
  await said(page, "a-break-said", /with nothing switched off.* No task loses anything/);
  await page.locator("#break-set").selectOption("all");
  await page.locator("#break-heads input").nth(1).check();
  await said(page, "a-break-said", /without attention head 1/);
  await page.locator("#a-break-table").locator("xpath=ancestor::details").locator("summary").click();
  const rows = await page.locator("#a-break-table tr").allTextContents();
  assert.equal(rows.length, 1 + circuits.q.length);
  const cells = await page.locator("#a-break-table td").allTextContents();
  circuits.q.forEach((q, i) => {
    const [task, whole, broken] = cells.slice(7 * i, 7 * i + 3).map(Number) as [number, number, number];
    assert.equal(task, q);
    const lost = circuits.attention.accuracy_lost[1]?.[i] ?? Number.NaN;
    assert.ok(Math.abs(whole - broken - lost) < 2e-4, `task ${q}: ${whole} − ${broken}, the analysis says ${lost}`);
  });
  await page.locator("#break-neurons").fill("3, x");
  await said(page, "a-break-said", /neurons: must be whole numbers between commas/);
  await page.locator("#break-neurons").fill("");
  await page.locator("#compare").click();
  await said(page, "b-said", /^Accuracy/);
  await said(page, "b-neuron-said", /^Neuron \d+/);
  await said(page, "b-break-said", /without attention head 1/);
  await page.locator("#b-before").click();
  await page.locator("#b-shown", { hasText: `epoch ${epochs.at(-2)}` }).waitFor();
  await until(page, `location.hash.includes("b=1@${epochs.at(-2)}")`);
  await said(page, "a-patch-said", /^Nothing is patched yet/);
  await page.locator("#patch-run").click();
  for (const id of ["a", "b"]) await said(page, `${id}-patch-said`, /answers as the source in \d\.\d+ of 600 pairs/);
  const bars = await page.locator("#a-patch-bars").innerHTML();
  await page.locator("#patch-circuit").selectOption({ index: 3 });
  assert.notEqual(await page.locator("#a-patch-bars").innerHTML(), bars);
  await page.locator("#analysis-id").selectOption("svd");
  await page.locator("#analysis-run").click();
  await page.locator('#analysis-figure[data-live="yes"]').waitFor();
  assert.equal(await page.locator("#analysis-figure .legend span").count(), 2, "both checkpoints are drawn");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.locator('#analysis-figure [data-get="csv"]').click(),
  ]);
  assert.match(readFileSync(await download.path(), "utf8"), /small@/);
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("watch shows a run as it grows, and goes on through a stop, a resume, the end and a new beginning", options, async () => {
  const growing = join(folder, "growing");
  const config = { ...SMALL, epochs: 400_000 };
  const stop = new AbortController();
  let ticks = 0;
  const training = trainRun(config, growing, {
    runtime,
    omega: false,
    signal: stop.signal,
    onTick: () => {
      ticks += 1;
    },
  });
  while (ticks < 5) await new Promise((resolve) => setTimeout(resolve, 20));
  const server = await served([growing], "watch");
  const { page, complaints } = await opened(server.address);
  await said(page, "training-said", /^In training: epoch [\d,]+ of 400,000; (about .* left at|the time left is not known yet)/);
  await page.locator('#training-curves[data-live="yes"]').waitFor();
  const epochNow = async () =>
    Number(/epoch ([\d,]+) of/.exec((await page.locator("#training-said").textContent()) ?? "")?.[1]?.replace(",", ""));
  const then = await epochNow();
  await until(
    page,
    `Number(/epoch ([\\d,]+) of/.exec(document.querySelector("#training-said").textContent)[1].replace(",", "")) > ${then}`,
  );
  await said(page, "a-said", /^Accuracy/);
  stop.abort();
  const { epoch } = await training;
  await said(page, "training-said", /^Stopped: epoch [\d,]+ of 400,000; nobody trains it now/);
  const target = Math.max(300, epoch + 50);
  await resumeRun(growing, target, { runtime, omega: false });
  await said(page, "training-said", new RegExp(`^Finished: epoch ${formatNumber(target)} of ${formatNumber(target)}`));
  await page.locator("#a-shown", { hasText: `epoch ${formatNumber(target)}` }).waitFor();
  await page.locator('#training-neurons[data-live="yes"]').waitFor();
  rmSync(growing, { recursive: true });
  await said(page, "training-said", /^Not there: .*no such run directory/);
  await trainRun({ ...SMALL, epochs: 20 }, growing, { runtime, omega: false });
  await said(page, "training-said", /^Finished: epoch 20 of 20/);
  await page.locator("#a-shown", { hasText: "epoch 20" }).waitFor();
  assert.deepEqual(complaints, []);
  await server.close();
  await said(page, "training-said", /^The server does not answer/);
  await page.context().close();
});

test("axe finds nothing in both themes, wide and narrow; nothing scrolls sideways", options, async () => {
  const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core")).replace(/axe\.js$/, "axe.min.js"), "utf8");
  for (const [width, colorScheme] of [
    [1400, "light"],
    [390, "dark"],
  ] as const) {
    const { page, complaints } = await opened(explore.address, {
      viewport: { width, height: 900 },
      colorScheme,
      bypassCSP: true,
    });
    await said(page, "a-neuron-said", /^Neuron \d+/);
    await page.locator("#break").scrollIntoViewIfNeeded();
    await said(page, "a-break-said", /^Accuracy/);
    if (width > 1000) await page.locator("#compare").click();
    if (width > 1000) await said(page, "b-break-said", /^Accuracy/);
    await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
    assert.ok(Number(await page.evaluate("document.documentElement.scrollWidth")) <= width, `${width} px`);
    await page.evaluate(axe);
    const found = await page.evaluate(
      "axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 160)).slice(0, 3).join(' | ')))",
    );
    assert.deepEqual(found, [], `${width} px, ${colorScheme}: ${found}`);
    assert.deepEqual(complaints, []);
    await page.context().close();
  }
});
