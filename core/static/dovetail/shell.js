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
