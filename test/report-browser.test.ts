import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Analysis } from "../src/analyses/kit/define.ts";
import { buildReport } from "../src/report/index.ts";
import { type BrowserPage, findChromium, openPage } from "./helpers/chromium.ts";
import { made, madeInput, madeRun, pictures } from "./helpers/report.ts";

const browser = findChromium();
const options = { skip: browser === undefined ? "no Chromium on this machine" : false };
const HOSTILE = "<img src=x onerror=window.hurt=1>";

let folder = "";
let page: BrowserPage;

before(async () => {
  if (browser === undefined) return;
  folder = mkdtempSync(join(tmpdir(), "miiii-report-"));
  const { html } = await buildReport(
    madeInput([madeRun(HOSTILE), madeRun("=1+1"), madeRun("c")], [made, pictures] as Analysis[], true),
  );
  writeFileSync(join(folder, "index.html"), html);
  page = await openPage(browser, `file://${join(folder, "index.html")}`);
});

after(async () => {
  if (browser === undefined) return;
  await page.close();
  rmSync(folder, { recursive: true });
});

const figure = (id: string) => `document.querySelector('figure[data-figure="figure-${id}"]')`;

/** Brings a figure into view and waits until it is live. */
async function enlivened(id: string): Promise<void> {
  await page.evaluate(`${figure(id)}.scrollIntoView()`);
  await page.until(`${figure(id)}.dataset.live === "yes"`);
}

test("the page asks for itself alone, its figures come alive on view, and nothing is complained of", options, async () => {
  await enlivened("made");
  await enlivened("pictures");
  assert.equal(await page.evaluate(`${figure("pictures")}.querySelectorAll(".drawing image").length`), 2);
  assert.deepEqual(
    page.requests.map((url) => url.split("/").at(-1)),
    ["index.html"],
  );
  assert.deepEqual(page.complaints, []);
  assert.equal(await page.evaluate("window.hurt === undefined"), true);
  const text = String(await page.evaluate("document.querySelector('h1').textContent"));
  assert.ok(text.includes(HOSTILE), text);
});

test("the policy holds: code from text, requests and foreign scripts are refused", options, async () => {
  assert.match(
    String(await page.evaluate("(() => { try { return new Function('return 1')(); } catch (error) { return error.name; } })()")),
    /EvalError/,
  );
  assert.equal(await page.evaluate('fetch("http://127.0.0.1:9/x").catch((error) => error.name)'), "TypeError");
  const script = 'Object.assign(document.createElement("script"), { textContent: "window.foreign = 1" })';
  await page.evaluate(`document.body.appendChild(${script}) && 0`);
  assert.equal(await page.evaluate("window.foreign === undefined"), true);
  const said = page.complaints.filter((complaint) => complaint.includes("Content Security Policy"));
  assert.ok(said.length >= 2, page.complaints.join("\n"));
  page.complaints.length = 0;
});

test("the live figure is the still one; its picker changes the image", options, async () => {
  await enlivened("pictures");
  const image = `${figure("pictures")}.querySelector(".drawing image").getAttribute("href")`;
  const before = await page.evaluate(image);
  assert.match(String(before), /^data:image\/png/);
  await page.evaluate(
    `(() => { const select = ${figure("pictures")}.querySelector(".controls select"); select.value = "second"; select.dispatchEvent(new Event("input", { bubbles: true })); select.dispatchEvent(new Event("change", { bubbles: true })); })()`,
  );
  await page.until(`${image} !== ${JSON.stringify(before)}`);
});

test("dragging the brush moves the detail", options, async () => {
  await enlivened("pictures");
  // Four axes begin at 0, the image's and the detail's; those of the detail move away from it.
  const zeros = `[...${figure("pictures")}.querySelectorAll(".drawing text")].filter((text) => text.textContent === "0").length`;
  const before = Number(await page.evaluate(zeros));
  assert.ok(before >= 4);
  const box = (await page.evaluate(
    `(() => { const { x, y, width, height } = ${figure("pictures")}.querySelector(".drawing image").getBoundingClientRect(); return { x, y, width, height }; })()`,
  )) as Record<string, number>;
  const at = (fx: number, fy: number) => ({
    x: (box.x ?? 0) + fx * (box.width ?? 0),
    y: (box.y ?? 0) + fy * (box.height ?? 0),
    button: "left",
    clickCount: 1,
  });
  await page.send("Input.dispatchMouseEvent", { type: "mousePressed", ...at(0.97, 0.97) });
  for (const f of [0.6, 0.4, 0.3]) await page.send("Input.dispatchMouseEvent", { type: "mouseMoved", ...at(f, f), buttons: 1 });
  await page.send("Input.dispatchMouseEvent", { type: "mouseReleased", ...at(0.3, 0.3) });
  await page.until(`${zeros} === ${before - 2}`, 10_000);
});

