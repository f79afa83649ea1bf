//! Networks run: forward, loss, backward, with all memory laid out beforehand.
//!
//! A [`Model`] keeps the activations of a batch; parameters are one flat array that the caller owns (so that
//! reparameterizations and optimisers work on it in one pass), the gradient another of the same layout.

mod memory;
mod node;
mod tokens;

use mirrorflow::{
    Error, Result,
    kernels::nn::{
        Buffer, Real, pointwise,
        softmax::{Scores, cross_entropy},
        squared::squared,
    },
};

use crate::network::{Network, Shape};
use memory::Plan;
use node::Node;

/// How batch norm takes its statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// From the batch, updating the running ones.
    Train,
    /// The running ones.
    Evaluate,
}

/// Runs `work` on a thread of rayon's pool: from there handing out a layer's work takes a microsecond, from outside threads are
/// woken and waited for every time.
fn inside<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

/// Numbers of memory an image of a batch takes, activations and their gradients.
pub fn numbers_per_image(network: &Network) -> usize {
    let plan = Plan::new(network);
    plan.value_lens.iter().chain(&plan.gradient_lens).sum()
}

/// A network with memory for batches of up to a given size.
#[derive(Debug)]
pub struct Model<T> {
    network: Network,
    nodes: Vec<Node<T>>,
    plan: Plan,
    batch: usize,
    /// Images of the last forward pass.
    images: usize,
    /// Passes of training so far.
    passes: u64,
    /// Activations; a value that overwrites another shares its place.
    values: Vec<Buffer<T>>,
    gradients: Vec<Buffer<T>>,
    scratch: Buffer<T>,
}

impl<T: Real> Model<T> {
    /// Memory for `batch` images at once.
    ///
    /// # Errors
    /// When the batch is empty.
    pub fn new(network: &Network, batch: usize) -> Result<Self> {
        if batch == 0 {
            return Err(Error::Domain {
                what: "the batch size".into(),
                expected: "at least 1".into(),
                found: "0".into(),
            });
        }
        let plan = Plan::new(network);
        let nodes = (0..network.layers().len())
            .map(|layer| Node::new(network, layer, batch))
            .collect::<Result<Vec<_>>>()?;
        let buffers = |lens: &[usize]| lens.iter().map(|len| Buffer::new(batch * len)).collect();
        Ok(Self {
            network: network.clone(),
            nodes,
            batch,
            images: 0,
            passes: 0,
            values: buffers(&plan.value_lens),
            gradients: buffers(&plan.gradient_lens),
            plan,
            scratch: Buffer::default(),
        })
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
        let numbers = |b: &[Buffer<T>]| b.iter().map(|b| b.len()).sum::<usize>();
        (numbers(&self.values) + numbers(&self.gradients)) * size_of::<T>()
    }

