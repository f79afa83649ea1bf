//! Any bytes as comma-separated text: an error or a valid problem, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = mirrorflow::problem::ProblemFile::read_csv_from(bytes, "fuzz.csv") {
        let problem = file.problem;
        assert_eq!(problem.z_rows().len(), problem.samples() * problem.features());
        assert!(problem.z_rows().iter().chain(problem.y()).all(|v| v.is_finite()));
    }
});
