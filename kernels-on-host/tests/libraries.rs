//! Convolutions and linear layers on every machine against the processor: by our own kernels on the host, by cuDNN and cuBLAS on a
//! GPU, by what `simulated/` has of these on the simulated one. There it is also counted which of them the libraries took.

use mirrorflow::{
    Result,
    kernels::{
        array::{Array, Buffer, Home},
        device::Machine,
        network::{
            Real,
            convolution::{self, Conv2d, ConvShape},
            linear::{self, Linear},
        },
    },
};
use mirrorflow_kernels_on_host::{machines, simulated::Simulated};

/// Numbers within ±½ that repeat nowhere.
fn numbers<T: Real>(len: usize, seed: f64) -> Vec<T> {
    (0..len).map(|i| T::of(0.5 * (12.9898 * i as f64 + seed).sin())).collect()
}

/// y with and without bias, dx from zeros and added to what stood there, dw.
fn convolve<T: Real>(home: &Home, shape: ConvShape, batch: usize) -> Result<Vec<Vec<T>>> {
    let (input, output, weights) = shape.lens();
    let conv = Conv2d::<T>::new(shape)?;
    let place = |len, seed| Array::from_slice(home, &numbers::<T>(len, seed));
    let (x, w, dy) =
        (place(batch * input, 0.1)?, place(weights, 0.7)?, place(batch * output, 1.9)?);
    let bias = place(shape.outputs, 2.3)?;
    let (mut y, mut dx) = (place(batch * output, 3.1)?, place(batch * input, 4.7)?);
    let mut dw = place(weights, 5.3)?;
    let scratch = &mut Buffer::default();
    let mut found = Vec::new();
    for bias in [None, Some(bias.view())] {
        convolution::forward(&conv, x.view(), w.view(), bias, y.view_mut(), scratch)?;
        found.push(y.to_vec()?);
    }
    for accumulate in [false, true] {
        convolution::backward_input(
            &conv,
            dy.view(),
            w.view(),
            dx.view_mut(),
            accumulate,
            scratch,
        )?;
        found.push(dx.to_vec()?);
    }
    convolution::backward_weights(&conv, x.view(), dy.view(), dw.view_mut(), scratch)?;
    found.push(dw.to_vec()?);
    Ok(found)
}

fn linear<T: Real>(
    home: &Home,
    inputs: usize,
    outputs: usize,
    batch: usize,
) -> Result<Vec<Vec<T>>> {
    let layer = Linear { inputs, outputs };
    let place = |len, seed| Array::from_slice(home, &numbers::<T>(len, seed));
    let (x, w) = (place(batch * inputs, 0.1)?, place(inputs * outputs, 0.7)?);
    let (dy, bias) = (place(batch * outputs, 1.9)?, place(outputs, 2.3)?);
    let (mut y, mut dx) = (place(batch * outputs, 3.1)?, place(batch * inputs, 4.7)?);
    let mut dw = place(inputs * outputs, 5.3)?;
    let mut found = Vec::new();
    for bias in [None, Some(bias.view())] {
        linear::forward(&layer, x.view(), w.view(), bias, y.view_mut())?;
        found.push(y.to_vec()?);
    }
    for accumulate in [false, true] {
        linear::backward_input(&layer, dy.view(), w.view(), dx.view_mut(), accumulate)?;
        found.push(dx.to_vec()?);
    }
    linear::backward_weights(&layer, x.view(), dy.view(), dw.view_mut())?;
    found.push(dw.to_vec()?);
    Ok(found)
}

