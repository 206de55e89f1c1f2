"use strict";

// Makes tables sortable, shows one heat map at a time and switches between light and dark.
// The page is complete without this script, which only adds controls.

const BLANK = "\u2013";
const NUMBER = /^(<\s*)?\[?([+\u2212-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)(?: \u00b1 .*|, .*\])?$/;
const words = new Intl.Collator("en", { numeric: true });

/** Returns the number at the start of a cell, or NaN if there is none. */
function toNumber(text) {
  const [, below, digits] = NUMBER.exec(text) ?? [];
  if (digits === undefined) return NaN;
  const value = Number(digits.replace("\u2212", "-").replaceAll(",", ""));
  return below ? value / 2 : value;
}

/** Returns the rows sorted by one column: numbers by value, text alphabetically, blanks last. */
function inOrder(rows, column, sign) {
  const text = new Map(rows.map((row) => [row, row.cells[column].textContent.trim()]));
  const blank = (row) => text.get(row) === BLANK || text.get(row) === "";
  const filled = rows.filter((row) => !blank(row));
  const numeric = filled.every((row) => !Number.isNaN(toNumber(text.get(row))));
  const compare = numeric ? (a, b) => toNumber(a) - toNumber(b) : words.compare;
  filled.sort((a, b) => sign * compare(text.get(a), text.get(b)));
  return [...filled, ...rows.filter(blank)];
}

function makeSortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: null };
      const before = head.getAttribute("aria-sort");
      const order = before ? next[before] : "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (order) head.setAttribute("aria-sort", order);
      table.classList.toggle("sorted", Boolean(order));
      const sign = order === "descending" ? -1 : 1;
      body.append(...(order ? inOrder(original, column, sign) : original));
    });
  });
}

/** Adds a menu to the heat maps of a section and shows only the selected one. */
function makeChoice(grids) {
  const panels = [...grids.children];
  const label = document.createElement("label");
  const select = document.createElement("select");
  const show = () => panels.forEach((panel, i) => (panel.hidden = i !== select.selectedIndex));
  for (const panel of panels) {
    select.append(new Option(panel.dataset.title));
    panel.open = true;
  }
  label.append("Show ", select);
  grids.prepend(label);
  grids.classList.add("chosen");
  select.addEventListener("change", show);
  show();
}

function makeSchemeButton() {
  const schemes = ["auto", "light", "dark"];
  const button = document.createElement("button");
  let now = 0;
  const show = () => {
    document.documentElement.dataset.scheme = schemes[now];
    button.textContent = `Colors: ${schemes[now]}`;
  };
  button.type = "button";
  button.className = "scheme";
  button.addEventListener("click", () => {
    now = (now + 1) % schemes.length;
    show();
  });
  show();
  document.querySelector("header").prepend(button);
}

document.querySelectorAll("table.sheet").forEach((table) => {
  if (table.tBodies[0].rows.length > 1) makeSortable(table);
});
document.querySelectorAll(".grids").forEach((grids) => {
  if (grids.children.length > 1) makeChoice(grids);
});
makeSchemeButton();
