//! The page of `itbsim serve` over plain sockets: what it answers, and what it survives.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use itbsim::serve::{Limits, Options, Server, Stopper};
use itbsim::simulation::{Registry, RunOptions, simulate};
use serde_json::{Value, json};

/// A server of its own for a test.
struct Desk {
    address: SocketAddr,
    stopper: Stopper,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Desk {
    fn new(limits: Limits) -> Self {
        let options = Options {
            limits,
            ..Options::default()
        };
        let server = Server::bind(&options).unwrap();
        Desk {
            address: server.address(),
            stopper: server.stopper(),
            thread: Some(std::thread::spawn(move || server.run())),
        }
    }

    fn open(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends these bytes and gives status and body.
    fn raw(&self, bytes: &[u8]) -> (u16, String) {
        let mut stream = self.open();
        // A server that has seen enough may close before all is sent.
        let _ = stream.write_all(bytes);
        read(&mut stream)
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.raw(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address).as_bytes())
    }

    fn post(&self, body: &str) -> (u16, Value) {
        let (status, text) = self.raw(request(&self.address.to_string(), body).as_bytes());
        (
            status,
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")),
        )
    }

    fn ask(&self, ask: &Value) -> (u16, Value) {
        self.post(&ask.to_string())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok(), "the server ended in a panic");
        }
    }
}

