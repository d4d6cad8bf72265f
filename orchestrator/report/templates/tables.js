// A table that is wider than its place says that there is more, and the arrow keys scroll it.
const places = [...document.querySelectorAll(".scroll:has(> table)")];
for (const place of places) place.before(node("p", {className: "soft more", hidden: true, textContent: "There are more columns: scroll the table sideways."}));
const widths = new ResizeObserver(() => requestAnimationFrame(() => {
  for (const place of places) {
    const isWider = place.scrollWidth > place.clientWidth + 1;
    place.previousElementSibling.hidden = !isWider;
    if (isWider || place.scrollHeight > place.clientHeight + 1) place.tabIndex = 0;
    else place.removeAttribute("tabindex");
  }
}));
for (const place of places) { widths.observe(place); widths.observe(place.firstElementChild); }
