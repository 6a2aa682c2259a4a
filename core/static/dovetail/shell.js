// Ctrl+K and "/" go to the box that finds anything; the account's menu closes when one goes elsewhere.

const box = document.getElementById("find");

const writing = (element) =>
  element.isContentEditable || element.matches("input, textarea, select, [role=textbox]");

document.addEventListener("keydown", (event) => {
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const combined = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
  if (box && (combined || (event.key === "/" && plain && !writing(event.target)))) {
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
