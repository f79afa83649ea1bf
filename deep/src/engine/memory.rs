//! Where values and their gradients stand in memory.
//!
//! A ReLU overwrites its value where nobody needs it again (its maker, a convolution or linear
//! layer, does not, and nobody else reads it). Gradients of values live from the first layer that
//! writes one (going backwards) to the one that made the value, and share few places in turn; batch
//! norm, ReLU, GELU and sums turn `dy` into `dx` where it stands when they are the first to write
//! it.

use crate::network::{Network, Op, Value};

/// Gradients a layer reads and writes, as places.
#[derive(Debug, Clone, Default)]
pub(super) struct Back {
    /// dy.
    pub(super) output: usize,
    /// dx and whether it is added to what stands there; none for the input of the network.
    pub(super) input: Option<(usize, bool)>,
    /// The gradient of the residual, likewise.
    pub(super) residual: Option<(usize, bool)>,
}

#[derive(Debug)]
pub(super) struct Arena {
    /// Value → place among the activations.
    pub(super) place: Vec<usize>,
    /// Numbers of each such place for one image.
    pub(super) value_lens: Vec<usize>,
    /// Layer → the value it adds.
    pub(super) residual: Vec<Option<Value>>,
    /// What each layer does going backwards.
    pub(super) back: Vec<Back>,
    /// Numbers of each place of a gradient for one image.
    pub(super) gradient_lens: Vec<usize>,
}

impl Arena {
    pub(super) fn new(network: &Network) -> Self {
        let layers = network.layers();
        let residual: Vec<Option<Value>> = layers.iter().map(|l| l.op.added()).collect();
        let mut readers = vec![0; layers.len() + 1];
        for (layer, residual) in layers.iter().zip(&residual) {
            readers[layer.input] += 1;
            residual.iter().for_each(|v| readers[*v] += 1);
        }
        let mut place = vec![0];
        let mut value_lens = vec![network.input().len()];
        for (number, layer) in layers.iter().enumerate() {
            let made_by = layer.input.checked_sub(1).map(|maker| &layers[maker].op);
            let free = matches!(made_by, Some(Op::Conv { .. } | Op::Linear { .. }));
            if layer.op == Op::Relu && free && readers[layer.input] == 1 {
                place.push(place[layer.input]);
            } else {
                place.push(value_lens.len());
                value_lens.push(network.shape(number + 1).len());
            }
        }
        let mut slots =
            Slots { of: vec![None; layers.len() + 1], lens: Vec::new(), free: Vec::new() };
        slots.take(layers.len(), network.shape(layers.len()).len());
        let mut back = vec![Back::default(); layers.len()];
        for (number, layer) in layers.iter().enumerate().rev() {
            // Every value has a reader (a network is checked for that), which came before.
            let output = slots.take(number + 1, network.shape(number + 1).len()).0;
            back[number].output = output;
            if let Some(value) = residual[number].filter(|v| *v != 0) {
                back[number].residual = Some(slots.take(value, network.shape(value).len()));
            }
            let in_place =
                matches!(layer.op, Op::BatchNorm { .. } | Op::Relu | Op::Gelu | Op::Add { .. });
            if layer.input == 0 {
                slots.free.push(output);
            } else if in_place && slots.of[layer.input].is_none() {
                slots.of[layer.input] = Some(output);
                back[number].input = Some((output, false));
            } else {
                let len = network.shape(layer.input).len();
                back[number].input = Some(slots.take(layer.input, len));
                slots.free.push(output);
            }
        }
        Self { place, value_lens, residual, back, gradient_lens: slots.lens }
    }
}

struct Slots {
    of: Vec<Option<usize>>,
    lens: Vec<usize>,
    free: Vec<usize>,
}

impl Slots {
    /// The place of a value's gradient and whether something stands there already.
    fn take(&mut self, value: Value, len: usize) -> (usize, bool) {
        if let Some(slot) = self.of[value] {
            return (slot, true);
        }
        // The free place that grows least, or is largest.
        let best = (0..self.free.len()).min_by_key(|i| {
            (len.saturating_sub(self.lens[self.free[*i]]), self.lens[self.free[*i]])
        });
        let slot = match best {
            Some(i) => self.free.swap_remove(i),
            None => {
                self.lens.push(0);
                self.lens.len() - 1
            }
        };
        self.lens[slot] = self.lens[slot].max(len);
        self.of[value] = Some(slot);
        (slot, false)
    }
}
