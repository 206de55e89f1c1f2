// Shows the exact value of a mark under the pointer, or of the next one on an arrow key, and hides
// the models that the reader does not want to see.

const tip = document.querySelector("#tip");

/** Shows the text of a mark beside it, or nothing without a mark. */
function showTip(mark) {
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = mark.dataset.tip;
  const box = mark.getBoundingClientRect();
  const left = Math.min(box.right + 10, document.documentElement.clientWidth - tip.offsetWidth - 4);
  const above = box.top - tip.offsetHeight - 8;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${above < 4 ? box.bottom + 8 : above}px`;
}

function makeExplorable(figure) {
  let current = null;
  figure.addEventListener("pointerover", (event) => showTip(event.target.closest("[data-tip]")));
  figure.addEventListener("pointerleave", () => showTip(null));
  figure.addEventListener("blur", () => showTip(null));
  figure.addEventListener("keydown", (event) => {
    if (event.key === "Escape") showTip(null);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const marks = [...figure.querySelectorAll("[data-tip]")].filter((mark) => !mark.closest(".off"));
    if (!step || marks.length === 0) return;
    const before = marks.indexOf(current);
    current = marks.at(before < 0 ? Math.min(step, 0) : (before + step) % marks.length);
    showTip(current);
    event.preventDefault();
  });
}

/** Marks the rows of a table, and the columns of a heat map, that belong to a model. */
function markCells(table, models) {
  const find = (head) => models.find((model) => model === head?.textContent.trim());
  for (const row of table.tBodies[0].rows) {
    const model = find(row.querySelector("th"));
    if (model) row.dataset.model = model;
  }
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const model = find(head);
    if (!model) return;
    for (const row of table.rows) row.cells[column].dataset.model = model;
  });
}

function makeModelFilter(filter) {
  const boxes = [...filter.querySelectorAll("input")];
  const models = boxes.map((box) => box.value);
  const count = filter.querySelector("output");
  document.querySelectorAll("table").forEach((table) => markCells(table, models));
  const update = () => {
    const shown = boxes.filter((box) => box.checked).map((box) => box.value);
    for (const mark of document.querySelectorAll("[data-model]")) {
      mark.classList.toggle("off", !shown.includes(mark.dataset.model));
    }
    count.textContent = `${shown.length} of ${models.length}`;
  };
  filter.hidden = false;
  filter.addEventListener("change", update);
}

document.querySelectorAll("figure svg").forEach(makeExplorable);
document.querySelectorAll(".models").forEach(makeModelFilter);
