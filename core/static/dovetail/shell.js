// The keys of every page: Ctrl+K and "/" go to the box that finds anything, "?" lists the others,
// "g" and a letter lead to a place. Whoever has turned single keys off keeps Ctrl+K.

const SEQUENCE = 1500; // milliseconds from "g" to its letter

const box = document.getElementById("find");
const shortcuts = document.getElementById("shortcuts");
const opener = document.getElementById("show-shortcuts");
let afterG = -SEQUENCE;

const writing = (element) =>
  element.isContentEditable || element.matches("input, textarea, select, [role=textbox]");

const single = (event) =>
  shortcuts && !("off" in shortcuts.dataset) && !shortcuts.open &&
  !event.ctrlKey && !event.metaKey && !event.altKey && !writing(event.target);

const find = (event) => {
  event.preventDefault();
  box.focus();
  box.select();
};

document.addEventListener("keydown", (event) => {
  const combined = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
  if (box && combined) return find(event);
  if (!single(event)) return;
  const place = event.timeStamp - afterG < SEQUENCE && document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`);
  afterG = event.key === "g" ? event.timeStamp : -SEQUENCE;
  if (place) place.click();
  else if (box && event.key === "/") find(event);
  else if (event.key === "?") shortcuts.showModal();
});

if (opener && shortcuts) {
  opener.hidden = false;
  opener.addEventListener("click", () => shortcuts.showModal());
}

// What is wrong with a form is read first.
document.querySelector(".error-summary")?.focus();

// Django's fields that search as one types are drawn by select2, a moment later, without a name.
const nameDrawn = (select, frames = 120) => {
  const [label] = select.labels;
  const drawn = select.nextElementSibling?.querySelector(".select2-selection");
  if (!label || !frames) return;
  if (!drawn) {
    requestAnimationFrame(() => nameDrawn(select, frames - 1));
    return;
  }
  const shown = drawn.querySelector(".select2-selection__rendered");
  label.id ||= `${select.id}-label`;
  shown?.setAttribute("aria-labelledby", label.id);
  drawn.setAttribute("aria-labelledby", [label.id, shown?.id].filter(Boolean).join(" "));
};
document.querySelectorAll("select.admin-autocomplete").forEach((select) => nameDrawn(select));

// A menu closes with Escape, which leads back to its button, and when one goes elsewhere.
const openMenus = () => [...document.querySelectorAll("#account[open], details.menu[open]")];

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
});
