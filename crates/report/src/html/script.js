// Sorts and filters tables. Without it the page is the same, only unmoved.
"use strict";
(() => {
  const words = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const value = (row, i) => {
    const cell = row.cells[i];
    return cell.dataset.v ?? cell.textContent.trim();
  };

  function sortable(table, body) {
    const heads = [...table.tHead.rows[0].cells];
    const asFound = [...body.rows];
    heads.forEach((head, i) => {
      const numeric = head.dataset.t === "n" || asFound.some((r) => r.cells[i].dataset.v !== undefined);
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        // Up, down, and back to the order of the report.
        const was = head.getAttribute("aria-sort");
        const sort = was === "ascending" ? "descending" : was === "descending" ? null : "ascending";
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        let rows = asFound;
        if (sort) {
          head.setAttribute("aria-sort", sort);
          const sign = sort === "ascending" ? 1 : -1;
          const keyed = asFound.map((row, at) => {
            const text = value(row, i);
            const key = numeric ? (text === "" ? NaN : Number(text)) : text;
            return { row, at, key, empty: numeric ? Number.isNaN(key) : key === "" };
          });
          // What is not known comes last either way; equals stay as they were.
          keyed.sort((a, b) =>
            a.empty - b.empty ||
            (a.empty ? 0 : sign * (numeric ? a.key - b.key : words.compare(a.key, b.key))) ||
            a.at - b.at);
          rows = keyed.map((k) => k.row);
        }
        body.append(...rows);
      });
    });
  }

  function filterable(table, body) {
    const rows = [...body.rows];
    if (rows.length < 2) return;
    const noun = table.dataset.filter;
    const tools = document.createElement("div");
    tools.className = "tools";
    const input = document.createElement("input");
    input.type = "search";
    input.placeholder = `Filter ${noun}s`;
    input.setAttribute("aria-label", input.placeholder);
    tools.append(input);

    const entries = rows.map((row) => ({
      row, text: null, shown: true, sheet: row.dataset.for && document.getElementById(row.dataset.for),
    }));
    const groups = [];
    [...table.tHead.rows[0].cells].forEach((head, i) => {
      if (!("chip" in head.dataset)) return;
      const counts = new Map();
      for (const row of rows) {
        const word = row.cells[i].textContent.trim();
        counts.set(word, (counts.get(word) ?? 0) + 1);
      }
      if (counts.size < 2 || counts.size > 8) return;
      const group = { i, chosen: new Set() };
      groups.push(group);
      for (const [word, n] of counts) {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.textContent = `${word} ${n.toLocaleString("en")}`;
        chip.setAttribute("aria-pressed", "false");
        chip.addEventListener("click", () => {
          const on = !group.chosen.delete(word);
          if (on) group.chosen.add(word);
          chip.setAttribute("aria-pressed", String(on));
          apply();
        });
        tools.append(chip);
      }
    });
    const told = document.createElement("output");
    tools.append(told);

    function apply() {
      const parts = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let n = 0;
      for (const e of entries) {
        e.text ??= e.row.textContent.toLowerCase();
        const shown = parts.every((p) => e.text.includes(p)) &&
          groups.every((g) => g.chosen.size === 0 || g.chosen.has(e.row.cells[g.i].textContent.trim()));
        n += shown;
        if (shown === e.shown) continue;
        e.shown = shown;
        e.row.hidden = !shown;
        if (e.sheet) e.sheet.hidden = !shown;
      }
      told.textContent = n === rows.length ? "" : `${n.toLocaleString("en")} of ${rows.length.toLocaleString("en")} ${noun}s`;
    }
    input.addEventListener("input", apply);
    table.parentElement.before(tools);
  }

  for (const table of document.querySelectorAll("table[data-filter]")) {
    filterable(table, table.tBodies[0]);
    sortable(table, table.tBodies[0]);
  }
})();
