//! WASI preview 1 from a function's side: the results of each call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use common::Job;
use common::preview1::{
    BADF, BUFFER, INVAL, ISDIR, NOENT, NOTCAPABLE, NOTDIR, OUT, ROFS, SPIPE, Step, VECTOR, look, take, with_files,
};

fn number(bytes: &[u8]) -> u64 {
    let mut all = [0; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(all)
}

#[test]
fn arguments_follow_a_fixed_name_and_the_environment_is_empty() {
    let job = |job: Job| job.argument("-v").argument("");
    let sizes = look(job, "", &[("args_sizes_get", &[OUT, OUT + 4], 0)], OUT, 8);
    assert_eq!((number(&sizes[..4]), number(&sizes[4..])), (3, 13));
    let bytes = look(job, "", &[("args_get", &[OUT, BUFFER], 0)], BUFFER, 13);
    assert_eq!(bytes, b"function\0-v\0\0");
    let pointers = look(job, "", &[("args_get", &[OUT, BUFFER], 0)], OUT, 12);
    let pointers: Vec<u64> = pointers.chunks(4).map(number).collect();
    assert_eq!(pointers, [512, 521, 524]);
    let empty = [("environ_sizes_get", &[OUT, OUT + 4][..], 0), ("environ_get", &[OUT, OUT], 0)];
    assert_eq!(look(job, r#"(data (i32.const 1024) "xxxxxxxx")"#, &empty, OUT, 8), [0; 8]);
}

#[test]
fn the_wall_clock_starts_at_the_jobs_time() {
    let wall = look(|job| job, "", &[("clock_time_get", &[0, 0, OUT], 0)], OUT, 8);
    let since = number(&wall).checked_sub(1_700_000_000_000_000_000).unwrap();
    assert!(since < 60_000_000_000, "{since}");
    let monotonic = look(|job| job, "", &[("clock_time_get", &[1, 0, OUT], 0)], OUT, 8);
    assert!(number(&monotonic) < 60_000_000_000);
    take(
        |job| job,
        "",
        &[
            ("clock_time_get", &[2, 0, OUT], INVAL),
            ("clock_time_get", &[-1, 0, OUT], INVAL),
            ("clock_res_get", &[0, OUT], 0),
            ("clock_res_get", &[4, OUT], INVAL),
        ],
    );
}

#[test]
fn random_bytes_differ_and_fill_the_buffer() {
    let draw = || look(|job| job, "", &[("random_get", &[BUFFER, 64], 0)], BUFFER, 64);
    let (one, other) = (draw(), draw());
    assert_ne!(one, other);
    assert_ne!(one[32..], [0; 32]);
}

#[test]
fn the_input_is_a_seekable_file() {
    let output = take(
        with_files,
        &format!(r#"{VECTOR} (data (i32.const 8) "\00\02\00\00\09\00\00\00")"#),
        &[
            ("fd_read", &[0, 0, 1, OUT], 0),
            ("fd_write", &[1, 8, 1, OUT], 0),
            ("fd_read", &[0, 0, 1, OUT], 0),
            ("fd_seek", &[0, -5, 2, OUT], 0),
            ("fd_read", &[0, 0, 1, OUT], 0),
            ("fd_write", &[1, 8, 1, OUT], 0),
            ("fd_seek", &[0, -1, 0, OUT], INVAL),
            ("fd_seek", &[0, 0, 3, OUT], INVAL),
            ("fd_seek", &[0, 1 << 40, 0, OUT], 0),
            ("fd_read", &[0, 0, 1, OUT], 0),
            ("fd_pread", &[0, 0, 1, 4, OUT], 0),
            ("fd_pread", &[0, 0, 1, -1, OUT], 0),
            ("fd_write", &[0, 0, 1, OUT], BADF),
        ],
    );
    assert_eq!(output, b"the inputinputnput");
}

#[test]
fn opens_and_reads_files_and_their_attributes() {
    let data = r#"(data (i32.const 0) "\00\02\00\00\00\01\00\00") (data (i32.const 64) "data/b.txt")"#;
    let open: Step = ("path_open", &[3, 1, 64, 10, 0, 2, 0, 0, OUT], 0);
    let read = look(with_files, data, &[open, ("fd_read", &[4, 0, 1, OUT], 0)], BUFFER, 16);
    assert_eq!(read, b"second file\0\0\0\0\0");
    let position = look(with_files, data, &[open, ("fd_read", &[4, 0, 1, OUT], 0), ("fd_tell", &[4, OUT], 0)], OUT, 8);
    assert_eq!(number(&position), 11);
    let skipped = look(with_files, data, &[open, ("fd_pread", &[4, 0, 1, 7, OUT], 0)], BUFFER, 5);
    assert_eq!(skipped, b"file\0");
    let stat = look(with_files, data, &[open, ("fd_filestat_get", &[4, OUT], 0)], OUT, 64);
    assert_eq!((stat[16], number(&stat[32..40]), number(&stat[40..48])), (4, 11, 0));
    let by_path = look(with_files, data, &[("path_filestat_get", &[3, 0, 64, 10, OUT], 0)], OUT, 64);
    assert_eq!(stat, by_path);
    let fdstat = look(with_files, data, &[open, ("fd_fdstat_get", &[4, OUT], 0)], OUT, 24);
    assert_eq!(fdstat[0], 4);
    assert_eq!(number(&fdstat[8..16]) & (1 << 6), 0, "no right to write");
}

#[test]
fn the_input_also_has_a_path() {
    let data = r#"(data (i32.const 0) "\00\02\00\00\00\01\00\00") (data (i32.const 64) "input/0")"#;
    let open: Step = ("path_open", &[3, 1, 64, 7, 0, 2, 0, 0, OUT], 0);
    // Each descriptor has its own position.
    let list = [open, ("fd_read", &[0, 0, 1, OUT], 0), ("fd_read", &[4, 0, 1, OUT], 0)];
    assert_eq!(look(with_files, data, &list, OUT, 4), [9, 0, 0, 0]);
    assert_eq!(look(with_files, data, &list, BUFFER, 9), b"the input");
}

#[test]
fn rejects_creating_and_changing_files() {
    let data = r#"(data (i32.const 64) "top") (data (i32.const 96) "new")"#;
    const CREAT: i64 = 1;
    const EXCL: i64 = 4;
    const TRUNC: i64 = 8;
    const WRITE: i64 = 1 << 6;
    take(
        with_files,
        data,
        &[
            ("path_open", &[3, 0, 96, 3, CREAT, 2, 0, 0, OUT], ROFS),
            ("path_open", &[3, 0, 64, 3, CREAT | EXCL, 2, 0, 0, OUT], 20),
            ("path_open", &[3, 0, 64, 3, TRUNC, 2, 0, 0, OUT], ROFS),
            ("path_open", &[3, 0, 64, 3, 0, WRITE, 0, 0, OUT], ROFS),
            ("path_open", &[3, 0, 64, 3, CREAT, 2, 0, 0, OUT], 0),
            ("fd_write", &[4, 0, 1, OUT], BADF),
            ("fd_pwrite", &[4, 0, 1, 0, OUT], BADF),
            ("fd_pwrite", &[1, 0, 1, 0, OUT], SPIPE),
            ("fd_allocate", &[4, 0, 9], ROFS),
            ("fd_filestat_set_size", &[4, 0], ROFS),
            ("fd_filestat_set_times", &[4, 0, 0, 0], ROFS),
            ("path_create_directory", &[3, 96, 3], ROFS),
            ("path_filestat_set_times", &[3, 0, 64, 3, 0, 0, 0], ROFS),
            ("path_link", &[3, 0, 64, 3, 3, 96, 3], ROFS),
            ("path_remove_directory", &[3, 64, 3], ROFS),
            ("path_rename", &[3, 64, 3, 3, 96, 3], ROFS),
            ("path_symlink", &[64, 3, 3, 96, 3], ROFS),
            ("path_unlink_file", &[3, 64, 3], ROFS),
            ("path_readlink", &[3, 64, 3, BUFFER, 9, OUT], INVAL),
            ("path_readlink", &[3, 96, 3, BUFFER, 9, OUT], NOENT),
            ("fd_sync", &[4], 0),
            ("fd_datasync", &[1], 0),
            ("fd_advise", &[4, 0, 0, 5], 0),
            ("fd_advise", &[4, 0, 0, 6], INVAL),
            ("fd_fdstat_set_rights", &[4, 0, 0], 58),
            ("sock_accept", &[0, 0, OUT], 57),
        ],
    );
}

#[test]
fn rejects_paths_that_lead_out() {
    let data = r#"(data (i32.const 64) "data") (data (i32.const 70) "../top") (data (i32.const 80) "/top")
                  (data (i32.const 90) "top/x") (data (i32.const 100) "data/../../top") (data (i32.const 120) "a.txt")"#;
    take(
        with_files,
        data,
        &[
            ("path_open", &[3, 0, 64, 4, 2, 1 << 14, 0, 0, OUT], 0),
            ("path_open", &[4, 0, 120, 5, 0, 2, 0, 0, OUT], 0),
            ("path_open", &[4, 0, 70, 6, 0, 2, 0, 0, OUT], NOTCAPABLE),
            ("path_open", &[3, 0, 70, 6, 0, 2, 0, 0, OUT], NOTCAPABLE),
            ("path_open", &[3, 0, 80, 4, 0, 2, 0, 0, OUT], NOTCAPABLE),
            ("path_open", &[3, 0, 90, 5, 0, 2, 0, 0, OUT], NOTDIR),
            ("path_open", &[3, 0, 90, 3, 2, 2, 0, 0, OUT], NOTDIR),
            ("path_open", &[3, 0, 100, 14, 0, 2, 0, 0, OUT], NOTCAPABLE),
            ("path_open", &[3, 0, 64, 0, 0, 2, 0, 0, OUT], NOENT),
            ("path_open", &[3, 0, 64, 2, 0, 2, 0, 0, OUT], NOENT),
            ("path_open", &[0, 0, 120, 5, 0, 2, 0, 0, OUT], NOTDIR),
            ("path_open", &[9, 0, 120, 5, 0, 2, 0, 0, OUT], BADF),
            ("path_open", &[3, 0, 64, 5000, 0, 2, 0, 0, OUT], 37),
            ("path_open", &[3, 0, 64, 4, 0, 1 << 6, 0, 0, OUT], ISDIR),
            ("path_filestat_get", &[3, 0, 100, 14, OUT], NOTCAPABLE),
            ("fd_read", &[4, 0, 1, OUT], ISDIR),
            ("fd_seek", &[4, 0, 0, OUT], ISDIR),
            ("fd_prestat_get", &[4, OUT], BADF),
            ("fd_close", &[4], 0),
            ("fd_close", &[4], BADF),
            ("fd_read", &[4, 0, 1, OUT], BADF),
        ],
    );
}

/// Parses the entries of `fd_readdir`: name, type, cookie of the next entry.
fn entries(mut bytes: &[u8]) -> Vec<(String, u8, u64)> {
    let mut list = Vec::new();
    while bytes.len() >= 24 {
        let length = number(&bytes[16..20]) as usize;
        let Some(name) = bytes.get(24..24 + length) else { break };
        list.push((String::from_utf8(name.to_vec()).unwrap(), bytes[20], number(&bytes[..8])));
        bytes = &bytes[24 + length..];
    }
    list
}

#[test]
fn lists_directories_at_once_and_in_parts() {
    let whole = look(with_files, "", &[("fd_readdir", &[3, BUFFER, 400, 0, OUT], 0)], BUFFER, 255);
    let used = look(with_files, "", &[("fd_readdir", &[3, BUFFER, 400, 0, OUT], 0)], OUT, 4);
    let list = entries(&whole[..number(&used) as usize]);
    let names: Vec<(&str, u8)> = list.iter().map(|(name, kind, _)| (name.as_str(), *kind)).collect();
    assert_eq!(names, [(".", 3), ("..", 3), ("data", 3), ("input", 3), ("top", 4)]);

    // With buffers that end inside an entry: the same list, resumed after the last complete entry.
    for room in [24 + 5, 24 + 2 + 24 + 3, 60, 100] {
        let (mut cookie, mut got) = (0, Vec::new());
        loop {
            let call: Step = ("fd_readdir", &[3, BUFFER, room, cookie as i64, OUT], 0);
            let bytes = look(with_files, "", &[call], BUFFER, room as u8);
            let used = number(&look(with_files, "", &[call], OUT, 4));
            let part = entries(&bytes[..used as usize]);
            got.extend(part.clone());
            if used < room as u64 {
                break;
            }
            cookie = part.last().expect("room for one entry").2;
        }
        assert_eq!(got, list, "{room}");
    }
    take(
        with_files,
        "",
        &[
            ("fd_readdir", &[3, BUFFER, 0, 0, OUT], 0),
            ("fd_readdir", &[3, BUFFER, 400, -1, OUT], 0),
            ("fd_readdir", &[0, BUFFER, 400, 0, OUT], NOTDIR),
            ("fd_readdir", &[7, BUFFER, 400, 0, OUT], BADF),
        ],
    );
}

#[test]
fn the_root_is_preopened_and_output_is_a_pipe() {
    let prestat = look(|job| job, "", &[("fd_prestat_get", &[3, OUT], 0)], OUT, 8);
    assert_eq!(prestat, [0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(look(|job| job, "", &[("fd_prestat_dir_name", &[3, BUFFER, 1], 0)], BUFFER, 2), b"/\0");
    take(
        |job| job,
        "",
        &[
            ("fd_prestat_dir_name", &[3, BUFFER, 0], 37),
            ("fd_prestat_get", &[4, OUT], BADF),
            ("fd_seek", &[1, 0, 0, OUT], SPIPE),
            ("fd_tell", &[2, OUT], SPIPE),
            ("fd_read", &[1, 0, 1, OUT], BADF),
            ("fd_filestat_get", &[1, OUT], 0),
            ("fd_fdstat_set_flags", &[1, 4], 0),
            ("fd_fdstat_set_flags", &[1, 2], 58),
            ("fd_fdstat_set_flags", &[1, -1], 58),
            ("fd_renumber", &[2, 0], 0),
            ("fd_renumber", &[2, 0], BADF),
            ("sched_yield", &[], 0),
        ],
    );
    let stat = look(|job| job, "", &[("fd_fdstat_set_flags", &[0, 5], 0), ("fd_fdstat_get", &[0, OUT], 0)], OUT, 24);
    assert_eq!((stat[0], number(&stat[2..4])), (4, 5));
}

#[test]
fn a_poll_waits_for_its_clocks_only() {
    // Clock 1, relative, 200 ms, user data 7. Then stdin, which is ready at once, user data 8.
    let clock = r#"(data (i32.const 2048) "\07") (data (i32.const 2064) "\01") (data (i32.const 2072) "\00\c2\eb\0b")"#;
    let input = r#"(data (i32.const 2096) "\08") (data (i32.const 2104) "\01")"#;
    let begun = Instant::now();
    let event = look(|job| job, clock, &[("poll_oneoff", &[2048, BUFFER, 1, OUT], 0)], BUFFER, 32);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!((event[0], number(&event[8..10]), event[10]), (7, 0, 0));
    let both = format!("{clock} {input}");
    let list: &[Step] = &[("poll_oneoff", &[2048, BUFFER, 2, OUT], 0)];
    let event = look(with_files, &both, list, BUFFER, 32);
    assert_eq!((event[0], event[10], number(&event[16..24])), (8, 1, 9));
    assert_eq!(number(&look(with_files, &both, list, OUT, 4)), 1);
    take(
        |job| job,
        r#"(data (i32.const 4104) "\03")"#,
        &[
            ("poll_oneoff", &[2048, BUFFER, 0, OUT], INVAL),
            ("poll_oneoff", &[2048, BUFFER, 1025, OUT], INVAL),
            ("poll_oneoff", &[4096, BUFFER, 1, OUT], INVAL),
        ],
    );
    let unknown = r#"(data (i32.const 2064) "\09") (data (i32.const 2104) "\01") (data (i32.const 2112) "\63")"#;
    let events = look(|job| job, unknown, &[("poll_oneoff", &[2048, BUFFER, 2, OUT], 0)], BUFFER, 64);
    assert_eq!((number(&events[8..10]), number(&events[40..42])), (u64::from(INVAL), u64::from(BADF)));
}
