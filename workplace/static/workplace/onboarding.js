// Copying what is handed over; and following a test event until it has come to its end.

const SECONDS = 2;
const MOST_LOOKS = 150;

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const given = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(given.value ?? given.textContent);
    const copied = document.getElementById("copied");
    copied.textContent = copied.dataset.copied;
  });
}

async function look(progress, left) {
  if (!("underWay" in progress.dataset) || left === 0) return;
  await new Promise((wake) => setTimeout(wake, SECONDS * 1000));
  const answer = await fetch(location.href).catch(() => null);
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page && page.getElementById("progress");
  if (now && now.innerHTML !== progress.innerHTML) progress.replaceChildren(...now.childNodes);
  if (now && !("underWay" in now.dataset)) delete progress.dataset.underWay;
  look(progress, left - 1);
}

const progress = document.getElementById("progress");
if (progress) look(progress, MOST_LOOKS);
