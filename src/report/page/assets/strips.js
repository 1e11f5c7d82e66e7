// Strips above and below the charts: phases, faults, acts, alarms; signs in the patient.

const ROW = 20;
/** Twice what the horizon lies before its decision, in hours. */
const INSTANT = 2e-6;

/** Whether a mark may be shown: at the instant of a decision what led to it, but nothing that was done. */
function seen(view, mark) {
  if (mark.t <= view.horizon) return true;
  return mark.t <= view.horizon + INSTANT && ["alarm", "symptom", "seen"].includes(mark.kind) && !mark.name.endsWith(".resolved");
}
const PHASE_WORDS = {
  latent: "something is wrong and the patient shows nothing",
  early: "first signs",
  established: "severe signs",
  rescue: "somebody acts; it does not get better yet",
  recovery: "it gets better",
};

/** A strip: names at the left, rows over time at the right. */
function strip(title, about) {
  const names = el("div", { class: "rows", "aria-hidden": "true" });
  const drawing = svg("svg", { role: "group", "aria-label": title });
  const box = el("div", { class: "plot" }, drawing);
  const name = el("span", {}, title);
  const section = el("section", { class: "lane strip" },
    el("h3", {}, name, about ? el("span", { class: "note", style: "font-weight:400" }, "  " + about) : null), names, box);
  return { section, names, drawing, box, title: name };
}

/** Whose strip it is, where several runs are in view. */
function of(view) {
  const shown = view.shownRuns();
  return shown.length < 2 ? "" : ": " + shown[0].label + (view.beside === "*" ? "" : "; in outline: " + shown[1].label);
}

/** Place of time in a strip of this width. */
function scaleOf(view, width) {
  const [from, to] = view.window, inner = Math.max(width - AXIS - RIGHT, 50);
  return t => AXIS + (t - from) / (to - from) * inner;
}

/** Time at a place. */
function timeAt(view, width, x) {
  const [from, to] = view.window, inner = Math.max(width - AXIS - RIGHT, 50);
  return from + (x - AXIS) / inner * (to - from);
}

/** A text cut to a width in pixels; nothing, if too little of it would be left. */
function fitted(text, pixels) {
  if (wide(text) <= pixels) return text;
  let most = text.length - 1;
  while (most > 0 && wide(text.slice(0, most) + "…") > pixels) most -= 1;
  return most < 3 || most < text.length / 3 ? "" : text.slice(0, most).trimEnd() + "…";
}

/** An act in as few words as will do in this room: a programme by its dose, with or without the unit. */
function actWords(mark, pixels) {
  if (!mark.name.startsWith("programme.")) return fitted(mark.what, pixels);
  const dose = mark.value.match(/^simple continuous, (\S+)( .+)$/);
  if (!dose) return fitted(mark.what.replace(/^programme /, ""), pixels);
  return [dose[1] + dose[2], dose[1]].find(words => wide(words) <= pixels) || "";
}

/** A bar with its name in it or after it. */
function barShape(view, x, bar, y, options) {
  const width = options.width, from = Math.max(x(bar.from), AXIS);
  const last = Math.min(bar.to === null ? Infinity : bar.to, view.horizon, view.run().end_h);
  const to = Math.min(Math.max(x(last), from + 3), width - RIGHT);
  if (bar.from > view.horizon + INSTANT || bar.from > view.window[1] || last < view.window[0]) return null;
  const open = bar.to === null || bar.to > view.horizon;
  const words = bar.words + ": from " + instant(bar.from) + (open ? "" : " to " + instant(bar.to) + " (" + span(bar.to - bar.from) + ")")
    + (bar.note && !(open && view.horizon < Infinity) ? "; " + bar.note : "");
  const group = svg("g", { class: "mark", tabindex: "0", role: "button", "aria-label": words, onclick: () => view.setTime(bar.from, "bar") },
    svg("title", {}, words),
    svg("rect", { class: "hit", x: from, y: y + 3, width: to - from, height: ROW - 7, rx: 3, fill: options.fill, "fill-opacity": options.ghost ? 0 : 0.85,
      stroke: options.fill, "stroke-dasharray": options.ghost ? "4 3" : null }));
  group.addEventListener("keydown", event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); view.setTime(bar.from, "bar"); } });
  if (options.label) {
    const text = options.label, room = width - RIGHT - to - 4;
    if (room > wide(text)) group.append(svg("text", { x: to + 4, y: y + ROW - 7 }, text));
    else {
      const before = from - AXIS - 4;
      if (before > wide(text)) group.append(svg("text", { x: from - 4, y: y + ROW - 7, "text-anchor": "end" }, text));
      else group.append(svg("text", { x: Math.max(from, AXIS) + 4, y: y + ROW - 7 }, fitted(text, width - RIGHT - from)));
    }
  }
  return group;
}

