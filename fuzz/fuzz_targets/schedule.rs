//! Any text as a schedule: an error, or a schedule that prints back to itself and has a sound A(t).
#![no_main]

use mirrorflow::schedule::Schedule;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(schedule) = text.parse::<Schedule>() else { return };
    assert_eq!(schedule.to_string().parse::<Schedule>().expect("its own text"), schedule);
    for t in [0.0, 1e-300, 0.5, 1e9, f64::MAX, f64::INFINITY] {
        assert!(schedule.alpha(t) >= 0.0 && schedule.integral(t) >= 0.0);
    }
    assert!(schedule.breakpoints().is_sorted());
});
