// Warnings follow what is ticked; a dry run goes on by itself; one box ticks all.

const warning = document.getElementById("early-and-late");
const triggers = [...document.querySelectorAll("input[data-moment]")];

function warn() {
  const chosen = (moment) => triggers.some((one) => one.checked && one.dataset.moment === moment);
  warning.hidden = !(chosen("early") && chosen("late"));
}

if (warning) {
  triggers.forEach((one) => one.addEventListener("change", warn));
  warn();
}

for (const all of document.querySelectorAll("input[data-choose-all]")) {
  all.addEventListener("change", () => {
    for (const one of document.getElementsByName(all.dataset.chooseAll)) one.checked = all.checked;
  });
}

// The page's own form is sent again, with the tally so far, until all is counted.
const PARTS = ["dry-run-says", "dry-run-shows"];

async function goOn() {
  const button = document.querySelector("[data-goes-on]");
  if (!button) return;
  button.hidden = true;
  const body = new FormData(button.form);
  body.set(button.name, button.value);
  try {
    const answer = await fetch(location.href, { method: "POST", body });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of PARTS) {
      document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
    }
  } catch {
    button.hidden = false;
    return;
  }
  goOn();
}

const dryRun = document.getElementById("dry-run");
if (dryRun) {
  dryRun.focus();
  goOn();
}
