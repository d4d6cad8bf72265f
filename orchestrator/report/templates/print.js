// On paper every chart is drawn, as wide as the page, in light colours.
const themeOnScreen = () => document.documentElement.dataset.theme;
let themeBefore = themeOnScreen();
addEventListener("beforeprint", () => {
  themeBefore = themeOnScreen();
  document.documentElement.dataset.theme = "light";
  onPaper = true;
  redrawAll();
});
addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = themeBefore;
  onPaper = false;
  redrawAll();
});
