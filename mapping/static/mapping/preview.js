// The preview beside the form: it follows what is typed, and says at each rule what to look at.

import { offerQuestions } from "./chooser.js";

const PAUSE = 450; // milliseconds without a change, before it is asked again

/** Keep the panel true to the form; `after` is called when the remarks have changed. */
export function preview(form, after) {
  const panel = form.querySelector("[data-preview]");
  const state = form.querySelector("[data-preview-state]");
  let timer = 0;
  let asked = new AbortController();

  async function show() {
    asked.abort();
    asked = new AbortController();
    state.textContent = state.dataset.looking;
    try {
      const answer = await ask(form, panel.dataset.preview, asked.signal);
      if (!answer.ok) throw new Error(String(answer.status));
      put(panel, await answer.text());
      remark(form, panel);
      after();
      state.textContent = panel.querySelector("[data-summary]")?.textContent.trim() ?? "";
    } catch (error) {
      if (error.name === "AbortError") return;
      state.textContent = state.dataset.failed;
    }
  }

  function soon(event) {
    if (panel.contains(event.target) || event.target.closest?.("[data-rule-filter]")) return;
    if (event.target.matches?.("[name=name], [name=note], [data-paste]")) return;
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE);
  }

  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  form.querySelector("[data-preview-button]").addEventListener("click", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    void show();
    if (matchMedia("(max-width: 1099px)").matches) panel.focus(); // it stands below the form
  });
  form.elements.reference.addEventListener("focus", () => {
    form.elements.subject.value = "reference";
  });
  panel.addEventListener("click", (event) => {
    if (event.target.matches("[data-shows-pdf]")) panel.querySelector("iframe").hidden = false;
    void keep(event, form, panel);
  });
  void show();
}

function ask(form, url, signal) {
  const headers = { "X-Requested-With": "mapping-editor" };
  return fetch(url, { method: "POST", body: new FormData(form), headers, signal });
}

/** Replace the panel; what a person has opened stays open. */
function put(panel, html) {
  const open = [...panel.querySelectorAll("details[open]")].map((one) => one.dataset.keeps);
  const name = panel.querySelector("[name=test_name]")?.value;
  panel.innerHTML = html;
  for (const details of panel.querySelectorAll("details")) {
    details.open = open.includes(details.dataset.keeps);
  }
  if (open.includes("test") && name) panel.querySelector("[name=test_name]").value = name;
  const pdf = panel.querySelector("iframe");
  if (pdf) pdf.hidden = true; // until somebody asks for it
  const questions = panel.querySelector("#previewed-questions");
  offerQuestions(questions ? JSON.parse(questions.textContent) : []);
}

/** Say at each rule what it does now, and what is to be looked at. */
function remark(form, panel) {
  for (const rule of form.querySelectorAll("[data-rule]")) {
    const key = CSS.escape(rule.dataset.rule);
    const shown = panel.querySelector(`[data-target="${key}"]`);
    const remarks = shown?.querySelector(".remarks")?.cloneNode(true);
    const faults = [...panel.querySelectorAll(`[data-fault="${key}"]`)].map((one) => one.textContent);
    const place = rule.querySelector("[data-remarks]");
    place.replaceChildren(...faults.map(faultLine), ...(remarks ? [remarks] : []));
    rule.classList.toggle("faulty", faults.length > 0);
    rule.classList.toggle("warned", Boolean(remarks?.querySelector(".warns")));
    const words = rule.querySelector("[data-words]");
    if (shown) {
      words.textContent = shown.dataset.words;
      rule.classList.toggle("unfilled", !shown.dataset.filled);
    }
  }
}

function faultLine(text) {
  const line = document.createElement("p");
  line.className = "fault";
  line.textContent = text;
  return line;
}

async function keep(event, form, panel) {
  const button = event.target.closest("[data-keep]");
  if (!button) return;
  event.preventDefault();
  const kept = panel.querySelector("[data-kept]");
  const answer = await ask(form, button.formAction);
  kept.textContent = answer.ok ? await answer.text() : kept.dataset.failed;
}
