//! From the loss of a batch to the gradient with respect to all parameters: layers backward, each
//! once.

use mirrorflow::{
    Result,
    kernels::{
        array::{View, ViewMut},
        network::{
            Real,
            loss::{Totals, cross_entropy, host::Scores, squared::squared},
            pointwise,
        },
    },
};

use super::{Model, inside, of_batch};

impl<T: Real> Model<T> {
    /// Loss and accuracy of the last forward pass, which must be one of training, and the gradient
    /// of the loss with respect to all parameters.
    ///
    /// # Errors
    /// As [`Model::scores`], and when the gradient does not fit the network.
    pub fn backward<'p, 'g>(
        &mut self,
        labels: &[u32],
        parameters: impl Into<View<'p, T>>,
        gradient: impl Into<ViewMut<'g, T>>,
    ) -> Result<Scores> {
        let mut totals = Totals::new(&self.device)?;
        self.add_backward(labels, parameters, gradient, &mut totals)?;
        of_batch(&totals)
    }

    /// The same, with loss and accuracy added to totals at the same device: nobody waits for it.
    ///
    /// # Errors
    /// As [`Model::backward`].
    pub fn add_backward<'p, 'g>(
        &mut self,
        labels: &[u32],
        parameters: impl Into<View<'p, T>>,
        gradient: impl Into<ViewMut<'g, T>>,
        totals: &mut Totals,
    ) -> Result<()> {
        let (parameters, gradient) = (parameters.into(), gradient.into());
        self.take_labels(labels)?;
        self.check(parameters.len())?;
        self.check(gradient.len())?;
        let (slot, len) = self.last_gradient();
        let mut slopes = std::mem::take(&mut self.gradients[slot]);
        let (labels, to) = (self.labels.part(0..self.images), slopes.part_mut(0..len));
        let done = cross_entropy(self.logits(), labels, Some(to), totals);
        self.gradients[slot] = slopes;
        done?;
        self.propagate(parameters, gradient)
    }

    /// The squared loss of the last forward pass, `(1/B) Σ_b ½‖z_b − t_b‖²` for targets t
    /// (B×outputs), and its gradient with respect to all parameters: regression in place of
    /// [`Model::backward`]. From a device the outputs come to the processor, and the gradient of
    /// the loss with respect to them goes back.
    ///
    /// # Errors
    /// When the targets are not as many as the outputs, the gradient does not fit the network, or
    /// the device fails.
    ///
    /// # Examples
    /// ```
    /// use mirrorflow_deep::{engine::{Mode, Model}, network::{Shape, named}};
    /// let two = Shape { height: 1, width: 1, channels: 2 };
    /// let mut model = Model::<f64>::new(&named("diagonal", two, 1)?, 1)?;
    /// let (x, mut gradient) = ([0.5, 0.25], [0.0; 2]);
    /// model.forward(&[2.0, 4.0], &x[..], Mode::Train)?;
    /// assert_eq!(model.backward_squared(&[5.0], &x[..], &mut gradient[..])?, 4.5);
    /// assert_eq!(gradient, [-6.0, -12.0]);
    /// # Ok::<(), mirrorflow::Error>(())
    /// ```
    pub fn backward_squared<'p, 'g>(
        &mut self,
        targets: &[T],
        parameters: impl Into<View<'p, T>>,
        gradient: impl Into<ViewMut<'g, T>>,
    ) -> Result<f64> {
        let (parameters, gradient) = (parameters.into(), gradient.into());
        self.check(parameters.len())?;
        self.check(gradient.len())?;
        let (slot, len) = self.last_gradient();
        let outputs = self.logits().to_vec()?;
        let mut slopes = vec![T::ZERO; len];
        let loss = squared(&outputs, targets, self.images, Some(&mut slopes))?;
        self.gradients[slot].part_mut(0..len).write(&slopes)?;
        self.propagate(parameters, gradient)?;
        Ok(loss)
    }

    /// Where the gradient of the last value stands, and its numbers.
    fn last_gradient(&self) -> (usize, usize) {
        let last = self.nodes.len();
        (self.arena.back[last - 1].output, self.len_of(last))
    }

    /// From the gradient of the last value to those of all parameters.
    fn propagate(&mut self, parameters: View<'_, T>, mut gradient: ViewMut<'_, T>) -> Result<()> {
        let device = self.device.clone();
        let mut layers = (0..self.nodes.len()).rev();
        inside(&device, || layers.try_for_each(|l| self.step_back(l, parameters, gradient.again())))
    }

    fn step_back(
        &mut self,
        layer: usize,
        parameters: View<'_, T>,
        mut gradient: ViewMut<'_, T>,
    ) -> Result<()> {
        let input = self.network.layers()[layer].input;
        let (in_len, out_len) = (self.len_of(input), self.len_of(layer + 1));
        let back = self.arena.back[layer].clone();
        // dy leaves its place while the others are written; an error ends the step, and with it
        // what stands there.
        let mut taken = std::mem::take(&mut self.gradients[back.output]);
        let mut dy = taken.part_mut(0..out_len);
        let x = self.values[self.arena.place[input]].part(0..in_len);
        let y = self.values[self.arena.place[layer + 1]].part(0..out_len);
        let (node, scratch) = (&mut self.nodes[layer], &mut self.scratch);
        node.backward_parameters(x, y, dy.again(), gradient.again(), scratch)?;
        if let Some((slot, accumulate)) = back.residual {
            let to = self.gradients[slot].part_mut(0..out_len);
            if accumulate {
                pointwise::add(dy.view(), to)?;
            } else {
                pointwise::copy(dy.view(), to)?;
            }
        }
        if let Some((slot, accumulate)) = back.input {
            node.backward_in_place(x, y, dy.again(), parameters, gradient.view(), scratch)?;
            if slot != back.output {
                let dx = self.gradients[slot].part_mut(0..in_len);
                node.backward_input(x, y, dy.view(), parameters, dx, accumulate, scratch)?;
            }
        }
        self.gradients[back.output] = taken;
        Ok(())
    }
}
