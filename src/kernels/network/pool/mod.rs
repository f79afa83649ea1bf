//! Pooling of images: the largest number of a window, or the mean.

mod device;
mod host;

pub use self::{
    device::{SOURCE, backward, forward},
    host::{Kind, Pool},
};
