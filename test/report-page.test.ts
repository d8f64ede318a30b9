import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Analysis } from "../src/analyses/kit/define.ts";
import { rememberedDraw } from "../src/cli/report-drawings.ts";
import type { Json } from "../src/core/index.ts";
import { NULL_COLOR, runStyles } from "../src/figures/index.ts";
import {
  buildReport,
  comparedBody,
  drawAhead,
  type FigureToDraw,
  figurePage,
  loadBundles,
  PENDING,
  reportMark,
} from "../src/report/index.ts";
import { renderMarkdown } from "../src/report/markdown.ts";
import { compactSvg, prefixIds } from "../src/report/svg.ts";
import { shortPath } from "../src/report/svg-path.ts";
import { made, madeInput, madeRun, pictures } from "./helpers/report.ts";

/** Tags of a page outside its scripts and styles, as [name, attributes]. */
function tagsOf(html: string): { readonly name: string; readonly attributes: string }[] {
  const plain = html.replace(/(<(script|style)[^>]*>)[\s\S]*?<\/\2>/g, "$1");
  return [...plain.matchAll(/<([a-z][a-z0-9]*)((?:\s[^<>]*)?)>/gi)].map(([, name, attributes]) => ({
    name: (name ?? "").toLowerCase(),
    attributes: attributes ?? "",
  }));
}

/** What stands in a payload of a page. */
function payloadOf(html: string, id: string): unknown {
  const [, text] = new RegExp(`<script type="text/plain" id="${id}">([\\w+/=]*)</script>`).exec(html) ?? assert.fail(`no ${id}`);
  return JSON.parse(gunzipSync(Buffer.from(text ?? "", "base64")).toString());
}

const HOSTILE = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'\` onload="x" &lt;b&gt; [x](javascript:alert(3))`;

test("nothing from a run or a file name reaches the page unescaped", async () => {
  const hostile = madeRun(HOSTILE, {
    path: `/runs/${HOSTILE}`,
    sha256: HOSTILE,
    config: { ...madeRun("x").config, preset: HOSTILE },
    provenance: { command: HOSTILE, versions: { [HOSTILE]: HOSTILE }, [HOSTILE]: HOSTILE, runtime: HOSTILE },
    results: { made: { result: { values: [1, 2] }, metrics: { [HOSTILE]: 1 } } },
    missing: { pictures: HOSTILE },
  });
  const input = { ...madeInput([hostile, madeRun("plain")], [made, pictures] as Analysis[]), title: HOSTILE, stamp: HOSTILE };
  const { html } = await buildReport({ ...input, generator: { version: HOSTILE, command: HOSTILE, commit: HOSTILE } });
  const tags = tagsOf(html);
  assert.equal(tags.filter(({ name }) => name === "img").length, 0);
  assert.equal(
    tags.filter(({ name }) => name === "script").length,
    10,
    "the mark, the index, two runs, two specs and the four of the page",
  );
  for (const { name, attributes } of tags) {
    const names = [...attributes.replace(/="[^"]*"/g, "=").matchAll(/([\w:-]+)=?/g)].map(([, attribute]) => attribute ?? "");
    assert.deepEqual(
      names.filter((attribute) => /^on/i.test(attribute)),
      [],
      `${name} ${attributes}`,
    );
    assert.doesNotMatch(attributes, /href="(?!#|https?:\/\/|data:image\/png;base64,)/, attributes);
  }
  // In scripts it stands as JSON, whose < are escaped: no element can end early.
  const json = /<script type="application\/json" id="page-index">([^<]*)<\/script>/.exec(html)?.[1] ?? assert.fail("no index");
  assert.ok(JSON.stringify(JSON.parse(json)).includes(JSON.stringify(HOSTILE).slice(1, -1)));
  assert.ok(!html.includes("<script>alert"));
});

test("the policy allows the page's own scripts by hash, and nothing else", async () => {
  const { html } = await buildReport(madeInput([madeRun("a")]));
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? assert.fail("no policy");
  assert.match(policy, /^default-src 'none'; script-src ('sha256-[\w+/=]+' ?){5}; /);
  assert.doesNotMatch(policy, /unsafe-eval|script-src[^;]*unsafe|https?:/);
  const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script]) => script ?? "");
  assert.equal(scripts.length, 5);
  for (const script of scripts) assert.ok(policy.includes(createHash("sha256").update(script).digest("base64")));
  assert.doesNotMatch(html.replace(/<script[\s\S]*?<\/script>/g, ""), / (src|srcset|action|ping|poster|background)=/);
});

