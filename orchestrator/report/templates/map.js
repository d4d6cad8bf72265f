// A point of the map opens its trial's samples; of three or four settings, the reader chooses the slice.
function openTrial(number) {
  if (number === undefined) return;                // no point, but the surface
  const figure = document.getElementById(`samples-${number}`);
  if (figure) { enlarge(figure); enlarged.showModal(); return; }
  const details = document.getElementById(`trial-${number}`);
  if (!details) return;                            // the page shows some of very many trials
  details.open = true;
  details.scrollIntoView({block: "center"});
}

const mapChoices = [...document.querySelectorAll(".map-choice")];
function showSlice() {
  const wanted = mapChoices.map(choice => choice.selectedIndex).join(" ");
  for (const slice of document.querySelectorAll(".map-slice")) slice.hidden = slice.dataset.slice !== wanted;
}
for (const choice of mapChoices) {
  choice.selectedIndex = Math.floor(choice.options.length / 2);
  choice.addEventListener("input", showSlice);
}
if (mapChoices.length) showSlice();
