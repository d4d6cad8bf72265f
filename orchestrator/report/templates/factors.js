// Two factors at a time, in a heat map; and all of them, in parallel coordinates.
const MEASURES = {                               // of a cell's runs: the colour's value (the larger the better), and the text
  stable: {title: "Share of stable runs", of: t => (t.stable === null ? null : Number(t.stable)), mean: true, z: share => share},
  final: {title: "Frechet distance at the end, median", of: t => t.final, z: value => -Math.log10(Math.max(value, 1e-9))},
  modes: {title: "Classes covered, median", of: t => t.modes, z: value => value},
  recall: {title: "Recall, median", of: t => t.recall, z: value => value},
};
const chosen = {};
for (const name of ["group", "measure", "x", "y"]) {
  chosen[name] = document.getElementById(`factors-${name}`);
  chosen[name]?.addEventListener("input", () => (name === "group" ? chooseGroup(chosen.group.value) : drawHeat()));
}
const trialsOf = group => model.trials.filter(trial => trial.group === group && !trial.confirms);
const varied = group => factorNames.filter(name => new Set(trialsOf(group).map(t => t.factors[name])).size > 1);
const byNumber = (a, b) => (isNaN(a) || isNaN(b) ? 0 : a - b);
const drawnScale = (name, group) => model.scales[group]?.[name];  // of a drawn setting with many values: shown in ranges
const levelOf = (name, trial) => (name === "seed" ? String(trial.seed) : trial.ranges[name] ?? trial.factors[name]);
function ordered(name, trials) {
  const levels = new Set(trials.map(t => levelOf(name, t)).filter(level => level !== undefined));
  const scale = trials.length ? drawnScale(name, trials[0].group) : undefined;
  return scale ? scale.ranges.filter(range => levels.has(range)) : [...levels].sort(byNumber);
}

// The runs that have ended, by their levels of two factors: {xs, ys, cells}
function cellsOf(group, x, y) {
  const trials = trialsOf(group).filter(trial => trial.stable !== null || trial.outcome === "unfinished");
  const [xs, ys] = [ordered(x, trials), ordered(y, trials)];
  return {xs, ys, cells: ys.map(b => xs.map(a => trials.filter(t => levelOf(x, t) === a && levelOf(y, t) === b)))};
}

function valueOf(cell, measure) {
  const values = cell.map(measure.of).filter(value => value !== null);
  if (!values.length) return null;
  return measure.mean ? values.reduce((a, b) => a + b) / values.length : median(values);
}

function textOf(cell, measure) {
  const known = cell.filter(trial => measure.of(trial) !== null);
  if (!cell.length) return "";
  if (measure.mean) return known.length ? `${known.filter(t => t.stable).length} of ${known.length}` : `${cell.length} unfinished`;
  return known.length ? `${short(valueOf(cell, measure))} (${known.length} of ${cell.length})` : "none";
}

const axesOf = group => [...varied(group), "seed"];
const pairsOf = names => names.flatMap((x, i) => names.slice(i + 1).map(y => [x, y]));
function differ(group, [x, y]) {
  const values = cellsOf(group, x, y).cells.flat().map(cell => valueOf(cell, MEASURES.stable)).filter(value => value !== null);
  return new Set(values).size > 1;
}

// `axes`: those in which cells differ, or else the first two
function chooseGroup(group, axes = pairsOf(axesOf(group)).find(pair => differ(group, pair)) ?? axesOf(group)) {
  chosen.group.value = group;
  for (const [axis, index] of [["x", 0], ["y", 1]]) {
    chosen[axis].replaceChildren(...axesOf(group).map(name => new Option(name, name)));
    chosen[axis].value = axes[index] ?? axes[0];
  }
  drawHeat();
  chart(document.getElementById("parallel"), parallelFigure);
}

function drawHeat() { chart(document.getElementById("heat"), heatFigure); }

