// A menu that asks for a name is ready to take it; what is not filtered by does not stand in the URL.

for (const menu of document.querySelectorAll("details.menu")) {
  menu.addEventListener("toggle", () => {
    if (menu.open) menu.querySelector("input[type=text]")?.focus();
  });
}

const form = document.getElementById("filters");

form.addEventListener("submit", () => {
  const empty = [...form.elements].filter((field) => field.name && !field.value);
  for (const field of empty) field.disabled = true;
});

// The back button shows the form as it was left: usable again.
window.addEventListener("pageshow", () => {
  for (const field of form.elements) field.disabled = false;
});
