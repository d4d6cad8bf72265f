// How wide texts are, so that charts know their margins before they are drawn.
const FONT_SIZE = 12, LINE_HEIGHT = 16, FONT_FAMILY = "system-ui, sans-serif";
const ruler = document.createElement("canvas").getContext("2d");
ruler.font = `${FONT_SIZE}px ${FONT_FAMILY}`;
const widthOf = text => ruler.measureText(text).width;
const widest = texts => Math.max(0, ...texts.map(widthOf));
const partsOf = text => text.split(/(?<=[\s\-_.,:;=/])/);  // a line may end after a space or such a sign

// The text in lines of at most `width` pixels; within a word only where the word alone is wider
function linesOf(text, width) {
  const lines = [""];
  for (const part of partsOf(text)) {
    if (widthOf(lines.at(-1) + part.trimEnd()) <= width) { lines[lines.length - 1] += part; continue; }
    if (lines.at(-1)) lines.push("");
    for (const letter of part) {
      if (lines.at(-1) && widthOf(lines.at(-1) + letter) > width) lines.push("");
      lines[lines.length - 1] += letter;
    }
  }
  return lines.map(line => line.trimEnd());
}

// At most `count` lines; the last one ends in an ellipsis if there are more
function firstLines(text, width, count) {
  const lines = linesOf(text, width);
  return lines.length <= count ? lines : [...lines.slice(0, count - 1), shortened(lines.slice(count - 1).join(""), width)];
}

function shortened(text, width) {
  if (widthOf(text) <= width) return text;
  const letters = [...text];
  while (letters.length && widthOf(`${letters.join("")}…`) > width) letters.pop();
  return `${letters.join("")}…`;
}

// Plotly reads a little HTML in all of its texts
const plain = text => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const inLines = lines => lines.map(plain).join("<br>");
