// The page: one view, its controls, and the decisions at which it stops.

/** Width of the page on paper, A4 or letter [px]. */
const PAPER = 700;

const itbsimPage = (() => {
  const holder = document.getElementById("itbsim-data");
  const first = JSON.parse(holder.textContent);
  // What comes later must not stand in the document while the page waits for a choice.
  holder.remove();
  const main = document.getElementById("page");
  let view = null;

  /** What must be the same for other data to be drawn into the charts that are there. */
  const form = data => JSON.stringify([data.manifest.scenario, data.manifest.title, data.manifest.lesson, data.decisions.length,
    data.lanes.map(l => [l.id, l.title, l.unit, l.log, l.range, l.series]), data.runs.map(r => [r.id, r.label, r.role, r.of]),
    data.teaching && [data.teaching.introduction, data.teaching.goals, data.teaching.minutes]]);

  /** Shows other data in the same page; keeps what the reader has chosen where it is the same story. */
  function show(data, keep, beside) {
    const old = view && keep && view.data.manifest.scenario === data.manifest.scenario ? view : null;
    if (old && !data.decisions.length && form(old.data) === form(data)) return old.update(data);
    if (view) view.destroy();
    view = makeView(data, old);
    if (beside && data.runs.some(r => r.id === beside)) view.beside = beside;
    view.build(main);
  }

  /** Whether the highest peak would press everything else flat. */
  function spiky(lane) {
    const peak = v => Math.max(...v.filter(x => x !== null), 0);
    const all = lane.v.reduce((best, v) => (peak(v) > peak(best) ? v : best)).filter(x => x !== null).sort((a, b) => a - b);
    return all.length > 0 && all[all.length - 1] > 8 * Math.max(all[Math.floor(all.length / 2)], all[all.length - 1] / 1e4);
  }

  function makeView(data, old) {
    const v = {
      data,
      index: 0,
      beside: "",
      window: [0, data.runs[0].end_h],
      time: 0,
      log: old ? old.log : new Set(data.lanes.filter((l, k) => l.log && spiky(data.runs[0].lanes[k])).map(l => l.id)),
      /** Charts that the reader opened or closed. */
      picked: old ? old.picked : new Map(),
      open: new Set(),
      tables: old ? old.tables : new Set(),
      /** Line of a chart that is drawn of every arm. */
      lines: old ? old.lines : new Map(),
      /** Width of every chart and strip [px]. */
      width: 200,
      choices: [],
      step: data.decisions.length ? 0 : -1,
      horizon: Infinity,
      moving: false,
    };
    let charts = [], strips = [], parts = {}, spokenAt = 0, frame = 0;
    const stops = [], later = painter();
    v.length = () => data.runs[0].end_h;
    v.run = () => data.runs[v.index];
    v.finished = () => v.step < 0;
    const end = () => Math.min(Math.max(...v.shownRuns().map(r => r.end_h)), v.horizon);
    v.shownRuns = () => {
      const own = v.run();
      if (v.beside === "*") return [own].concat(data.runs.filter(r => r.role === "arm" && r !== own));
      const other = data.runs.find(r => r.id === v.beside);
      return other && other !== own ? [own, other] : [own];
    };
    v.lineOf = lane => v.lines.get(lane.id) ?? Math.max(0, lane.series.findIndex(s => s.column === "delivered_ug_per_day"));
    // Just before the decision: what is done at its very instant is the answer.
    const setHorizon = () => { v.horizon = v.step >= 0 ? data.decisions[v.step].t - 1e-6 : Infinity; };
    const openLanes = () => { v.open = new Set(data.lanes.filter(l => (v.picked.has(l.id) ? v.picked.get(l.id) : l.open)).map(l => l.id)); };
    setHorizon();
    openLanes();
    if (old && !old.isWhole()) v.window = old.window.slice();
    if (v.step >= 0) v.window = [0, Math.max(v.horizon, 1e-3)];
    v.time = old ? Math.min(old.time, data.runs[0].end_h) : v.step >= 0 ? v.horizon : startTime(v.run());

    /** Where the cursor stands at first: at the worst of the course. */
    function startTime(run) {
      const severe = run.phases.find(p => p.name === "established") || run.phases.find(p => p.name === "early");
      if (severe) return severe.from;
      return run.focus_h ? (run.focus_h[0] + run.focus_h[1]) / 2 : run.end_h / 2;
    }

    v.setTime = (t, from) => {
      v.time = Math.min(Math.max(t, 0), end());
      if (frame) return;
      frame = requestAnimationFrame(() => { frame = 0; cursor(from); });
    };
    function cursor(from) {
      charts.forEach(c => c.cursor());
      strips.forEach(s => s.cursor());
      parts.clock.textContent = instant(v.time);
      if (data.teaching) {
        // Only a new stage is put there: it would be spoken, and its buttons would lose the focus.
        const told = data.teaching.stages.filter(s => s.t <= v.horizon);
        const place = JSON.stringify([told.filter(s => s.t <= v.time + 1e-6).length, told, v.horizon]);
        if (v.stage !== place) { v.stage = place; parts.stage.replaceChildren(stageText(v)); }
      }
      parts.slider.value = v.time;
      parts.slider.setAttribute("aria-valuetext", instant(v.time) + phaseWords());
      // Spoken rarely: a reader who drags would hear nothing but numbers.
      if ((from === "key" || from === "slider") && Date.now() - spokenAt > 700) {
        spokenAt = Date.now();
        parts.spoken.textContent = instant(v.time) + phaseWords() + ". " + keyValues();
      }
    }
    function phaseWords() {
      const now = v.run().phases.find(p => p.from <= v.time && v.time < p.to);
      return now ? ", phase: " + now.name : "";
    }
    function keyValues() {
      return data.lanes.filter(l => v.open.has(l.id)).slice(0, 5).map(l => {
        const k = data.lanes.indexOf(l), lane = v.run().lanes[k];
        return l.series[0].label + " " + shown(valueAt(lane.t, lane.v[0], v.time)) + " " + (l.series[0].unit || l.unit);
      }).join("; ");
    }
    /** Puts the window where there is something to see. */
    function place(from, to) {
      const last = end(), least = Math.min(0.25, last);
      const wide = Math.min(Math.max(to - from, least), last);
      from = Math.min(Math.max(from, 0), last - wide);
      v.window = [from, from + wide];
    }
    v.isWhole = () => v.window[0] <= 0 && v.window[1] >= end() - 1e-9;
    v.setWindow = (from, to) => {
      place(from, to);
      v.moving = true;
      charts.forEach(c => c.window());
      v.moving = false;
      strips.forEach(s => s.draw());
      charts.forEach(c => { if (v.tables.has(c.lane.id)) c.fill(); });
      cursor("window");
      buttons();
    };
    v.whole = () => v.setWindow(0, end());
    v.near = () => { const f = v.run().focus_h; if (f) v.setWindow(f[0], Math.min(f[1], end())); };
    v.zoom = (factor, at) => {
      const [from, to] = v.window;
      v.setWindow(at - (at - from) * factor, at + (to - at) * factor);
    };
    v.pan = by => v.setWindow(v.window[0] + by, v.window[1] + by);
    v.setBeside = (id, jump) => {
      v.beside = id;
      const reason = data.runs.find(r => r.id === id);
      if (reason && reason.of && v.run().id !== reason.of && reason.role === "but-for") v.index = data.runs.findIndex(r => r.id === reason.of);
      redo();
      if (jump) parts.bar.scrollIntoView();
    };
    /** Draws all of it again. */
    function redo() {
      place(v.window[0], v.window[1]);
      charts.forEach(c => c.destroy());
      charts = [];
      drawCharts();
      strips.forEach(s => s.draw());
      if (parts.run) parts.run.value = v.run().id;
      if (parts.beside) parts.beside.value = v.beside;
      words(true);
      cursor("window");
      buttons();
    }
    /** Draws another run of the same form into what is there. */
    v.update = next => {
      const whole = v.isWhole();
      data = v.data = next;
      openLanes();
      place(whole ? 0 : v.window[0], whole ? end() : v.window[1]);
      v.time = Math.min(v.time, end());
      const there = charts.slice();
      drawCharts();
      charts.filter(c => there.includes(c)).forEach(c => later.draw(c.section, c.update));
      strips.forEach(s => later.draw(s.section, s.update || s.draw));
      words(false);
      parts.ticks();
      parts.course.again();
      cursor("update");
      buttons();
    };
    /** Parts that are not drawn yet, because nobody sees them. */
    v.waiting = () => later.waiting();
    v.flush = () => later.flush();

    /** What the shades mean; before the end nothing tells which will come. */
    function shades() {
      const there = Object.entries(PHASE_WORDS).filter(([name]) => !v.finished() || v.run().phases.some(p => p.name === name));
      const key = there.map(p => p[0]).join();
      if (parts.shades.dataset.key === key) return;
      parts.shades.dataset.key = key;
      parts.shades.replaceChildren(...there.map(([name, text]) => el("span", { title: text }, el("i", { style: "background:var(--p-" + name + ")" }), name + ": " + text)));
    }
    function buttons() {
      shades();
      const [from, to] = v.window, f = v.run().focus_h;
      parts.whole.setAttribute("aria-pressed", String(v.isWhole()));
      parts.near.disabled = !f || f[0] >= end();
      parts.near.setAttribute("aria-pressed", String(!!f && Math.abs(from - f[0]) < 1e-6 && Math.abs(to - Math.min(f[1], end())) < 1e-6));
      parts.slider.max = end();
    }

    /** Puts there the charts that are open; those that are there already stay. */
    function drawCharts() {
      const old = charts;
      charts = [];
      data.lanes.forEach((lane, k) => { if (v.open.has(lane.id)) charts.push(old.find(c => c.lane.id === lane.id) || lanePart(v, k)); });
      old.filter(c => !charts.includes(c)).forEach(c => { later.unwatch(c.section); c.destroy(); });
      charts.forEach((c, k) => {
        if (parts.lanes.children[k] === c.section) return;
        parts.lanes.insertBefore(c.section, parts.lanes.children[k] || null);
        later.watch(c.section);
      });
    }

    /** What is told in words; while the page waits for a choice, only the events so far. */
    function words(now) {
      const wanted = [];
      if (v.finished()) {
        if (data.decisions.length) wanted.push(debriefPanel);
        if (data.teaching && data.teaching.questions.length) wanted.push(questionsPanel);
        wanted.push(whyPanel, armsPanel);
      }
      wanted.push(eventsPanel, identity);
      if (parts.panels.length !== wanted.length || wanted.some((make, k) => parts.panels[k].make !== make)) {
        parts.panels.forEach(p => later.unwatch(p.box));
        parts.panels = wanted.map(make => ({ make, box: el("div"), key: "" }));
        parts.words.replaceChildren(...parts.panels.map(p => p.box));
        parts.panels.forEach(p => later.watch(p.box));
      }
      for (const panel of parts.panels) {
        const draw = () => {
          // What says the same stays, with its folds as the reader left them.
          const key = JSON.stringify(panel.make.reads(v));
          if (panel.key === key) return;
          panel.key = key;
          const scrolled = panel.box.querySelector(".tablebox");
          const top = scrolled ? scrolled.scrollTop : 0;
          panel.box.replaceChildren(panel.make(v));
          if (top) panel.box.querySelector(".tablebox").scrollTop = top;
        };
        now ? draw() : later.draw(panel.box, draw);
      }
    }

    /** The question, or what came of the last choice. */
    function ask() {
      parts.ask.replaceChildren();
      if (!data.decisions.length) return;
      const last = v.choices.length - 1;
      if (last >= 0) {
        const decision = data.decisions[last], choice = decision.choices[v.choices[last]], told = decision.choices.find(c => c.chosen);
        parts.ask.append(el("div", { class: "ask", role: "status" },
          el("h3", {}, "You chose: " + choice.text + (choice === told ? " (as in the story)" : "")),
          choice.reason ? el("p", {}, choice.reason) : null,
          decision.reveal ? el("p", {}, decision.reveal) : null,
          choice !== told ? el("p", {}, "In the story: " + told.text + ". Your choice is the dashed line.") : null,
          v.finished() ? el("p", { class: "verdict" }, choice.followed) : null));
      }
      if (v.finished()) {
        parts.ask.append(data.manifest.lesson ? el("p", { class: "lesson" }, data.manifest.lesson) : "",
          el("p", { class: "noprint" }, el("button", { type: "button", onclick: restart }, "Play again from the start")));
        return;
      }
      const decision = data.decisions[v.step];
      parts.ask.append(el("div", { class: "ask", id: "question" },
        el("span", { class: "tag" }, "Decision " + (v.step + 1) + " of " + data.decisions.length), el("span", { class: "note" }, instant(decision.t) + ". What comes later is hidden."),
        el("h3", { style: "font-size:1.15rem;margin:.4rem 0" }, decision.question),
        el("div", { class: "choices", role: "group", "aria-label": "Choices" }, decision.choices.map((c, k) => el("button", { type: "button", "data-choice": k, onclick: () => choose(k) }, c.text))),
        el("button", { type: "button", class: "noprint", "data-skip": true, onclick: reveal }, "Skip the questions, show the whole story")));
    }
    function choose(k) {
      const decision = data.decisions[v.step], before = v.horizon;
      v.choices.push(k);
      v.step = v.step + 1 < data.decisions.length ? v.step + 1 : -1;
      setHorizon();
      const branch = decision.choices[k].run;
      v.beside = branch === v.run().id ? "" : branch;
      advance(before);
    }
    function reveal() { const before = v.horizon; v.step = -1; setHorizon(); advance(before); }
    function restart() { v.choices = []; v.step = 0; v.beside = ""; v.index = 0; setHorizon(); advance(0); }
    function advance(before) {
      v.window = [0, end()];
      v.time = v.finished() ? Math.max(startTime(v.run()), Math.min(before, end())) : v.horizon;
      selectors();
      ask();
      redo();
      parts.ask.scrollIntoView({ block: "nearest" });
    }

    /** Which run, and which beside it; only once nothing is hidden. */
    function selectors() {
      parts.selectors.replaceChildren();
      parts.run = parts.beside = null;
      if (!v.finished() || data.runs.length < 2) return;
      const option = (value, text) => el("option", { value }, text);
      const arms = data.runs.filter(r => r.role === "arm");
      parts.run = el("select", { onchange: event => { v.index = data.runs.findIndex(r => r.id === event.target.value); if (v.beside === v.run().id) v.beside = ""; redo(); } },
        data.runs.map(r => option(r.id, r.label)));
      parts.beside = el("select", { onchange: event => v.setBeside(event.target.value, false) },
        option("", "nothing"), arms.length > 2 ? option("*", "every arm, one line each") : null, data.runs.map(r => option(r.id, r.label)));
      parts.run.value = v.run().id;
      parts.beside.value = v.beside;
      parts.selectors.append(el("label", {}, "Run", parts.run), el("label", {}, "beside it, dashed", parts.beside));
    }

    function more() {
      const boxes = data.lanes.map(lane => {
        const tick = el("input", { type: "checkbox", onchange: event => { v.picked.set(lane.id, event.target.checked); openLanes(); drawCharts(); cursor("charts"); } });
        return [lane.id, tick, el("label", { style: "font-size:.88rem" }, tick, " ", lane.title)];
      });
      parts.ticks = () => boxes.forEach(([id, tick]) => { tick.checked = v.open.has(id); });
      parts.ticks();
      return el("details", { class: "noprint" }, el("summary", {}, "Which charts"),
        el("div", { class: "group", style: "display:flex;flex-wrap:wrap;gap:.2rem 1rem;padding:.3rem 0" }, boxes.map(b => b[2])));
    }

    function key(event) {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const on = event.target;
      if (on.closest && on.closest("input,select,textarea,.tablebox") && on !== parts.timeline) return;
      const wide = v.window[1] - v.window[0], step = wide / 100;
      const jump = way => {
        const marks = v.run().marks.filter(m => seen(v, m) && (way > 0 ? m.t > v.time + 1e-6 : m.t < v.time - 1e-6));
        const mark = way > 0 ? marks[0] : marks[marks.length - 1];
        if (mark) { v.setTime(mark.t, "key"); parts.course.show(mark); if (mark.t < v.window[0] || mark.t > v.window[1]) v.setWindow(mark.t - wide / 2, mark.t + wide / 2); }
      };
      const acts = {
        ArrowLeft: () => (event.shiftKey ? v.pan(-wide / 8) : v.setTime(v.time - step, "key")),
        ArrowRight: () => (event.shiftKey ? v.pan(wide / 8) : v.setTime(v.time + step, "key")),
        "+": () => v.zoom(0.7, v.time), "=": () => v.zoom(0.7, v.time), "-": () => v.zoom(1 / 0.7, v.time), "−": () => v.zoom(1 / 0.7, v.time),
        0: v.whole, e: v.near, n: () => jump(1), p: () => jump(-1),
        g: () => { const other = data.runs.find(r => r.id !== v.run().id && (r.of === v.run().id || r.role === "arm")); if (v.finished()) v.setBeside(v.beside || !other ? "" : other.id, false); },
      };
      const act = acts[event.key];
      // Arrows belong to whatever has the focus, unless that is the timeline or the page itself.
      if (!act || (event.key.startsWith("Arrow") && on !== document.body && !(on.closest && on.closest(".timeline")))) return;
      event.preventDefault();
      act();
    }

    v.build = target => {
      const m = data.manifest;
      document.title = m.title;
      parts.ask = el("div");
      parts.stage = el("div", { "aria-live": "polite" });
      parts.clock = el("output", { class: "clock", "aria-live": "off" }, instant(v.time));
      parts.spoken = el("div", { class: "sr", "aria-live": "polite" });
      parts.slider = el("input", { type: "range", min: 0, max: v.length(), step: "any", "aria-label": "Time of the cursor", oninput: event => v.setTime(parseFloat(event.target.value), "slider") });
      parts.slider.addEventListener("keydown", event => {
        const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
        if (way) { event.preventDefault(); v.setTime(v.time + way * (v.window[1] - v.window[0]) / 100, "slider"); }
      });
      parts.whole = el("button", { type: "button", "data-view": "whole", onclick: v.whole }, "Whole history");
      parts.near = el("button", { type: "button", "data-view": "near", onclick: v.near }, "Around the event");
      const small = (text, label, act) => el("button", { type: "button", "aria-label": label, onclick: act }, text);
      parts.selectors = el("div", { class: "group" });
      parts.bar = el("div", { class: "bar", role: "toolbar", "aria-label": "Time and runs" },
        parts.clock, parts.slider,
        el("div", { class: "group" }, parts.whole, parts.near,
          small("◂", "earlier", () => v.pan(-(v.window[1] - v.window[0]) / 4)), small("▸", "later", () => v.pan((v.window[1] - v.window[0]) / 4)),
          small("+", "zoom in", () => v.zoom(0.6, v.time)), small("−", "zoom out", () => v.zoom(1 / 0.6, v.time))),
        parts.selectors,
        el("div", { class: "group" }, small("◐", "light or dark", theme), small("Print", "print, or save as PDF", () => window.print())));
      parts.course = courseStrip(v, mark => { v.setTime(mark.t, "mark"); parts.course.show(mark); });
      const signs = signStrip(v), spine = anatomy(v);
      parts.lanes = el("div", { class: "lanes" });
      parts.timeline = el("div", { class: "timeline", tabindex: "0", role: "group", "aria-label": "Timeline. Arrow keys move the cursor, plus and minus zoom, n and p go to the next and previous event." },
        parts.course.section, parts.lanes, signs.section);
      parts.words = el("div");
      parts.shades = el("div", { class: "phases" });
      parts.panels = [];
      target.replaceChildren(
        el("header", {}, el("h1", {}, m.title), m.lesson && !data.decisions.length ? el("p", { class: "lesson" }, m.lesson) : null, el("p", { class: "warn" }, m.disclaimer + ".")),
        data.teaching ? lessonPanel(v) : "",
        parts.ask, parts.bar, parts.spoken, parts.stage,
        parts.shades,
        more(),
        el("div", { class: "columns" }, parts.timeline, el("aside", { class: "side" }, spine.section)),
        parts.words);
      strips = [parts.course, signs, spine];
      strips.forEach(s => later.watch(s.section));
      selectors();
      ask();
      measure();
      redo();
      listen(document, "keydown", key);
      // Also a scroll bar makes the charts narrower, or the panel of a server.
      const sized = new ResizeObserver(() => { if (measure()) resize(); });
      sized.observe(parts.course.box);
      stops.push(() => sized.disconnect());
      listen(matchMedia("(prefers-color-scheme: dark)"), "change", redo);
      // On paper the page is light and narrower.
      listen(window, "beforeprint", () => { document.documentElement.dataset.was = document.documentElement.dataset.theme || ""; document.documentElement.dataset.theme = "light"; printing(true); });
      listen(window, "afterprint", () => { const was = document.documentElement.dataset.was; if (was) document.documentElement.dataset.theme = was; else delete document.documentElement.dataset.theme; printing(false); });
    };
    function listen(target, name, act) { target.addEventListener(name, act); stops.push(() => target.removeEventListener(name, act)); }
    function printing(on) {
      v.printing = on;
      main.style.width = on ? PAPER + "px" : "";
      later.flush();
      measure();
      redo();
    }
    /** Takes the width of the charts from the layout; true if it is another. */
    function measure() {
      // The layout of the paper comes only after this; its gutter is that of the style sheet for print.
      const width = v.printing ? PAPER - 154 : Math.max(parts.course.box.clientWidth, 200);
      if (width === v.width) return false;
      v.width = width;
      return true;
    }
    function resize() { v.moving = true; charts.forEach(c => c.resize()); v.moving = false; strips.forEach(s => s.draw()); cursor("size"); }
    function theme() {
      const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      redo();
    }
    v.destroy = () => { stops.forEach(s => s()); later.stop(); cancelAnimationFrame(frame); charts.forEach(c => c.destroy()); charts = []; };
    return v;
  }

  if (first.runs && first.runs.length) show(first);
  return {
    /** Shows another run in the same window, perhaps with one beside it. */
    show: (data, beside) => show(data, true, beside),
    /** What is on view, for scripts beside the page; never what is hidden. */
    state: () => view && ({ window: view.window.slice(), time: view.time, horizon: view.horizon, run: view.run().id, beside: view.beside, waiting: !view.finished() }),
    /** How many parts are still to be drawn, out of sight. */
    waiting: () => view.waiting(),
    flush: () => view.flush(),
    setTime: t => view.setTime(t, "script"),
    setWindow: (from, to) => view.setWindow(from, to),
  };
})();
