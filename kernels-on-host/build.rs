//! Compiles every `.cu` file for the host, twice: for blocks of one thread and for blocks of many; and the libraries of the
//! simulated device.

use std::{
    env,
    error::Error,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// The `__global__` functions of a source, those that `BOTH` of real.cuh makes included.
fn kernels(text: &str) -> Vec<String> {
    let name = |rest: &str| -> String {
        rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let both = text.split("\nBOTH(").skip(1).map(name);
    let mut all: Vec<String> = text.split("__global__ void").skip(1).map(name).collect();
    all.extend(both.flat_map(|name| [format!("{name}_f32"), format!("{name}_f64")]));
    all
}

/// The `.cu` files of a folder and the folders in it.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        }
        if path.extension().is_some_and(|e| e == "cu" || e == "cuh") {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        if path.extension().is_some_and(|e| e == "cu") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The shared libraries of `simulated/`, under the names that `cudarc` looks for first. They stand in a folder of their own: Cargo
/// has tests look for libraries in `OUT_DIR`, and only those that ask for the device may find it.
fn libraries(folder: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let to = out.join("simulated");
    fs::create_dir_all(&to)?;
    let compiler = cc::Build::new().cpp(true).get_compiler();
    let kernels = [folder.join("launch.cpp"), out.join("libkernels_on_host.a")];
    for name in ["cuda", "nvrtc", "cublas", "cudnn"] {
        let object = cc::Build::new()
            .file(folder.join(format!("{name}.c")))
            .opt_level(2)
            .flag("-ffp-contract=off")
            .compile_intermediates();
        let mut command = compiler.to_command();
        command
            .args(["-shared", "-fPIC", "-std=c++20", "-pthread", "-O2"])
            .arg("-I")
            .arg(out)
            .args(object);
        match name {
            "cuda" => command.args(&kernels),
            "nvrtc" => &mut command,
            _ => command.arg(to.join("libcuda.so")),
        };
        command.arg(format!("-Wl,-soname,lib{name}.so"));
        let made = command.arg("-o").arg(to.join(format!("lib{name}.so"))).status()?;
        if !made.success() {
            return Err(format!("the simulated lib{name}.so does not link").into());
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let library = PathBuf::from(env::var("DEP_MIRRORFLOW_KERNELS")?);
    let shim = root.join("shim");
    println!("cargo::rerun-if-changed={}", shim.display());
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++20")
        .opt_level(3)
        .include(library.join("device/include"))
        .include(&shim)
        // A product and a sum are fused only where the source says so, as for the device.
        .flag("-ffp-contract=off")
        .flag_if_supported("-fno-math-errno")
        .flag_if_supported("-fno-trapping-math")
        .flag_if_supported("-Wno-unused-function")
        .flag_if_supported("-Wno-unused-parameter")
        .file(shim.join("fibers.cpp"));
    // The tests run where they are built. Without the instruction, fma is a slow call.
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("fma") && std::is_x86_feature_detected!("avx2") {
        build.flag("-mfma").flag("-mavx2");
    }
    let (mut declared, mut table, mut found) = (String::new(), String::new(), String::new());
    let mut all = sources(&library)?;
    all.extend(sources(&root.join("cu"))?);
    for path in all {
        let text = fs::read_to_string(&path)?;
        // By the folders too: most files have one name.
        let below = path.strip_prefix(&library).or_else(|_| path.strip_prefix(&root))?;
        let file = below.with_extension("").to_str().ok_or("a file name")?.replace('/', "_");
        for mode in ["one", "many"] {
            let mut code = String::new();
            writeln!(code, "#define HOST_{}", mode.to_uppercase())?;
            writeln!(code, "#include \"shim.hpp\"")?;
            for name in kernels(&text) {
                writeln!(code, "#define {name} kernel_{name}_{mode}")?;
            }
            writeln!(code, "#include \"{}\"", path.display())?;
            for name in kernels(&text) {
                writeln!(
                    code,
                    "extern \"C\" const char* run_{name}_{mode}(void** arguments, const host::Shape* shape) \
                     {{ return host::run(&{name}, arguments, *shape); }}"
                )?;
            }
            let generated = out.join(format!("{file}_{mode}.cpp"));
            fs::write(&generated, code)?;
            build.file(generated);
        }
        for name in kernels(&text) {
            for mode in ["one", "many"] {
                writeln!(
                    declared,
                    "fn run_{name}_{mode}(arguments: *mut *mut c_void, shape: *const Shape) -> *const c_char;"
                )?;
            }
            writeln!(table, "({name:?}, run_{name}_one as Run, run_{name}_many as Run),")?;
            writeln!(found, "ENTRY({name})")?;
        }
    }
    build.compile("kernels_on_host");
    fs::write(out.join("entries.inc"), found)?;
    if env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        libraries(&root.join("simulated"), &out)?;
    }
    fs::write(
        out.join("kernels.rs"),
        format!(
            "unsafe extern \"C\" {{\n{declared}}}\n\
             static KERNELS: &[(&str, Run, Run)] = &[\n{table}];\n"
        ),
    )?;
    Ok(())
}
