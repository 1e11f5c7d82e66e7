// Uses the pages of itbsim as a teacher would, in a headless browser, and checks what is promised.
// Run by `run` beside this file.
import { spawn, execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";

const { values: args } = parseArgs({
  options: {
    program: { type: "string" }, browser: { type: "string" }, modules: { type: "string" },
    screenshots: { type: "boolean", default: false }, only: { type: "string", default: "" },
  },
});
const { chromium } = createRequire(join(resolve(args.modules), "package.json"))("playwright-core");
const program = resolve(args.program);
const LESSONS = "scenarios/lessons";
const PICTURES = "docs/figures/lessons";
const MOST_PICTURE = 150_000; // bytes
const ROUND_TRIP = 200; // ms, for a slider, on a quiet machine: told, not judged
// What does not depend on the machine is judged instead. A page that draws everything again at
// every move makes 1600 to 3100 nodes and several charts, and works longer than the reference.
const MOST_NODES = 700; // nodes made until the answer is on screen
const MOST_WORK = 1; // work of the page for a move, in units of the reference loop
const STUCK = 5000; // ms: no machine is so busy

let failures = 0;
function check(holds, what) {
  if (!holds) failures += 1;
  console.log(`${holds ? "ok  " : "FAIL"} ${what}`);
}

// A page that must not speak to anybody but `allowed`, nor complain.
async function quiet(context, allowed) {
  const page = await context.newPage();
  page.complaints = [];
  page.strangers = [];
  page.on("console", (m) => { if (["error", "warning"].includes(m.type())) page.complaints.push(m.text()); });
  page.on("pageerror", (e) => page.complaints.push(String(e)));
  await page.route("**/*", (route) => {
    const url = route.request().url();
    if (allowed(url)) return route.continue();
    page.strangers.push(url);
    return route.abort();
  });
  return page;
}

function sound(page, name) {
  check(page.complaints.length === 0, `${name}: no console errors ${page.complaints.join(" | ").slice(0, 300)}`);
  check(page.strangers.length === 0, `${name}: no request leaves the page ${page.strangers.slice(0, 3).join(" ")}`);
}

// Everything that can be reached by mouse is reached by Tab.
async function walk(page, name) {
  const count = await page.evaluate(() => {
    const shown = (n) => n.checkVisibility() && !n.disabled && !n.closest("[inert]");
    const all = [...document.querySelectorAll("a[href], button, select, input, textarea, summary, [tabindex='0']")].filter(shown)
      // Of radio buttons in a group one is reached by Tab, the others with the arrows.
      .filter((n) => n.type !== "radio" || n.checked || ![...document.getElementsByName(n.name)].some((o) => o.checked));
    all.forEach((n, i) => { n.dataset.walk = i; });
    document.activeElement?.blur();
    window.scrollTo(0, 0);
    return all.length;
  });
  const reached = new Set();
  for (let i = 0; i < count + 10; i += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => document.activeElement?.dataset.walk ?? null);
    if (at !== null) reached.add(at);
  }
  const missed = await page.evaluate((seen) => [...document.querySelectorAll("[data-walk]")]
    .filter((n) => !seen.includes(n.dataset.walk)).map((n) => n.outerHTML.slice(0, 90)), [...reached]);
  check(count > 5 && missed.length === 0, `${name}: Tab reaches all ${count} controls ${missed.join(" ").slice(0, 300)}`);
}

async function narrow(page, name) {
  await page.setViewportSize({ width: 400, height: 800 });
  await page.waitForTimeout(150);
  const [wide, worst] = await page.evaluate(() => {
    const right = (n) => n.getBoundingClientRect().right;
    const out = [...document.querySelectorAll("body *")].filter((n) => n.checkVisibility() && right(n) > innerWidth + 1)
      .sort((a, b) => right(b) - right(a))[0];
    return [document.scrollingElement.scrollWidth, out ? out.outerHTML.slice(0, 120) : ""];
  });
  check(wide <= 400, `${name}: a phone 400 px wide needs no sideways scroll (${wide} px) ${wide > 400 ? worst : ""}`);
  await page.setViewportSize({ width: 1280, height: 900 });
}

// Luminance of what the body is painted on, 0 to 1.
const paper = (page) => page.evaluate(() => {
  const of = (n) => getComputedStyle(n).backgroundColor.match(/[\d.]+/g).map(Number);
  const seen = [document.body, document.documentElement].map(of).find((c) => c.length < 4 || c[3] > 0) ?? [255, 255, 255];
  return (seen[0] + seen[1] + seen[2]) / 765;
});

