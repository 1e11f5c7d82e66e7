// The page of a batch or a sensitivity study.

(() => {
  const holder = document.getElementById("itbsim-data");
  const data = JSON.parse(holder.textContent);
  holder.remove();
  const main = document.getElementById("page");
  const s = data.summary;
  const sheet = file => data.sheets.find(x => x.file === file);
  const number = text => (text === "" || text === undefined ? null : isFinite(+text) ? +text : text);
  const nice = name => name.replace(/_/g, " ");
  /** A column as name and unit. */
  const UNITS = [["_ug_per_day", "µg/day"], ["_ng_per_ml", "ng/mL"], ["_ug_per_ml", "µg/mL"], ["_ml_per_day", "mL/day"], ["_per_min", "/min"], ["_percent", "%"],
    ["_mmhg", "mmHg"], ["_kpa", "kPa"], ["_ml", "mL"], ["_ug", "µg"], ["_c", "°C"], ["_h", "h"]];
  const split = name => {
    const found = UNITS.find(u => name.endsWith(u[0]));
    const words = found ? name.slice(0, -found[0].length) : name;
    return [nice(words).replace(/^csf ([a-z]\d+)$/, (_, level) => "spinal fluid at " + level.toUpperCase()).replace(/^csf/, "spinal fluid,"), found ? found[1] : ""];
  };
  const plots = [];
  const names = [...new Set(data.bands.concat(data.curves).map(b => b.arm))];
  const strata = [...new Set(data.bands.concat(data.curves).map(b => b.stratum))];
  let arm = names[0], beside = "", stratum = strata[0];
  let win = [0, data.end_h || 1];

  const ofText = b => b.n + " of " + b.of;
  const base = (title, unit, box, rangeY) => ({
    width: Math.max(box.clientWidth, 200), height: 220, padding: [8, RIGHT, 0, 0], legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: { x: { time: false, auto: false, range: () => win.slice() }, y: { range: rangeY } },
    axes: [
      { stroke: () => colour("note"), grid: { stroke: () => colour("grid") }, ticks: { show: false }, size: 26, gap: 4, font: "12px system-ui, sans-serif",
        splits: u => ticks(u.scales.x.min, u.scales.x.max, room(u.bbox.width / devicePixelRatio)), values: (u, all) => all.map(t => tick(t, u.scales.x.min, u.scales.x.max)) },
      { stroke: () => colour("note"), grid: { stroke: () => colour("grid") }, ticks: { show: false }, size: AXIS, gap: 4, font: "12px system-ui, sans-serif",
        values: (u, all) => all.map(v => (v === null ? "" : Math.abs(v) > 0 && Math.abs(v) < 1e-3 ? v.toExponential(0) : axisValue(v, false))) },
    ],
    hooks: {
      setSelect: [u => {
        if (u.select.width > 6) {
          const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          zoom(from, to);
        }
      }],
    },
  });
  function zoom(from, to) {
    win = [Math.max(0, from), Math.min(data.end_h || 1, Math.max(to, from + 0.01))];
    plots.forEach(p => p.setScale("x", { min: win[0], max: win[1] }));
  }
  function lane(title, unit, items, note) {
    const box = el("div", { class: "plot" }), extra = el("div", { style: "grid-column:1/-1" });
    const section = el("section", { class: "lane" },
      el("div", { class: "head" }, el("h3", {}, title, " ", el("span", { class: "unit" }, unit ? "[" + unit + "]" : "")),
        el("ul", { class: "legend" }, items.map(([c, text, dashed]) => el("li", {}, el("span", { class: "swatch", style: "border-color:var(--" + c + ");" + (dashed ? "border-top-style:dashed" : "") }), el("span", {}, text), el("span")))),
        el("p", { class: "note" }, note)), box, extra);
    return { section, box, extra };
  }
  const fade = (name, alpha) => { const c = colour(name); return c.startsWith("#") ? c + Math.round(alpha * 255).toString(16).padStart(2, "0") : c; };
  const extent = (u, low, high) => (low === null ? [0, 1] : low > 0.5 * high ? [low - (high - low) * 0.1 - 0.1, high + (high - low) * 0.1 + 0.1] : [Math.min(0, low), high > 0 ? high * 1.05 : 1]);

  /** Bands of a signal: 5 to 95 %, 25 to 75 %, and the median; another arm's median dashed. */
  function bandChart(host, band, other) {
    const at = q => { const k = band.levels.findIndex(l => Math.abs(l - q) < 1e-9); return k < 0 ? band.t.map(() => null) : band.v[k]; };
    const rows = [band.t, at(0.05), at(0.95), at(0.25), at(0.75), at(0.5)];
    const hidden = { stroke: "transparent", width: 0, points: { show: false } };
    const series = [{}, hidden, hidden, hidden, hidden, { stroke: () => colour("c0"), width: 2.2, points: { show: false } }];
    if (other) {
      const k = other.levels.findIndex(l => Math.abs(l - 0.5) < 1e-9);
      rows.push(band.t.map(t => valueAt(other.t, other.v[k], t)));
      series.push({ stroke: () => colour("c1"), width: 2, dash: [6, 4], points: { show: false } });
    }
    const { section, box, extra } = lane(split(band.signal)[0], split(band.signal)[1], [["c0", "median and bands (25–75 %, 5–95 %)"]].concat(other ? [["c1", other.arm + ", median", true]] : []), "at least " + ofText(band) + " replicates");
    host.append(section);
    const options = Object.assign(base(band.signal, "", box, extent), { series, bands: [{ series: [2, 1], fill: () => fade("c0", 0.16) }, { series: [4, 3], fill: () => fade("c0", 0.28) }] });
    const plot = new uPlot(options, rows, box);
    label(box, nice(band.signal) + ": median and bands over time");
    plots.push(plot);
    more(extra, nice(band.signal), () => table(null, ["time [h]"].concat(band.levels.map(l => "quantile " + l)), thinned(band.t.map((t, i) => [t].concat(band.v.map(c => c[i]))))),
      () => csvLine(["time_h"].concat(band.levels)) + band.t.map((t, i) => csvLine([t].concat(band.v.map(c => c[i])))).join(""), "bands-" + band.signal);
  }
  const thinned = rows => { const step = Math.ceil(rows.length / 120); return rows.filter((_, i) => i % step === 0); };
  function label(box, text) {
    const canvas = box.querySelector("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", text + ". The data table below has the values.");
  }
  function more(host, title, make, csv, file) {
    const body = el("div", { class: "tablebox", tabindex: "0" });
    const details = el("details", {}, el("summary", { class: "note" }, "Data table of " + title), body);
    details.addEventListener("toggle", () => { if (details.open) body.replaceChildren(make()); });
    host.append(details, el("div", { class: "tools noprint" }, el("button", { type: "button", onclick: () => save(file + ".csv", csv()) }, "CSV")));
  }

  /** Cumulative incidence by arm or by cause, with intervals and numbers at risk. */
  function incidence(host, title, curves, note) {
    const shares = curves.map(c => {
      const own = c.kind === "survival";
      const flip = a => (own ? a.map(x => (x === null ? null : 1 - x)) : a);
      return { c, t: [0].concat(c.t, [data.end_h]), v: steps(flip(c.value)), low: steps(own ? flip(c.high) : c.low), high: steps(own ? flip(c.low) : c.high) };
    });
    function steps(values) { return [0].concat(values, [values[values.length - 1]]); }
    const rows = merged(shares.map(x => ({ t: x.t, v: [x.low, x.high, x.v] })));
    const path = uPlot.paths.stepped({ align: 1 });
    const series = [{}], bands = [];
    shares.forEach((x, i) => {
      const c = "c" + (i % 7), at = series.length;
      series.push({ stroke: "transparent", width: 0, paths: path, points: { show: false } }, { stroke: "transparent", width: 0, paths: path, points: { show: false } },
        { stroke: () => colour(c), width: 2, paths: path, points: { show: false } });
      bands.push({ series: [at + 1, at], fill: () => fade(c, 0.14) });
    });
    const nameOf = c => (curves.every(o => o.event === c.event) ? c.arm : nice(c.event) + (names.length > 1 ? ", " + c.arm : ""));
    const { section, box, extra } = lane(title, "share", shares.map((x, i) => ["c" + (i % 7), nameOf(x.c)]), note);
    host.append(section);
    plots.push(new uPlot(Object.assign(base(title, "", box, (u, low, high) => [0, Math.min(1, Math.max(0.05, (high || 0) * 1.1))]), { series, bands }), rows, box));
    label(box, title + ": cumulative incidence over time");
    const times = ticks(0, data.end_h, 6);
    const risk = (c, t) => { const i = c.t.findIndex(x => x >= t); const last = c.t.length - 1; return i >= 0 ? c.at_risk[i] : c.at_risk[last] - c.events[last]; };
    extra.append(el("div", { class: "scroll" }, table("Numbers at risk: at the next event after each time, or those left after the last", ["at risk"].concat(times.map(t => tick(t, 0, data.end_h)), "replicates"),
      curves.map(c => [nameOf(c)].concat(times.map(t => risk(c, t)), ofText(c))))));
    more(extra, title, () => table(null, ["curve", "time [h]", "share", "low", "high", "at risk"], thinned(shares.flatMap(x => x.c.t.map((t, i) => [nameOf(x.c), t, x.v[i + 1], x.low[i + 1], x.high[i + 1], x.c.at_risk[i]])))),
      () => csvLine(["curve", "time_h", "share", "low", "high", "at_risk"]) + shares.flatMap(x => x.c.t.map((t, i) => csvLine([nameOf(x.c), t, x.v[i + 1], x.low[i + 1], x.high[i + 1], x.c.at_risk[i]]))).join(""), "incidence");
  }

  /** Horizontal bars or intervals with a line at their centre. */
  function rowsChart(host, caption, rows, centre, unit) {
    const width = Math.min(Math.max(main.clientWidth, 340), 1000), left = Math.min(260, width * 0.42), line = 22, right = width * 0.2;
    const all = rows.flatMap(r => [r.low, r.high, r.mid]).filter(x => x !== null && isFinite(x)).concat(centre);
    let low = Math.min(...all), high = Math.max(...all);
    if (high <= low) { low -= 1; high += 1; }
    const pad = (high - low) * 0.04;
    low -= pad; high += pad;
    const x = v => left + (v - low) / (high - low) * (width - left - right);
    const height = rows.length * line + 30;
    const drawing = svg("svg", { viewBox: "0 0 " + width + " " + height, width, height, role: "img", "aria-label": caption, style: "max-width:100%;height:auto;font-size:12px" });
    const text = (px, py, t, anchor, fill) => svg("text", { x: px, y: py, "text-anchor": anchor || "start", fill: fill || colour("ink") }, t);
    for (const t of ticks3(low, high)) drawing.append(svg("path", { d: "M" + x(t) + " 0V" + (height - 26), stroke: colour("grid") }), text(x(t), height - 10, shown(t), "middle", colour("note")));
    drawing.append(svg("path", { d: "M" + x(centre) + " 0V" + (height - 26), stroke: colour("ink"), "stroke-width": 1.2 }));
    rows.forEach((r, i) => {
      const y = i * line + 14;
      drawing.append(text(left - 8, y + 4, r.name.length > left / 6.4 ? r.name.slice(0, Math.floor(left / 6.4) - 1) + "…" : r.name, "end"));
      if (r.bar) {
        for (const [end, c, down] of [[r.low, "c0", 0], [r.high, "c1", 8]]) {
          if (end === null) continue;
          drawing.append(svg("rect", { x: Math.min(x(centre), x(end)), y: y - 8 + down, width: Math.max(Math.abs(x(end) - x(centre)), 1), height: 7, fill: colour(c), "fill-opacity": 0.8 }, svg("title", {}, r.note)));
        }
      } else {
        if (r.low !== null && r.high !== null) drawing.append(svg("path", { d: "M" + x(r.low) + " " + y + "H" + x(r.high), stroke: colour("c0"), "stroke-width": 2.5 }));
        drawing.append(svg("rect", { x: x(r.mid) - 4.5, y: y - 4.5, width: 9, height: 9, fill: colour("c0") }));
      }
      drawing.append(text(width - right + 10, y + 4, r.note, "start", colour("note")));
    });
    host.append(el("figure", { style: "margin:.5rem 0" }, el("figcaption", { class: "note" }, caption + (unit ? " [" + unit + "]" : "")), drawing));
  }
  function ticks3(low, high) {
    const raw = (high - low) / 5, power = Math.pow(10, Math.floor(Math.log10(raw))), step = [1, 2, 5, 10].map(k => k * power).find(k => k >= raw);
    const out = [];
    for (let k = Math.ceil(low / step); k * step <= high; k++) out.push(+(k * step).toPrecision(12));
    return out;
  }
  const cellsOf = sh => sh.rows.map(r => Object.fromEntries(sh.head.map((h, i) => [h, number(r[i])])));

  function forest(host, sh) {
    const rows = cellsOf(sh).filter(r => typeof r.difference === "number");
    const drawn = [], level = [];
    for (const r of rows) {
      const reference = Math.abs(r.mean_against);
      if (!(reference > 0) || r.difference === 0) { level.push(nice(r.outcome) + " (" + shown(r.difference) + ")"); continue; }
      const p = v => (typeof v === "number" ? 100 * v / reference : null);
      drawn.push({ name: nice(r.outcome) + ": " + r.arm, mid: p(r.difference), low: p(r.low), high: p(r.high), note: shown(r.difference) + "; " + r.n + " of " + r.of });
    }
    const far = drawn.filter(r => Math.abs(r.mid) > 300);
    rowsChart(host, "Difference from " + rows[0].against + ", paired, with 95 % interval, in % of its mean; at the right the difference itself and the pairs", drawn.filter(r => !far.includes(r)), 0, "%");
    if (far.length) host.append(el("p", { class: "note" }, "Beyond 300 %, not drawn: " + far.map(r => r.name + " (" + shown(r.mid) + " %)").join(", ") + "."));
    if (level.length) host.append(el("p", { class: "note" }, "No difference, or none to relate it to: " + level.join(", ") + "."));
  }

  function tornado(host, sh) {
    const rows = cellsOf(sh);
    for (const outcome of [...new Set(rows.map(r => r.outcome))]) {
      const own = rows.filter(r => r.outcome === outcome).slice(0, 25), one = own[0];
      const runs = " of " + one.of + " runs, " + one.missing + " missing";
      if ("at_low" in one) {
        rowsChart(host, nice(outcome) + " at both ends of each range (blue: low, vermilion: high); base " + shown(one.outcome_at_base) + ";" + runs,
          own.map(r => ({ name: r.parameter, low: r.at_low, high: r.at_high, mid: one.outcome_at_base, bar: true, note: shown(r.at_low) + " … " + shown(r.at_high) })), one.outcome_at_base);
      } else if ("total" in one) {
        rowsChart(host, "Share of the variance of " + nice(outcome) + ", in total, with 95 % interval;" + runs, own.map(r => ({ name: r.parameter, mid: r.total, low: r.total_low, high: r.total_high, note: "first " + shown(r.first) })), 0);
      } else if ("mean_size" in one) {
        rowsChart(host, "Mean size of the elementary effect on " + nice(outcome) + ", with 1.96 standard errors;" + runs, own.map(r => ({ name: r.parameter, mid: r.mean_size, low: r.mean_size - 1.96 * r.mean_size_error, high: r.mean_size + 1.96 * r.mean_size_error, note: "sd " + shown(r.sd) })), 0);
      }
    }
  }

  function build() {
    plots.splice(0).forEach(p => p.destroy());
    const pick = (text, all, value, set, empty) => {
      const select = el("select", { onchange: e => { set(e.target.value); build(); } }, empty ? el("option", { value: "" }, "nothing") : null, all.map(a => el("option", { value: a }, a)));
      select.value = value;
      return el("label", {}, text, select);
    };
    const intro = data.kind === "batch"
      ? s.covered + " of " + s.of + " replicates ran" + (s.complete ? "" : " (not complete)") + "."
      : "Sensitivity by " + s.method + ", n = " + s.n + ".";
    const charts = el("div");
    main.replaceChildren(...[
      el("header", {}, el("h1", {}, s.title || s.scenario), el("p", { class: "lesson" }, intro), el("p", { class: "warn" }, s.disclaimer + ".")),
      names.length > 1 || strata.length > 1 ? el("div", { class: "bar", role: "toolbar", "aria-label": "Arms" },
        names.length > 1 ? pick("Arm", names, arm, v => { arm = v; }) : null, names.length > 1 ? pick("median beside it", names, beside, v => { beside = v; }, true) : null,
        strata.length > 1 ? pick("Stratum", strata, stratum, v => { stratum = v; }) : null,
        null) : null,
      data.end_h ? el("p", { class: "noprint" }, el("button", { type: "button", onclick: () => zoom(0, data.end_h) }, "Whole history"), el("span", { class: "note" }, "  Drag over a chart to zoom.")) : null,
      charts].filter(Boolean));
    const inArm = b => b.arm === arm && b.stratum === stratum;
    const bands = data.bands.filter(inArm);
    if (bands.length) {
      charts.append(el("h2", {}, "Bands over time"));
      bands.forEach(b => bandChart(charts, b, data.bands.find(o => o.arm === beside && o.stratum === stratum && o.signal === b.signal)));
    }
    const first = data.curves.filter(c => c.kind === "incidence" && inArm(c));
    const survival = data.curves.filter(c => c.kind === "survival" && c.stratum === stratum);
    if (first.length || survival.length) charts.append(el("h2", {}, "Cumulative incidence"));
    if (first.length) incidence(charts, "First cause, " + arm, first, "Aalen-Johansen, competing causes");
    for (const event of [...new Set(survival.map(c => c.event))]) incidence(charts, nice(event), survival.filter(c => c.event === event), "one less Kaplan-Meier" + without(event));
    function without(event) {
      const none = names.filter(a => !survival.some(c => c.event === event && c.arm === a));
      return none.length ? "; never in " + none.join(", ") : "";
    }
    const differences = sheet("differences.csv"), sensitivity = sheet("sensitivity.csv");
    if (differences && differences.rows.length) { charts.append(el("h2", {}, "Arms against the first")); forest(charts, differences); }
    if (sensitivity && sensitivity.rows.length) { charts.append(el("h2", {}, "What the outcome depends on")); tornado(charts, sensitivity); }
    charts.append(el("h2", {}, "Tables"));
    for (const sh of data.sheets) {
      const body = el("div", { class: "tablebox", tabindex: "0", role: "region", "aria-label": sh.file });
      const details = el("details", { open: sh.file === "outcomes.csv" }, el("summary", {}, sh.file + ": " + (sh.rows.length < sh.total ? "first " + sh.rows.length + " of " : "") + sh.total + " rows"), body);
      body.append(table(null, sh.head.map(nice), sh.rows.map(r => r.map(number))));
      charts.append(details, el("div", { class: "tools noprint" }, el("button", { type: "button", onclick: () => save(sh.file, csvLine(sh.head) + sh.rows.map(csvLine).join("")) }, "CSV")));
    }
    const pair = (k, v) => (v || v === 0 ? [el("dt", {}, k), el("dd", {}, String(v))] : []);
    main.append(el("footer", {}, el("p", {}, el("strong", {}, s.disclaimer + ".")), el("dl", {}, pair("program", "itbsim " + s.version), pair("scenario", s.scenario),
      pair("scenario hash", s.scenario_hash), pair("seed", s.seed), pair("replicates", data.kind === "batch" ? s.covered + " of " + s.of : null)),
      el("p", {}, "Every figure says how many of how many replicates are behind it. Charts drawn by uPlot (MIT licence, in this file).")));
  }
  build();
  let wait = 0;
  window.addEventListener("resize", () => { clearTimeout(wait); wait = setTimeout(build, 80); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
  window.addEventListener("beforeprint", () => { document.documentElement.dataset.theme = "light"; main.style.width = "720px"; build(); });
  window.addEventListener("afterprint", () => { delete document.documentElement.dataset.theme; main.style.width = ""; build(); });
})();
