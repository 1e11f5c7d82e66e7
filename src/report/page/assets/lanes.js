// A lane: a chart with its title, legend, buttons and table.

/** Makes one lane; the chart within can be drawn again without the buttons losing the focus. */
function lanePart(view, index) {
  const lane = view.data.lanes[index], everyArm = view.beside === "*";
  const box = el("div", { class: "plot" });
  const spread = el("div", { class: "tablebox", hidden: true, tabindex: "0", role: "region", "aria-label": lane.title + ", data" });
  const names = everyArm ? view.shownRuns().map(r => r.label) : lane.series.map(s => s.label);
  const values = names.map(() => el("span", { class: "value" }, "–"));
  const swatch = s => (everyArm
    ? svg("svg", { class: "dash", width: 18, height: 6, "aria-hidden": "true" }, svg("path", { d: "M0 3h18", stroke: "var(--c" + (s % 7) + ")", "stroke-width": 2.5, "stroke-dasharray": DASHES[s % DASHES.length] ? DASHES[s % DASHES.length].join(" ") : null }))
    : el("span", { class: "swatch", style: "border-color:var(--c" + (s % 7) + ")" }));
  const legend = el("ul", { class: "legend" }, names.map((name, s) => el("li", {}, swatch(s),
    el("span", {}, name, everyArm || !lane.series[s].unit ? "" : el("span", { class: "unit" }, " " + lane.series[s].unit)), values[s])));
  let drawn = chart(view, index, box);
  const part = {
    lane,
    index,
    update() { drawn.update(); part.fill(); },
    window() { drawn.window(); },
    resize() { drawn.resize(); },
    cursor() {
      drawn.cursor();
      const runs = view.shownRuns();
      const at = (run, s) => shown(valueAt(run.lanes[index].t, run.lanes[index].v[s], view.time));
      values.forEach((node, s) => {
        const all = everyArm ? [runs[s] ? at(runs[s], view.lineOf(lane)) : ""] : runs.map(run => at(run, s));
        const text = all.join(" / ");
        if (node.dataset.text === text) return;
        node.dataset.text = text;
        node.replaceChildren(all[0], ...(all.length > 1 ? [el("span", { class: "ghost" }, " / " + all[1])] : []));
      });
    },
    fill() {
      spread.hidden = !view.tables.has(lane.id);
      if (!spread.hidden || spread.firstChild) spread.replaceChildren(spread.hidden ? "" : laneTable(view, index));
    },
    destroy() { drawn.destroy(); part.section.remove(); },
  };
  const flip = (set, button, name) => {
    const on = !set.has(lane.id);
    on ? set.add(lane.id) : set.delete(lane.id);
    button.setAttribute(name, String(on));
  };
  const again = () => {
    drawn.destroy();
    drawn = chart(view, index, box);
    part.cursor();
  };
  const log = event => { flip(view.log, event.currentTarget, "aria-pressed"); again(); };
  // Of every arm one line: which, is for the reader to say.
  const which = el("select", { "aria-label": "line of " + lane.title, onchange: event => { view.lines.set(lane.id, Number(event.target.value)); again(); } },
    lane.series.map((s, k) => el("option", { value: k }, s.label)));
  which.value = view.lineOf(lane);
  const about = el("p", { class: "note about", id: "about-" + lane.id, hidden: true }, lane.about);
  const tell = event => { about.hidden = !about.hidden; event.currentTarget.setAttribute("aria-expanded", String(!about.hidden)); };
  const tools = el("div", { class: "tools" },
    lane.log ? el("button", { type: "button", "data-log": lane.id, "aria-pressed": String(view.log.has(lane.id)), "aria-label": "logarithmic axis of " + lane.title, onclick: log }, "log") : null,
    el("button", { type: "button", "data-table": lane.id, "aria-expanded": String(view.tables.has(lane.id)), "aria-label": "data table of " + lane.title,
      onclick: event => { flip(view.tables, event.currentTarget, "aria-expanded"); part.fill(); } }, "table"),
    el("button", { type: "button", "data-csv": lane.id, "aria-label": "download the data of " + lane.title + " as CSV", onclick: () => laneCsv(view, index) }, "CSV"),
    lane.about ? el("button", { type: "button", "aria-expanded": "false", "aria-controls": about.id, "aria-label": "what " + lane.title + " shows", onclick: tell }, "?") : null);
  part.section = el("section", { class: "lane", "data-lane": lane.id },
    el("div", { class: "head" }, el("h3", { title: lane.about }, lane.title, " ", el("span", { class: "unit" }, "[" + lane.unit + "]")),
      everyArm && lane.series.length > 1 ? which : null, legend, tools, about), box, spread);
  part.fill();
  return part;
}
