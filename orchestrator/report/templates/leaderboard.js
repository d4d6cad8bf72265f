// The leaderboard sorts by any column, shows the rows that hold what was typed, and the columns that are asked for.
for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  headers.forEach((header, column) => {
    const button = node("button", {type: "button"}, ...header.childNodes);
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = header.ariaSort === "ascending";
      for (const other of headers) other.removeAttribute("aria-sort");
      header.ariaSort = down ? "descending" : "ascending";
      const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const known = row => key(row) !== "";
      const compare = (a, b) => (isNaN(key(a)) || isNaN(key(b)) ? key(a).localeCompare(key(b), undefined, {numeric: true}) : key(a) - key(b));
      const rows = [...body.rows].filter(known).sort((a, b) => (down ? -1 : 1) * compare(a, b));
      body.append(...rows, ...[...body.rows].filter(row => !known(row)));  // what is not known stays last
    });
  });
}

filterBy("filter", words => showOnly(document.querySelectorAll("table.sortable tbody tr"), words));

const columns = document.getElementById("columns");
columns.addEventListener("input", () => {
  for (const cell of document.querySelectorAll("table.sortable [data-about]")) cell.hidden = columns.value !== "" && cell.dataset.about !== columns.value;
});