async function schemes(page, name) {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForTimeout(100);
  const dark = await paper(page);
  await page.emulateMedia({ colorScheme: "light" });
  await page.waitForTimeout(100);
  const light = await paper(page);
  check(light > 0.8 && dark < 0.35, `${name}: light and dark (${light.toFixed(2)}, ${dark.toFixed(2)})`);
}

async function prints(page, name) {
  // On paper there is no column beside the charts.
  const widths = await page.evaluate(async () => {
    dispatchEvent(new Event("beforeprint"));
    await new Promise((done) => setTimeout(done));
    const wide = [...document.querySelectorAll(".uplot canvas")].map((n) => parseFloat(n.style.width) || n.width / devicePixelRatio);
    dispatchEvent(new Event("afterprint"));
    return wide;
  });
  check(widths.length > 3 && widths.every((w) => w > 500 && w < 600), `${name}: ${widths.length} charts fill the paper (${Math.min(...widths)} px)`);
  const pdf = await page.pdf({ format: "A4", printBackground: true });
  check(pdf.subarray(0, 5).toString() === "%PDF-" && pdf.length > 15_000, `${name}: prints to PDF (${pdf.length} bytes)`);
}

// WebP by the browser itself, at falling quality until it is small enough.
async function picture(page, file, clip) {
  const session = await page.context().newCDPSession(page);
  for (const quality of [80, 65, 50, 35]) {
    const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality, clip: { x: 0, y: 0, scale: 1, ...clip }, captureBeyondViewport: true });
    const bytes = Buffer.from(data, "base64");
    if (bytes.length < MOST_PICTURE) {
      writeFileSync(file, bytes);
      break;
    }
  }
  await session.detach();
  check(statSync(file).size < MOST_PICTURE, `${basename(file)}: ${statSync(file).size} bytes`);
}

function serve() {
  const child = spawn(program, ["serve", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const address = new Promise((done, fail) => {
    let text = "";
    child.stdout.on("data", (bytes) => {
      text += bytes;
      const found = text.match(/^(http:\/\/127\.0\.0\.1:\d+\/)/);
      if (found) done(found[1]);
    });
    child.on("exit", (code) => fail(new Error(`serve ended with ${code}`)));
  });
  return { child, address };
}

// Resolves when the run asked for by `act` is on the page; gives the time from input to page.
async function answered(page, act) {
  await page.evaluate(() => {
    window.answered = new Promise((done) => document.addEventListener("itbsim-run", () => requestAnimationFrame(() => done(performance.now())), { once: true }));
    window.refused = new Promise((_, fail) => document.addEventListener("itbsim-refused", () => fail(new Error(document.querySelector("#error").textContent)), { once: true }));
  });
  const started = await page.evaluate(act);
  return (await page.evaluate(() => Promise.race([window.answered, window.refused]))) - started;
}

// Counts what the page makes at a move and how long it works, script and layout.
const countWork = (page) => page.evaluate(() => {
  window.work = { nodes: 0, charts: 0, ms: 0 };
  const count = (changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) {
        work.nodes += 1 + (node.querySelectorAll ? node.querySelectorAll("*").length : 0);
        work.charts += node.querySelectorAll ? node.querySelectorAll("canvas").length : 0;
      }
    }
  };
  const made = new MutationObserver(count);
  made.observe(document, { childList: true, subtree: true });
  const show = itbsimPage.show;
  itbsimPage.show = (...given) => {
    const from = performance.now();
    show(...given);
    document.body.getBoundingClientRect();
    work.ms = performance.now() - from;
    // What is drawn later, out of sight and in idle time, is no part of the answer.
    count(made.takeRecords());
    window.answeredWork = { ...work };
  };
  // The same kind of work in a known amount: a table of 2000 cells, made and laid out.
  window.reference = () => {
    const from = performance.now();
    const box = document.createElement("div");
    for (let row = 0; row < 250; row += 1) {
      const line = box.appendChild(document.createElement("div"));
      for (let cell = 0; cell < 8; cell += 1) line.appendChild(document.createElement("span")).textContent = `${row} ${cell}`;
    }
    document.body.append(box);
    box.getBoundingClientRect();
    const spent = performance.now() - from;
    box.remove();
    return spent;
  };
});

