// Shows one heat map of a section at a time.

/** Adds a menu to the heat maps of a section and shows only the selected one. */
function makeChoice(grids) {
  const panels = [...grids.children];
  const label = document.createElement("label");
  const select = document.createElement("select");
  const show = () => panels.forEach((panel, i) => (panel.hidden = i !== select.selectedIndex));
  for (const panel of panels) {
    const option = new Option(panel.dataset.title);
    option.dataset.models = panel.dataset.models;
    select.append(option);
    panel.open = true;
  }
  label.append("Show ", select);
  grids.prepend(label);
  grids.classList.add("chosen");
  select.addEventListener("change", show);
  show();
}

document.querySelectorAll(".grids").forEach((grids) => {
  if (grids.children.length > 1) makeChoice(grids);
});
