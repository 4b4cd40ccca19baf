// What makes the screens live: a change in the journal fetches this page again and swaps the parts that say `data-swap`.
// Everything works without it.

const swap = async () => {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-swap]")) {
    const next = part.id && fresh.getElementById(part.id);
    // Somebody who types or has opened a form in this part is not disturbed.
    const busy = part.contains(document.activeElement) && document.activeElement.matches("input,textarea,select");
    if (next && !busy && next.innerHTML !== part.innerHTML) {
      const focus = part.contains(document.activeElement) && document.activeElement.id;
      part.replaceChildren(...next.childNodes);
      if (focus) document.getElementById(focus)?.focus();
    }
  }
  document.title = fresh.title;
};

let waiting = null;
const soon = () => {
  waiting ??= setTimeout(() => { waiting = null; swap(); }, 150);
};

const { live, seq, poll } = document.body.dataset;
const cut = document.getElementById("cut");
if (live) {
  const source = new EventSource(`${live}?after=${seq}`);
  source.onmessage = () => soon();
  source.onopen = () => { if (cut) cut.hidden = true; };
  source.onerror = () => { if (cut) cut.hidden = false; };
}
if (poll) setInterval(swap, Number(poll) * 1000);

// Keyboard: `data-key` names one or two keys; the first visible element that has them is opened or focused.
let before = "";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "Enter" && event.target.matches("[data-send]")) {
    event.target.form.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input,textarea,select")) return;
  const pressed = [`${before} ${event.key}`, event.key];
  before = event.key;
  const found = [...document.querySelectorAll("[data-key]")].find((one) => pressed.includes(one.dataset.key));
  if (!found) return;
  event.preventDefault();
  before = "";
  if (found.matches("input,textarea")) {
    found.closest("details")?.setAttribute("open", "");
    found.focus();
  } else found.click();
});

// Another stage brings its usual words, unless somebody has written others.
document.addEventListener("change", ({ target }) => {
  const text = target.dataset.fills && document.getElementById(target.dataset.fills);
  if (!text) return;
  const usual = [...target.options].map((option) => option.dataset.text);
  if (!text.value.trim() || usual.includes(text.value)) text.value = target.selectedOptions[0].dataset.text;
});

// Times that pass, in the words that the server uses.
const clock = (seconds) => {
  const pad = (n) => String(n).padStart(2, "0");
  const s = seconds % 60, m = Math.floor(seconds / 60) % 60, h = Math.floor(seconds / 3600) % 24, d = Math.floor(seconds / 86400);
  if (d > 0) return `${d} d ${pad(h)}:${pad(m)}`;
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
};
const span = (seconds) => {
  const minutes = Math.floor(seconds / 60), hours = Math.floor(seconds / 3600), days = Math.floor(seconds / 86400);
  if (minutes === 0) return `${seconds} s`;
  if (hours === 0) return `${minutes} min`;
  if (days === 0) return hours < 10 && minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return days < 4 && hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
};
// The server's clock counts, not this device's.
const ahead = Date.now() - Number(document.body.dataset.now ?? Date.now());
const told = {
  up: (passed) => clock(Math.abs(passed)),
  down: (passed) => (passed > 0 ? `${clock(passed)} late` : clock(-passed)),
  since: (passed) => span(Math.abs(passed)),
  ago: (passed) => (Math.abs(passed) < 5 ? "just now" : passed > 0 ? `${span(passed)} ago` : `in ${span(-passed)}`),
};
setInterval(() => {
  for (const one of document.querySelectorAll("time[data-time]")) {
    const passed = Math.trunc((Date.now() - ahead - Date.parse(one.dateTime)) / 1000);
    const text = told[one.dataset.time]?.(passed);
    if (text && text !== one.textContent) one.textContent = text;
  }
}, 1000);
