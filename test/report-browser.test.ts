import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import type { Analysis } from "../src/analyses/kit/define.ts";
import { construct } from "../src/model/index.ts";
import { buildReport } from "../src/report/index.ts";
import { presetConfig } from "../src/train/presets.ts";
import { findChromium, launchChromium, watched } from "./helpers/chromium.ts";
import { made, madeInput, madeRun, pictures } from "./helpers/report.ts";

const path = findChromium();
const options = { skip: path === undefined ? "no Chromium on this machine" : false };
const HOSTILE = "<img src=x onerror=window.hurt=1>";
const LABELS = [HOSTILE, "constructor", "toString", "=1+1"];

let folder = "";
let browser: Browser;

before(async () => {
  if (path === undefined) return;
  folder = mkdtempSync(join(tmpdir(), "miiii-report-"));
  const runs = LABELS.map((label, seed) => madeRun(label, { config: { ...madeRun(label).config, seed } }));
  const { html } = await buildReport(madeInput(runs, [made, pictures] as Analysis[], true));
  writeFileSync(join(folder, "index.html"), html);
  const { config, parameters } = construct({ task: "miiii", p: 13, d_model: 64 });
  const model = madeRun("written", { config: { ...presetConfig("miiii"), ...config }, parameters });
  writeFileSync(join(folder, "model.html"), (await buildReport(madeInput([model], [made] as Analysis[], true))).html);
  browser = await launchChromium(path);
});

after(async () => {
  if (path === undefined) return;
  await browser.close();
  rmSync(folder, { recursive: true });
});

const address = (name = "index") => `file://${join(folder, `${name}.html`)}`;

/** A figure of the page, in view and live. */
async function enlivened(page: Page, id: string) {
  const figure = page.locator(`#figure-${id}`);
  await figure.scrollIntoViewIfNeeded();
  await page.locator(`#figure-${id}[data-live="yes"]`).waitFor();
  return figure;
}

test(
  "the page asks for itself alone, its figures come alive on view, labels stay text, and nothing is complained of",
  options,
  async () => {
    const { page, complaints, requests } = await watched(browser, address());
    const figure = await enlivened(page, "made");
    for (const label of LABELS) assert.equal(await figure.locator(".legend button", { hasText: label }).count(), 1, label);
    assert.equal(await figure.locator(".drawing path[stroke='#0072b2']").count(), 1, "the first run's line");
    assert.equal(await (await enlivened(page, "pictures")).locator(".drawing image").count(), 2);
    assert.deepEqual(
      requests.map((url) => url.split("/").at(-1)),
      ["index.html"],
    );
    assert.deepEqual(complaints, []);
    assert.equal(await page.evaluate("window.hurt === undefined"), true);
    await page.context().close();
  },
);

test("the policy holds: code from text, requests and foreign scripts are refused", options, async () => {
  const { page, complaints } = await watched(browser, address());
  assert.equal(await page.evaluate('fetch("http://127.0.0.1:9/x").catch((error) => error.name)'), "TypeError");
  const script = 'Object.assign(document.createElement("script"), { textContent: "window.foreign = 1" })';
  await page.evaluate(`document.body.appendChild(${script}) && 0`);
  assert.equal(await page.evaluate("window.foreign === undefined"), true);
  assert.ok(complaints.filter((complaint) => complaint.includes("Content Security Policy")).length >= 2, complaints.join("\n"));
  await page.context().close();
});

