// The page of known incidents: how far the check has come, and its answers when they are there.

import { say } from "./shell.js";

const checking = document.getElementById("checking");
const bar = document.getElementById("bar");
/** How long the page asks by itself. A check is some dozens of searches. */
const PATIENCE = 10 * 60 * 1000;
const begun = Date.now();

async function look() {
  const answer = await fetch("/exposure/progress", { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const { running, answered, total } = await answer.json();
  if (!running) {
    location.replace("/exposure");
    return false;
  }
  document.getElementById("answered").textContent = answered;
  document.getElementById("total").textContent = total;
  bar.max = total;
  bar.value = answered;
  return true;
}

async function follow() {
  let goesOn = true;
  try {
    if (!document.hidden) goesOn = await look();
  } catch {
    // The server may be starting anew; the link beside the bar is there all the same.
  }
  if (goesOn && Date.now() - begun < PATIENCE) setTimeout(follow, 500);
}

if (checking) {
  say("Checking");
  follow();
}

// An address that names an incident opens it.
function openNamed() {
  const named = document.getElementById(location.hash.slice(1));
  if (!named?.matches("details")) return;
  named.open = true;
  named.scrollIntoView();
}
openNamed();
addEventListener("hashchange", openNamed);
