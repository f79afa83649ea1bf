//! One file per command.

pub(crate) mod descend;
pub(crate) mod devices;
pub(crate) mod figures;
pub(crate) mod flow;
pub(crate) mod path;
pub(crate) mod solve;
pub(crate) mod train;
mod trajectory;
pub(crate) mod verify;