fn request(host: &str, body: &str) -> String {
    format!(
        "POST /api/run HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn read(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    (status, body.to_owned())
}

const KINK: &str = "scenarios/lessons/3-kink.toml";

#[test]
fn a_move_is_run_and_what_is_shared_is_what_was_run() {
    let desk = Desk::new(Limits::default());
    let (status, first) = desk.ask(&json!({ "path": KINK, "arm": "repaired-late" }));
    assert_eq!(status, 200, "{first}");
    let slider = |answer: &Value, path: &str| {
        let all = answer["sliders"].as_array().unwrap().clone();
        all.into_iter()
            .find(|s| s["path"] == path)
            .unwrap_or_else(|| panic!("no {path}"))
    };
    assert_eq!(slider(&first, "action.repair.at")["value"], 48.0);
    assert_eq!(
        slider(&first, "programme.maintenance.simple_continuous")["value"],
        400.0
    );

    let (status, moved) = desk.ask(
        &json!({ "path": KINK, "arm": "repaired-late", "text": first["text"], "moves": [
        { "path": "action.repair.at", "value": 20 },
        { "path": "programme.maintenance.simple_continuous", "value": 500 },
    ] }),
    );
    assert_eq!(status, 200, "{moved}");
    assert_ne!(moved["run"]["fingerprint"], first["run"]["fingerprint"]);
    let text = moved["text"].as_str().unwrap();
    assert!(text.contains("at = \"kink.start + 20 h\""), "{text}");
    assert!(text.contains("lifting something"), "the rest of the file stays");

    // The shared text, saved where the scenario stood, gives the same run on the command line.
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/lessons");
    let registry = Registry::builtin();
    let shared = itbsim::scenario::load_str("3-kink", text, Some(&place), &registry.catalog()).unwrap();
    let run = simulate(&shared.arms[0].scenario, &registry, &RunOptions::default()).unwrap();
    assert_eq!(moved["run"]["fingerprint"], format!("{:016x}", run.fingerprint));
    assert_eq!(moved["hash"], shared.hash);

    // So does the text with its base in place, which needs no folder.
    let whole = moved["whole"].as_str().unwrap();
    let alone = itbsim::scenario::load_str("3-kink", whole, None, &registry.catalog()).unwrap();
    assert_eq!(moved["hash"], alone.hash);
    let (status, again) = desk.ask(&json!({ "text": whole, "arm": "repaired-late" }));
    assert_eq!(
        (status, &again["run"]["fingerprint"]),
        (200, &moved["run"]["fingerprint"])
    );
}

#[test]
fn a_lesson_comes_with_the_times_of_its_run_and_a_switch_takes_its_fault_out() {
    let desk = Desk::new(Limits::default());
    let (_, with) = desk.ask(&json!({ "path": KINK, "arm": "repaired-late", "beside": "no-kink" }));
    let stages = with["page"]["teaching"]["stages"].as_array().unwrap();
    assert_eq!((stages.len(), &stages[1]["t"]), (5, &json!(24.0)), "{stages:?}");
    assert!(with["beside"]["fingerprint"].is_string());
    let runs = with["page"]["runs"].as_array().unwrap();
    let ids: Vec<&Value> = runs.iter().map(|r| &r["id"]).collect();
    assert_eq!(ids, ["repaired-late", "no-kink"]);
    assert_eq!(runs[0]["fingerprint"], with["run"]["fingerprint"]);
    let (status, without) = desk.ask(&json!({ "path": KINK, "arm": "repaired-late",
        "moves": [{ "id": "kink", "on": false }] }));
    assert_eq!(status, 200, "{without}");
    assert!(
        without["teaching"]["stages"][1]["at_h"].is_null(),
        "what never happens has no time"
    );
    assert_eq!(without["run"]["fingerprint"], with["beside"]["fingerprint"]);
}

#[test]
fn mistakes_in_a_scenario_are_told_as_on_the_command_line() {
    let desk = Desk::new(Limits::default());
    let text = "title = \"x\"\nduration = \"3 dd\"\n[pump]\nfamliy = \"peristaltic\"\n";
    let (status, answer) = desk.ask(&json!({ "text": text }));
    assert_eq!(status, 422);
    let mistakes = itbsim::scenario::load_str("pasted", text, None, &Registry::builtin().catalog()).unwrap_err();
    let told = answer["error"]["message"].as_str().unwrap();
    assert_eq!(
        told,
        mistakes.render(false).replace("pasted:", "scenarios/pasted.toml:")
    );
    assert!(told.contains("^^^"), "{told}");
    assert_eq!(answer["error"]["diagnostics"][0]["line"], 2);
    for text in ["", "= = =", "\u{0}", "title = 1", "[[fault]]\n[[fault]]"] {
        let (status, answer) = desk.ask(&json!({ "text": text }));
        assert_eq!(
            (status, &answer["error"]["kind"]),
            (422, &json!("scenario")),
            "{text:?}"
        );
    }
}

#[test]
fn requests_that_are_wrong_are_refused_each_in_its_way_and_the_next_is_served() {
    let desk = Desk::new(Limits::default());
    let host = desk.address.to_string();
    let head = |line: &str, more: &str| format!("{line} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n");
    for (bytes, wanted) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        (head("GET /", &format!("Host: {host}\r\n")), 400),
        (
            format!("GET / HTTP/1.1\r\nHost: {host}\r\nX: {}\r\n\r\n", "a".repeat(20_000)),
            431,
        ),
        (head("GET /", &"A: b\r\n".repeat(80)), 431),
        (head("GET /absent", ""), 404),
        (head("GET /../../etc/passwd", ""), 404),
        (head("GET /api/run", ""), 405),
        (head("DELETE /", ""), 405),
        (head("POST /api/run", ""), 411),
        (head("POST /api/run", "Transfer-Encoding: chunked\r\n"), 411),
        (head("POST /api/run", "Content-Length: -1\r\n"), 400),
        (head("POST /api/run", "Content-Length: 1\r\nContent-Length: 2\r\n"), 400),
        (
            head("POST /api/run", "Content-Length: 99999999999999999999999\r\n"),
            413,
        ),
        (
            head("POST /api/run", "Content-Length: 300000\r\n") + &"x".repeat(300_000),
            413,
        ),
        (head("POST /api/run", "Content-Length: 2\r\n") + "{}", 415),
    ] {
        let (status, body) = desk.raw(bytes.as_bytes());
        assert_eq!(status, wanted, "{} -> {body}", &bytes[..bytes.len().min(200)]);
        let told: Value = serde_json::from_str(&body).unwrap();
        assert!(told["error"]["message"].is_string(), "{body}");
    }
    for (body, wanted) in [
        ("", 400),
        ("[", 400),
        ("{\"sudo\": true}", 400),
        ("{}", 400),
        ("{\"path\": \"/etc/passwd\"}", 404),
        ("{\"path\": \"scenarios/base/adult-spinal.toml\"}", 404),
        ("{\"path\": \"scenarios/missed-refill.toml\", \"arm\": \"none\"}", 422),
        (
            "{\"path\": \"scenarios/missed-refill.toml\", \"moves\": [{\"path\": \"title\", \"value\": 1}]}",
            422,
        ),
    ] {
        let (status, answer) = desk.post(body);
        assert_eq!(status, wanted, "{body} -> {answer}");
    }
    assert_eq!(desk.get("/").0, 200);
}

