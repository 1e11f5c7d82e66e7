// Small tools that know nothing of pumps.

/** An element with attributes and children; texts are never read as HTML. */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "style") node.style.cssText = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

/** The same in SVG. */
function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

/** A number for a reader: three or four digits, no exponent where it can be avoided. */
function shown(x) {
  if (x === null || x === undefined || !isFinite(x)) return "–";
  const size = Math.abs(x);
  if (Number.isInteger(x) && size < 1e6) return String(x);
  if (size < 1e-3) return x < 0 ? ">−0.001" : "<0.001";
  if (size >= 1e6) return x.toExponential(1);
  if (size >= 1000) return x.toFixed(0);
  if (size >= 100) return x.toFixed(0);
  if (size >= 10) return x.toFixed(1);
  return x.toFixed(size < 0.1 ? 3 : 2);
}

/** A span of hours in the unit that one would choose. */
function span(hours) {
  if (hours === null || hours === undefined || !isFinite(hours)) return "–";
  const sign = hours < 0 ? "−" : "";
  const minutes = Math.round(Math.abs(hours) * 60);
  if (minutes < 90) return sign + minutes + " min";
  if (minutes < 48 * 60) {
    const h = minutes / 60;
    return sign + (h < 10 ? Math.round(h * 10) / 10 : Math.round(h)) + " h";
  }
  let days = Math.floor(minutes / 1440), rest = Math.round((minutes - days * 1440) / 60);
  if (rest === 24) { days += 1; rest = 0; }
  return sign + days + " d" + (rest ? " " + rest + " h" : "");
}

/** An instant: day and time of day, counted from the start of the run. */
function instant(hours) {
  let minutes = Math.round(hours * 60);
  const day = Math.floor(minutes / 1440);
  minutes -= day * 1440;
  const two = n => String(n).padStart(2, "0");
  return "day " + day + ", " + two(Math.floor(minutes / 60)) + ":" + two(minutes % 60) + " h";
}

const ruler = document.createElement("canvas").getContext("2d");
/** Size of letters in drawings [px]; larger on a projector, as in the style sheet. */
const letters = () => (window.innerWidth >= 1900 ? 14 : 12);

/** Width of a text in a drawing [px]. */
function wide(text) {
  ruler.font = letters() + "px system-ui, -apple-system, \"Segoe UI\", Roboto, sans-serif";
  return ruler.measureText(text).width;
}

/** Place of the last time not after t, or -1. */
function before(times, t) {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= t) low = middle + 1; else high = middle;
  }
  return low - 1;
}

/** The value of a line at t; after a jump, that after it. */
function valueAt(times, values, t) {
  const i = before(times, t);
  if (i < 0) return null;
  const v = values[i];
  if (i + 1 >= times.length || times[i] === t || v === null || values[i + 1] === null) {
    return i + 1 >= times.length && t > times[i] + 1e-6 ? null : v;
  }
  return v + (values[i + 1] - v) * (t - times[i]) / (times[i + 1] - times[i]);
}

/** Rows up to a horizon, with one more that ends there. */
function clipped(lane, horizon) {
  const n = before(lane.t, horizon) + 1;
  if (n >= lane.t.length) return lane;
  const t = lane.t.slice(0, n), v = lane.v.map(column => column.slice(0, n));
  if (n > 0 && t[n - 1] < horizon) {
    v.forEach((column, i) => column.push(valueAt(lane.t, lane.v[i], horizon)));
    t.push(horizon);
  }
  return { t, v };
}

/** One table out of several with times of their own; where a table has no row stands undefined,
 *  over which lines are drawn, unlike null. Repeated times stay. */
function merged(tables) {
  if (tables.length === 1) return [tables[0].t, ...tables[0].v];
  const entries = [];
  tables.forEach((table, k) => table.t.forEach((t, i) => entries.push([t, k, i])));
  entries.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  const out = [entries.map(e => e[0])];
  tables.forEach((table, k) => {
    for (const column of table.v) out.push(entries.map(e => (e[1] === k ? column[e[2]] : undefined)));
  });
  return out;
}

