# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script of the page: shows the changes page by page, so that ten thousand of them cost no more than a hundred.

Texts of the data become text nodes; the script makes no markup of them. What is shown is in the address (``#q=web1&action=removed&page=2``),
so that it can be bookmarked.
"""

from __future__ import annotations

SCRIPT = r"""
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const rows = data.changes, place = document.getElementById("changes");
  const PAGE = 100, OPEN = 25, LONG = 4000, CELLS = 250000;
  const input = document.getElementById("query"), type = document.getElementById("type"), agent = document.getElementById("agent");
  const buttons = [...document.querySelectorAll("[data-action]")];
  const previous = document.getElementById("previous"), next = document.getElementById("next"), all = document.getElementById("all");
  let expand = null;

  // What does not print, such as marks that turn the direction of writing, is shown by its code.
  const visible = text => String(text).replace(/[^\P{C}\n\t]|[\u2028\u2029]/gu, char => "\\u{" + char.codePointAt(0).toString(16) + "}");
  const make = (name, kind, text) => {
    const node = document.createElement(name);
    if (kind) node.className = kind;
    if (text !== undefined) node.textContent = visible(text);
    return node;
  };
  const written = value => typeof value === "string" ? value : JSON.stringify(value);
  const cut = text => text.length > LONG ? text.slice(0, LONG) + "\n… " + (text.length - LONG) + " more characters are in the JSON report" : text;
  const texts = new Map();
  const haystack = row => {
    if (!texts.has(row)) texts.set(row, (row.resource + "\n" + JSON.stringify(row.attributes || row.reason)).toLowerCase());
    return texts.get(row);
  };

  // The address of a section, without a filter in it, leaves the filter as it is.
  let filter = "";
  const state = () => {
    if (location.hash.includes("=")) filter = location.hash.slice(1);
    const given = new URLSearchParams(filter);
    return {q: given.get("q") || "", action: given.get("action") || "", type: given.get("type") || "", agent: given.get("agent") || "",
            page: Math.max(1, parseInt(given.get("page") || "1", 10) || 1)};
  };
  const go = change => {
    const wanted = Object.assign(state(), {page: 1}, change), given = new URLSearchParams();
    for (const [key, value] of Object.entries(wanted)) if (value && !(key === "page" && value === 1)) given.set(key, value);
    filter = String(given);
    history.replaceState(null, "", "#" + (filter || "changes-section"));
    show();
  };

  function difference(before, after) {
    const one = before.split("\n"), two = after.split("\n"), found = [];
    if (one.length * two.length > CELLS) return [...one.map(text => ["-", text]), ...two.map(text => ["+", text])];
    const lengths = Array.from({length: one.length + 1}, () => new Uint32Array(two.length + 1));
    for (let i = one.length - 1; i >= 0; i--)
      for (let j = two.length - 1; j >= 0; j--)
        lengths[i][j] = one[i] === two[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    let i = 0, j = 0;
    while (i < one.length || j < two.length) {
      if (i < one.length && j < two.length && one[i] === two[j]) { found.push([" ", one[i]]); i++; j++; }
      else if (j >= two.length || (i < one.length && lengths[i + 1][j] >= lengths[i][j + 1])) found.push(["-", one[i++]]);
      else found.push(["+", two[j++]]);
    }
    return found;
  }

  function attribute(name, pair, action) {
    const box = make("div", "attribute"), [before, after] = pair.map(written).map(cut);
    box.append(make("b", "", name));
    const lines = action === "added" ? after.split("\n").map(text => ["+", text])
      : action === "removed" ? before.split("\n").map(text => ["-", text]) : difference(before, after);
    for (const [sign, text] of lines) box.append(make("pre", {"-": "minus", "+": "plus", " ": "same"}[sign], sign + " " + text));
    return box;
  }

  function line(row, open) {
    const item = make("li"), details = make("details"), summary = make("summary"), name = make("span", "resource mono", row.resource);
    const attributes = Object.entries(row.attributes || {});
    summary.append(make("span", "action " + row.action, row.action === "unchecked" ? "not checked" : row.action), name,
                   make("span", "at", row.action === "unchecked" ? row.reason : attributes.length + (attributes.length === 1 ? " attribute" : " attributes")));
    details.append(summary);
    if (row.unexpected) name.append(make("span", "why", "  not expected: " + row.unexpected));
    const fill = () => {
      if (details.childElementCount > 1) return;
      const diff = make("div", "diff");
      for (const [key, pair] of attributes.sort((one, two) => one[0] < two[0] ? -1 : 1)) diff.append(attribute(key, pair, row.action));
      const none = row.action === "unchecked" ? "The dry run says nothing about it." : "The dry run names no attribute.";
      if (!attributes.length) diff.append(make("p", "note", none));
      details.append(diff);
    };
    details.addEventListener("toggle", () => { if (details.open) fill(); });
    if (open) { fill(); details.open = true; }
    item.append(details);
    return item;
  }

  function show() {
    const wanted = state(), words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter(row => (!wanted.type || row.type === wanted.type) && (!wanted.agent || row.agent === wanted.agent)
      && words.every(word => haystack(row).includes(word)));
    const counts = {"": found.length, unexpected: found.filter(row => row.unexpected || row.action === "unchecked").length};
    for (const row of found) counts[row.action] = (counts[row.action] || 0) + 1;
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.action === wanted.action));
      button.querySelector("span").textContent = (counts[button.dataset.action] || 0).toLocaleString("en");
    }
    const shown = found.filter(row => !wanted.action || row.action === wanted.action
      || (wanted.action === "unexpected" && (row.unexpected || row.action === "unchecked")));
    const pages = Math.max(1, Math.ceil(shown.length / PAGE)), page = Math.min(wanted.page, pages), first = (page - 1) * PAGE;
    const open = expand === null ? shown.length <= OPEN : expand;
    place.replaceChildren(...shown.slice(first, first + PAGE).map(row => line(row, open)));
    document.getElementById("count").textContent = shown.length === 0 ? "No change matches"
      : (first + 1).toLocaleString("en") + "–" + Math.min(first + PAGE, shown.length).toLocaleString("en") + " of " + shown.length.toLocaleString("en");
    previous.disabled = page <= 1;
    next.disabled = page >= pages;
    previous.onclick = () => go({page: page - 1});
    next.onclick = () => go({page: page + 1});
    all.textContent = open ? "Collapse all" : "Expand all";
    all.onclick = () => { expand = !open; show(); };
    if (input.value !== wanted.q) input.value = wanted.q;
    type.value = wanted.type;
    agent.value = wanted.agent;
    document.body.dataset.shown = String(shown.length);
  }

  for (const [choice, key] of [[type, "type"], [agent, "agent"]]) {
    for (const value of [...new Set(rows.map(row => row[key]))].sort()) choice.append(new Option(visible(value), value));
    choice.addEventListener("change", () => go({[key]: choice.value}));
  }
  for (const button of buttons) button.addEventListener("click", () => go({action: button.dataset.action}));
  let waiting = 0;
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => go({q: input.value}), 150); });
  addEventListener("hashchange", show);
  for (const name of ["chips", "tools", "pages"]) document.getElementById(name).hidden = false;
  show();
})();
"""
