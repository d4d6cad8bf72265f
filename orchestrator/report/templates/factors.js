// Two factors at a time: a heat map of the share of stable runs; and all of them, in parallel coordinates.
const chosen = {};
for (const name of ["group", "x", "y"]) {
  chosen[name] = document.getElementById(`factors-${name}`);
  chosen[name]?.addEventListener("input", name === "group" ? chooseGroup : drawFactors);
}
const trialsOf = group => model.trials.filter(trial => trial.group === group && !trial.confirms);
const varied = group => factorNames.filter(name => new Set(trialsOf(group).map(t => t.factors[name])).size > 1);
const byNumber = (a, b) => (isNaN(a) || isNaN(b) ? 0 : a - b);
const levelOf = (name, trial) => (name === "seed" ? String(trial.seed) : trial.factors[name]);
const ordered = (name, trials) => [...new Set(trials.map(t => levelOf(name, t)).filter(level => level !== undefined))].sort(byNumber);

function chooseGroup() {
  const names = [...varied(chosen.group.value), "seed"];
  for (const [axis, index] of [["x", 0], ["y", 1]]) {
    chosen[axis].replaceChildren(...names.map(name => new Option(name, name)));
    chosen[axis].value = names[index] ?? names[0];
  }
  drawFactors();
}

function drawFactors() {
  chart(document.getElementById("heat"), heatFigure);
  chart(document.getElementById("parallel"), parallelFigure);
}

function heatFigure() {
  const trials = trialsOf(chosen.group.value).filter(trial => trial.stable !== null || trial.outcome === "unfinished");
  const [xs, ys] = [ordered(chosen.x.value, trials), ordered(chosen.y.value, trials)];
  const cells = ys.map(y => xs.map(x => trials.filter(t => levelOf(chosen.x.value, t) === x && levelOf(chosen.y.value, t) === y)));
  const decided = cell => cell.filter(t => t.stable !== null);
  const stable = cell => cell.filter(t => t.stable).length;
  const share = cell => (decided(cell).length ? stable(cell) / decided(cell).length : null);
  const undecided = cell => (cell.length ? `${cell.length} unfinished` : "");
  const counts = cell => (decided(cell).length ? `${stable(cell)} of ${decided(cell).length}` : undecided(cell));
  return {
    data: [{
      type: "heatmap", x: xs.map(String), y: ys.map(String), z: cells.map(row => row.map(share)), zmin: 0, zmax: 1,
      text: cells.map(row => row.map(counts)), texttemplate: "%{text}", colorscale: "Cividis", xgap: 2, ygap: 2,
      hovertemplate: `${chosen.x.value} %{x}, ${chosen.y.value} %{y}: %{text}<extra></extra>`,
      colorbar: {title: {text: "stable"}, tickformat: ".0%", thickness: 12},
    }],
    layout: {
      height: 90 + 48 * Math.max(3, ys.length), margin: {l: 70, r: 10, t: 14, b: 50},
      xaxis: {title: {text: chosen.x.value}, type: "category"}, yaxis: {title: {text: chosen.y.value}, type: "category"},
    },
  };
}

function parallelFigure() {
  const trials = trialsOf(chosen.group.value).filter(trial => trial.final !== null || trial.stable !== null);
  const worst = Math.max(...trials.map(trial => trial.final ?? -Infinity));
  const category = (label, values, levels) => ({
    label, values: values.map(value => levels.indexOf(value)), tickvals: levels.map((_, index) => index),
    ticktext: levels.map(String), range: [-0.2, levels.length - 0.8],
  });
  const dimensions = [...varied(chosen.group.value), "seed"].map(name => category(name, trials.map(t => levelOf(name, t)), ordered(name, trials)));
  const outcomes = [...new Set(trials.map(trial => trial.outcome))];
  dimensions.push(category("verdict", trials.map(t => t.outcome), outcomes));
  if (isFinite(worst)) dimensions.push({label: "Frechet at the end", values: trials.map(t => t.final ?? worst * 1.15)});
  const colours = outcomes.map(outcome => OUTCOMES[outcome] ?? "#888888");
  const last = Math.max(1, outcomes.length - 1);
  return {
    data: [{
      type: "parcoords", dimensions,
      line: {
        color: trials.map(trial => outcomes.indexOf(trial.outcome)), cmin: 0, cmax: last, showscale: false,
        colorscale: outcomes.length > 1 ? colours.map((colour, index) => [index / last, colour]) : [[0, colours[0]], [1, colours[0]]],
      },
    }],
    layout: {height: 340, margin: {l: 60, r: 60, t: 60, b: 30}},
  };
}
if (chosen.group) chooseGroup();
