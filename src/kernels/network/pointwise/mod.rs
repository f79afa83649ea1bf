//! ReLU, GELU, sums, copies and flattening: what takes one number, or puts it elsewhere.

mod device;
pub mod host;

pub use self::device::{
    SOURCE, add, copy, flatten, flatten_backward, gelu, gelu_backward, relu, relu_backward,
};