/** The strip of the course: phases, faults, acts, alarms. */
function courseStrip(view, onMark) {
  const parts = strip("Course", null);
  const detail = el("div", { "aria-live": "polite" });
  parts.section.append(el("div", { style: "grid-column:1/-1" }, detail));
  const draw = () => {
    parts.title.textContent = "Course" + (view.shownRuns().length > 1 ? ": " + view.run().label : "");
    const width = view.width, x = scaleOf(view, width), run = view.run(), narrow = window.innerWidth <= 760 && !view.printing;
    parts.drawing.replaceChildren();
    parts.names.replaceChildren();
    let y = 0;
    const name = text => parts.names.append(el("div", {}, text));
    // Phases.
    name("phase");
    for (const phase of run.phases) {
      const to = Math.min(phase.to, view.horizon);
      const left = Math.max(x(phase.from), AXIS), right = Math.min(x(to), width - RIGHT);
      if (phase.from >= view.horizon || right <= left) continue;
      const words = phase.name + ": " + PHASE_WORDS[phase.name] + "; " + instant(phase.from) + (phase.to <= view.horizon ? ", for " + span(phase.to - phase.from) : "");
      parts.drawing.append(svg("g", {}, svg("title", {}, words),
        svg("rect", { x: left, y: y + 1, width: right - left, height: ROW - 3, fill: colour("p-" + phase.name) }),
        svg("text", { x: left + 4, y: y + ROW - 6, style: "fill:" + colour("p-ink") }, fitted(phase.name, right - left - 6))));
    }
    if (view.finished() && !run.phases.length) {
      parts.drawing.append(svg("text", { x: AXIS + 6, y: y + ROW - 6, style: "fill:" + colour("note") }, "nothing is wrong"));
    }
    y += ROW;
    // Faults, one row each name.
    const rows = kind => {
      const found = [];
      for (const bar of run.bars.filter(b => b.kind === kind && b.from <= view.horizon + INSTANT)) {
        let row = found.find(r => r.name === bar.name);
        if (!row) found.push(row = { name: bar.name, words: bar.words, bars: [] });
        row.bars.push(bar);
      }
      return found;
    };
    for (const row of rows("fault").slice(0, 8)) {
      name(row.words);
      for (const bar of row.bars) {
        const shape = barShape(view, x, bar, y, { width, fill: colour("ink"), label: narrow ? row.words : "" });
        if (shape) parts.drawing.append(shape);
      }
      y += ROW;
    }
    // Acts as marks, with as many names as there is room for.
    name("acts");
    let free = AXIS;
    const acts = run.marks.filter(m => (["act", "refill", "death"].includes(m.kind) || m.name.startsWith("action.")) && m.t <= view.horizon);
    acts.forEach(mark => {
      const at = x(mark.t);
      if (at < AXIS - 1 || at > width - RIGHT + 1) return;
      const group = svg("g", { class: "mark", tabindex: "0", role: "button", "aria-label": markWords(mark), onclick: () => onMark(mark) }, svg("title", {}, markWords(mark)));
      group.addEventListener("keydown", event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); onMark(mark); } });
      const middle = y + ROW / 2, fill = mark.kind === "death" ? colour("c1") : mark.kind === "refill" ? colour("c0") : colour("paper");
      group.append(mark.kind === "refill" || mark.kind === "fault"
        ? svg("path", { class: "hit", d: "M" + at + " " + (middle - 6) + "l6 11h-12z", fill, stroke: colour(mark.kind === "fault" ? "c1" : "c0"), "stroke-width": 1.5 })
        : svg("circle", { class: "hit", cx: at, cy: middle, r: 5.5, fill, stroke: colour("c0"), "stroke-width": 2 }));
      parts.drawing.append(group);
      const next = acts.find(m => m.t > mark.t && x(m.t) > at + 3);
      const clear = Math.min(next ? x(next.t) - at - 18 : Infinity, width - at - 12, 200);
      const cut = at + 8 >= free ? actWords(mark, clear) : "";
      if (cut) {
        parts.drawing.append(svg("text", { x: at + 9, y: y + ROW - 6, "aria-hidden": "true" }, cut));
        free = at + 12 + wide(cut);
      }
    });
    y += ROW;
    // Alarms: first tone to last, and when somebody heard.
    for (const row of rows("alarm").slice(0, 8)) {
      name("alarm: " + row.words);
      for (const bar of row.bars) {
        const shape = barShape(view, x, bar, y, { width, fill: colour(bar.group === "critical" ? "c1" : "c4"), label: narrow ? "alarm: " + row.words : "" });
        if (!shape) continue;
        if (bar.heard !== null && bar.heard <= view.horizon && bar.heard >= view.window[0] && bar.heard <= view.window[1]) {
          shape.append(svg("path", { d: "M" + x(bar.heard) + " " + (y + 1) + "v" + (ROW - 3), stroke: colour("ink"), "stroke-width": 2.5 }));
          shape.append(svg("text", { x: x(bar.heard) + 4, y: y + ROW - 6, "aria-hidden": "true" }, x(bar.heard) < width - 60 ? "heard" : ""));
        }
        parts.drawing.append(shape);
      }
      y += ROW;
    }
    y = axisRow(parts.drawing, view, x, width, y);
    finish(parts, view, y, width, x);
  };
  parts.drawing.addEventListener("pointermove", event => {
    if (event.pointerType === "mouse" && event.buttons === 0) hover(parts, view, event);
  });
  gestures(parts.drawing, view, left => timeAt(view, view.width, left));
  let card = "";
  return {
    section: parts.section,
    box: parts.box,
    draw,
    cursor: () => cursorLine(parts, view),
    show(mark) { card = mark ? mark.name : ""; detail.replaceChildren(mark ? markCard(mark) : ""); },
    /** The card of the same event in another run. */
    again() { if (card) this.show(view.run().marks.find(m => m.name === card && seen(view, m))); },
  };
}

