// What makes the screens live: a change in the journal fetches this page again and swaps the parts that say `data-swap`.
// Everything works without it.

const { live, poll } = document.body.dataset;
let seq = Number(document.body.dataset.seq);

// Puts the new content of a part in place. Somebody who types, or has opened something there, is not disturbed.
const put = (part, next) => {
  const within = part.contains(document.activeElement) ? document.activeElement : null;
  if (within?.matches("input,textarea,select") || next.innerHTML === part.innerHTML) return;
  const opened = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
  const focus = within?.id || within?.getAttribute("href");
  part.replaceChildren(...next.childNodes);
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  if (focus) [...part.querySelectorAll("[id],[href]")].find((one) => one.id === focus || one.getAttribute("href") === focus)?.focus();
};

const swap = async () => {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  // The session is over: the page says so by itself when it is loaded.
  if (answer.redirected) return location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  seq = Number(fresh.body.dataset.seq);
  for (const part of document.querySelectorAll("[data-swap]")) {
    const next = fresh.getElementById(part.id);
    if (next) put(part, next);
  }
  document.title = fresh.title;
};

// At most once a second.
let waiting = null, last = 0;
const soon = () => {
  waiting ??= setTimeout(async () => {
    await swap();
    [waiting, last] = [null, Date.now()];
  }, Math.max(100, last + 1000 - Date.now()));
};

// Only a page that somebody looks at holds a connection: a browser has six of them for one server, and the next page of the
// seventh would wait for ever. The first event says whether anything was missed.
const cut = document.getElementById("cut");
let source = null;
const connect = () => {
  source?.close();
  source = document.hidden ? null : new EventSource(live);
  if (!source) return;
  source.onmessage = (event) => { if (Number(event.data) > seq) soon(); };
  source.onopen = () => { cut.hidden = true; };
  source.onerror = () => {
    cut.hidden = false;
    // A browser gives up after an error status; the server may only be starting, or the session may be over.
    if (source?.readyState === EventSource.CLOSED) setTimeout(() => { soon(); connect(); }, 5000);
  };
};
if (live) {
  connect();
  document.addEventListener("visibilitychange", connect);
  addEventListener("pagehide", () => { source?.close(); source = null; });
  addEventListener("pageshow", (event) => event.persisted && connect());
}
if (poll) setInterval(swap, Number(poll) * 1000);
document.querySelector(".tab[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

// Keyboard: `data-key` names one or two keys; the first visible element that has them is opened or focused.
const fields = "input,textarea,select";
const shown = (one) => one.getClientRects().length > 0;
const use = (found) => {
  if (found.matches(fields)) {
    found.closest("details")?.setAttribute("open", "");
    return found.focus();
  }
  found.click();
  if (found.matches("summary")) found.parentElement.querySelector("input:not([type=hidden]),textarea,select")?.focus();
};
const leave = () => {
  const open = document.querySelector(".pop[open]");
  open?.removeAttribute("open");
  open ? open.querySelector("summary").focus() : document.activeElement.blur();
};
const step = (by) => {
  const rows = [...document.querySelectorAll("main .row .what > a, main tbody td:first-child a")].filter(shown);
  const at = rows.indexOf(document.activeElement);
  rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by]?.focus();
};

// The shortcuts of this screen and those that work everywhere, over the screen.
const help = async (address) => {
  const text = await fetch(address).then((answer) => answer.text());
  const everywhere = new DOMParser().parseFromString(text, "text/html").getElementById("keys");
  const dialog = document.body.appendChild(document.createElement("dialog"));
  const add = (into, name, words = "") => Object.assign(into.appendChild(document.createElement(name)), { textContent: words });
  const form = Object.assign(add(dialog, "form"), { method: "dialog" });
  add(form, "h1", "Keyboard");
  add(form, "button", "Close").className = "btn btn-sm";
  const own = [...document.querySelectorAll("[data-key][data-means]")].filter(shown);
  if (own.length) add(dialog, "h2", "On this screen");
  const list = Object.assign(add(dialog, "dl"), { className: "keys" });
  for (const { key, means } of new Map(own.map((one) => [one.dataset.key, one.dataset])).values()) {
    const pair = add(list, "div");
    add(pair, "dt", means);
    add(add(pair, "dd"), "kbd", key);
  }
  add(dialog, "h2", "Everywhere");
  dialog.append(document.adoptNode(everywhere));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
};

let before = "";
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if ((event.ctrlKey || event.metaKey) && key === "Enter" && target.matches("[data-send]")) return target.form.requestSubmit();
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (key === "Escape") return leave();
  if (target.matches(fields)) return;
  const pressed = [`${before} ${key}`, key];
  before = key;
  const all = [...document.querySelectorAll("[data-key]")].filter(shown);
  const found = pressed.map((keys) => all.find((one) => one.dataset.key === keys)).find(Boolean);
  if (!found && key !== "j" && key !== "k") return;
  event.preventDefault();
  before = "";
  if (!found) step(key === "j" ? 1 : -1);
  else if (key === "?") help(found.href);
  else use(found);
});
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll(".pop[open]")) if (!open.contains(event.target)) open.removeAttribute("open");
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
