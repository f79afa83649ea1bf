//! The sets that have a name.

use std::path::Path;

use mirrorflow::{Error, Result};

use super::{Dataset, cifar, digits, folder, idx};
use crate::network::Shape;

/// A set of images that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// See the table above.
    Digits,
    /// Handwritten digits.
    Mnist,
    /// Pieces of clothing, in the files of MNIST.
    FashionMnist,
    /// Ten classes.
    Cifar10,
    /// A hundred classes.
    Cifar100,
    /// One folder a class.
    Folder,
}

/// Images of a set: their shape, its classes, and how many training and test images it has.
pub(crate) struct Known {
    pub(crate) shape: Shape,
    pub(crate) classes: usize,
    pub(crate) images: [usize; 2],
}

impl Set {
    /// The set of a name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<Self> {
        let all = [
            Self::Digits,
            Self::Mnist,
            Self::FashionMnist,
            Self::Cifar10,
            Self::Cifar100,
            Self::Folder,
        ];
        all.into_iter().find(|set| set.name() == name).ok_or_else(|| Error::Domain {
            what: "the data set".into(),
            expected: "digits, mnist, fashion-mnist, cifar10, cifar100, folder or generated".into(),
            found: format!("{name:?}"),
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::Folder => "folder",
        }
    }

    /// What is known of it without its files; of a folder that it is ImageNet.
    pub(crate) fn known(self) -> Option<Known> {
        let known = |[height, width, channels]: [usize; 3], classes, images| {
            Some(Known { shape: Shape { height, width, channels }, classes, images })
        };
        match self {
            Self::Digits => None,
            Self::Mnist | Self::FashionMnist => known([28, 28, 1], 10, [60_000, 10_000]),
            Self::Cifar10 => known([32, 32, 3], 10, [50_000, 10_000]),
            Self::Cifar100 => known([32, 32, 3], 100, [50_000, 10_000]),
            Self::Folder => known([224, 224, 3], 1000, [1_281_167, 50_000]),
        }
    }

    /// Its training and its test images, from `folder` (which `digits` does not need).
    ///
    /// # Errors
    /// When a file is missing, cut off, damaged or inconsistent: which one and what is wrong.
    pub fn open(self, folder: Option<&Path>) -> Result<(Dataset, Dataset)> {
        let needed = || {
            folder.ok_or_else(|| Error::Domain {
                what: format!("the folder of {}", self.name()),
                expected:
                    "a folder with its files: --data DIR, or data.folder in the configuration"
                        .into(),
                found: "none".into(),
            })
        };
        match self {
            Self::Digits => digits::open(),
            Self::Mnist | Self::FashionMnist => idx::open(self.name(), needed()?),
            Self::Cifar10 | Self::Cifar100 => cifar::open(self.name(), needed()?),
            Self::Folder => folder::open(needed()?, 224),
        }
    }
}
