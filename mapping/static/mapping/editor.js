// The mapping editor, for those who have JavaScript: everything here can be done without it, too.
// A chooser of source fields, places for more of everything, and a preview that follows the form.

import { chooser } from "./chooser.js";
import { preview } from "./preview.js";
import { tables } from "./tables.js";

const form = document.getElementById("mapping_form");

/** Return what a template of the page holds, with a name in place of `__name__`. */
function fromTemplate(selector, name) {
  const made = document.querySelector(selector).content.cloneNode(true);
  for (const input of made.querySelectorAll("[name]")) {
    input.name = input.name.replace("__name__", name);
  }
  return made;
}

const changed = () => form.dispatchEvent(new Event("input", { bubbles: true }));

// -- Source fields of a rule -------------------------------------------------------------------

/** Keep exactly one empty place at the end of a list of sources, and show what has a meaning. */
function tidySources(list) {
  const items = [...list.children];
  const filled = items.filter((item) => item.querySelector("input").value.trim());
  for (const item of items.slice(0, -1)) {
    if (!filled.includes(item) && !item.contains(document.activeElement)) item.remove();
  }
  if (list.lastElementChild?.querySelector("input").value.trim() || !list.children.length) {
    list.append(fromTemplate("[data-new-source]", list.dataset.sources));
  }
  for (const item of list.children) {
    item.querySelector("[data-remove]").hidden = !item.querySelector("input").value.trim();
    chooser(item.querySelector("input"), list.closest("[data-rule]").querySelector(".rule-label"));
  }
  showCombine(list, filled.length);
}

function showCombine(list, count) {
  const combine = list.parentElement.querySelector("[data-combine]");
  const select = combine.querySelector("select");
  combine.hidden = count < 2 && !select.value;
  for (const part of combine.querySelectorAll(".option, .joined-with, .transform-help")) {
    part.hidden = !select.value;
  }
}

// -- Transforms of a rule ----------------------------------------------------------------------

/** Show the options of the transform that was chosen, and a place for one more. */
function showOptions(use) {
  const select = use.querySelector("[data-transform]");
  const options = use.querySelector("[data-options]");
  const name = CSS.escape(select.value);
  options.replaceChildren();
  if (select.value && document.querySelector(`[data-options-of="${name}"]`)) {
    options.append(fromTemplate(`[data-options-of="${name}"]`, select.name));
    tables.offerNames(options);
  }
  tidyUses(use.parentElement);
}

function tidyUses(list) {
  const uses = [...list.children];
  const last = uses.at(-1);
  if (last.querySelector("[data-transform]").value) {
    const more = last.cloneNode(true);
    more.querySelector("[data-options]").replaceChildren();
    more.querySelector("[data-transform]").value = "";
    more.querySelector("[data-transform]").options[0].text = list.dataset.add;
    list.append(more);
  }
  [...list.children].forEach((use, place, all) => {
    nameUse(use, list.dataset.uses + place);
    const filled = Boolean(use.querySelector("[data-transform]").value);
    use.querySelector("[data-moves]").hidden = !filled;
    use.querySelector("[data-up]").disabled = place === 0;
    use.querySelector("[data-down]").disabled = place >= all.length - 2;
  });
}

/** Name the fields of a transform by its place: the order of the page is the order that counts. */
function nameUse(use, name) {
  const old = use.querySelector("[data-transform]").name;
  for (const input of use.querySelectorAll("[name]")) {
    input.name = name + input.name.slice(old.length);
  }
}

function moveUse(button) {
  const use = button.closest("[data-use]");
  const list = use.parentElement;
  if (button.matches("[data-up]")) use.previousElementSibling?.before(use);
  if (button.matches("[data-down]")) use.nextElementSibling?.after(use);
  if (button.matches("[data-remove]")) {
    use.remove();
    list.querySelector("[data-transform]")?.focus();
  } else {
    button.focus();
  }
  tidyUses(list);
  changed();
}

// -- Finding a field among many ----------------------------------------------------------------

function filterRules() {
  const words = document.getElementById("id_filter").value.trim().toLowerCase();
  const marked = document.querySelector("[data-only-marked]").checked;
  let shown = 0;
  for (const rule of form.querySelectorAll("[data-rule]")) {
    const text = `${rule.dataset.rule} ${rule.textContent}`.toLowerCase();
    const matches = text.includes(words) && (!marked || rule.matches(".faulty, .warned"));
    rule.hidden = !matches;
    shown += matches ? 1 : 0;
  }
  for (const group of form.querySelectorAll(".rule-group:not([data-tables])")) {
    group.hidden = !group.querySelector("[data-rule]:not([hidden])");
  }
  const state = document.querySelector("[data-filter-state]");
  state.textContent = words || marked ? state.dataset.shown.replace("{count}", shown) : "";
}

// -- The page ----------------------------------------------------------------------------------

function listen() {
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-transform]")) showOptions(event.target.closest("[data-use]"));
    const list = event.target.closest("[data-sources]");
    if (list) tidySources(list);
    const combine = event.target.closest("[data-combine]");
    if (combine) {
      const sources = combine.parentElement.querySelector("[data-sources]");
      showCombine(sources, sources.children.length - 1);
    }
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.closest("[data-moves]")) moveUse(button);
    if (button?.matches("[data-sources] [data-remove]")) removeSource(button);
  });
}

function removeSource(button) {
  const list = button.closest("[data-sources]");
  button.closest("li").remove();
  tidySources(list);
  list.lastElementChild.querySelector("input").focus();
  changed();
}

/** Open the rule that a link or an error leads to. */
function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  const details = target && target.querySelector("details");
  if (details) details.open = true;
}

if (form && document.querySelector("[data-new-source]")) {
  for (const list of form.querySelectorAll("[data-sources]")) tidySources(list);
  for (const list of form.querySelectorAll("[data-uses]")) tidyUses(list);
  tables.start(form);
  listen();
}
if (form) {
  const filter = form.querySelector("[data-rule-filter]");
  filter.hidden = false;
  filter.addEventListener("input", (event) => {
    event.stopPropagation();
    filterRules();
  });
  addEventListener("hashchange", openTarget);
  openTarget();
  preview(form, filterRules);
}
