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
let isShown = model.trials.map(trial => trial.shown);  // by the reader's filter, of those that the page has
filterBy("curves-filter", words => {
  isShown = model.trials.map(trial => trial.shown && hasWords(`${trial.name} ${trial.outcome}`, words));
  layOut();
  return isShown.filter(Boolean).length;
});
for (const by of Object.keys(BY)) {
  controls.colour.append(new Option(by, by));
  if (by !== "configuration") controls.panels.append(new Option(by, by));
}
controls.panels.prepend(new Option("none", ""));
controls.panels.value = levelsOf("group", model.trials).length > 1 ? "group" : "";
controls.colour.value = levelsOf("configuration", model.trials).length > 24 ? "verdict" : "configuration";

const median = values => { const s = values.toSorted((a, b) => a - b), n = s.length; return (s[(n - 1) >> 1] + s[n >> 1]) / 2; };
const short = value => String(Number(value.toPrecision(3)));
function extremes(values) {                      // [] of none; the spread of Math.min(...values) has a limit
  let low = Infinity, high = -Infinity;
  for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
  return values.length ? [low, high] : [];
}

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

// What a logarithmic axis draws: where some values are not positive, a symmetric logarithm (linear below `unit`)
function scaleOf(values, log) {
  if (!log || values.every(value => value > 0)) return {type: log ? "log" : "linear", suffix: "", draw: value => value};
  const [least, most] = extremes(values.map(Math.abs).filter(Boolean)), largest = Math.ceil(Math.log10(most ?? 1));
  const smallest = Math.min(largest - 1, Math.max(largest - 4, Math.floor(Math.log10(least ?? 1))));
  const unit = 10 ** smallest, draw = value => Math.asinh(value / unit);
  const stride = Math.max(1, Math.ceil((largest - smallest) / 3)), powers = [];
  for (let power = largest; power >= smallest; power -= stride) powers.push(10 ** power);
  const ticks = [...powers.map(value => -value), 0, ...powers.toReversed()];
  return {
    type: "linear", suffix: ", symmetric logarithm", draw, tickmode: "array", tickvals: ticks.map(draw),
    ticktext: ticks.map(value => (Math.abs(value) < 1e5 ? String(Number(value.toPrecision(1))) : value.toExponential(0)).replace("-", "\u2212")),
  };
}

// One trace a colour: its curves one after another, with gaps, so that a thousand trials can be drawn
function curveFigure(metric, all) {
  const by = controls.colour.value, weight = Number(controls.smoothing.value);
  const trials = all.filter(number => isShown[number] && metric.curves[number]);
  const levels = levelsOf(by, all.map(number => model.trials[number]));
  const curves = trials.map(number => smooth(valuesOf(metric.curves[number]), weight));
  const framed = curves.filter((_, index) => model.trials[trials[index]].outcome !== "diverged");
  const scale = scaleOf([...(framed.length ? framed : curves).flat(), ...(metric.baseline ? [metric.baseline[0]] : [])], controls.log.checked);
  const traces = levels.map((level, index) => ({
    type: "scatter", mode: "lines", name: level, x: [], y: [], text: [], customdata: [], connectgaps: false,
    line: {color: colourOf(by, level, index), width: 1.5, dash: DASHES[Math.floor(index / PALETTE.length) % DASHES.length]},
    opacity: Math.max(0.25, Math.min(1, 24 / all.length)),
    hovertemplate: "step %{x}: %{customdata:.4g}<extra>%{text}</extra>",
  }));
  const inFrame = [];
  let diverged = 0;
  trials.forEach((number, index) => {
    const trial = model.trials[number], trace = traces[levels.indexOf(BY[by](trial))], steps = axes[metric.curves[number][0]];
    const values = curves[index], name = `${trial.name} (${trial.outcome})`;
    values.forEach((value, at) => { trace.x.push(steps[at]); trace.y.push(scale.draw(value)); trace.customdata.push(value); trace.text.push(name); });
    trace.x.push(null); trace.y.push(null); trace.customdata.push(null); trace.text.push("");
    if (trial.outcome === "diverged") diverged += 1;
    else inFrame.push(...extremes(values));
  });
  if (metric.baseline && trials.length) {            // what held-out real images reach
    const [value, text] = metric.baseline, last = Math.max(...trials.map(number => axes[metric.curves[number][0]].at(-1)));
    traces.push({
      type: "scatter", mode: "lines", name: text, x: [0, last], y: [scale.draw(value), scale.draw(value)],
      line: {color: "#888888", width: 1.5, dash: "dot"}, hovertemplate: `${text}: ${short(value)}<extra></extra>`,
    });
    if (inFrame.length) inFrame.push(value);
  }
  const {suffix, draw: _, ...yaxis} = scale;
  if (diverged && inFrame.length) {              // the frame fits those that did not diverge
    const [from, to] = extremes(inFrame).map(scale.draw).map(value => (yaxis.type === "log" ? Math.log10(value) : value));
    const room = 0.08 * (to - from) || 1;
    yaxis.range = [from - room, to + room];
  }
  return {
    data: traces, layout: {xaxis: {title: {text: "step"}, rangemode: "tozero"}, yaxis},
    title: metric.title + suffix + (metric.baseline ? `; dotted: ${metric.baseline[1]}` : ""),
    numbers: lastValues(metric, by, levels, trials),
  };
}

