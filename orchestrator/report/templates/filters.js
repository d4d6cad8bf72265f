// What is typed into a search field shows only what holds every word of it.
const hasWords = (text, words) => { const lower = text.toLowerCase(); return words.every(word => lower.includes(word)); };

// `show`: function of the words that shows what holds them all, and returns how many things that are
function filterBy(id, show) {
  const field = document.getElementById(id), status = document.getElementById(`${id}-shown`);
  field?.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean), count = show(words);
    status.textContent = words.length ? `${count} shown` : "";
  });
}

function showOnly(elements, words) {
  let count = 0;
  for (const element of elements) {
    element.hidden = !hasWords(element.textContent, words);
    count += !element.hidden;
  }
  return count;
}
