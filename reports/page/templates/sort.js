// Makes tables sortable.

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
    const first = head.dataset.first ?? "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const next = { [first]: second, [second]: null };
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const order = before ? next[before] : first;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (order) head.setAttribute("aria-sort", order);
      table.classList.toggle("sorted", Boolean(order));
      const sign = order === "descending" ? -1 : 1;
      body.append(...(order ? inOrder(original, column, sign) : original));
    });
  });
}

document.querySelectorAll("table.sheet").forEach((table) => {
  if (table.tBodies[0].rows.length > 1) makeSortable(table);
});
