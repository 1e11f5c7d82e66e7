// Charts: one uPlot a lane, all with one window and one cursor.

const AXIS = 56, RIGHT = 24;
/** Lines of the arms beside the one shown: told apart without colours too. */
const DASHES = [undefined, [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [14, 4], [3, 6]];
const STEPS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 72, 120, 168, 336, 720, 1440, 2160, 4320, 8766, 17532, 43830];

/** Ticks of time: whole hours or whole days. */
function ticks(from, to, room) {
  const step = STEPS.find(s => (to - from) / s <= room) || STEPS[STEPS.length - 1];
  const out = [];
  for (let k = Math.ceil(from / step - 1e-9); k * step <= to + 1e-9; k++) out.push(k * step);
  return out;
}

/** Label of a tick. */
function tick(t, from, to) {
  if (to - from <= 96) return Math.round(t * 100) / 100 + " h";
  const days = t / 24;
  return "day " + Math.round(days * 100) / 100;
}

/** How many ticks of time fit. */
const room = width => Math.max(2, Math.floor(width / 75));

/** Ends of a value axis. */
function valueRange(lane, log, low, high) {
  if (!isFinite(low) || !isFinite(high) || low === null || high === null) return log ? [0.1, 10] : lane.range || [0, 1];
  if (log) {
    const top = Math.pow(10, Math.ceil(Math.log10(Math.max(high, 1e-9)) + 1e-9));
    return [Math.max(Math.pow(10, Math.floor(Math.log10(Math.max(low, top / 1e4)))), top / 1e4), top];
  }
  if (lane.range) return lane.range;
  if (low > 0.5 * high) {
    const pad = Math.max((high - low) * 0.12, 0.2);
    return [low - pad, high + pad];
  }
  return [Math.min(0, low * 1.05), high > 0 ? high * 1.08 : 1];
}

/** What one lane draws: times, then the lines of the run, then those beside it. */
function chartData(view, index, log) {
  const everyArm = view.beside === "*";
  const tables = view.shownRuns().map(run => clipped(run.lanes[index], view.horizon))
    .map(t => (everyArm ? { t: t.t, v: [t.v[view.lineOf(view.data.lanes[index])]] } : t));
  const data = merged(tables);
  if (!log) return data;
  let top = 0;
  data.slice(1).forEach(c => c.forEach(v => { if (v > top) top = v; }));
  const floor = top / 1e4;
  // What falls to nothing runs along the bottom; what is nothing all the time is not drawn.
  const held = c => c.some(v => v > floor);
  return data.map((c, i) => (i === 0 ? c : held(c) ? c.map(v => (typeof v === "number" ? Math.max(v, floor) : v)) : c.map(() => null)));
}

/** Draws one lane and gives what moves it. `view` is the state of the page. */
function chart(view, index, box) {
  const lane = view.data.lanes[index];
  const runs = view.shownRuns();
  const everyArm = view.beside === "*";
  const log = view.log.has(lane.id);
  const series = [{}];
  runs.forEach((run, r) => {
    const lines = everyArm ? [lane.series[view.lineOf(lane)]] : lane.series;
    lines.forEach((line, s) => series.push({
      label: line.label,
      stroke: () => colour("c" + (everyArm ? r % 7 : s % 7)),
      width: r === 0 ? (everyArm ? 2.5 : 2) : everyArm ? 2 : 1.5,
      // What the pump believes is dotted, so that the truth shows beneath it.
      dash: r > 0 ? (everyArm ? DASHES[r % DASHES.length] : [6, 4]) : line.column.startsWith("believed") ? [2, 4] : undefined,
      points: { show: false },
      spanGaps: false,
    }));
  });
  const height = () => Math.round(Math.min(Math.max(window.innerWidth * 0.13, 130), 210));
  const axis = { stroke: () => colour("note"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false }, font: letters() + "px system-ui, sans-serif" };
  const powers = (u, all) => all.map(v => (log && axisValue(v, log) === "" ? null : v));
  const plot = new uPlot({
    width: view.width,
    height: height(),
    padding: [8, RIGHT, 0, 0],
    legend: { show: false },
    cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: {
      x: { time: false, auto: false, range: () => view.window.slice() },
      y: { distr: log ? 3 : 1, range: (u, low, high) => valueRange(lane, log, low, high) },
    },
    axes: [
      Object.assign({}, axis, {
        size: 17 + letters(), gap: 7,
        splits: u => ticks(u.scales.x.min, u.scales.x.max, room(u.bbox.width / devicePixelRatio)),
        values: (u, all) => all.map(t => tick(t, u.scales.x.min, u.scales.x.max)),
      }),
      Object.assign({}, axis, { size: AXIS, gap: 4, grid: { stroke: () => colour("grid"), width: 1, filter: powers }, values: (u, all) => all.map(v => (v === null ? "" : axisValue(v, log))) }),
    ],
    series,
    hooks: {
      drawClear: [u => shade(u, view)],
      draw: [u => lines(u, view)],
      setCursor: [u => { if (u.cursor.left >= 0 && !view.moving) view.setTime(u.posToVal(u.cursor.left, "x"), "chart"); }],
      setSelect: [u => {
        if (u.select.width > 6) {
          const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          view.setWindow(from, to);
        }
      }],
    },
  }, chartData(view, index, log), box);
  plot.over.setAttribute("aria-hidden", "true");
  const now = el("div", { class: "now" });
  plot.over.append(now);
  const canvas = box.querySelector("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", lane.title + ", " + lane.unit + ", over time: " + lane.series.map(s => s.label).join(", ") + ". The data table below has the values.");
  gestures(plot.over, view, t => plot.posToVal(t, "x"));
  return {
    lane,
    index,
    plot,
    /** The same lines with other data. */
    update() { plot.setData(chartData(view, index, log)); },
    window() { plot.setScale("x", { min: view.window[0], max: view.window[1] }); },
    cursor() {
      const [from, to] = view.window, share = (view.time - from) / (to - from);
      now.hidden = !(share >= 0 && share <= 1);
      now.style.left = 100 * share + "%";
    },
    resize() { plot.setSize({ width: view.width, height: height() }); this.cursor(); },
    destroy() { plot.destroy(); },
  };
}