// A run that is drawn into another's charts must look as if it had been the first one.
async function asIfFirst(page, name) {
  const told = await page.evaluate(async () => {
    const move = (place) => new Promise((done) => {
      document.addEventListener("itbsim-run", (e) => done(e.detail.page), { once: true });
      const range = document.querySelector("#sliders [data-path$=simple_continuous] input[type=range]");
      range.value = place;
      range.dispatchEvent(new Event("input", { bubbles: true }));
    });
    const rest = () => new Promise((done) => setTimeout(done, 60));
    const look = async () => {
      itbsimPage.setWindow(0, 1e9);
      itbsimPage.setTime(30);
      await rest();
      itbsimPage.flush();
      await rest();
      return JSON.stringify([document.querySelector("main").innerHTML, [...document.querySelectorAll("canvas")].map((c) => c.toDataURL())]);
    };
    const one = await move(500), other = await move(800);
    // Another name is another story, whose page is made from nothing.
    one.manifest.scenario = other.manifest.scenario = "another story";
    itbsimPage.show(one, "");
    const first = await look(), held = document.querySelector("canvas");
    itbsimPage.show(other, "");
    const between = await look();
    itbsimPage.show(one, "");
    const again = await look();
    return { same: first === again, differs: first !== between, kept: held === document.querySelector("canvas") };
  });
  check(told.same && told.differs && told.kept, `${name}: a run drawn into the charts of another looks as if it had been the first (${JSON.stringify(told)})`);
}

const middle = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];

