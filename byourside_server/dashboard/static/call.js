// The recording: its outline drawn, and every "▶" made to play from its second.

const SVG_WIDTH = 1000;
const LANES = { contact: 30, agent: 90 };
const HALF = 28;

const found = () => ({
  audio: document.querySelector("audio"),
  wave: document.querySelector(".wave"),
});

// The outline of one side as a closed path: over the tops from left to right, and back below.
function pathOf(peaks, middle, share) {
  if (!peaks.length) return "";
  const step = (SVG_WIDTH * share) / peaks.length;
  const heights = peaks.map((peak) => Math.max(0.6, HALF * Math.sqrt(peak / 255)));
  const over = heights.map((height, at) => `${(at * step).toFixed(1)} ${(middle - height).toFixed(1)}`);
  const under = heights.map((height, at) => `${(at * step).toFixed(1)} ${(middle + height).toFixed(1)}`).reverse();
  return `M${over.join("L")}L${under.join("L")}Z`;
}

async function draw() {
  const { wave } = found();
  if (!wave || wave.dataset.drawn) return;
  wave.dataset.drawn = "yes";
  try {
    const answer = await fetch(wave.dataset.peaks);
    if (!answer.ok) throw new Error(String(answer.status));
    const outline = await answer.json();
    const share = Math.min(1, outline.durationMs / Math.max(1, Number(wave.dataset.lengthMs)));
    for (const [side, middle] of Object.entries(LANES)) {
      wave.querySelector(`[data-side="${side}"]`).setAttribute("d", pathOf(outline[side], middle, share));
    }
    wave.dataset.drawn = "done";
  } catch {
    wave.querySelector(".trouble").hidden = false;
  }
}

function playFrom(seconds) {
  const { audio } = found();
  if (!audio) return;
  const go = () => {
    audio.currentTime = seconds;
    audio.play().catch(() => {});
  };
  if (audio.readyState >= HTMLMediaElement.HAVE_METADATA) go();
  else {
    audio.addEventListener("loadedmetadata", go, { once: true });
    audio.load();
  }
}

function follow() {
  const { audio, wave } = found();
  if (!audio || !wave) return;
  const nowMs = audio.currentTime * 1000;
  const x = (SVG_WIDTH * nowMs) / Math.max(1, Number(wave.dataset.lengthMs));
  wave.querySelector(".cursor").setAttribute("d", `M${Math.min(SVG_WIDTH, x).toFixed(1)} 0V168`);
  let current = null;
  for (const button of document.querySelectorAll(".turn .say[data-seek]")) {
    if (Number(button.dataset.seek) <= nowMs + 50) current = button.dataset.turn;
  }
  for (const turn of document.querySelectorAll(".turn")) turn.classList.toggle("now", turn.dataset.index === current);
  for (const block of wave.querySelectorAll("rect")) block.classList.toggle("now", block.dataset.turnBlock === current);
}

function pressed(event) {
  const button = event.target.closest("button[data-seek]");
  if (button) {
    playFrom(Number(button.dataset.seek) / 1000);
    const turn = document.getElementById(`turn-${button.dataset.turn}`);
    if (turn && !turn.contains(button)) turn.scrollIntoView({ block: "nearest" });
    return;
  }
  const picture = event.target.closest(".wave svg");
  if (picture) {
    const { wave } = found();
    const block = event.target.closest("[data-turn-block]");
    const turn = block && document.querySelector(`.turn .say[data-turn="${block.dataset.turnBlock}"]`);
    const box = picture.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    playFrom(turn ? Number(turn.dataset.seek) / 1000 : (share * Number(wave.dataset.lengthMs)) / 1000);
  }
}

document.addEventListener("click", pressed);
// Media events do not bubble, but they can be caught on their way down.
for (const name of ["timeupdate", "seeked", "play"]) document.addEventListener(name, follow, true);
document.addEventListener("renewed", draw);
draw();
