// Spine, catheter and pump: concentration as colour, faults in their places.

/** Draws the strip of anatomy and gives what moves it. */
function anatomy(view) {
  const wrapper = el("section", { class: "spine", "aria-label": "Spine, catheter and pump" });
  const W = 250, H = 440, X = 158, TOP = 74, STEP = 12.6;
  let levels = [], path = null, faults = [], clock, list, scale = [0.1, 1000], drawn = null;
  let place = "";
  const build = again => {
    const a = view.run().anatomy;
    drawn = a;
    // A short spike must not take the colours away from everything else.
    const all = Float64Array.from(a.ng_per_ml.flat()).sort(), top = all[Math.floor(all.length * 0.98)] || 1;
    const high = Math.pow(10, Math.ceil(Math.log10(Math.max(top, 1))));
    scale = [high / 1e4, high];
    // Another dose moves nothing: what is drawn stays.
    const own = JSON.stringify([a.levels, a.tip, a.length_cm, a.spinal_cm, a.faults, high]);
    if (own === place && !again) return;
    place = own;
    wrapper.replaceChildren();
    if (!a.levels.length) return;
    const root = svg("svg", { viewBox: "0 0 " + W + " " + H, role: "img" });
    clock = svg("title", {}, "Spine with catheter");
    root.append(clock);
    // Head, from the side: brain surface and cisternal fluid.
    const spinal = a.levels.length - 2, shape = [];
    const brain = svg("ellipse", { cx: X - 8, cy: 34, rx: 40, ry: 29, stroke: colour("bone"), "stroke-width": 2 });
    const cistern = svg("rect", { x: X - 9, y: 59, width: 18, height: 13, rx: 4, stroke: colour("bone"), "stroke-width": 1 });
    root.append(brain, cistern);
    const bend = i => X + 9 * Math.sin((i / spinal) * Math.PI * 2.1);
    for (let i = 0; i < spinal; i++) {
      // a.levels run from caudal to rostral; the drawing from top to bottom.
      const row = spinal - 1 - i, y = TOP + row * STEP, x = bend(row);
      const rect = svg("rect", { x: x - 9, y, width: 18, height: STEP - 1.6, rx: 3, stroke: colour("bone"), "stroke-width": 0.8 });
      shape[i] = rect;
      root.append(rect, svg("path", { d: "M" + (x + 12) + " " + (y + STEP / 2 - 1) + "l13 3", stroke: colour("bone"), "stroke-width": 4, "stroke-linecap": "round" }));
      if (["C1", "C5", "T1", "T6", "T10", "L1", "L3", "S1"].includes(a.levels[i])) {
        root.append(svg("text", { x: x + 31, y: y + STEP - 3 }, a.levels[i]));
      }
    }
    shape[spinal] = cistern;
    shape[spinal + 1] = brain;
    levels = shape;
    // The catheter: from the pump round the flank, into the canal, up to the tip.
    const at = index => { const row = spinal - 1 - index; return [bend(row), TOP + row * STEP + STEP / 2]; };
    const tip = at(Math.min(a.tip, spinal - 1));
    const down = Math.min(Math.round(a.spinal_cm / 2.2), a.tip), entry = at(Math.max(a.tip - down, 0));
    const pump = [42, 330];
    const outer = "M" + (pump[0] + 22) + " " + (pump[1] - 8) + " C" + (pump[0] + 60) + " " + (pump[1] - 40) + " " + (entry[0] - 60) + " " + (entry[1] + 50) + " " + entry[0] + " " + (entry[1] + 4);
    let inner = " L" + entry[0] + " " + entry[1];
    for (let i = Math.max(a.tip - down, 0) + 1; i <= a.tip; i++) inner += " L" + at(i).join(" ");
    const probe = svg("path", { d: outer, fill: "none" });
    path = svg("path", { d: outer + inner, fill: "none", stroke: colour("ink"), "stroke-width": 2 });
    root.append(probe, path,
      svg("circle", { cx: pump[0], cy: pump[1], r: 23, fill: colour("body"), stroke: colour("ink"), "stroke-width": 2 }),
      svg("text", { x: pump[0], y: pump[1] + 4, "text-anchor": "middle" }, "pump"),
      svg("circle", { cx: tip[0], cy: tip[1], r: 4, fill: colour("paper"), stroke: colour("ink"), "stroke-width": 2 }),
      svg("text", { x: tip[0] - 15, y: tip[1] + 4, "text-anchor": "end" }, "tip " + a.levels[a.tip]));
    wrapper.append(el("div", {}, el("h3", {}, "Where the drug is"), root));
    const inCatheter = a.faults.some(f => f.part === "catheter"), skin = Math.max(a.length_cm - a.spinal_cm, 1);
    const outside = inCatheter ? probe.getTotalLength() : 0, whole = inCatheter ? path.getTotalLength() : 0;
    faults = a.faults.map(f => {
      let [x, y] = pump;
      if (f.part === "catheter") {
        const along = f.at <= skin ? f.at / skin * outside : outside + (f.at - skin) / Math.max(a.spinal_cm, 1) * (whole - outside);
        const p = path.getPointAtLength(Math.min(along, whole));
        [x, y] = [p.x, p.y];
      } else if (f.part === "tip") [x, y] = tip;
      else if (f.part === "level") [x, y] = at(Math.min(f.at, spinal - 1));
      else if (f.part === "patient") [x, y] = [X - 8, 34];
      else y -= 23;
      const mark = svg("g", { visibility: "hidden" }, svg("circle", { cx: x, cy: y, r: 9, fill: colour("paper"), "fill-opacity": 0.75, stroke: colour("c1"), "stroke-width": 2.5 }),
        svg("path", { d: "M" + (x - 4) + " " + (y - 4) + "l8 8m0 -8l-8 8", stroke: colour("c1"), "stroke-width": 2.5 }), svg("title", {}, f.words));
      root.append(mark);
      return { f, mark };
    });
    // The scale of colours.
    const steps = 40, left = 10, width = 110;
    for (let i = 0; i < steps; i++) root.append(svg("rect", { x: left + i * width / steps, y: H - 26, width: width / steps + 0.5, height: 9, fill: viridis(i / (steps - 1)) }));
    root.append(svg("text", { x: left, y: H - 31 }, "ng/mL, log scale"), svg("text", { x: left, y: H - 6 }, axisValue(scale[0], true)),
      svg("text", { x: left + width, y: H - 6, "text-anchor": "end" }, axisValue(scale[1], true)));
    list = el("ul", { class: "faults" });
    wrapper.append(el("div", {}, list));
  };
  /** What a chart shows of a level, which is finer than the drawing; else the drawing's own. */
  const exactly = (name, i, t) => {
    const column = "csf_" + name.toLowerCase() + "_ng_per_ml";
    for (const [k, lane] of view.data.lanes.entries()) {
      const s = lane.series.findIndex(line => line.column === column);
      if (s >= 0) return valueAt(view.run().lanes[k].t, view.run().lanes[k].v[s], t);
    }
    return valueAt(drawn.t, drawn.ng_per_ml[i], t);
  };
  const paint = () => {
    if (drawn !== view.run().anatomy) build();
    if (!drawn.levels.length) return;
    const t = Math.min(view.time, view.horizon), low = Math.log10(scale[0]), wide = Math.log10(scale[1]) - low;
    const texts = [];
    drawn.levels.forEach((name, i) => {
      const v = valueAt(drawn.t, drawn.ng_per_ml[i], t);
      levels[i].setAttribute("fill", v === null ? colour("paper") : viridis((Math.log10(Math.max(v, scale[0])) - low) / wide));
      if (["L3", "T10", "C5", "cisternal"].includes(name)) texts.push([name, exactly(name, i, t)]);
    });
    clock.textContent = "At " + instant(t) + ": " + texts.map(p => p[0] + " " + shown(p[1]) + " ng/mL").join(", ");
    list.replaceChildren(...texts.reverse().map(p => el("li", {}, p[0] + ": ", el("b", {}, shown(p[1])), " ng/mL")));
    for (const { f, mark } of faults) {
      const on = f.from <= t && (f.to === null || t < f.to);
      mark.setAttribute("visibility", on ? "visible" : "hidden");
      if (on) list.append(el("li", {}, "✕ " + f.words));
    }
  };
  return { section: wrapper, draw() { build(true); paint(); }, update: paint, cursor: paint };
}
