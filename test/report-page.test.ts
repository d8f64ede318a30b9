import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Analysis } from "../src/analyses/kit/define.ts";
import { RUN_COLORS } from "../src/figures/index.ts";
import { buildReport, comparedBody, figurePage, loadBundles, MAX_PAGE_BYTES } from "../src/report/index.ts";
import { renderMarkdown } from "../src/report/markdown.ts";
import { fittingPage } from "../src/report/page.ts";
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
  assert.equal(tags.filter(({ name }) => name === "script").length, 6, "the mark, the specs and the four of the page");
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
  const json = /<script type="application\/json" id="figure-specs">([^<]*)<\/script>/.exec(html)?.[1] ?? assert.fail("no specs");
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

test("the claims come first, what is missing says so, and each claim links to a figure that is there", async () => {
  const { html, claims } = await buildReport(madeInput([madeRun("a", { missing: { curves: "is a lone file" } })]));
  const order = ["<h1>", 'id="claims"', 'id="provenance"', 'id="figure-made"'].map((mark) => html.indexOf(mark));
  assert.deepEqual(
    order.slice().sort((a, b) => a - b),
    order,
  );
  assert.ok(claims.length > 20);
  for (const { id, verdict, why, missing } of claims) {
    const [row] = new RegExp(`<tr id="claim-${id}">[\\s\\S]*?</tr>`).exec(html) ?? assert.fail(id);
    assert.equal(verdict, "not tested", `${id}: nothing but a made-up analysis was run`);
    assert.match(row, missing ? />missing<\/span>/ : />no value<\/span>/);
    assert.match(row, /not tested/);
    assert.ok((why ?? "").length > 5);
  }
  assert.match(html, /curves is a lone file/);
  assert.match(html, /<td><span class="missing">not recorded<\/span><\/td>/);
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
  const runs = [madeRun("a"), madeRun("b", { results: {}, missing: { made: "a reason" } }), madeRun("c")];
  const { html } = await buildReport(madeInput(runs));
  const section = /<section id="figure-made">[\s\S]*?<\/section>/.exec(html)?.[0] ?? "";
  assert.match(section, /<ul class="headline"><li>a: 1<\/li><li>c: 1\.<\/li><\/ul>/);
  assert.match(section, /Missing: b: a reason\./);
  const strokes = [...section.matchAll(/<path [^>]*stroke="(#[0-9a-f]{6})"/g)].map(([, color]) => color ?? "");
  assert.deepEqual([...new Set(strokes)], [RUN_COLORS[0], RUN_COLORS[2]]);
  const chips = [...html.matchAll(/class="chip" style="background:(#[0-9a-f]{6})"><\/span>c</g)].map(([, color]) => color);
  assert.ok(chips.length > 0 && chips.every((color) => color === RUN_COLORS[2]));
});

test("a figure has its text alternative, its data as a table, and says so where it cannot be drawn", async () => {
  const broken = { ...made, id: "broken", figure: () => assert.fail("a <reason>") } as unknown as Analysis;
  const { html } = await buildReport(
    madeInput(
      [madeRun("a", { results: { ...madeRun("a").results, broken: { result: { values: [1] }, metrics: {} } } })],
      [made as Analysis, broken],
    ),
  );
  const section = /<section id="figure-made">[\s\S]*?<\/section>/.exec(html)?.[0] ?? "";
  assert.match(section, /role="img" aria-label="Values over their index\. a: 1\."><svg/);
  assert.match(section, /<th scope="col">value<\/th>/);
  assert.match(section, /<td>a<\/td><td>0<\/td><td>0.25<\/td>/);
  assert.match(section, /&lt;b&gt;markup&lt;\/b&gt;/);
  for (const what of ["svg", "png", "csv", "spec"]) assert.match(section, new RegExp(`data-get="${what}"`));
  assert.match(html, /could not be drawn: a &lt;reason&gt;/);
});

test("usage: no runs, or two of one label", async () => {
  await assert.rejects(buildReport(madeInput([])), { name: "MiiiiError", code: "usage" });
  await assert.rejects(buildReport(madeInput([madeRun("a"), madeRun("a")])), /got a twice/);
});

test("an image is on the page once, its spec names it by its place", async () => {
  const { html } = await buildReport(madeInput([madeRun("a")], [pictures as Analysis]));
  const uris = [
    ...html.replace(/<section id="figure-dft">[\s\S]*?<\/section>/, "").matchAll(/data:image\/png;base64,[\w+/=]+/g),
  ].map(([uri]) => uri);
  assert.equal(uris.length, 3, "two drawn, and the one that the picker does not show");
  assert.equal(new Set(uris).size, 3);
  assert.match(html, /"url":"image:0"/);
});

test("a real page has its bundles, and keeps heavy figures still rather than grow beyond its limit", async () => {
  const { html, bytes, still } = await buildReport(madeInput([madeRun("a")], [made, pictures] as Analysis[], true));
  assert.ok(bytes === Buffer.byteLength(html) && bytes < MAX_PAGE_BYTES && bytes > 832_000);
  assert.deepEqual(still, []);
  const figures = [
    { id: "figure-small", spec: { mark: "point" } as never, tables: [] },
    { id: "figure-heavy", spec: { mark: "point", description: "x".repeat(50_000) } as never, tables: [] },
  ];
  const parts = {
    title: "t",
    contents: [],
    main: "<section></section>",
    figures,
    bundles: { vega: "", vegaLite: "", vegaEmbed: "" },
  };
  const fitting = fittingPage(parts, 40_000);
  assert.deepEqual(fitting.still, ["figure-heavy"]);
  assert.ok(Buffer.byteLength(fitting.html) <= 40_000 && fitting.html.includes("figure-small"));
  assert.ok(
    (await figurePage({ mark: "point", data: { values: [{}] } } as never, { title: "<t>", headline: "*h*" })).includes(
      "&lt;t&gt;",
    ),
  );
});

test("bundles hold nothing that would end a script element early", () => {
  for (const source of Object.values(loadBundles())) assert.doesNotMatch(source, /<\/script|<!--|sourceMappingURL/i);
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