function hover(parts, view, event) {
  const at = timeAt(view, view.width, event.clientX - parts.drawing.getBoundingClientRect().left);
  if (at >= view.window[0] && at <= view.window[1]) view.setTime(at, "strip");
}

/** Ticks of time under a strip. */
function axisRow(drawing, view, x, width, y) {
  const [from, to] = view.window;
  for (const t of ticks(from, to, room(width - AXIS))) {
    if (x(t) > width - 4) continue;
    drawing.append(svg("path", { d: "M" + x(t) + " 0v" + y, stroke: colour("grid"), "stroke-width": 1 }),
      svg("text", { x: x(t), y: y + 14, "text-anchor": "middle", style: "fill:" + colour("note") }, tick(t, from, to)));
  }
  return y + 18;
}

function finish(parts, view, height, width, x) {
  // Grid lines lie behind everything else.
  const grid = [...parts.drawing.querySelectorAll("path[stroke-width='1']")];
  parts.drawing.prepend(...grid);
  parts.drawing.append(svg("line", { class: "cursor", y1: 0, y2: height - 18, stroke: colour("ink"), "stroke-width": 1.5 }));
  parts.drawing.setAttribute("height", height);
  parts.drawing.setAttribute("viewBox", "0 0 " + width + " " + height);
  cursorLine(parts, view);
}

