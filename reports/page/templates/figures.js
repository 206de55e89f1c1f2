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

/** Returns the parts of the page that show models, each with the names of its models. */
function listParts(models) {
  const find = (cell) => models.find((model) => model === cell.textContent.trim());
  const parts = [];
  for (const mark of document.querySelectorAll("[data-model]")) {
    parts.push([mark, [mark.dataset.model]]);
  }
  for (const panel of document.querySelectorAll("[data-models]")) {
    parts.push([panel, JSON.parse(panel.dataset.models)]);
  }
  for (const table of document.querySelectorAll("table")) {
    for (const row of table.tBodies[0].rows) {
      parts.push([row, [...row.cells].map(find).filter(Boolean)]);
    }
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const model = find(head);
      if (model) parts.push(...[...table.rows].map((row) => [row.cells[column], [model]]));
    });
  }
  return parts;
}

/** Selects the first option that is shown in each menu whose selected option is hidden. */
function leaveHiddenOptions() {
  for (const select of document.querySelectorAll("select")) {
    const isOff = [...select.options].map((option) => option.classList.contains("off"));
    const first = isOff.indexOf(false);
    if (!isOff[select.selectedIndex] || first < 0) continue;
    select.selectedIndex = first;
    select.dispatchEvent(new Event("change"));
  }
}

function makeModelFilter(filter) {
  const boxes = [...filter.querySelectorAll("input")];
  const models = boxes.map((box) => box.value);
  const count = filter.querySelector("output");
  const parts = listParts(models);
  const update = () => {
    const hidden = boxes.filter((box) => !box.checked).map((box) => box.value);
    for (const [part, names] of parts) {
      part.classList.toggle("off", names.some((name) => hidden.includes(name)));
    }
    leaveHiddenOptions();
    count.textContent = `${models.length - hidden.length} of ${models.length}`;
  };
  filter.hidden = false;
  filter.addEventListener("change", update);
}

document.querySelectorAll("figure svg").forEach(makeExplorable);
document.querySelectorAll(".models").forEach(makeModelFilter);
