/** What the server's page adds to the report's style. */
export const SERVE_STYLE = `
.panes { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.8rem; } .panes.two { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.pane.finding { min-width: 0; } .panes:not(.two) .pane-name { display: none; } h2.pane-name { font-size: 1.05rem; }
.pane[hidden] { display: none; }
.filters .slide { flex: 1 1 16rem; } .said { min-height: 1.5em; margin: 0.2rem 0; max-width: 76rem; } .said.waiting { color: var(--soft); } .said.problem { color: var(--bad); }
.bars { display: flex; flex-wrap: wrap; gap: 0.3rem 14px; } [data-stale="yes"] { opacity: 0.45; }
.hero-cells { cursor: pointer; } .chosen { fill: none; stroke: var(--main); stroke-width: 1.5; }
.bar-own { fill: var(--main); } .bar-other { fill: var(--grey); } .mark { stroke: currentColor; stroke-width: 1.4; }
input[type="text"] { background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: 0.1rem 0.3rem; max-width: 100%; }
.filters select { max-width: calc(100vw - 7.5rem); } .filters label { max-width: 100%; } #neuron .grids { grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); } #break-heads { display: inline-flex; flex-wrap: wrap; gap: 0.4rem; }
.state { font-weight: 600; } .state.training { color: var(--good); } .state.stopped, .state.unreadable { color: var(--fair); }
#page > section { padding-top: 0.6rem; border-top: 1px solid var(--line); } #page > section:first-child { border-top: 0; padding-top: 0; } #page figure { margin: 0.6rem 0; }
@media (max-width: 60rem) { .panes.two { grid-template-columns: minmax(0, 1fr); } }
`;
