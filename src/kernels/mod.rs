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
//! | [`mod@array`] | numbers on the processor or on a device, which the last two work on |
//! | [`device`] | where kernels run |

#[cfg(feature = "networks")]
pub mod array;
pub mod batch;
#[cfg(feature = "networks")]
mod check;
pub mod device;
#[cfg(feature = "networks")]
pub mod mask_weight;
#[cfg(feature = "networks")]
pub mod network;

/// Every `.cu` file of the library.
pub const SOURCES: &[&device::Source] = &[
    &batch::descent::SOURCE,
    &batch::limit::SOURCE,
    &batch::mirror_flow::SOURCE,
    #[cfg(feature = "networks")]
    &mask_weight::factors::SOURCE,
    #[cfg(feature = "networks")]
    &mask_weight::update::SOURCE,
    #[cfg(feature = "networks")]
    &mask_weight::map::SOURCE,
    #[cfg(feature = "networks")]
    &mask_weight::count::SOURCE,
    #[cfg(feature = "networks")]
    &network::convolution::SOURCE,
    #[cfg(feature = "networks")]
    &network::linear::SOURCE,
    #[cfg(feature = "networks")]
    &network::attention::SOURCE,
    #[cfg(feature = "networks")]
    &network::norm::batch::SOURCE,
    #[cfg(feature = "networks")]
    &network::norm::layer::SOURCE,
    #[cfg(feature = "networks")]
    &network::norm::columns::SOURCE,
    #[cfg(feature = "networks")]
    &network::pointwise::SOURCE,
    #[cfg(feature = "networks")]
    &network::tokens::SOURCE,
    #[cfg(feature = "networks")]
    &network::pool::SOURCE,
    #[cfg(feature = "networks")]
    &network::loss::SOURCE,
];