function heatFigure(width) {
  const [x, y, measure] = [chosen.x.value, chosen.y.value, MEASURES[chosen.measure.value]];
  const {xs, ys, cells} = cellsOf(chosen.group.value, x, y);
  const yLines = ys.map(level => firstLines(level, Math.min(220, width / 3), 6));
  const left = 40 + widest(yLines.flat()), cell = Math.max(24, (width - left - 16) / Math.max(1, xs.length));
  const fits = xs.every(level => partsOf(level).every(part => widthOf(part.trim()) <= cell - 6));
  const across = xs.map(level => firstLines(level, fits ? cell - 6 : 150, fits ? 4 : Math.max(1, Math.floor(cell / LINE_HEIGHT))));
  const below = fits ? LINE_HEIGHT * Math.max(1, ...across.map(lines => lines.length)) : widest(across.flat()) + 8;
  const row = Math.max(48, ...yLines.map(lines => LINE_HEIGHT * lines.length + 12)), margin = {l: left, t: 8, b: below + 36};
  const texts = cells.map(row => row.map(runs => textOf(runs, measure)));
  const axis = (name, levels, lines) => ({
    title: {text: plain(name), standoff: 8}, type: "category", showgrid: false,
    tickmode: "array", tickvals: levels, ticktext: lines.map(inLines),
  });
  return {
    title: `${measure.title}; brighter is better`,
    numbers: {head: [`${y}, across: ${x}`, ...xs], rows: ys.map((level, index) => [level, ...texts[index]])},
    data: [{
      type: "heatmap", x: xs, y: ys, z: cells.map(row => row.map(runs => {
        const value = valueOf(runs, measure);
        return value === null ? null : measure.z(value);
      })),
      ...(measure.mean ? {zmin: 0, zmax: 1} : {}), showscale: false, colorscale: "Cividis", xgap: 2, ygap: 2,
      text: texts, texttemplate: "%{text}", hovertemplate: `${plain(x)} %{x}, ${plain(y)} %{y}: %{text}<extra></extra>`,
    }],
    layout: {
      height: margin.t + margin.b + row * Math.max(2, ys.length), margin,
      xaxis: {...axis(x, xs, across), tickangle: fits ? 0 : -90}, yaxis: axis(y, ys, yLines),
    },
  };
}

function parallelFigure(width) {
  const trials = trialsOf(chosen.group.value).filter(trial => trial.shown).filter(trial => trial.final !== null || trial.stable !== null || trial.outcome === "unfinished");
  const names = [...varied(chosen.group.value), "seed"], worst = Math.max(...trials.map(trial => trial.final ?? -Infinity));
  const axisCount = names.length + 1 + isFinite(worst), side = 56;
  const room = Math.max(onPaper ? 0 : 84, (width - 2 * side) / Math.max(1, axisCount - 1));  // from an axis to the next
  const category = (label, values, levels) => ({
    label: plain(shortened(label, room - 8)), values: values.map(value => levels.indexOf(value)), tickvals: levels.map((_, index) => index),
    // unlike other texts of Plotly, these are no HTML; equal ones would be one level: each has its own invisible end
    ticktext: levels.map((level, index) => shortened(String(level), room - 16) + "\u200b".repeat(index)), range: [-0.2, levels.length - 0.8],
  });
  const dimensions = names.map(name => {
    const scale = drawnScale(name, chosen.group.value);
    if (!scale) return category(name, trials.map(t => levelOf(name, t)), ordered(name, trials));
    const place = value => (scale.log ? Math.log10(value) : value), ends = [place(scale.low), place(scale.high)];
    const count = scale.ranges.length, edges = [scale.ranges[0].split(" to ")[0], ...scale.ranges.map(range => range.split(" to ")[1])];
    return {
      label: plain(shortened(name, room - 8)), values: trials.map(t => place(t.values[name])), range: ends,
      tickvals: edges.map((_, index) => ends[0] + index * (ends[1] - ends[0]) / count), ticktext: edges,
    };
  });
  const outcomes = [...new Set(trials.map(trial => trial.outcome))];
  dimensions.push(category("verdict", trials.map(t => t.outcome), outcomes));
  if (isFinite(worst)) dimensions.push({label: "Frechet", values: trials.map(t => t.final ?? worst * 1.15)});
  const colours = outcomes.map(outcome => OUTCOMES[outcome] ?? "#888888");
  const last = Math.max(1, outcomes.length - 1), first = dimensions[0]?.ticktext ?? [];
  return {
    legend: outcomes.map((outcome, index) => [outcome, colours[index]]),
    numbers: {
      head: ["run", ...names, "verdict", "Frechet at the end"],
      rows: trials.map(t => [t.name, ...names.map(name => (name === "seed" ? t.seed : t.factors[name] ?? "")), t.outcome, t.final === null ? "–" : short(t.final)]),
    },
    data: [{
      type: "parcoords", dimensions,
      line: {
        color: trials.map(trial => outcomes.indexOf(trial.outcome)), cmin: 0, cmax: last, showscale: false,
        colorscale: outcomes.length > 1 ? colours.map((colour, index) => [index / last, colour]) : [[0, colours[0]], [1, colours[0]]],
      },
    }],
    layout: {
      width: Math.max(width, 2 * side + room * (axisCount - 1)), height: 330,
      margin: {l: Math.max(side, 16 + widest(first)), r: side, t: 50, b: 20},
    },
  };
}

if (chosen.group) {
  for (const [name, {title, of}] of Object.entries(MEASURES)) if (model.trials.some(t => of(t) !== null)) chosen.measure.append(new Option(title, name));
  if (!chosen.measure.options.length) chosen.measure.append(new Option(MEASURES.stable.title, "stable"));
  const groups = [...chosen.group.options].map(option => option.value);
  chooseGroup(groups.find(group => pairsOf(axesOf(group)).some(pair => differ(group, pair))) ?? groups[0]);
}