test("the same input gives the same bytes; a time stamp stands outside of them", async () => {
  const input = madeInput([madeRun("a"), madeRun("b")], [made, pictures] as Analysis[]);
  const [one, two, stamped] = [
    await buildReport(input),
    await buildReport(input),
    await buildReport({ ...input, stamp: "2024-11-29" }),
  ];
  assert.equal(one.html, two.html);
  assert.notEqual(stamped.html, one.html);
  assert.equal(comparedBody(stamped.html), comparedBody(one.html));
  const other = await buildReport({ ...input, runs: [madeRun("a"), madeRun("c")] });
  assert.notEqual(comparedBody(other.html), comparedBody(one.html));
});

test("an analysis that no run has a result of costs a line with its reason, not a section; the table of one run says settings", async () => {
  const reason = "needs an addition model";
  const { pictures: _, ...results } = madeRun("a").results;
  const run = (label: string) => madeRun(label, { results, missing: { pictures: reason } });
  const { html } = await buildReport(madeInput([run("a")], [made, pictures] as Analysis[]));
  assert.match(
    html,
    /<section id="absent">[\s\S]*<tr id="analysis-pictures"><th scope="row">Images and bars<\/th><td>needs an addition model<\/td>/,
  );
  assert.doesNotMatch(html, /<section id="analysis-pictures">/);
  assert.match(html, /<th scope="col">setting<\/th><th scope="col">a<\/th>/);
  const two = await buildReport(madeInput([run("a"), madeRun("b")], [made] as Analysis[]));
  assert.doesNotMatch(two.html, /id="absent"/);
  assert.match(two.html, /<th scope="col">differs in<\/th>/);
});

test("of runs whose results have nothing to draw a line says why; beside others they are left out of the figure, not of the numbers", async () => {
  const idle = { ...made, idle: ({ values }: { values: number[] }) => (values.length === 0 ? "has no values" : undefined) };
  const none = (label: string) => madeRun(label, { results: { made: { result: { values: [] }, metrics: { largest: 7 } } } });
  const { html } = await buildReport(madeInput([none("a")], [idle] as unknown as Analysis[]));
  assert.match(html, /<tr id="analysis-made"><th scope="row">[^<]*<\/th><td>has no values<\/td>/);
  assert.doesNotMatch(html, /<section id="analysis-made">/);
  const both = await buildReport(madeInput([none("a"), madeRun("b")], [idle] as unknown as Analysis[]));
  assert.match(both.html, /nothing to draw of 1 of 2 runs/);
  const section = /<section id="analysis-made">[\s\S]*?<\/section>/.exec(both.html)?.[0] ?? assert.fail("section");
  assert.match(section, /runs of figure[^>]*><span>(?:<svg[\s\S]*?<\/svg>)?b<\/span><\/div>/);
  assert.match(section, /metrics of 2 runs/);
});

test("the answer comes first, claims are folded with their reasons, and each link leads to what is there", async () => {
  const { html, claims } = await buildReport(madeInput([madeRun("a", { missing: { curves: "is a lone file" } })]));
  const order = ["<h1>", 'class="verdicts"', 'id="claims"', 'id="figure-made"', 'id="provenance"'].map((mark) =>
    html.indexOf(mark),
  );
  assert.ok(
    order.every((place, i) => place > (order[i - 1] ?? 0)),
    order.join(" "),
  );
  assert.ok(claims.length > 20);
  for (const { id, verdict, why } of claims) {
    const [row] = new RegExp(`<li id="claim-${id}"[\\s\\S]*?</li>`).exec(html) ?? assert.fail(id);
    assert.equal(verdict, "not tested", `${id}: nothing but a made-up analysis was run`);
    assert.match(row, /data-verdict="not tested"/);
    assert.ok((why ?? "").length > 5);
  }
  assert.match(html, /curves is a lone file/);
  for (const [, id] of html.matchAll(/ href="#([^"]*)"/g)) assert.ok(html.includes(` id="${id}"`), `#${id}`);
});

