// A text input that offers source fields by group and label: typing searches, arrows move, Enter
// takes one. After the combobox pattern of the ARIA Authoring Practices.

const source = document.getElementById("source-field-list");
const fields = source ? JSON.parse(source.textContent) : [];
const SHOWN = 60;
let questions = [];
let count = 0;

/** Offer these questions of a form, too. */
export function offerQuestions(found) {
  questions = found;
}

/** Make a chooser of the input, named after the label of its rule; once. */
export function chooser(input, label) {
  if (input.role === "combobox") return;
  const list = document.createElement("ul");
  list.id = `choices-${++count}`;
  list.className = "choices";
  list.role = "listbox";
  list.hidden = true;
  list.ariaLabel = input.dataset.choices;
  input.removeAttribute("list");
  input.role = "combobox";
  input.ariaLabel = input.dataset.named.replace("{rule}", label.firstChild.textContent.trim());
  input.ariaAutoComplete = "list";
  input.ariaExpanded = "false";
  input.setAttribute("aria-controls", list.id);
  input.closest("li").append(list);
  listen(input, list);
}

function listen(input, list) {
  input.addEventListener("input", () => open(input, list));
  input.addEventListener("click", () => open(input, list));
  input.addEventListener("blur", () => close(input, list));
  input.addEventListener("keydown", (event) => press(event, input, list));
  // Before the blur that a click brings.
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) take(option, input, list);
  });
}

function press(event, input, list) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const active = list.querySelector("[aria-selected=true]");
  if (step) {
    if (list.hidden) open(input, list);
    else move(list, input, step);
    event.preventDefault();
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (active && !list.hidden) take(active, input, list);
  } else if (event.key === "Escape" && !list.hidden) {
    close(input, list);
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Show what matches every word that was typed; all of it while nothing was. */
function open(input, list) {
  const typed = input.value.trim().toLowerCase();
  const whole = [...fields, ...questions].some((field) => field.text.toLowerCase() === typed);
  const words = whole ? [] : typed.split(/[\s–-]+/).filter(Boolean);
  const found = [...fields, ...questions].filter((field) => {
    const text = `${field.text} ${field.label}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  list.replaceChildren(...grouped(found.slice(0, SHOWN), list.id));
  list.hidden = !list.children.length;
  input.ariaExpanded = String(!list.hidden);
  input.removeAttribute("aria-activedescendant");
  list.scrollIntoView({ block: "nearest" });
}

function grouped(found, id) {
  const parts = [];
  let group = "";
  found.forEach((field, place) => {
    if (field.group !== group) {
      group = field.group;
      const heading = document.createElement("li");
      heading.role = "presentation";
      heading.className = "choice-group";
      heading.textContent = group;
      parts.push(heading);
    }
    const option = document.createElement("li");
    option.role = "option";
    option.id = `${id}-${place}`;
    option.ariaSelected = "false";
    option.dataset.text = field.text;
    option.textContent = field.label;
    option.ariaLabel = `${field.group}: ${field.label}`;
    parts.push(option);
  });
  return parts;
}

function move(list, input, step) {
  const options = [...list.querySelectorAll("[role=option]")];
  const now = options.findIndex((option) => option.ariaSelected === "true");
  const next = options[(now + step + options.length + (now < 0 && step < 0 ? 1 : 0)) % options.length];
  for (const option of options) option.ariaSelected = String(option === next);
  input.setAttribute("aria-activedescendant", next.id);
  next.scrollIntoView({ block: "nearest" });
}

function take(option, input, list) {
  input.value = option.dataset.text;
  close(input, list);
  for (const type of ["input", "change"]) {
    input.dispatchEvent(new Event(type, { bubbles: true }));
  }
  close(input, list);
}

function close(input, list) {
  list.hidden = true;
  input.ariaExpanded = "false";
  input.removeAttribute("aria-activedescendant");
}
