//! Writes the PTX of every `.cu` file for compute capabilities 7.0, 8.0 and 9.0 into a folder:
//! `cargo run -p mirrorflow-kernels-on-host --example ptx -- FOLDER`.

use std::{error::Error, fs, path::PathBuf};

use mirrorflow::kernels::{
    SOURCES,
    device::cuda::{Target, compile},
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("expected a folder")?.into();
    fs::create_dir_all(&folder)?;
    for source in SOURCES {
        for architecture in [70, 80, 90] {
            let ptx = compile(source, Target::Ptx(architecture)).map_err(|why| why.to_string())?;
            let path = folder.join(format!("{}_sm_{architecture}.ptx", source.name));
            fs::write(path, ptx.strip_suffix(b"\0").unwrap_or(&ptx))?;
        }
    }
    Ok(())
}
