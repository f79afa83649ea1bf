//! ResNet-18 with weights put in by torchvision's names gives torchvision's logits
//! (`tests/data/torchvision_names.py`).
//!
//! In f64: each of 18 layers of sums of up to 4608 terms adds √4608·u relative to what it makes,
//! and each may double what it gets: `8·18·√4608·u ≈ 1.1e-12` of the largest logit.

use mirrorflow::Result;
use mirrorflow_deep::{
    engine::{Mode, Model},
    network::{Shape, named},
};

use super::{
    Arrays, close,
    epoch::{initial, uniform},
    images, read,
};

#[test]
fn resnet18_is_torchvision_s() -> Result<()> {
    let shape = Shape { height: 64, width: 64, channels: 3 };
    let network = named("resnet18-imagenet", shape, 1000)?;
    let at = initial::<f64>(&network);
    let mut model = Model::<f64>::new(&network, 1)?;
    for (name, to) in model.statistics_mut() {
        let mean = name.ends_with("running_mean");
        let u = uniform(&name, to.len()).into_iter();
        let values: Vec<f64> = u.map(|u| if mean { 0.1 * u } else { 1.0 + 0.5 * u }).collect();
        to.view_mut().write(&values)?;
    }
    let image = Arrays::from([("x".to_owned(), uniform("image", shape.len()))]);
    let found = model.forward(&images(&image, shape), &at, Mode::Evaluate)?.to_vec()?;
    let expected = &read("torchvision_resnet18.npz")["logits"];
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
    for (f, e) in found.iter().zip(expected) {
        close("a logit", *f, *e, scale, 8.0 * 18.0 * 4608.0_f64.sqrt() * f64::EPSILON / 2.0);
    }
    Ok(())
}
