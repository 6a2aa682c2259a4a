/* Keeps a page about long work up to date. Without it, reloading the page does the same. */

const BETWEEN = 2000; // milliseconds between looks
const SAY_AGAIN = 10000; // a screen reader is not to be interrupted at every look

const section = document.querySelector("[data-progress]");
const bar = document.getElementById("bar");
const sentence = document.getElementById("sentence");
let readAt = 0;

async function look() {
  try {
    const answer = await fetch(section.dataset.progress);
    if (!answer.ok || answer.redirected) return; // signed out: the page stays as it is
    show(await answer.json());
  } catch {
    lookLater(); // the portal could not be reached
  }
}

function show(found) {
  if (found.state !== section.dataset.state) {
    location.reload();
    return;
  }
  if (bar && found.total) {
    bar.max = found.total;
    bar.value = found.done;
  }
  if (Date.now() - readAt >= SAY_AGAIN && sentence.textContent !== found.sentence) {
    sentence.textContent = found.sentence;
    readAt = Date.now();
  }
  lookLater();
}

function lookLater() {
  setTimeout(look, BETWEEN);
}

lookLater();