// The last values of the curves of each colour, as a table
function lastValues(metric, by, levels, trials) {
  const rows = levels.map(level => {
    const lasts = trials.filter(number => BY[by](model.trials[number]) === level).map(number => valuesOf(metric.curves[number]).at(-1));
    return lasts.length ? [level, lasts.length, ...[Math.min(...lasts), median(lasts), Math.max(...lasts)].map(short)] : null;
  });
  return {head: [by, "runs", "lowest at the end", "median", "highest"], rows: rows.filter(Boolean)};
}

let curveCharts = [];
function layOut() {
  const container = document.getElementById("curves"), by = controls.panels.value;
  curveCharts.forEach(forget);
  curveCharts = [];
  container.replaceChildren();
  const all = model.trials.map((_, number) => number);
  const panels = by ? levelsOf(by, model.trials).map(level => [level, all.filter(n => BY[by](model.trials[n]) === level)]) : [["", all]];
  for (const [level, trials] of panels) {
    if (!trials.some(number => isShown[number])) continue;
    if (level) container.append(node("h3", {textContent: by === "group" ? level : `${by}: ${level}`}));
    container.append(legendOf(trials));
    const row = node("div", {className: "charts"});
    for (const metric of model.metrics) {
      if (!trials.some(number => isShown[number] && metric.curves[number])) continue;
      const panel = node("div", {className: "chart", role: "figure", ariaLabel: `${metric.title} ${level} against the step`});
      row.append(panel);
      curveCharts.push(panel);
      chart(panel, () => curveFigure(metric, trials));
    }
    container.append(row);
  }
}

function legendOf(trials) {
  const by = controls.colour.value, list = node("ul", {className: "legend"});
  const levels = levelsOf(by, trials.map(number => model.trials[number]));
  const shown = new Set(levelsOf(by, trials.filter(number => isShown[number]).map(number => model.trials[number])));
  const items = levels.map((level, index) => [level, colourOf(by, level, index)]).filter(([level]) => shown.has(level));
  list.append(...items.slice(0, 24).map(([level, colour]) => legendItem(level, colour)));
  if (items.length > 24) list.append(node("li", {textContent: `and ${items.length - 24} more: point at a line for its name`}));
  return list;
}

let waiting = 0;
function drawCurves() {                          // once for many moves of the slider
  clearTimeout(waiting);
  waiting = setTimeout(() => { for (const element of curveCharts) { element.drawnWidth = 0; drawIfStale(element); } }, 60);
}
layOut();
