"use strict";
const table = document.querySelector("table.claims"), body = table.tBodies[0], rows = [...body.rows];
const fields = ["text", "outcome", "grade", "form"].map((id) => document.getElementById(id));
const shown = document.getElementById("shown");
function filter() {
  const [text, ...choices] = fields.map((f) => f.value.trim().toLowerCase());
  let count = 0;
  for (const row of rows) {
    const fits = ["outcome", "grade", "form"].every((k, i) => !choices[i] || row.dataset[k] === choices[i]);
    row.hidden = !(fits && row.textContent.toLowerCase().includes(text));
    count += row.hidden ? 0 : 1;
  }
  shown.textContent = `${count} of ${rows.length} statements`;
}
fields.forEach((f) => f.addEventListener("input", filter));
table.tHead.querySelectorAll("button").forEach((button) => button.addEventListener("click", () => {
  const head = button.closest("th"), key = button.dataset.key;
  const up = head.getAttribute("aria-sort") !== "ascending";
  table.tHead.querySelectorAll("th").forEach((th) => th.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const value = (row) => key === "order" || key === "seconds" ? Number(row.dataset[key]) : row.dataset[key];
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  rows.sort((p, q) => (up ? 1 : -1) * compare(value(p), value(q)) || p.dataset.order - q.dataset.order);
  body.append(...rows);
}));
filter();
