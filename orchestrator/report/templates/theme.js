// Light or dark as the system has it, until the reader chooses.
const darkSystem = matchMedia("(prefers-color-scheme: dark)");
const themeButton = document.querySelector(".theme");

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  themeButton.textContent = dark ? "Light" : "Dark";
  themeButton.setAttribute("aria-label", dark ? "Change to light colours" : "Change to dark colours");
}

darkSystem.addEventListener("change", () => { setTheme(darkSystem.matches); redrawAll(); });
themeButton.addEventListener("click", () => { setTheme(document.documentElement.dataset.theme !== "dark"); redrawAll(); });
setTheme(darkSystem.matches);
