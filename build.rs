//! Tells crates whose build scripts compile the `.cu` files where they stand: `DEP_MIRRORFLOW_KERNELS`.

use std::{env, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(root) = env::var_os("CARGO_MANIFEST_DIR") {
        println!("cargo::metadata=kernels={}", Path::new(&root).join("src/kernels").display());
    }
}