/** A number at an axis; on a logarithmic one only the powers of ten. */
function axisValue(v, log) {
  if (!log) return String(+v.toPrecision(6));
  const power = Math.round(Math.log10(v));
  if (Math.abs(Math.log10(v) - power) > 1e-6) return "";
  if (power >= -3 && power < 6) return String(+v.toPrecision(3));
  return "10" + String(power).replace(/./g, c => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
}

/** Phases behind the lines. */
function shade(u, view) {
  const run = view.shownRuns()[0], context = u.ctx, box = u.bbox;
  context.save();
  context.globalAlpha = parseFloat(colour("p-alpha")) || 0.2;
  for (const phase of run.phases) {
    const from = Math.max(phase.from, view.window[0]), to = Math.min(phase.to, view.window[1], view.horizon);
    if (to <= from) continue;
    const left = u.valToPos(from, "x", true), right = u.valToPos(to, "x", true);
    context.fillStyle = colour("p-" + phase.name);
    context.fillRect(left, box.top, right - left, box.height);
  }
  context.restore();
}

/** Lines where something broke or was done. */
function lines(u, view) {
  const run = view.shownRuns()[0], context = u.ctx, box = u.bbox, pixel = devicePixelRatio;
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  context.lineWidth = pixel;
  for (const mark of run.marks) {
    if (!["fault", "refill", "act", "death"].includes(mark.kind) || mark.t > view.horizon || mark.t <= 0) continue;
    if (mark.t < view.window[0] || mark.t > view.window[1]) continue;
    const x = Math.round(u.valToPos(mark.t, "x", true)) + 0.5;
    context.strokeStyle = colour(mark.kind === "fault" || mark.kind === "death" ? "ink" : "note");
    context.setLineDash(mark.kind === "fault" || mark.kind === "death" ? [] : [2 * pixel, 3 * pixel]);
    context.globalAlpha = 0.55;
    context.beginPath();
    context.moveTo(x, box.top);
    context.lineTo(x, box.top + box.height);
    context.stroke();
  }
  context.restore();
}

/** Wheel, pinch and touch on anything that shows time. */
function gestures(target, view, toTime) {
  target.addEventListener("wheel", event => {
    const wide = view.window[1] - view.window[0];
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const at = toTime(event.clientX - target.getBoundingClientRect().left);
      view.zoom(Math.exp(event.deltaY * 0.003), at);
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      view.pan((event.deltaX || event.deltaY) / Math.max(target.clientWidth, 1) * wide);
    }
  }, { passive: false });
  target.addEventListener("dblclick", () => view.whole());
  const fingers = new Map();
  let spread = 0;
  const left = x => x - target.getBoundingClientRect().left;
  target.addEventListener("pointerdown", event => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size === 2) { const [a, b] = [...fingers.values()]; spread = Math.abs(a - b); }
    else view.setTime(toTime(left(event.clientX)), "touch");
  });
  target.addEventListener("pointermove", event => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size === 2) {
      const [a, b] = [...fingers.values()], now = Math.max(Math.abs(a - b), 10);
      if (spread > 0) view.zoom(spread / now, toTime(left((a + b) / 2)));
      spread = now;
    } else view.setTime(toTime(left(event.clientX)), "touch");
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
    target.addEventListener(end, event => { fingers.delete(event.pointerId); spread = 0; });
  }
}
