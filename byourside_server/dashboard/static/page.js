// What every page has: times in the browser's zone, forms that are sent once, a button that copies.

const inThisZone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const toTheSecond = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export function writeTimes(root = document) {
  for (const time of root.querySelectorAll("time[data-moment]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.valueOf())) {
      time.textContent = (time.dataset.moment === "second" ? toTheSecond : inThisZone).format(moment);
      time.title = exactly.format(moment);
      time.removeAttribute("data-moment");
    }
  }
}

function sendOnce(event) {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.hasAttribute("data-once")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-disabled", "true");
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    // Without https there is no clipboard: mark the text, so that one keystroke copies it.
    getSelection().selectAllChildren(source);
    button.textContent = "Marked: copy it now";
  }
}

writeTimes();
document.addEventListener("submit", sendOnce);
// A page that comes back out of the browser's memory may be sent again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
