// Shows one part of the page at a time. Without a script, all stand below one another.

const links = [...document.querySelectorAll("nav.tabs[data-parts] a")];
const parts = links.map((link) => document.querySelector(link.hash));

// The part that the address names, or in which what it names stands; else the first.
const wanted = () => {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  return Math.max(0, parts.findIndex((part) => target && part.contains(target)));
};

const show = () => {
  const shown = wanted();
  parts.forEach((part, index) => {
    part.hidden = index !== shown;
    if (index === shown) links[index].setAttribute("aria-current", "page");
    else links[index].removeAttribute("aria-current");
  });
};

// What is in sight already stays there: the tabs themselves do not move.
const go = () => {
  show();
  const target = document.getElementById(location.hash.slice(1));
  if (!target || parts.includes(target)) return;
  target.scrollIntoView({ block: "center" });
  if (target.matches("input, textarea, select")) target.focus();
};
window.addEventListener("hashchange", go);
go();
