//! Kernels that check the tools themselves: `cu/checks.cu`.

use mirrorflow::kernels::device::Source;

/// The functions of the prelude over arrays, and three kernels that are wrong on purpose.
pub static SOURCE: Source = Source {
    name: "checks",
    text: include_str!("../cu/checks.cu"),
    kernels: &[
        "check_map",
        "check_philox",
        "check_divergence",
        "check_missing_barrier",
        "check_overrun",
    ],
};
