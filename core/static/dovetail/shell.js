// The key "/" goes to the box "Why is it not in CRMS?", wherever one is; the account's menu closes
// when one goes elsewhere.

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

const account = document.getElementById("account");

const close = (event) => {
  if (event.key === "Escape" && account.open) account.querySelector("summary").focus();
  if (event.key === "Escape" || (!event.key && !account.contains(event.target))) account.open = false;
};

if (account) {
  document.addEventListener("click", close);
  document.addEventListener("keydown", close);
}