function cursorLine(parts, view) {
  const line = parts.drawing.querySelector(".cursor");
  if (!line) return;
  const x = scaleOf(view, view.width)(view.time);
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  line.setAttribute("visibility", view.time < view.window[0] || view.time > view.window[1] ? "hidden" : "visible");
}

/** Signs in the patient as labelled bars; the run beside in outline. */
function signStrip(view) {
  const parts = strip("Signs in the patient", "vermilion: withdrawal; blue: overdose; green: relief");
  const legend = el("span", { class: "sr" });
  parts.section.append(legend);
  const tone = { withdrawal: "c1", overdose: "c0", therapy: "c2" };
  const draw = () => {
    parts.title.textContent = "Signs in the patient" + of(view);
    const width = view.width, x = scaleOf(view, width), narrow = window.innerWidth <= 760 && !view.printing;
    parts.drawing.replaceChildren();
    parts.names.replaceChildren();
    const shownRuns = view.beside === "*" ? view.shownRuns().slice(0, 1) : view.shownRuns();
    const rows = [];
    shownRuns.forEach((run, ghost) => run.bars.filter(b => b.kind === "symptom" && b.from <= view.horizon + INSTANT).forEach(bar => {
      let row = rows.find(r => r.name === bar.name);
      if (!row) rows.push(row = { name: bar.name, words: bar.words, group: bar.group, bars: [], from: bar.from });
      row.bars.push([bar, ghost]);
    }));
    const order = { withdrawal: 0, overdose: 1, complication: 2, therapy: 3 };
    rows.sort((a, b) => (order[a.group] ?? 2) - (order[b.group] ?? 2) || a.from - b.from);
    let y = 0;
    for (const row of rows) {
      parts.names.append(el("div", { title: row.words }, row.words));
      for (const [bar, ghost] of row.bars) {
        const shape = barShape(view, x, bar, y, { width, fill: colour(tone[bar.group] || "c3"), label: narrow && !ghost ? row.words : "", ghost });
        if (shape) parts.drawing.append(shape);
      }
      y += ROW;
    }
    if (rows.length === 0) {
      parts.names.append(el("div", {}, "none"));
      parts.drawing.append(svg("text", { x: AXIS + 6, y: ROW - 6 }, "no sign so far"));
      y = ROW;
    }
    y = axisRow(parts.drawing, view, x, width, y);
    finish(parts, view, y, width, x);
  };
  parts.drawing.addEventListener("pointermove", event => {
    if (event.pointerType === "mouse" && event.buttons === 0) hover(parts, view, event);
  });
  gestures(parts.drawing, view, left => timeAt(view, view.width, left));
  return { section: parts.section, draw, cursor: () => cursorLine(parts, view) };
}

/** A mark in one line. */
function markWords(mark) {
  return mark.what + ", " + instant(mark.t) + (mark.since_fault !== null ? ", " + span(mark.since_fault) + " since the first fault" : "")
    + (mark.since_refill !== null ? ", " + span(mark.since_refill) + " since the last refill" : "") + (mark.value ? ": " + mark.value : "")
    + (mark.because ? "; because " + mark.because : "");
}

/** A mark in full. */
function markCard(mark) {
  const line = (key, value) => (value ? [el("span", { class: "k" }, key), el("span", {}, value)] : []);
  return el("div", { class: "card" }, el("b", {}, mark.what),
    line("when", instant(mark.t)
      + (mark.since_fault !== null ? " · " + span(mark.since_fault) + " since the first fault" : "")
      + (mark.since_refill !== null ? " · " + span(mark.since_refill) + " since the last refill" : "")),
    line("value", mark.value), line("because", mark.because), line("source", mark.source), line("event", mark.name + " (" + mark.event + ")"));
}
