//! Networks run: forward, loss, backward, with all memory laid out beforehand.
//!
//! A [`Model`] keeps the activations of a batch; parameters are one flat array that the caller owns
//! (so that reparameterizations and optimisers work on it in one pass), the gradient another of the
//! same layout. All of it stands at one [`Home`]: the processor, or a device, to which a step
//! brings images and labels and which keeps loss and hits until they are asked for. The layers are
//! written once, on [arrays](mirrorflow::kernels::array).

mod backward;
mod memory;
mod node;

use mirrorflow::{
    Error, Result,
    kernels::{
        array::{Array, Buffer, Home, View},
        network::{
            Real,
            loss::{Totals, check_labels, cross_entropy, host::Scores},
            pointwise,
        },
    },
};

use crate::network::{Network, Shape};
use memory::Arena;
use node::Node;

/// How batch norm takes its statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// From the batch, updating the running ones.
    Train,
    /// The running ones.
    Evaluate,
}

/// Runs `work` for the processor on a thread of rayon's pool: from there handing out a layer's work
/// takes a microsecond, from outside threads are woken and waited for every time.
fn inside<R: Send>(device: &Home, work: impl FnOnce() -> R + Send) -> R {
    match device {
        Home::Processor => rayon::scope(|_| work()),
        Home::Machine(_) => work(),
    }
}

/// Numbers of memory an image of a batch takes, activations and their gradients.
pub fn numbers_per_image(network: &Network) -> usize {
    let arena = Arena::new(network);
    arena.value_lens.iter().chain(&arena.gradient_lens).sum()
}

/// A network with memory for batches of up to a given size.
#[derive(Debug)]
pub struct Model<T: Real> {
    device: Home,
    network: Network,
    nodes: Vec<Node<T>>,
    arena: Arena,
    batch: usize,
    /// Images of the last forward pass.
    images: usize,
    /// Passes of training so far.
    passes: u64,
    /// Activations; a value that overwrites another shares its place.
    values: Vec<Array<T>>,
    gradients: Vec<Array<T>>,
    labels: Array<u32>,
    scratch: Buffer<T>,
}

impl<T: Real> Model<T> {
    /// Memory for `batch` images at once, on the processor.
    ///
    /// # Errors
    /// When the batch is empty.
    pub fn new(network: &Network, batch: usize) -> Result<Self> {
        Self::at(&Home::Processor, network, batch)
    }

    /// The same on any device; parameters and gradients must stand there too.
    ///
    /// # Errors
    /// When the batch is empty, or the device has no room.
    pub fn at(device: &Home, network: &Network, batch: usize) -> Result<Self> {
        if batch == 0 {
            return Err(Error::Domain {
                what: "the batch size".into(),
                expected: "at least 1".into(),
                found: "0".into(),
            });
        }
        let arena = Arena::new(network);
        let nodes = (0..network.layers().len())
            .map(|layer| Node::new(device, network, layer, batch))
            .collect::<Result<Vec<_>>>()?;
        let arrays = |lens: &[usize]| -> Result<Vec<_>> {
            lens.iter().map(|len| Array::zeros(device, batch * len)).collect()
        };
        Ok(Self {
            device: device.clone(),
            network: network.clone(),
            nodes,
            batch,
            images: 0,
            passes: 0,
            values: arrays(&arena.value_lens)?,
            gradients: arrays(&arena.gradient_lens)?,
            labels: Array::zeros(device, batch)?,
            arena,
            scratch: Buffer::default(),
        })
    }

