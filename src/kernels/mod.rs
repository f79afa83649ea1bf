//! The kernel layer: many runs at once, and the layers and parameters of networks.
//!
//! Each kernel has a CPU twin (`host.rs`), which is the specification, and for devices `device.rs` with a `.cu` file beside it.
//! See `docs/kernels.md`.
//!
//! | module | what it has |
//! |---|---|
//! | [`batch`] | many runs at once: descents, mirror flows, limits |
//! | [`network`] | the layers of networks |
//! | [`mask_weight`] | the parameters of sparse networks, one layer of weights at a time |
//! | [`array`] | numbers on the processor or on a device, which the last two work on |
//! | [`device`] | where kernels run |

pub mod array;
pub mod batch;
mod check;
pub mod device;
pub mod mask_weight;
pub mod network;

/// Every `.cu` file of the library.
pub const SOURCES: &[&device::Source] = &[
    &batch::descent::SOURCE,
    &batch::limit::SOURCE,
    &batch::mirror_flow::SOURCE,
    &mask_weight::factors::SOURCE,
    &mask_weight::update::SOURCE,
    &mask_weight::map::SOURCE,
    &mask_weight::count::SOURCE,
    &network::convolution::SOURCE,
    &network::linear::SOURCE,
    &network::attention::SOURCE,
    &network::norm::batch::SOURCE,
    &network::norm::layer::SOURCE,
    &network::norm::columns::SOURCE,
    &network::pointwise::SOURCE,
    &network::tokens::SOURCE,
    &network::pool::SOURCE,
    &network::loss::SOURCE,
];
