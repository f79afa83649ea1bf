//! The machines of every test: the host in all its ways, and each GPU that works.

use std::io::Write;

use mirrorflow::kernels::{
    device::{Device, Place},
    machine::Machine,
};
use mirrorflow_kernels_on_host::Host;

/// Every machine there is.
pub(crate) fn machines() -> Vec<Box<dyn Machine>> {
    let mut all: Vec<Box<dyn Machine>> = Vec::new();
    all.extend(Host::all().into_iter().map(|host| Box::new(host) as Box<dyn Machine>));
    match Device::Auto.open() {
        Ok(Place::Cuda(gpus)) => {
            all.extend(gpus.into_iter().map(|gpu| Box::new(gpu) as Box<dyn Machine>));
        }
        Ok(Place::Cpu(Some(why))) => {
            // Past the capture of the test runner: a check that did not happen must be seen.
            let _ = writeln!(std::io::stderr(), "NOTICE: no GPU is tested: {why}");
        }
        _ => {}
    }
    all
}
