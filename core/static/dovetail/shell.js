// The key "/" goes to the box "Why is it not in CRMS?", wherever one is.

const box = document.getElementById("why-reference");

const writing = (element) =>
  element.isContentEditable || element.matches("input, textarea, select, [role=textbox]");

document.addEventListener("keydown", (event) => {
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (box && event.key === "/" && plain && !writing(event.target)) {
    event.preventDefault();
    box.focus();
    box.select();
  }
});
