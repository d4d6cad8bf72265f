// One slider moves every sample grid through its training, at the same latents; a click shows a grid enlarged.
const slider = document.getElementById("moment");
const sampleHistory = JSON.parse(document.getElementById("sample_history").textContent);  // a trial's number -> [[step, picture], ...]
const pictures = [...document.querySelectorAll("img[data-trial]")];
for (const image of pictures) sampleHistory[image.dataset.trial].at(-1)[1] = image.src;  // in the page once
const sampleSteps = [...new Set(Object.values(sampleHistory).flatMap(grids => grids.map(([step]) => step)))].sort((a, b) => a - b);

function showMoment() {                          // each trial's last grid up to this step, or its first one
  const moment = sampleSteps[slider.value];
  slider.setAttribute("aria-valuetext", `step ${moment}`);
  document.getElementById("moment-step").textContent = `step ${moment}`;
  for (const image of pictures) {
    const grids = sampleHistory[image.dataset.trial], [step, picture] = grids.findLast(([step]) => step <= moment) ?? grids[0];
    image.src = picture;
    image.alt = image.alt.replace(/at step \d+/, `at step ${step}`);
    image.closest("figure").querySelector(".step").textContent = `step ${step}`;
  }
}
if (slider) {
  slider.max = slider.value = sampleSteps.length - 1;
  slider.addEventListener("input", showMoment);
  showMoment();
}

filterBy("samples-filter", words => {
  const count = showOnly(document.querySelectorAll(".gallery figure"), words);
  for (const gallery of document.querySelectorAll(".gallery")) gallery.hidden = !gallery.querySelector("figure:not([hidden])");
  return count;
});

const enlarged = document.getElementById("enlarged"), large = node("img"), caption = node("figcaption");
enlarged.querySelector("figure").append(large, caption);
let shownFigure = null;
function enlarge(figure) {
  shownFigure = figure;
  const image = figure.querySelector("img");
  [large.src, large.alt] = [image.src, image.alt];
  caption.replaceChildren(...figure.querySelector("figcaption").cloneNode(true).childNodes);
}

function enlargeNeighbour(distance) {
  const all = [...document.querySelectorAll("figure:has(.enlarge):not([hidden])")];
  enlarge(all[(all.indexOf(shownFigure) + distance + all.length) % all.length]);
}

for (const button of document.querySelectorAll(".enlarge")) button.addEventListener("click", () => { enlarge(button.closest("figure")); enlarged.showModal(); });
enlarged.querySelector(".earlier").addEventListener("click", () => enlargeNeighbour(-1));
enlarged.querySelector(".later").addEventListener("click", () => enlargeNeighbour(1));
enlarged.addEventListener("keydown", event => {
  if (event.key === "ArrowLeft") enlargeNeighbour(-1);
  if (event.key === "ArrowRight") enlargeNeighbour(1);
});
enlarged.addEventListener("click", event => { if (event.target === enlarged) enlarged.close(); });
