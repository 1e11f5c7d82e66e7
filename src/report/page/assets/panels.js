// Panels of words: reasons, arms side by side, events, debrief, identity.

/** Reasons for what happened, each with its chain and the runs without something. */
function whyPanel(view) {
  const run = view.run();
  const reasons = view.data.why.filter(w => w.run === run.id || w.run === run.of);
  const section = el("section", { id: "why" }, el("h2", {}, "Why did this happen?"));
  if (!reasons.length) {
    section.append(el("p", { class: "note" }, run.role === "arm"
      ? "No sign of withdrawal or overdose in this run, or no paired runs were made."
      : "Reasons are given for the arms of the story."));
    return section;
  }
  section.append(el("p", { class: "note" }, "A chain of events alone is a mechanism. It is called a cause only where the paired run without it (same patient, same luck) lacks the event."));
  const box = el("div", { class: "why" });
  for (const reason of reasons) {
    let last = null;
    const chain = el("ol", {}, reason.chain.map(link => {
      const since = last === null ? "" : " (+" + span(link.t - last) + ")";
      last = link.t;
      return el("li", {}, el("time", {}, instant(link.t)), " ", link.words, el("span", { class: "since" }, since));
    }));
    const buttons = reason.but_for.filter(b => b.run).map(b => el("button", { class: "noprint", type: "button", onclick: () => view.setBeside(b.run, true) }, "show the run " + b.without));
    const others = reason.but_for.filter(b => !reason.sentence.includes(b.words)).map(b => el("li", {}, b.words));
    box.append(el("article", { class: "reason " + reason.verdict.split(" ")[0] },
      el("h3", {}, el("span", { class: "tag" }, reason.verdict), "Why " + reason.what.replace(/: begins$/, "") + ", at " + instant(reason.t) + "?"),
      chain, el("p", { class: "verdict" }, reason.sentence),
      others.length > 1 ? el("details", {}, el("summary", {}, "All runs that were tried"), el("ul", {}, others)) : null,
      el("div", { class: "tools" }, buttons)));
  }
  section.append(box);
  return section;
}

whyPanel.reads = view => [view.run().id, view.run().of, view.run().role, view.data.why];

/** The first sign of withdrawal or overdose. */
const firstHarm = run => run.bars.find(b => b.kind === "symptom" && (b.group === "withdrawal" || b.group === "overdose")) || null;

/** Outcomes of all runs, side by side. */
function armsPanel(view) {
  const runs = view.data.runs;
  const section = el("section", { id: "runs" }, el("h2", {}, runs.length > 1 ? "Runs side by side" : "What it meant"));
  const names = runs[0].figures.map(f => f.name + (f.unit ? " [" + f.unit + "]" : ""));
  // What no run came to is left out.
  const rows = names.map((name, i) => [name].concat(runs.map(r => r.figures[i].value))).filter((r, i) => i < 3 || r.slice(1).some(x => x));
  rows.push(["how it ended"].concat(runs.map(r => r.outcome)));
  rows.push(["first sign of harm"].concat(runs.map(r => {
    const first = firstHarm(r);
    return first ? first.words + ", " + instant(first.from) : "none";
  })));
  rows.push(["expectations met"].concat(runs.map(r => (r.expected[1] ? r.expected[0] + " of " + r.expected[1] : "–"))));
  rows.push(["fingerprint"].concat(runs.map(r => r.fingerprint)));
  section.append(el("div", { class: "scroll" }, table("Same patient, same luck; only what the name says differs.", [""].concat(runs.map(r => r.label)), rows)));
  return section;
}

armsPanel.reads = view => view.data.runs.map(r => [r.label, r.figures, r.outcome, r.expected, r.fingerprint, firstHarm(r)]);

