//! NVRTC compiles every `.cu` file, the ones of the library and the ones of the checks, for the
//! architectures in use. Where NVRTC is not there, this says so and checks nothing.

use std::io::Write;

use mirrorflow::kernels::{
    SOURCES,
    device::{
        Source,
        cuda::{Missing, Target, compile, nvrtc_version},
    },
};
use mirrorflow_kernels_on_host::checks;

/// Past the capture of the test runner: a check that did not happen must be seen.
fn notice(why: &Missing) {
    let _ = writeln!(std::io::stderr(), "NOTICE: no kernel was compiled by NVRTC: {why}");
}

#[test]
fn every_source_compiles_for_every_architecture() {
    if let Err(why) = nvrtc_version() {
        return notice(&why);
    }
    for source in SOURCES.iter().copied().chain([&checks::SOURCE]) {
        for architecture in [70, 80, 90] {
            let ptx = compile(source, Target::Ptx(architecture)).expect("a kernel that compiles");
            let ptx = String::from_utf8(ptx).expect("text");
            assert!(ptx.contains(&format!(".target sm_{architecture}")));
            for kernel in source.kernels {
                assert!(ptx.contains(&format!(".entry {kernel}(")), "{}.cu: {kernel}", source.name);
            }
        }
        // What a driver older than this NVRTC gets: a binary, which is an ELF file.
        let binary = compile(source, Target::Cubin(90)).expect("a binary");
        assert!(binary.starts_with(b"\x7fELF"));
    }
}

#[test]
fn a_source_that_is_wrong_is_told_with_the_line() {
    if let Err(why) = nvrtc_version() {
        return notice(&why);
    }
    let wrong = Source { name: "wrong", text: "int f() {\n  return nothing;\n}\n", kernels: &[] };
    let why = compile(&wrong, Target::Ptx(80)).expect_err("no such name").to_string();
    assert!(why.contains("wrong.cu") && why.contains("nothing") && why.contains('2'), "{why}");
}
