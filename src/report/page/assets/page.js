// The page: one view, its controls, and the decisions at which it stops.

const itbsimPage = (() => {
  const holder = document.getElementById("itbsim-data");
  const first = JSON.parse(holder.textContent);
  // What comes later must not stand in the document while the page waits for a choice.
  holder.remove();
  const main = document.getElementById("page");
  let view = null;

  /** Shows other data in the same page; keeps the window where the length is the same. */
  function show(data, keep, beside) {
    const old = view;
    if (old) old.destroy();
    view = makeView(data, keep && old && old.length() === data.runs[0].end_h ? old : null);
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
      window: old ? old.window.slice() : [0, data.runs[0].end_h],
      time: old ? old.time : 0,
      log: old ? old.log : new Set(data.lanes.filter((l, k) => l.log && spiky(data.runs[0].lanes[k])).map(l => l.id)),
      open: new Set(data.lanes.filter(l => l.open).map(l => l.id)),
      tables: new Set(),
      choices: [],
      step: data.decisions.length ? 0 : -1,
      horizon: Infinity,
      moving: false,
    };
    let charts = [], strips = [], parts = {}, spokenAt = 0, frame = 0;
    const stops = [];
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
    // Just before the decision: what is done at its very instant is the answer.
    const setHorizon = () => { v.horizon = v.step >= 0 ? data.decisions[v.step].t - 1e-6 : Infinity; };
    setHorizon();
    if (v.step >= 0) v.window = [0, Math.max(v.horizon, 1e-3)];
    if (!old) v.time = v.step >= 0 ? v.horizon : startTime(v.run());

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
      v.moving = true;
      charts.forEach(c => c.cursor());
      strips.forEach(s => s.cursor());
      v.moving = false;
      legends();
      parts.clock.textContent = instant(v.time);
      if (data.teaching) {
        // Only a new stage is put there: it would be spoken, and its buttons would lose the focus.
        const place = data.teaching.stages.filter(s => s.t <= Math.min(v.time + 1e-6, v.horizon)).length + "/" + v.horizon;
        if (parts.stage.dataset.place !== place) { parts.stage.dataset.place = place; parts.stage.replaceChildren(stageText(v)); }
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
    function legends() {
      const runs = v.shownRuns();
      for (const c of charts) {
        c.values.forEach((node, s) => {
          if (v.beside === "*") {
            const lane = runs[s] && runs[s].lanes[c.index];
            node.textContent = lane ? shown(valueAt(lane.t, lane.v[0], v.time)) : "";
            return;
          }
          const all = runs.map(r => valueAt(r.lanes[c.index].t, r.lanes[c.index].v[s], v.time));
          node.replaceChildren(shown(all[0]), ...(all.length > 1 ? [el("span", { class: "ghost" }, " / " + shown(all[1]))] : []));
        });
      }
    }

    v.setWindow = (from, to) => {
      const last = end(), least = Math.min(0.25, last);
      let wide = Math.min(Math.max(to - from, least), last);
      from = Math.min(Math.max(from, 0), last - wide);
      v.window = [from, from + wide];
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
    function redo() {
      const window = v.window;
      drawCharts();
      strips.forEach(s => s.draw());
      if (parts.run) parts.run.value = v.run().id;
      if (parts.beside) parts.beside.value = v.beside;
      words();
      v.setWindow(window[0], window[1]);
    }

    function buttons() {
      const [from, to] = v.window, f = v.run().focus_h;
      parts.whole.setAttribute("aria-pressed", String(from <= 0 && to >= end() - 1e-9));
      parts.near.disabled = !f || f[0] >= end();
      parts.near.setAttribute("aria-pressed", String(!!f && Math.abs(from - f[0]) < 1e-6 && Math.abs(to - Math.min(f[1], end())) < 1e-6));
      parts.slider.max = end();
    }

    function drawCharts() {
      charts.forEach(c => c.destroy());
      charts = [];
      parts.lanes.replaceChildren();
      data.lanes.forEach((lane, k) => {
        if (!v.open.has(lane.id)) return;
        const box = el("div", { class: "plot" }), spread = el("div", { class: "tablebox", hidden: true, tabindex: "0", role: "region", "aria-label": lane.title + ", data" });
        const names = v.beside === "*" ? v.shownRuns().map(r => r.label) : lane.series.map(s => s.label);
        const values = names.map(() => el("span", { class: "value" }, "–"));
        const legend = el("ul", { class: "legend" }, names.map((name, s) => el("li", {},
          el("span", { class: "swatch", style: "border-color:var(--c" + (s % 7) + ")" }),
          el("span", {}, name, v.beside === "*" || !lane.series[s].unit ? "" : el("span", { class: "unit" }, " " + lane.series[s].unit)), values[s])));
        const press = (button, on) => button.setAttribute("aria-pressed", String(on));
        const tools = el("div", { class: "tools" },
          lane.log ? el("button", { type: "button", "data-log": lane.id, "aria-pressed": String(v.log.has(lane.id)), onclick: () => { v.log.has(lane.id) ? v.log.delete(lane.id) : v.log.add(lane.id); redo(); } }, "log") : null,
          el("button", { type: "button", "data-table": lane.id, "aria-expanded": String(v.tables.has(lane.id)), "aria-label": "data table of " + lane.title, onclick: event => {
            const on = !v.tables.has(lane.id);
            on ? v.tables.add(lane.id) : v.tables.delete(lane.id);
            event.currentTarget.setAttribute("aria-expanded", String(on));
            press(event.currentTarget, on);
            c.fill();
          } }, "table"),
          el("button", { type: "button", "data-csv": lane.id, "aria-label": "download the data of " + lane.title + " as CSV", onclick: () => laneCsv(v, k) }, "CSV"));
        parts.lanes.append(el("section", { class: "lane", "data-lane": lane.id },
          el("div", { class: "head" }, el("h3", { title: lane.about }, lane.title, " ", el("span", { class: "unit" }, "[" + lane.unit + "]")),
            v.beside === "*" ? el("span", { class: "note" }, lane.series[0].label) : null, legend, tools), box, spread));
        const c = chart(v, k, box);
        c.values = values;
        c.fill = () => {
          spread.hidden = !v.tables.has(lane.id);
          spread.replaceChildren(spread.hidden ? "" : laneTable(v, k));
        };
        c.fill();
        charts.push(c);
      });
    }

    /** What is told in words; while the page waits for a choice, only the events so far. */
    function words() {
      parts.words.replaceChildren();
      if (v.finished()) {
        if (data.decisions.length) parts.words.append(debriefPanel(v));
        if (data.teaching && data.teaching.questions.length) parts.words.append(questionsPanel(v));
        parts.words.append(whyPanel(v), armsPanel(v));
      }
      parts.words.append(eventsPanel(v), identity(v));
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
          el("p", {}, el("button", { type: "button", onclick: restart }, "Play again from the start")));
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
      v.whole();
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
        option("", "nothing"), arms.length > 2 ? option("*", "all arms, one line each") : null, data.runs.map(r => option(r.id, r.label)));
      parts.run.value = v.run().id;
      parts.beside.value = v.beside;
      parts.selectors.append(el("label", {}, "Run", parts.run), el("label", {}, "beside it, dashed", parts.beside));
    }

    function more() {
      const box = el("details", { class: "noprint" }, el("summary", {}, "Which charts"));
      box.append(el("div", { class: "group", style: "display:flex;flex-wrap:wrap;gap:.2rem 1rem;padding:.3rem 0" }, data.lanes.map(lane => {
        const tick = el("input", { type: "checkbox", onchange: event => { event.target.checked ? v.open.add(lane.id) : v.open.delete(lane.id); redo(); } });
        tick.checked = v.open.has(lane.id);
        return el("label", { style: "font-size:.88rem" }, tick, " ", lane.title);
      })));
      return box;
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
      target.replaceChildren(
        el("header", {}, el("h1", {}, m.title), m.lesson && !data.decisions.length ? el("p", { class: "lesson" }, m.lesson) : null, el("p", { class: "warn" }, m.disclaimer + ".")),
        data.teaching ? lessonPanel(v) : "",
        parts.ask, parts.bar, parts.spoken, parts.stage,
        el("div", { class: "phases" }, Object.entries(PHASE_WORDS).map(([name, text]) => el("span", { title: text }, el("i", { style: "background:var(--p-" + name + ")" }), name + ": " + text))),
        more(),
        el("div", { class: "columns" }, parts.timeline, el("aside", { class: "side" }, spine.section)),
        parts.words);
      strips = [parts.course, signs, spine];
      selectors();
      ask();
      drawCharts();
      strips.forEach(s => s.draw());
      words();
      v.setWindow(v.window[0], v.window[1]);
      listen(document, "keydown", key);
      let wait = 0;
      listen(window, "resize", () => { clearTimeout(wait); wait = setTimeout(resize, 60); });
      listen(matchMedia("(prefers-color-scheme: dark)"), "change", redo);
      // On paper the page is light and narrower.
      listen(window, "beforeprint", () => { document.documentElement.dataset.was = document.documentElement.dataset.theme || ""; document.documentElement.dataset.theme = "light"; printing(true); });
      listen(window, "afterprint", () => { const was = document.documentElement.dataset.was; if (was) document.documentElement.dataset.theme = was; else delete document.documentElement.dataset.theme; printing(false); });
    };
    function listen(target, name, act) { target.addEventListener(name, act); stops.push(() => target.removeEventListener(name, act)); }
    function printing(on) {
      v.printing = on;
      main.style.width = on ? "700px" : "";
      redo();
      resize();
    }
    function resize() { v.moving = true; charts.forEach(c => c.resize()); v.moving = false; strips.forEach(s => s.draw()); }
    function theme() {
      const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      redo();
    }
    v.destroy = () => { stops.forEach(s => s()); charts.forEach(c => c.destroy()); charts = []; };
    return v;
  }

  if (first.runs && first.runs.length) show(first);
  return {
    /** Shows another run in the same window, perhaps with one beside it. */
    show: (data, beside) => show(data, true, beside),
    /** What is on view, for scripts beside the page; never what is hidden. */
    state: () => view && ({ window: view.window.slice(), time: view.time, horizon: view.horizon, run: view.run().id, beside: view.beside, waiting: !view.finished() }),
    setTime: t => view.setTime(t, "script"),
    setWindow: (from, to) => view.setWindow(from, to),
  };
})();
