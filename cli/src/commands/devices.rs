//! `mirrorflow devices`: what a batch can run on here.

use mirrorflow::kernels::device::{
    cuda::{self, Missing, Properties},
    processor,
};
use serde_json::{Value, json};

use crate::args::DevicesArgs;
use crate::failure::Done;
use crate::output;

/// Everything CUDA needs, each found or not.
struct Found {
    driver: Result<i32, Missing>,
    nvrtc: Result<(i32, i32), Missing>,
    cublas: bool,
    cudnn: Option<usize>,
    devices: Result<Vec<Properties>, Missing>,
}

/// Looks and prints. A machine without a GPU is as good as any: the exit code is 0.
pub(crate) fn run(args: &DevicesArgs) -> Done {
    let found = Found {
        driver: cuda::driver_version(),
        nvrtc: cuda::nvrtc_version(),
        cublas: cuda::has_cublas(),
        cudnn: cuda::cudnn_version(),
        devices: cuda::properties(),
    };
    if args.json {
        output::json(&as_json(&found))?
    } else {
        as_text(&found)?
    }
    Ok(true)
}

fn dotted(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

/// 90201 as 9.2.1.
fn three(version: usize) -> String {
    format!("{}.{}.{}", version / 10000, version % 10000 / 100, version % 100)
}

/// What kernels lack even where there is a device; the first missing thing is enough.
fn lacking(found: &Found) -> Option<String> {
    let first = [found.devices.as_ref().err(), found.nvrtc.as_ref().err()];
    first.into_iter().flatten().next().map(Missing::to_string)
}

fn as_text(found: &Found) -> Result<(), crate::failure::Failure> {
    let cpu = processor();
    let names: Vec<String> = match &found.devices {
        Ok(devices) => devices.iter().map(|device| format!("cuda:{}", device.number)).collect(),
        Err(_) => Vec::new(),
    };
    let mut rows = vec![
        ("cpu", format!("{} threads, SIMD: {}", cpu.threads, cpu.simd)),
        (
            "driver",
            found
                .driver
                .as_ref()
                .map_or_else(Missing::to_string, |v| format!("CUDA {}", dotted(*v))),
        ),
        (
            "nvrtc",
            found.nvrtc.as_ref().map_or_else(Missing::to_string, |v| format!("{}.{}", v.0, v.1)),
        ),
        (
            "cublas",
            if found.cublas {
                "found"
            } else {
                "not found: products of matrices run on kernels of our own (libcublas.so.12, of the \
                 CUDA toolkit 12)"
            }
            .into(),
        ),
        (
            "cudnn",
            found.cudnn.map(three).unwrap_or_else(|| {
                "no 9 or newer found: convolutions run on kernels of our own (pip install \
                 nvidia-cudnn-cu12, and set MIRRORFLOW_CUDNN to the folder of libcudnn.so.9)"
                    .into()
            }),
        ),
    ];
    match &found.devices {
        Ok(devices) => {
            for (name, device) in names.iter().zip(devices) {
                let (major, minor) = device.capability;
                let gib = device.memory as f64 / f64::from(1 << 30);
                rows.push((
                    name,
                    format!(
                        "{}, compute capability {major}.{minor}, {} multiprocessors, {gib:.1} GiB",
                        device.name, device.multiprocessors
                    ),
                ));
            }
        }
        // The line of the driver has said why.
        Err(_) if found.driver.is_err() => rows.push(("gpu", "none".into())),
        Err(why) => rows.push(("gpu", format!("none: {why}"))),
    }
    let choice = match (&found.devices, lacking(found)) {
        (Ok(devices), None) if devices.len() == 1 => "cuda:0".to_string(),
        (Ok(devices), None) => {
            format!("cuda:0 to cuda:{}, the batch split; networks cuda:0", devices.len() - 1)
        }
        _ => "cpu".into(),
    };
    rows.push(("auto", format!("--device auto takes {choice}")));
    output::pairs(&rows)
}

fn as_json(found: &Found) -> Value {
    let cpu = processor();
    let gpus: Vec<Value> = found.devices.iter().flatten().map(device_json).collect();
    json!({
        "cpu": { "threads": cpu.threads, "simd": cpu.simd },
        "cuda": {
            "driver": found.driver.as_ref().ok().map(|v| dotted(*v)),
            "nvrtc": found.nvrtc.as_ref().ok().map(|v| format!("{}.{}", v.0, v.1)),
            "cublas": found.cublas,
            "cudnn": found.cudnn.map(three),
            "usable": lacking(found).is_none(),
            "missing": lacking(found),
            "gpus": gpus,
        },
        "version": mirrorflow::VERSION,
    })
}

fn device_json(device: &Properties) -> Value {
    json!({
        "device": format!("cuda:{}", device.number),
        "name": device.name,
        "compute_capability": format!("{}.{}", device.capability.0, device.capability.1),
        "multiprocessors": device.multiprocessors,
        "memory_bytes": device.memory,
    })
}
