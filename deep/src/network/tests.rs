//! Parameter counts as published, and networks that cannot be.

use super::{Layer, Network, Op, Shape, named};

fn count(name: &str, size: usize, channels: usize, classes: usize) -> usize {
    match named(name, Shape { height: size, width: size, channels }, classes) {
        Ok(network) => network.parameter_count(),
        Err(error) => panic!("{error}"),
    }
}

/// torchvision's published counts; the others by hand (784·300 + 300 + …).
#[test]
fn parameters_are_as_many_as_published() {
    assert_eq!(count("mlp", 28, 1, 10), 266_610);
    assert_eq!(count("lenet5", 28, 1, 10), 61_706);
    assert_eq!(count("resnet20", 32, 3, 10), 272_474);
    assert_eq!(count("resnet18-imagenet", 224, 3, 1000), 11_689_512);
    assert_eq!(count("resnet50", 224, 3, 1000), 25_557_032);
    // The CIFAR stem has 27 instead of 147 weights a channel: 64·120 fewer; 100 classes: 900·513
    // fewer.
    assert_eq!(count("resnet18", 32, 3, 100), 11_689_512 - 64 * 120 - 900 * 513);
}

#[test]
fn names_are_torchvision_s() {
    let image = Shape { height: 224, width: 224, channels: 3 };
    let Ok(network) = named("resnet18-imagenet", image, 1000) else { panic!("resnet18 is known") };
    let shape_of =
        |name: &str| network.parameters().iter().find(|p| p.name == name).map(|p| p.shape.clone());
    assert_eq!(shape_of("conv1.weight"), Some(vec![64, 3, 7, 7]));
    assert_eq!(shape_of("layer2.0.downsample.0.weight"), Some(vec![128, 64, 1, 1]));
    assert_eq!(shape_of("layer4.1.bn2.bias"), Some(vec![512]));
    assert_eq!(shape_of("fc.weight"), Some(vec![1000, 512]));
    assert_eq!(network.parameters().len(), 62);
}

#[test]
fn networks_that_cannot_be_say_why() {
    let image = Shape { height: 8, width: 8, channels: 1 };
    let say = |network: mirrorflow::Result<Network>| match network {
        Ok(_) => panic!("refused"),
        Err(error) => error.to_string(),
    };
    assert!(say(named("resnet21", image, 10)).contains("resnet20"));
    assert!(
        say(named("lenet5", Shape { height: 3, width: 3, channels: 1 }, 10)).contains("kernel")
    );
    let layer = Layer { name: "a".into(), op: Op::Relu, input: 1 };
    assert!(say(Network::new("n", image, vec![layer])).contains("values 0…0"));
    let add = Op::BatchNorm { residual: Some(0), relu: true };
    let conv = Op::Conv { outputs: 2, kernel: 3, stride: 1, padding: 1, bias: false };
    let layers = [("c", conv, 0), ("b", add, 1)];
    let layers = layers.map(|(name, op, input)| Layer { name: name.into(), op, input }).to_vec();
    assert!(say(Network::new("n", image, layers)).contains("8×8×1"));
}
