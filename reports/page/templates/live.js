"use strict";

// Reloads the page, says how old it is, and lets the reader pause. Without a script, the browser
// reloads the page by itself.

const note = document.querySelector("#age");
const button = document.querySelector("#pause");
const period = Number(document.body.dataset.refresh) * 1000;
const KEY = "bloodstudy-paused";
let paused = false;
try { paused = sessionStorage.getItem(KEY) === "yes"; } catch { /* storage is switched off */ }

/** Shows the age of the page; a page that is not rewritten any more says so. */
function showAge() {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(note.dateTime)) / 1000));
  const age = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  const stale = seconds * 1000 > 20 * period;
  note.classList.toggle("stale", stale);
  note.textContent = stale ? `${age} ago; bloodstudy watch has stopped` : `${age} ago`;
}

function showPaused() {
  button.textContent = paused ? "Resume refreshing" : "Pause refreshing";
}

if (period > 0) {
  button.hidden = false;
  showPaused();
  showAge();
  button.addEventListener("click", () => {
    paused = !paused;
    try { sessionStorage.setItem(KEY, paused ? "yes" : "no"); } catch { /* as above */ }
    showPaused();
  });
  setInterval(showAge, 1000);
  setInterval(() => { if (!paused) location.reload(); }, period);
}