/** Events with what led to them. */
function eventsPanel(view) {
  const run = view.run(), marks = run.marks.filter(m => seen(view, m));
  const section = el("section", { id: "events" }, el("h2", {}, "Events"));
  const rows = marks.map(m => [instant(m.t), m.what, m.since_fault === null ? "" : span(m.since_fault), m.since_refill === null ? "" : span(m.since_refill), m.value, m.because, m.source]);
  const box = el("div", { class: "tablebox", tabindex: "0", role: "region", "aria-label": "Events" },
    table(marks.length + " events of " + run.label, ["when", "what", "since fault", "since refill", "value", "because", "source"], rows));
  section.append(el("div", { class: "tools noprint", style: "margin-bottom:.3rem" }, el("button", {
    type: "button",
    onclick: () => save(view.data.manifest.scenario + "-" + run.id + "-events.csv", csvLine(["time_h", "event", "what", "since_fault_h", "since_refill_h", "value", "because", "source"])
      + marks.map(m => csvLine([m.t, m.name, m.what, m.since_fault, m.since_refill, m.value, m.because, m.source])).join("")),
  }, "Events as CSV")), box);
  return section;
}

eventsPanel.reads = view => [view.run().id, view.run().label, view.run().marks.filter(m => seen(view, m))];

/** Rows of the data behind a chart, within the window and never beyond the horizon. */
function laneRows(view, index, all) {
  const lane = view.data.lanes[index];
  const parts = view.shownRuns().map(run => ({ run, data: clipped(run.lanes[index], view.horizon) }));
  const main = parts[0].data;
  const head = ["time [h]"].concat(...parts.map((p, k) => lane.series.map(s => s.label + " [" + (s.unit || lane.unit) + "]" + (k ? ", " + p.run.label : ""))));
  let rows = main.t.map((t, i) => [t].concat(...parts.map((p, k) => lane.series.map((_, s) => (k ? valueAt(p.data.t, p.data.v[s], t) : p.data.v[s][i])))));
  const total = rows.length;
  if (!all) {
    rows = rows.filter(r => r[0] >= view.window[0] && r[0] <= view.window[1]);
    const step = Math.ceil(rows.length / 120);
    rows = rows.filter((_, i) => i % step === 0);
  }
  return { head, rows, total };
}

/** The table under a chart. */
function laneTable(view, index) {
  const lane = view.data.lanes[index], { head, rows, total } = laneRows(view, index, false);
  return table(lane.title + ": " + rows.length + " of " + total + " embedded rows, in the window shown", head, rows);
}

/** The same as CSV, all rows. */
function laneCsv(view, index) {
  const lane = view.data.lanes[index], run = view.run();
  const names = view.shownRuns().map((r, k) => (k ? r.id + ":" : ""));
  const { rows } = laneRows(view, index, true);
  save(view.data.manifest.scenario + "-" + run.id + "-" + lane.id + ".csv",
    csvLine(["time_h"].concat(...names.map(n => lane.series.map(s => n + s.column)))) + rows.map(csvLine).join(""));
}

/** The text of the stage under the cursor, with a way to the others; never beyond the horizon. */
function stageText(view) {
  const all = view.data.teaching.stages.filter(s => s.t <= view.horizon);
  if (!all.length) return "";
  const k = Math.max(all.findLastIndex(s => s.t <= view.time + 1e-6), 0), stage = all[k];
  const go = (text, to) => el("button", { type: "button", disabled: to < 0 || to >= all.length, onclick: () => view.setTime(all[to].t, "key") }, text);
  return el("div", { class: "stage" }, el("h3", {}, stage.title, el("span", { class: "note", style: "font-weight:400" }, "  " + instant(stage.t) + ", stage " + (k + 1) + (view.finished() ? " of " + all.length : ""))),
    el("p", {}, stage.text), el("div", { class: "tools noprint" }, go("earlier stage", k - 1), go("next stage", k + 1)));
}

