// For people who work here all day.  Everything works without this file.
"use strict";

// Keys: single letters, unless they are switched off (WCAG 2.2, 2.1.4).

const LEADER_MILLISECONDS = 1500;
let leaderAt = -Infinity;

function typing(target) {
  return target.matches("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
}

function move(by) {
  const links = [...document.querySelectorAll(".queue .case a.title, .rows a.title")];
  if (!links.length) return false;
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "center" });
  return true;
}

function press(selector) {
  const wanted = document.querySelector(selector);
  if (!wanted) return false;
  if (wanted.matches("textarea, input")) {
    wanted.focus();
    wanted.scrollIntoView({ block: "center" });
  } else wanted.click();
  return true;
}

function act(event) {
  const key = CSS.escape(event.key);
  if (event.timeStamp - leaderAt < LEADER_MILLISECONDS) {
    leaderAt = -Infinity;
    return press(`[data-go="${key}"]`);
  }
  if (event.key === "g") {
    leaderAt = event.timeStamp;
    return true;
  }
  if (event.key === "j" || event.key === "k") return move(event.key === "j" ? 1 : -1);
  if (event.key === "/") return press("#q");
  if (event.key === "?") return press('[data-go="?"]');
  if (event.key === "u") return press("[data-back]") || press('[data-go="q"]');
  return press(`[data-key="${key}"]`);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.body.dataset.keys === "off" || event.key.length !== 1 || event.key === " ") return;
  if (act(event)) event.preventDefault();
});

// What was typed is not lost by a slip.

let sending = false;
document.addEventListener("submit", () => { sending = true; });
window.addEventListener("beforeunload", (event) => {
  const fields = [...document.querySelectorAll("main textarea")];
  if (!sending && fields.some((field) => field.value !== field.defaultValue)) event.preventDefault();
});

// Words that are marked in a text are those to be blackened.

document.addEventListener("selectionchange", () => {
  const selection = document.getSelection();
  const passage = selection.anchorNode?.parentElement?.closest(".passage");
  const words = selection.toString().trim();
  if (!passage || !words || !passage.querySelector(".said").contains(selection.focusNode)) return;
  passage.querySelector("details").open = true;
  passage.querySelector("[data-words]").value = words;
});

// How far an import has come, without loading the page anew each second.

async function follow(region) {
  const page = await (await fetch(location.href)).text();
  const next = new DOMParser().parseFromString(page, "text/html").querySelector("[data-progress]");
  if (!next) return location.reload();
  region.replaceChildren(...next.childNodes);
  setTimeout(follow, 1000, region);
}

const progress = document.querySelector("[data-progress]");
if (progress) setTimeout(follow, 500, progress);
