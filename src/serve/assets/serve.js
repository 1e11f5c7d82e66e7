"use strict";
// The page of `itbsim serve`: sliders on the left, the run on the right. The server keeps no
// state; the text of the scenario is held here and goes with every request.
(() => {
  const $ = (id) => document.getElementById(id);
  const state = { path: null, text: null, whole: "", name: "scenario", arm: null, beside: "", moves: new Map(), asking: null };

  const make = (tag, props = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children);
    return node;
  };
  const unit = (text) => text.replace(/^ug/, "µg");
  const number = (x) => String(Number(x.toPrecision(6)));

  async function post(body, signal) {
    const answer = await fetch("/api/run", {
      method: "POST", signal, body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    });
    const value = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(value.error?.message ?? "the server refused"), { value });
    return value;
  }

  // One request at a time; a newer one takes the place of the older.
  async function ask(extra = {}) {
    state.asking?.abort();
    const own = new AbortController();
    state.asking = own;
    const sent = new Map(state.moves);
    const body = { path: state.path, moves: [...sent.values()], ...extra };
    if (state.text !== null) body.text = state.text;
    if (state.arm) body.arm = state.arm;
    if (state.beside) body.beside = state.beside;
    const started = performance.now();
    try {
      const value = await post(body, own.signal);
      if (state.asking !== own) return;
      for (const [key, move] of sent) if (state.moves.get(key) === move) state.moves.delete(key);
      show(value);
      const spent = Math.round(performance.now() - started);
      $("timing").textContent = `run in ${spent} ms`;
      $("timing").dataset.ms = spent;
    } catch (error) {
      if (error.name === "AbortError" || state.asking !== own) return;
      fail(error);
    } finally {
      if (state.asking === own) state.asking = null;
    }
  }

  function fail(error) {
    // The moves stay out of the text: what is shown is the last run that worked.
    state.moves.clear();
    const told = error.value?.error;
    $("error").textContent = told ? told.message : `The server does not answer (${error.message}).`;
    $("error").hidden = false;
    $("timing").textContent = "";
    document.dispatchEvent(new CustomEvent("itbsim-refused"));
  }

  function show(value) {
    $("error").hidden = true;
    Object.assign(state, { path: value.path, text: value.text, whole: value.whole, name: value.name, arm: value.arm });
    document.title = `${value.title} – itbsim`;
    arms(value);
    sliders(value.sliders);
    switches(value.switches);
    if (document.activeElement !== $("text")) $("text").value = value.text;
    $("run-summary").textContent = value.run ? value.run.summary : "";
    if (value.page) itbsimPage.show(value.page, state.beside);
    document.dispatchEvent(new CustomEvent("itbsim-run", { detail: value }));
  }

  function arms(value) {
    const several = value.arms.length > 1;
    $("arm-row").hidden = !several;
    fill($("arm"), value.arms.map((a) => [a, a]), value.arm);
    fill($("beside"), [["", "nothing"], ...value.arms.filter((a) => a !== value.arm).map((a) => [a, a])], state.beside);
    state.beside = $("beside").value;
  }

  function fill(select, rows, chosen) {
    const now = [...select.options].map((o) => o.value).join("\n");
    if (now !== rows.map((r) => r[0]).join("\n")) {
      select.replaceChildren(...rows.map(([v, t]) => make("option", { value: v, textContent: t })));
    }
    select.value = rows.some((r) => r[0] === chosen) ? chosen : (rows[0]?.[0] ?? "");
  }

  // A slider runs over 1000 steps, or over its own if those are fewer.
  const toPlace = (s, v) => s.logarithmic
    ? 1000 * Math.log(v / s.low) / Math.log(s.high / s.low)
    : 1000 * (v - s.low) / (s.high - s.low);
  const toValue = (s, p) => {
    const raw = s.logarithmic ? s.low * Math.pow(s.high / s.low, p / 1000) : s.low + (s.high - s.low) * p / 1000;
    const rounded = s.logarithmic ? Number(raw.toPrecision(3)) : Math.round(raw / s.step) * s.step;
    return Math.min(s.high, Math.max(s.low, Number(rounded.toPrecision(6))));
  };

  function sliders(list) {
    const form = $("sliders");
    const key = list.map((s) => `${s.path} ${s.unit} ${s.label}`).join("\n");
    if (form.dataset.key === key) {
      for (const s of list) refresh(form.querySelector(`[data-path="${CSS.escape(s.path)}"]`), s);
      return;
    }
    form.dataset.key = key;
    const groups = new Map();
    list.forEach((s, i) => {
      if (!groups.has(s.group)) groups.set(s.group, make("fieldset", {}, make("legend", { textContent: s.group })));
      groups.get(s.group).append(slider(s, i));
    });
    form.replaceChildren(...groups.values());
  }

  function slider(first, index) {
    const range = make("input", { type: "range", id: `range-${index}`, min: 0, max: 1000, step: "any" });
    const exact = make("input", { type: "number", step: "any" });
    const box = make("div", { className: "slider" },
      make("label", { htmlFor: range.id, textContent: first.label }), range,
      make("span", { className: "number" }, exact, make("span", { className: "unit", textContent: unit(first.unit) })));
    exact.setAttribute("aria-label", `${first.group}: ${first.label}${first.unit ? `, ${unit(first.unit)}` : ""}`);
    box.dataset.path = first.path;
    const move = (value) => {
      state.moves.set(first.path, { path: first.path, value });
      ask();
    };
    range.addEventListener("input", () => {
      const value = toValue(box.slider, Number(range.value));
      exact.value = number(value);
      range.setAttribute("aria-valuetext", `${number(value)} ${unit(first.unit)}`);
      move(value);
    });
    range.addEventListener("keydown", (event) => {
      // A step of the table with the arrows, whatever the length of the slider.
      const turn = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (!turn) return;
      event.preventDefault();
      const s = box.slider, now = Number(exact.value);
      const next = s.logarithmic ? Number((now * Math.pow(1.05, turn)).toPrecision(3)) : now + turn * s.step;
      const value = Math.min(s.high, Math.max(s.low, Number(next.toPrecision(6))));
      range.value = toPlace(s, value);
      exact.value = number(value);
      move(value);
    });
    exact.addEventListener("change", () => { if (exact.value !== "" && exact.validity.valid) move(Number(exact.value)); });
    refresh(box, first);
    return box;
  }

  function refresh(box, s) {
    if (!box) return;
    box.slider = s;
    const [range, exact] = box.querySelectorAll("input");
    // What is being moved is ahead of the answer.
    if (state.moves.has(s.path)) return;
    range.value = toPlace(s, s.value);
    range.setAttribute("aria-valuetext", `${number(s.value)} ${unit(s.unit)}`);
    if (document.activeElement !== exact) exact.value = number(s.value);
  }

  function switches(list) {
    const key = JSON.stringify(list);
    if ($("switches").dataset.key === key) return;
    $("switches").dataset.key = key;
    $("switches").replaceChildren(...list.map((b) => {
      const box = make("input", { type: "checkbox", checked: b.on });
      box.addEventListener("change", () => {
        state.moves.set(`switch ${b.id}`, { id: b.id, on: box.checked });
        ask();
      });
      return make("label", {}, box, ` ${b.id} `, make("small", { textContent: `${b.list}: ${b.kind}` }));
    }));
  }

  function open(path, text = null) {
    Object.assign(state, { path, text, arm: null, beside: "" });
    state.moves.clear();
    $("sliders").dataset.key = "";
    return ask();
  }

  function save(text, suffix) {
    const url = URL.createObjectURL(new Blob([text], { type: "application/toml" }));
    const link = make("a", { href: url, download: `${state.name}${suffix}.toml` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  $("scenario").addEventListener("change", (e) => open(e.target.value));
  $("arm").addEventListener("change", (e) => { state.arm = e.target.value; $("sliders").dataset.key = ""; ask(); });
  $("beside").addEventListener("change", (e) => { state.beside = e.target.value; ask(); });
  $("reset").addEventListener("click", () => open($("scenario").value));
  $("apply").addEventListener("click", () => { state.text = $("text").value; state.moves.clear(); $("sliders").dataset.key = ""; ask(); });
  $("copy").addEventListener("click", () => {
    $("text").select();
    navigator.clipboard?.writeText($("text").value).catch(() => {});
  });
  $("save").addEventListener("click", () => save(state.text, ""));
  $("save-whole").addEventListener("click", () => save(state.whole, "-whole"));
  $("open").addEventListener("change", async (e) => {
    const file = e.target.files[0];
    if (!file) return;
    if (file.size > 65536) return fail(new Error("the file is longer than 65536 bytes, the limit here"));
    $("text").value = await file.text();
    open(null, $("text").value);
  });
  $("sliders").addEventListener("submit", (e) => e.preventDefault());

  (async () => {
    try {
      const { scenarios } = await (await fetch("/api/scenarios")).json();
      const groups = new Map();
      for (const s of scenarios) {
        if (!groups.has(s.group)) groups.set(s.group, make("optgroup", { label: s.group }));
        groups.get(s.group).append(make("option", { value: s.path, textContent: s.title, title: s.lesson }));
      }
      $("scenario").replaceChildren(...groups.values());
      const wanted = decodeURIComponent(location.hash.slice(1));
      if (scenarios.some((s) => s.path === wanted)) $("scenario").value = wanted;
      await open($("scenario").value);
    } catch (error) {
      fail(error);
    }
  })();
})();
