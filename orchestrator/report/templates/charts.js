// A chart is drawn when it comes near the window, and again when its width, its content or the theme has changed.
// Its size and margins are computed here: where Plotly measures margins itself, it may lay out a chart for ever.
const figures = new Map();                       // element -> function of a width that gives {data, layout, title, legend, numbers, onPoint}
const near = new Set();
const visibility = new IntersectionObserver(entries => {
  for (const {target, isIntersecting} of entries) {
    if (!isIntersecting) { near.delete(target); continue; }
    near.add(target);
    drawIfStale(target);
  }
}, {rootMargin: "250px"});

function chart(element, figure) {
  figures.set(element, figure);
  element.drawnWidth = 0;
  visibility.observe(element);
  drawIfStale(element);
}

function forget(element) {
  figures.delete(element);
  near.delete(element);
  visibility.unobserve(element);
}

let onPaper = false;
const PAPER = {wide: 680, narrow: 334};          // as style.css has it
const paperWidth = element => (element.classList.contains("wide") ? PAPER.wide : PAPER.narrow);
const widthFor = element => (onPaper ? paperWidth(element) : element.clientWidth);

function drawIfStale(element) {
  if ((near.has(element) || onPaper) && widthFor(element) !== element.drawnWidth) draw(element);
}

const pageColour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
function drawStale() { for (const element of figures.keys()) drawIfStale(element); }
function redrawAll() {
  for (const element of figures.keys()) element.drawnWidth = 0;
  drawStale();
}

function draw(element) {
  const width = element.drawnWidth = widthFor(element);
  const {data, layout, title = "", legend = [], numbers = null, onPoint = null} = figures.get(element)(width);
  const ink = pageColour("--ink");
  const axis = {gridcolor: "rgba(128,128,128,0.25)", zeroline: false, automargin: false, tickfont: {color: ink}};
  const own = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest", height: 260, width, ...layout,
    margin: {l: 64, r: 16, t: 10, b: 44, ...layout.margin, autoexpand: false}, showlegend: false,
    font: {family: FONT_FAMILY, size: FONT_SIZE, color: ink},
    xaxis: {...axis, ...layout.xaxis}, yaxis: {...axis, ...layout.yaxis},
  };
  const parts = element.parts ??= partsOfChart(element);
  parts.title.textContent = title;
  parts.legend.replaceChildren(...legend.map(([name, colour]) => legendItem(name, colour)));
  parts.numbers.hidden = !numbers;
  parts.numbers.fill = () => parts.table.replaceChildren(...tableRows(numbers));
  if (parts.numbers.open) parts.numbers.fill();
  Plotly.react(parts.plot, data, own, {displaylogo: false, displayModeBar: false});
  if (onPoint && !element.hasClicks) {
    element.hasClicks = true;
    parts.plot.on("plotly_click", ({points}) => onPoint(points[0]));
  }
}

function partsOfChart(element) {
  const parts = {
    title: node("p", {className: "title"}), legend: node("ul", {className: "legend"}), plot: node("div"),
    numbers: node("details", {className: "numbers"}), table: node("table"),
  };
  parts.plot.setAttribute("aria-hidden", "true");  // the numbers are in the table
  parts.numbers.append(node("summary", {textContent: "In numbers"}), node("div", {className: "scroll"}, parts.table));
  parts.numbers.addEventListener("toggle", () => parts.numbers.fill());
  element.append(parts.title, parts.legend, node("div", {className: "scroll"}, parts.plot), parts.numbers);
  return parts;
}

function legendItem(name, colour) {
  const line = node("i");
  line.style.background = colour;
  return node("li", {}, line, name);
}

function tableRows({head, rows}) {
  const header = node("thead", {}, node("tr", {}, ...head.map(text => node("th", {scope: "col", textContent: text}))));
  const body = rows.map(([name, ...cells]) => node("tr", {}, node("th", {scope: "row", textContent: name}), ...cells.map(text => node("td", {textContent: text}))));
  return [header, node("tbody", {}, ...body)];
}

function node(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// Rows with a label above each, which begins at the left and has as many lines as it needs
function withLabelledRows({data, layout}, width) {
  const {labels, ...meta} = layout.meta, margin = {l: 14, r: 18, t: 4, b: 34};
  const lines = labels.map(label => linesOf(label, width - margin.l - margin.r));
  const bottoms = [], room = 24;                   // for the dot and its interval
  let height = 0;
  for (const label of lines) { bottoms.push(height); height += room + label.length * LINE_HEIGHT; }
  const annotations = lines.map((label, row) => ({
    text: inLines(label), align: "left", showarrow: false, x: 0, xref: "paper", xanchor: "left",
    y: bottoms[row] + room + label.length * LINE_HEIGHT, yanchor: "top", borderpad: 0, bgcolor: pageColour("--panel"),
  }));
  const traces = data.map(trace => ({...trace, y: trace.y.map(row => bottoms[row] + room / 2)}));
  const yaxis = {range: [0, height], showticklabels: false, showgrid: false, fixedrange: true};
  return {data: traces, layout: {...layout, meta, annotations, margin, height: height + margin.t + margin.b, yaxis}};
}

const model = JSON.parse(document.getElementById("model").textContent);
for (const script of document.querySelectorAll(".chart > script")) {
  const text = script.textContent;
  chart(script.parentElement, width => {
    const figure = JSON.parse(text), {title, legend, numbers, labels, click} = figure.layout.meta;
    const onPoint = click === "trial" ? point => openTrial(point.customdata) : null;
    return {...(labels ? withLabelledRows(figure, width) : figure), title, legend, numbers, onPoint};
  });
}
addEventListener("resize", drawStale);
