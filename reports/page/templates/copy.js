// Copies tables as tab-separated text, for a spreadsheet.

/** Returns the visible rows of a table, one line per row, with a tab between two cells. */
function toText(table) {
  const isVisible = (element) => element.getClientRects().length > 0;
  const inOneLine = (cell) => cell.innerText.trim().replace(/\s+/g, " ");
  return [...table.rows]
    .filter(isVisible)
    .map((row) => [...row.cells].filter(isVisible).map(inOneLine).join("\t"))
    .join("\n");
}

/** Copies a text and says so; without permission to copy, shows the text selected. */
async function copy(text, status) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.readOnly = true;
    field.value = text;
    field.setAttribute("aria-label", "Table as text");
    status.replaceChildren(field);
    field.select();
    if (!document.execCommand("copy")) return;
  }
  status.textContent = "Copied";
  setTimeout(() => (status.textContent = ""), 4000);
}

function addCopyButton(table) {
  const button = document.createElement("button");
  const status = document.createElement("span");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy table: ${table.parentElement.getAttribute("aria-label")}`);
  button.addEventListener("click", () => copy(toText(table), status));
  status.className = "copied";
  status.setAttribute("role", "status");
  table.caption.firstElementChild.append(button, status);
}

document.querySelectorAll("table:is(.sheet, .grid)").forEach(addCopyButton);
