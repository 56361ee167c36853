//! `capelet-parent enclave`: its command lines for nitro-cli and QEMU, how it reads their answers, and which processes
//! it ends. Programs that record their arguments stand in for both. The tests in tests/image boot the real QEMU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_json_schema::{object, objects};
use data_encoding::HEXLOWER;
use eif_build::Parts;
use eif_build::cpio::{self, Entry, Node};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ID: &str = "i-0abc-enc0def";
/// The words that run the image with QEMU.
const RUN: [&str; 8] = ["run", "image.eif", "--qemu", ".", "--nsm", "nsm.pem", "--state", "state"];

/// A folder with an image, its measurements, and stand-ins for the programs.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let mut kernel = vec![0; 1024];
        kernel[0x1f1] = 1;
        kernel[0x202..0x206].copy_from_slice(b"HdrS");
        let init = Entry { path: "init", mode: 0o555, uid: 0, gid: 0, node: Node::File(b"init") };
        let archive = cpio::write(&[init]).unwrap();
        let file = eif_build::write(Parts { kernel: &kernel, command_line: "x", archive: &archive }).unwrap();
        fs::write(place.path("image.eif"), &file).unwrap();
        let measured = eif_build::measure(&file).unwrap();
        let mut release = eif_build::report::release(&measured, &[]);
        fs::write(place.path("release.json"), release.to_string()).unwrap();
        release["inputs"] = json!([{"name": "development-kms-root", "version": "0.1.0", "sha256": "00"}]);
        fs::write(place.path("development.json"), release.to_string()).unwrap();
        release["pcrs"]["PCR8"] = release["pcrs"]["PCR0"].clone();
        fs::write(place.path("signed.json"), release.to_string()).unwrap();
        place.program("nitro-cli", r#"echo "$@" >> words; cat "$1"; exit "$(cat status)""#);
        fs::write(place.path("status"), "0").unwrap();
        place.answer("run-enclave", &json!({"EnclaveID": ID, "EnclaveCID": 16}));
        place.answer("describe-enclaves", &json!([place.enclave()]));
        place.answer("terminate-enclave", &json!({"EnclaveID": ID, "Terminated": true}));
        // The backend creates the socket that its arguments name.
        place.program("vhost-device-vsock", r#"s=${2#*socket=}; echo > "${s%%,*}"; exec sleep 1000"#);
        place.program("qemu-system-x86_64", r#"printf '%s\n' "$@" > machine; exec sleep 1000"#);
        fs::create_dir(place.path("firmware")).unwrap();
        fs::write(place.path("nsm.pem"), "").unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// Another process writes the program. A child that another test forks meanwhile would inherit a descriptor of this
    /// process that is open for writing, and while it has it, the kernel executes no such file (ETXTBSY).
    fn program(&self, name: &str, text: &str) {
        let text = format!("#!/bin/sh\ncd {}\n{text}\n", self.path("").display());
        let write = r#"printf %s "$1" > "$0" && chmod 755 "$0""#;
        assert!(Command::new("sh").args(["-c", write]).arg(self.path(name)).arg(text).status().unwrap().success());
    }

    fn answer(&self, command: &str, json: &Value) {
        fs::write(self.path(command), json.to_string()).unwrap();
    }

    fn pcr0(&self) -> String {
        HEXLOWER.encode(&eif_build::measure(&fs::read(self.path("image.eif")).unwrap()).unwrap().pcr0)
    }

    /// The image's enclave as `nitro-cli describe-enclaves` lists it.
    fn enclave(&self) -> Value {
        json!({
            "EnclaveName": "capelet", "EnclaveID": ID, "ProcessID": 7, "EnclaveCID": 16, "NumberOfCPUs": 2,
            "CPUIDs": [1, 3], "MemoryMiB": 1024, "State": "RUNNING", "Flags": "NONE",
            "Measurements": {"HashAlgorithm": "Sha384 { ... }", "PCR0": self.pcr0()},
        })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_capelet-parent"));
        let path = format!("{}:{}", self.path("").display(), std::env::var("PATH").unwrap());
        command.current_dir(self.path("")).env("PATH", path).arg("enclave").args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// The calls of nitro-cli since the previous call of this function.
    fn words(&self) -> Vec<String> {
        let words = fs::read_to_string(self.path("words")).unwrap_or_default();
        let _ = fs::remove_file(self.path("words"));
        words.lines().map(str::to_owned).collect()
    }

    /// Starts `run` with QEMU and waits until the machine was started.
    fn machine(&self) -> Child {
        for left in ["machine", "state/vsock_8000", "state/vsock_9000"] {
            let _ = fs::remove_file(self.path(left));
        }
        let child = self.command(&RUN).spawn().unwrap();
        until(|| self.path("state/vhost").exists());
        assert!(!self.path("machine").exists(), "started without a parent");
        self.parent();
        until(|| self.described()[0]["running"] == true);
        until(|| self.path("machine").exists());
        child
    }

    /// Creates the sockets of a parent that serves.
    fn parent(&self) {
        for port in [8000, 9000] {
            fs::write(self.path(&format!("state/vsock_{port}")), "").unwrap();
        }
    }

    /// Makes a machine that runs this script with the console as its standard output.
    fn prints(&self, text: &str) {
        let console = r#"while [ "$1" != -serial ]; do shift; done; exec > "${2#file:}""#;
        self.program("qemu-system-x86_64", &format!("{console}\n{text}"));
    }

    /// Runs `run` with QEMU and a machine that ends by itself. Returns standard error.
    fn ends(&self) -> String {
        let run = self.command(&RUN).spawn().unwrap();
        until(|| self.path("state/vhost").exists());
        self.parent();
        let output = run.wait_with_output().unwrap();
        assert_eq!(code(&output), "enclave-ended");
        String::from_utf8(output.stderr).unwrap()
    }

    fn described(&self) -> Value {
        let described = object(ok(&self.run(&["describe", "--state", "state"])).as_bytes());
        assert_eq!(described["development"], true);
        described["enclaves"].clone()
    }

    fn pids(&self) -> Vec<u64> {
        let described = self.described();
        described[0]["processes"].as_array().unwrap().iter().map(|process| process["pid"].as_u64().unwrap()).collect()
    }
}

fn until(mut happens: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !happens() {
        assert!(Instant::now() < end, "does not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn code(output: &Output) -> String {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    let status = if error.contains("]\nUsage: capelet-parent enclave ") { 2 } else { 1 };
    assert_eq!(output.status.code(), Some(status), "{error}");
    let error = error.lines().find(|line| line.starts_with("Error: ")).expect(&error);
    error.rsplit_once('[').unwrap().1.trim_end_matches(']').to_owned()
}

/// Whether the process is alive and not a zombie.
fn lives(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

fn signal(pid: u64, name: &str) {
    assert!(Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap().success());
}

#[test]
fn calls_nitro_cli_as_documented() {
    let place = Place::new();
    let said = ok(&place.run(&["run", "image.eif", "--measurements", "release.json", "--cpus", "4", "--memory=3072"]));
    for part in [&format!("PCR0      ➜  {}", place.pcr0()), "Transport ➜  vsock:16", ID] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let image = place.path("image.eif").display().to_string();
    let run = format!("run-enclave --eif-path {image} --cpu-count 4 --memory 3072 --enclave-cid 16");
    assert_eq!(place.words(), [&run, "describe-enclaves"]);

    let described = object(ok(&place.run(&["describe"])).as_bytes());
    assert_eq!(described["enclaves"][0]["transport"], "vsock:16");
    assert_eq!(described["enclaves"][0]["pcr0"], place.pcr0());
    ok(&place.run(&["terminate", "--id", ID]));
    assert_eq!(place.words(), ["describe-enclaves", &format!("terminate-enclave --enclave-id {ID}")]);
}

#[test]
fn prints_one_object_or_labelled_lines() {
    let place = Place::new();
    let json_of = |words: &[&str]| object(ok(&place.run(&[words, &["-o", "json"]].concat())).as_bytes());
    let run = json_of(&["run", "image.eif", "--measurements", "release.json"]);
    assert_eq!((&run["enclave_id"], &run["pcr0"]), (&ID.into(), &place.pcr0().into()));
    assert_eq!((&run["transport"], &run["development"]), (&"vsock:16".into(), &false.into()));
    assert_eq!(json_of(&["terminate", "--id", ID])["terminated"], true);
    let text = ok(&place.run(&["describe", "-o", "plain"]));
    let expected = format!(
        "Enclave   ➜  {ID}\nPCR0      ➜  {}\nTransport ➜  vsock:16\nRunning   ➜  yes\nDebug     ➜  no\n",
        place.pcr0()
    );
    assert_eq!(text, expected);
    // An enclave in debug mode has an image for development.
    let mut enclave = place.enclave();
    enclave["Flags"] = "DEBUG_MODE".into();
    place.answer("describe-enclaves", &json!([enclave]));
    assert_eq!(json_of(&["describe"])["development"], true);
    // Under QEMU the object comes before the start, because the parent needs it.
    place.prints("true");
    let run = place.command(&[&RUN[..], &["-o", "json"]].concat()).spawn().unwrap();
    until(|| place.path("state/vhost").exists());
    place.parent();
    let output = run.wait_with_output().unwrap();
    assert_eq!(code(&output), "enclave-ended");
    let lines = objects(&output.stdout);
    let [started, ended] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(started["transport"], format!("qemu:{}", place.path("state/vsock").display()));
    assert_eq!((&ended["error"]["code"], &ended["development"]), (&"enclave-ended".into(), &true.into()));
}

#[test]
fn allows_debug_mode_only_for_development_images() {
    let place = Place::new();
    for measurements in [&[][..], &["--measurements", "release.json"]] {
        let words = [&["run", "image.eif", "--development"][..], measurements].concat();
        assert_eq!(code(&place.run(&words)), "not-development");
    }
    assert_eq!(code(&place.run(&["console", "--id", ID])), "not-development");
    assert_eq!(place.words(), ["describe-enclaves"]);
    let mut enclave = place.enclave();
    enclave["Flags"] = "DEBUG_MODE".into();
    place.answer("describe-enclaves", &json!([enclave]));
    let words = ["run", "image.eif", "--measurements", "development.json"];
    ok(&place.run(&[&words[..], &["--development"]].concat()));
    assert!(place.words()[0].ends_with(" --debug-mode"));
    // The enclave is in debug mode although that was not requested.
    assert_eq!(code(&place.run(&words)), "other-enclave");
    assert_eq!(place.words()[2], format!("terminate-enclave --enclave-id {ID}"));
}

#[test]
fn rejects_and_terminates_another_image() {
    let place = Place::new();
    assert_eq!(code(&place.run(&["run", "image.eif", "--measurements", "signed.json"])), "not-as-measured");
    assert_eq!(code(&place.run(&["run", "image.eif", "--measurements", "nsm.pem"])), "measurements");
    assert_eq!(code(&place.run(&["run", "nsm.pem"])), "not-an-eif");
    assert_eq!(code(&place.run(&["run", "image.eif", "--qemu", "."])), "enclave-arguments");
    assert_eq!(code(&place.run(&["terminate"])), "enclave-arguments");
    assert!(place.words().is_empty());
    // nitro-cli reports that something else runs, so it is terminated.
    for (member, value) in [("EnclaveCID", json!(17)), ("Measurements", json!({"PCR0": "00"}))] {
        let mut enclave = place.enclave();
        enclave[member] = value;
        place.answer("describe-enclaves", &json!([enclave]));
        assert_eq!(code(&place.run(&["run", "image.eif"])), "other-enclave");
        assert_eq!(place.words().last().unwrap(), &format!("terminate-enclave --enclave-id {ID}"));
    }
}

#[test]
fn rejects_malformed_answers_of_nitro_cli() {
    let place = Place::new();
    let with = |member: &str, value: Value| {
        let mut enclave = place.enclave();
        enclave[member] = value;
        json!([enclave])
    };
    let malformed = [
        json!({}),
        json!([{}]),
        with("EnclaveID", json!("--all")),
        with("EnclaveID", json!("i-0abc")),
        with("EnclaveID", json!("i-0abc-encXYZ")),
        with("EnclaveCID", json!(-1)),
        with("EnclaveCID", json!("16")),
        with("NumberOfCPUs", json!(null)),
        with("MemoryMiB", json!(1.5)),
        with("Flags", json!("NONE|DEBUG_MODE")),
        with("Measurements", json!({})),
    ];
    for answer in malformed {
        place.answer("describe-enclaves", &answer);
        assert_eq!(code(&place.run(&["describe"])), "nitro-cli-answer", "{answer}");
    }
    fs::write(place.path("describe-enclaves"), "[] []").unwrap();
    assert_eq!(code(&place.run(&["describe"])), "nitro-cli-answer");
    place.answer("terminate-enclave", &json!({"EnclaveID": ID, "Terminated": false}));
    assert_eq!(code(&place.run(&["terminate", "--id", ID])), "nitro-cli-answer");
    fs::write(place.path("status"), "3").unwrap();
    assert_eq!(code(&place.run(&["describe"])), "nitro-cli-refused");
    fs::remove_file(place.path("nitro-cli")).unwrap();
    assert_eq!(code(&place.command(&["describe"]).env("PATH", place.path("")).output().unwrap()), "program");
}

#[test]
fn terminate_ends_exactly_the_processes_that_were_started() {
    let place = Place::new();
    let mut run = place.machine();
    let mut bystander = Command::new("sleep").arg("1000").spawn().unwrap();
    let words = fs::read_to_string(place.path("machine")).unwrap();
    let words: Vec<_> = words.lines().collect();
    let follows = |name: &str| words[words.iter().position(|word| *word == name).unwrap() + 1].to_owned();
    assert_eq!(follows("-kernel"), place.path("state/image.eif").display().to_string());
    assert_eq!(follows("-m"), "1024M");
    assert_eq!(follows("-serial"), format!("file:{}", place.path("state/console").display()));
    assert!(follows("-chardev").ends_with("state/vhost"));
    assert!(follows("-global").ends_with("nsm.pem"));
    let described = place.described();
    assert_eq!(described[0]["pcr0"], place.pcr0());
    assert_eq!(described[0]["transport"], format!("qemu:{}", place.path("state/vsock").display()));

    assert_eq!(code(&place.run(&RUN)), "enclave-runs");
    let pids = place.pids();
    assert_eq!(pids.len(), 3);
    ok(&place.run(&["terminate", "--state", "state"]));
    assert!(run.wait().unwrap().success());
    assert!(!pids.into_iter().any(lives));
    assert!(lives(bystander.id().into()));
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    assert_eq!(place.described(), json!([]));
    assert_eq!(code(&place.run(&["terminate", "--state", "state"])), "no-enclave");
}

#[test]
fn ends_both_programs_on_a_signal() {
    for name in ["INT", "TERM"] {
        let place = Place::new();
        let run = place.machine();
        let pids = place.pids();
        signal(run.id().into(), name);
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success());
        // An end that was requested is not reported as an error.
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!pids.into_iter().any(lives), "{name}");
    }
}

#[test]
fn ends_the_other_program_when_one_ends() {
    for (ends, name) in [(1, "vhost-device-vsock"), (2, "qemu-system-x86_64")] {
        let place = Place::new();
        let run = place.machine();
        let pids = place.pids();
        signal(pids[ends], "KILL");
        let output = run.wait_with_output().unwrap();
        assert_eq!(code(&output), "enclave-ended");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(&format!("{name} ended by itself (signal: 9 (SIGKILL))")), "{error}");
        assert!(!pids.into_iter().any(lives));
    }
}

#[test]
fn terminate_ends_the_programs_of_a_killed_run() {
    let place = Place::new();
    let mut run = place.machine();
    let pids = place.pids();
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(place.described()[0]["running"], false);
    assert_eq!(code(&place.run(&RUN)), "enclave-runs");
    assert!(lives(pids[1]) && lives(pids[2]));
    ok(&place.run(&["terminate", "--state", "state"]));
    assert!(!pids.into_iter().any(lives));
    let mut run = place.machine();
    ok(&place.run(&["terminate", "--state", "state"]));
    assert!(run.wait().unwrap().success());
}

#[test]
fn shows_the_console_of_every_image_during_and_after_its_run() {
    let development = ["--development", "--measurements", "development.json"];
    for more in [&[][..], &["--measurements", "release.json"], &development] {
        let place = Place::new();
        place.prints("echo first; sleep 2; echo last");
        let run = place.command(&[&RUN[..], more].concat()).spawn().unwrap();
        until(|| place.path("state/vhost").exists());
        place.parent();
        until(|| place.described()[0]["running"] == true);
        assert_eq!(ok(&place.run(&["console", "--state", "state"])), "first\nlast\n");
        assert_eq!(code(&run.wait_with_output().unwrap()), "enclave-ended");
        assert_eq!(place.described(), json!([]));
        assert_eq!(ok(&place.run(&["console", "--state", "state"])), "first\nlast\n");
        assert_eq!(fs::metadata(place.path("state/console")).unwrap().mode() & 0o7777, 0o600);
    }
}

#[test]
fn rejects_a_console_that_was_never_kept() {
    let place = Place::new();
    fs::DirBuilder::new().mode(0o700).create(place.path("state")).unwrap();
    assert_eq!(code(&place.run(&["console", "--state", "state"])), "no-console");
}

#[test]
fn the_error_shows_the_last_lines_escaped() {
    let place = Place::new();
    place.prints(
        r#"seq 100; printf 'a\033]0;title\007\r\n\033[2J\233\377\r\nError: forged (code)\r\ncapelet-pid1: why'; exit 3"#,
    );
    let error = place.ends();
    let console = place.path("state/console").display().to_string();
    let mut lines = error.lines();
    let first = lines.next().unwrap();
    assert!(first.contains("qemu-system-x86_64 ended by itself (exit status: 3)"), "{error}");
    assert_eq!(lines.next().unwrap(), format!("The console's last lines (all of it: {console}):"));
    let numbers: Vec<_> = (85..=100).map(|number| format!("  | {number}")).collect();
    let foreign =
        [r"  | a\x1b]0;title\x07", r"  | \x1b[2J\x9b\xff", "  | Error: forged (code)", "  | capelet-pid1: why"];
    assert_eq!(lines.map(str::to_owned).collect::<Vec<_>>(), [&numbers[..], &foreign.map(str::to_owned)].concat());
    assert!(error.bytes().all(|byte| byte == b'\n' || !byte.is_ascii_control()));
    // `enclave console` escapes as well. The file has the bytes that the machine printed.
    assert!(
        ok(&place.run(&["console", "--state", "state"]))
            .ends_with("100\na\\x1b]0;title\\x07\n\\x1b[2J\\x9b\\xff\nError: forged (code)\ncapelet-pid1: why")
    );
    assert!(fs::read(&console).unwrap().contains(&0x1b));
}

#[test]
fn the_error_shows_a_bounded_part_of_a_huge_console() {
    let place = Place::new();
    place.prints("head -c 3000000 /dev/zero; printf end");
    let error = place.ends();
    assert!(error.trim_end().ends_with(r"\x00end"), "{}", error.len());
    assert!(error.len() < 20_000, "{}", error.len());
    assert_eq!(fs::metadata(place.path("state/console")).unwrap().len(), 3_000_003);
}

#[test]
fn the_error_reports_an_empty_console() {
    let place = Place::new();
    place.prints("true");
    let error = place.ends();
    let path = place.path("state/console").display().to_string();
    assert_eq!(error.lines().nth(1).unwrap(), format!("The console is empty: the machine printed nothing ({path})."));
    assert_eq!(error.lines().count(), 2);
    assert_eq!(ok(&place.run(&["console", "--state", "state"])), "");
}

#[test]
fn the_error_names_a_backend_that_ended_and_shows_its_log() {
    let place = Place::new();
    place.program("vhost-device-vsock", r"printf 'no vsock\033[31m\n' >&2; exit 2");
    let output = place.run(&RUN);
    assert_eq!(code(&output), "enclave-ended");
    let error = String::from_utf8(output.stderr).unwrap();
    let mut lines = error.lines();
    assert!(lines.next().unwrap().contains("vhost-device-vsock ended by itself (exit status: 2)"), "{error}");
    assert!(lines.next().unwrap().contains("the machine printed nothing"), "{error}");
    let log = place.path("state/backend.log").display().to_string();
    assert_eq!(lines.next().unwrap(), format!("The last lines of vhost-device-vsock's log ({log}):"));
    assert_eq!(lines.collect::<Vec<_>>(), [r"  | no vsock\x1b[31m"]);
}

#[test]
fn replaces_the_console_of_an_earlier_run() {
    let place = Place::new();
    place.prints("echo earlier");
    assert!(place.ends().contains("  | earlier"));
    fs::set_permissions(place.path("state/console"), fs::Permissions::from_mode(0o644)).unwrap();
    for port in [8000, 9000] {
        fs::remove_file(place.path(&format!("state/vsock_{port}"))).unwrap();
    }
    place.prints("echo later");
    let error = place.ends();
    assert!(error.contains("  | later") && !error.contains("earlier"), "{error}");
    assert_eq!(fs::metadata(place.path("state/console")).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn does_not_follow_links_in_place_of_console_and_log() {
    let place = Place::new();
    place.prints("true");
    place.ends();
    for port in [8000, 9000] {
        fs::remove_file(place.path(&format!("state/vsock_{port}"))).unwrap();
    }
    fs::write(place.path("victim"), "secret").unwrap();
    for name in ["console", "backend.log"] {
        fs::remove_file(place.path("state").join(name)).unwrap();
        symlink(place.path("victim"), place.path("state").join(name)).unwrap();
    }
    let shown = place.run(&["console", "--state", "state"]);
    assert_eq!(code(&shown), "file");
    assert!(shown.stdout.is_empty());
    place.prints("echo printed");
    assert!(place.ends().contains("  | printed"));
    assert_eq!(fs::read_to_string(place.path("victim")).unwrap(), "secret");
    for name in ["console", "backend.log"] {
        let metadata = fs::symlink_metadata(place.path("state").join(name)).unwrap();
        assert!(metadata.is_file() && metadata.mode() & 0o7777 == 0o600, "{name}");
    }
}

#[test]
fn the_error_says_where_to_look_when_an_enclave_on_nitro_does_not_boot() {
    let place = Place::new();
    let expects = |expected: &str, place: &Place| {
        let output = place.run(&["run", "image.eif"]);
        assert_eq!(code(&output), expected);
        let error = String::from_utf8(output.stderr).unwrap();
        for part in ["/var/log/nitro_enclaves", "E36", "`operation`", "--qemu"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(error.lines().count() <= 1 + 5, "{error}");
        error
    };
    // It ended before it was described. nitro-cli then cannot terminate it, and that must not replace the error.
    place.answer("describe-enclaves", &json!([]));
    place.answer("terminate-enclave", &json!({}));
    assert!(expects("enclave-ended", &place).contains(ID));
    fs::write(place.path("status"), "36").unwrap();
    expects("nitro-cli-refused", &place);
}

#[test]
fn escapes_a_debug_console_of_nitro() {
    let place = Place::new();
    let mut enclave = place.enclave();
    enclave["Flags"] = "DEBUG_MODE".into();
    place.answer("describe-enclaves", &json!([enclave]));
    fs::write(place.path("console"), "booted\r\n\x1b[2J").unwrap();
    assert_eq!(ok(&place.run(&["console", "--id", ID])), "booted\n\\x1b[2J");
}

#[test]
fn leaves_no_process_behind_when_a_program_is_missing() {
    let place = Place::new();
    fs::remove_file(place.path("qemu-system-x86_64")).unwrap();
    let run = place.command(&RUN).spawn().unwrap();
    until(|| place.path("state/enclave.json").exists());
    let backend = place.pids()[1];
    place.parent();
    assert_eq!(code(&run.wait_with_output().unwrap()), "program");
    assert!(!lives(backend));
    assert_eq!(place.described(), json!([]));
}

/// An enclave that cannot be compared with the measured image is terminated.
#[test]
fn terminates_an_enclave_that_cannot_be_compared() {
    let place = Place::new();
    let mut silent = place.enclave();
    silent.as_object_mut().unwrap().remove("Measurements");
    let mut neighbour = place.enclave();
    neighbour["Flags"] = json!("SOMETHING_NEW");
    for described in [json!([]), json!("?"), json!([silent]), json!([place.enclave(), neighbour])] {
        place.answer("describe-enclaves", &described);
        assert!(!place.run(&["run", "image.eif"]).status.success(), "{described}");
        let words = place.words();
        assert_eq!(words.last().unwrap(), &format!("terminate-enclave --enclave-id {ID}"), "{described}");
    }
}

#[test]
fn refuses_a_state_folder_of_something_else_and_leaves_it_unchanged() {
    let place = Place::new();
    fs::DirBuilder::new().mode(0o700).create(place.path("state")).unwrap();
    for name in ["vsock", "image.eif", "console"] {
        fs::write(place.path("state").join(name), "foreign").unwrap();
    }
    let output = place.run(&RUN);
    assert_eq!(code(&output), "foreign-folder");
    for name in ["vsock", "image.eif", "console"] {
        assert_eq!(fs::read_to_string(place.path("state").join(name)).unwrap(), "foreign");
    }
    assert_eq!(fs::read_dir(place.path("state")).unwrap().count(), 3);
    assert!(output.stdout.is_empty(), "it printed before it refused");
    for verb in ["describe", "console", "terminate"] {
        assert_eq!(code(&place.run(&[verb, "--state", "state"])), "foreign-folder", "{verb}");
    }
    // The sockets of a parent that was started first do not make the folder foreign.
    fs::remove_dir_all(place.path("state")).unwrap();
    fs::DirBuilder::new().mode(0o700).create(place.path("state")).unwrap();
    place.parent();
    place.prints("true");
    assert_eq!(code(&place.run(&RUN)), "enclave-ended");
}

/// `nitro-cli` would refuse it only when it has copied the image, and QEMU would start it.
#[test]
fn refuses_an_image_whose_certificate_has_expired() {
    let place = Place::new();
    let signed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../eif-build/tests/vectors/aws-signed.eif");
    for more in [&[][..], &["--qemu", ".", "--nsm", "nsm.pem", "--state", "state"]] {
        let output = place.run(&[&["run", signed][..], more].concat());
        assert_eq!(code(&output), "certificate-expired");
        assert!(String::from_utf8(output.stderr).unwrap().contains("it was valid from "));
        assert!(output.stdout.is_empty());
    }
    assert!(place.words().is_empty() && !place.path("state").exists());
}

#[test]
fn refuses_a_folder_that_is_marked_for_another_purpose() {
    let place = Place::new();
    fs::DirBuilder::new().mode(0o700).create(place.path("state")).unwrap();
    fs::write(place.path("state/layout"), "capelet store 2\n").unwrap();
    for words in [&["describe", "--state", "state"][..], &RUN] {
        let output = place.run(words);
        assert_eq!(code(&output), "folder-version", "{words:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("another purpose"));
    }
    assert_eq!(fs::read_dir(place.path("state")).unwrap().count(), 1);
}

#[test]
fn checks_its_arguments_before_it_prints_or_makes_anything() {
    let place = Place::new();
    let qemu = |nsm| ["run", "image.eif", "--qemu", ".", "--nsm", nsm, "--state", "state"];
    for (words, expected) in [
        (&["run", "image.eif", "--state", "state"][..], "enclave-arguments"),
        (&["run", "image.eif", "--qemu", "."], "enclave-arguments"),
        (&["run", "image.eif", "--measurements", "-"], "enclave-arguments"),
        (&qemu("-"), "enclave-arguments"),
        (&qemu("absent.pem"), "file"),
    ] {
        let output = place.run(words);
        assert_eq!(code(&output), expected, "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
    assert!(place.words().is_empty() && !place.path("state").exists());
}

#[test]
fn names_the_duplicate_key_of_measurements() {
    let place = Place::new();
    let text = fs::read_to_string(place.path("release.json")).unwrap();
    fs::write(place.path("twice.json"), text.replacen('{', r#"{"inputs":[],"#, 1)).unwrap();
    let output = place.run(&["run", "image.eif", "--measurements", "twice.json"]);
    assert_eq!(code(&output), "measurements");
    assert!(String::from_utf8(output.stderr).unwrap().contains("duplicate key"));
}

#[test]
fn takes_images_named_like_words_of_the_command_line() {
    let place = Place::new();
    fs::copy(place.path("image.eif"), place.path("help")).unwrap();
    let said = ok(&place.run(&["run", "help"]));
    assert!(said.contains(&place.pcr0()), "{said}");
    assert_eq!(code(&place.run(&["run", "-"])), "enclave-arguments");
}

#[test]
fn a_console_that_cannot_be_printed_is_an_error() {
    let place = Place::new();
    place.prints("echo printed");
    place.ends();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = place.command(&["console", "--state", "state"]).stdout(full).output().unwrap();
    assert_eq!(code(&output), "output");
}
