"use strict";
// Sorts a table by the column whose heading is pressed; pressed again, the other way round. Numbers by their full value.
const value = (row, column) => {
  const cell = row.cells[column];
  const number = cell.dataset.value;
  if (number === undefined) return cell.textContent;
  return number === "null" || number === "" ? NaN : Number(number);
};
const compare = (a, b) => {
  if (typeof a === "string") return a.localeCompare(b, "en", { numeric: true });
  // What is no number goes last, whichever way.
  if (Number.isNaN(a) || Number.isNaN(b)) return 0;
  return a - b;
};
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].map((row) => [value(row, column), row]);
    const missing = rows.filter(([key]) => Number.isNaN(key));
    const there = rows.filter(([key]) => !Number.isNaN(key));
    there.sort(([a], [b]) => (down ? -compare(a, b) : compare(a, b)));
    table.tBodies[0].append(...[...there, ...missing].map(([, row]) => row));
  }));
}
