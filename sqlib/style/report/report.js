// Sorts tables and enlarges figures; without it the report reads and prints the same.
"use strict";
const words = document.body.dataset;
const texts = new Intl.Collator("zh-CN", { numeric: true }); // Chinese names by Pinyin on English pages as well
const BLANK = /^[\u2013\u2014-]?$/;
// Sign, digits and thousands at the start; what follows must not make it part of a date, a time or a name.
const NUMBER = /^([<>]?)\s*([+-]?\d[\d,]*(?:\.\d+)?)(?![\d.,]*[-:\/\w\u5e74\u6708\u65e5])/;

function button(className, title) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className, title });
  return made;
}

// The text of a cell, of an estimate without its interval.
function read(row, column) {
  const cell = row.cells[column], text = (cell.querySelector(".sq-est") ?? cell).textContent;
  return text.trim().normalize("NFKC").replace("\u2212", "-");
}

function number(text) {
  const [, sign, digits] = text.match(NUMBER) ?? [];
  const value = Number(digits?.replaceAll(",", "")); // what is no number is NaN
  return { "<": value - 1e-9, ">": value + 1e-9 }[sign] ?? value;
}

// What a column is compared by: numbers where all its cells hold one or it is set as one; NaN and blanks come last.
function keys(rows, column) {
  const cells = rows.map(row => read(row, column)), numbers = cells.map(number);
  const numeric = rows[0].cells[column].matches(".num") || cells.every((text, i) => BLANK.test(text) || !Number.isNaN(numbers[i]));
  const values = numeric ? numbers : cells.map(text => BLANK.test(text) ? NaN : text);
  return new Map(rows.map((row, i) => [row, values[i]]));
}

function compare(a, b, direction) {
  const lastA = Number.isNaN(a), lastB = Number.isNaN(b);
  if (lastA || lastB) return lastA - lastB;
  return direction * (typeof a === "number" ? a - b : texts.compare(a, b));
}

// Ascending, descending, as it was. Equal rows keep their order; what stands in a foot stays there.
function sort(table, head, originals) {
  const next = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort") ?? "none"];
  for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
  if (next !== "none") head.setAttribute("aria-sort", next);
  [...table.tBodies].forEach((body, i) => {
    let rows = originals[i];
    if (next !== "none" && rows.length) {
      const values = keys(rows, head.cellIndex), direction = next === "ascending" ? 1 : -1;
      rows = [...body.rows].sort((a, b) => compare(values.get(a), values.get(b), direction));
    }
    body.append(...rows);
  });
}

function sortable(table) {
  const rows = table.tBodies[0]?.rows.length ?? 0;
  if (table.tHead?.rows.length !== 1 || rows < 2 || table.querySelector("[rowspan], [colspan]")) return;
  const originals = [...table.tBodies].map(body => [...body.rows]);
  for (const head of table.tHead.rows[0].cells) {
    if (!head.textContent.trim()) continue;
    const inside = button("sq-sort", words.sort);
    inside.append(...head.childNodes);
    head.append(inside);
    inside.addEventListener("click", () => sort(table, head, originals));
  }
}

// The dialog is the browser's own: Escape closes it and the focus goes back to the figure.
const dialog = document.createElement("dialog");
dialog.className = "sq-dialog";
dialog.addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => dialog.replaceChildren());
document.body.append(dialog);

function enlarge(figure) {
  const shown = figure.cloneNode(true), image = shown.querySelector("img"), close = button("sq-close", words.close);
  shown.querySelector(".sq-enlarge").replaceWith(image);
  close.textContent = "\u00d7";
  close.setAttribute("aria-label", words.close);
  dialog.setAttribute("aria-label", image.alt);
  dialog.replaceChildren(close, shown);
  dialog.showModal();
}

document.querySelectorAll("main table").forEach(sortable);
for (const image of document.querySelectorAll(".sq-figure img")) {
  const around = button("sq-enlarge", words.enlarge);
  around.setAttribute("aria-haspopup", "dialog");
  image.replaceWith(around);
  around.append(image);
  around.addEventListener("click", () => enlarge(around.closest("figure")));
}