test(
  "a figure's picker changes its picture, a legend puts a run into focus, the table and the downloads hold the values",
  options,
  async () => {
    const { page, complaints } = await watched(browser, address());
    const pictured = await enlivened(page, "pictures");
    const [controls, drawing] = await Promise.all([".controls", ".drawing"].map((part) => pictured.locator(part).boundingBox()));
    assert.ok(controls && drawing && controls.y + controls.height <= drawing.y, "what chooses stands above what it changes");
    const image = pictured.locator(".drawing image").first();
    const first = await image.getAttribute("href");
    await pictured.locator(".controls select").selectOption("second");
    await page.waitForFunction(
      `document.querySelector("#figure-pictures .drawing image").getAttribute("href") !== ${JSON.stringify(first)}`,
    );
    const figure = await enlivened(page, "made");
    const faded = figure.locator(".drawing path[opacity='0.12']");
    assert.equal(await faded.count(), 0);
    await figure.locator(".legend button", { hasText: "=1+1" }).click();
    await faded.nth(LABELS.length - 2).waitFor({ state: "attached" });
    assert.equal(await figure.locator(".legend button[aria-pressed='true']").textContent(), "=1+1");
    await figure.locator("details.data summary").click();
    await figure.locator("details.data tr").nth(13).waitFor();
    assert.equal(
      await figure.locator("details.data tr").count(),
      1 + 3 * LABELS.length + 1,
      "a head, three values a run, the null",
    );
    const saved = async (what: string) => {
      const [download] = await Promise.all([page.waitForEvent("download"), figure.locator(`[data-get="${what}"]`).click()]);
      return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
    };
    const csv = await saved("csv");
    assert.equal(csv.name, "figure-made.csv");
    const lines = csv.bytes.toString().trimEnd().split("\n");
    assert.equal(lines.length, 1 + 3 * LABELS.length + 1);
    assert.ok(
      lines.some((line) => line.includes(HOSTILE)) && lines.some((line) => line.includes("'=1+1")),
      "no cell is a formula",
    );
    assert.ok(
      lines.some((line) => /,constructor,/.test(line)),
      lines.join("\n"),
    );
    const drawn = async (which: string) => {
      await pictured.locator(".controls select").selectOption(which);
      const [download] = await Promise.all([page.waitForEvent("download"), pictured.locator('[data-get="csv"]').click()]);
      return readFileSync(await download.path(), "utf8")
        .trimEnd()
        .split("\n");
    };
    for (const which of ["first", "second"]) {
      const cells = (await drawn(which)).filter((line) => line.startsWith("a,"));
      assert.equal(cells.length, 41 * 41, "of two matrices the one that is drawn");
      assert.ok(
        cells.every((line) => line.includes(`,${which},`)),
        cells[0],
      );
    }
    const spec = JSON.parse((await saved("spec")).bytes.toString()) as { config?: object };
    assert.ok(spec.config !== undefined && JSON.stringify(spec).includes('"value":0.75'));
    assert.match((await saved("svg")).bytes.toString(), /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    assert.equal((await saved("png")).bytes.subarray(1, 4).toString(), "PNG");
    assert.deepEqual(complaints, []);
    await page.context().close();
  },
);

test("the model runs in the page: it answers, breaks without a head, and any head can be looked at", options, async () => {
  const { page, complaints } = await watched(browser, address("model"));
  await page.locator("#explore").scrollIntoViewIfNeeded();
  await page.locator('#explore[data-live="yes"]').waitFor();
  await page.locator("#ask-n").fill("121");
  const answers = page.locator("#ask-tasks button");
  await answers.filter({ hasText: /^11: 0$/ }).waitFor();
  assert.deepEqual(
    await answers.allTextContents(),
    [2, 3, 5, 7, 11].map((q) => `${q}: ${121 % q}`),
  );
  await answers.last().click();
  await page.locator("#ask-said", { hasText: "121 mod 11: the model says 0, which is right." }).waitFor();
  assert.match(
    (await page.locator("#ask-logits-said").textContent()) ?? "",
    /^Its 11 logits, .* the sum of 5 cosines, 100\s% of their variance/,
  );
  assert.match((await page.locator("#ask-clocks-said").textContent()) ?? "", /class c stands at k·c\/11 of a turn/);
  assert.match(
    (await page.locator("#learned-scale").textContent()) ?? "",
    /^Over all 169 inputs: .* orange [\d.]+, in all four alike/,
  );
  await page.locator("#break-said", { hasText: "1.00 whole (grey), 1.00 with these switches" }).waitFor();
  await page.locator("#break-head").selectOption("0");
  await page.locator("#break-said", { hasText: /1\.00 whole \(grey\), 0\.\d\d with these switches/ }).waitFor();
  assert.match(
    (await page.locator("#break-said").textContent()) ?? "",
    /\d tasks? loses? 0\.05 or more, .*q\s=\s\d+ \(1\.00 to 0\.\d\d\)/,
  );
  const shown = () => page.locator("#head-grids img").first().getAttribute("alt");
  assert.equal(await shown(), "attention to x₀ of head 0");
  assert.match(
    (await page.locator("#head-said").textContent()) ?? "",
    /^Head 0 gives on average \d+ % to x₀, \d+ % to x₁, \d+ % to '='/,
  );
  await page.locator("#head-number").selectOption("1");
  await page.locator("#head-said", { hasText: /^Head 1 gives/ }).waitFor();
  assert.equal(await shown(), "attention to x₀ of head 1");
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("dragging the brush moves the detail", options, async () => {
  const { page } = await watched(browser, address());
  const figure = await enlivened(page, "pictures");
  const zeros = figure.locator(".drawing text", { hasText: /^0$/ });
  const before = await zeros.count();
  const box = (await figure.locator(".drawing image").first().boundingBox()) ?? assert.fail("no image");
  const at = (f: number) => [box.x + f * box.width, box.y + f * box.height] as const;
  await page.mouse.move(...at(0.97));
  await page.mouse.down();
  for (const f of [0.6, 0.4, 0.3]) await page.mouse.move(...at(f));
  await page.mouse.up();
  // Four axes begin at 0, the image's and the detail's; those of the detail move away from it.
  for (let waited = 0; waited < 50 && (await zeros.count()) !== before - 2; waited++) await page.waitForTimeout(100);
  assert.equal(await zeros.count(), before - 2);
  await page.context().close();
});

test("the theme follows the system until the button says otherwise; the page prints", options, async () => {
  const { page, complaints } = await watched(browser, address());
  const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
  const light = await background();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await background();
  assert.notEqual(dark, light);
  await page.locator("#theme").click();
  assert.equal(await background(), light);
  assert.equal((await page.pdf()).subarray(0, 5).toString("latin1"), "%PDF-");
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("a narrow page does not scroll sideways, and its figures are laid out for it", options, async () => {
  const { page, complaints } = await watched(browser, address(), { viewport: { width: 390, height: 800 } });
  const figure = await enlivened(page, "made");
  assert.ok(Number(await page.evaluate("document.documentElement.scrollWidth")) <= 390);
  const box = (await figure.locator(".drawing svg").boundingBox()) ?? assert.fail("no drawing");
  assert.ok(box.width <= 390 && box.width > 250, `${box.width}`);
  await enlivened(page, "pictures");
  for (const id of ["made", "pictures"])
    assert.equal(
      await page.evaluate(
        `(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector("#figure-${id} .drawing"))`,
      ),
      true,
      `${id} is cut at the page's edge`,
    );
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("without JavaScript the answer, the claims and the drawings are there", options, async () => {
  const { page } = await watched(browser, address(), { javaScriptEnabled: false });
  assert.equal(await page.locator("html.js").count(), 0, "no script has run");
  assert.equal(await page.locator("figure .drawing > svg").count(), 5, "two of analyses and three that need no run");
  assert.equal(await page.locator("#claim-all-heads").count(), 1);
  assert.match((await page.locator("#figure-made figcaption").textContent()) ?? "", /^Figure 1\. Values reach 1 in 4 runs\. /);
  const section = page.locator("#analysis-made");
  await section.locator("summary", { hasText: "numbers" }).click();
  assert.equal(await section.locator("td.number", { hasText: "1" }).count(), LABELS.length, "the numbers are a table");
  assert.match((await section.locator("noscript").textContent()) ?? "", /miiii analyze made --csv/);
  await page.context().close();
});

test("axe finds nothing in both themes at three widths, and the keyboard reaches every control", options, async () => {
  const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core")).replace(/axe\.js$/, "axe.min.js"), "utf8");
  for (const [width, colorScheme] of [1400, 900, 390].flatMap((wide) => [[wide, "light"] as const, [wide, "dark"] as const])) {
    const { page } = await watched(browser, address(), { viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
    for (const id of ["made", "pictures"]) await enlivened(page, id);
    await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
    await page.evaluate(axe);
    const found = await page.evaluate(
      "axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 120)).slice(0, 3).join(' | ')))",
    );
    assert.deepEqual(found, [], `${width} px, ${colorScheme}`);
    await page.context().close();
  }
  const { page } = await watched(browser, address());
  await enlivened(page, "made");
  const wanted = Number(
    await page.evaluate(
      "[...document.querySelectorAll('#figure-made button, #theme, .verdicts button')].filter((button) => button.offsetParent !== null).length",
    ),
  );
  await page.evaluate(
    "window.reached = new Set(); document.addEventListener('focusin', ({ target }) => window.reached.add(target))",
  );
  await page.evaluate("document.activeElement.blur(), scrollTo(0, 0)");
  for (let i = 0; i < 120; i++) await page.keyboard.press("Tab");
  const reached = await page.evaluate(
    "[...document.querySelectorAll('#figure-made button, #theme, .verdicts button')].filter((button) => window.reached.has(button)).length",
  );
  assert.equal(reached, wanted);
  await page.context().close();
});
