// Keeps a page up to date: the server winks, the page is fetched again, and what differs is put in place.

import { writeTimes } from "./page.js";

const sign = document.querySelector("[data-live-from]");
let source = null;
let fetching = false;
let again = false;

function show(words, lost) {
  sign.hidden = false;
  if (sign.textContent !== words) sign.textContent = words;
  sign.toggleAttribute("data-lost", lost);
}

function keepOpen(before, after) {
  for (const details of before.querySelectorAll("details[open][data-keep]")) {
    const twin = after.querySelector(`details[data-keep="${CSS.escape(details.dataset.keep)}"]`);
    if (twin) twin.open = true;
  }
}

function putRegions(fresh) {
  for (const region of document.querySelectorAll("[data-region]")) {
    const twin = fresh.querySelector(`[data-region="${region.dataset.region}"]`);
    if (!twin) continue;
    // A player that may be playing stays as it is.
    if (region.querySelector("audio") && twin.querySelector("audio")) continue;
    keepOpen(region, twin);
    writeTimes(twin);
    if (region.innerHTML === twin.innerHTML) continue;
    const focused = region.contains(document.activeElement) ? document.activeElement.id : "";
    region.replaceChildren(...twin.childNodes);
    if (focused) document.getElementById(focused)?.focus();
    region.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
  }
}

// Turns are added one by one, so that a screen reader reads only what is new.
function putTurns(fresh) {
  const list = document.querySelector("[data-turns]");
  const twins = fresh.querySelector("[data-turns]");
  if (!list || !twins) return;
  list.setAttribute("aria-live", twins.getAttribute("aria-live"));
  for (const twin of [...twins.children]) {
    const known = list.querySelector(`[data-index="${twin.dataset.index}"]`);
    if (!known) list.append(twin);
    else if (known.innerHTML !== twin.innerHTML) known.replaceChildren(...twin.childNodes);
  }
}

async function renew() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname === "/sign-in") {
      location.reload();
      return;
    }
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      putTurns(fresh);
      putRegions(fresh);
    }
  } catch {
    show("Connection lost, trying again", true);
  } finally {
    fetching = false;
    if (again) {
      again = false;
      renew();
    }
  }
}

function listen() {
  source = new EventSource(sign.dataset.liveFrom);
  source.addEventListener("open", () => show("Live", false));
  source.addEventListener("changed", renew);
  source.addEventListener("over", () => {
    stop();
    sign.hidden = true;
    renew();
  });
  source.addEventListener("error", () => {
    show("Connection lost, trying again", true);
    // Refused for good: most likely the session has ended, and the page itself will say so.
    if (source && source.readyState === EventSource.CLOSED) {
      stop();
      renew();
    }
  });
}

function stop() {
  source?.close();
  source = null;
}

if (sign) {
  listen();
  // A browser has few connections per server; pages nobody looks at give theirs back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else if (!source && !sign.hidden) listen();
  });
  addEventListener("pagehide", stop);
}
