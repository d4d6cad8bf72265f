// One slider moves every sample grid through its training, at the same latents.
const slider = document.getElementById("moment");
const moments = JSON.parse(document.getElementById("moments").textContent);  // a trial's number -> [[step, picture], ...]
for (const image of document.querySelectorAll("img[data-trial]")) moments[image.dataset.trial].at(-1)[1] = image.src;  // in the page once
slider?.addEventListener("input", () => {
  for (const image of document.querySelectorAll("img[data-trial]")) {
    const grids = moments[image.dataset.trial], index = Math.round(slider.value / slider.max * (grids.length - 1));
    const [step, picture] = grids[index];
    image.src = picture;
    image.alt = image.alt.replace(/at step \d+/, `at step ${step}`);
    image.closest("figure").querySelector(".step").textContent = `step ${step}`;
  }
});
