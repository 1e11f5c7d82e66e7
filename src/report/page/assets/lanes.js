// A lane: a chart with its title, legend, buttons and table.

/** Makes one lane; the chart within can be drawn again without the buttons losing the focus. */
function lanePart(view, index) {
  const lane = view.data.lanes[index], everyArm = view.beside === "*";
  const box = el("div", { class: "plot" });
  const spread = el("div", { class: "tablebox", hidden: true, tabindex: "0", role: "region", "aria-label": lane.title + ", data" });
  const names = everyArm ? view.shownRuns().map(r => r.label) : lane.series.map(s => s.label);
  const values = names.map(() => el("span", { class: "value" }, "–"));
  const legend = el("ul", { class: "legend" }, names.map((name, s) => el("li", {},
    el("span", { class: "swatch", style: "border-color:var(--c" + (s % 7) + ")" }),
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
        const all = everyArm ? [runs[s] ? at(runs[s], 0) : ""] : runs.map(run => at(run, s));
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
  const log = event => {
    flip(view.log, event.currentTarget, "aria-pressed");
    drawn.destroy();
    drawn = chart(view, index, box);
    part.cursor();
  };
  const tools = el("div", { class: "tools" },
    lane.log ? el("button", { type: "button", "data-log": lane.id, "aria-pressed": String(view.log.has(lane.id)), "aria-label": "logarithmic axis of " + lane.title, onclick: log }, "log") : null,
    el("button", { type: "button", "data-table": lane.id, "aria-expanded": String(view.tables.has(lane.id)), "aria-label": "data table of " + lane.title,
      onclick: event => { flip(view.tables, event.currentTarget, "aria-expanded"); part.fill(); } }, "table"),
    el("button", { type: "button", "data-csv": lane.id, "aria-label": "download the data of " + lane.title + " as CSV", onclick: () => laneCsv(view, index) }, "CSV"));
  part.section = el("section", { class: "lane", "data-lane": lane.id },
    el("div", { class: "head" }, el("h3", { title: lane.about }, lane.title, " ", el("span", { class: "unit" }, "[" + lane.unit + "]")),
      everyArm ? el("span", { class: "note" }, lane.series[0].label) : null, legend, tools), box, spread);
  part.fill();
  return part;
}
