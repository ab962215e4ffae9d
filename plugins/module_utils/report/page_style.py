# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The style of the page. It names no other file."""

from __future__ import annotations

STYLE = r"""
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1c2430;--soft:#5a6675;--line:#dde2e9;--accent:#1f5f8b;--tint:#e8f0f6;
--good:#1d7046;--good-tint:#e3f2ea;--bad:#b3261e;--bad-tint:#fbe9e7;--wait:#8a5a00;--wait-tint:#fcf1dc;--code:#eef1f5;
--bar-good:#2f855a;--bar-bad:#c53030;--bar-wait:#d69e2e;--bar-plain:#8793a3}
@media (prefers-color-scheme:dark){:root{--page:#12161c;--card:#1a2029;--ink:#e6eaf0;--soft:#9aa7b7;--line:#2c3542;--accent:#7db8e0;--tint:#1d2c3a;
--good:#72cf9b;--bad:#f28b82;--bad-tint:#3a1d1c;--wait:#e9b957;--wait-tint:#35290f;--code:#232b36;
--good-tint:#173024;--bar-good:#2f855a;--bar-bad:#c0453e;--bar-wait:#b7862b;--bar-plain:#66707f}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
.skip{position:absolute;left:-999px}
.skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem;z-index:1}
header,main,footer{max-width:1160px;margin:0 auto;padding:0 32px}
header{padding-top:36px}
h1{font-size:1.75rem;line-height:1.25;margin:0;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:0 0 12px;font-weight:650}
h3{font-size:.95rem;margin:18px 0 6px;font-weight:600;color:var(--soft)}
summary h3{display:inline-block}
p{margin:.3rem 0}
a{color:var(--accent)}
code,pre,.mono{font:13px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{background:var(--code);border-radius:4px;padding:1px 5px;overflow-wrap:anywhere}
pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.head{display:flex;flex-wrap:wrap;gap:10px 16px;align-items:center}
.badge{display:inline-block;border-radius:999px;padding:3px 12px;font-weight:600;font-size:.85rem;background:var(--code);color:var(--ink)}
.badge.deployed,.badge.prepared{background:var(--good-tint);color:var(--good)}
.badge.failed,.badge.emergency{background:var(--bad-tint);color:var(--bad)}
.badge.waiting,.badge.aborted,.badge.unfinished{background:var(--wait-tint);color:var(--wait)}
.about{display:flex;flex-wrap:wrap;gap:2px 28px;margin:14px 0 0;color:var(--soft);font-size:.88rem}
.about div{min-width:0}
.about dt{display:inline;margin-right:6px}
.about dd{display:inline;margin:0;color:var(--ink);overflow-wrap:anywhere}
.cause{margin:16px 0 0;padding:10px 14px;border-left:3px solid var(--bar-bad);background:var(--bad-tint);border-radius:0 6px 6px 0;overflow-wrap:anywhere}
.cause.waiting{border-color:var(--bar-wait);background:var(--wait-tint)}
nav ul{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;margin:18px 0 0;padding:0;font-size:.9rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0 0;padding:0;list-style:none}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 16px}
.tiles b{display:block;font-size:1.45rem;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.tiles span{color:var(--soft);font-size:.85rem}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:22px 24px;margin:20px 0}
.timeline{display:block;width:100%;min-width:720px;height:auto}
.timeline text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
.timeline .clock,.timeline .gap{fill:var(--soft);font-variant-numeric:tabular-nums}
.timeline .end,.timeline .lane{text-anchor:end}
.timeline .gap{text-anchor:middle}
.timeline .lane{font-weight:600}
.timeline .inside{fill:#fff}
.timeline .inside.waiting{fill:#1c2430}
.timeline .inside.held{fill:var(--ink)}
.tick{stroke:var(--line)}
.pause{fill:var(--code);opacity:.6}
.bar{fill:var(--bar-plain)}
.bar.done{fill:var(--bar-good)}.bar.failed{fill:var(--bar-bad)}.bar.waiting{fill:var(--bar-wait)}
.bar.aborted{fill:var(--bar-wait)}
.bar.held{fill:var(--tint);stroke:var(--accent)}
.bar.interrupted{fill:none;stroke:var(--bar-plain);stroke-dasharray:4 3}
.steps{list-style:none;margin:0;padding:0}
.steps .steps{padding-left:30px}
.step{padding:7px 0;border-top:1px solid var(--line)}
.steps .steps .step{border-top:0;padding:4px 0 2px}
.line{display:grid;grid-template-columns:22px minmax(0,1fr) auto;gap:0 8px;align-items:baseline}
.mark{font-weight:700;text-align:center;color:var(--soft)}
.done>.line>.mark{color:var(--good)}.failed>.line>.mark{color:var(--bad)}.waiting>.line>.mark,.running>.line>.mark{color:var(--wait)}
.skipped>.line>.title{color:var(--soft)}
.at{color:var(--soft);font-size:.83rem;font-variant-numeric:tabular-nums;white-space:nowrap}
.evidence{margin:0 0 0 30px;padding:0;list-style:none;color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}
.quiet{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.tag{font-size:.75rem;font-weight:600;border-radius:4px;padding:1px 7px;background:var(--code);color:var(--soft);margin-left:6px}
.failed>.line .tag{background:var(--bad-tint);color:var(--bad)}.waiting>.line .tag,.running>.line .tag{background:var(--wait-tint);color:var(--wait)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;color:var(--soft);font-size:.88rem;padding:0 0 6px}
th,td{text-align:left;vertical-align:top;padding:6px 16px 6px 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
thead th{border-top:0;color:var(--soft);font-weight:600;font-size:.83rem}
tbody th{font-weight:500}
tr.changed td,tr.changed th{background:var(--wait-tint)}
summary{cursor:pointer}
.tools{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:0 0 12px}
.tools input{flex:1 1 240px;min-width:0}
input,select,button{font:inherit;font-size:.9rem;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:5px 11px}
button{cursor:pointer}
button[aria-pressed=true]{background:var(--tint);border-color:var(--accent);color:var(--accent);font-weight:600}
button:disabled{opacity:.45;cursor:default}
.count{color:var(--soft);font-size:.88rem;font-variant-numeric:tabular-nums;margin-right:auto}
.changes{list-style:none;margin:0;padding:0}
.changes>li{border-top:1px solid var(--line)}
.changes summary{display:grid;grid-template-columns:14px 104px minmax(0,1fr) auto;gap:0 8px;align-items:baseline;padding:6px 0;list-style:none}
.changes summary::-webkit-details-marker{display:none}
.changes summary::before{content:"\25B8";color:var(--soft)}
.changes [open]>summary::before{content:"\25BE"}
.action{font-size:.78rem;font-weight:600;border-radius:4px;padding:1px 8px;text-align:center;background:var(--code)}
.action.added{background:var(--good-tint);color:var(--good)}.action.removed{background:var(--bad-tint);color:var(--bad)}
.action.modified{background:var(--tint);color:var(--accent)}.action.unchecked{background:var(--wait-tint);color:var(--wait)}
.resource{overflow-wrap:anywhere}
.why{color:var(--wait);font-size:.83rem}
.diff{margin:0 0 10px 134px}
.attribute{margin:2px 0 8px}
.attribute>b{font-weight:600;font-size:.85rem;color:var(--soft)}
.diff pre{padding:0 8px;border-radius:3px}
.minus{background:var(--bad-tint)}.plus{background:var(--good-tint)}.same{color:var(--soft)}
.error{margin:4px 0 12px;padding:10px 14px;background:var(--code);border-radius:6px}
.note{color:var(--soft);font-size:.9rem}
footer{color:var(--soft);font-size:.83rem;padding-top:4px;padding-bottom:40px}
@media (max-width:640px){header,main,footer{padding-left:14px;padding-right:14px}section{padding:16px 14px}.diff{margin-left:0}.at{white-space:normal}
.changes summary{grid-template-columns:14px 104px minmax(0,1fr)}}
@media print{:root{color-scheme:light}body{background:#fff;color:#000}
section{border:0;padding:8px 0;break-inside:auto}nav,.tools,.skip{display:none}.step,.tiles li{break-inside:avoid}}
"""