test("drawings with definitions of their own stand on one page, every id once", async () => {
  const twin = { ...pictures, id: "twin" };
  const both = { pictures: { result: { p: 5 }, metrics: {} }, twin: { result: { p: 7 }, metrics: {} } };
  const { html } = await buildReport(madeInput([madeRun("a", { results: both })], [pictures, twin] as Analysis[]));
  const page = html.replace(/<script[\s\S]*?<\/script>/g, "");
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id ?? "");
  assert.equal(new Set(ids).size, ids.length);
  const used = [...page.matchAll(/url\(#([^)]*)\)/g)].map(([, id]) => id ?? "");
  assert.ok(used.length >= 4 && used.every((id) => ids.includes(id)), "each reference has its definition");
  assert.ok(used.some((id) => id.startsWith("figure-pictures-")) && used.some((id) => id.startsWith("figure-twin-")));
});

test("a run without a result is named, and keeps its color from the others", async () => {
  const seeded = (label: string, seed: number) => madeRun(label, { config: { ...madeRun("a").config, seed } });
  const runs = [seeded("a", 0), { ...seeded("b", 1), results: {}, missing: { made: "a reason" } }, seeded("c", 2)];
  const { html } = await buildReport(madeInput(runs));
  const section = /<section id="analysis-made">[\s\S]*?<\/section>/.exec(html)?.[0] ?? "";
  assert.match(section, /<th scope="row">a<\/th><td>1<\/td><\/tr><tr><th scope="row">c<\/th><td>1\.<\/td>/);
  assert.match(section, /no result for 1 of 3 runs[\s\S]*<td>b<\/td><td>a reason<\/td>/);
  const styles = runStyles(runs);
  const strokes = [...section.matchAll(/<path [^>]*stroke="(#[0-9a-f]{6})"/g)].map(([, color]) => color ?? "");
  assert.deepEqual(
    [...new Set(strokes.filter((color) => color !== NULL_COLOR))].sort(),
    ["a", "c"].map((label) => styles.get(label)?.color ?? "").sort(),
  );
  assert.equal(new Set(["a", "b", "c"].map((label) => styles.get(label)?.color)).size, 3);
});

test("a figure has a number, a caption that states it, its text alternative, its downloads, and says so where it cannot be drawn", async () => {
  const broken = { ...made, id: "broken", figure: () => assert.fail("a <reason>") } as unknown as Analysis;
  const { html } = await buildReport(
    madeInput(
      [madeRun("a", { results: { ...madeRun("a").results, broken: { result: { values: [1] }, metrics: {} } } })],
      [made as Analysis, broken],
    ),
  );
  const section = /<section id="analysis-made">[\s\S]*?<\/section>/.exec(html)?.[0] ?? "";
  assert.match(
    section,
    /<b>Figure 1\. <span class="title">Values reach 1 in 1 runs<\/span>\.<\/b> Values over their index\.<\/figcaption>\n<div class="says"><p>a: 1\.<\/p><\/div>/,
  );
  assert.match(section, /role="region" tabindex="0" aria-label="A made-up analysis\. Values over their index\."><svg/);
  assert.match(section, /&lt;b&gt;markup&lt;\/b&gt;/);
  for (const what of ["svg", "png", "csv", "spec"]) assert.match(section, new RegExp(`data-get="${what}"`));
  assert.match(html, /could not be drawn: a &lt;reason&gt;/);
});

test("usage: no runs, or two of one label", async () => {
  await assert.rejects(buildReport(madeInput([])), { name: "MiiiiError", code: "usage" });
  await assert.rejects(buildReport(madeInput([madeRun("a"), madeRun("a")])), /got a twice/);
});

test("results stand in the page once, packed; a spec that the page's script cannot make stands there with its values", async () => {
  const { html, bytes } = await buildReport(madeInput([madeRun("a")], [made, pictures] as Analysis[], true));
  assert.ok(bytes === Buffer.byteLength(html) && bytes > 832_000);
  assert.deepEqual((payloadOf(html, "run-0") as { results: unknown }).results, {
    made: { values: [0.25, 1, 0.75] },
    pictures: { p: 41 },
  });
  const spec = JSON.stringify(payloadOf(html, "spec-made"));
  assert.ok(spec.includes('"value":0.75') && !spec.includes("data:image"));
  const entries = [{ label: "<a>", result: { values: [1, 2] }, config: madeRun("a").config }];
  const single = await figurePage(made as Analysis, entries);
  assert.ok(single.includes("&lt;a&gt;") && !single.includes("<a>"));
});

test("bundles hold nothing that would end a script element early", async () => {
  for (const source of Object.values(await loadBundles())) assert.doesNotMatch(source, /<\/script|<!--|sourceMappingURL/i);
});

test("compact drawings: what many marks say alike is said once, boxes drawn alike are one path at the same places", () => {
  const square = (x: number, y: number, fill: string) =>
    `<path aria-label="cell" role="x" transform="translate(${x},${y})" d="M-2.00001,-2h4v4h-4Z" fill="${fill}" stroke="currentColor"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g class="a" transform="translate(0,0)"><path class="background" d="M0,0h9v9h-9Z"/><g class="marks">${square(3, 4, "red")}${square(8.5, 4, "red")}${square(13, 4, "blue")}</g><path class="foreground" d="" display="none"/></g><text font-family="x, y" font-size="9px" fill="red">a &lt; b</text></svg>`;
  assert.equal(
    compactSvg(svg),
    '<svg font-family="x, y" xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g stroke="currentColor"><path fill="red" d="m1 2h4v4h-4zm5.5 0h4v4h-4z"/><path fill="blue" d="m11 2h4v4h-4z"/></g><text font-size="9px" fill="red">a &lt; b</text></svg>',
  );
  const point = '<path transform="translate(3,4)" d="M2.5,0A2.5,2.5,0,1,1,-2.5,0A2.5,2.5,0,1,1,2.5,0" fill="rgb(0, 114, 178)"/>';
  assert.equal(
    compactSvg(`<svg>${point}</svg>`),
    '<svg><path stroke="#0072b2" stroke-width="5" stroke-linecap="round" d="m3 4l0 0"/></svg>',
  );
  const seeThrough = point.replace("fill=", 'opacity="0.5" fill=');
  assert.equal(compactSvg(`<svg>${seeThrough}</svg>`), '<svg><circle cx="3" cy="4" r="2.5" opacity="0.5" fill="#0072b2"/></svg>');
  const tick = (x: number) => `<line transform="translate(${x},0)" x2="0" y2="5" stroke="red"/>`;
  assert.equal(
    compactSvg(`<svg>${tick(1)}${tick(4.5)}<text transform="translate(2,3)">a</text></svg>`),
    '<svg><path stroke="red" d="m1 0l0 5m3.5-5l0 5"/><text x="2" y="3">a</text></svg>',
  );
  const faint = svg.replaceAll('stroke="currentColor"', 'opacity="0.5"');
  assert.equal((compactSvg(faint).match(/<path/g) ?? []).length, 3, "where overlaps would show, boxes stay apart");
});

test("paths in steps end where they should: rounding does not add up", () => {
  assert.equal(shortPath("M0,10L1.26,9.7L2.52,9.4Z"), "m0 10l1.3-.3 1.2-.3z");
  assert.equal(shortPath("M1,2C3,4,5,6,7,8"), "M1,2C3,4,5,6,7,8");
  const points = Array.from({ length: 500 }, (_, i) => [i / 3, 50 * Math.sin(i)] as const);
  const short = shortPath(points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x},${y}`).join(""));
  const numbers = [...short.matchAll(/-?(?:\d+(?:\.\d+)?|\.\d+)/g)].map(([text]) => Number(text));
  let [x, y] = [0, 0];
  points.forEach(([px, py], i) => {
    x += numbers[2 * i] ?? Number.NaN;
    y += numbers[2 * i + 1] ?? Number.NaN;
    assert.ok(Math.abs(x - px) < 0.0501 && Math.abs(y - py) < 0.0501, `point ${i}`);
  });
});

test("ids of inlined drawings do not collide, and text that looks like one stays", () => {
  const svg = '<svg><defs><linearGradient id="g0"/></defs><rect fill="url(#g0)"/><use href="#g0"/><text>url(#g0)</text></svg>';
  assert.equal(
    prefixIds(svg, "f-"),
    '<svg><defs><linearGradient id="f-g0"/></defs><rect fill="url(#f-g0)"/><use href="#f-g0"/><text>url(#g0)</text></svg>',
  );
});

test("definitions: Markdown's common forms, and HTML as text", () => {
  assert.equal(
    renderMarkdown(
      "A `x*y*z`, *one* and **two**; Σ_k a_k b_k.\nGoes on.\n\n- first\n  goes on\n- `|F| > μ+2σ`\n\n| a | b |\n|---|---|\n| 1 | <i>2</i> |",
    ),
    `<p>A <code>x*y*z</code>, <em>one</em> and <strong>two</strong>; Σ_k a_k b_k. Goes on.</p>
<ul><li>first goes on</li><li><code>|F| &gt; μ+2σ</code></li></ul>
<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>&lt;i&gt;2&lt;/i&gt;</td></tr></tbody></table>`,
  );
  assert.equal(
    renderMarkdown("[a](https://x.org/b) [c](javascript:d)"),
    '<p><a href="https://x.org/b" rel="noreferrer">a</a> [c](javascript:d)</p>',
  );
  assert.equal(renderMarkdown("```\n<b> *x*\n```\n## T"), "<pre><code>&lt;b&gt; *x*</code></pre>\n<h5>T</h5>");
});

test("a page that is written before all results says so, is known by its mark, and is drawn by what it is given", async () => {
  const [input, drawn] = [madeInput([madeRun("a"), madeRun("b")]), [] as string[]];
  const draw = async ({ spec }: FigureToDraw) => {
    drawn.push(JSON.stringify(spec()));
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" viewBox="0 0 9 9"></svg>';
    return { svg, description: "What is drawn." };
  };
  const first = await buildReport({ ...input, identity: "0f0f", unfinished: { results: 1, of: 2 }, draw });
  assert.match(first.html, /Not finished:<\/strong> 1 of 2 results are there/);
  assert.equal(reportMark(first.html.slice(0, 16_384)), "0f0f");
  assert.doesNotMatch(first.html, /need other runs than these/);
  const last = await buildReport({ ...input, draw });
  assert.doesNotMatch(last.html, /Not finished/);
  assert.equal(reportMark(last.html), undefined);
  assert.ok(drawn.length > 0 && new Set(drawn).size < drawn.length);
  // Drawn ahead once every run's result is there, and not before.
  drawn.length = 0;
  const pending = madeRun("b", { results: {}, missing: { made: PENDING } });
  await drawAhead({ ...input, runs: [madeRun("a"), pending] }, draw);
  assert.equal(drawn.length, 0);
  await drawAhead(input, draw);
  assert.equal(drawn.length, 1);
});

test("a figure is drawn once, until something that it shows changes", async () => {
  const kept = new Map<string, Json>();
  const cache = {
    read: (key: string) => kept.get(key),
    write: (key: string, value: Json) => {
      kept.set(key, value);
    },
  };
  const input = madeInput([madeRun("a")]);
  const first = await buildReport({ ...input, draw: rememberedDraw(cache) });
  const drawings = kept.size;
  assert.ok(drawings > 0);
  // Another process: what is kept is all that it has.
  const again = await buildReport({ ...input, draw: rememberedDraw(cache) });
  assert.equal(kept.size, drawings);
  assert.equal(again.html, first.html);
  assert.equal((await buildReport(input)).html, first.html);
  await buildReport({ ...madeInput([madeRun("other")]), draw: rememberedDraw(cache) });
  assert.ok(kept.size > drawings);
});
