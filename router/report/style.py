"""The style sheet: one palette in two lights, shared by the page and by every plot file."""

from __future__ import annotations

# Contrast of text on paper is at least 4.5:1 in both. The dark values answer to screens only: paper stays white.
TOKENS = """
:root { color-scheme: light dark;
  --paper: #ffffff; --panel: #f5f6f8; --ink: #16191d; --muted: #5a6472; --line: #dde1e6; --faint: #b4bcc6;
  --accent: #1b5e9e; --warn: #a8480a; --good: #1d6b43; }
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #131619; --panel: #1b1f24; --ink: #e8eaed; --muted: #a3acb8; --line: #2d333a; --faint: #55606d;
  --accent: #79b4ee; --warn: #f0a35e; --good: #74c89b; } }
"""

PLOT = """
svg { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums lining-nums; }
svg text { font-size: 13px; fill: var(--ink); stroke: var(--ground, var(--paper)); stroke-width: 3px;
  stroke-linejoin: round; paint-order: stroke; }
svg text.small { font-size: 12px; fill: var(--muted); }
svg text.strong { font-weight: 650; }
svg text.accent { fill: var(--accent); font-weight: 650; }
svg text.warn { fill: var(--warn); }
svg .paper { fill: var(--paper); }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .axis { stroke: var(--faint); stroke-width: 1; }
svg .leader { stroke: var(--faint); stroke-width: 1; }
svg .rule { stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 4 4; fill: none; }
svg .curve { stroke: var(--muted); stroke-width: 2; fill: none; stroke-linejoin: round; }
svg .curve.accent { stroke: var(--accent); }
svg .curve.faint { stroke: var(--faint); stroke-width: 1.5; }
svg .bar { fill: var(--faint); }
svg .bar.accent { fill: var(--accent); }
svg .track { fill: var(--panel); }
svg .dot { fill: var(--muted); }
svg .dot.faint { fill: var(--faint); }
svg .dot.accent { fill: var(--accent); }
svg .dot.ink { fill: var(--ink); }
svg .dot.warn { fill: var(--warn); }
svg .ring { fill: var(--paper); stroke: var(--muted); stroke-width: 1.5; }
svg .ring.ink { stroke: var(--ink); }
svg .whisker { stroke: var(--muted); stroke-width: 2; }
svg .whisker.accent { stroke: var(--accent); }
svg .whisker.warn { stroke: var(--warn); }
svg .tick { stroke: var(--ink); stroke-width: 2; }
"""

PAGE = """
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5; font-size: 16px;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums lining-nums; }
main, header, footer { max-width: 908px; margin: 0 auto; padding: 0 24px; overflow-wrap: anywhere; }
header { padding-top: 28px; }
.banner { background: var(--warn); color: var(--paper); text-align: center; padding: 8px 24px; font-weight: 650; }
.facts { color: var(--muted); font-size: 14px; margin: 0; }
h1 { font-size: 15px; font-weight: 600; margin: 0; color: var(--muted); }
.answer { font-size: 30px; line-height: 1.2; font-weight: 680; letter-spacing: -0.01em; margin: 10px 0 8px;
  text-wrap: balance; }
.lead { font-size: 17px; margin: 0 0 20px; max-width: 68ch; }
.tiles { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) minmax(0, 1.5fr); gap: 12px;
  margin: 0 0 8px; padding: 0; }
.tile { --ground: var(--panel); background: var(--panel); border-top: 3px solid var(--faint);
  padding: 12px 16px 14px; min-width: 0; }
.tile.good { border-color: var(--good); }
.tile.bad, .tile.mixed { border-color: var(--warn); }
.tile h2 { font-size: 14px; font-weight: 600; color: var(--muted); margin: 0; }
.tile .number { font-size: 30px; font-weight: 680; line-height: 1.25; margin: 0; letter-spacing: -0.01em; }
.tile p { margin: 2px 0 0; font-size: 14px; }
.tile p.note { color: var(--muted); }
.tile svg { display: block; width: 100%; max-width: 290px; height: auto; margin-top: 8px; }
section { margin: 44px 0 0; }
section h2 { break-after: avoid; }
figure, tr, .tile { break-inside: avoid; }
section h2 { font-size: 20px; line-height: 1.3; margin: 0 0 10px; font-weight: 660; }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 40px; align-items: start; }
figure { margin: 0; }
figure svg { display: block; width: 100%; height: auto; }
figure svg.narrow { display: none; }
figcaption, .says { margin: 10px 0 0; max-width: 72ch; }
details { margin: 10px 0 0; }
summary { cursor: pointer; color: var(--accent); font-size: 14px; width: fit-content; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.scroll { overflow-x: auto; margin: 10px 0 0; }
table { border-collapse: collapse; font-size: 14px; min-width: min(100%, 420px); }
table.keyed thead { position: absolute; clip-path: inset(50%); }
caption { text-align: left; color: var(--muted); padding: 0 0 4px; }
th, td { text-align: left; padding: 5px 20px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top;
  font-weight: 400; overflow-wrap: normal; }
th:last-child, td:last-child { padding-right: 0; }
tbody th { min-width: 8.5em; }
thead th { color: var(--muted); border-bottom-color: var(--faint); vertical-align: bottom; }
td.figure, th.figure { text-align: right; white-space: nowrap; }
td.words { min-width: 9em; }
thead th.figure { white-space: normal; }
tr.marked th, tr.marked td { font-weight: 650; color: var(--accent); }
footer { padding-top: 40px; padding-bottom: 48px; color: var(--muted); font-size: 14px; }
@media (max-width: 640px) {
  .tiles { grid-template-columns: 1fr; gap: 8px; }
  .tile { padding: 10px 12px 12px; }
  .answer { font-size: 24px; }
  .lead { font-size: 16px; margin-bottom: 14px; }
  main, header, footer { padding-left: 16px; padding-right: 16px; }
}
@media screen and (max-width: 760px) {
  .pair { grid-template-columns: 1fr; }
  figure svg { max-width: 460px; }
  figure svg.wide { display: none; }
  figure svg.narrow { display: block; }
}
@media print {
  body { font-size: 11pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  table { font-size: 11px; }
  th, td { padding: 3px 12px 3px 0; }
  section { margin-top: 28px; }
  details::details-content { content-visibility: visible; display: block; }
  summary { display: none; }
  .tile { border: 1px solid var(--line); }
}
"""