/** What a class reads first. */
function lessonPanel(view) {
  const t = view.data.teaching;
  // Where nobody is asked anything the charts matter more.
  return el("details", { open: view.data.decisions.length > 0 }, el("summary", {}, "For the class" + (t.minutes ? ", about " + t.minutes + " minutes" : "")),
    t.introduction ? t.introduction.split(/\n\s*\n/).map(p => el("p", {}, p)) : null,
    t.goals.length ? [el("p", { class: "note" }, "Afterwards you can"), el("ul", {}, t.goals.map(g => el("li", {}, g)))] : null);
}

/** Questions for the end, each with its answer behind a fold. */
function questionsPanel(view) {
  return el("section", { id: "questions" }, el("h2", {}, "Questions"), view.data.teaching.questions.map(([ask, answer]) =>
    el("details", {}, el("summary", {}, ask), el("p", {}, answer))));
}

questionsPanel.reads = view => view.data.teaching.questions;

/** What happened, what could be seen, what was done, and the gap. */
function debriefPanel(view) {
  const section = el("section", { id: "debrief" }, el("h2", {}, "Debrief"));
  const rows = view.data.decisions.map((d, i) => {
    const own = d.choices[view.choices[i]], told = d.choices.find(c => c.chosen) || d.choices[0];
    return [instant(d.t) + ": " + d.question, d.debrief.happened, d.debrief.seen, told.text + ". " + told.followed,
      own ? (own === told ? "the same" : own.text + ". " + own.followed) : "not asked", d.debrief.gap];
  });
  section.append(el("div", { class: "scroll" }, table(null, ["decision", "what happened", "what could be seen", "what was done", "your choice", "the gap"], rows)));
  for (const decision of view.data.decisions) {
    section.append(el("h3", { style: "margin-top:1rem" }, decision.question), el("ul", {}, decision.choices.map(c =>
      el("li", {}, el("b", {}, c.text), c.chosen ? " (as told)" : "", ": ", c.reason ? c.reason + " " : "", c.followed))));
  }
  return section;
}

debriefPanel.reads = view => [view.data.decisions, view.choices];

/** Where the numbers come from. */
function identity(view) {
  const m = view.data.manifest, pair = (k, v) => (v ? [el("dt", {}, k), el("dd", {}, v)] : []);
  return el("footer", {},
    el("p", {}, el("strong", {}, m.disclaimer + ".")),
    el("dl", {}, pair("program", "itbsim " + m.version), pair("scenario", m.scenario), pair("hazard", m.hazard), pair("scenario hash", el("code", {}, m.scenario_hash)),
      pair("seed, replicate", m.seed + ", " + m.replicate),
      pair("fingerprints", view.finished() ? el("span", {}, view.data.runs.map(r => [r.label + " ", el("code", {}, r.fingerprint), "; "]).flat().slice(0, -1)) : "shown at the end"),
      pair("sources", m.sources.length ? m.sources.join("; ") : "")),
    view.finished() ? view.data.notes.map(n => el("p", {}, n)) : null,
    el("p", {}, "Charts are thinned; every extreme is kept. Full rows are in timeseries.csv of the run. Charts drawn by uPlot (MIT licence, in this file)."),
    el("details", { class: "keys noprint" }, el("summary", {}, "Keys"), el("p", {},
      el("kbd", {}, "←"), " ", el("kbd", {}, "→"), " move the cursor (with Shift: the window); ", el("kbd", {}, "+"), " ", el("kbd", {}, "−"),
      " zoom; ", el("kbd", {}, "0"), " whole history; ", el("kbd", {}, "e"), " around the event; ", el("kbd", {}, "n"), " ", el("kbd", {}, "p"),
      " next and previous event; ", el("kbd", {}, "g"), " run beside on or off. With the mouse: drag to zoom, double click for the whole, Ctrl and wheel to zoom, Shift and wheel to move. Touch: slide for the cursor, pinch to zoom.")));
}
identity.reads = view => [view.data.manifest, view.data.notes, view.finished() && view.data.runs.map(r => [r.label, r.fingerprint])];