    /// Where it stands.
    pub fn device(&self) -> &Home {
        &self.device
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Images of a batch, at most.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Bytes of activations and gradients of activations.
    pub fn bytes(&self) -> usize {
        let numbers = |b: &[Array<T>]| b.iter().map(|b| b.len()).sum::<usize>();
        (numbers(&self.values) + numbers(&self.gradients)) * size_of::<T>()
    }

    /// Running statistics of batch norm by name: mean and variance of each such layer.
    pub fn statistics(&self) -> impl Iterator<Item = (String, &Array<T>)> {
        let layers = self.network.layers().iter().zip(&self.nodes);
        layers.flat_map(|(layer, node)| {
            node.statistics().into_iter().flat_map(|(mean, variance)| {
                [
                    (format!("{}.running_mean", layer.name), mean),
                    (format!("{}.running_var", layer.name), variance),
                ]
            })
        })
    }

    /// The same, to be changed.
    pub fn statistics_mut(&mut self) -> impl Iterator<Item = (String, &mut Array<T>)> {
        let layers = self.network.layers().iter().zip(&mut self.nodes);
        layers.flat_map(|(layer, node)| {
            node.statistics_mut().into_iter().flat_map(|(mean, variance)| {
                [
                    (format!("{}.running_mean", layer.name), mean),
                    (format!("{}.running_var", layer.name), variance),
                ]
            })
        })
    }

    /// Passes of training that the running statistics have seen: PyTorch's `num_batches_tracked`.
    pub fn passes(&self) -> u64 {
        self.passes
    }

    /// Sets what [`Model::passes`] counts on from, as a checkpoint says.
    pub fn set_passes(&mut self, passes: u64) {
        self.passes = passes;
    }

    /// The logits of some images (B×height×width×channels, B at most the batch size, on the
    /// processor).
    ///
    /// # Errors
    /// When `x` is not a whole number of images, too many, `parameters` does not fit the network or
    /// stands elsewhere, or the device fails.
    pub fn forward<'p>(
        &mut self,
        x: &[T],
        parameters: impl Into<View<'p, T>>,
        mode: Mode,
    ) -> Result<View<'_, T>> {
        let parameters = parameters.into();
        self.check(parameters.len())?;
        let image = self.network.input().len();
        if x.is_empty() || !x.len().is_multiple_of(image) || x.len() > image * self.batch {
            return Err(Error::Shape {
                what: "a batch of images".into(),
                expected: format!("1…{} times {}", self.batch, self.network.input()),
                found: format!("{} numbers", x.len()),
            });
        }
        self.images = x.len() / image;
        self.passes += u64::from(mode == Mode::Train);
        let first = self.values[self.arena.place[0]].part_mut(0..x.len());
        match self.device {
            Home::Processor => pointwise::copy(x.into(), first)?,
            Home::Machine(_) => first.write(x)?,
        }
        let device = self.device.clone();
        inside(&device, || (0..self.nodes.len()).try_for_each(|l| self.step(l, parameters, mode)))?;
        Ok(self.logits())
    }

    fn logits(&self) -> View<'_, T> {
        let last = self.nodes.len();
        self.values[self.arena.place[last]].part(0..self.images * self.network.classes())
    }

    fn check(&self, found: usize) -> Result<()> {
        let expected = self.network.parameter_count();
        if found == expected {
            return Ok(());
        }
        Err(Error::Shape {
            what: format!("the parameters of {}", self.network.name()),
            expected: expected.to_string(),
            found: found.to_string(),
        })
    }

    fn len_of(&self, value: usize) -> usize {
        self.images * self.network.shape(value).len()
    }

    fn step(&mut self, layer: usize, parameters: View<'_, T>, mode: Mode) -> Result<()> {
        let input = self.network.layers()[layer].input;
        let (from, to) = (self.arena.place[input], self.arena.place[layer + 1]);
        let (in_len, out_len) = (self.len_of(input), self.len_of(layer + 1));
        if from == to {
            return pointwise::relu(self.values[to].part_mut(0..out_len));
        }
        // The output leaves its place while the inputs are read.
        let mut y = std::mem::take(&mut self.values[to]);
        let residual =
            self.arena.residual[layer].map(|v| self.values[self.arena.place[v]].part(0..out_len));
        let done = self.nodes[layer].forward(
            self.values[from].part(0..in_len),
            parameters,
            residual,
            mode,
            y.part_mut(0..out_len),
            &mut self.scratch,
        );
        self.values[to] = y;
        done
    }

    /// Loss and accuracy of the last forward pass.
    ///
    /// # Errors
    /// When there are not as many labels as images, or one is not a class.
    pub fn scores(&mut self, labels: &[u32]) -> Result<Scores> {
        let mut totals = Totals::new(&self.device)?;
        self.add_scores(labels, &mut totals)?;
        of_batch(&totals)
    }

    /// The same, added to totals at the same device: nobody waits for it.
    ///
    /// # Errors
    /// As [`Model::scores`].
    pub fn add_scores(&mut self, labels: &[u32], totals: &mut Totals) -> Result<()> {
        self.take_labels(labels)?;
        cross_entropy(self.logits(), self.labels.part(0..self.images), None, totals)
    }

    fn take_labels(&mut self, labels: &[u32]) -> Result<()> {
        if labels.len() != self.images || self.images == 0 {
            return Err(Error::Shape {
                what: "labels".into(),
                expected: format!("{} as images of the forward pass", self.images),
                found: labels.len().to_string(),
            });
        }
        check_labels(labels, self.network.classes())?;
        self.labels.part_mut(0..labels.len()).write(labels)
    }

    /// The shape of an input image.
    pub fn input(&self) -> Shape {
        self.network.input()
    }
}

/// The scores of the one batch in these totals.
fn of_batch(totals: &Totals) -> Result<Scores> {
    let found = totals.read()?;
    Ok(Scores { loss: found.loss, correct: found.correct })
}

#[cfg(test)]
mod tests;