/// The terms are below ¼ in size and at most `terms`, summed in another order: 2 `terms` roundings of at most `terms`/4.
fn agree<T: Real>(found: &[Vec<T>], expected: &[Vec<T>], terms: usize, what: &str) {
    let rounding = if size_of::<T>() == 8 { f64::EPSILON } else { f64::from(f32::EPSILON) };
    let tolerance = rounding * (terms as f64 + 4.0).powi(2) / 2.0;
    for (which, (p, q)) in found.iter().zip(expected).enumerate() {
        assert_eq!(p.len(), q.len());
        for (i, (p, q)) in p.iter().zip(q).enumerate() {
            let off = (p.f64() - q.f64()).abs();
            assert!(off <= tolerance, "{what}, array {which}, [{i}]: {p} for {q}");
        }
    }
}

const COUNTERS: [&str; 3] = ["simulated_convolutions", "simulated_refusals", "simulated_products"];

fn check<T: Real>(machine: &dyn Machine) -> Result<()> {
    let simulated = Simulated::open().filter(|_| machine.name() == Simulated::NAME);
    let counts = || simulated.map(|s| COUNTERS.map(|counter| s.count(counter)));
    let since = |before: Option<[usize; 3]>| {
        counts().zip(before).map(|(now, before)| [0, 1, 2].map(|i| now[i] - before[i]))
    };
    let home = Home::on(machine)?;
    let cases = [
        // (height, width, inputs, outputs, kernel, stride, padding), batch; parts that the library takes, or refuses in the end
        ((6, 5, 3, 4, 3, 1, 1), 2, [5, 0]),
        ((7, 7, 1, 6, 5, 1, 2), 3, [5, 0]),
        ((8, 8, 4, 8, 1, 2, 0), 2, [5, 0]),
        ((5, 9, 2, 1, 3, 1, 0), 1, [5, 0]),
        // Refused at once: our own kernels, and no question when it comes to it.
        ((8, 8, 3, 4, 3, 2, 1), 2, [0, 0]),
        // Refused when it comes to it, once for each part.
        ((9, 9, 3, 4, 7, 2, 3), 2, [0, 3]),
        ((8, 8, 3, 5, 4, 4, 0), 2, [0, 3]),
    ];
    for ((height, width, inputs, outputs, kernel, stride, padding), batch, taken) in cases {
        let shape = ConvShape { height, width, inputs, outputs, kernel, stride, padding };
        let what = format!("{}, {shape:?}", machine.name());
        let before = counts();
        let found = convolve::<T>(&home, shape, batch)?;
        assert!(since(before).is_none_or(|c| c == [taken[0], taken[1], 0]), "{what}");
        let terms = batch * shape.out_height() * shape.out_width();
        let terms = terms.max(kernel * kernel * inputs.max(outputs));
        agree(&found, &convolve::<T>(&Home::Processor, shape, batch)?, terms, &what);
    }
    // With a single input, output or image a matrix can be read either way: a library refuses the wrong one.
    for (inputs, outputs, batch) in
        [(7, 5, 3), (1, 4, 2), (6, 1, 1), (1, 1, 4), (3, 3, 9), (300, 10, 17)]
    {
        let what = format!("{}, {inputs} to {outputs}", machine.name());
        let before = counts();
        let found = linear::<T>(&home, inputs, outputs, batch)?;
        assert!(since(before).is_none_or(|c| c == [0, 0, 5]), "{what}");
        let terms = inputs.max(outputs).max(batch);
        agree(&found, &linear::<T>(&Home::Processor, inputs, outputs, batch)?, terms, &what);
    }
    Ok(())
}

/// One test: the counters are of the process.
#[test]
fn libraries_compute_what_the_processor_does() -> Result<()> {
    let all = machines();
    assert!(!cfg!(target_os = "linux") || all.iter().any(|m| m.name().starts_with("cuda:")));
    for machine in &all {
        check::<f32>(machine.as_ref())?;
        check::<f64>(machine.as_ref())?;
    }
    if let Some(simulated) = Simulated::open() {
        assert_eq!(simulated.count("simulated_blocks"), 0, "memory is left behind");
        assert_eq!(simulated.count("simulated_faults"), 0, "a library was closed too late");
    }
    Ok(())
}
