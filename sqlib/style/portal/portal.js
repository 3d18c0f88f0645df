// Filters the reports and tells their age; without it the whole list stays readable.
"use strict";
const form = document.querySelector("form"), fields = [...form.querySelectorAll("[name]")];
const plain = text => text.normalize("NFKC").toLowerCase();
const cards = [...document.querySelectorAll(".job")].map(card => {
  const run = card.closest(".run"), client = card.closest(".client");
  return {
    card, client: client.dataset.client, period: run.dataset.period, status: card.dataset.status, audience: card.dataset.audience ?? "",
    text: plain(`${client.dataset.words} ${run.dataset.period} ${card.textContent}`),
    findings: [...card.querySelectorAll("li")].map(item => ({ item, verdict: item.dataset.verdict, text: plain(item.textContent) })),
    rest: card.querySelector("details"),
  };
});
const groups = [...document.querySelectorAll(".run, .client")].map(group => [group, cards.filter(({ card }) => group.contains(card))]);

function state() {
  return Object.fromEntries(fields.map(field => [field.name, field.value]).filter(([, value]) => value));
}

// A verdict leaves only its findings; the findings folded away open where what was sought stands among them.
function matches(entry, wanted, words) {
  const verdicts = wanted.verdict?.split(" ");
  const found = entry.findings.filter(({ item, verdict }) => !(item.hidden = Boolean(verdicts) && !verdicts.includes(verdict)));
  if (entry.rest) {
    const inside = found.filter(({ item }) => entry.rest.contains(item));
    entry.rest.hidden = !inside.length;
    entry.rest.open = Boolean(verdicts || words.length) && inside.some(({ text }) => words.every(word => text.includes(word)));
  }
  return ["client", "period", "status", "audience"].every(name => !wanted[name] || wanted[name] === entry[name])
    && (!verdicts || found.length > 0) && words.every(word => entry.text.includes(word));
}

function filter() {
  const wanted = state(), words = plain(wanted.search ?? "").split(/\s+/).filter(Boolean);
  let count = 0;
  for (const entry of cards) {
    entry.card.hidden = !matches(entry, wanted, words);
    count += !entry.card.hidden && entry.card.matches("article");
  }
  for (const [group, inside] of groups) group.hidden = inside.every(({ card }) => card.hidden);
  document.getElementById("count").textContent = count;
  document.getElementById("nothing").hidden = cards.some(({ card }) => !card.hidden);
}

// The address holds the filters, so that a view can be sent; a value this page does not know finds nothing.
function read() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const field of fields) {
    const value = wanted.get(field.name) ?? "";
    field.value = value;
    if (field.value !== value) field.add(new Option(value, value, false, true));
  }
  filter();
}

function change() {
  history.replaceState(null, "", `#${new URLSearchParams(state())}`);
  filter();
}

function clear() {
  form.reset();
  change();
}

function press(event) {
  if (event.key === "Escape") clear();
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
  event.preventDefault();
  form.search.focus();
}

// "3 days ago", counted from the reader's clock; the moment itself in the reader's time zone.
function age() {
  const language = document.documentElement.lang, ago = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const clock = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  for (const time of document.querySelectorAll("time")) {
    const then = new Date(time.dateTime), days = Math.floor((Date.now() - then) / 864e5);
    if (time.dateTime.includes("T")) time.textContent = clock.format(then);
    time.after(`\u00a0(${ago.format(-days, "day")})`);
  }
}

age();
form.hidden = false;
form.addEventListener("input", change);
form.addEventListener("submit", event => event.preventDefault());
form.querySelector("[type=reset]").addEventListener("click", event => { event.preventDefault(); clear(); });
addEventListener("keydown", press);
addEventListener("hashchange", read);
read();
