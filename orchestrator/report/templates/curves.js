// Curves of all trials, in panels and colours by whatever the reader chooses.
const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A6A00", "#8C564B"];  // Okabe and Ito
const OUTCOMES = {stable: "#009E73", diverged: "#D55E00", collapsed: "#CC79A7", saturated: "#E69F00", oscillating: "#0072B2", unfinished: "#6A5ACD"};
const DASHES = ["solid", "dash", "dot", "dashdot"];

function unpack(text, type) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  return new type(bytes.buffer);
}
const axes = model.axes.map(text => unpack(text, Uint32Array));
const unpacked = new Map();                      // curve -> values, once it was needed
function valuesOf(curve) {
  if (!unpacked.has(curve)) unpacked.set(curve, unpack(curve[1], Float32Array));
  return unpacked.get(curve);
}

const factorNames = [...new Set(model.trials.flatMap(trial => Object.keys(trial.factors)))];
const BY = {configuration: t => t.configuration, group: t => t.group, verdict: t => t.outcome, seed: t => `seed ${t.seed}`};
for (const name of factorNames) BY[name] = trial => trial.factors[name] ?? "(not in its group)";
const levelsOf = (by, trials) => [...new Set(trials.map(BY[by]))];

const controls = {};
for (const name of ["panels", "colour", "smoothing", "log"]) {
  controls[name] = document.getElementById(`curves-${name}`);
  controls[name].addEventListener("input", name === "panels" || name === "colour" ? layOut : drawCurves);
}
for (const by of Object.keys(BY)) {
  controls.colour.append(new Option(by, by));
  if (by !== "configuration") controls.panels.append(new Option(by, by));
}
controls.panels.prepend(new Option("none", ""));
controls.panels.value = levelsOf("group", model.trials).length > 1 ? "group" : "";
controls.colour.value = levelsOf("configuration", model.trials).length > 24 ? "verdict" : "configuration";

// Debiased exponential moving average, as TensorBoard has it
function smooth(values, weight) {
  let mean = 0, sum = 0;
  return Array.from(values, value => {
    mean = weight * mean + (1 - weight) * value;
    sum = weight * sum + (1 - weight);
    return mean / sum;
  });
}

function colourOf(by, level, index) {
  if (by === "verdict") return OUTCOMES[level] ?? "#888888";
  return PALETTE[index % PALETTE.length];
}

// One trace a colour: its curves one after another, with gaps, so that a thousand trials can be drawn
function curveFigure(metric, trials) {
  const by = controls.colour.value, weight = Number(controls.smoothing.value), log = controls.log.checked;
  const levels = levelsOf(by, trials.map(number => model.trials[number]));
  const traces = levels.map((level, index) => ({
    type: "scatter", mode: "lines", name: level, x: [], y: [], text: [], connectgaps: false,
    line: {color: colourOf(by, level, index), width: 1.5, dash: DASHES[Math.floor(index / PALETTE.length) % DASHES.length]},
    opacity: Math.max(0.25, Math.min(1, 24 / trials.length)),
    hovertemplate: "step %{x}: %{y:.4g}<extra>%{text}</extra>",
  }));
  let low = Infinity, high = -Infinity, diverged = 0;
  for (const number of trials) {
    const trial = model.trials[number], curve = metric.curves[number];
    if (!curve) continue;
    const trace = traces[levels.indexOf(BY[by](trial))], steps = axes[curve[0]];
    const values = smooth(valuesOf(curve), weight), name = `${trial.name} (${trial.outcome})`;
    values.forEach((value, index) => { trace.x.push(steps[index]); trace.y.push(value); trace.text.push(name); });
    trace.x.push(null); trace.y.push(null); trace.text.push("");
    if (trial.outcome === "diverged") { diverged += 1; continue; }
    for (const value of values) if (!log || value > 0) { low = Math.min(low, value); high = Math.max(high, value); }
  }
  if (metric.floor) {                            // what held-out real images reach
    const [value, text] = metric.floor;
    const last = Math.max(...trials.filter(number => metric.curves[number]).map(number => axes[metric.curves[number][0]].at(-1)));
    traces.push({
      type: "scatter", mode: "lines", name: text, x: [0, last], y: [value, value],
      line: {color: "#888888", width: 1.5, dash: "dot"}, hovertemplate: `${text}: %{y:.4g}<extra></extra>`,
    });
    if (low <= high && (!log || value > 0)) { low = Math.min(low, value); high = Math.max(high, value); }
  }
  const yaxis = {type: log ? "log" : "linear"};
  if (diverged && low <= high) {                 // the frame fits those that did not diverge
    const [from, to] = log ? [Math.log10(low), Math.log10(high)] : [low, high], room = 0.08 * (to - from) || 1;
    yaxis.range = [from - room, to + room];
  }
  const below = metric.floor ? `<br><span style="font-size:11px">dotted: ${metric.floor[1]}</span>` : "";
  const title = {text: metric.title + below, font: {size: 14}};
  return {data: traces, layout: {title, xaxis: {title: {text: "step"}, rangemode: "tozero"}, yaxis}};
}

let curveCharts = [];
function layOut() {
  const container = document.getElementById("curves"), by = controls.panels.value;
  for (const element of curveCharts) figures.delete(element);
  curveCharts = [];
  container.replaceChildren();
  const all = model.trials.map((_, number) => number);
  const panels = by ? levelsOf(by, model.trials).map(level => [level, all.filter(n => BY[by](model.trials[n]) === level)]) : [["", all]];
  for (const [level, trials] of panels) {
    if (level) container.append(element("h3", {textContent: by === "group" ? level : `${by}: ${level}`}));
    container.append(legendOf(trials));
    const row = element("div", {className: "charts"});
    for (const metric of model.metrics) {
      if (!trials.some(number => metric.curves[number])) continue;
      const panel = element("div", {className: "chart", role: "img", ariaLabel: `${metric.title} ${level} against the step`});
      row.append(panel);
      curveCharts.push(panel);
      chart(panel, () => curveFigure(metric, trials));
    }
    container.append(row);
  }
}

function legendOf(trials) {
  const by = controls.colour.value, list = element("ul", {className: "legend"});
  const levels = levelsOf(by, trials.map(number => model.trials[number]));
  levels.slice(0, 24).forEach((level, index) => {
    const line = element("i");
    line.style.background = colourOf(by, level, index);
    list.append(element("li", {}, line, level));
  });
  if (levels.length > 24) list.append(element("li", {textContent: `and ${levels.length - 24} more: point at a line for its name`}));
  return list;
}

let waiting = 0;
function drawCurves() {                          // once for many moves of the slider
  clearTimeout(waiting);
  waiting = setTimeout(() => { for (const element of curveCharts) if (element.plot) draw(element); }, 60);
}
layOut();
