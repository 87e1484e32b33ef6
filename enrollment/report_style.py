"""The nightly report's style sheet: for light screens, dark ones, telephones and paper."""

STYLE = """
:root {
  --page: #f4f6f8; --card: #ffffff; --ink: #1a212a; --muted: #57626f; --line: #d9dfe6;
  --new: #1f5fbf; --old: #8794a3; --good: #0b7040; --bad: #b1470a; --link: #1a55ad;
  --good-tint: #e6f4ec; --bad-tint: #fdeee3; --open-tint: #ebeff3; --new-tint: #eaf1fb;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #0f1419; --card: #181f27; --ink: #e8edf2; --muted: #a1adba; --line: #323c47;
    --new: #7fb0ff; --old: #7b8896; --good: #58c88f; --bad: #ff9f5f; --link: #8fb9ff;
    --good-tint: #12301f; --bad-tint: #38220f; --open-tint: #242d37; --new-tint: #1a2a44;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; padding: 1.5rem 1rem 3rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: break-word;
}
header, main, footer { max-width: 57rem; margin: 0 auto; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem .75rem; }
h1 { font-size: 1.05rem; font-weight: 500; margin: 0; color: var(--muted); min-width: 0; }
.brand { margin: 0; font-weight: 700; font-size: 1.05rem; letter-spacing: .01em; }
h2 { font-size: 1.3rem; line-height: 1.25; margin: 0 0 .6rem; text-wrap: balance; }
h3 { font-size: 1rem; margin: 1.25rem 0 .4rem; }
p { margin: 0 0 .75rem; max-width: 42rem; text-wrap: pretty; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--new); outline-offset: 2px; border-radius: 3px; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 1.35rem 1.5rem 1.1rem; margin: 1rem 0; scroll-margin-top: 1rem;
}
section > :last-child, section > :last-child > :last-child { margin-bottom: .25rem; }
small, .note, figcaption { font-size: .85rem; line-height: 1.45; color: var(--muted); }
small { display: block; font-weight: 400; }

.verdict { display: flex; gap: 1.25rem; padding: 1.6rem 1.5rem; border-width: 2px; }
.verdict h2 { font-size: 2.5rem; line-height: 1; letter-spacing: -.02em; margin: .2rem 0 .7rem; }
.verdict .lead { font-size: 1.15rem; line-height: 1.45; }
.verdict .sign {
  flex: none; width: 3rem; height: 3rem; margin: 0; border-radius: 50%; display: grid;
  place-items: center; font-size: 1.6rem; font-weight: 700; color: var(--card);
}
.promoted { background: var(--good-tint); border-color: var(--good); }
.promoted h2 { color: var(--good); } .promoted .sign { background: var(--good); }
.refused { background: var(--bad-tint); border-color: var(--bad); }
.refused h2 { color: var(--bad); } .refused .sign { background: var(--bad); }
.skipped { background: var(--open-tint); border-color: var(--old); }
.skipped .sign { background: var(--muted); }

.tasks { margin: 0; padding-left: 1.4rem; }
.tasks > li { margin: 0 0 .9rem; padding-left: .3rem; max-width: 46rem; }
.tasks > li::marker { font-weight: 700; color: var(--muted); }
.names {
  list-style: none; margin: .5rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: .4rem;
}
.names li {
  background: var(--open-tint); border-radius: 8px; padding: .2rem .65rem; max-width: 100%;
}
.names bdi { font-weight: 600; }
.names span { color: var(--muted); font-size: .9rem; }
details { margin: .25rem 0 .75rem; }
summary { cursor: pointer; color: var(--link); font-size: .95rem; padding: .35rem 0; }

.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .6rem;
  margin: 0 0 1rem;
}
.tiles div { display: flex; flex-direction: column-reverse; }
.tiles dt { color: var(--muted); font-size: .9rem; }
.tiles dd { margin: 0; font-size: 1.7rem; font-weight: 650; line-height: 1.2; }

.table { margin: 0 0 .75rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); font-size: .9rem; padding-bottom: .5rem; }
th, td {
  text-align: left; vertical-align: top; padding: .6rem .75rem; border-top: 1px solid var(--line);
}
thead th {
  border-top: 0; font-size: .85rem; line-height: 1.3; vertical-align: bottom; color: var(--muted);
}
tbody th { font-weight: 600; }
th:first-child { padding-left: 0; }
td:last-child { padding-right: 0; }
.states, .checks, .pairs { table-layout: fixed; }
.checks th:first-child { width: 33%; } .checks th:nth-child(2) { width: 14%; }
.states th:first-child { width: 34%; }
.states thead span { display: block; } .states thead .badge { width: fit-content; }
.states thead th { color: var(--ink); font-size: .95rem; }
.states .marked { background: var(--new-tint); padding-right: .75rem; }
.states thead .marked { border-radius: 10px 10px 0 0; }
.states tr:last-child .marked { border-radius: 0 0 10px 10px; }
.big { font-size: 1.1rem; font-weight: 600; }
.badge {
  display: inline-block; margin: .2rem 0 0; padding: .05rem .55rem; border-radius: 99px;
  font-size: .78rem; font-weight: 600; background: var(--new); color: var(--card);
}
.pairs th { width: 62%; }
.mark { font-weight: 650; white-space: nowrap; }
.mark.good { color: var(--good); }
.mark.bad { color: var(--bad); }
.mark.open { color: var(--muted); }
.grid { width: auto; font-size: .85rem; }
.grid th, .grid td { padding: .3rem .55rem; white-space: nowrap; }
.grid td { text-align: right; }
.table:has(.grid) { overflow-x: auto; }

figure { margin: .25rem 0 .75rem; overflow: clip; }
figcaption { max-width: 42rem; margin-top: .5rem; }
svg {
  display: block; width: 100%; height: auto; fill: currentColor; stroke-linejoin: round;
  overflow: visible;
}
svg text { stroke: none; }
.narrow { display: none; max-width: 27rem; }

.cards {
  list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr));
}
.cards li {
  display: flex; gap: .9rem; border: 1px solid var(--line); border-radius: 12px; padding: .75rem;
}
.cards li > div { min-width: 0; }
.cards img, .no-face {
  flex: none; width: 104px; height: 104px; border-radius: 9px; object-fit: cover; margin: 0;
  background: var(--open-tint);
}
.no-face {
  display: grid; place-items: center; text-align: center; font-size: .8rem; color: var(--muted);
  padding: .5rem;
}
.cards p { margin: 0; line-height: 1.35; }
.cards p span { color: var(--muted); font-size: .85rem; }
.cards dl {
  display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 .6rem; margin: .3rem 0;
  font-size: .9rem;
}
.cards dt { color: var(--muted); }
.cards dd { margin: 0; min-width: 0; }
.cards dd span { color: var(--muted); }
.cards .badge { background: var(--open-tint); color: var(--ink); }
.cards .worse { background: var(--bad-tint); color: var(--bad); }
.cards .better { background: var(--new-tint); color: var(--link); }

.facts { margin: 0; }
.facts div {
  display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: 1rem; padding: .3rem 0;
  border-top: 1px solid var(--line);
}
.facts dt { color: var(--muted); } .facts dd { margin: 0; min-width: 0; }
footer p { color: var(--muted); font-size: .85rem; margin: 1.25rem 0 0; }

@media screen and (max-width: 640px) {
  body { padding: 1rem .6rem 2rem; }
  section { padding: 1.1rem 1rem .9rem; border-radius: 12px; }
  .verdict { display: block; padding: 1.1rem 1rem; }
  .verdict .sign {
    float: left; width: 2.3rem; height: 2.3rem; font-size: 1.25rem; margin-right: .75rem;
  }
  .verdict h2 { font-size: 2.1rem; margin: .05rem 0 1rem; }
  .wide { display: none; } .narrow { display: block; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .facts div { grid-template-columns: 1fr; gap: 0; }
  .stacked, .stacked tbody, .stacked tr, .stacked th, .stacked td, .stacked caption {
    display: block; width: auto;
  }
  .stacked thead {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
  .stacked tr { border-top: 1px solid var(--line); padding: .7rem 0; }
  .stacked tr > * { border: 0; padding: .1rem 0; }
  .stacked tr > :first-child { width: auto; }
  .stacked td { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: .5rem; }
  .stacked td > * { grid-column: 2; min-width: 0; }
  .stacked td::before { content: attr(data-label); color: var(--muted); }
  .states, .states thead, .states tbody, .states caption { display: block; }
  .states tr { display: grid; grid-template-columns: repeat(var(--of, 3), minmax(0, 1fr)); }
  .of1 { --of: 1; } .of2 { --of: 2; }
  .states th:first-child { grid-column: 1 / -1; width: auto; padding: .7rem 0 .3rem; }
  .states thead th:first-child { display: none; }
  .states thead th, .states td { padding: .35rem .4rem; }
  .states td { border: 0; } .states .marked { padding: .35rem .4rem; border-radius: 8px; }
  .states thead th { font-size: .8rem; vertical-align: top; }
  .pairs th { width: 58%; }
}
@media print {
  @page { margin: 14mm; }
  :root { --page: #fff; }
  body {
    padding: 0; font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact;
  }
  section { border-radius: 0; border-width: 0 0 1px; padding: .6rem 0; margin: .4rem 0; }
  section, figure, tr, .cards li, .tasks > li { break-inside: avoid; }
  .verdict { border-width: 2px; border-radius: 8px; padding: 1rem; }
  th, td { padding-top: .35rem; padding-bottom: .35rem; }
  h2, h3, caption { break-after: avoid; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
  summary { list-style: none; color: var(--ink); }
  .numbers { display: none; }
  a { color: inherit; text-decoration: none; }
}
"""
