// The form of a new call: rows come and go, and the server is asked what it thinks while one types.

const form = document.getElementById("call-form");
const rows = form.querySelector("[data-rows]");
const template = form.querySelector("template[data-row]");
const adder = form.querySelector("[data-add]");
const verdict = form.querySelector("[data-verdict]");
const place = form.querySelector("[data-place]");
const message = form.querySelector("[data-message]");
const MAX_ROWS = 20;
const WAIT_MS = 250;

const touched = new Set();
let made = rows.children.length;
let waiting = 0;
let asked = 0;

function tend() {
  for (const button of rows.querySelectorAll("[data-remove]")) button.hidden = false;
  adder.hidden = rows.children.length >= MAX_ROWS;
  message.hidden = form.elements.voicemail.value !== "leave_message";
}

function addRow() {
  const row = template.content.firstElementChild.cloneNode(true);
  for (const label of row.querySelectorAll("label")) {
    const control = row.querySelector(`#${label.htmlFor}`);
    control.id = label.htmlFor = label.htmlFor.replace("new", String(made));
  }
  made += 1;
  rows.append(row);
  row.querySelector("input").focus();
  tend();
}

function removeRow(button) {
  const row = button.closest("li");
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  (next?.querySelector("input") ?? adder).focus();
  tend();
  ask();
}

const groupOf = (name) => (name.startsWith("field") ? "fields" : name === "voicemailMessage" ? "voicemail" : name);

function complain(control, words) {
  for (const line of form.querySelectorAll("[data-trouble]")) {
    const mine = line.dataset.trouble === control;
    const text = mine ? words : "";
    if (line.textContent !== text) line.textContent = text;
    line.hidden = !mine;
    const input = form.querySelector(`[aria-describedby~="${line.id}"]`);
    input?.toggleAttribute("aria-invalid", false);
    if (mine) input?.setAttribute("aria-invalid", "true");
  }
}

async function check() {
  const turn = (asked += 1);
  try {
    const answer = await fetch(form.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (turn !== asked || !answer.ok) return;
    const said = await answer.json();
    place.textContent = said.ok ? `${said.kind}, ${said.country}` : "";
    verdict.textContent = said.ok ? "Ready to be placed." : "";
    if (said.ok || touched.has(said.control)) complain(said.ok ? "" : said.control, said.message);
  } catch {
    verdict.textContent = "";
  }
}

function ask() {
  clearTimeout(waiting);
  waiting = setTimeout(check, WAIT_MS);
}

form.addEventListener("input", (event) => {
  touched.add(groupOf(event.target.name));
  tend();
  ask();
});
form.addEventListener("focusout", (event) => {
  if (event.target.name && event.target.value) touched.add(groupOf(event.target.name));
});
adder.addEventListener("click", addRow);
rows.addEventListener("click", (event) => {
  const button = event.target.closest("[data-remove]");
  if (button) removeRow(button);
});
tend();
form.querySelector('[aria-invalid="true"]')?.focus();
