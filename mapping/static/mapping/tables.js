// Value tables: a place for one more row, and rows pasted from a spreadsheet.

export const tables = {
  /** Begin to listen; `form` is the editor. */
  start(form) {
    for (const table of form.querySelectorAll("[data-table]")) tidy(table);
    form.addEventListener("input", (event) => {
      const table = event.target.closest("[data-table]");
      if (table && !event.target.matches("[data-paste]")) tidy(table);
      if (event.target.matches("[data-table-name]")) tables.offerNames(form);
    });
    form.addEventListener("click", (event) => {
      const button = event.target.closest("[data-remove-entry], [data-read]");
      if (button?.matches("[data-remove-entry]")) remove(button);
      if (button?.matches("[data-read]")) {
        event.preventDefault();
        void read(form, button.closest("[data-table]"));
      }
    });
    form.addEventListener("paste", (event) => {
      if (event.target.matches("[data-paste]")) {
        setTimeout(() => read(form, event.target.closest("[data-table]")));
      }
    });
  },

  /** Let rules choose among the tables as they are named now. */
  offerNames(part) {
    const inputs = document.querySelectorAll("[data-table-name]");
    const names = [...inputs].map((input) => input.value.trim()).filter(Boolean);
    for (const select of part.querySelectorAll("[data-tables-choice]")) {
      const chosen = select.value;
      const blank = new Option(select.dataset.blank, "");
      const all = names.includes(chosen) || !chosen ? names : [...names, chosen];
      select.replaceChildren(blank, ...all.map((name) => new Option(name, name)));
      select.value = chosen;
    }
  },
};

function tidy(table) {
  const body = table.querySelector("[data-entries]");
  const filled = (row) => [...row.querySelectorAll("input")].some((input) => input.value);
  if (filled(body.lastElementChild)) {
    const more = body.lastElementChild.cloneNode(true);
    more.classList.remove("pasted");
    for (const input of more.querySelectorAll("input")) input.value = "";
    body.append(more);
  }
  for (const row of body.children) row.querySelector("[data-remove-entry]").hidden = !filled(row);
}

function remove(button) {
  const table = button.closest("[data-table]");
  button.closest("tr").remove();
  tidy(table);
  const last = table.querySelector("[data-entries]").lastElementChild.querySelector("input");
  last.focus();
  last.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Ask what the pasted rows mean, and show them in the table; nothing is saved. */
async function read(form, table) {
  const number = table.dataset.table;
  const posted = new FormData();
  posted.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  for (const [name, value] of new FormData(form)) {
    if (name.startsWith(`tables-${number}-`)) posted.append(name, value);
  }
  const url = `${table.closest("[data-tables]").dataset.pasteUrl}?number=${number}`;
  const answer = await fetch(url, { method: "POST", body: posted });
  if (!answer.ok) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  const replaced = fresh.content.querySelector("[data-table]");
  table.replaceWith(replaced);
  tidy(replaced);
  replaced.querySelector("[data-paste]").focus();
  form.dispatchEvent(new Event("input", { bubbles: true }));
}
