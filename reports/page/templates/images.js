// Filters the images of the gallery, and shows those of a cell of a confusion matrix.

/** Returns the wrong predictions of an image that a filter selects: [model, class, trials]. */
function selectErrors([label, errors], filter) {
  if (filter.label >= 0 && filter.label !== label) return [];
  return errors.filter(
    ([model, predicted]) =>
      (filter.model < 0 || filter.model === model) &&
      (filter.predicted < 0 || filter.predicted === predicted),
  );
}

/** Says with how many trials a model chose each class. */
function describeErrors(errors, classes, models) {
  const { replicates } = models.selectedOptions[0].dataset;
  const parts = errors.map(([, predicted, trials]) => {
    const name = classes.options[predicted + 1].text;
    return replicates > 1 ? `${name} in ${trials} of ${replicates} trials` : name;
  });
  return `this model: ${parts.join("; ")}`;
}

/** Says how many images are shown. */
function describeCount(nShown, nFound, isFiltered) {
  if (!isFiltered) return `The ${nShown} most frequently misclassified images. Choose a class or model to see others.`;
  const images = nFound === 1 ? "1 image" : `${nFound.toLocaleString("en")} images`;
  if (nShown === nFound) return `${images} found.`;
  return `${images} found; ${(nFound - nShown).toLocaleString("en")} of them not shown, because fewer trials misclassify them.`;
}

/** Adds the filter to a gallery. */
function makeFilter(gallery) {
  const template = gallery.parentElement.querySelector("template");
  const bar = template.content.firstElementChild.cloneNode(true);
  const selects = [...bar.querySelectorAll("select")];
  const [labels, classes, models] = selects;
  const [clear, back] = bar.querySelectorAll("button");
  const status = bar.querySelector("[role=status]");
  const omitted = JSON.parse(gallery.dataset.omitted);
  const items = [...gallery.children].map((element) => {
    const note = element.appendChild(document.createElement("span"));
    return { element, note, isOpen: !element.hidden, image: JSON.parse(element.dataset.image) };
  });

  function show() {
    const [label, predicted, model] = selects.map((select) => select.selectedIndex - 1);
    const filter = { label, predicted, model };
    const isFiltered = Math.max(label, predicted, model) >= 0;
    for (const { element, note, isOpen, image } of items) {
      const errors = selectErrors(image, filter);
      element.hidden = isFiltered ? errors.length === 0 : !isOpen;
      note.textContent = model >= 0 && errors.length ? describeErrors(errors, classes, models) : "";
    }
    const nShown = items.filter(({ element }) => !element.hidden).length;
    const nOmitted = omitted.filter((image) => selectErrors(image, filter).length > 0).length;
    status.textContent = describeCount(nShown, nShown + nOmitted, isFiltered);
    clear.hidden = !isFiltered;
  }

  /** Focuses an element and scrolls to it. */
  function go(target, block) {
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block, behavior: isCalm ? "auto" : "smooth" });
  }

  let origin = null;

  function showCell(cell, filter) {
    origin = cell;
    back.hidden = false;
    [filter.label, filter.predicted, filter.model].forEach((value, i) => {
      selects[i].selectedIndex = value + 1;
    });
    show();
    go(bar, "start");
  }

  selects.forEach((select) => select.addEventListener("change", show));
  clear.addEventListener("click", () => {
    selects.forEach((select) => (select.selectedIndex = 0));
    show();
    labels.focus();
  });
  back.hidden = true;
  back.addEventListener("click", () => go(origin, "center"));
  gallery.before(bar);
  show();
  return { showCell, images: [...omitted, ...items.map(({ image }) => image)], models };
}

/** Makes buttons of the cells of a confusion matrix whose images are known. */
function linkCells(table, model, { showCell, images }) {
  const found = new Set(
    images.flatMap(([label, errors]) =>
      errors.filter((error) => error[0] === model).map(([, predicted]) => `${label} ${predicted}`),
    ),
  );
  if (found.size) {
    const hint = document.createElement("span");
    hint.className = "hint";
    hint.textContent = ". Choose a number to see its images.";
    table.caption.firstElementChild.append(hint);
  }
  [...table.tBodies[0].rows].forEach((row, label) => {
    [...row.querySelectorAll("td")].forEach((cell, predicted) => {
      if (!found.has(`${label} ${predicted}`)) return;
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Show these images";
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => showCell(button, { label, predicted, model }));
    });
  });
}

const gallery = document.querySelector(".gallery");
if (gallery) {
  const filter = makeFilter(gallery);
  const names = [...filter.models.options].map((option) => option.text);
  document.querySelectorAll("[data-images-of]").forEach((table) => {
    linkCells(table, names.indexOf(table.dataset.imagesOf) - 1, filter);
  });
}