async function slidersOf(browser) {
  const { child, address } = serve();
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    const home = await address;
    const page = await quiet(context, (url) => url.startsWith(home) || url.startsWith("data:") || url.startsWith("blob:"));
    await page.goto(home);
    await page.waitForSelector("#timing[data-ms]");
    const scenarios = await page.locator("#scenario option").count();
    check(scenarios > 60, `serve: ${scenarios} scenarios on offer`);

    await countWork(page);
    const moves = [], references = [];
    for (const lesson of readdirSync(LESSONS).filter((f) => f.endsWith(".toml")).sort()) {
      await Promise.all([
        page.evaluate(() => new Promise((done) => document.addEventListener("itbsim-run", done, { once: true }))),
        page.selectOption("#scenario", `${LESSONS}/${lesson}`),
      ]);
      await page.waitForTimeout(250);
      references.push(...await page.evaluate(() => [reference(), reference(), reference()]));
      const own = [];
      for (const place of [500, 530, 560, 590]) {
        await page.waitForFunction(() => itbsimPage.waiting() === 0);
        await page.evaluate(() => { Object.assign(work, { nodes: 0, charts: 0, ms: 0 }); performance.clearResourceTimings(); });
        const ms = await answered(page, `(() => { const r = document.querySelector("#sliders [data-path$=simple_continuous] input[type=range]"); r.value = ${place}; const t = performance.now(); r.dispatchEvent(new Event("input", { bubbles: true })); return t; })()`);
        const counted = await page.evaluate(() => ({ nodes: answeredWork.nodes, charts: answeredWork.charts, work: answeredWork.ms,
          server: performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/api/run")).reduce((sum, e) => sum + e.duration, 0) }));
        own.push({ ms, ...counted });
      }
      moves.push(...own);
      const list = (key) => own.map((m) => Math.round(m[key])).join(", ");
      console.log(`     ${lesson}: ${list("ms")} ms, of it server ${list("server")}, work of the page ${list("work")}; nodes ${list("nodes")}`);
    }
    const of = (key) => moves.map((m) => m[key]);
    const unit = middle(references);
    check(middle(of("ms")) < STUCK, `serve: a slider is answered (median ${Math.round(middle(of("ms")))} ms, longest ${Math.round(Math.max(...of("ms")))}; promised on a quiet machine: ${ROUND_TRIP})`);
    check(Math.max(...of("nodes")) <= MOST_NODES && middle(of("charts")) === 0, `serve: a move makes at most ${Math.max(...of("nodes"))} nodes (bound ${MOST_NODES}) and mostly no chart`);
    check(middle(of("work")) <= MOST_WORK * unit, `serve: the page works ${(middle(of("work")) / unit).toFixed(2)} times as long as the reference loop (${unit.toFixed(1)} ms; bound ${MOST_WORK})`);
    await asIfFirst(page, "serve");
    sound(page, "serve");

    // Keys move a slider, and the file follows.
    await page.selectOption("#scenario", `${LESSONS}/3-kink.toml`);
    await page.waitForFunction(() => document.querySelector("#text").value.includes("lifting something"));
    await page.locator("#file summary").click();
    const before = await page.inputValue("#text");
    const slider = page.locator("[data-path='fault.kink.at'] input[type=range]");
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction((old) => document.querySelector("#text").value !== old, before);
    const after = await page.inputValue("#text");
    check(after.includes('at = "24.5 h"') && after.includes("lifting something"), "serve: the arrow key moves a slider by its step, the file follows");

    // A mistake is told with its caret, and mending it ends that.
    page.complaints.length = 0;
    await page.fill("#text", after.replace('"24.5 h"', '"24.5 hh"'));
    await page.locator("#apply").click();
    await page.waitForSelector("#error:not([hidden])");
    check((await page.textContent("#error")).includes("^^^"), "serve: a mistake in the text is shown with line and caret");
    // The browser itself notes the refused request; nothing else may be said.
    page.complaints = page.complaints.filter((c) => !c.includes("422"));
    await page.fill("#text", after);
    await page.locator("#apply").click();
    await page.waitForSelector("#error", { state: "hidden" });

    await walk(page, "serve");
    await schemes(page, "serve");
    await narrow(page, "serve");
    await prints(page, "serve");
    sound(page, "serve, after all");
    if (args.screenshots) {
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.evaluate(() => { document.querySelector("#file").open = false; document.activeElement?.blur(); window.scrollTo(0, 0); });
      await page.waitForTimeout(300);
      await picture(page, join(PICTURES, "serve.webp"), { width: 1280, height: 900 });
    }
  } finally {
    await context.close();
    child.kill("SIGINT");
  }
}

// The data within a report, which its page takes out of the document when it opens.
const embedded = (file) => JSON.parse(readFileSync(file, "utf8").match(/<script type="application\/json" id="itbsim-data">(.*?)<\/script>/s)[1]);

// All that a student could read while the page waits: the whole document, attributes and all.
const readable = (page) => page.evaluate(() => document.documentElement.outerHTML.replace(/<script[\s\S]*?<\/script>/g, "") + document.body.innerText);

// The first column of every table that is open.
async function tableTimes(page) {
  const folded = page.locator("button[data-table][aria-expanded=false]");
  while (await folded.count()) await folded.first().click();
  return page.evaluate(() => [...document.querySelectorAll(".lane .tablebox tbody tr")].map((r) => Number(r.cells[0].textContent.replace("−", "-"))));
}

async function hidesTheFuture(page, data, name) {
  const state = () => page.evaluate(() => itbsimPage.state());
  const told = data.runs[0];
  let asked = 0;
  for (const decision of data.decisions) {
    const now = await state();
    check(now.waiting && Math.abs(now.horizon - decision.t) < 2e-6, `${name}: stops at "${decision.id}" (${decision.t} h)`);
    // By every way that leads there: the cursor, the window, the keys, the slider.
    await page.evaluate(() => { itbsimPage.setTime(1e9); itbsimPage.setWindow(0, 1e9); });
    await page.locator(".timeline").focus();
    for (const key of ["n", "n", "n", "n", "-", "Shift+ArrowRight", "ArrowRight", "0", "e"]) await page.keyboard.press(key);
    await page.locator(".bar input[type=range]").focus();
    await page.keyboard.press("End");
    await page.waitForTimeout(50);
    const then = await state();
    check(then.time <= decision.t + 1e-6 && then.window[1] <= decision.t + 1e-6 && then.waiting, `${name}: no key leads past "${decision.id}"`);
    const times = await tableTimes(page);
    check(times.length > 0 && Math.max(...times) <= decision.t + 1e-6, `${name}: ${times.length} rows of tables, none later than "${decision.id}"`);
    const text = await readable(page);
    const known = told.marks.filter((m) => m.t <= decision.t);
    const before = new Set(known.flatMap((m) => [m.what, m.value, m.because]));
    const later = told.marks.filter((m) => m.t > decision.t && m.what.length > 12 && ![...before].some((w) => w.includes(m.what)));
    const leaked = later.filter((m) => text.includes(m.what) && !decision.question.includes(m.what));
    const secrets = [...data.runs.map((r) => r.fingerprint), ...decision.choices.map((c) => c.followed), decision.reveal, decision.debrief.gap, ...data.why.filter((w) => w.t > decision.t).map((w) => w.sentence)]
      .filter((w) => w && text.includes(w));
    check(leaked.length === 0 && secrets.length === 0, `${name}: ${later.length} later events and what followed are not in the document ${leaked.map((m) => m.what).join("; ").slice(0, 200)} ${secrets.join("; ").slice(0, 200)}`);
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("button[data-csv]").first().click()]);
    const rows = readFileSync(await download.path(), "utf8").trim().split("\n").slice(1).map((r) => Number(r.split(",")[0]));
    check(rows.length > 0 && Math.max(...rows) <= decision.t + 1e-6, `${name}: the CSV ends with "${decision.id}"`);
    // Another choice than the story's, where there is one.
    const other = decision.choices.findIndex((c) => !c.chosen);
    await page.locator(`button[data-choice="${other}"]`).click();
    asked += 1;
  }
  const done = await state();
  check(!done.waiting && asked === data.decisions.length, `${name}: after ${asked} choices nothing is hidden`);
  check((await page.locator("#debrief table").count()) === 1, `${name}: a debrief follows`);
  const times = await tableTimes(page);
  check(Math.max(...times) > told.end_h * 0.9, `${name}: the tables now reach the end`);
  const open = page.locator("button[data-table][aria-expanded=true]");
  while (await open.count()) await open.first().click();
}