test("downloads: SVG, PNG, CSV and the spec", options, async () => {
  await page
    .send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder })
    .catch(() => page.send("Page.setDownloadBehavior", { behavior: "allow", downloadPath: folder }));
  // What would be saved is read where it is made: the blob that a link is pointed at.
  await page.evaluate(
    `(() => { window.saved = {}; HTMLAnchorElement.prototype.click = function () { const { download, href } = this; const request = window.blobs.get(href); window.saved[download] = request; }; window.blobs = new Map(); const make = URL.createObjectURL; URL.createObjectURL = (blob) => { const url = make(blob); window.blobs.set(url, blob); return url; }; })()`,
  );
  for (const what of ["svg", "png", "csv", "spec"])
    await page.evaluate(`${figure("made")}.querySelector('[data-get="${what}"]').click()`);
  await page.until(`Object.keys(window.saved).length === 4`);
  const text = async (name: string) => String(await page.evaluate(`window.saved[${JSON.stringify(name)}].text()`));
  const csv = (await text("figure-made.csv")).split("\n");
  assert.equal(csv.length - 1, 1 + 9 + 1, "three runs of three values, and the null");
  assert.ok(csv.some((line) => line.includes(HOSTILE)) && csv.some((line) => line.includes("'=1+1")), "no cell is a formula");
  const spec = JSON.parse(await text("figure-made.vl.json")) as { config?: object; datasets?: object };
  assert.ok(spec.config !== undefined && spec.datasets !== undefined);
  assert.match(await text("figure-made.svg"), /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  const header = (await page.evaluate(
    `window.saved["figure-made.png"].arrayBuffer().then((bytes) => [...new Uint8Array(bytes).slice(1, 4)])`,
  )) as number[];
  assert.deepEqual(header, [...Buffer.from("PNG")]);
});

test("data as a table, the theme and print", options, async () => {
  const table = `${figure("made")}.querySelector("details.data")`;
  await page.evaluate(`${table}.open = true`);
  await page.until(`${table}.querySelectorAll("tbody tr").length === 10`);
  const background = "getComputedStyle(document.body).backgroundColor";
  const light = await page.evaluate(background);
  await page.evaluate(`document.getElementById("theme").click()`);
  assert.notEqual(await page.evaluate(background), light);
  await page.evaluate(`document.getElementById("theme").click()`);
  assert.equal(await page.evaluate(background), light);
  await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
  await page.evaluate("delete document.documentElement.dataset.theme");
  assert.notEqual(await page.evaluate(background), light);
  const { data } = (await page.send("Page.printToPDF", {})) as { data: string };
  assert.equal(Buffer.from(data, "base64").subarray(0, 5).toString("latin1"), "%PDF-");
  assert.deepEqual(page.complaints, []);
});

test("a narrow page does not scroll sideways, and its figures stay still until asked", options, async () => {
  const narrow = await openPage(browser ?? "", `file://${join(folder, "index.html")}`, [390, 800]);
  try {
    await narrow.send("Emulation.setDeviceMetricsOverride", { width: 390, height: 800, deviceScaleFactor: 1, mobile: true });
    await narrow.until("document.documentElement.scrollWidth <= 390");
    await narrow.evaluate(`${figure("pictures")}.scrollIntoView()`);
    assert.equal(await narrow.evaluate(`${figure("pictures")}.dataset.live === undefined`), true);
    await narrow.evaluate(`${figure("pictures")}.querySelector('[data-get="live"]').click()`);
    await narrow.until(`${figure("pictures")}.dataset.live === "yes"`);
    assert.equal(await narrow.evaluate("document.documentElement.scrollWidth <= 390"), true);
    assert.deepEqual(narrow.complaints, []);
  } finally {
    await narrow.close();
  }
});

test("without JavaScript the drawings, the claims and the first rows are there", options, async () => {
  const still = await openPage(browser ?? "", "about:blank");
  try {
    await still.send("Emulation.setScriptExecutionDisabled", { value: true });
    await still.send("Page.navigate", { url: `file://${join(folder, "index.html")}` });
    await still.until('location.protocol === "file:" && document.readyState === "complete"');
    const count = (selector: string) => still.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`);
    assert.equal(await count("html.js"), 0, "no script has run");
    assert.equal(await count("figure .drawing > svg"), 5, "two of analyses and three that need no run");
    assert.equal(await count("#claim-all-heads .verdict"), 1);
    assert.ok(Number(await count("details.data tbody tr")) >= 10);
  } finally {
    await still.close();
  }
});
