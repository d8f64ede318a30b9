/** The page's style sheet: light and dark, wide and narrow, screen and print. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --page: #ffffff; --ink: #1d2329; --soft: #5a6672; --line: #d8dee4; --panel: #f6f8fa; --link: #0a5ea8;
  --good: #0b6b3a; --fair: #8a5a00; --bad: #a3261b; --none: #5a6672; }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { --page: #14181c; --ink: #e4e8ec; --soft: #a0abb6; --line: #343c44;
  --panel: #1c2228; --link: #7cb8f0; --good: #6fd39b; --fair: #e8b54a; --bad: #ff8f80; --none: #a0abb6; } }
:root[data-theme="dark"] { color-scheme: dark; --page: #14181c; --ink: #e4e8ec; --soft: #a0abb6; --line: #343c44; --panel: #1c2228;
  --link: #7cb8f0; --good: #6fd39b; --fair: #e8b54a; --bad: #ff8f80; --none: #a0abb6; }
:root[data-theme="light"] { color-scheme: light; }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", Helvetica, Arial, sans-serif; }
a { color: var(--link); }
code, pre { font: 0.9em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; }
pre { overflow-x: auto; padding: 0.6rem 0.8rem; background: var(--panel); border-radius: 4px; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: 0.5rem; background: var(--page); padding: 0.3rem; z-index: 9; }
.layout { display: grid; grid-template-columns: 14rem minmax(0, 1fr); max-width: 110rem; margin: 0 auto; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; padding: 1.2rem 1rem; border-right: 1px solid var(--line); font-size: 0.9rem; }
nav ol { list-style: none; margin: 0.6rem 0 0; padding: 0; } nav li { margin: 0.15rem 0; }
nav a { display: block; padding: 0.12rem 0.4rem; border-radius: 4px; text-decoration: none; color: inherit; }
nav a:hover, nav a[aria-current="true"] { background: var(--panel); color: var(--link); }
nav summary { font-weight: 600; cursor: pointer; }
main { padding: 1.2rem 2rem 4rem; min-width: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.3rem; } h2 { font-size: 1.2rem; margin: 0 0 0.4rem; } h3 { font-size: 1rem; margin: 1rem 0 0.3rem; }
.lead { margin: 0 0 0.8rem; color: var(--soft); }
section { margin: 0 0 2.2rem; padding-top: 1rem; border-top: 1px solid var(--line); } section:first-of-type { border-top: 0; padding-top: 0; }
.anchor { text-decoration: none; color: var(--soft); font-weight: 400; margin-left: 0.3rem; opacity: 0; } h2:hover .anchor, .anchor:focus { opacity: 1; }
button, select, input { font: inherit; font-size: 0.85rem; }
button { padding: 0.15rem 0.6rem; border: 1px solid var(--line); border-radius: 4px; background: var(--panel); color: inherit; cursor: pointer; }
button:hover { border-color: var(--soft); } :focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
html:not(.js) .needs-js { display: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.87rem; line-height: 1.4; }
th, td { text-align: left; vertical-align: top; padding: 0.32rem 0.6rem 0.32rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-weight: 600; } tbody th { min-width: 9rem; font-weight: 500; color: var(--soft); } thead th { color: var(--soft); white-space: nowrap; overflow-wrap: normal; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; text-align: right; padding-left: 0.6rem; }
th.number { text-align: right; padding-left: 0.6rem; }
.claims table { width: 100%; } .claims td { overflow-wrap: break-word; } .claims td:first-child { width: 34%; } .claims td:last-child { white-space: nowrap; }
#provenance td { min-width: 8.5rem; }
.claims details { margin: 0; font-size: 0.92em; }
.claims details { color: var(--soft); } .claims .why { display: block; color: var(--soft); }
.verdict { font-weight: 600; white-space: nowrap; }
.verdict::before { display: inline-block; width: 1.1em; }
.verdict.reproduced { color: var(--good); } .verdict.reproduced::before { content: "✓"; }
.verdict.partly { color: var(--fair); } .verdict.partly::before { content: "◐"; }
.verdict.not-reproduced { color: var(--bad); } .verdict.not-reproduced::before { content: "✗"; }
.verdict.not-tested { color: var(--none); font-weight: 400; } .verdict.not-tested::before { content: "–"; }
.missing, .problem { color: var(--soft); font-style: italic; } .problem { color: var(--bad); }
.chip { display: inline-block; width: 0.75em; height: 0.75em; border-radius: 2px; margin-right: 0.4em; }
.headline { font-size: 1.02rem; margin: 0 0 0.6rem; max-width: 62rem; } ul.headline { padding-left: 1.1rem; font-size: 0.95rem; } ul.headline li { margin: 0.1rem 0; }
figure { margin: 0 0 0.6rem; }
.drawing { overflow-x: auto; color: var(--ink); } .drawing > svg { max-width: 100%; height: auto; }
.controls { margin: 0.2rem 0; } .controls .vega-bind { display: inline-block; margin-right: 1.2rem; } .controls label { display: inline-flex; gap: 0.4rem; align-items: center; }
.tools { display: flex; flex-wrap: wrap; gap: 0.35rem; margin: 0.3rem 0; }
details { margin: 0.3rem 0; } details > summary { cursor: pointer; color: var(--soft); }
.text { max-width: 62rem; } .text table { margin: 0.4rem 0; }
.data table { max-width: 100%; } .data .scroll { max-height: 24rem; overflow: auto; }
footer { color: var(--soft); font-size: 0.85rem; padding: 0 2rem 2rem; }
#vg-tooltip-element { position: fixed; z-index: 20; visibility: hidden; padding: 0.35rem 0.55rem; border: 1px solid var(--line); border-radius: 4px; background: var(--page); color: var(--ink);
  font-size: 0.8rem; box-shadow: 1px 2px 6px #0003; pointer-events: none; } #vg-tooltip-element.visible { visibility: visible; }
#vg-tooltip-element td { border: 0; padding: 0.05rem 0.3rem; } #vg-tooltip-element td.key { color: var(--soft); text-align: right; }
@media (max-width: 56rem) {
  .layout { display: block; } main { padding: 1rem; } footer { padding: 0 1rem 1rem; }
  nav { padding: 0.5rem 1rem; border-right: 0; border-bottom: 1px solid var(--line); background: var(--page); z-index: 5; max-height: 60vh; }
  html { scroll-padding-top: 3.2rem; }
  .claims thead { display: none; } .claims tr { display: block; padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  .claims td, .claims td:first-child { display: block; width: auto; border: 0; padding: 0.1rem 0; }
  .claims td[data-name]::before { content: attr(data-name) ": "; color: var(--soft); }
}
@media print {
  :root, :root[data-theme] { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --line: #bbb; --panel: #fff; --link: #000;
    --good: #000; --fair: #000; --bad: #000; --none: #444; }
  body { font-size: 10pt; } .layout { display: block; max-width: none; } nav, .tools, .anchor, .controls, .needs-js, .data { display: none !important; }
  main { padding: 0; } figure, tr { break-inside: avoid; } h2, .headline { break-after: avoid; }
  .drawing { overflow: visible; } .drawing svg { max-width: 100%; height: auto; }
  details::details-content { content-visibility: visible; display: block; height: auto; } a { text-decoration: none; }
}
`;