async function cursorAndZoom(page, name) {
  const state = () => page.evaluate(() => itbsimPage.state());
  await page.locator("button[data-view=whole]").click();
  const over = page.locator(".u-over").first();
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  const at = (share) => box.x + box.width * share, y = box.y + box.height / 2;
  const seen = [];
  for (const share of [0.2, 0.7]) {
    await page.mouse.move(at(share), y);
    await page.waitForTimeout(60);
    const s = await state();
    seen.push({ share: (s.time - s.window[0]) / (s.window[1] - s.window[0]), clock: await page.textContent(".clock"), left: await page.evaluate(() => [...document.querySelectorAll(".now")].map((n) => parseFloat(n.style.left))) });
  }
  check(Math.abs(seen[0].share - 0.2) < 0.02 && Math.abs(seen[1].share - 0.7) < 0.02 && seen[0].clock !== seen[1].clock, `${name}: the cursor follows the mouse (${seen[0].clock} -> ${seen[1].clock})`);
  check(seen[1].left.length > 2 && seen[1].left.every((l) => Math.abs(l - 70) < 2), `${name}: all ${seen[1].left.length} charts share it`);
  await page.mouse.move(at(0.3), y);
  await page.mouse.down();
  await page.mouse.move(at(0.45), y, { steps: 4 });
  await page.mouse.move(at(0.5), y, { steps: 4 });
  await page.mouse.up();
  await page.waitForTimeout(60);
  const near = await state(), whole = page.locator("button[data-view=whole]");
  const wide = near.window[1] - near.window[0];
  await whole.click();
  const all = await state();
  check(Math.abs(wide / (all.window[1] - all.window[0]) - 0.2) < 0.02, `${name}: dragging zooms, and the whole comes back`);
  await page.locator(".timeline").focus();
  await page.keyboard.press("+");
  const keyed = await state();
  await page.keyboard.press("0");
  check(keyed.window[1] - keyed.window[0] < all.window[1] - all.window[0], `${name}: so does a key`);
}

async function reportsOf(browser) {
  let context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true });
  const lessons = readdirSync(LESSONS).filter((f) => f.endsWith(".toml")).sort();
  for (const [index, lesson] of lessons.entries()) {
    const name = basename(lesson, ".toml");
    const file = join(scratch, `${name}.html`);
    execFileSync(program, ["report", join(LESSONS, lesson), "-o", file], { stdio: ["ignore", "ignore", "inherit"] });
    check(statSync(file).size < 1_500_000, `${name}: ${statSync(file).size} bytes`);
    const data = embedded(file);
    const home = pathToFileURL(file).href;
    const page = await quiet(context, (url) => url === home || url.startsWith("data:") || url.startsWith("blob:"));
    await page.goto(home);
    await page.waitForSelector(".u-over");
    check(data.decisions.length > 0, `${name}: ${data.decisions.length} decisions`);
    await hidesTheFuture(page, data, name);
    await cursorAndZoom(page, name);
    // What does not depend on the lesson is tried on one.
    if (index === 2) {
      await walk(page, name);
      await schemes(page, name);
      await narrow(page, name);
      await prints(page, name);
    }
    sound(page, name);
    if (args.screenshots) {
      await page.evaluate(() => { document.activeElement?.blur(); window.scrollTo(0, 0); });
      await page.mouse.move(2, 2);
      await page.waitForTimeout(200);
      await picture(page, join(PICTURES, `${name}.webp`), { width: 1280, height: 1500 });
    }
    await page.close();
  }
  await context.close();
}

const scratch = mkdtempSync(join(tmpdir(), "itbsim-browser-"));
if (args.screenshots) mkdirSync(PICTURES, { recursive: true });
// Chromium refuses its sandbox to root.
const flags = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: args.browser, headless: true, args: flags });
const started = Date.now();
try {
  if (args.only !== "reports") await slidersOf(browser);
  if (args.only !== "serve") await reportsOf(browser);
} catch (error) {
  check(false, `the test itself came to an end: ${error.stack}`);
} finally {
  await browser.close();
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${failures === 0 ? "all is well" : `${failures} checks failed`} after ${Math.round((Date.now() - started) / 1000)} s`);
process.exit(failures === 0 ? 0 : 1);