const darkScheme = matchMedia("(prefers-color-scheme: dark)");
const inks = new Map();

/** A colour of the style sheet; asked of it once a theme, since the answer waits for the layout. */
function colour(name) {
  const key = (document.documentElement.dataset.theme || darkScheme.matches) + " " + name;
  let ink = inks.get(key);
  if (ink === undefined) {
    ink = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim() || "#888";
    inks.set(key, ink);
  }
  return ink;
}

/** Draws at once what is on screen, and the rest when there is time for it. */
function painter() {
  const jobs = new Map(), near = new WeakSet();
  let asked = 0;
  const run = node => { const job = jobs.get(node); if (job) { jobs.delete(node); job(); } };
  const watch = new IntersectionObserver(entries => entries.forEach(entry => {
    if (entry.isIntersecting) { near.add(entry.target); run(entry.target); } else near.delete(entry.target);
  }), { rootMargin: "100px 0px" });
  // Not every browser tells when it is idle.
  const [idle, forget] = window.requestIdleCallback ? [act => requestIdleCallback(act, { timeout: 500 }), cancelIdleCallback]
    : [act => setTimeout(() => act({ timeRemaining: () => 0 }), 40), clearTimeout];
  const rest = free => {
    asked = 0;
    do { if (jobs.size) run(jobs.keys().next().value); } while (jobs.size && free.timeRemaining() > 6);
    wake();
  };
  const wake = () => { if (jobs.size && !asked) asked = idle(rest); };
  return {
    watch: node => watch.observe(node),
    unwatch: node => { watch.unobserve(node); jobs.delete(node); },
    draw(node, job) {
      jobs.delete(node);
      if (near.has(node)) return job();
      jobs.set(node, job);
      wake();
    },
    /** Draws what is still to do. */
    flush() { for (const node of [...jobs.keys()]) run(node); },
    waiting: () => jobs.size,
    stop() { watch.disconnect(); jobs.clear(); if (asked) forget(asked); },
  };
}

/** The viridis map (van der Walt and Smith, CC0) at 0 to 1. */
function viridis(x) {
  const stops = [[68, 1, 84], [71, 45, 123], [59, 82, 139], [44, 114, 142], [33, 145, 140], [40, 174, 128],
    [94, 201, 98], [173, 220, 48], [253, 231, 37]];
  const at = Math.min(Math.max(x, 0), 1) * (stops.length - 1), i = Math.min(Math.floor(at), stops.length - 2), f = at - i;
  return "rgb(" + stops[i].map((a, k) => Math.round(a + f * (stops[i + 1][k] - a))).join(",") + ")";
}

/** Hands the reader a file made here. */
function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** One line of CSV. */
function csvLine(cells) {
  const cell = c => (c === null || c === undefined ? "" : /[",\n]/.test(String(c)) ? '"' + String(c).replace(/"/g, '""') + '"' : String(c));
  return cells.map(cell).join(",") + "\n";
}

/** A table element; cells that are numbers stand at the right. */
function table(caption, head, rows, rowClass) {
  const numeric = head.map((_, i) => rows.length > 0 && rows.every(r => typeof r[i] === "number" || r[i] === null || r[i] === undefined));
  const cell = (tag, i, content) => el(tag, { class: numeric[i] ? "n" : null, scope: tag === "th" ? "col" : null },
    typeof content === "number" ? shown(content) : content === null || content === undefined ? "–" : content);
  return el("table", {},
    caption ? el("caption", {}, caption) : null,
    el("thead", {}, el("tr", {}, head.map((h, i) => cell("th", i, h)))),
    el("tbody", {}, rows.map((r, k) => el("tr", { class: rowClass ? rowClass(k) : null }, r.map((c, i) => cell("td", i, c))))));
}