#[test]
fn other_hosts_and_other_pages_are_refused() {
    let desk = Desk::new(Limits::default());
    let port = desk.address.port();
    for host in [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example",
        "0.0.0.0",
        "",
    ] {
        let (status, _) = desk.raw(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        assert_eq!(status, 403, "{host}");
    }
    for host in [
        format!("localhost:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
    ] {
        let (status, _) = desk.raw(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        assert_eq!(status, 200, "{host}");
        for (origin, wanted) in [
            (format!("http://{host}"), 200),
            ("http://evil.example".to_owned(), 403),
            ("null".to_owned(), 403),
            (format!("https://{host}"), 403),
        ] {
            let bytes = format!("GET /api/scenarios HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n\r\n");
            assert_eq!(desk.raw(bytes.as_bytes()).0, wanted, "{origin}");
        }
    }
    assert!(desk.address.ip().is_loopback());
}

#[test]
fn slow_and_silent_clients_are_sent_away_and_hold_nobody_up() {
    let desk = Desk::new(Limits {
        arrive: Duration::from_millis(300),
        connections: 6,
        ..Limits::default()
    });
    // Four that say nothing, one that drips.
    let silent: Vec<TcpStream> = (0..4).map(|_| desk.open()).collect();
    let mut slow = desk.open();
    slow.write_all(b"GET / HT").unwrap();
    assert_eq!(desk.get("/").0, 200, "others are served meanwhile");
    let (status, _) = read(&mut slow);
    assert_eq!(status, 408);
    drop(silent);
    // One that promises a body and leaves.
    let mut half = desk.open();
    let bytes = request(&desk.address.to_string(), "{}").replace("Content-Length: 2", "Content-Length: 50");
    half.write_all(bytes.as_bytes()).unwrap();
    half.shutdown(Shutdown::Both).unwrap();
    assert_eq!(desk.get("/").0, 200);
}

#[test]
fn who_comes_to_a_full_house_is_turned_away_at_once() {
    let desk = Desk::new(Limits {
        connections: 2,
        arrive: Duration::from_secs(20),
        ..Limits::default()
    });
    let held = [desk.open(), desk.open()];
    // The two must be taken in before a third can find the house full.
    let mut status = 0;
    for _ in 0..100 {
        status = desk.get("/").0;
        if status == 503 {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(status, 503);
    drop(held);
    for _ in 0..100 {
        status = desk.get("/").0;
        if status == 200 {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(status, 200, "there is room again");
}

/// A patient whose kink comes and goes every few seconds, for weeks.
const BUSY: &str = "extends = \"base/adult-spinal.toml\"\ntitle = \"busy\"\nduration = \"40 d\"\n[[fault]]\nid = \"k\"\n\
kind = \"catheter.occlusion\"\nat = \"1 h\"\nposition = \"40 cm\"\nprofile = { intermittent = { on = \"20 s\", off = \"20 s\" } }\n";

#[test]
fn runs_without_end_are_ended_by_events_and_by_time() {
    let desk = Desk::new(Limits {
        events: 500,
        ..Limits::default()
    });
    let (status, answer) = desk.ask(&json!({ "text": BUSY }));
    assert_eq!((status, &answer["error"]["kind"]), (422, &json!("model")), "{answer}");

    let desk = Desk::new(Limits {
        run: Duration::from_millis(50),
        ..Limits::default()
    });
    let started = Instant::now();
    let (status, answer) = desk.ask(&json!({ "text": BUSY }));
    assert_eq!(
        (status, &answer["error"]["kind"]),
        (503, &json!("too-long")),
        "{answer}"
    );
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn sizes_of_a_scenario_are_limited() {
    let desk = Desk::new(Limits::default());
    let (status, _) = desk.ask(&json!({ "text": format!("# {}\n", "x".repeat(70_000)) }));
    assert_eq!(status, 413);
    let arms: String = (0..30).map(|n| format!("[[arm]]\nid = \"a{n}\"\n")).collect();
    let inline: String = (0..30).map(|n| format!("{{ id = \"a{n}\" }},")).collect();
    let values: Vec<String> = (0..30).map(|n| format!("0.{}", 900 + n)).collect();
    let values = values.join(", ");
    for (before, after) in [
        ("", arms.as_str()),
        (&format!("arm = [{inline}]\n"), ""),
        ("", &format!("[matrix]\n\"pump.gain\" = [{values}]\n")),
        (
            "",
            &format!("[matrix]\ngain = {{ path = \"pump.gain\", values = [{values}] }}\n"),
        ),
        (
            "",
            &format!(
                "[matrix]\n\"pump.gain\" = [0.9, 1.1]\n{}",
                &arms[..arms.find("a13").unwrap() - 15]
            ),
        ),
    ] {
        let (status, answer) = desk.ask(&json!({ "text": format!("{before}{BUSY}{after}"), "only_read": true }));
        assert_eq!(status, 413, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(" arms, cells of a matrix among them"), "{message}");
    }
    let few = "[matrix]\n\"pump.gain\" = [0.9, 1.1]\n";
    let (status, answer) = desk.ask(&json!({ "text": format!("{BUSY}{few}"), "only_read": true }));
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn sliders_of_a_thousand_blocks_are_found_block_by_block() {
    let desk = Desk::new(Limits::default());
    let fault = |n: usize| format!("[[fault]]\nid = \"f{n}\"\nkind = \"pump.stall\"\nat = \"{n} h\"\n");
    let faults: String = (1..=1_100).map(fault).collect();
    let text = format!("extends = \"base/adult-spinal.toml\"\ntitle = \"x\"\nduration = \"60 d\"\n{faults}");
    let (status, answer) = desk.ask(&json!({ "text": text, "only_read": true }));
    assert_eq!(status, 200, "{}", answer["error"]);
    let sliders = answer["sliders"].as_array().unwrap();
    let moments: Vec<(&str, f64)> = sliders
        .iter()
        .filter(|s| s["path"].as_str().unwrap().ends_with(".at"))
        .map(|s| (s["group"].as_str().unwrap(), s["value"].as_f64().unwrap()))
        .collect();
    assert_eq!(moments.len(), 1_100);
    assert!((1..=1_100).all(|n| moments.contains(&(&format!("f{n}"), n as f64))));
}

#[test]
fn the_page_names_no_other_host_and_its_policy_forbids_all() {
    let desk = Desk::new(Limits::default());
    let mut stream = desk.open();
    stream
        .write_all(format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", desk.address).as_bytes())
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.contains("Content-Security-Policy: default-src 'none';"), "{text}");
    for call in [
        "src=\"http",
        "href=\"http",
        "url(http",
        "url(\"http",
        "fetch(\"http",
        "@import",
    ] {
        assert!(!text.contains(call), "the page says {call}");
    }
    let (_, list) = desk.get("/api/scenarios");
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["scenarios"][0]["path"], "scenarios/lessons/1-what-itb-is.toml");
}

#[test]
fn the_program_prints_its_address_serves_and_ends_quietly_when_interrupted() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_itbsim"))
        .args(["serve", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let host = line
        .trim()
        .strip_prefix("http://")
        .unwrap()
        .trim_end_matches('/')
        .to_owned();
    let mut stream = TcpStream::connect(&host).unwrap();
    stream
        .write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
        .unwrap();
    assert_eq!(read(&mut stream).0, 200);
    // A port that is taken is refused in words.
    let port = host.rsplit(':').next().unwrap();
    let taken = Command::new(env!("CARGO_BIN_EXE_itbsim"))
        .args(["serve", "--port", port])
        .output()
        .unwrap();
    assert_eq!(taken.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&taken.stderr).contains("--port 0"));
    if cfg!(unix) {
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    } else {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
