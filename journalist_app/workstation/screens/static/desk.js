// Keys for people who work here all day.  Everything works without this file.
"use strict";

const rows = () => [...document.querySelectorAll(".queue tbody tr")];
let leader = "";

function typing(target) {
  return target.matches("input, textarea, select, [contenteditable]");
}

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  next.querySelector("a.title").focus();
  next.scrollIntoView({ block: "nearest" });
}

function press(selector) {
  const wanted = document.querySelector(selector);
  if (!wanted) return false;
  if (wanted.matches("textarea, input")) wanted.focus();
  else wanted.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  let done = true;
  if (leader === "g") {
    done = press(`[data-go="${CSS.escape(event.key)}"]`);
    leader = "";
  } else if (event.key === "g") leader = "g";
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "/") document.getElementById("q")?.focus();
  else if (event.key === "?") done = press('[data-go="?"]');
  else if (event.key.length === 1) done = press(`[data-key="${CSS.escape(event.key)}"]`);
  else done = false;
  if (done) event.preventDefault();
});
