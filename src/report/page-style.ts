/** The page's style sheet: light and dark, wide and narrow, screen and print. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --page: #ffffff; --ink: #1d2329; --soft: #56626d; --line: #d8dee4; --panel: #f6f8fa; --link: #0a5ea8;
  --good: #0b6b3a; --fair: #855600; --bad: #a3261b; --none: #56626d; --main: #d55e00; --grey: #808890; }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { --page: #14181c; --ink: #e4e8ec; --soft: #a5b0bb; --line: #343c44;
  --panel: #1c2228; --link: #7cb8f0; --good: #6fd39b; --fair: #e8b54a; --bad: #ff8f80; --none: #a5b0bb; --main: #e87a26; } }
:root[data-theme="dark"] { color-scheme: dark; --page: #14181c; --ink: #e4e8ec; --soft: #a5b0bb; --line: #343c44; --panel: #1c2228;
  --link: #7cb8f0; --good: #6fd39b; --fair: #e8b54a; --bad: #ff8f80; --none: #a5b0bb; --main: #e87a26; }
:root[data-theme="light"] { color-scheme: light; }
* { box-sizing: border-box; }
html { scroll-padding-top: 3.4rem; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", Helvetica, Arial, sans-serif; }
a { color: var(--link); }
code, pre { font: 0.9em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: 0.6rem 0.8rem; background: var(--panel); border-radius: 4px; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: 0.5rem; background: var(--page); padding: 0.3rem; z-index: 30; }
.top { position: sticky; top: 0; z-index: 10; display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; justify-content: space-between; align-items: center; padding: 0.4rem 2rem;
  background: var(--page); border-bottom: 1px solid var(--line); font-size: 0.88rem; }
.top nav { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; } .top nav a { color: inherit; text-decoration: none; } .top nav a:hover { color: var(--link); text-decoration: underline; }
.topright { display: flex; gap: 0.6rem; align-items: center; }
#runs { position: relative; margin: 0; } #runs .boxes { position: absolute; right: 0; top: 1.7rem; display: grid; gap: 0.2rem; padding: 0.6rem 0.9rem; background: var(--page); border: 1px solid var(--line); border-radius: 6px;
  box-shadow: 0 4px 14px #0004; max-height: 70vh; overflow-y: auto; white-space: nowrap; }
#runs label { display: flex; gap: 0.4rem; align-items: center; } .soft { color: var(--soft); }
main { max-width: 82rem; margin: 0 auto; padding: 0.9rem 2rem 3rem; min-width: 0; } main:focus { outline: none; }
h1 { font-size: 1.45rem; line-height: 1.25; margin: 0 0 0.35rem; } h2 { font-size: 1.25rem; margin: 0 0 0.5rem; } h3 { font-size: 1.05rem; margin: 0 0 0.3rem; } h4 { font-size: 0.95rem; margin: 0.8rem 0 0.2rem; }
.answer { margin: 0 0 0.3rem; max-width: 78rem; } .lead { margin: 0 0 0.6rem; color: var(--soft); font-size: 0.92rem; }
section { margin: 0 0 2rem; } #figures section { padding-top: 1.1rem; border-top: 1px solid var(--line); }
.anchor { text-decoration: none; color: var(--soft); font-weight: 400; margin-left: 0.2rem; opacity: 0; } :hover > .anchor, .anchor:focus { opacity: 1; }
button, select, input { font: inherit; font-size: 0.85rem; color: inherit; }
button { padding: 0.15rem 0.6rem; border: 1px solid var(--line); border-radius: 4px; background: var(--panel); cursor: pointer; }
button:hover { border-color: var(--soft); } button[aria-pressed="true"] { border-color: var(--link); box-shadow: inset 0 0 0 1px var(--link); } :focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
select { background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: 0.1rem; }
html:not(.js) .needs-js { display: none; }
[hidden] { display: none !important; }
figure { margin: 0.5rem 0 0.6rem; } figcaption { font-size: 0.92rem; margin: 0.2rem 0 0.4rem; max-width: 76rem; }
#hero-drawing { min-height: 12rem; } #hero-drawing svg { display: block; max-width: 100%; height: auto; }
.hero-cells { image-rendering: pixelated; cursor: crosshair; } .hero-frame { fill: none; stroke: currentColor; stroke-opacity: 0.35; pointer-events: none; }
.hero-track { fill: var(--line); fill-opacity: 0.55; } .hero-bar { fill: var(--main); } .hero-twin { fill: var(--grey); } .hero-chance { stroke: currentColor; stroke-width: 1.2; }
.slide { display: flex; gap: 0.6rem; align-items: center; margin: 0.3rem 0; } .slide input { flex: 1; min-width: 5rem; accent-color: var(--main); } .slide output { min-width: 7.5rem; font-variant-numeric: tabular-nums; } .slide button { min-width: 5.2rem; }
.verdicts { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin: 0.6rem 0; } .verdicts .bar { flex: 1 1 9rem; max-width: 15rem; text-align: left; border-left-width: 6px; padding: 0.3rem 0.6rem; }
.bar.reproduced { border-left-color: var(--good); } .bar.partly { border-left-color: var(--fair); } .bar.not-reproduced { border-left-color: var(--bad); } .bar.not-tested { border-left-color: var(--grey); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 0.8rem; } .finding { border: 1px solid var(--line); border-radius: 6px; padding: 0.7rem 0.9rem; display: flex; flex-direction: column; gap: 0.4rem; }
.finding p { margin: 0; } .measure { margin-top: auto !important; font-size: 0.92rem; } .null { color: var(--soft); } .measure a { float: right; }
.thumb-line { stroke: var(--main); stroke-width: 2; } .thumb-null { stroke: var(--grey); stroke-width: 1.5; stroke-dasharray: 4 3; } polyline.thumb-null { stroke-dasharray: none; }
#claims ul { list-style: none; padding: 0; margin: 0; } .tested li { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: 0.4rem; padding: 0.5rem 0; border-top: 1px solid var(--line); } .tested p { margin: 0; }
.untested li { padding: 0.15rem 0; font-size: 0.92rem; } .why { color: var(--soft); } dl { margin: 0.2rem 0; font-size: 0.92rem; } dl div { display: grid; grid-template-columns: 3.4rem minmax(0, 1fr); } dt { color: var(--soft); } dd { margin: 0; }
.filters { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; margin: 0.5rem 0; font-size: 0.9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.87rem; line-height: 1.4; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem 0.3rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-weight: 600; } tbody th { min-width: 9rem; font-weight: 500; color: var(--soft); } thead th { color: var(--soft); overflow-wrap: normal; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; } .number { text-align: right; padding-left: 0.6rem; }
#provenance td { min-width: 7rem; max-width: 16rem; }
.verdict { font-weight: 600; }
.verdict.reproduced { color: var(--good); } .verdict.reproduced::before { content: "✓ "; }
.verdict.partly { color: var(--fair); } .verdict.partly::before { content: "◐ "; }
.verdict.not-reproduced { color: var(--bad); } .verdict.not-reproduced::before { content: "✗ "; }
.verdict.not-tested { color: var(--none); font-weight: 400; } .verdict.not-tested::before { content: "– "; }
.missing, .problem { color: var(--soft); } .problem { color: var(--bad); }
.drawing { overflow-x: auto; color: var(--ink); } .drawing > svg { max-width: none; } .drawing svg { display: block; }
.says { font-size: 0.9rem; max-width: 76rem; } .says p { margin: 0 0 0.3rem; } .says th { min-width: 7rem; padding-right: 1rem; font-weight: 500; color: inherit; white-space: nowrap; } .says td, .says th { border-bottom: 0; padding-top: 0.05rem; padding-bottom: 0.1rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.3rem 0.5rem; font-size: 0.88rem; margin: 0.2rem 0; } .legend span, .legend button { display: inline-flex; gap: 0.4rem; align-items: center; } .legend span { padding: 0.15rem 0.4rem; }
.controls { margin: 0.2rem 0; font-size: 0.88rem; } .controls .vega-bind { display: inline-block; margin-right: 1.2rem; } .controls label { display: inline-flex; gap: 0.4rem; align-items: center; }
.tools { display: flex; flex-wrap: wrap; gap: 0.35rem; margin: 0.3rem 0; }
details { margin: 0.3rem 0; } summary { cursor: pointer; color: var(--soft); } .claims > summary { color: inherit; }
.text { max-width: 66rem; } .text table { margin: 0.4rem 0; }
.data .scroll { max-height: 24rem; overflow: auto; }
.finding .note { color: var(--soft); font-size: 0.88rem; } .chips { display: flex; flex-wrap: wrap; gap: 3px; } .chips button { padding: 0 0.35rem; font-size: 0.78rem; } .chips .wrong { border-color: var(--bad); color: var(--bad); } .sum-line { stroke: var(--link); stroke-width: 1.5; }
.hero-track.dark { fill: var(--grey); fill-opacity: 0.6; } .grids { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 0.8rem; } #head-grids { max-width: 56rem; } .grids img { width: 100%; image-rendering: pixelated; border: 1px solid var(--line); } .grids p { font-size: 0.85rem; }
input[type="number"] { width: 5.2rem; background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: 0.1rem 0.3rem; } #explore > .finding { margin-top: 0.8rem; }
#ask-clocks svg, #ask-logits svg, #break-bars svg { max-width: 100%; height: auto; }
footer { color: var(--soft); font-size: 0.85rem; padding: 0 2rem 2rem; }
#tip { position: fixed; z-index: 20; visibility: hidden; padding: 0.35rem 0.55rem; border: 1px solid var(--line); border-radius: 4px; background: var(--page); color: var(--ink);
  font-size: 0.8rem; box-shadow: 1px 2px 6px #0003; pointer-events: none; max-width: 22rem; } #tip.visible { visibility: visible; } #tip span { color: var(--soft); }
@media (max-width: 48rem) {
  .top, main, footer { padding-left: 0.9rem; padding-right: 0.9rem; } .top nav { gap: 0.1rem 0.7rem; }
  .tested li { grid-template-columns: minmax(0, 1fr); } .cards { grid-template-columns: minmax(0, 1fr); } #runs .boxes { right: auto; left: 0; } .says th, .says td { display: block; min-width: 0; } h1 { font-size: 1.2rem; }
}
@page { size: A4 landscape; margin: 11mm; }
@media print {
  :root, :root[data-theme] { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --line: #bbb; --panel: #fff; --link: #000;
    --good: #000; --fair: #000; --bad: #000; --none: #444; }
  html { font-size: 12.5px; } body { font-size: 9.5pt; } footer { padding: 0; break-before: avoid; } main, main > :last-child { padding-bottom: 0; margin-bottom: 0; } .top, .tools, .anchor, .controls, .needs-js, .data, .skip { display: none !important; }
  main { padding: 0; max-width: none; } #hero, tr, .finding, .tested li, .slice { break-inside: avoid; } h2, h3, h4, figcaption, .says, .legend { break-after: avoid; } figcaption, .says, .legend { break-inside: avoid; }
  #hero-drawing svg { max-height: 92mm; margin: 0 auto; } .tested, .untested { columns: 2; column-gap: 8mm; } .tested li { grid-template-columns: 7rem minmax(0, 1fr); } .slice svg { max-height: 178mm; }
  .drawing, .scroll { overflow: visible; } .drawing svg, .drawing > svg { max-width: 100%; max-height: 150mm; width: auto; height: auto; } table { width: 100%; table-layout: fixed; } .says table { width: auto; table-layout: auto; } section details:not([open]):not(.claims) { display: none; } td, th { min-width: 0 !important; padding-right: 0.3rem; } td.number { white-space: normal; }
  a { text-decoration: none; }
}
`;
