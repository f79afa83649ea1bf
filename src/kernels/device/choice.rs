//! The device that the user asks for.

use std::{fmt, str::FromStr};

use crate::{Error, Result};

/// The device asked for: `auto`, `cpu` or `cuda:N`.
///
/// ```
/// use mirrorflow::kernels::device::Device;
/// assert_eq!("cuda:1".parse::<Device>()?, Device::Cuda(1));
/// assert_eq!(Device::Auto.to_string(), "auto");
/// let why = "gpu".parse::<Device>().unwrap_err().to_string();
/// assert!(why.contains("auto, cpu or cuda:N"), "{why}");
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// Every CUDA device that works, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The CUDA device of this number, and no other.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
        }
    }
}

impl FromStr for Device {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Err(Error::Parse { what: "device".into(), text: text.into(), why: why.into() })
        };
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => wrong("expected the number of the device, as in cuda:0"),
            _ => match text.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(n)) => Ok(Self::Cuda(n)),
                Some(Err(_)) => wrong("expected a whole number after cuda:, as in cuda:0"),
                None => wrong("expected auto, cpu or cuda:N"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::kernels::device::*;

    #[test]
    fn wrong_texts_say_what_would_be_right() {
        for (text, part) in [
            ("", "auto, cpu or cuda:N"),
            ("CUDA:0", "auto, cpu or cuda:N"),
            ("cuda", "cuda:0"),
            ("cuda:", "whole number"),
            ("cuda:-1", "whole number"),
            ("cuda:0x1", "whole number"),
            ("cuda:99999999999999999999999", "whole number"),
        ] {
            let why = text.parse::<Device>().expect_err(text).to_string();
            assert!(why.contains(part), "{text}: {why}");
        }
    }

    proptest! {
        #[test]
        fn text_and_device_go_both_ways(n in any::<usize>(), which in 0..3) {
            let device = [Device::Auto, Device::Cpu, Device::Cuda(n)][which as usize];
            prop_assert_eq!(device.to_string().parse::<Device>().expect("its own text"), device);
        }
    }
}