    /// Running statistics of batch norm by name: mean and variance of each such layer.
    pub fn statistics(&self) -> impl Iterator<Item = (String, &[T])> {
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
    pub fn statistics_mut(&mut self) -> impl Iterator<Item = (String, &mut [T])> {
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

    /// The logits of some images (B×height×width×channels, B at most the batch size).
    ///
    /// # Errors
    /// When `x` is not a whole number of images, too many, or `parameters` does not fit the network.
    pub fn forward(&mut self, x: &[T], parameters: &[T], mode: Mode) -> Result<&[T]> {
        self.check(parameters)?;
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
        pointwise::copy(&mut self.values[self.plan.place[0]][..x.len()], x)?;
        inside(|| (0..self.nodes.len()).try_for_each(|l| self.step(l, parameters, mode)))?;
        let last = self.nodes.len();
        Ok(&self.values[self.plan.place[last]][..self.images * self.network.classes()])
    }

    fn check(&self, parameters: &[T]) -> Result<()> {
        let expected = self.network.parameter_count();
        if parameters.len() == expected {
            return Ok(());
        }
        Err(Error::Shape {
            what: format!("the parameters of {}", self.network.name()),
            expected: expected.to_string(),
            found: parameters.len().to_string(),
        })
    }

    fn len_of(&self, value: usize) -> usize {
        self.images * self.network.shape(value).len()
    }

    fn step(&mut self, layer: usize, parameters: &[T], mode: Mode) -> Result<()> {
        let input = self.network.layers()[layer].input;
        let (from, to) = (self.plan.place[input], self.plan.place[layer + 1]);
        let (in_len, out_len) = (self.len_of(input), self.len_of(layer + 1));
        if from == to {
            pointwise::relu(&mut self.values[to][..out_len]);
            return Ok(());
        }
        // The output leaves its place while the inputs are read.
        let mut y = std::mem::take(&mut self.values[to]);
        let residual =
            self.plan.residual[layer].map(|v| &self.values[self.plan.place[v]][..out_len]);
        let done = self.nodes[layer].forward(
            &self.values[from][..in_len],
            parameters,
            residual,
            mode,
            &mut y[..out_len],
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
        self.labelled(labels)?;
        let last = self.nodes.len();
        let logits = &self.values[self.plan.place[last]][..self.images * self.network.classes()];
        cross_entropy(logits, labels, None)
    }

    fn labelled(&self, labels: &[u32]) -> Result<()> {
        if labels.len() == self.images && self.images > 0 {
            return Ok(());
        }
        Err(Error::Shape {
            what: "labels".into(),
            expected: format!("{} as images of the forward pass", self.images),
            found: labels.len().to_string(),
        })
    }

    /// Loss and accuracy of the last forward pass, which must be one of training, and the gradient of the loss with
    /// respect to all parameters.
    ///
    /// # Errors
    /// As [`Model::scores`], and when the gradient does not fit the network.
    pub fn backward(
        &mut self,
        labels: &[u32],
        parameters: &[T],
        gradient: &mut [T],
    ) -> Result<Scores> {
        self.labelled(labels)?;
        self.check(parameters)?;
        self.check(gradient)?;
        let (slot, len) = self.last_gradient();
        let last = self.nodes.len();
        let logits = &self.values[self.plan.place[last]][..len];
        let scores = cross_entropy(logits, labels, Some(&mut self.gradients[slot][..len]))?;
        self.propagate(parameters, gradient)?;
        Ok(scores)
    }

    /// The squared loss of the last forward pass, `(1/B) Σ_b ½‖z_b − t_b‖²` for targets t (B×outputs), and its gradient with
    /// respect to all parameters: regression in place of [`Model::backward`].
    ///
    /// # Errors
    /// When the targets are not as many as the outputs, or the gradient does not fit the network.
    ///
    /// # Examples
    /// ```
    /// use mirrorflow_deep::{engine::{Mode, Model}, network::{Shape, named}};
    /// let two = Shape { height: 1, width: 1, channels: 2 };
    /// let mut model = Model::<f64>::new(&named("diagonal", two, 1)?, 1)?;
    /// let (x, mut gradient) = ([0.5, 0.25], [0.0; 2]);
    /// model.forward(&[2.0, 4.0], &x, Mode::Train)?;
    /// assert_eq!(model.backward_squared(&[5.0], &x, &mut gradient)?, 4.5);
    /// assert_eq!(gradient, [-6.0, -12.0]);
    /// # Ok::<(), mirrorflow::Error>(())
    /// ```
    pub fn backward_squared(
        &mut self,
        targets: &[T],
        parameters: &[T],
        gradient: &mut [T],
    ) -> Result<f64> {
        self.check(parameters)?;
        self.check(gradient)?;
        let (slot, len) = self.last_gradient();
        let outputs = &self.values[self.plan.place[self.nodes.len()]][..len];
        let loss = squared(outputs, targets, self.images, Some(&mut self.gradients[slot][..len]))?;
        self.propagate(parameters, gradient)?;
        Ok(loss)
    }

    /// Where the gradient of the last value stands, and its numbers.
    fn last_gradient(&self) -> (usize, usize) {
        let last = self.nodes.len();
        (self.plan.back[last - 1].output, self.len_of(last))
    }

    /// From the gradient of the last value to those of all parameters.
    fn propagate(&mut self, parameters: &[T], gradient: &mut [T]) -> Result<()> {
        let mut layers = (0..self.nodes.len()).rev();
        inside(|| layers.try_for_each(|l| self.step_back(l, parameters, gradient)))
    }

    fn step_back(&mut self, layer: usize, parameters: &[T], gradient: &mut [T]) -> Result<()> {
        let input = self.network.layers()[layer].input;
        let (in_len, out_len) = (self.len_of(input), self.len_of(layer + 1));
        let back = self.plan.back[layer].clone();
        let mut dy = std::mem::take(&mut self.gradients[back.output]);
        let x = &self.values[self.plan.place[input]][..in_len];
        let y = &self.values[self.plan.place[layer + 1]][..out_len];
        let node = &mut self.nodes[layer];
        node.backward_parameters(x, y, &mut dy[..out_len], gradient, &mut self.scratch)?;
        if let Some((slot, accumulate)) = back.residual {
            let to = &mut self.gradients[slot][..out_len];
            if accumulate {
                pointwise::add(to, &dy[..out_len])?;
            } else {
                pointwise::copy(to, &dy[..out_len])?;
            }
        }
        if let Some((slot, accumulate)) = back.input {
            let dy = &mut dy[..out_len];
            node.backward_in_place(x, y, dy, parameters, gradient, &mut self.scratch)?;
            if slot != back.output {
                let dx = &mut self.gradients[slot][..in_len];
                node.backward_input(x, y, dy, parameters, dx, accumulate, &mut self.scratch)?;
            }
        }
        self.gradients[back.output] = dy;
        Ok(())
    }

    /// The shape of an input image.
    pub fn input(&self) -> Shape {
        self.network.input()
    }
}

#[cfg(test)]
mod tests;
