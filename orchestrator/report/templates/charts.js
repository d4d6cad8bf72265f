// Charts are drawn when they come near the window, and again when the theme changes.
const figures = new Map();                       // element -> function that gives {data, layout}
const visibility = new IntersectionObserver(entries => {
  for (const entry of entries) if (entry.isIntersecting) { visibility.unobserve(entry.target); draw(entry.target); }
}, {rootMargin: "600px"});

function chart(element, figure) {
  figures.set(element, figure);
  visibility.unobserve(element);
  visibility.observe(element);
}

function draw(element) {
  const style = getComputedStyle(document.documentElement);
  const {data, layout} = figures.get(element)();
  const ink = style.getPropertyValue("--ink");
  const axis = {gridcolor: "rgba(128,128,128,0.25)", zeroline: false, automargin: true, tickfont: {color: ink}};
  const own = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest", showlegend: false,
    margin: {l: 48, r: 14, t: 40, b: 42}, height: 300, ...layout,
    font: {family: "system-ui, sans-serif", size: 12, color: ink},
    xaxis: {...axis, ...layout.xaxis}, yaxis: {...axis, ...layout.yaxis},
  };
  if (!element.plot) { element.plot = document.createElement("div"); element.append(element.plot); }
  Plotly.react(element.plot, data, own, {responsive: true, displaylogo: false, displayModeBar: false});
}

function redrawAll() { for (const element of figures.keys()) if (element.plot) draw(element); }
function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

const model = JSON.parse(document.getElementById("model").textContent);
for (const script of document.querySelectorAll(".chart > script")) {
  const figure = JSON.parse(script.textContent);
  chart(script.parentElement, () => structuredClone(figure));
}
addEventListener("beforeprint", () => { for (const element of figures.keys()) draw(element); });
