/* Keeps the page of a bulk retry up to date. Without it, reloading the page does the same. */

const WHILE_RUNNING = 2000; // milliseconds between looks
const AFTERWARDS = 10000; // what was sent is still on its way
const SAY_AGAIN = 10000; // a screen reader is not to be interrupted at every look

const section = document.querySelector("[data-progress]");
const bar = document.getElementById("bar");
const sentence = document.getElementById("sentence");
let readAt = Date.now();

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
  const ended = found.state !== "running" && found.under_way === 0;
  if (found.state !== section.dataset.state || ended) {
    location.reload(); // other buttons, and what became of each
    return;
  }
  bar.value = found.done;
  if (Date.now() - readAt >= SAY_AGAIN && sentence.textContent !== found.sentence) {
    sentence.textContent = found.sentence;
    readAt = Date.now();
  }
  lookLater();
}

function lookLater() {
  setTimeout(look, section.dataset.state === "running" ? WHILE_RUNNING : AFTERWARDS);
}

lookLater();
